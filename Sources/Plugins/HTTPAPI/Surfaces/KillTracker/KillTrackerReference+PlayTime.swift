import HTTP
import KillTracker
import Platform

extension KillTrackerReference {
  /// Beside the document, which prints a play time but nothing that tells of it.
  func declarePlayTime(in routes: inout SurfaceRoutes) {
    let (players, time) = (services.kills.players, services.time)
    routes.change(
      .post, "/api/heartbeats", access: .user(.writeKills), limit: .byCaller(.write), audit: "session.update",
      RouteNotes(
        "Tells of a session of the game while it runs, or once it is over; told again, only what is new counts",
        tags: ["Kills"]),
      .body(Heartbeat.self), returning: .json(PlayTime.self)
    ) { request, body in
      let user = try KillTrackerKills.user(of: request)
      let session = PlayedSession(
        name: body.session, began: body.began, ended: body.ended ?? time.timestamp,
        played: .seconds(body.playedSeconds))
      let (added, total) = try await KillTrackerKills.perform { try await players.played(session, by: user) }
      return PlayTime(addedSeconds: added, totalPlayTime: PlayerStatistics.text(ofPlayTime: total))
    }
  }

  private struct Heartbeat: Codable, Sendable, SchemaRuled {
    let session: String
    let began: Timestamp
    let ended: Timestamp?
    let playedSeconds: Int

    static let schemaRules: SchemaRules = [
      "session": .text("A name that the session keeps", length: 1...PlayedSession.nameLimit, example: "2c8f0c1e"),
      "began": .about("When the game was started", example: "2025-01-09T10:00:00.000Z"),
      "ended": .about("Until when it is known; missing: now", example: "2025-01-09T12:00:00.000Z"),
      "playedSeconds": .integer("Seconds of that in the game", in: 0...604_800, example: 5_400),
    ]
  }

  private struct PlayTime: Codable, Sendable {
    let addedSeconds: Int
    let totalPlayTime: String
  }
}
