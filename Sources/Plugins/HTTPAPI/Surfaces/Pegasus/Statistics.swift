import Commands
import Core
import Platform
import Storage

/// What `/api/stats` tells, gathered from everybody who counts something.
///
/// Activity and commands are exact and cost the same whatever the age of the log (``AuditActivity``). Numbers that take
/// a look at whole tables are asked for again at the earliest after twenty times as long as that look took, so that they
/// never cost more than a twentieth of one connection.
public final class Statistics: Sendable {
  /// How many offenders and commands are named.
  public static let top = 10

  /// What plugins count in tables of their own. A plugin that is not there counts nothing: 0.
  public struct Counts: Sendable {
    /// Users with an account of the economy.
    public var economyUsers: (@Sendable (ReadTransaction) throws -> Int)?

    public init(economyUsers: (@Sendable (ReadTransaction) throws -> Int)? = nil) { self.economyUsers = economyUsers }
  }

  private let health: HealthMonitor
  private let activity: AuditActivity
  private let limits: RateLimits
  private let cooldowns: @Sendable () -> Cooldowns.Figures?
  private let tables: SharedAnswer<StatisticsReport.Database>

  /// - Parameters:
  ///   - cooldowns: who of the users of commands is too fast, the first ``top`` by name; nil before there is a bot.
  ///   - tracksKills: whether kills are tracked in that guild.
  public init(
    health: HealthMonitor, shared: SharedState, limits: RateLimits,
    cooldowns: @escaping @Sendable () -> Cooldowns.Figures?, tracksKills: @escaping @Sendable (GuildID) -> Bool,
    counts: Counts = Counts(), time: any TimeSource = SystemTime()
  ) {
    self.health = health
    self.limits = limits
    self.cooldowns = cooldowns
    activity = shared.activity
    tables = SharedAnswer(maximumAge: { min($0 * 20, .seconds(300)) }, time: time) {
      try await Self.count(shared, tracksKills: tracksKills, counts: counts)
    }
  }

  /// - Throws: what the database throws.
  public func report() async throws -> StatisticsReport {
    let figures = try await activity.figures(top: Self.top)
    let tables = try await tables.get()
    let vitals = health.vitals
    let memory = ProcessMemory.current
    return StatisticsReport(
      bot: .init(
        guilds: vitals.guilds, users: vitals.users, channels: vitals.channels, uptime: health.uptime,
        memory: .init(heapUsed: memory.heapUsed, heapTotal: memory.heapTotal)),
      database: tables,
      activity: .init(
        dailyActions: figures.dailyActions, weeklyActions: figures.weeklyActions,
        dailyActiveUsers: figures.dailyActiveUsers, dailyActiveGuilds: figures.dailyActiveGuilds),
      topCommands: figures.topCommands.map { .init(command: $0.command, count: $0.count) },
      rateLimit: rateLimit())
  }

  private func rateLimit() -> StatisticsReport.RateLimit {
    let commands = cooldowns() ?? Cooldowns.Figures(entries: 0, blocked: 0, offenders: [])
    let requests = limits.report(top: Self.top)
    let offenders =
      commands.offenders.map {
        StatisticsReport.RateLimit.Offender(id: $0.user.description, category: "commands", count: $0.refusals)
      }
      + requests.topOffenders.map { .init(id: $0.caller, category: $0.rateClass, count: $0.refused) }
    return StatisticsReport.RateLimit(
      totalEntries: commands.entries + requests.totalEntries,
      blacklistedCount: commands.blocked + requests.blockedCount,
      topOffenders: Array(offenders.sorted { ($1.count, $0.id) < ($0.count, $1.id) }.prefix(Self.top)))
  }

  private static func count(
    _ shared: SharedState, tracksKills: @Sendable (GuildID) -> Bool, counts: Counts
  ) async throws -> StatisticsReport.Database {
    let guilds = try await shared.guilds.present()
    let tracked = guilds.count(where: tracksKills)
    return try await shared.database.read { transaction in
      func count(_ sql: String) throws -> Int {
        try transaction.queryOne("SELECT count(*) AS count FROM \(sql)") { try $0.value("count", as: Int.self) } ?? 0
      }
      return StatisticsReport.Database(
        guilds: guilds.count, users: try count("users"), trackedGuilds: tracked,
        economyUsers: try counts.economyUsers?(transaction) ?? 0,
        openTickets: try count("tickets WHERE status = 'open'"),
        activeGiveaways: try count("giveaways WHERE status = 'active'"))
    }
  }
}
