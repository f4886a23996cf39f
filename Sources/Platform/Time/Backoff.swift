import Platform

/// How long a shard waits before it tries again.
public struct ReconnectPolicy: Sendable {
  /// Before the next connection, after failed ones.
  var reconnect = Backoff(first: .seconds(1), limit: .seconds(60))
  /// Before the next identify, after some that led nowhere: each costs one of the day's budget.
  var identify = Backoff(first: .seconds(5), limit: .seconds(600))
  /// After op 9: Discord asks for a random wait of one to five seconds.
  var invalidSession: ClosedRange<Duration> = .seconds(1) ... .seconds(5)

  public init() {}
}

/// Waits that double up to a limit, with chance in them so that shards do not come back all at once.
public struct Backoff: Sendable {
  let first: Duration
  let limit: Duration

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
