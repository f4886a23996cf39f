import CSimdjson

/// A value inside a document that a ``JSONParser`` lent out: two pointers, nothing copied.
///
/// Reads the nodes that `CSimdjson.h` describes. Valid only inside the closure that received the root, on its thread.
public struct JSONView {
  /// What the views of one document share.
  @usableFromInline
  struct Document {
    @usableFromInline var text: UnsafeRawPointer
    @usableFromInline var strings: UnsafeRawPointer
    @usableFromInline let context: AnyObject?

    /// - Parameter memory: any, until there is a text.
    init(context: AnyObject?, memory: UnsafeRawPointer) {
      self.context = context
      text = memory
      strings = memory
    }
  }

  @usableFromInline let node: UnsafeMutablePointer<UInt64>
  @usableFromInline let document: UnsafePointer<Document>

  @inlinable
  init(node: UnsafeMutablePointer<UInt64>, document: UnsafePointer<Document>) {
    self.node = node
    self.document = document
  }

  public enum Kind: Sendable { case object, array, string, integer, unsigned, double, boolean, null }

  /// The numbers of the kinds in `CSimdjson.h`.
  @usableFromInline
  enum Tag {
    @usableFromInline static var null: UInt64 { 0 }
    @usableFromInline static var no: UInt64 { 1 }
    @usableFromInline static var yes: UInt64 { 2 }
    @usableFromInline static var integer: UInt64 { 3 }
    @usableFromInline static var unsigned: UInt64 { 4 }
    @usableFromInline static var double: UInt64 { 5 }
    @usableFromInline static var string: UInt64 { 6 }
    @usableFromInline static var escaped: UInt64 { 7 }
    @usableFromInline static var array: UInt64 { 8 }
    @usableFromInline static var object: UInt64 { 9 }
  }

  @inlinable var tag: UInt64 { node.pointee &>> 60 }

  /// What the parser's owner gave it.
  public var context: AnyObject? { document.pointee.context }

  public var kind: Kind {
    switch tag {
    case Tag.object: .object
    case Tag.array: .array
    case Tag.string, Tag.escaped: .string
    case Tag.integer: .integer
    case Tag.unsigned: .unsigned
    case Tag.double: .double
    case Tag.yes, Tag.no: .boolean
    default: .null
    }
  }

  @inlinable public var isNull: Bool { tag == Tag.null }

  @inlinable public var bool: Bool? {
    switch tag {
    case Tag.yes: true
    case Tag.no: false
    default: nil
    }
  }

  // MARK: Numbers

  /// A whole number in the range of Int64.
  public var int64: Int64? {
    guard tag == Tag.integer else { return nil }
    var digits = token
    let isNegative = digits.first == UInt8(ascii: "-")
    if isNegative { digits = UnsafeRawBufferPointer(rebasing: digits.dropFirst()) }
    // The parser has seen that it fits.
    let value = Int64(truncatingIfNeeded: Self.magnitude(digits))
    return isNegative ? 0 &- value : value
  }

  public var int: Int? { int64.map(Int.init) }

  /// A whole number in the range of UInt64.
  public var uint64: UInt64? {
    tag == Tag.unsigned ? Self.magnitude(token) : int64.flatMap(UInt64.init(exactly:))
  }

  /// Any number.
  public var double: Double? {
    switch tag {
    case Tag.double: adj_json_double(token.baseAddress?.assumingMemoryBound(to: UInt8.self), token.count)
    case Tag.integer: int64.map(Double.init)
    case Tag.unsigned: Double(Self.magnitude(token))
    default: nil
    }
  }

  /// The bytes of a scalar in the text.
  private var token: UnsafeRawBufferPointer { Self.bytes(node.pointee, document) }

  private static func magnitude(_ digits: UnsafeRawBufferPointer) -> UInt64 {
    var value: UInt64 = 0
    for digit in digits { value = value &* 10 &+ UInt64(digit &- UInt8(ascii: "0")) }
    return value
  }

  // MARK: Strings

  @inlinable
  static func bytes(_ word: UInt64, _ document: UnsafePointer<Document>) -> UnsafeRawBufferPointer {
    let base = word &>> 60 == Tag.escaped ? document.pointee.strings : document.pointee.text
    return UnsafeRawBufferPointer(start: base + Int(word & 0xFFFF_FFFF), count: Int(word &>> 32 & 0x0FFF_FFFF))
  }

  /// The bytes of a member's name.
  @inlinable
  static func name(_ word: UInt64, _ document: UnsafePointer<Document>) -> UnsafeRawBufferPointer {
    let base = word &>> 60 == Tag.escaped ? document.pointee.strings : document.pointee.text
    return UnsafeRawBufferPointer(start: base + Int(word & 0xFFFF_FFFF), count: Int(word &>> 32 & 0xF_FFFF))
  }

  @inlinable var isString: Bool { tag &- Tag.string <= 1 }

  /// The bytes of a string, escapes resolved, valid UTF-8.
  @inlinable public var utf8: UnsafeBufferPointer<UInt8>? {
    guard isString else { return nil }
    return Self.bytes(node.pointee, document).bindMemory(to: UInt8.self)
  }

