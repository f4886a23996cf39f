import Core
import Platform
import Storage

/// How many kills are recorded, in all and lately. Periods are UTC: days, weeks from Monday, months.
public struct KillFigures: Sendable, Equatable {
  public var total: Int
  public var today: Int
  public var thisWeek: Int
  public var thisMonth: Int
}

extension Kills {
  /// From the counts that are kept by day.
  public func figures() async throws -> KillFigures {
    let today = Calendar.day(of: time.timestamp)
    let (year, month, _) = Calendar.date(ofDay: today)
    let starts = [
      today, Calendar.monday(before: today), Calendar.days(year: year, month: month, day: 1), Int64.min,
    ]
    let counts = try await database.read { transaction in
      try starts.map { start in
        try transaction.queryOne(
          """
          SELECT CAST(COALESCE(SUM(entries), 0) AS BIGINT) AS count FROM kill_server_days
          WHERE server_id = $1 AND day >= $2
          """, KillCounts.allServers, start
        ) { try $0.value("count", as: Int.self) } ?? 0
      }
    }
    return KillFigures(total: counts[3], today: counts[0], thisWeek: counts[1], thisMonth: counts[2])
  }

  /// The servers in which that user appears in a kill, those with the most first.
  public func servers(of user: UserID, limit: Int) async throws -> [GuildID] {
    try await database.read { transaction in
      guard let player = try Players.find(user: user, in: transaction) else { return [] }
      return try transaction.query(
        """
        SELECT server_id FROM kill_totals WHERE player_id = $1 AND entries > 0
        ORDER BY entries DESC, server_id LIMIT $2
        """, player, limit
      ) { try $0.value("server_id", as: String.self) }.compactMap { GuildID($0) }
    }
  }
}
