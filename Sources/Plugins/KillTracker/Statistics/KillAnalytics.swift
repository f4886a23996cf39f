import Platform
import Storage

/// What happened on one day.
public struct DayCounts: Sendable, Equatable {
  /// `2024-01-01`.
  public var date: String
  public var kills: Int
  public var deaths: Int
}

/// How large a part of all something has.
public struct NamedShare: Sendable, Equatable {
  public var name: String
  public var count: Int
  /// Of all that name any, rounded to one decimal.
  public var percentage: Double
}

/// Kills over some days, of one server or of all.
public struct KillAnalytics: Sendable, Equatable {
  public var totalKills: Int
  public var totalDeaths: Int
  public var pvpKills: Int
  public var pveKills: Int
  /// Every day of the range, also those on which nothing happened.
  public var days: [DayCounts]
  /// The most frequent first, at most ``Kills/shareLimit``.
  public var weapons: [NamedShare]
  public var locations: [NamedShare]
}

extension Kills {
  public static let shareLimit = 20
  /// The longest range: ten years and leap days.
  public static let rangeLimit: Int64 = 3_653

  /// - Parameters:
  ///   - from: the first day counts from its beginning.
  ///   - until: the day in which it lies counts to its end; nil: today.
  /// - Throws: ``KillError``: `invalid` if the range is upside down or longer than ``rangeLimit`` days.
  public func analytics(
    from: Timestamp, until: Timestamp? = nil, serverID: String? = nil
  ) async throws -> KillAnalytics {
    let range = try days(from: from, until: until)
    let (first, last) = (range.lowerBound, range.upperBound)
    let names = NameSums(memory: memory, today: Calendar.day(of: time.timestamp))
    return try await database.read { transaction in
      var conditions = KillList.Conditions()
      conditions.add("day >= ?", first)
      conditions.add("day <= ?", last)
      conditions.add("server_id = ?", serverID ?? KillCounts.allServers)
      let columns = ["kills", "deaths", "pvp_kills", "pve_kills", "entries"]
        .map { "CAST(SUM(\($0)) AS BIGINT) AS \($0)" }.joined(separator: ", ")
      let rows = try transaction.query(
        "SELECT day, \(columns) FROM kill_server_days \(conditions.text) GROUP BY day ORDER BY day",
        parameters: conditions.parameters
      ) { (try $0.value("day", as: Int64.self), try Self.counts(from: $0)) }
      let byDay = Dictionary(rows, uniquingKeysWith: { $1 })
      var total = PlayerCounts()
      for (_, counts) in rows { total += counts }
      return KillAnalytics(
        totalKills: total.kills, totalDeaths: total.deaths, pvpKills: total.pvpKills, pveKills: total.pveKills,
        days: (first...last).map { day in
          DayCounts(
            date: Calendar.text(ofDay: day), kills: byDay[day]?.kills ?? 0, deaths: byDay[day]?.deaths ?? 0)
        },
        weapons: try names.shares(
          0, of: serverID ?? KillCounts.allServers, days: range, limit: Self.shareLimit, in: transaction),
        locations: try names.shares(
          1, of: serverID ?? KillCounts.allServers, days: range, limit: Self.shareLimit, in: transaction))
    }
  }

  /// The days of a range that a caller named.
  func days(from: Timestamp, until: Timestamp?) throws -> ClosedRange<Int64> {
    let first = Calendar.day(of: from)
    let last = Calendar.day(of: until ?? time.timestamp)
    guard first <= last else { throw KillError.invalid(field: "endDate", reason: "lies before startDate") }
    guard last - first < Self.rangeLimit else {
      throw KillError.invalid(field: "startDate", reason: "at most \(Self.rangeLimit) days at once")
    }
    return first...last
  }

  /// A player's counts over some days.
  /// - Throws: ``KillError``: `forbidden` for a private player.
  public func counts(
    of player: Int64, from: Timestamp, until: Timestamp, serverID: String? = nil, for viewer: KillViewer
  ) async throws -> (kills: Int, deaths: Int, pvpKills: Int, pveKills: Int) {
    let days = Calendar.day(of: from)...max(Calendar.day(of: from), Calendar.day(of: until))
    return try await database.read { transaction in
      try Self.checkPrivacy(of: player, for: viewer, in: transaction)
      let counts = try Self.counts(of: player, serverID: serverID, days: days, in: transaction)
      return (counts.kills, counts.deaths, counts.pvpKills, counts.pveKills)
    }
  }

  /// All kills that were ever recorded.
  public func count() async throws -> Int {
    try await database.read { try KillList.total(KillFilter(), in: $0).count }
  }
}
