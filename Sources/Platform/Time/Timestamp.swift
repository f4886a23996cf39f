import FoundationEssentials
import Glibc

/// A point in civil time: UTC, in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// This is the one form in which times are stored, sent and compared across processes. To measure spans use
/// ``TimeSource/now`` instead: civil time can jump.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var milliseconds: Int64

  public init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  public init(seconds: Int64) {
    self.milliseconds = seconds * 1_000
  }

  /// What the machine's clock says. Code whose behaviour depends on the time takes a ``TimeSource`` instead.
  public static var now: Timestamp {
    var value = timespec()
    clock_gettime(CLOCK_REALTIME, &value)
    return Timestamp(milliseconds: Int64(value.tv_sec) * 1_000 + Int64(value.tv_nsec) / 1_000_000)
  }

  /// `2024-01-01T00:00:00.000Z`.
  public var iso8601: String {
    // Foundation rounds through a Double and loses milliseconds: it gets whole seconds only.
    let (seconds, fraction) = milliseconds.floorDivided(by: 1_000)
    let whole = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601).dropLast()
    let digits = String(fraction)
    return whole + "." + String(repeating: "0", count: 3 - digits.count) + digits + "Z"
  }

  /// Reads RFC 3339 with or without a fraction, in any zone: `2024-01-01T00:00:00Z`, `…T02:00:00.123456+02:00`.
  /// Digits beyond the millisecond are cut off.
  public init?(iso8601 text: String) {
    // Foundation's parser takes milliseconds only; Discord sends microseconds.
    var trimmed = text
    if let dot = text.firstIndex(of: ".") {
      let digits = text[text.index(after: dot)...].prefix { $0.isASCII && $0.isNumber }
      guard !digits.isEmpty else { return nil }
      let three = String((digits + "000").prefix(3))
      trimmed = text[..<dot] + "." + three + text[digits.endIndex...]
    }
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: trimmed.contains("."))
    guard let date = try? style.parse(trimmed) else { return nil }
    milliseconds = Int64((date.timeIntervalSince1970 * 1_000).rounded())
  }

  public var description: String { iso8601 }

  public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

  public static func + (left: Timestamp, right: Duration) -> Timestamp {
    // Not `right / .milliseconds(1)`: that is a Double, and one millisecond short for some spans.
    let (seconds, attoseconds) = right.components
    return Timestamp(milliseconds: left.milliseconds + seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
  }

  public static func - (left: Timestamp, right: Timestamp) -> Duration {
    .milliseconds(left.milliseconds - right.milliseconds)
  }
}

extension Timestamp: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Timestamp(iso8601: text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an ISO 8601 date: \(text)")
    }
    self = value
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(iso8601)
  }
}

extension Int64 {
  fileprivate func floorDivided(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
