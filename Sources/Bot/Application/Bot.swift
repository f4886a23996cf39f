import Administration
import Commands
import Core
import Gateway
import GatewayStore
import Platform

/// The parts of one bot, wired to each other.
final class Bot: Sendable {
  /// What the bot is made of and stands on.
  struct Surroundings: Sendable {
    let target: DiscordTarget
    let configuration: Configuration
    let shared: SharedState
    let http: HTTPClient
    let sink: any LogSink
    let metrics: Metrics
    let time: any TimeSource
    /// Beside those that every bot has.
    var plugins: [any Plugin] = []
    /// For the commands of its owners; nil where nobody can end the process.
    var control: (any BotControl)?

    /// Requests to Discord as this bot.
    func makeREST() -> RESTClient {
      RESTClient(
        configuration: .init(
          baseURL: target.apiBase, token: target.token,
          userAgent: Version.userAgent(token: target.token, publicURL: configuration.httpAPI.publicURL)),
        transport: HTTPTransport(client: http), time: time, log: Log(label: "", sink: sink), metrics: metrics)
    }
  }

  private let shared: SharedState
  private let gateway: GatewayClient
  private let registry: PluginRegistry
  private let registration: CommandRegistration
  private let enabled: GuildPlugins
  private let router: Router
  /// What `/api/stats` tells of users who are too fast.
  let cooldowns: Cooldowns
  private let guilds: GuildLedger
  /// Does what plugins asked to be done later.
  private let jobs: JobRunner
  /// For interactions that come over HTTP; nil unless the application's public key is configured.
  let interactions: InteractionEndpoint?
  private let log: Log
  /// Without the intent Discord tells nothing of who comes and goes.
  private let hearsMembers: Bool
  private let news: BotNews

  /// Asks Discord who this bot is, again and again until it answers, and puts the parts together.
  /// - Parameter rest: nil: one of its own.
  /// - Parameter onState: called on the shards' threads when one is ready, is disconnected, or is refused for good.
  /// - Throws: `DiscordError` where asking again cannot help, `CancellationError`, `PluginRegistryError`.
  static func assemble(
    _ surroundings: Surroundings, rest: RESTClient? = nil,
    onState: @escaping @Sendable (GatewayState) -> Void
  ) async throws -> Bot {
    let log = Log(label: "bot", sink: surroundings.sink)
    let rest = rest ?? surroundings.makeREST()
    let application = try await OutageRetry(time: surroundings.time, log: log).untilAnswered(
      "ask Discord who this bot is"
    ) {
      try await rest.currentApplication()
    }
    log.info("this bot is", ["application": .of(application.id), "name": .string(application.name)])
    return try await Bot(surroundings, rest: rest, application: application.id, onState: onState)
  }

  private init(
    _ surroundings: Surroundings, rest: RESTClient, application: Snowflake,
    onState: @escaping @Sendable (GatewayState) -> Void
  ) async throws {
    let (sink, metrics, time) = (surroundings.sink, surroundings.metrics, surroundings.time)
    let configuration = surroundings.configuration
    shared = surroundings.shared
    log = Log(label: "bot", sink: sink)
    hearsMembers = configuration.discord.intents.contains(.guildMembers)
    news = BotNews(shared: shared, log: log)
    gateway = GatewayClient(
      configuration: .init(
        token: surroundings.target.token, intents: configuration.discord.intents,
        shards: configuration.discord.shards.forGateway, url: surroundings.target.gatewayURL,
        compression: configuration.discord.compression),
      rest: rest,
      connector: WebSocketConnector(configuration: .init(usesProxyFromEnvironment: surroundings.target.sandbox == nil)),
      sessions: StoredSessions(state: shared.state),
      budget: StoredIdentifyBudget(state: shared.state, log: Log(label: "gateway", sink: sink)),
      cache: configuration.discord.cache.isEmpty ? nil : GuildCache(configuration.discord.cache), time: time,
      log: Log(label: "", sink: sink), metrics: metrics,
      onState: onState)
    enabled = GuildPlugins(switches: shared.switches, defaults: configuration.pluginDefaults)
    registration = CommandRegistration(
      enabled: enabled, store: DiscordCommandStore(client: rest, application: application),
      // A sandbox in this process begins empty each time: what it was told before is gone.
      memory: surroundings.target.sandbox == nil
        ? StoredRegistrations(state: shared.state, application: application) : nil, time: time,
      log: Log(label: "commands", sink: sink))
    guilds = try await GuildLedger(shared: shared, registration: registration, log: log)
    cooldowns = Cooldowns(time: time)
    let admission = Admission(
      enabled: enabled, owners: Set(configuration.owners.map { Snowflake(rawValue: $0) }),
      exceptions: StoredPermissionExceptions(shared.permissions), maintenance: shared.maintenance,
      cooldowns: cooldowns)
    let administration = AdministrationPlugin(
      status: Status(gateway: gateway, guilds: guilds, time: time), shared: shared, enabled: enabled,
      admission: admission, registration: registration, control: surroundings.control,
      log: Log(label: "administration", sink: sink))
    registry = try PluginRegistry([administration] + surroundings.plugins)
    try await shared.database.migrate(registry.migrations, time: time, log: Log(label: "plugins", sink: sink))
    router = Router(
      catalog: registry.catalog, admission: admission, responder: DiscordResponder(client: rest),
      componentKey: try await ComponentKey.load(from: shared.state), uses: shared.componentUses, time: time,
      metrics: metrics, log: Log(label: "commands", sink: sink),
      observe: { [auditor = CommandAuditor(auditLog: shared.auditLog, log: log)] in await auditor.record($0) },
      onUnknownCommand: { [guilds] in guilds.repair($0) })
    interactions = try configuration.discord.publicKey.map { [router] key in
      try InteractionEndpoint(
        publicKey: key, router: router, responder: DiscordResponder(client: rest), time: time, metrics: metrics,
        log: Log(label: "interactions", sink: sink))
    }
    jobs = JobRunner(shared.jobs, time: time, log: Log(label: "", sink: sink), metrics: metrics)
    for plugin in registry.plugins { await plugin.registerJobs(with: jobs) }
  }

