import Core
import Platform
import Storage

/// How often something was used, seen or met.
public struct NamedCount: Sendable, Equatable {
  public var name: String
  public var count: Int
}

/// How often a player was met.
public struct MetPlayer: Sendable, Equatable {
  public var player: KillParty
  public var count: Int
}

/// What a player did, in all.
public struct PlayerStatistics: Sendable, Equatable {
  public var totalKills: Int
  public var totalDeaths: Int
  public var pvpKills: Int
  public var pveKills: Int
  public var playTime: Duration
  /// Among all players by kills; nil without kills.
  public var rank: Int?
  /// The most used first.
  public var weapons: [NamedCount]
  public var locations: [NamedCount]
  /// By whom the player was killed most, and whom the player killed most.
  public var nemesis: MetPlayer?
  public var prey: MetPlayer?
  /// Kills since the last death; at most ``Kills/streakLimit`` are counted.
  public var currentStreak: Int
  /// The most kills that ever were between two deaths.
  public var bestStreak = 0

  /// Kills by deaths, rounded to two decimals; without deaths the kills.
  public var killDeathRatio: Double { Self.ratio(kills: totalKills, deaths: totalDeaths) }
  public var favouriteWeapon: String? { weapons.first?.name }
  /// `45h 30m`.
  public var playTimeText: String { Self.text(ofPlayTime: playTime) }

  public static func text(ofPlayTime time: Duration) -> String {
    let minutes = time.components.seconds / 60
    return "\(minutes / 60)h \(minutes % 60)m"
  }

  static func ratio(kills: Int, deaths: Int) -> Double {
    guard deaths > 0 else { return Double(kills) }
    return (Double(kills) / Double(deaths) * 100).rounded() / 100
  }
}

extension Kills {
  static let favourites = 5
  public static let streakLimit = 1_000

  /// - Parameters:
  ///   - player: as ``player(_:)`` finds it; nil: somebody who never appeared in a kill.
  ///   - serverID: counts of that server alone; favourites, rank and streak are of all.
  /// - Throws: ``KillError``: `forbidden` for a private player.
  public func statistics(
    of player: Int64?, serverID: String? = nil, for viewer: KillViewer
  ) async throws -> PlayerStatistics {
    guard let player else {
      return PlayerStatistics(
        totalKills: 0, totalDeaths: 0, pvpKills: 0, pveKills: 0, playTime: .zero, rank: nil, weapons: [], locations: [],
        nemesis: nil, prey: nil, currentStreak: 0)
    }
    var statistics = try await database.read { [memory] transaction in
      try Self.checkPrivacy(of: player, for: viewer, in: transaction)
      let counts = try Self.counts(of: player, serverID: serverID, in: transaction)
      let seconds = try transaction.queryOne("SELECT play_seconds FROM players WHERE id = $1", player) {
        try $0.value("play_seconds", as: Int64.self)
      }
      let favourites = try memory.favourites.value(player, of: .player(player), in: transaction) {
        try Favourites.load(player, in: transaction)
      }
      return PlayerStatistics(
        totalKills: counts.kills, totalDeaths: counts.deaths, pvpKills: counts.pvpKills, pveKills: counts.pveKills,
        playTime: .seconds(seconds ?? 0), rank: nil, weapons: Array(favourites.weapons.prefix(Self.favourites)),
        locations: Array(favourites.locations.prefix(Self.favourites)),
        nemesis: try favourites.nemesis.flatMap { try Self.met($0, for: viewer, in: transaction) },
        prey: try favourites.prey.flatMap { try Self.met($0, for: viewer, in: transaction) },
        currentStreak: try Self.streak(of: player, in: transaction))
    }
    statistics.bestStreak = max(statistics.currentStreak, try await streaks.best(of: player))
    let view = try await boards.read([Board.Key(serverID: nil, days: Int64.min...Int64.max)], by: .kills)
    statistics.rank = view.boards[0].value(.kills, of: player).flatMap {
      view.ranks(of: [$0], on: 0, by: .kills).first
    }
    return statistics
  }

  static func counts(
    of player: Int64, serverID: String?, days: ClosedRange<Int64>? = nil, in transaction: ReadTransaction
  ) throws -> PlayerCounts {
    var conditions = KillList.Conditions()
    conditions.add("player_id = ?", player)
    if let serverID { conditions.add("server_id = ?", serverID) }
    if let days {
      conditions.add("day >= ?", days.lowerBound)
      conditions.add("day <= ?", days.upperBound)
    }
    return try Self.sum(days == nil ? "kill_totals" : "kill_days", conditions, in: transaction)
  }

  static func sum(
    _ table: String, _ conditions: KillList.Conditions, in transaction: ReadTransaction
  ) throws -> PlayerCounts {
    let columns = ["kills", "deaths", "pvp_kills", "pve_kills", "entries"]
      .map { "CAST(COALESCE(SUM(\($0)), 0) AS BIGINT) AS \($0)" }.joined(separator: ", ")
    return try transaction.queryOne(
      "SELECT \(columns) FROM \(table) \(conditions.text)", parameters: conditions.parameters, row: counts(from:))
      ?? PlayerCounts()
  }

  static func counts(from row: Row) throws -> PlayerCounts {
    PlayerCounts(
      kills: try row["kills"], deaths: try row["deaths"], pvpKills: try row["pvp_kills"],
      pveKills: try row["pve_kills"],
      entries: try row["entries"])
  }

  private static func met(
    _ met: Favourites.Met, for viewer: KillViewer, in transaction: ReadTransaction
  ) throws -> MetPlayer? {
    let found = try transaction.queryOne("SELECT privacy, user_id FROM players WHERE id = $1", met.player) { row in
      (privacy: try row.value("privacy", as: Privacy.self), user: try row.value("user_id", as: UserID?.self))
    }
    guard let found else { return nil }
    // Also to who fought them: a kill that somebody makes up must not tell whose handle an account has. The kills
    // themselves name them as they were told of.
    let maySee = viewer.isAdmin || (viewer.user != nil && viewer.user == found.user)
    if found.privacy == .private, !maySee { return MetPlayer(player: .hidden, count: met.count) }
    let party = try parties([met.player], in: transaction)[met.player]
    return party.map { MetPlayer(player: $0, count: met.count) }
  }

  /// Kills since the last death, by two index ranges.
  private static func streak(of player: Int64, in transaction: ReadTransaction) throws -> Int {
    let deaths = KillKind.allCases.filter(\.isDeath).map { "'\($0.rawValue)'" }.joined(separator: ", ")
    let kills = KillKind.allCases.filter(\.isKill).map { "'\($0.rawValue)'" }.joined(separator: ", ")
    let last = try transaction.queryOne(
      """
      SELECT occurred_at FROM kills WHERE victim_id = $1 AND kind IN (\(deaths))
      ORDER BY occurred_at DESC, id DESC LIMIT 1
      """, player
    ) { try $0.value("occurred_at", as: Timestamp.self) }
    return try transaction.queryOne(
      """
      SELECT count(*) AS count FROM (
        SELECT id FROM kills WHERE killer_id = $1 AND occurred_at > $2 AND kind IN (\(kills)) LIMIT \(streakLimit)) s
      """, player, last ?? Timestamp(milliseconds: Int64.min / 2)
    ) { try $0["count"] } ?? 0
  }
}
