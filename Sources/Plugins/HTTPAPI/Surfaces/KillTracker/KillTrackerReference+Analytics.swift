import Core
import HTTP
import KillTracker
import Platform

extension KillTrackerReference {
  func declareAnalytics(in routes: inout SurfaceRoutes) {
    let service = KillTrackerAnalytics(services)
    func notes(_ summary: String, _ more: String = "") -> RouteNotes {
      var notes = RouteNotes(summary, tags: ["Analytics"])
      notes.details = """
        Without `scope`, an admin gets everybody's figures, or the named server's; who manages the named server gets that \
        server's; everybody else their own. Counts are kept by UTC day.
        """ + more
      return notes
    }
    routes.read(
      "/api/analytics/dashboard", access: .user(.readStats), limit: .byCaller(.read),
      notes("Totals, trends of the last week, insights"),
      .query(Scoped.self), returning: .succeeded(AnalyticsAnswers.Dashboard.self)
    ) { request, query in
      let subject = try await service.subject(request, query.serverId, query.scope, query.game)
      return AnalyticsAnswers.Dashboard(try await service.analytics.dashboard(of: subject))
    }
    routes.read(
      "/api/analytics/metrics", access: .user(.readStats), limit: .byCaller(.read),
      notes("Figures of a period"), .query(MetricsQuery.self),
      returning: .succeeded(AnalyticsAnswers.Metrics.self)
    ) { request, query in
      let subject = try await service.subject(request, query.serverId, query.scope, query.game)
      return AnalyticsAnswers.Metrics(
        try await service.analytics.metrics(of: subject, period: query.period), period: query.period,
        game: KillTrackerAnalytics.game(query.game), serverId: query.serverId)
    }
    routes.read(
      "/api/analytics/trends", access: .user(.readStats), limit: .byCaller(.read),
      notes("How a metric went, with a test of whether that is more than chance"),
      .query(TrendQuery.self), returning: .succeeded(AnalyticsAnswers.Trend.self)
    ) { request, query in
      let subject = try await service.subject(request, query.serverId, query.scope, query.game)
      return AnalyticsAnswers.Trend(
        try await service.analytics.trend(of: query.metric.metric, subject, period: query.period),
        metric: query.metric.rawValue, game: KillTrackerAnalytics.game(query.game), serverId: query.serverId,
        scope: subject.scope)
    }
    routes.read(
      "/api/analytics/insights", access: .user(.readStats), limit: .byCaller(.read),
      notes("What the figures bear out, with the numbers it rests on"),
      .query(ReportQuery<Insight.Kind>.self), returning: .succeeded(AnalyticsAnswers.Insights.self)
    ) { request, query in
      let subject = try await service.subject(request, query.serverId, query.scope, query.game)
      return AnalyticsAnswers.Insights(
        try await service.analytics.insights(of: subject, kind: query.type), limit: query.limit,
        offset: query.offset)
    }
    routes.read(
      "/api/analytics/recommendations", access: .user(.readStats), limit: .byCaller(.read),
      notes("What could be done about what the figures bear out"),
      .query(ReportQuery<Recommendation.Kind>.self), returning: .succeeded(AnalyticsAnswers.Recommendations.self)
    ) { request, query in
      let subject = try await service.subject(request, query.serverId, query.scope, query.game)
      return AnalyticsAnswers.Recommendations(
        try await service.analytics.recommendations(for: subject, kind: query.type), limit: query.limit,
        offset: query.offset)
    }
    routes.read(
      "/api/analytics/export", access: .user(.readStats), limit: .byCaller(.read),
      notes(
        "The kills of a period, and as JSON its days, as a file",
        " With `format=csv` the file is a table of the kills (RFC 4180)."),
      .query(ExportQuery.self), returning: .response("application/json", or: ["text/csv"])
    ) { request, query in
      let subject = try await service.subject(request, query.serverId, query.scope, query.game)
      return try await service.export(
        of: subject, query.period, query.format, game: KillTrackerAnalytics.game(query.game),
        for: service.viewer(of: request))
    }
  }

  private static let game: SchemaRule = .text(
    "`star_citizen`; another game has no kills", length: 0...100, example: "star_citizen")
  private static let server: SchemaRule = .text(
    "The Discord id of a server", length: 1...32, example: "900000000000000001")
  private static let scope: SchemaRule = .about("Whose figures")
  private static let page = 100

  private struct Scoped: Codable, Sendable, SchemaRuled {
    let game: String?
    let serverId: String?
    let scope: AnalyticsService.Scope?
    static let schemaRules: SchemaRules = [
      "game": KillTrackerReference.game, "serverId": KillTrackerReference.server, "scope": KillTrackerReference.scope,
    ]
  }

  private struct MetricsQuery: Codable, Sendable, SchemaRuled {
    let game: String?
    let serverId: String?
    let scope: AnalyticsService.Scope?
    let period: AnalyticsPeriod
    static let schemaRules: SchemaRules = [
      "game": KillTrackerReference.game, "serverId": KillTrackerReference.server, "scope": KillTrackerReference.scope,
      "period": .text("UTC days, today the last of them", default: "7d"),
    ]
  }

  /// By the names of the answer to `metrics`, or by those of leaderboards.
  private enum TrendMetric: String, Codable, Sendable, CaseIterable {
    case totalKills, totalDeaths, killDeathRatio, pvpKills, pveKills, pvpRatio
    case kills, deaths, kdr
    case boardPvPKills = "pvp_kills"
    case boardPvEKills = "pve_kills"

    var metric: AnalyticsMetric {
      switch self {
      case .totalKills, .kills: .totalKills
      case .totalDeaths, .deaths: .totalDeaths
      case .killDeathRatio, .kdr: .killDeathRatio
      case .pvpKills, .boardPvPKills: .pvpKills
      case .pveKills, .boardPvEKills: .pveKills
      case .pvpRatio: .pvpRatio
      }
    }
  }

  private struct TrendQuery: Codable, Sendable, SchemaRuled {
    let metric: TrendMetric
    let period: AnalyticsPeriod
    let game: String?
    let serverId: String?
    let scope: AnalyticsService.Scope?
    static let schemaRules: SchemaRules = [
      "game": KillTrackerReference.game, "serverId": KillTrackerReference.server, "scope": KillTrackerReference.scope,
      "metric": .about("What is looked at", example: "totalKills"),
      "period": .about("UTC days, today the last of them", example: "30d"),
    ]
  }

  private struct ReportQuery<Kind: Codable & Sendable & CaseIterable & RawRepresentable<String>>: Codable, Sendable,
    SchemaRuled
  {
    let game: String?
    let serverId: String?
    let scope: AnalyticsService.Scope?
    let type: Kind?
    let limit: Int
    let offset: Int
    static var schemaRules: SchemaRules {
      [
        "game": KillTrackerReference.game, "serverId": KillTrackerReference.server, "scope": KillTrackerReference.scope,
        "limit": .integer(in: 1...KillTrackerReference.page, default: 50),
        "offset": .integer(in: 0...100_000, default: 0),
      ]
    }
  }

  private struct ExportQuery: Codable, Sendable, SchemaRuled {
    let game: String?
    let serverId: String?
    let scope: AnalyticsService.Scope?
    let format: KillTrackerAnalytics.Format
    let period: AnalyticsPeriod
    static let schemaRules: SchemaRules = [
      "game": KillTrackerReference.game, "serverId": KillTrackerReference.server, "scope": KillTrackerReference.scope,
      "format": .text(default: "json"), "period": .text("UTC days, today the last of them", default: "30d"),
    ]
  }
}
