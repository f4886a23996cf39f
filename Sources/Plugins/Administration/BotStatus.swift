import Gateway

/// What the bot knows of itself.
public protocol BotStatus: Sendable {
  /// `1.0.0`
  var version: String { get }
  var uptime: Duration { get }
  var guildCount: Int { get }
  /// Where the source can be read; nil if the operator gives no address.
  var sourceURL: String? { get }
  /// From the last heartbeat to its acknowledgement, of the shard that serves a guild (direct messages: shard 0); nil
  /// before the first.
  func heartbeatLatency(for guild: Snowflake?) async -> Duration?
}
