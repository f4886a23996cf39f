/// Writes an object member by member into bytes, without a container or a key being made for any of them.
public struct JSONWriter {
  fileprivate(set) var bytes: [UInt8]
  private var isFirst = true

  init(_ bytes: consuming [UInt8]) { self.bytes = bytes }

  private mutating func name(_ name: StaticString) {
    if isFirst { isFirst = false } else { bytes.append(UInt8(ascii: ",")) }
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
  }

  // MARK: Members

  /// - Parameter name: without a character that JSON escapes.
  public mutating func member(_ name: StaticString, _ value: String) {
    self.name(name)
    JSONText.append(value, .all, to: &bytes)
  }

  /// Nil is written as `null`.
  public mutating func member(_ name: StaticString, orNull value: String?) {
    self.name(name)
    if let value { JSONText.append(value, .all, to: &bytes) } else { bytes.append(contentsOf: "null".utf8) }
  }

  public mutating func member(_ name: StaticString, _ value: Bool) {
    self.name(name)
    JSONText.append(value, to: &bytes)
  }

  public mutating func member(_ name: StaticString, _ value: Timestamp) {
    self.name(name)
    JSONText.append(value.iso8601, .all, to: &bytes)
  }

  public mutating func member(_ name: StaticString, _ value: JSON) {
    self.name(name)
    value.write(to: &bytes, .all, keepingPoint: false)
  }

  /// An object inside of this one.
  public mutating func member(_ name: StaticString, _ value: some JSONWritable) {
    self.name(name)
    object(value)
  }

  mutating func object(_ value: some JSONWritable) {
    let outer = isFirst
    isFirst = true
    bytes.append(UInt8(ascii: "{"))
    value.write(to: &self)
    bytes.append(UInt8(ascii: "}"))
    isFirst = outer
  }
}

/// A type of which there are very many in one answer, and which is written faster by hand: the same members in the same
/// order as by its `encode(to:)`. ``JSONTextEncoder`` writes lists of it so.
public protocol JSONWritable: Encodable {
  func write(to object: inout JSONWriter)
}
