import Core
import Platform
import Storage

/// What the users of the bot did over some days.
public struct UserAnalytics: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public var player: KillParty
    public var metrics: AnalyticsMetrics
  }

  /// The viewer's own figures.
  public var own: AnalyticsMetrics
  public var ownDays: [DayCounts]
  /// Who made a kill or died; nil for more than ``AnalyticsService/communityDays`` days.
  public var activeUsers: Int?
  /// Those with the most kills. Private players are not among them.
  public var top: [Entry]
}

/// What happened on servers over some days.
public struct ServerAnalytics: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public var serverID: String
    public var metrics: AnalyticsMetrics
    /// Of the kills on all servers that are listed, rounded to one decimal.
    public var percentage: Double
  }

  public var total: AnalyticsMetrics
  public var days: [DayCounts]
  /// Those with the most kills first.
  public var servers: [Entry]
}

extension AnalyticsService {
  /// Users are counted over so many days at most: like leaderboards, in memory.
  public static let communityDays: Int64 = 31
  static let topUsers = 10
  static let serverLimit = 100
  /// The most servers that are looked through for those with the most kills.
  static let serverScan = 1_000

  /// - Parameters: as with `Kills.analytics`.
  public func users(
    from: Timestamp, until: Timestamp? = nil, serverID: String? = nil, for viewer: KillViewer
  ) async throws -> UserAnalytics {
    let days = try kills.days(from: from, until: until)
    let own = try await subject(for: viewer, serverID: serverID, scope: .own)
    let series = try await database.read { [memory = kills.memory] in
      try memory.series(of: own, days: days, in: $0)
    }
    var found = UserAnalytics(
      own: AnalyticsMetrics(series.total), ownDays: series.dayCounts, activeUsers: nil, top: [])
    guard Int64(days.count) <= Self.communityDays else { return found }
    let view = try await kills.boards.read([Board.Key(serverID: serverID, days: days)], by: .kills)
    let best = view.best(Self.topUsers, of: 0, by: .kills).map { ($0.player, view.boards[0].counts(of: $0.player)) }
    let parties = try await database.read { try Kills.parties(best.map(\.0), in: $0) }
    found.activeUsers = view.boards[0].active
    found.top = best.compactMap { player, counts in
      parties[player].map { UserAnalytics.Entry(player: $0, metrics: AnalyticsMetrics(counts)) }
    }
    return found
  }

  /// The servers on which the viewer has kills and those in `more`; for admins those with the most kills.
  /// - Parameters:
  ///   - serverID: that server alone, whoever asks: totals name nobody.
  ///   - more: servers of the viewer's.
  public func servers(
    from: Timestamp, until: Timestamp? = nil, serverID: String? = nil, more: [String] = [], for viewer: KillViewer
  ) async throws -> ServerAnalytics {
    let days = try kills.days(from: from, until: until)
    return try await database.read { transaction in
      let ids: [String]
      if let serverID {
        ids = [serverID]
      } else if viewer.isAdmin {
        ids = try Self.allServers(in: transaction)
      } else {
        ids = Array(Set(try Self.servers(of: viewer, in: transaction) + more).sorted().prefix(Self.serverScan))
      }
      var sum = DaySeries(first: days.lowerBound, counts: Array(repeating: PlayerCounts(), count: days.count))
      var servers: [(id: String, counts: PlayerCounts)] = []
      for id in ids {
        let series = try DaySeries.load(.server(id), days: days, in: transaction)
        for (offset, counts) in series.counts.enumerated() { sum.counts[offset] += counts }
        servers.append((id, series.total))
      }
      let total = sum.total
      return ServerAnalytics(
        total: AnalyticsMetrics(total), days: sum.dayCounts,
        servers: servers.sorted { ($1.counts.kills, $0.id) < ($0.counts.kills, $1.id) }.prefix(Self.serverLimit).map {
          .init(
            serverID: $0.id, metrics: AnalyticsMetrics($0.counts),
            percentage: AnalyticsMetrics.percentage($0.counts.kills, of: total.kills))
        })
    }
  }

  private static func servers(of viewer: KillViewer, in transaction: ReadTransaction) throws -> [String] {
    guard let user = viewer.user, let player = try Players.find(user: user, in: transaction) else { return [] }
    return try transaction.query("SELECT DISTINCT server_id FROM kill_totals WHERE player_id = $1", player) {
      try $0.value("server_id", as: String.self)
    }
  }

  /// From one server to the next by the index, so that days are not looked at.
  private static func allServers(in transaction: ReadTransaction) throws -> [String] {
    var ids: [String] = []
    var last = ""
    while ids.count < serverScan {
      let next = try transaction.queryOne(
        "SELECT server_id FROM kill_server_days WHERE server_id > $1 ORDER BY server_id LIMIT 1", last
      ) { try $0.value("server_id", as: String.self) }
      guard let next else { break }
      if next != KillCounts.allServers { ids.append(next) }
      last = next
    }
    return ids
  }
}

extension DaySeries {
  var dayCounts: [DayCounts] {
    counts.enumerated().map { offset, counts in
      DayCounts(date: Calendar.text(ofDay: first + Int64(offset)), kills: counts.kills, deaths: counts.deaths)
    }
  }
}
