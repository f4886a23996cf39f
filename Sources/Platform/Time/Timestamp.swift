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