  public var string: String? {
    guard let utf8 else { return nil }
    return String(checked: utf8)
  }

  /// An unsigned number written as digits in a string, as Discord writes its ids; nil for anything else.
  public var uint64InString: UInt64? {
    guard let bytes = utf8 else { return nil }
    return UInt64(decimal: bytes)
  }

  // MARK: Containers

  /// The place of the value behind this one.
  @inlinable var end: UnsafeMutablePointer<UInt64> { node + Self.span(node.pointee) }

  /// How many nodes a value takes.
  @inlinable
  static func span(_ word: UInt64) -> Int { word &>> 60 >= Tag.array ? Int(word &>> 32 & 0x0FFF_FFFF) : 1 }

  /// How many members or elements this has; 0 if it is no container.
  @inlinable public var count: Int { tag >= Tag.array ? Int(node.pointee & 0xFFFF_FFFF) : 0 }

  /// The member of that name: nil if it is missing, is `null`, or if this is not an object.
  ///
  /// The search begins behind the member found last, so reading the members in the order in which they stand takes one
  /// pass over the object. Of members with the same name, which no well-meaning peer sends, any may be found.
  @inlinable @inline(__always)
  public subscript(name: StaticString) -> JSONView? { member(Name(name)) }

  /// A name to look for. Everything in it is known when the program is compiled.
  public struct Name {
    @usableFromInline let start: UnsafePointer<UInt8>
    /// The size that the name's node must have: signature and length.
    @usableFromInline let size: UInt64

    @inlinable @inline(__always)
    public init(_ name: StaticString) {
      start = name.utf8Start
      let count = name.utf8CodeUnitCount
      // What most names differ in; as `adj_json_signature`.
      let signature =
        count == 0 ? 0 : (UInt64(start[0]) &+ UInt64(start[count - 1]) &* 4 &+ UInt64(count) &* 2) & 0xFF
      size = signature &<< 20 | UInt64(truncatingIfNeeded: count)
    }

    @inlinable var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: Int(size & 0xF_FFFF)) }
    public var string: String { String(decoding: bytes, as: UTF8.self) }
  }

  /// As the subscript with the name's text.
  public func member(_ name: Name) -> JSONView? {
    let word = node.pointee
    guard word &>> 60 == Tag.object, node[2] &>> (name.size &>> 20 & 63) & 1 != 0 else { return nil }
    let start = node + Int(truncatingIfNeeded: node[1])
    let end = node + Int(word &>> 32 & 0x0FFF_FFFF)
    guard let place = find(name, start, end) ?? find(name, node + 3, start) else { return nil }
    let value = JSONView(node: place, document: document)
    node[1] = UInt64(truncatingIfNeeded: value.end - node)
    return value.isNull ? nil : value
  }

  /// The value of the member of that name among those that begin in `from..<to`.
  @inline(__always)
  private func find(
    _ name: Name, _ from: UnsafeMutablePointer<UInt64>, _ to: UnsafeMutablePointer<UInt64>
  ) -> UnsafeMutablePointer<UInt64>? {
    var place = from
    while place < to {
      let word = place.pointee
      if word &>> 32 & 0x0FFF_FFFF == name.size, Self.areEqual(Self.name(word, document), name.bytes) {
        return place + 1
      }
      let value = place[1]
      // As a branch, which the processor guesses, and not as a number, for which it would wait.
      if _fastPath(value &>> 60 < Tag.array) { place += 2 } else { place += 1 + Self.span(value) }
    }
    return nil
  }

  /// Whether two texts of the same length have the same bytes.
  @inlinable @inline(__always)
  static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    let count = left.count
    guard let left = left.baseAddress, let right = right.baseAddress else { return true }
    if count >= 8 {
      var place = 0
      let last = count - 8
      while place < last {
        if left.loadUnaligned(fromByteOffset: place, as: UInt64.self)
          != right.loadUnaligned(fromByteOffset: place, as: UInt64.self)
        {
          return false
        }
        place += 8
      }
      return left.loadUnaligned(fromByteOffset: last, as: UInt64.self)
        == right.loadUnaligned(fromByteOffset: last, as: UInt64.self)
    }
    if count >= 4 {
      return left.loadUnaligned(as: UInt32.self) == right.loadUnaligned(as: UInt32.self)
        && left.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
          == right.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
    }
    for place in 0..<count
    where left.load(fromByteOffset: place, as: UInt8.self) != right.load(fromByteOffset: place, as: UInt8.self) {
      return false
    }
    return true
  }

  public subscript(dynamicName name: String) -> JSONView? {
    for (key, value) in members where key.string == name { return value.isNull ? nil : value }
    return nil
  }

  /// The members of an object in order; empty for anything else.
  @inlinable public var members: Members { Members(self) }

  /// The elements of an array in order; empty for anything else.
  @inlinable public var elements: Elements { Elements(self) }

  /// A copy of this value that outlives the document.
  public var json: JSON {
    switch kind {
    case .null: .null
    case .boolean: .boolean(tag == Tag.yes)
    case .integer: .integer(int64 ?? 0)
    case .unsigned, .double: .double(double ?? 0)
    case .string: .string(string ?? "")
    case .array: .array(elements.map(\.json))
    case .object: .object(JSON.Object(members.lazy.map { ($0.key.string, $0.value.json) }))
    }
  }

  /// The name of a member, still in the document's memory.
  public struct Key {
    public let utf8: UnsafeBufferPointer<UInt8>

    /// Text of a document, held to be compared like a name.
    @inlinable public init(utf8: UnsafeBufferPointer<UInt8>) { self.utf8 = utf8 }

    public var string: String { String(decoding: utf8, as: UTF8.self) }

    @inlinable public func equals(_ name: StaticString) -> Bool {
      utf8.count == name.utf8CodeUnitCount
        && JSONView.areEqual(
          UnsafeRawBufferPointer(utf8), UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }
  }

  public struct Members: Sequence, IteratorProtocol {
    @usableFromInline var place: UnsafeMutablePointer<UInt64>
    @usableFromInline let end: UnsafeMutablePointer<UInt64>
    @usableFromInline let document: UnsafePointer<Document>

    @inlinable init(_ view: JSONView) {
      let isObject = view.tag == Tag.object
      place = isObject ? view.node + 3 : view.node
      end = isObject ? view.end : view.node
      document = view.document
    }

    @inlinable public mutating func next() -> (key: Key, value: JSONView)? {
      guard place < end else { return nil }
      let key = Key(utf8: JSONView.name(place.pointee, document).bindMemory(to: UInt8.self))
      let value = JSONView(node: place + 1, document: document)
      place = value.end
      return (key, value)
    }
  }

  public struct Elements: Sequence, IteratorProtocol {
    @usableFromInline var place: UnsafeMutablePointer<UInt64>
    @usableFromInline let end: UnsafeMutablePointer<UInt64>
    @usableFromInline let document: UnsafePointer<Document>
    public let underestimatedCount: Int

    @inlinable init(_ view: JSONView) {
      let isArray = view.tag == Tag.array
      place = isArray ? view.node + 1 : view.node
      end = isArray ? view.end : view.node
      document = view.document
      underestimatedCount = isArray ? view.count : 0
    }

    @inlinable public mutating func next() -> JSONView? {
      guard place < end else { return nil }
      let view = JSONView(node: place, document: document)
      place = view.end
      return view
    }
  }
}

