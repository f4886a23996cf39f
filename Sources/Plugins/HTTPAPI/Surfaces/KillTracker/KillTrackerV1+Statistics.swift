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
}

extension LeaderboardMetric: Codable {}
extension LeaderboardPeriod: Codable {}
