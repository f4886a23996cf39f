import CSimdjson

/// Why a text is not acceptable JSON.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  public let message: String
  public init(_ message: String) { self.message = message }
  public var description: String { message }
}

/// Parses JSON with simdjson and lends the result out for the length of a closure.
///
/// One parser serves one thread at a time and keeps its memory, so parsing again allocates nothing unless the text is
/// larger than any before.
public final class JSONParser {
  /// Owned: made in `init`, destroyed in `deinit`.
  private let parser: OpaquePointer

  /// - Parameter maximumDepth: deeper nesting is refused, so that nothing that walks the tree can overflow its stack.
  public init(maximumDepth: Int = 128) {
    guard let parser = adj_json_parser_create(maximumDepth) else {
      preconditionFailure("out of memory")
    }
    self.parser = parser
  }

  deinit { adj_json_parser_destroy(parser) }

  /// Calls `body` with the root of the document. The view and everything reached from it end with the call.
  /// - Throws: ``JSONError`` if the bytes are not one valid JSON document in UTF-8; whatever `body` throws.
  public func parse<Result>(_ bytes: [UInt8], _ body: (JSONView) throws -> Result) throws -> Result {
    try bytes.withUnsafeBufferPointer { try parse($0, isPadded: false, body) }
  }

  /// As ``parse(_:_:)-(Array<UInt8>,_)`` over memory. With `isPadded` at least ``padding`` readable bytes must follow
  /// the text, and the text is then read in place instead of being copied.
  public func parse<Result>(
    _ bytes: UnsafeBufferPointer<UInt8>, isPadded: Bool, _ body: (JSONView) throws -> Result
  ) throws -> Result {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { throw JSONError("the text is empty") }
    var document = adj_json_document()
    let code =
      isPadded
      ? adj_json_parse_padded(parser, base, bytes.count, &document)
      : adj_json_parse(parser, base, bytes.count, &document)
    guard code == 0, let tape = document.tape, let strings = document.strings else {
      throw JSONError(String(cString: adj_json_error_message(code)))
    }
    // Word 0 is the root marker; the document's value starts at word 1.
    return try body(JSONView(tape: tape, strings: strings, index: 1))
  }

  /// How many readable bytes must follow a text that is parsed in place.
  public static let padding = adj_json_padding()
}

/// A value inside a document that a ``JSONParser`` lent out: two pointers and a place, nothing copied.
///
/// Reads simdjson's tape: one 64-bit word per scalar (two per number), containers carry the place behind their end, so
/// that skipping a subtree costs one load. Valid only inside the closure that received the root.
public struct JSONView {
  private let tape: UnsafePointer<UInt64>
  private let strings: UnsafePointer<UInt8>
  private let index: Int

  init(tape: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>, index: Int) {
    self.tape = tape
    self.strings = strings
    self.index = index
  }

  public enum Kind: Sendable { case object, array, string, integer, unsigned, double, boolean, null }

  private var tag: UInt8 { UInt8(truncatingIfNeeded: tape[index] >> 56) }
  private var payload: Int { Int(tape[index] & 0x00FF_FFFF_FFFF_FFFF) }

  public var kind: Kind {
    switch tag {
    case UInt8(ascii: "{"): .object
    case UInt8(ascii: "["): .array
    case UInt8(ascii: "\""): .string
    case UInt8(ascii: "l"): .integer
    case UInt8(ascii: "u"): .unsigned
    case UInt8(ascii: "d"): .double
    case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
    default: .null
    }
  }

  public var isNull: Bool { tag == UInt8(ascii: "n") }

  public var bool: Bool? {
    switch tag {
    case UInt8(ascii: "t"): true
    case UInt8(ascii: "f"): false
    default: nil
    }
  }

  /// A whole number in the range of Int64.
  public var int64: Int64? {
    tag == UInt8(ascii: "l") ? Int64(bitPattern: tape[index + 1]) : nil
  }

  public var int: Int? { int64.map(Int.init) }

  /// Any number.
  public var double: Double? {
    switch tag {
    case UInt8(ascii: "d"): Double(bitPattern: tape[index + 1])
    case UInt8(ascii: "l"): Double(Int64(bitPattern: tape[index + 1]))
    case UInt8(ascii: "u"): Double(tape[index + 1])
    default: nil
    }
  }

