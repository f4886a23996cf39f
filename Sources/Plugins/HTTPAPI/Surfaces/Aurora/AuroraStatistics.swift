import Core
import Platform

/// What Aurora's dashboards show: `GET /api/stats`, and `STATS_UPDATE` of the WebSocket.
///
/// The document leaves the content to us: `bot`, `database`, `activity`, `topCommands` as Pegasus prints them,
/// `recentEvents` (`type`, `guildId`, `timestamp`; the latest first) and `maintenance` (`enabled`, `reason`, `since`).
struct AuroraStatistics: Sendable {
  static let recentEvents = 20
  static let activityAge = Duration.seconds(300)

  private let statistics: Statistics
  private let events: DomainEvents
  private let maintenance: MaintenanceMode
  private let activityAnswer: SharedAnswer<JSON>

  init(_ statistics: Statistics, shared: SharedState) {
    self.statistics = statistics
    events = shared.events
    maintenance = shared.maintenance
    activityAnswer = SharedAnswer(maximumAge: { _ in Self.activityAge }, time: shared.time) {
      try await statistics.report().json["activity"] ?? .null
    }
  }

  func report() async throws -> JSON {
    let report = try await statistics.report().json
    let last = try await events.lastPosition()
    let recent = try await events.events(after: max(0, last - Int64(Self.recentEvents)), limit: Self.recentEvents)
    let current = try await maintenance.current()
    return [
      "bot": report["bot"] ?? .null, "database": report["database"] ?? .null, "activity": report["activity"] ?? .null,
      "topCommands": report["topCommands"] ?? .null, "recentEvents": .array(recent.reversed().map(Self.line)),
      "maintenance": [
        "enabled": .boolean(current != nil), "reason": current?.reason.map { .string($0) } ?? .null,
        "since": (current?.since.iso8601).map { .string($0) } ?? .null,
      ],
    ]
  }

  func activity() async throws -> JSON { try await activityAnswer.get() }

  /// An event without its data, which not everybody may see.
  static func line(_ event: DomainEvent) -> JSON {
    [
      "type": .string(event.name), "guildId": (event.guildID?.description).map { .string($0) } ?? .null,
      "timestamp": .string(event.at.iso8601),
    ]
  }
}
