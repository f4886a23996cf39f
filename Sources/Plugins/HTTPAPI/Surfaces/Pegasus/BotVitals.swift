import Platform

/// What the bot itself knows of how it is doing, at one moment and without a question to anybody.
public struct BotVitals: Sendable, Equatable {
  public struct Shard: Sendable, Equatable {
    public var id: Int
    /// Of how many.
    public var total: Int
    public var state: String
    public var isReady: Bool
    /// From the last heartbeat to its ACK; nil before the first.
    public var latency: Duration?
    /// Connections lost since the start.
    public var disconnections: Int

    public init(
      id: Int, total: Int, state: String, isReady: Bool, latency: Duration? = nil, disconnections: Int = 0
    ) {
      self.id = id
      self.total = total
      self.state = state
      self.isReady = isReady
      self.latency = latency
      self.disconnections = disconnections
    }
  }

  /// Guilds that this process looks after.
  public var guilds: Int
  /// Members of these guilds as Discord counts them; whoever is in two counts twice.
  public var users: Int
  public var channels: Int
  /// Of this process.
  public var shards: [Shard]
  /// How long Discord's REST API took to answer last: what is known before the first heartbeat.
  public var requestLatency: Duration?

  public init(guilds: Int, users: Int, channels: Int, shards: [Shard], requestLatency: Duration? = nil) {
    self.guilds = guilds
    self.users = users
    self.channels = channels
    self.shards = shards
    self.requestLatency = requestLatency
  }

  /// Whether there are shards and all of them are ready.
  public var isReady: Bool { !shards.isEmpty && shards.allSatisfy(\.isReady) }

  /// The mean over the shards, in whole milliseconds; before the first heartbeat that of the REST API, and 0 where
  /// nothing was measured yet.
  public var latencyMilliseconds: Int {
    let known = shards.compactMap { $0.latency?.inMilliseconds }
    guard known.isEmpty else { return Int((known.reduce(0, +) / Double(known.count)).rounded()) }
    return Int((requestLatency?.inMilliseconds ?? 0).rounded())
  }
}

/// Tells the vitals; wired to the gateway.
public protocol BotVitalsSource: Sendable {
  var vitals: BotVitals { get }
}
