extension HTTPQuery {
  /// Reads a type from the fields: its properties by name, arrays from repeated names.
  /// - Throws: ``HTTPError`` 400 naming the field.
  public func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    do {
      return try Value(from: QueryDecoder(query: self))
    } catch let error as DecodingError {
      let field = JSONBody.field(for: error)
      let place = field.path.isEmpty ? "" : "\(field.path): "
      throw HTTPError(.badRequest, kind: .invalidQuery, place + field.message, fields: [field])
    }
  }
}

private struct QueryDecoder: Decoder {
  let query: HTTPQuery
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(QueryFields(query: query))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Self.unsupported([]) }
  func singleValueContainer() throws -> any SingleValueDecodingContainer { throw Self.unsupported([]) }

  static func unsupported(_ path: [any CodingKey]) -> DecodingError {
    .dataCorrupted(.init(codingPath: path, debugDescription: "a query holds single values and lists of them only"))
  }
}

private struct QueryFields<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let query: HTTPQuery
  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] { Set(query.items.map(\.name)).compactMap { Key(stringValue: $0) } }

  func contains(_ key: Key) -> Bool { query[key.stringValue] != nil }
  func decodeNil(forKey key: Key) -> Bool { !contains(key) }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    let values = query.all(key.stringValue)
    guard !values.isEmpty || type is any RangeReplaceableCollection.Type else {
      throw DecodingError.keyNotFound(key, .init(codingPath: [], debugDescription: "missing"))
    }
    return try Value(from: QueryValues(values: values, codingPath: [key]))
  }

  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
    -> KeyedDecodingContainer<Nested>
  {
    throw QueryDecoder.unsupported([key])
  }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    throw QueryDecoder.unsupported([key])
  }
  func superDecoder() throws -> any Decoder { throw QueryDecoder.unsupported([]) }
  func superDecoder(forKey key: Key) throws -> any Decoder { throw QueryDecoder.unsupported([key]) }
}

/// The values of one name: a single value is the first of them, a list is all.
private struct QueryValues: Decoder {
  let values: [String]
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    throw QueryDecoder.unsupported(codingPath)
  }
  func unkeyedContainer() -> any UnkeyedDecodingContainer { QueryList(values: values, codingPath: codingPath) }
  func singleValueContainer() -> any SingleValueDecodingContainer {
    QueryValue(text: values.first ?? "", codingPath: codingPath)
  }
}

private struct QueryValue: SingleValueDecodingContainer {
  let text: String
  let codingPath: [any CodingKey]

  func decodeNil() -> Bool { false }

  func decode(_ type: String.Type) throws -> String { text }

  func decode(_ type: Bool.Type) throws -> Bool {
    switch text {
    case "true", "1": true
    case "false", "0": false
    default: throw mismatch(type)
    }
  }

  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    if let number = type as? any (Decodable & LosslessStringConvertible & Numeric).Type {
      guard let value = number.init(text) as? Value, (value as? any FloatingPoint)?.isFinite ?? true else {
        throw mismatch(type)
      }
      return value
    }
    return try Value(from: QueryValues(values: [text], codingPath: codingPath))
  }

  private func mismatch(_ type: Any.Type) -> DecodingError {
    .typeMismatch(type, .init(codingPath: codingPath, debugDescription: "not readable as \(type)"))
  }
}

private struct QueryList: UnkeyedDecodingContainer {
  let values: [String]
  let codingPath: [any CodingKey]
  var currentIndex = 0
  var count: Int? { values.count }
  var isAtEnd: Bool { currentIndex == values.count }

  mutating func decodeNil() -> Bool { false }

  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    guard !isAtEnd else {
      throw DecodingError.valueNotFound(type, .init(codingPath: codingPath, debugDescription: "no more values"))
    }
    defer { currentIndex += 1 }
    return try Value(from: QueryValues(values: [values[currentIndex]], codingPath: codingPath))
  }

  mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
    throw QueryDecoder.unsupported(codingPath)
  }
  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    throw QueryDecoder.unsupported(codingPath)
  }
  mutating func superDecoder() throws -> any Decoder { throw QueryDecoder.unsupported(codingPath) }
}
