/// Waits that double up to a limit, with chance in them so that not all come back at once.
public struct Backoff: Sendable {
  public let first: Duration
  public let limit: Duration

  public init(first: Duration, limit: Duration) {
    self.first = first
    self.limit = limit
  }

  /// Before the attempt that follows `failures` failed ones (at least 1): between half and all of
  /// `first * 2^(failures - 1)`.
  public func delay(failures: Int, random: any RandomSource) -> Duration {
    var full = first
    for _ in 1..<max(2, min(failures, 32)) where failures > 1 && full < limit { full *= 2 }
    full = min(full, limit)
    return full / 2 + random.duration(upTo: full / 2)
  }
}
