import Glibc
import Platform
import Synchronization

/// The bot's connection to Discord: all shards of this process.
///
/// Subscribe through ``events``, then ``start()``.
public actor GatewayClient {
  public enum Shards: Sendable, Hashable {
    /// As many as Discord recommends, all in this process.
    case automatic
    /// These of `total`.
    case some(total: Int, ids: [Int])
  }

  public struct Configuration: Sendable {
    public var token: Secret<String>
    public var intents: Intents
    public var shards: Shards
    /// Instead of the address that `/gateway/bot` names.
    public var url: String?
    public var compression: GatewayCompression
    public var presence: Presence
    /// Threads that the shards share.
    public var maximumLoops = 4

    public init(
      token: Secret<String>, intents: Intents, shards: Shards = .automatic, url: String? = nil,
      compression: GatewayCompression = .zlibStream, presence: Presence = Presence()
    ) {
      self.token = token
      self.intents = intents
      self.shards = shards
      self.url = url
      self.compression = compression
      self.presence = presence
    }
  }

  public nonisolated let events: EventDispatcher
  /// Nil if nothing is cached.
  public nonisolated let cache: GuildCache?

  private let configuration: Configuration
  private let rest: RESTClient
  private let connector: any GatewayConnector
  private let sessions: any SessionStore
  private let budget: any IdentifyBudget
  private let time: any TimeSource
  private let random: any RandomSource
  private let log: Log
  private let metrics: Metrics
  private let onState: @Sendable (GatewayState) -> Void

  private nonisolated let running = Mutex<[Shard]>([])
  private var loops: EventLoopGroup?

  /// - Parameter onState: called on the shards' threads; must not block.
  public init(
    configuration: Configuration, rest: RESTClient, connector: any GatewayConnector,
    sessions: any SessionStore = MemorySessionStore(), budget: (any IdentifyBudget)? = nil,
    cache: GuildCache? = GuildCache(), time: any TimeSource = SystemTime(),
    random: any RandomSource = SystemRandom(), log: Log, metrics: Metrics,
    onState: @escaping @Sendable (GatewayState) -> Void = { _ in }
  ) {
    self.configuration = configuration
    self.rest = rest
    self.connector = connector
    self.sessions = sessions
    self.budget = budget ?? MemoryIdentifyBudget(time: time, random: random)
    self.cache = cache
    self.time = time
    self.random = random
    self.metrics = metrics
    self.onState = onState
    let log = log.labelled("gateway")
    self.log = log
    events = EventDispatcher(log: log, metrics: metrics)
  }

  /// Asks Discord where to connect and starts the shards. Returns when they are under way, not when they are ready.
  /// - Throws: ``DiscordError`` if Discord refuses; ``SystemError`` if there is no thread left; `CancellationError`. An
  ///   outage is waited for.
  public func start() async throws {
    guard loops == nil else { return }
    let retry = OutageRetry(time: time, random: random, log: log)
    let information = try await retry.untilAnswered("ask for the gateway") { [rest] in
      try await rest.gatewayInformation()
    }
    let (total, ids): (Int, [Int]) =
      switch configuration.shards {
      case .automatic: (max(1, information.shards), Array(0..<max(1, information.shards)))
      case .some(let total, let ids): (max(1, total), ids.filter { (0..<total).contains($0) }.sorted())
      }
    let limit = information.sessionStartLimit
    log.notice(
      "starting shards",
      [
        "count": .integer(Int64(ids.count)), "total": .integer(Int64(total)),
        "identifiesLeft": .integer(Int64(limit.remaining)),
      ])
    let loops = try EventLoopGroup(count: max(1, min(ids.count, configuration.maximumLoops)), name: "gateway")
    self.loops = loops
    let gate = IdentifyGate(limit: limit, budget: budget, time: time, log: log) { [rest] in
      try await rest.gatewayInformation().sessionStartLimit
    }
    await gate.report(limit)
    for id in ids {
      let shardID = ShardID(id, of: total)
      var session: GatewaySession?
      do {
        session = try await sessions.load(shard: shardID)
      } catch {
        log.warning("cannot load the session", ["shard": .of(shardID), "error": .error(error)])
      }
      let shard = Shard(
        configuration: Shard.Configuration(
          id: shardID, url: configuration.url ?? information.url, token: configuration.token,
          intents: configuration.intents, compression: configuration.compression, presence: configuration.presence,
          recommendedShards: information.shards),
        session: session, loop: loops.next(), connector: connector, gate: gate, sessions: sessions,
        dispatcher: events, cache: cache, random: random, log: log, metrics: metrics, onState: onState)
      running.withLock { $0.append(shard) }
      await shard.start()
    }
  }

  /// Ends all connections.
  ///
  /// Takes in no more events, waits for busy handlers up to `limit`, then saves how far each session was handled: the
  /// next start resumes there.
  /// - Parameter saving: whether to keep the sessions; without, Discord shows the bot offline at once.
  public func stop(saving: Bool, limit: Duration = .seconds(10)) async {
    let shards = running.withLock { shards in
      defer { shards = [] }
      return shards
    }
    await withTaskGroup(of: Void.self) { group in
      for shard in shards { group.addTask { await shard.stop(keepingSession: saving) } }
    }
    let deadline = time.now.advanced(by: limit)
    for shard in shards {
      while time.now < deadline, await !shard.isIdle {
        // At the end of the program only; a handler that is done says so to its tracker, not to us.
        do { try await time.sleep(for: .milliseconds(10)) } catch { break }
      }
      if saving {
        if await !shard.isIdle {
          log.warning("handlers are still busy: their events come again after the restart", ["shard": .of(shard.id)])
        }
        await shard.save()
      }
    }
    events.finish()
    await loops?.shutdown()
    loops = nil
  }

  /// Sends a command on the shard that carries the guild; without a guild on all shards.
  /// - Throws: ``GatewaySendError``
  public func send(_ command: GatewayCommand, guild: Snowflake? = nil) async throws {
    let shards = running.withLock { $0 }.filter { shard in
      guild.map { ShardID.shard(of: $0, count: shard.id.count) == shard.id.id } ?? true
    }
    guard !shards.isEmpty else { throw GatewaySendError.noShard }
    for shard in shards { try await shard.send(command) }
  }

  /// Time from heartbeat to ACK, the mean over the shards; nil before the first.
  public nonisolated var latency: Duration? {
    let latencies = running.withLock { $0 }.compactMap(\.status.latency)
    return latencies.isEmpty ? nil : latencies.reduce(.zero, +) / latencies.count
  }

  /// Of each shard by its number: whether its session is up, and its latency.
  public nonisolated var shardStatus: [(shard: ShardID, isReady: Bool, latency: Duration?)] {
    running.withLock { $0 }.map { ($0.id, $0.status.isReady, $0.status.latency) }
  }

  public nonisolated var isReady: Bool {
    let shards = running.withLock { $0 }
    return !shards.isEmpty && shards.allSatisfy(\.status.isReady)
  }

  public nonisolated var guildCount: Int { cache?.guildCount ?? 0 }
  public nonisolated var memberCount: Int { cache?.memberCount ?? 0 }
}
