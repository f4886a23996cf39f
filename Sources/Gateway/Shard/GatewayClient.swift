import Glibc
import Platform
import Synchronization

/// The bot's connection to Discord: all shards of this process.
///
/// Subscribe through ``events``, then ``start()``. ``reshard(to:)`` changes the number of shards while they run.
public actor GatewayClient {
  public enum Shards: Sendable, Hashable {
    /// As many as Discord recommends, all in this process. Their number grows while they run.
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
    /// How often Discord is asked whether more shards are needed; with ``Shards/automatic`` only.
    public var growthInterval = Duration.seconds(86_400)
    /// How long a shard waits before it connects again; shorter for tests.
    public var policy = ReconnectPolicy()

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

  var configuration: Configuration
  let rest: RESTClient
  private let connector: any GatewayConnector
  private let sessions: any SessionStore
  private let budget: any IdentifyBudget
  let time: any TimeSource
  private let random: any RandomSource
  let log: Log
  private let metrics: Metrics
  private let figures: GatewayMetrics
  let onState: @Sendable (GatewayState) -> Void
  let requester: MemberRequester

  /// The set that carries the bot.
  nonisolated let current = Mutex<ShardSet?>(nil)
  var gate: IdentifyGate?
  private var presence: Presence
  private var growth: Task<Void, Never>?
  var isResharding = false
  var isStopping = false

  /// - Parameters:
  ///   - budget: nil keeps count for as long as this client lives.
  ///   - onState: called on the shards' threads; must not block.
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
    figures = GatewayMetrics(metrics)
    self.onState = onState
    presence = configuration.presence
    let log = log.labelled("gateway")
    self.log = log
    let requester = MemberRequester(time: time, random: random)
    self.requester = requester
    events = EventDispatcher(log: log, metrics: metrics)
    events.subscribe(.guildMembersChunk) { await requester.received($0.map(\.payload)) }
    events.subscribe(.rateLimited) { await requester.rateLimited($0.map(\.payload)) }
    metrics.onCollect { [weak self] in
      guard let self else { return }
      figures.show(shardStatus)
    }
  }

  // MARK: Starting and stopping

  /// Asks Discord where to connect and starts the shards. Returns when they are under way, not when they are ready.
  /// - Throws: ``DiscordError`` if Discord refuses; ``SystemError`` if there is no thread left; `CancellationError`. An
  ///   outage is waited for.
  public func start() async throws {
    guard gate == nil else { return }
    let information = try await askDiscord()
    let limit = information.sessionStartLimit
    let gate = IdentifyGate(limit: limit, budget: budget, figures: figures, time: time, log: log) { [rest] in
      try await rest.gatewayInformation().sessionStartLimit
    }
    self.gate = gate
    await gate.report(limit)
    await requester.setSend { [weak self] command, guild in try await self?.send(command, guild: guild) }
    var stored: Set<ShardID> = []
    do {
      stored = try await sessions.shards()
    } catch {
      log.warning("cannot look for sessions of the last run", ["error": .error(error)])
    }
    let plan = ShardPlan.atStart(configuration.shards, recommended: information.shards, stored: stored)
    log.notice(
      "starting shards",
      [
        "count": .integer(Int64(plan.ids.count)), "total": .integer(Int64(plan.total)),
        "identifiesLeft": .integer(Int64(limit.remaining)),
      ])
    try await startAfresh(plan, information)
    if plan.isWhole { await forgetOthers(than: plan.total, among: stored) }
    watchGrowth(recommended: information.shards)
  }

  func askDiscord() async throws -> GatewayInformation {
    try await OutageRetry(time: time, random: random, log: log).untilAnswered("ask for the gateway") { [rest] in
      try await rest.gatewayInformation()
    }
  }

  /// Makes these shards the ones that carry the bot. No others may run.
  func startAfresh(_ plan: ShardPlan, _ information: GatewayInformation) async throws {
    let set = try await makeSet(plan, information, keepsSessions: true)
    current.withLock { $0 = set }
    await set.start()
  }

  func makeSet(
    _ plan: ShardPlan, _ information: GatewayInformation, keepsSessions: Bool,
    filteredBy takeover: SharedTakeover? = nil
  ) async throws -> ShardSet {
    guard let gate else { throw ReshardError.notRunning }
    let loops = try EventLoopGroup(count: max(1, min(plan.ids.count, configuration.maximumLoops)), name: "gateway")
    var shards: [Shard] = []
    for id in plan.ids.map({ ShardID($0, of: plan.total) }) {
      var session: GatewaySession?
      do {
        if keepsSessions { session = try await sessions.load(shard: id) }
      } catch {
        log.warning("cannot load the session", ["shard": .of(id), "error": .error(error)])
      }
      let shard = Shard(
        configuration: Shard.Configuration(
          id: id, url: configuration.url ?? information.url, token: configuration.token,
          intents: configuration.intents, compression: configuration.compression, presence: presence,
          recommendedShards: information.shards, keepsSession: keepsSessions, policy: configuration.policy),
        session: session, loop: loops.next(), connector: connector, gate: gate, sessions: sessions, dispatcher: events,
        cache: cache, random: random, log: log, metrics: metrics
      ) { [weak self] in self?.happened($0) }
      if let takeover {
        let hearsGuilds = configuration.intents.contains(.guilds)
        await shard.setFilter(takeover.filter(for: id, on: .new, hearsGuilds: hearsGuilds))
      }
      shards.append(shard)
    }
    return ShardSet(plan: plan, shards: shards, loops: loops)
  }

  /// Sessions of another total are of no use any more.
  private func forgetOthers(than total: Int, among stored: Set<ShardID>) async {
    for shard in stored where shard.count != total {
      do {
        try await sessions.save(nil, shard: shard)
      } catch {
        log.warning("cannot forget an old session", ["shard": .of(shard), "error": .error(error)])
      }
    }
  }

  /// Called on the shards' threads.
  private nonisolated func happened(_ state: GatewayState) {
    let total = current.withLock { $0?.plan.total }
    switch state {
    case .failed(let error):
      // A set that comes up beside the present one is judged by its takeover.
      guard error.shard.count == total else { return }
      if error.code == .shardingRequired { Task { await tooFewShards(error) } } else { onState(state) }
    case .ready(let shard, let resumed):
      guard shard.count == total else { return }
      if !resumed {
        Task { await requester.lost { ShardID.shard(of: $0, count: shard.count) == shard.id } }
      }
      onState(state)
    case .disconnected(let shard, _, _): if shard.count == total { onState(state) }
    case .resharded: onState(state)
    }
  }

  /// Ends all connections.
  ///
  /// Takes in no more events, waits for busy handlers up to `limit`, then saves how far each session was handled: the
  /// next start resumes there.
  /// - Parameter saving: whether to keep the sessions; without, Discord shows the bot offline at once.
  public func stop(saving: Bool, limit: Duration = .seconds(10)) async {
    isStopping = true
    growth?.cancel()
    await requester.stop()
    // A takeover under way notices, and leaves one set.
    while isResharding { do { try await time.sleep(for: .milliseconds(10)) } catch { await Task.yield() } }
    let set = current.withLock { current in
      defer { current = nil }
      return current
    }
    if let set {
      await set.close(keepingSessions: saving)
      let busy = await set.waitUntilIdle(until: time.now.advanced(by: limit), time: time)
      for shard in busy where saving {
        log.warning("handlers are still busy: their events come again after the restart", ["shard": .of(shard.id)])
      }
      if saving { for shard in set.shards { await shard.save() } }
    }
    events.finish()
    await set?.shutdown()
  }

  // MARK: Growth

  private func watchGrowth(recommended: Int) {
    let (time, interval) = (time, configuration.growthInterval)
    growth = Task { [weak self] in
      var recommended: Int? = recommended
      while !Task.isCancelled {
        if let recommended { await self?.considerGrowth(recommended) }
        do { try await time.sleep(for: interval) } catch { return }
        recommended = await self?.askForRecommendation()
      }
    }
  }

  /// Nil if nobody wants to know, or Discord does not answer.
  private func askForRecommendation() async -> Int? {
    guard configuration.shards == .automatic else { return nil }
    do {
      let information = try await rest.gatewayInformation()
      await gate?.report(information.sessionStartLimit)
      return information.shards
    } catch {
      log.warning("cannot ask how many shards are needed", ["error": .error(error)])
      return nil
    }
  }

  private func considerGrowth(_ recommended: Int) async {
    guard configuration.shards == .automatic, let total = current.withLock({ $0?.plan.total }),
      ShardPlan.isOutgrown(total: total, recommended: recommended)
    else { return }
    log.notice(
      "Discord recommends more shards",
      ["total": .integer(Int64(total)), "recommended": .integer(Int64(recommended))])
    do {
      try await changeShards(to: .automatic)
    } catch {
      log.error("the number of shards stays as it is", ["error": .error(error)])
    }
  }

  // MARK: Commands

  /// Sends a command on the shard that carries the guild; without a guild on all shards.
  /// - Throws: ``GatewaySendError``
  public func send(_ command: GatewayCommand, guild: Snowflake? = nil) async throws {
    let shards = running.filter { shard in
      guild.map { ShardID.shard(of: $0, count: shard.id.count) == shard.id.id } ?? true
    }
    guard !shards.isEmpty else { throw GatewaySendError.noShard }
    for shard in shards { try await shard.send(command) }
  }

  /// What the member list shows of the bot, from now on and on every shard, also after reconnects.
  /// - Throws: ``GatewaySendError/tooLarge(what:bytes:)``; nothing is changed then.
  public func setPresence(_ presence: Presence) async throws {
    let size = GatewayCommand.updatePresence(presence).size
    guard size <= GatewayProtocol.maximumPayloadSize else {
      throw GatewaySendError.tooLarge(what: GatewayCommand.updatePresence(presence).name, bytes: size)
    }
    self.presence = presence
    for shard in running { await shard.setPresence(presence) }
  }

  /// Asks the gateway for members of a guild.
  /// - Parameters:
  ///   - limit: for the whole answer.
  ///   - maximum: more members than this are refused, as they would have to be held in memory.
  /// - Throws: ``MemberRequestError``, ``GatewaySendError``, `CancellationError`.
  public func members(
    of guild: Snowflake, _ query: MemberQuery, limit: Duration = .seconds(60), maximum: Int = 250_000
  ) async throws -> MemberList {
    if query == .all, !configuration.intents.contains(.guildMembers) { throw MemberRequestError.missingIntent }
    return try await requester.members(of: guild, query, limit: limit, maximum: maximum)
  }

  // MARK: Figures

  private nonisolated var running: [Shard] { current.withLock { $0?.shards ?? [] } }

  /// Time from heartbeat to ACK, the mean over the shards; nil before the first.
  public nonisolated var latency: Duration? {
    let latencies = running.compactMap(\.status.latency)
    return latencies.isEmpty ? nil : latencies.reduce(.zero, +) / latencies.count
  }

  /// How each shard is doing, by number.
  public nonisolated var shardStatus: [ShardStatus] { running.map(\.status) }

  public nonisolated var isReady: Bool {
    let shards = running
    return !shards.isEmpty && shards.allSatisfy(\.status.isReady)
  }

  public nonisolated var guildCount: Int { cache?.guildCount ?? 0 }
  public nonisolated var memberCount: Int { cache?.memberCount ?? 0 }
}
