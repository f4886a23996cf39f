import Core
import FoundationEssentials
import Gateway

/// Reads what ``CompactEncoder`` wrote. Everything must be used up, every flag and length must be as written: bytes
/// that were not made for the type are refused.
final class CompactDecoder: Decoder {
  private var bytes: ArraySlice<UInt8>
  let codingPath: [any CodingKey] = []
  let userInfo: [CodingUserInfoKey: Any] = [:]

  private init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes)[...] }

  static func decode<Value: Decodable>(_ type: Value.Type, from bytes: some Sequence<UInt8>) throws -> Value {
    let decoder = CompactDecoder(bytes)
    let value = try decoder.read(type)
    guard decoder.bytes.isEmpty else { throw CompactCodingError.wrongLength }
    return value
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(Keyed(decoder: self))
  }
  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { Unkeyed(decoder: self, count: Int(try byte())) }
  func singleValueContainer() -> any SingleValueDecodingContainer { Single(decoder: self) }

  // MARK: Values

  fileprivate func byte() throws -> UInt8 {
    guard let byte = bytes.popFirst() else { throw CompactCodingError.wrongLength }
    return byte
  }

  private func take(_ count: Int) throws -> ArraySlice<UInt8> {
    guard bytes.count >= count else { throw CompactCodingError.wrongLength }
    defer { bytes = bytes.dropFirst(count) }
    return bytes.prefix(count)
  }

  fileprivate func flag() throws -> Bool {
    switch try byte() {
    case 0: false
    case 1: true
    default: throw CompactCodingError.invalid("not a flag")
    }
  }

  private func unsigned() throws -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      let next = try byte()
      let bits = UInt64(next & 0x7F)
      guard shift < 63 || bits <= 1 else { throw CompactCodingError.invalid("the number is too great") }
      value |= bits << shift
      if next & 0x80 == 0 {
        guard next != 0 || shift == 0 else { throw CompactCodingError.invalid("the number is not in its short form") }
        return value
      }
    }
    throw CompactCodingError.invalid("the number is too great")
  }

  private func signed() throws -> Int64 {
    let value = try unsigned()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  private func fixed() throws -> UInt64 { try take(8).reduce(0) { $0 << 8 | UInt64($1) } }

  private func text() throws -> String {
    let count = try unsigned()
    guard count <= 0xFFFF else { throw CompactCodingError.wrongLength }
    guard let text = String(validating: try take(Int(count)), as: UTF8.self) else {
      throw CompactCodingError.invalid("not a text")
    }
    return text
  }

  private func number<Number: BinaryInteger>(_ type: Number.Type) throws -> Number {
    guard let value = type.isSigned ? Number(exactly: try signed()) : Number(exactly: try unsigned()) else {
      throw CompactCodingError.invalid("the number is too great for \(type)")
    }
    return value
  }

  fileprivate func read<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let value: Any
    switch type {
    case is Bool.Type: value = try flag()
    case is String.Type: value = try text()
    case is Double.Type: value = Double(bitPattern: try fixed())
    case is Float.Type: value = Float(Double(bitPattern: try fixed()))
    case is Snowflake.Type: value = Snowflake(rawValue: try fixed())
    case let type as any DiscordIdentifier.Type: value = type.init(rawValue: try fixed())
    case is UUID.Type:
      var uuid = UUID().uuid
      let bytes = try take(16)
      withUnsafeMutableBytes(of: &uuid) { $0.copyBytes(from: bytes) }
      value = UUID(uuid: uuid)
    case let type as any BinaryInteger.Type: value = try number(type)
    default: return try Value(from: self)
    }
    guard let value = value as? Value else { throw CompactCodingError.invalid("not a \(type)") }
    return value
  }

  // MARK: Containers

  private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: CompactDecoder
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { [] }

    func contains(_ key: Key) -> Bool { true }
    func decodeNil(forKey key: Key) throws -> Bool { try !decoder.flag() }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try decoder.read(type) }
    func nestedContainer<Nested: CodingKey>(
      keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedDecodingContainer<Nested> { decoder.container(keyedBy: type) }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
      try decoder.unkeyedContainer()
    }
    func superDecoder() -> any Decoder { decoder }
    func superDecoder(forKey key: Key) -> any Decoder { decoder }
  }

  private struct Unkeyed: UnkeyedDecodingContainer {
    let decoder: CompactDecoder
    let count: Int?
    var currentIndex = 0
    var codingPath: [any CodingKey] { [] }
    var isAtEnd: Bool { currentIndex >= count ?? 0 }

    init(decoder: CompactDecoder, count: Int) {
      self.decoder = decoder
      self.count = count
    }

    private mutating func next() throws {
      guard !isAtEnd else { throw CompactCodingError.wrongLength }
      currentIndex += 1
    }
    mutating func decodeNil() throws -> Bool { false }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
      try next()
      return try decoder.read(type)
    }
    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested>
    {
      try next()
      return decoder.container(keyedBy: type)
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
      try next()
      return try decoder.unkeyedContainer()
    }
    func superDecoder() -> any Decoder { decoder }
  }

  private struct Single: SingleValueDecodingContainer {
    let decoder: CompactDecoder
    var codingPath: [any CodingKey] { [] }
    func decodeNil() -> Bool { false }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.read(type) }
  }
}
