/// Finds where a hand-written JSON text goes wrong, for an error message; simdjson only says that it does.
struct JSONSyntax {
  struct Place: Equatable {
    /// Both count from 1; columns are bytes.
    var line: Int
    var column: Int
  }

  private let bytes: [UInt8]
  private var index = 0

  /// The place of the first byte that cannot stand there; nil where the text is JSON.
  static func firstError(in bytes: [UInt8]) -> Place? {
    var scanner = JSONSyntax(bytes: bytes)
    if scanner.value(depth: 0) {
      scanner.skipSpace()
      if scanner.index == bytes.count { return nil }
    }
    let before = bytes[..<min(scanner.index, bytes.count)]
    let newline = UInt8(ascii: "\n")
    let lineStart = before.lastIndex(of: newline).map { $0 + 1 } ?? 0
    return Place(line: before.count { $0 == newline } + 1, column: before.count - lineStart + 1)
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func skipSpace() {
    while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { index += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  /// Scans one value; on failure `index` stands at the mistake.
  private mutating func value(depth: Int) -> Bool {
    skipSpace()
    guard depth < 128, let byte = next else { return false }
    switch byte {
    case UInt8(ascii: "{"): return list(closedBy: "}", depth: depth, named: true)
    case UInt8(ascii: "["): return list(closedBy: "]", depth: depth, named: false)
    case UInt8(ascii: "\""): return string()
    default: return word()
    }
  }

  private mutating func list(closedBy end: Unicode.Scalar, depth: Int, named: Bool) -> Bool {
    index += 1
    skipSpace()
    if take(end) { return true }
    while true {
      if named {
        skipSpace()
        guard next == UInt8(ascii: "\""), string() else { return false }
        skipSpace()
        guard take(":") else { return false }
      }
      guard value(depth: depth + 1) else { return false }
      skipSpace()
      if take(end) { return true }
      guard take(",") else { return false }
    }
  }

  private mutating func string() -> Bool {
    index += 1
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        index += 1
        return true
      case UInt8(ascii: "\\"):
        guard let escaped = bytes[index...].dropFirst().first, "\"\\/bfnrtu".utf8.contains(escaped) else {
          return false
        }
        index += 2
      case 0..<0x20: return false
      default: index += 1
      }
    }
    return false
  }

  /// `true`, `false`, `null` or a number; on failure `index` stands at its beginning.
  private mutating func word() -> Bool {
    let start = index
    while let byte = next, !" \t\r\n,:[]{}\"".utf8.contains(byte) { index += 1 }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    if ["true", "false", "null"].contains(text)
      || text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/) != nil
    {
      return true
    }
    index = start
    return false
  }
}
