import Commands
import Core
import HTTP
import KillTracker
import Platform
import Storage
import StorageTestSupport
import Synchronization

@testable import HTTPAPI

/// Both Kill Tracker documents as a listener serves them, over a database of their own.
struct KillTrackerHouse {
  static let user = UserID(123_456_789_012_345_678)
  static let other = UserID(223_456_789_012_345_678)
  static let owner = UserID(100_000_000_000_000_001)
  static let secret = "shared secret"

  /// Discord knows the users by the codes `code-ID`.
  struct Discord: DiscordOAuth {
    func identity(forCode code: Secret<String>, redirectURI: String) async throws -> DiscordIdentity {
      guard code.reveal().hasPrefix("code-"), let id = UserID(String(code.reveal().dropFirst(5))) else {
        throw DiscordLogin.Refusal.code
      }
      return DiscordIdentity(
        id: id, username: "PlayerName", discriminator: "0001", avatarURL: "https://cdn.example/a.png")
    }
  }

  struct Directory: GuildDirectory {
    func guilds(ownedBy user: UserID) -> [GuildSummary] {
      user == owner ? [Self.org] : []
    }
    func guild(_ id: GuildID) -> GuildSummary? { id == Self.org.id ? Self.org : nil }
    func mayExist(_ id: GuildID) -> Bool { id == Self.org.id }
    func all(limit: Int) -> [GuildSummary] { [Self.org] }
    func guilds(of user: UserID, likely: [GuildID], limit: Int) async throws -> [GuildSummary] {
      likely.contains(Self.org.id) || user == Cast.manager ? [Self.org] : []
    }
    func members(of id: GuildID, limit: Int) async throws -> [GuildMemberSummary] {
      [
        GuildMemberSummary(
          id: Cast.manager, username: "PlayerName", avatarURL: "https://cdn.example/a.png", isManager: true),
        GuildMemberSummary(id: Cast.user, username: "Other", isManager: false),
      ]
    }
    func channels(of id: GuildID) -> [GuildChannelSummary] {
      [
        GuildChannelSummary(id: "1", name: "general", type: "text"),
        GuildChannelSummary(id: "2", name: "officers", type: "text", isOpen: false),
        GuildChannelSummary(id: "3", name: "Lounge", type: "voice"),
      ]
    }
    static let org = GuildSummary(
      id: GuildID(900_000_000_000_000_001), name: "Org", iconURL: "https://cdn.example/i.png", owner: Cast.manager,
      memberCount: 150)
  }

  /// Remembers who wanted the program to start anew.
  final class Control: BotControl {
    let restarts = Mutex<[BotOperator]>([])
    func reloadCommands(by actor: BotOperator) async throws -> CommandReload {
      CommandReload(differences: 0, guilds: 0)
    }
    func clearCaches(by actor: BotOperator) async throws -> [String] { [] }
    func setMaintenance(_ isOn: Bool, reason: String?, by actor: BotOperator) async throws -> Bool { false }
    func restart(by actor: BotOperator) async throws { restarts.withLock { $0.append(actor) } }
  }

  let authentication: Authentication
  let shared: SharedState
  let kills: Kills
  let time: ManualTime
  let router: HTTP.Router
  let tracker: TrackerServices
  let webhooks: Webhooks
  let bot: FakeBot
  let control: Control
  let switched: Switched

  /// Whose commands were to be brought in order.
  final class Switched: Sendable { let guilds = Mutex<[GuildID]>([]) }

