import Platform

/// Waits that double up to a limit, with chance in them so that shards do not come back all at once.
struct Backoff: Sendable {
  let first: Duration
  let limit: Duration

  /// Before the attempt that follows `failures` failed ones (at least 1): between half and all of
  /// `first * 2^(failures - 1)`.
  func delay(failures: Int, random: any RandomSource) -> Duration {
    var full = first
    for _ in 1..<max(2, min(failures, 32)) where failures > 1 && full < limit { full *= 2 }
    full = min(full, limit)
    return full / 2 + random.duration(upTo: full / 2)
  }
}
