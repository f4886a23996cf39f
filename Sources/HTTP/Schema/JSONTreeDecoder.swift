import Platform

/// Reads Swift types from a JSON tree: from the very tree that was checked, so that nothing can be understood twice.
struct JSONTreeDecoder: Decoder {
  let value: JSON
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  init(_ value: JSON, at codingPath: [any CodingKey] = []) {
    self.value = value
    self.codingPath = codingPath
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard case .object(let object) = value else { throw mismatch([String: Any].self) }
    return KeyedDecodingContainer(Keyed(object: object, codingPath: codingPath))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .array(let elements) = value else { throw mismatch([Any].self) }
    return Unkeyed(elements: elements, codingPath: codingPath)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer { Single(decoder: self) }

  private func mismatch(_ type: Any.Type) -> DecodingError {
    value.isNull
      ? .valueNotFound(type, .init(codingPath: codingPath, debugDescription: "null"))
      : .typeMismatch(type, .init(codingPath: codingPath, debugDescription: ""))
  }

  /// Values that JSON has itself come without a detour; others read themselves.
  fileprivate func read<Value: Decodable>(_ type: Value.Type) throws -> Value {
    switch type {
    case is String.Type: if let text = value.string as? Value { return text }
    case is Bool.Type: if let flag = value.bool as? Value { return flag }
    case is JSON.Type: if let tree = value as? Value { return tree }
    case let number as any (BinaryInteger & Decodable).Type:
      if let integer = value.integer, let exact = Self.exactly(integer, number) as? Value { return exact }
      if value.integer != nil {
        throw DecodingError.dataCorrupted(.init(codingPath: codingPath, debugDescription: "is too large or too small"))
      }
    case let number as any (BinaryFloatingPoint & Decodable).Type:
      if let double = value.double, let exact = Self.converted(double, number) as? Value { return exact }
    default: return try Value(from: self)
    }
    throw mismatch(type)
  }

  private static func exactly<Number: BinaryInteger>(_ value: Int64, _ type: Number.Type) -> Any? {
    Number(exactly: value)
  }

  private static func converted<Number: BinaryFloatingPoint>(_ value: Double, _ type: Number.Type) -> Any {
    Number(value)
  }

  private struct Single: SingleValueDecodingContainer {
    let decoder: JSONTreeDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool { decoder.value.isNull }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.read(type) }
  }

  private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let object: JSON.Object
    let codingPath: [any CodingKey]

    var allKeys: [Key] { object.keys.compactMap { Key(stringValue: $0) } }
    func contains(_ key: Key) -> Bool { object[key.stringValue] != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try value(key).isNull }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
      try JSONTreeDecoder(try value(key), at: codingPath + [key]).read(type)
    }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
      guard let value = object[key.stringValue] else { return nil }
      // A type that tells null from absent gets to see it.
      if value.isNull, !(type is any NullReading.Type) { return nil }
      return try JSONTreeDecoder(value, at: codingPath + [key]).read(type)
    }

    private func value(_ key: Key) throws -> JSON {
      guard let value = object[key.stringValue] else {
        throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "missing"))
      }
      return value
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
      -> KeyedDecodingContainer<Nested>
    {
      try superDecoder(forKey: key).container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
      try superDecoder(forKey: key).unkeyedContainer()
    }
    func superDecoder() -> any Decoder { JSONTreeDecoder(object["super"] ?? .null, at: codingPath) }
    func superDecoder(forKey key: Key) throws -> any Decoder {
      JSONTreeDecoder(try value(key), at: codingPath + [key])
    }
  }

  private struct Unkeyed: UnkeyedDecodingContainer {
    let elements: [JSON]
    let codingPath: [any CodingKey]
    var currentIndex = 0
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex == elements.count }

    mutating func decodeNil() throws -> Bool {
      guard !isAtEnd, elements[currentIndex].isNull else { return false }
      currentIndex += 1
      return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
      try next().read(type)
    }

    private mutating func next() throws -> JSONTreeDecoder {
      let path = codingPath + [IndexKey(intValue: currentIndex)]
      guard !isAtEnd else {
        throw DecodingError.valueNotFound(Any.self, .init(codingPath: path, debugDescription: "no more elements"))
      }
      defer { currentIndex += 1 }
      return JSONTreeDecoder(elements[currentIndex], at: path)
    }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws
      -> KeyedDecodingContainer<Nested>
    {
      try next().container(keyedBy: type)
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try next() }
  }
}

struct IndexKey: CodingKey {
  let index: Int
  init(intValue: Int) { index = intValue }
  init?(stringValue: String) { nil }
  var intValue: Int? { index }
  var stringValue: String { String(index) }
}

/// A type that wants to see null even where the field is optional.
protocol NullReading {}

/// A field that null clears and absence leaves alone, as the property `Patched<T>?`; also a result that prints null.
public enum Patched<Value> {
  case null
  case value(Value)

  public var value: Value? { if case .value(let value) = self { value } else { nil } }
}

extension Patched: NullReading {}
extension Patched: Sendable where Value: Sendable {}
extension Patched: Equatable where Value: Equatable {}

extension Patched: Decodable where Value: Decodable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    self = container.decodeNil() ? .null : .value(try container.decode(Value.self))
  }
}

extension Patched: Encodable where Value: Encodable {
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .value(let value): try container.encode(value)
    }
  }
}
