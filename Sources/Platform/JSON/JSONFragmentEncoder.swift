/// The face of a ``JSONFragment`` for `Encodable`.
struct JSONFragmentEncoder: Encoder {
  let fragment: JSONFragment
  var codingPath: [any CodingKey] { fragment.path }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    fragment.open(.object)
    return KeyedEncodingContainer(JSONKeyedContainer<Key>(fragment: fragment))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    fragment.open(.array)
    return JSONUnkeyedContainer(fragment: fragment)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { JSONSingleContainer(fragment: fragment) }
}

private struct JSONKeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let fragment: JSONFragment
  var codingPath: [any CodingKey] { fragment.path }

  func encodeNil(forKey key: Key) {
    fragment.name(key.stringValue)
    fragment.writeNull()
  }
  func encode(_ value: Bool, forKey key: Key) {
    fragment.name(key.stringValue)
    fragment.write(value)
  }
  func encode(_ value: String, forKey key: Key) {
    fragment.name(key.stringValue)
    fragment.write(value)
  }
  func encode(_ value: Double, forKey key: Key) throws {
    try fragment.attempt {
      fragment.name(key.stringValue)
      try fragment.write(value)
    }
  }
  func encode(_ value: Float, forKey key: Key) throws {
    try fragment.attempt {
      fragment.name(key.stringValue)
      try fragment.write(value)
    }
  }
  func encode(_ value: Int, forKey key: Key) { integer(value, key) }
  func encode(_ value: Int8, forKey key: Key) { integer(value, key) }
  func encode(_ value: Int16, forKey key: Key) { integer(value, key) }
  func encode(_ value: Int32, forKey key: Key) { integer(value, key) }
  func encode(_ value: Int64, forKey key: Key) { integer(value, key) }
  func encode(_ value: UInt, forKey key: Key) { integer(value, key) }
  func encode(_ value: UInt8, forKey key: Key) { integer(value, key) }
  func encode(_ value: UInt16, forKey key: Key) { integer(value, key) }
  func encode(_ value: UInt32, forKey key: Key) { integer(value, key) }
  func encode(_ value: UInt64, forKey key: Key) { integer(value, key) }

  private func integer(_ value: some FixedWidthInteger, _ key: Key) {
    fragment.name(key.stringValue)
    fragment.write(value)
  }

  func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
    try fragment.attempt {
      fragment.name(key.stringValue)
      try fragment.write(value, key: key)
    }
  }

  private func nested(_ key: any CodingKey) -> JSONFragmentEncoder {
    fragment.name(key.stringValue)
    return JSONFragmentEncoder(fragment: fragment.insert(key))
  }

  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested>
  {
    nested(key).container(keyedBy: type)
  }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { nested(key).unkeyedContainer() }
  func superEncoder() -> any Encoder { nested(JSONPlaceKey(stringValue: "super")) }
  func superEncoder(forKey key: Key) -> any Encoder { nested(key) }
}

private struct JSONUnkeyedContainer: UnkeyedEncodingContainer {
  let fragment: JSONFragment
  private(set) var count = 0
  var codingPath: [any CodingKey] { fragment.path }

  init(fragment: JSONFragment) { self.fragment = fragment }

  private mutating func next() {
    fragment.separate()
    count += 1
  }

  mutating func encodeNil() {
    next()
    fragment.writeNull()
  }
  mutating func encode(_ value: Bool) {
    next()
    fragment.write(value)
  }
  mutating func encode(_ value: String) {
    next()
    fragment.write(value)
  }
  mutating func encode(_ value: Double) throws {
    try fragment.attempt {
      fragment.separate()
      try fragment.write(value)
    }
    count += 1
  }
  mutating func encode(_ value: Float) throws {
    try fragment.attempt {
      fragment.separate()
      try fragment.write(value)
    }
    count += 1
  }
  mutating func encode(_ value: Int) { integer(value) }
  mutating func encode(_ value: Int8) { integer(value) }
  mutating func encode(_ value: Int16) { integer(value) }
  mutating func encode(_ value: Int32) { integer(value) }
  mutating func encode(_ value: Int64) { integer(value) }
  mutating func encode(_ value: UInt) { integer(value) }
  mutating func encode(_ value: UInt8) { integer(value) }
  mutating func encode(_ value: UInt16) { integer(value) }
  mutating func encode(_ value: UInt32) { integer(value) }
  mutating func encode(_ value: UInt64) { integer(value) }

  private mutating func integer(_ value: some FixedWidthInteger) {
    next()
    fragment.write(value)
  }

  mutating func encode<Value: Encodable>(_ value: Value) throws {
    try fragment.attempt {
      fragment.separate()
      try fragment.writeElement(value, at: count)
    }
    count += 1
  }

  private mutating func nested() -> JSONFragmentEncoder {
    let key = JSONPlaceKey(intValue: count)
    next()
    return JSONFragmentEncoder(fragment: fragment.insert(key))
  }

  mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
    nested().container(keyedBy: type)
  }
  mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
  mutating func superEncoder() -> any Encoder { nested() }
}

private struct JSONSingleContainer: SingleValueEncodingContainer {
  let fragment: JSONFragment
  var codingPath: [any CodingKey] { fragment.path }

  private func begin() {
    precondition(fragment.level == .none, "a value is encoded as two different things")
    fragment.level = .single
  }

  func encodeNil() {
    begin()
    fragment.writeNull()
  }
  func encode(_ value: Bool) {
    begin()
    fragment.write(value)
  }
  func encode(_ value: String) {
    begin()
    fragment.write(value)
  }
  func encode(_ value: Double) throws {
    try fragment.attempt {
      begin()
      try fragment.write(value)
    }
  }
  func encode(_ value: Float) throws {
    try fragment.attempt {
      begin()
      try fragment.write(value)
    }
  }
  func encode(_ value: Int) { integer(value) }
  func encode(_ value: Int8) { integer(value) }
  func encode(_ value: Int16) { integer(value) }
  func encode(_ value: Int32) { integer(value) }
  func encode(_ value: Int64) { integer(value) }
  func encode(_ value: UInt) { integer(value) }
  func encode(_ value: UInt8) { integer(value) }
  func encode(_ value: UInt16) { integer(value) }
  func encode(_ value: UInt32) { integer(value) }
  func encode(_ value: UInt64) { integer(value) }

  private func integer(_ value: some FixedWidthInteger) {
    begin()
    fragment.write(value)
  }

  func encode<Value: Encodable>(_ value: Value) throws {
    try fragment.attempt {
      begin()
      try fragment.write(value)
    }
  }
}

/// A place in a list, or a name that no type has.
struct JSONPlaceKey: CodingKey {
  let stringValue: String
  let intValue: Int?

  init(stringValue: String) {
    self.stringValue = stringValue
    intValue = nil
  }

  init(intValue: Int) {
    stringValue = "Index \(intValue)"
    self.intValue = intValue
  }
}
