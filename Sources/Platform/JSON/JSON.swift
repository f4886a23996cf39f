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

  /// The members of an object in the order in which they stand in the text.
  ///
  /// Equality ignores the order. Setting a name again replaces its value in place; `nil` removes it.
  public struct Object: Sendable, Hashable, ExpressibleByDictionaryLiteral, Sequence {
    private var names: [String] = []
    private var values: [String: JSON] = [:]

    public init() {}

    /// Of members with the same name the last one counts.
    public init(_ members: some Sequence<(String, JSON)>) {
      for (name, value) in members { self[name] = value }
    }

    public init(dictionaryLiteral elements: (String, JSON)...) { self.init(elements) }

    public var count: Int { names.count }
    public var isEmpty: Bool { names.isEmpty }
    public var keys: [String] { names }

    public subscript(name: String) -> JSON? {
      get { values[name] }
      set {
        if let newValue {
          if values.updateValue(newValue, forKey: name) == nil { names.append(name) }
        } else if values.removeValue(forKey: name) != nil {
          names.removeAll { $0 == name }
        }
      }
    }

    public func makeIterator() -> AnyIterator<(key: String, value: JSON)> {
      var index = 0
      return AnyIterator {
        guard index < names.count, let value = values[names[index]] else { return nil }
        defer { index += 1 }
        return (names[index], value)
      }
    }

    public static func == (left: Object, right: Object) -> Bool { left.values == right.values }
    public func hash(into hasher: inout Hasher) { values.hash(into: &hasher) }
  }

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
  public func serialized() -> String {
    var text = ""
    write(to: &text)
    return text
  }

  private func write(to text: inout String) {
    switch self {
    case .null: text += "null"
    case .boolean(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .double(let value): text += value.isFinite ? "\(value)" : "null"
    case .string(let value): Self.write(value, to: &text)
    case .array(let elements):
      text += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { text += "," }
        element.write(to: &text)
      }
      text += "]"
    case .object(let object):
      text += "{"
      for (index, member) in object.enumerated() {
        if index > 0 { text += "," }
        Self.write(member.key, to: &text)
        text += ":"
        member.value.write(to: &text)
      }
      text += "}"
    }
  }

  private static func write(_ value: String, to text: inout String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
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
