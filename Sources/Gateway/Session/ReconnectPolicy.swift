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
