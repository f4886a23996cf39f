import Platform
import Synchronization

/// Decides which of a shard's events go on, after they are counted in its session. Used on the shard's thread.
protocol EventFilter: AnyObject, Sendable {
  func admits(_ name: JSONView.Key, _ data: JSONView?) -> Bool
  /// Runs what takes a message in and passes it on, while no shard of the other set does: what is admitted first also
  /// arrives first.
  func inTurn<Result: Sendable>(_ body: () throws -> Result) rethrows -> Result
}

/// A ``Takeover`` that both sets of shards ask, each from its own thread.
final class SharedTakeover: Sendable {
  private let state: Mutex<Takeover>
  private let turn = Mutex(())
  let time: any TimeSource

  init(limit: Duration, time: any TimeSource) {
    state = Mutex(Takeover(limit: limit, at: time.now))
    self.time = time
  }

  func withLock<Result>(_ body: (inout Takeover) -> sending Result) -> sending Result { state.withLock(body) }

  /// - Parameter hearsGuilds: whether the intents bring GUILD_CREATE.
  func filter(for shard: ShardID, on side: Takeover.Side, hearsGuilds: Bool) -> any EventFilter {
    Filter(takeover: self, shard: shard, side: side, hearsGuilds: hearsGuilds)
  }

  private final class Filter: EventFilter {
    private let takeover: SharedTakeover
    private let shard: ShardID
    private let side: Takeover.Side
    private let hearsGuilds: Bool

    init(takeover: SharedTakeover, shard: ShardID, side: Takeover.Side, hearsGuilds: Bool) {
      self.takeover = takeover
      self.shard = shard
      self.side = side
      self.hearsGuilds = hearsGuilds
    }

    func inTurn<Result: Sendable>(_ body: () throws -> Result) rethrows -> Result {
      try takeover.turn.withLock { _ in try body() }
    }

    func admits(_ name: JSONView.Key, _ data: JSONView?) -> Bool {
      let now = takeover.time.now
      // Answers to what this session asked for exist once.
      if name.equals("GUILD_MEMBERS_CHUNK") || name.equals("RATE_LIMITED") { return true }
      if name.equals("RESUMED") { return takeover.withLock { $0.owner == side } }
      if name.equals("READY") {
        let guilds = hearsGuilds ? Self.guilds(of: data) : []
        return takeover.withLock { state in
          if state.owner == side { return true }
          if side == .new { state.began(shard, guilds: guilds, at: now) }
          return false
        }
      }
      if side == .new, name.equals("GUILD_CREATE") || name.equals("GUILD_DELETE"),
        let id = data?["id"]?.uint64InString.map(Snowflake.init(rawValue:)),
        takeover.withLock({ $0.received(id, on: shard, at: now) })
      {
        return false
      }
      let (fingerprint, guild) = (EventFingerprint.of(name, data), EventFingerprint.guild(name, data))
      return takeover.withLock { $0.admits(fingerprint, in: guild, from: side, at: now) }
    }

    private static func guilds(of ready: JSONView?) -> Set<Snowflake> {
      guard let list = ready?["guilds"] else { return [] }
      return Set(list.elements.compactMap { $0["id"]?.uint64InString.map(Snowflake.init(rawValue:)) })
    }
  }
}
