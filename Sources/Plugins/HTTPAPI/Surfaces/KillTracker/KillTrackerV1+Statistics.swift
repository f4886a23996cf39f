import Core
import HTTP
import KillTracker
import Platform

extension KillTrackerV1 {
  func declareStatistics(in routes: inout SurfaceRoutes) {
    let service = KillTrackerKills(services)
    routes.read(
      "/leaderboards", access: .user(.readStats), limit: .byCaller(.read),
      RouteNotes("Who leads, and the caller's own rank", tags: ["Leaderboards"]), .query(BoardQuery.self),
      returning: .succeeded(LeaderboardAnswer.self)
    ) { request, query in
      let board = try await KillTrackerKills.perform {
        try await service.kills.leaderboard(
          query.type, query.period, serverID: query.serverId, limit: query.limit, for: service.viewer(of: request))
      }
      return LeaderboardAnswer(board, printsPeriod: true)
    }
    routes.read(
      "/analytics/kills", access: .user(.readStats), limit: .byCaller(.read),
      RouteNotes("Kills by day, weapon and location", tags: ["Analytics"]), .query(AnalyticsQuery.self),
      returning: .succeeded(Analysis.self)
    ) { _, query in
      let now = services.time.timestamp
      let start = try DateBound.start(query.startDate, field: "startDate") ?? now + (.zero - query.period.span)
      let end = try DateBound.end(query.endDate, field: "endDate").map { $0 + .milliseconds(-1) }
      let found = try await KillTrackerKills.perform {
        try await service.kills.analytics(from: start, until: end, serverID: query.serverId)
      }
      return Analysis(period: query.period.rawValue, found)
    }
  }

  private struct BoardQuery: Codable, Sendable, SchemaRuled {
    let type: LeaderboardMetric
    let period: LeaderboardPeriod
    let serverId: String?
    let limit: Int
    static let schemaRules: SchemaRules = [
      "type": .text(default: "kills"), "period": .text(default: "all_time"),
      "limit": .integer(in: 1...Kills.pageLimit, default: 10),
    ]
  }

  private enum AnalyticsPeriod: String, Codable, Sendable, CaseIterable {
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
    let period: AnalyticsPeriod
    let serverId: String?
    let startDate: String?
    let endDate: String?
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
      dailyKills = found.days.map { Day(date: $0.date, kills: $0.kills, deaths: $0.deaths) }
      weaponStats = found.weapons.map { Weapon(weapon: $0.name, kills: $0.count, percentage: $0.percentage) }
      locationStats = found.locations.map { Location(location: $0.name, kills: $0.count, percentage: $0.percentage) }
    }
  }
}

extension LeaderboardMetric: Codable {}
extension LeaderboardPeriod: Codable {}