extension String {
  /// A copy of bytes that are known to be valid UTF-8.
  fileprivate init(checked utf8: UnsafeBufferPointer<UInt8>) {
    self.init(copying: unsafe UTF8Span(unchecked: utf8.span))
  }
}

extension UInt64 {
  /// A number of nothing but decimal digits; nil if it is none or does not fit.
  public init?(decimal bytes: UnsafeBufferPointer<UInt8>) {
    guard !bytes.isEmpty, bytes.count <= 20 else { return nil }
    var value: UInt64 = 0
    var rest = UnsafeRawBufferPointer(bytes)
    while rest.count >= 8 {
      guard let digits = Self.eightDigits(rest.loadUnaligned(as: UInt64.self)) else { return nil }
      value = value &* 100_000_000 &+ digits
      rest = UnsafeRawBufferPointer(rebasing: rest[8...])
    }
    for byte in rest {
      let digit = UInt64(byte &- UInt8(ascii: "0"))
      guard digit <= 9 else { return nil }
      if bytes.count == 20 {
        let (scaled, isTooBig) = value.multipliedReportingOverflow(by: 10)
        let (sum, carries) = scaled.addingReportingOverflow(digit)
        guard !isTooBig, !carries else { return nil }
        value = sum
      } else {
        // 19 digits always fit.
        value = value &* 10 &+ digit
      }
    }
    self = value
  }

  /// The number that eight bytes write, the first in memory the most significant; nil if one is no digit.
  ///
  /// All eight at once: neighbours are joined to numbers of two, four and eight digits.
  private static func eightDigits(_ bytes: UInt64) -> UInt64? {
    let text = UInt64(littleEndian: bytes)
    // The upper half of each byte must be 3, and still be when 6 is added to the lower.
    let upper = text & 0xF0F0_F0F0_F0F0_F0F0
    let upperOfSixMore = (text &+ 0x0606_0606_0606_0606) & 0xF0F0_F0F0_F0F0_F0F0
    guard upper | upperOfSixMore &>> 4 == 0x3333_3333_3333_3333 else { return nil }
    let digits = text & 0x0F0F_0F0F_0F0F_0F0F
    let pairs = (digits &* 10 &+ digits &>> 8) & 0x00FF_00FF_00FF_00FF
    let fours = (pairs &* 100 &+ pairs &>> 16) & 0x0000_FFFF_0000_FFFF
    return (fours &* 10_000 &+ fours &>> 32) & 0xFFFF_FFFF
  }
}