  /// The bytes of a string, escapes resolved, valid UTF-8.
  public var utf8: UnsafeBufferPointer<UInt8>? {
    guard tag == UInt8(ascii: "\"") else { return nil }
    let start = strings + payload
    let length = Int(UnsafeRawPointer(start).loadUnaligned(as: UInt32.self))
    return UnsafeBufferPointer(start: start + 4, count: length)
  }

  public var string: String? { utf8.map { String(decoding: $0, as: UTF8.self) } }

  /// An unsigned number written as digits in a string, as Discord writes its ids; nil for anything else.
  public var uint64InString: UInt64? {
    guard let bytes = utf8, !bytes.isEmpty, bytes.count <= 20 else { return nil }
    var value: UInt64 = 0
    for byte in bytes {
      let digit = UInt64(byte &- UInt8(ascii: "0"))
      guard digit <= 9 else { return nil }
      let (scaled, tooBig) = value.multipliedReportingOverflow(by: 10)
      let (sum, carried) = scaled.addingReportingOverflow(digit)
      guard !tooBig, !carried else { return nil }
      value = sum
    }
    return value
  }

  /// The place of the value behind this one.
  private var end: Int {
    switch tag {
    case UInt8(ascii: "{"), UInt8(ascii: "["): Int(tape[index] & 0xFFFF_FFFF)
    case UInt8(ascii: "l"), UInt8(ascii: "u"), UInt8(ascii: "d"): index + 2
    default: index + 1
    }
  }

  /// The member of that name: nil if it is missing, is `null`, or if this is not an object. Of members with the same
  /// name the first counts.
  public subscript(name: StaticString) -> JSONView? {
    guard tag == UInt8(ascii: "{") else { return nil }
    for (key, value) in members where key.equals(name) { return value.isNull ? nil : value }
    return nil
  }

  public subscript(dynamicName name: String) -> JSONView? {
    for (key, value) in members where key.string == name { return value.isNull ? nil : value }
    return nil
  }

  /// The members of an object in order; empty for anything else.
  public var members: Members { Members(tape: tape, strings: strings, container: index, isObject: true) }

  /// The elements of an array in order; empty for anything else.
  public var elements: Elements {
    Elements(members: Members(tape: tape, strings: strings, container: index, isObject: false))
  }

  /// A copy of this value that outlives the document.
  public var json: JSON {
    switch kind {
    case .null: .null
    case .boolean: .boolean(tag == UInt8(ascii: "t"))
    case .integer: .integer(Int64(bitPattern: tape[index + 1]))
    case .unsigned: .double(Double(tape[index + 1]))
    case .double: .double(Double(bitPattern: tape[index + 1]))
    case .string: .string(string ?? "")
    case .array: .array(elements.map(\.json))
    case .object: .object(JSON.Object(members.lazy.map { ($0.key.string, $0.value.json) }))
    }
  }

  /// The name of a member, still in the document's memory.
  public struct Key {
    public let utf8: UnsafeBufferPointer<UInt8>

    /// Text of a document, held to be compared like a name.
    public init(utf8: UnsafeBufferPointer<UInt8>) { self.utf8 = utf8 }

    public var string: String { String(decoding: utf8, as: UTF8.self) }

    public func equals(_ name: StaticString) -> Bool {
      utf8.count == name.utf8CodeUnitCount
        && UnsafeRawBufferPointer(utf8).elementsEqual(
          UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }
  }

  public struct Members: Sequence, IteratorProtocol {
    fileprivate let tape: UnsafePointer<UInt64>
    fileprivate let strings: UnsafePointer<UInt8>
    private var place: Int
    private let last: Int

    fileprivate init(tape: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>, container: Int, isObject: Bool) {
      self.tape = tape
      self.strings = strings
      let view = JSONView(tape: tape, strings: strings, index: container)
      if view.tag == (isObject ? UInt8(ascii: "{") : UInt8(ascii: "[")) {
        place = container + 1
        last = view.end - 1
      } else {
        place = 0
        last = 0
      }
    }

    fileprivate mutating func nextView() -> JSONView? {
      guard place < last else { return nil }
      let view = JSONView(tape: tape, strings: strings, index: place)
      place = view.end
      return view
    }

    public mutating func next() -> (key: Key, value: JSONView)? {
      guard let name = nextView()?.utf8, let value = nextView() else { return nil }
      return (Key(utf8: name), value)
    }
  }

  public struct Elements: Sequence, IteratorProtocol {
    fileprivate var members: Members
    public mutating func next() -> JSONView? { members.nextView() }
  }
}
