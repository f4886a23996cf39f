import Storage

/// Whose figures are asked for.
public enum AnalyticsSubject: Sendable, Hashable {
  /// A player's own, on one server or on all; the player is nil for somebody who appears in no kill.
  case player(Int64?, serverID: String?)
  /// Everybody's on one server.
  case server(String)
  /// Everybody's.
  case all
  /// Of another game, which has no kills.
  case nothing

  public var serverID: String? {
    switch self {
    case .player(_, let serverID): serverID
    case .server(let serverID): serverID
    case .all, .nothing: nil
    }
  }

  public var scope: AnalyticsService.Scope {
    switch self {
    case .player, .nothing: .own
    case .server: .server
    case .all: .all
    }
  }

  /// Begins a sentence about it.
  var possessive: String {
    switch self {
    case .player, .nothing: "Your"
    case .server: "The server's"
    case .all: "The community's"
    }
  }
}

/// How far back the figures go. Counts are kept by UTC day, so a period is so many days, of which today is the last.
public enum AnalyticsPeriod: String, Sendable, Codable, CaseIterable {
  /// Today.
  case day = "24h"
  case week = "7d"
  case month = "30d"
  case quarter = "90d"
  case year = "1y"

  public var days: Int {
    switch self {
    case .day: 1
    case .week: 7
    case .month: 30
    case .quarter: 90
    case .year: 365
    }
  }
}

/// What trends are computed of. The names are those of the answer to `metrics`.
public enum AnalyticsMetric: String, Sendable, Codable, CaseIterable {
  case totalKills, totalDeaths, killDeathRatio, pvpKills, pveKills, pvpRatio

  /// Nil where there is nothing to divide: a day without kills has no part of them.
  func value(of counts: PlayerCounts) -> Double? {
    switch self {
    case .totalKills: return Double(counts.kills)
    case .totalDeaths: return Double(counts.deaths)
    case .pvpKills: return Double(counts.pvpKills)
    case .pveKills: return Double(counts.pveKills)
    case .killDeathRatio:
      guard counts.kills + counts.deaths > 0 else { return nil }
      return PlayerStatistics.ratio(kills: counts.kills, deaths: counts.deaths)
    case .pvpRatio:
      guard counts.kills > 0 else { return nil }
      return AnalyticsMetrics.percentage(counts.pvpKills, of: counts.kills)
    }
  }
}

/// The figures of a period.
public struct AnalyticsMetrics: Sendable, Equatable {
  public var totalKills: Int
  public var totalDeaths: Int
  public var pvpKills: Int
  public var pveKills: Int
  public var killDeathRatio: Double { PlayerStatistics.ratio(kills: totalKills, deaths: totalDeaths) }
  /// PvP kills of all kills, in percent to one decimal; 0 without kills.
  public var pvpRatio: Double { Self.percentage(pvpKills, of: totalKills) }

  init(_ counts: PlayerCounts = PlayerCounts()) {
    totalKills = counts.kills
    totalDeaths = counts.deaths
    pvpKills = counts.pvpKills
    pveKills = counts.pveKills
  }

  static func percentage(_ part: Int, of whole: Int) -> Double {
    whole > 0 ? (Double(part) / Double(whole) * 1_000).rounded() / 10 : 0
  }
}

/// Counts of days that follow each other.
struct DaySeries: Sendable, Equatable {
  /// Days from 1970-01-01.
  var first: Int64
  var counts: [PlayerCounts]

  var total: PlayerCounts { counts.reduce(into: PlayerCounts()) { $0 += $1 } }

  /// The last days of it.
  func last(_ days: Int) -> DaySeries {
    let kept = min(days, counts.count)
    return DaySeries(first: first + Int64(counts.count - kept), counts: Array(counts.suffix(kept)))
  }

  /// Without its last days.
  func dropping(last days: Int) -> DaySeries {
    DaySeries(first: first, counts: Array(counts.dropLast(days)))
  }

  func values(_ metric: AnalyticsMetric) -> [Double] { counts.compactMap(metric.value) }

  /// The days that have a value.
  func points(_ metric: AnalyticsMetric) -> [SeriesPoint] {
    counts.enumerated().compactMap { day, counts in
      metric.value(of: counts).map { SeriesPoint(time: Double(day), value: $0) }
    }
  }

  /// - Parameter days: all of them.
  static func load(
    _ subject: AnalyticsSubject, days: ClosedRange<Int64>, in transaction: ReadTransaction
  ) throws -> DaySeries {
    var series = DaySeries(first: days.lowerBound, counts: Array(repeating: PlayerCounts(), count: days.count))
    guard let (table, scope) = Self.source(subject) else { return series }
    var conditions = scope
    conditions.add("day >= ?", days.lowerBound)
    conditions.add("day <= ?", days.upperBound)
    let columns = ["kills", "deaths", "pvp_kills", "pve_kills", "entries"]
      .map { "CAST(SUM(\($0)) AS BIGINT) AS \($0)" }.joined(separator: ", ")
    let rows = try transaction.query(
      "SELECT day, \(columns) FROM \(table) \(conditions.text) GROUP BY day", parameters: conditions.parameters
    ) { (try $0.value("day", as: Int64.self), try Kills.counts(from: $0)) }
    for (day, counts) in rows { series.counts[Int(day - days.lowerBound)] = counts }
    return series
  }

  /// The first day on which anything was counted; nil if nothing ever was.
  static func firstDay(of subject: AnalyticsSubject, in transaction: ReadTransaction) throws -> Int64? {
    guard let (table, scope) = source(subject) else { return nil }
    var conditions = scope
    conditions.add("entries > ?", 0)
    return try transaction.queryOne(
      "SELECT day FROM \(table) \(conditions.text) ORDER BY day LIMIT 1", parameters: conditions.parameters
    ) { try $0.value("day", as: Int64.self) }
  }

  private static func source(_ subject: AnalyticsSubject) -> (table: String, KillList.Conditions)? {
    var conditions = KillList.Conditions()
    switch subject {
    case .player(nil, _), .nothing: return nil
    case .player(let player?, let serverID):
      conditions.add("player_id = ?", player)
      if let serverID { conditions.add("server_id = ?", serverID) }
      return ("kill_days", conditions)
    case .server(let serverID): conditions.add("server_id = ?", serverID)
    case .all: conditions.add("server_id = ?", KillCounts.allServers)
    }
    return ("kill_server_days", conditions)
  }
}
