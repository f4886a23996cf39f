/// The scalars of JSON text, straight into bytes.
enum JSONText {
  /// How control characters are written that have a short form.
  enum Escapes {
    /// `\n`, `\r`, `\t` alone, as ``JSON/serialized()`` always wrote them.
    case few
    /// Also `\b` and `\f`, as Foundation does.
    case all
  }

  static func append(_ value: Bool, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
  }

  static func append(_ value: Int64, to bytes: inout [UInt8]) {
    var rest = value.magnitude
    if rest < 10 {
      if value < 0 { bytes.append(UInt8(ascii: "-")) }
      return bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest))
    }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var place = 20
      while rest > 0 {
        place -= 1
        let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
        digits[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
        rest = quotient
      }
      if value < 0 {
        place -= 1
        digits[place] = UInt8(ascii: "-")
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[place...]))
    }
  }

  /// The shortest text that reads back as the same number. A whole number below 10¹⁵ ends with `.0` only if asked.
  /// - Parameter value: finite.
  static func append(_ value: Double, keepingPoint: Bool, to bytes: inout [UInt8]) {
    if let whole = Int64(exactly: value), whole.magnitude < 1_000_000_000_000_000, whole != 0 {
      append(whole, to: &bytes)
      if keepingPoint { bytes.append(contentsOf: ".0".utf8) }
      return
    }
    appendNumber(value.description, keepingPoint: keepingPoint, to: &bytes)
  }

  static func appendNumber(_ text: String, keepingPoint: Bool, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: text.utf8)
    if !keepingPoint, bytes.count >= 2, bytes[bytes.count - 1] == UInt8(ascii: "0"),
      bytes[bytes.count - 2] == UInt8(ascii: ".")
    {
      bytes.removeLast(2)
    }
  }

  static func append(_ text: String, _ escapes: Escapes, to bytes: inout [UInt8]) {
    var text = text
    bytes.append(UInt8(ascii: "\""))
    text.withUTF8 { source in
      var start = 0
      while true {
        let place = firstEscaped(in: source, from: start)
        if place > start { bytes.append(contentsOf: UnsafeBufferPointer(rebasing: source[start..<place])) }
        guard place < source.count else { break }
        escape(source[place], escapes, to: &bytes)
        start = place + 1
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// The place of the first byte that cannot stand as it is, or the end. Eight bytes are looked at together.
  private static func firstEscaped(in source: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    let raw = UnsafeRawBufferPointer(source)
    var place = start
    while place + 8 <= source.count {
      let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt64.self))
      let quotes = word ^ (ones &* 0x22)
      let backslashes = word ^ (ones &* 0x5C)
      // The lowest bit that is set is that of the first such byte; a borrow can only set further ones behind it.
      let found =
        ((word &- ones &* 0x20) & ~word | (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes) & highs
      if found != 0 { return place + found.trailingZeroBitCount / 8 }
      place += 8
    }
    while place < source.count, !isEscaped(source[place]) { place += 1 }
    return place
  }

  private static func isEscaped(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  private static func escape(_ byte: UInt8, _ escapes: Escapes, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case 0x08 where escapes == .all: bytes.append(UInt8(ascii: "b"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0C where escapes == .all: bytes.append(UInt8(ascii: "f"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    case 0x00...0x1F:
      bytes.append(contentsOf: (byte < 0x10 ? "u000" : "u001").utf8)
      let digit = byte & 0x0F
      bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    default: bytes.append(byte)
    }
  }
}
