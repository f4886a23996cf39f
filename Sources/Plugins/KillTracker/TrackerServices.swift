import Core
import Drawing
import Platform
import Storage

/// The kill tracker's services, each once in a process: commands and HTTP surfaces are two faces of the same ones.
public struct TrackerServices: Sendable {
  public let shared: SharedState
  public let settings: TrackerSettings
  public let servers: ServerSettings
  public let kills: Kills
  public let membership: Membership
  public let feeds: KillFeeds
  public let claims: KillClaims
  public let imports: LogImport
  /// Nil where there is no Discord.
  var claimMessages: ClaimMessages?
  public internal(set) var proofs: HandleProofs
  public let data: TrackerData
  /// What users can take along and have deleted: the tracker's, and of whoever joins.
  public let personalData: PersonalData
  public let logs: LogShelf
  public let keptLogs: KeptLogs
  public let analytics: AnalyticsService
  /// Draws what commands show.
  public let drawing = DrawingQueue()
  public let log: Log
  public let metrics: Metrics

  /// All tables of the kill tracker.
  public static let tables = [
    KillTables.module, ServerSettings.tables, KillFeedTables.module, ReportTables.module,
    KeptLogTables.module,
  ]

  public var players: Players { kills.players }
  public var time: any TimeSource { shared.time }

  /// The tables must exist: ``tables`` and those of Core.
  /// - Parameters:
  ///   - directory: where uploaded logs are kept; nil: none are.
  ///   - isOn: whether the plugin is on in that server; nil: as it chose, and where it chose nothing.
  ///   - onSwitch: brings a server's commands in order after the plugin was switched through ``servers``.
  ///   - log: of the whole program; the tracker's lines go under `killtracker`.
  public init(
    shared: SharedState, settings: TrackerSettings = TrackerSettings(), directory: String? = nil,
    isOn: (@Sendable (GuildID) -> Bool)? = nil, onSwitch: @escaping @Sendable (GuildID) async -> Void = { _ in },
    log: Log, metrics: Metrics
  ) {
    self.shared = shared
    self.settings = settings
    self.log = log.labelled("killtracker")
    self.metrics = metrics
    membership = Membership(members: shared.members, users: shared.users, time: shared.time)
    feeds = KillFeeds(database: shared.database, time: shared.time)
    servers = ServerSettings(
      shared,
      isTracking: isOn ?? { [switches = shared.switches] guild in
        switches.isEnabled(ServerSettings.plugin, in: guild, default: true)
      }, onSwitch: onSwitch, log: self.log)
    kills = Kills(
      database: shared.database, events: KillEvents(shared.events), servers: servers, time: shared.time)
    analytics = AnalyticsService(kills: kills)
    claims = KillClaims(kills: kills, jobs: shared.jobs)
    imports = LogImport(kills: kills, claims: claims)
    data = TrackerData(kills: kills, jobs: shared.jobs)
    personalData = PersonalData()
    personalData.add(data)
    proofs = HandleProofs(players: kills.players, site: settings.rsiURL, log: self.log, metrics: metrics)
    keptLogs = KeptLogs(
      settings.keptLogs, directory: directory.map { $0 + "/uploads" }, database: shared.database, time: shared.time,
      log: self.log)
    personalData.add(keptLogs)
    logs = LogShelf(directories: settings.logDirectories, kept: keptLogs)
  }

  /// Reads what is kept in memory. Before anything else is asked.
  public func load() async throws { try await servers.reload() }

  /// Follows what other processes store, and removes what is too old, until cancelled.
  public func run() async {
    async let followed: Void = servers.run()
    await keptLogs.run()
    await followed
  }
}
