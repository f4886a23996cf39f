/// The path of a request: split at its slashes first and decoded afterwards, so that an encoded slash stays inside its
/// segment and nothing is decoded twice.
public struct HTTPPath: Sendable, Hashable, CustomStringConvertible {
  /// As it came, still encoded, beginning with `/` (or `*` for `OPTIONS *`).
  public let raw: String
  /// Decoded. `/` has one empty segment, and a trailing slash gives an empty last one.
  public let segments: [String]

  /// - Throws: ``HTTPError`` 400 for a broken escape, NUL, text that is not UTF-8, and `.` or `..` segments in any
  ///   spelling.
  public init(_ raw: String) throws(HTTPError) {
    self.raw = raw
    guard raw.utf8.first == UInt8(ascii: "/") else {
      segments = [raw]
      return
    }
    var segments: [String] = []
    for part in raw.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      guard let segment = PercentEncoding.decode(part, plusIsSpace: false) else {
        throw .malformed("the path has a broken percent escape or is not UTF-8")
      }
      guard segment != ".", segment != ".." else { throw .malformed("the path has a dot segment") }
      guard !segment.utf8.contains(0) else { throw .malformed("the path has a NUL") }
      segments.append(segment)
    }
    self.segments = segments
  }

  public var description: String { raw }
}

/// RFC 3986 section 2.1.
public enum PercentEncoding {
  /// - Returns: nil for a broken escape or a result that is not UTF-8.
  public static func decode(_ text: some Collection<UInt8>, plusIsSpace: Bool) -> String? {
    guard text.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") || $0 >= 0x80 }) else {
      return String(decoding: text, as: UTF8.self)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var iterator = text.makeIterator()
    while let byte = iterator.next() {
      switch byte {
      case UInt8(ascii: "%"):
        guard let high = iterator.next().flatMap(hexDigit), let low = iterator.next().flatMap(hexDigit) else {
          return nil
        }
        bytes.append(high << 4 | low)
      case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
      default: bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// Escapes everything but the unreserved characters.
  public static func encode(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        result += byte < 16 ? "%0" : "%"
        result += String(byte, radix: 16, uppercase: true)
      }
    }
    return result
  }

  static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
