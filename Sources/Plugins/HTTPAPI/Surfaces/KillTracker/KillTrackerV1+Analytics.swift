import Core
import HTTP
import KillTracker
import Platform

extension KillTrackerV1 {
  func declareAnalytics(in routes: inout SurfaceRoutes) {
    let service = KillTrackerKills(services)
    let analytics = KillTrackerAnalytics(services)
    routes.read(
      "/analytics/kills", access: .user(.readStats), limit: .byCaller(.read),
      RouteNotes("Kills by day, weapon and location", tags: ["Analytics"]), .query(AnalyticsQuery.self),
      returning: .succeeded(Analysis.self)
    ) { _, query in
      let range = try query.range(at: services.time.timestamp)
      let found = try await KillTrackerKills.perform {
        try await service.kills.analytics(from: range.from, until: range.until, serverID: query.serverId)
      }
      return Analysis(period: query.period.rawValue, found)
    }
    var users = RouteNotes("The caller's own days, and who was active", tags: ["Analytics"])
    users.details = """
      `user` is the caller's own. The others are counted over at most \(AnalyticsService.communityDays) days: beyond, \
      `activeUsers` is null and `topUsers` is empty. Private players are counted, and named nowhere.
      """
    routes.read(
      "/analytics/users", access: .user(.readStats), limit: .byCaller(.read), users, .query(AnalyticsQuery.self),
      returning: .succeeded(UserAnalysis.self)
    ) { request, query in
      let range = try query.range(at: services.time.timestamp)
      let found = try await KillTrackerKills.perform {
        try await analytics.analytics.users(
          from: range.from, until: range.until, serverID: query.serverId, for: analytics.viewer(of: request))
      }
      return UserAnalysis(period: query.period.rawValue, found)
    }
    var servers = RouteNotes("Kills by server and day", tags: ["Analytics"])
    servers.details = """
      The servers on which the caller has kills, and those they own; an admin's are those with the most kills; with \
      `serverId` that one alone.
      """
    routes.read(
      "/analytics/servers", access: .user(.readStats), limit: .byCaller(.read), servers, .query(AnalyticsQuery.self),
      returning: .succeeded(ServerAnalysis.self)
    ) { [guilds = services.guilds] request, query in
      let range = try query.range(at: services.time.timestamp)
      let own = request.caller.user.map { guilds.guilds(ownedBy: $0).map { "\($0.id)" } } ?? []
      let found = try await KillTrackerKills.perform {
        try await analytics.analytics.servers(
          from: range.from, until: range.until, serverID: query.serverId, more: own,
          for: analytics.viewer(of: request))
      }
      return ServerAnalysis(period: query.period.rawValue, found, guilds)
    }
  }

  private enum Span: String, Codable, Sendable, CaseIterable {
    case day, week, month, year

    /// Today counts as one of its days.
    var span: Duration {
      let days =
        switch self {
        case .day: 0
        case .week: 6
        case .month: 29
        case .year: 364
        }
      return .seconds(days * 86_400)
    }
  }

  private struct AnalyticsQuery: Codable, Sendable, SchemaRuled {
    let period: Span
    let serverId: String?
    let startDate: String?
    let endDate: String?

    /// Of whole days: those of the first and of the last moment.
    func range(at now: Timestamp) throws -> (from: Timestamp, until: Timestamp?) {
      (
        try DateBound.start(startDate, field: "startDate") ?? now + (.zero - period.span),
        try DateBound.end(endDate, field: "endDate").map { $0 + .milliseconds(-1) }
      )
    }

    static let schemaRules: SchemaRules = [
      "period": .text("Up to now, where no dates are given", default: "month"),
      "startDate": .text("A date or a time in ISO 8601", example: "2024-01-01"),
      "endDate": .text("The same; its day counts whole", example: "2024-01-31"),
    ]
  }

  private struct Analysis: Codable, Sendable {
    struct Day: Codable, Sendable {
      let date: String
      let kills: Int
      let deaths: Int

      init(_ day: DayCounts) {
        date = day.date
        kills = day.kills
        deaths = day.deaths
      }
    }
    struct Weapon: Codable, Sendable {
      let weapon: String
      let kills: Int
      let percentage: Double
    }
    struct Location: Codable, Sendable {
      let location: String
      let kills: Int
      let percentage: Double
    }
    let period: String
    let totalKills: Int
    let dailyKills: [Day]
    let weaponStats: [Weapon]
    let locationStats: [Location]

    init(period: String, _ found: KillAnalytics) {
      self.period = period
      totalKills = found.totalKills
      dailyKills = found.days.map(Day.init)
      weaponStats = found.weapons.map { Weapon(weapon: $0.name, kills: $0.count, percentage: $0.percentage) }
      locationStats = found.locations.map { Location(location: $0.name, kills: $0.count, percentage: $0.percentage) }
    }
  }

  private struct Figures: Codable, Sendable {
    let totalKills: Int
    let totalDeaths: Int
    let killDeathRatio: Double
    let pvpKills: Int
    let pveKills: Int

    init(_ metrics: AnalyticsMetrics) {
      totalKills = metrics.totalKills
      totalDeaths = metrics.totalDeaths
      killDeathRatio = metrics.killDeathRatio
      pvpKills = metrics.pvpKills
      pveKills = metrics.pveKills
    }
  }

  private struct UserAnalysis: Codable, Sendable {
    struct Own: Codable, Sendable {
      let stats: Figures
      let dailyKills: [Analysis.Day]
    }
    struct Entry: Codable, Sendable {
      let user: PlayerAnswer
      let stats: Figures
    }
    let period: String
    let user: Own
    @Nullable var activeUsers: Int?
    let topUsers: [Entry]

    init(period: String, _ found: UserAnalytics) {
      self.period = period
      user = Own(stats: Figures(found.own), dailyKills: found.ownDays.map(Analysis.Day.init))
      activeUsers = found.activeUsers
      topUsers = found.top.map { Entry(user: PlayerAnswer($0.player), stats: Figures($0.metrics)) }
    }
  }

  private struct ServerAnalysis: Codable, Sendable {
    struct Entry: Codable, Sendable {
      let server: ServerAnswer
      let stats: Figures
      let percentage: Double
    }
    let period: String
    let stats: Figures
    let dailyKills: [Analysis.Day]
    let serverStats: [Entry]

    init(period: String, _ found: ServerAnalytics, _ guilds: any GuildDirectory) {
      self.period = period
      stats = Figures(found.total)
      dailyKills = found.days.map(Analysis.Day.init)
      serverStats = found.servers.map {
        Entry(server: ServerAnswer(id: $0.serverID, guilds), stats: Figures($0.metrics), percentage: $0.percentage)
      }
    }
  }
}