  static func with(
    _ engine: TestEngine = .sqlite, limits: Bool = false, discord: Bool = true,
    settings: TrackerSettings = TrackerSettings(),
    _ body: (KillTrackerHouse) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { directory in
      try await withTestDatabase(engine) { database in
        let time = ManualTime()
        let shared = try await SharedState.open(
          database, modules: [HTTPAPITables.module, WebhookTables.module] + TrackerServices.tables, time: time)
        let authentication = try await Authentication.open(
          .init(
            directory: directory, issuer: .adjutant, owners: [owner], uidLoginSecret: Secret(secret),
            limitsRates: limits),
          database: database, handles: NoOwners(), time: time)
        let (bot, control, switched) = (FakeBot(), Control(), Switched())
        let tracker = TrackerServices(
          shared: shared, settings: settings, directory: directory,
          onSwitch: { guild in switched.guilds.withLock { $0.append(guild) } },
          log: .silent, metrics: Metrics())
        try await tracker.load()
        let health = HealthMonitor(
          source: bot, database: database, maintenance: shared.maintenance, version: "1.2.3", time: time)
        let pegasus = PegasusServices(
          health: health,
          statistics: Statistics(
            health: health, shared: shared, limits: authentication.limits, cooldowns: { nil },
            tracksKills: { tracker.servers.isOn(.killTracker, in: $0) }, time: time), auditLog: shared.auditLog,
          metrics: Metrics())
        let kills = tracker.kills
        let authority = OneManager(manager: Cast.manager, guild: Cast.guild)
        let webhooks = try await Webhooks.open(
          .init(directory: directory),
          catalog: WebhookCatalog(KillTrackerWebhookEvents(kills: kills, authority: authority).all), shared: shared)
        tracker.personalData.add(HTTPAPIData(authentication, webhooks: webhooks))
        let login =
          discord
          ? authentication.discordLogin(
            oauth: Discord(), authorizeURL: "https://discord.test/authorize", clientID: "1",
            redirectURIs: ["http://localhost:3001/auth/callback"]) : nil
        let services = KillTrackerServices(
          authentication: authentication, discordLogin: login, guilds: Directory(), tracker: tracker,
          webhooks: webhooks,
          hub: KillTrackerHub(metrics: Metrics(), time: time) { _ in .refused }, pegasus: pegasus, control: control,
          version: "1.2.3")
        let listen = try SocketAddress(parsing: "127.0.0.1:3000")
        let gatekeeper = Gatekeeper(
          authenticator: authentication.authenticator, limits: authentication.limits,
          authority: authority, auditLog: shared.auditLog,
          trust: PeerTrust(), listener: listen, log: .silent)
        let router = try ListenerRouter(
          settings: ListenerSettings(name: "tracker", listen: listen, surfaces: [.killtracker]),
          gatekeeper: gatekeeper, hosts: HostPolicy(allowed: []), allowedOrigins: [], version: "1"
        ).router([KillTrackerV1(services), KillTrackerReference(services)])
        // PostgreSQL's events get their places from a relay.
        let publishing = Task { await shared.events.run() }
        defer { publishing.cancel() }
        try await body(
          KillTrackerHouse(
            authentication: authentication, shared: shared, kills: kills, time: time, router: router,
            tracker: tracker, webhooks: webhooks, bot: bot, control: control, switched: switched))
        await webhooks.shutdown()
      }
    }
  }

  func token(_ user: UserID = Self.user, isLimited: Bool = false) async throws -> String {
    try await authentication.tokens.issue(for: .user(user), isLimited: isLimited).text.reveal()
  }

  /// A key of the user's for that player.
  func key(_ user: UserID = Self.user, player: String = "YourPlayerName", _ permissions: Set<Permission> = [])
    async throws
    -> String
  {
    try await authentication.keys.create(
      APIKeyRequest(name: "key", playerName: player, permissions: permissions), for: user
    ).text.reveal()
  }

  struct Answer {
    let status: Int
    let json: JSON
    let headers: HTTPHeaders
    /// Of v1's and of the reference's errors.
    var code: String? { json["error"]?["code"]?.string }
    var field: String? { json["error"]?["details"]?["field"]?.string }
  }

  func send(
    _ method: HTTPMethod, _ path: String, token: String? = nil, _ body: JSON? = nil, headers: HTTPHeaders = [:]
  ) async throws -> Answer {
    var all: HTTPHeaders = ["Host": "127.0.0.1:3000"]
    for (name, value) in headers { all[name] = value }
    if let token { all["Authorization"] = "Bearer \(token)" }
    if body != nil { all["Content-Type"] = "application/json" }
    let response = try await router.respond(to: .sample(method, path, all, body: body?.serialized() ?? ""))
    return Answer(
      status: response.status.rawValue, json: response.json ?? .null, headers: response.headers)
  }
}
