import Core
import Platform
import Storage

/// What the figures say: totals, trends, insights and recommendations, all from counts by day that are kept with the
/// kills, and from a player's last fights.
///
/// Whose figures a caller may ask for is ``subject(for:serverID:scope:)``.
public struct AnalyticsService: Sendable {
  public struct Dashboard: Sendable, Equatable {
    /// Of all time.
    public var overview: AnalyticsMetrics
    /// Players on any side of a kill or death in the last seven days, on the server or on all.
    public var activeUsers: Int
    /// Kills of the last seven days that are over against the seven before: `+15%`.
    public var killsTrend: String
    /// The same of the ratio of kills to deaths.
    public var performanceTrend: String
    public var insights: [Insight]
  }

  public enum Scope: String, Sendable, Codable, CaseIterable { case own, server, all }

  /// The only game that has kills.
  public static let game = "star_citizen"
  private static let dashboardInsights = 5

  let kills: Kills
  var database: Database { kills.database }

  public init(kills: Kills) { self.kills = kills }

  var today: Int64 { Calendar.day(of: kills.time.timestamp) }

  // MARK: - Whose

  /// Whose figures the viewer gets; another game than ``game`` has none. Without a scope: an admin everybody's, or the named server's; who manages the named
  /// server that server's; everybody else their own, of the named server or of all.
  /// - Throws: ``KillError``: `forbidden` for a scope that is not theirs; `invalid` for the scope of a server without one.
  public func subject(
    for viewer: KillViewer, serverID: String? = nil, scope: Scope? = nil, game: String? = nil
  ) async throws -> AnalyticsSubject {
    if let game, !game.isEmpty, game != Self.game { return .nothing }
    let mayHaveServer: Bool
    if viewer.isAdmin {
      mayHaveServer = true
    } else if scope != .own, scope != .all, let guild = serverID.flatMap({ GuildID($0) }), viewer.user != nil {
      mayHaveServer = await viewer.manages(guild)
    } else {
      mayHaveServer = false
    }
    switch scope {
    case .all:
      guard viewer.isAdmin else { throw KillError.forbidden }
      return .all
    case .server:
      guard let serverID else { throw KillError.invalid(field: "serverId", reason: "is required for that scope") }
      guard mayHaveServer else { throw KillError.forbidden }
      return .server(serverID)
    case nil where mayHaveServer && serverID != nil: return .server(serverID ?? "")
    case nil where viewer.isAdmin: return .all
    case nil, .own:
      guard let user = viewer.user else { throw KillError.forbidden }
      let player = try await database.read { try Players.find(user: user, in: $0) }
      return .player(player, serverID: serverID)
    }
  }

  // MARK: - Figures

  public func metrics(of subject: AnalyticsSubject, period: AnalyticsPeriod) async throws -> AnalyticsMetrics {
    let days = (today - Int64(period.days) + 1)...today
    return try await database.read { [memory = kills.memory] in
      AnalyticsMetrics(try memory.series(of: subject, days: days, in: $0).total)
    }
  }

  public func trend(
    of metric: AnalyticsMetric, _ subject: AnalyticsSubject, period: AnalyticsPeriod
  ) async throws -> TrendReport {
    let days = (today - Int64(2 * period.days) + 1)...today
    // Tests are made on the database's thread too: they would hold up others on the pool.
    return try await database.read { [memory = kills.memory] transaction in
      let series = try memory.series(of: subject, days: days, in: transaction)
      let first = try DaySeries.firstDay(of: subject, in: transaction)
      return TrendReport(metric, period, series: series, firstDay: first) { points in
        memory.trends.tests(of: points, .init(subject: subject, metric: metric, period: period))
      }
    }
  }

  /// - Parameter kind: nil: all.
  public func insights(of subject: AnalyticsSubject, kind: Insight.Kind? = nil) async throws -> [Insight] {
    try await findings(subject).map(\.insight).filter { kind == nil || $0.kind == kind }
  }

  /// - Parameter kind: nil: all.
  public func recommendations(
    for subject: AnalyticsSubject, kind: Recommendation.Kind? = nil
  ) async throws -> [Recommendation] {
    try await findings(subject).compactMap(\.recommendation).filter { kind == nil || $0.kind == kind }
  }

  private func findings(_ subject: AnalyticsSubject) async throws -> [Finding] {
    try await database.read { [memory = kills.memory, today] in
      try memory.findings(of: subject, today: today, in: $0)
    }
  }

  public func dashboard(of subject: AnalyticsSubject) async throws -> Dashboard {
    let today = today
    let (total, weeks, findings) = try await database.read { [memory = kills.memory] transaction in
      (
        try Self.total(of: subject, in: transaction),
        try memory.series(of: subject, days: (today - 14)...(today - 1), in: transaction),
        try memory.findings(of: subject, today: today, in: transaction)
      )
    }
    let (old, new) = (weeks.dropping(last: 7).total, weeks.last(7).total)
    func ratio(_ counts: PlayerCounts) -> Double { AnalyticsMetric.killDeathRatio.value(of: counts) ?? 0 }
    return Dashboard(
      overview: AnalyticsMetrics(total),
      activeUsers: subject == .nothing
        ? 0 : try await activePlayers(on: subject.serverID, days: (today - 6)...today),
      killsTrend: TrendReport.changeText(from: Double(old.kills), to: Double(new.kills)),
      performanceTrend: TrendReport.changeText(from: ratio(old), to: ratio(new)),
      insights: findings.prefix(Self.dashboardInsights).map(\.insight))
  }

  private static func total(of subject: AnalyticsSubject, in transaction: ReadTransaction) throws -> PlayerCounts {
    var conditions = KillList.Conditions()
    switch subject {
    case .player(nil, _), .nothing: return PlayerCounts()
    case .player(let player?, let serverID):
      return try Kills.counts(of: player, serverID: serverID, in: transaction)
    case .server(let serverID): conditions.add("server_id = ?", serverID)
    case .all: conditions.add("server_id = ?", KillCounts.allServers)
    }
    return try Kills.sum("kill_server_days", conditions, in: transaction)
  }

  /// From the same tables in memory as leaderboards.
  func activePlayers(on serverID: String?, days: ClosedRange<Int64>) async throws -> Int {
    try await kills.boards.read([Board.Key(serverID: serverID, days: days)]).boards[0].active
  }
}
