import Core
import HTTP
import KillTracker
import Platform

/// Analytics for both documents: whose figures, and files of them.
struct KillTrackerAnalytics: Sendable {
  enum Format: String, Codable, Sendable, CaseIterable { case json, csv }

  let analytics: AnalyticsService
  let guilds: any GuildDirectory
  private let time: any TimeSource

  init(_ services: KillTrackerServices) {
    analytics = AnalyticsService(kills: services.kills)
    guilds = services.guilds
    time = services.time
  }

  /// Who looks: as a manager with what reading takes.
  func viewer(of request: HTTPRequest) -> KillViewer {
    KillViewer(user: request.caller.user, isAdmin: request.caller.isAdmin) { guild in
      do {
        try await request.authorize(AccessRule(.serverManager(of: guild), permission: .readStats))
        return true
      } catch {
        // Who cannot be asked about is no manager for now.
        return false
      }
    }
  }

  func subject(
    _ request: HTTPRequest, _ serverID: String?, _ scope: AnalyticsService.Scope?, _ game: String?
  ) async throws -> AnalyticsSubject {
    try await KillTrackerKills.perform {
      try await analytics.subject(for: viewer(of: request), serverID: serverID, scope: scope, game: game)
    }
  }

  static func game(_ game: String?) -> String {
    if let game, !game.isEmpty { game } else { AnalyticsService.game }
  }

  // MARK: - Export

  /// A file. Its rows are read page by page while it is sent, no faster than the caller takes them.
  func export(
    of subject: AnalyticsSubject, _ period: AnalyticsPeriod, _ format: Format, game: String, for viewer: KillViewer
  ) async throws -> HTTPResponse {
    let name = "kills-\(period.rawValue)-\(time.timestamp.iso8601.prefix(10)).\(format.rawValue)"
    var response: HTTPResponse
    switch format {
    case .csv:
      response = HTTPResponse(
        body: .stream(length: nil) { [analytics] writer in
          try await analytics.exportCSV(of: subject, period: period, for: viewer) { try await writer.write($0) }
        })
      response.headers["Content-Type"] = "text/csv; charset=utf-8; header=present"
    case .json:
      // Before the answer begins, so that what fails here is still an error of the document.
      var head = try JSONTextEncoder().encode(
        ExportHead(
          game: game, serverId: subject.serverID, scope: subject.scope, period: period,
          metrics: try await analytics.metrics(of: subject, period: period),
          days: try await analytics.days(of: subject, period: period)))
      head.removeLast()
      head = Array("{\"success\":true,\"data\":".utf8) + head + Array(",\"kills\":[".utf8)
      response = HTTPResponse(
        body: .stream(length: nil) { [analytics, head] writer in
          try await writer.write(head)
          var isFirst = true
          try await analytics.exportKills(of: subject, period: period, for: viewer) { kills in
            var piece = try JSONTextEncoder().encode(kills.map(NamedKillAnswer.init))
            piece.removeLast()
            if isFirst { piece.removeFirst() } else { piece[0] = UInt8(ascii: ",") }
            isFirst = false
            try await writer.write(piece)
          }
          try await writer.write(Array("]}}".utf8))
        })
      response.headers["Content-Type"] = "application/json"
    }
    response.headers["Content-Disposition"] = "attachment; filename=\"\(name)\""
    response.headers["Cache-Control"] = "no-store"
    return response
  }

  /// Everything of the JSON file but its kills.
  private struct ExportHead: Codable, Sendable {
    struct Day: Codable, Sendable {
      let date: String
      let kills: Int
      let deaths: Int
      let pvpKills: Int
      let pveKills: Int
    }
    let game: String
    @Nullable var serverId: String?
    let scope: AnalyticsService.Scope
    let period: AnalyticsPeriod
    let metrics: Figures
    let dailyKills: [Day]

    struct Figures: Codable, Sendable {
      let totalKills: Int
      let totalDeaths: Int
      let killDeathRatio: Double
      let pvpKills: Int
      let pveKills: Int
      let pvpRatio: Double
    }

    init(
      game: String, serverId: String?, scope: AnalyticsService.Scope, period: AnalyticsPeriod,
      metrics: AnalyticsMetrics, days: [(date: String, metrics: AnalyticsMetrics)]
    ) {
      self.game = game
      self.serverId = serverId
      self.scope = scope
      self.period = period
      self.metrics = Figures(
        totalKills: metrics.totalKills, totalDeaths: metrics.totalDeaths, killDeathRatio: metrics.killDeathRatio,
        pvpKills: metrics.pvpKills, pveKills: metrics.pveKills, pvpRatio: metrics.pvpRatio)
      dailyKills = days.map {
        Day(
          date: $0.date, kills: $0.metrics.totalKills, deaths: $0.metrics.totalDeaths, pvpKills: $0.metrics.pvpKills,
          pveKills: $0.metrics.pveKills)
      }
    }
  }
}
