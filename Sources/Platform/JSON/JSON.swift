/// A JSON value as an owned tree, for small documents and for data whose shape is not known.
///
/// Event payloads on the hot path are read through ``JSONView`` instead, which copies nothing.
public enum JSON: Sendable, Hashable {
  case null
  case boolean(Bool)
  case integer(Int64)
  case double(Double)
  case string(String)
  case array([JSON])
  case object(Object)

  /// The member of that name; nil if there is none or if this is not an object.
  public subscript(name: String) -> JSON? {
    get {
      guard case .object(let object) = self else { return nil }
      return object[name]
    }
    set {
      guard case .object(var object) = self else { return }
      self = .null  // gives up the reference, so that the change below happens in place
      object[name] = newValue
      self = .object(object)
    }
  }

  /// The element at that place; nil if there is none or if this is not an array.
  public subscript(index: Int) -> JSON? {
    guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
    return elements[index]
  }

  public var string: String? {
    guard case .string(let value) = self else { return nil }
    return value
  }
  public var bool: Bool? {
    guard case .boolean(let value) = self else { return nil }
    return value
  }
  /// A whole number, also when it is written as `2.0`.
  public var integer: Int64? {
    switch self {
    case .integer(let value): value
    case .double(let value): Int64(exactly: value)
    default: nil
    }
  }
  public var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }
  public var array: [JSON]? {
    guard case .array(let value) = self else { return nil }
    return value
  }
  public var object: Object? {
    guard case .object(let value) = self else { return nil }
    return value
  }
  public var isNull: Bool { self == .null }
}

extension JSON: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(Object(elements)) }
  public init(nilLiteral: ()) { self = .null }
}

// MARK: - Text

extension JSON {
  /// Reads one JSON document.
  /// - Throws: ``JSONError`` if the text is not JSON, or nests deeper than 128 levels.
  public init(parsing text: some Collection<UInt8>) throws {
    self = try JSONParser().parse(Array(text)) { $0.json }
  }

  public init(parsing text: String) throws {
    try self.init(parsing: Array(text.utf8))
  }

  /// This value as compact JSON text. A number that JSON cannot write (not finite) becomes `null`.
  public func serialized() -> String { String(decoding: serializedBytes(), as: UTF8.self) }

  /// The same in UTF-8.
  public func serializedBytes() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(256)
    write(to: &bytes)
    return bytes
  }

  /// Appends the same to bytes that there are already.
  public func write(to bytes: inout [UInt8]) { write(to: &bytes, .few, keepingPoint: true) }

  func write(to bytes: inout [UInt8], _ escapes: JSONText.Escapes, keepingPoint: Bool) {
    switch self {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .boolean(let value): JSONText.append(value, to: &bytes)
    case .integer(let value): JSONText.append(value, to: &bytes)
    case .double(let value):
      if value.isFinite {
        JSONText.append(value, keepingPoint: keepingPoint, to: &bytes)
      } else {
        bytes.append(contentsOf: "null".utf8)
      }
    case .string(let value): JSONText.append(value, escapes, to: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      var isFirst = true
      for element in elements {
        if isFirst { isFirst = false } else { bytes.append(UInt8(ascii: ",")) }
        element.write(to: &bytes, escapes, keepingPoint: keepingPoint)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let object):
      bytes.append(UInt8(ascii: "{"))
      var isFirst = true
      for (name, value) in object {
        if isFirst { isFirst = false } else { bytes.append(UInt8(ascii: ",")) }
        JSONText.append(name, escapes, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        value.write(to: &bytes, escapes, keepingPoint: keepingPoint)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }
}

extension JSON: CustomStringConvertible {
  public var description: String { serialized() }
}

// MARK: - Codable

extension JSON: Codable {
  public init(from decoder: any Decoder) throws {
    if let keyed = try? decoder.container(keyedBy: AnyKey.self) {
      self = .object(Object(try keyed.allKeys.map { ($0.stringValue, try keyed.decode(JSON.self, forKey: $0)) }))
    } else if var list = try? decoder.unkeyedContainer() {
      var elements: [JSON] = []
      while !list.isAtEnd { elements.append(try list.decode(JSON.self)) }
      self = .array(elements)
    } else {
      let single = try decoder.singleValueContainer()
      if single.decodeNil() {
        self = .null
      } else if let value = try? single.decode(Bool.self) {
        self = .boolean(value)
      } else if let value = try? single.decode(Int64.self) {
        self = .integer(value)
      } else if let value = try? single.decode(Double.self) {
        self = .double(value)
      } else {
        self = .string(try single.decode(String.self))
      }
    }
  }

  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .array(let elements):
      var list = encoder.unkeyedContainer()
      for element in elements { try list.encode(element) }
    case .object(let object):
      var keyed = encoder.container(keyedBy: AnyKey.self)
      for (name, value) in object { try keyed.encode(value, forKey: AnyKey(stringValue: name)) }
    default:
      var single = encoder.singleValueContainer()
      switch self {
      case .boolean(let value): try single.encode(value)
      case .integer(let value): try single.encode(value)
      case .double(let value): try single.encode(value)
      case .string(let value): try single.encode(value)
      default: try single.encodeNil()
      }
    }
  }

  private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}
