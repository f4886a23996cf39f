import Platform
import Storage

/// What pictures show.
extension AnalyticsService {
  public struct Day: Sendable, Equatable {
    /// From 1970-01-01, UTC.
    public var number: Int64
    public var metrics: AnalyticsMetrics
  }

  static let weaponRows = 10
  static let serverWeaponDays = 90

  /// - Parameter count: how many days; today is the last.
  /// - Throws: ``KillError``: `forbidden` for a private player.
  public func days(of subject: AnalyticsSubject, last count: Int, for viewer: KillViewer) async throws -> [Day] {
    let days = (today - Int64(count) + 1)...today
    let series = try await database.read { transaction in
      try Self.checkPrivacy(of: subject, for: viewer, in: transaction)
      return try DaySeries.load(subject, days: days, in: transaction)
    }
    return series.counts.enumerated().map { offset, counts in
      Day(number: series.first + Int64(offset), metrics: AnalyticsMetrics(counts))
    }
  }

  /// The weapons with the most kills: of a player of all time, of a server of the last ``serverWeaponDays`` days.
  /// - Throws: ``KillError``: `forbidden` for a private player.
  public func weapons(of subject: AnalyticsSubject, for viewer: KillViewer) async throws -> [NamedShare] {
    switch subject {
    case .player(nil, _), .nothing: return []
    case .player(let player?, _):
      return try await database.read { transaction in
        try Self.checkPrivacy(of: subject, for: viewer, in: transaction)
        return try Self.weapons(of: player, in: transaction)
      }
    case .server, .all:
      let from = Timestamp(milliseconds: (today - Int64(Self.serverWeaponDays) + 1) * Calendar.day)
      let found = try await kills.analytics(from: from, serverID: subject.serverID)
      return Array(found.weapons.prefix(Self.weaponRows))
    }
  }

  private static func checkPrivacy(
    of subject: AnalyticsSubject, for viewer: KillViewer, in transaction: ReadTransaction
  ) throws {
    if case .player(let player, _) = subject { try Kills.checkPrivacy(of: player, for: viewer, in: transaction) }
  }

  private static func weapons(of player: Int64, in transaction: ReadTransaction) throws -> [NamedShare] {
    let total =
      try transaction.queryOne(
        """
        SELECT CAST(COALESCE(SUM(entries), 0) AS BIGINT) AS count FROM kill_tallies WHERE player_id = $1 AND what = $2
        """, player, KillCounts.TallyKind.weapon
      ) { try $0.value("count", as: Int.self) } ?? 0
    return try transaction.query(
      """
      SELECT n.name, t.entries FROM kill_tallies t JOIN kill_names n ON n.id = t.subject_id
      WHERE t.player_id = $1 AND t.what = $2 AND t.entries > 0 ORDER BY t.entries DESC, n.name LIMIT \(weaponRows)
      """, player, KillCounts.TallyKind.weapon
    ) { row in
      let count: Int = try row["entries"]
      return NamedShare(
        name: try row["name"], count: count, percentage: AnalyticsMetrics.percentage(count, of: total))
    }
  }
}
