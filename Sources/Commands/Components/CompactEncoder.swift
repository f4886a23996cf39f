import Core
import FoundationEssentials
import Gateway

/// Why a value cannot stand in a custom id.
public enum CompactCodingError: Error, Equatable, CustomStringConvertible {
  /// Of the value: it ends too early, or goes on.
  case wrongLength
  /// What was written cannot be what was read.
  case invalid(String)
  /// A list has more than 255 elements, or a text more than 65,535 bytes.
  case tooMany

  public var description: String {
    switch self {
    case .wrongLength: "the value has another length than the bytes"
    case .invalid(let reason): reason
    case .tooMany: "a list or text in the value is too long"
    }
  }
}

/// Writes a `Codable` value as few bytes: members in the order of their declaration, without names.
///
/// Whole numbers take as many bytes as they need (zigzag, base 128), ids 8, texts their UTF-8 and a length, optionals and
/// flags one byte. Enums need a raw value. Dictionaries and enums with payloads are refused by
/// ``CompactDecoder``, which is asked before a value is used.
final class CompactEncoder: Encoder {
  private(set) var bytes: [UInt8] = []
  let codingPath: [any CodingKey] = []
  let userInfo: [CodingUserInfoKey: Any] = [:]

  static func encode(_ value: some Encodable) throws -> [UInt8] {
    let encoder = CompactEncoder()
    try encoder.write(value)
    return encoder.bytes
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(Keyed(encoder: self))
  }
  func unkeyedContainer() -> any UnkeyedEncodingContainer { Unkeyed(encoder: self) }
  func singleValueContainer() -> any SingleValueEncodingContainer { Single(encoder: self) }

  // MARK: Values

  fileprivate func write(flag: Bool) { bytes.append(flag ? 1 : 0) }

  fileprivate func write(unsigned value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  fileprivate func write(signed value: Int64) {
    write(unsigned: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  fileprivate func write(fixed value: UInt64) {
    for shift in stride(from: 56, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
    }
  }

  fileprivate func write(text: String) throws {
    let utf8 = Array(text.utf8)
    guard utf8.count <= 0xFFFF else { throw CompactCodingError.tooMany }
    write(unsigned: UInt64(utf8.count))
    bytes += utf8
  }

  fileprivate func write<Value: Encodable>(_ value: Value) throws {
    if Value.self is any OptionalValue.Type { throw CompactCodingError.invalid("a list holds optionals") }
    switch value {
    case let value as Bool: write(flag: value)
    case let value as String: try write(text: value)
    case let value as Double: write(fixed: value.bitPattern)
    case let value as Float: write(fixed: Double(value).bitPattern)
    case let value as Snowflake: write(fixed: value.rawValue)
    case let value as any DiscordIdentifier: write(fixed: value.rawValue)
    case let value as UUID: withUnsafeBytes(of: value.uuid) { bytes += $0 }
    case let value as any BinaryInteger:
      if type(of: value).isSigned {
        write(signed: Int64(value))
      } else {
        write(unsigned: UInt64(value))
      }
    default: try value.encode(to: self)
    }
  }

  fileprivate func countElement(at place: Int) throws {
    guard bytes[place] < .max else { throw CompactCodingError.tooMany }
    bytes[place] += 1
  }

  fileprivate func beginList() -> Int {
    bytes.append(0)
    return bytes.count - 1
  }

  // MARK: Containers

  private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: CompactEncoder
    var codingPath: [any CodingKey] { [] }

    func encodeNil(forKey key: Key) { encoder.write(flag: false) }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws { try encoder.write(value) }

    private func optional(_ value: (some Encodable)?) throws {
      encoder.write(flag: value != nil)
      if let value { try encoder.write(value) }
    }
    func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try optional(value) }
    func encodeIfPresent(_ value: String?, forKey key: Key) throws { try optional(value) }
    func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try optional(value) }
    func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try optional(value) }
    func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try optional(value) }
    func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try optional(value) }
    func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { try optional(value) }
    func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try optional(value) }
    func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try optional(value) }
    func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try optional(value) }
    func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try optional(value) }
    func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try optional(value) }
    func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try optional(value) }
    func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try optional(value) }
    func encodeIfPresent<Value: Encodable>(_ value: Value?, forKey key: Key) throws { try optional(value) }

    func nestedContainer<Nested: CodingKey>(
      keyedBy keyType: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> { encoder.container(keyedBy: keyType) }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { encoder.unkeyedContainer() }
    func superEncoder() -> any Encoder { encoder }
    func superEncoder(forKey key: Key) -> any Encoder { encoder }
  }

  private struct Unkeyed: UnkeyedEncodingContainer {
    let encoder: CompactEncoder
    let place: Int
    var codingPath: [any CodingKey] { [] }
    var count: Int { Int(encoder.bytes[place]) }

    init(encoder: CompactEncoder) {
      self.encoder = encoder
      place = encoder.beginList()
    }

    func encodeNil() throws {
      try encoder.countElement(at: place)
      encoder.write(flag: false)
    }
    func encode<Value: Encodable>(_ value: Value) throws {
      try encoder.countElement(at: place)
      try encoder.write(value)
    }
    func nestedContainer<Nested: CodingKey>(keyedBy keyType: Nested.Type) -> KeyedEncodingContainer<Nested> {
      encoder.container(keyedBy: keyType)
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder.unkeyedContainer() }
    func superEncoder() -> any Encoder { encoder }
  }

  private struct Single: SingleValueEncodingContainer {
    let encoder: CompactEncoder
    var codingPath: [any CodingKey] { [] }
    func encodeNil() { encoder.write(flag: false) }
    func encode<Value: Encodable>(_ value: Value) throws { try encoder.write(value) }
  }
}

/// An optional is written as a member alone, where its mark is.
private protocol OptionalValue {}
extension Optional: OptionalValue {}