  /// What is known of the guilds; nil if nothing is kept.
  var cache: GuildCache? { gateway.cache }

  /// Guilds that the bot is in, cached or not.
  var guildCount: Int { guilds.count }

  var shardStatus: [ShardStatus] { gateway.shardStatus }

  /// Whether a plugin is on in that guild.
  func isOn(_ plugin: String, in guild: GuildID) -> Bool {
    enabled.isEnabled(plugin, in: Snowflake(rawValue: guild.rawValue))
  }

  /// Brings a guild's commands in order after its plugins were switched. Behind this: again and again until it is done.
  func registerCommands(of guild: GuildID) { guilds.reload(guild) }

  /// Whether the bot is in that guild.
  func isIn(_ guild: GuildID) -> Bool { guilds.contains(guild) }

  /// Whether all shards are ready.
  var isReady: Bool { gateway.isReady }

  /// Starts the plugins and connects. Returns once the shards are under way.
  func start() async throws {
    try await registry.start(log: log)
    await jobs.start()
    router.subscribe(to: gateway.events)
    registry.subscribe(to: gateway.events, enabled: enabled)
    gateway.events.subscribe(.ready) { [guilds] batch in
      for event in batch { await guilds.began(event.payload, on: event.shard) }
    }
    gateway.events.subscribe(.guildCreate) { [guilds] batch in
      for event in batch { await guilds.joined(event.payload.id, at: event.payload.joinedAt) }
    }
    gateway.events.subscribe(.guildDelete) { [guilds] batch in
      for event in batch { await guilds.left(event.payload) }
    }
    if hearsMembers {
      gateway.events.subscribe(.guildMemberAdd) { [news] batch in
        for event in batch {
          if let user = event.payload.member.user { await news.joined(user, event.payload.guildID) }
        }
      }
      gateway.events.subscribe(.guildMemberRemove) { [news] batch in
        for event in batch { await news.left(event.payload.user, event.payload.guildID) }
      }
    }
    guilds.startRegistration(registry.catalog)
    try await gateway.start()
  }

  /// Takes in nothing more, lets what runs end, and leaves Discord in a way that lets the next start resume.
  func stop(limit: Duration) async {
    async let drained: Int = router.drain(limit: limit)
    await gateway.stop(saving: true, limit: limit)
    _ = await drained
    await guilds.stop()
    await jobs.stop(limit: limit)
    await registry.stop()
  }

  /// Holds the commands of all scopes against what Discord has: the global ones before it returns.
  func reloadCommands() async throws -> CommandReload {
    let outcome = try await registration.synchronize(.global, trustsMemory: false)
    return CommandReload(differences: outcome.differences.count, guilds: guilds.reload())
  }

  /// Changes the number of shards without a gap. Returns when that is done; a failure is in the log, and what ran goes
  /// on.
  func reshard(to shards: Configuration.Shards) async {
    do {
      try await gateway.reshard(to: shards.forGateway)
    } catch is CancellationError {
      // Told to stop.
    } catch {
      log.error("the number of shards stays as it is", ["error": .error(error)])
    }
  }

  /// The state of plugins in guilds that chose nothing, from now on.
  func setPluginDefaults(_ defaults: [String: Bool]) {
    enabled.setDefaults(defaults)
    guilds.registerAgain()
  }
}

/// What `/ping` and `/about` tell.
private struct Status: BotStatus {
  let gateway: GatewayClient
  let guilds: GuildLedger
  let time: any TimeSource
  let started: ContinuousClock.Instant

  init(gateway: GatewayClient, guilds: GuildLedger, time: any TimeSource) {
    self.gateway = gateway
    self.guilds = guilds
    self.time = time
    started = time.now
  }

  var version: String { Version.current }
  var uptime: Duration { started.duration(to: time.now) }
  var guildCount: Int { guilds.count }
  var sourceURL: String? { nil }

  func heartbeatLatency(for guild: Snowflake?) async -> Duration? {
    gateway.shardStatus.first { status in
      status.shard.id == guild.map { ShardID.shard(of: $0, count: status.shard.count) } ?? 0
    }?.latency
  }
}

extension Configuration.Shards {
  fileprivate var forGateway: GatewayClient.Shards {
    switch self {
    case .automatic: .automatic
    case .fixed(let total, let ids): .some(total: total, ids: ids)
    }
  }
}
