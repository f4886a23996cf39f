import Storage

/// What a player used and whom they met most.
struct Favourites: Sendable {
  static let limit = 10

  struct Met: Sendable {
    var player: Int64
    var count: Int
  }

  /// At most ``limit``, the most used first; ties by name.
  var weapons: [NamedCount]
  var locations: [NamedCount]
  /// Kills that name a weapon.
  var armed: Int
  /// By whom the player was killed most, and whom the player killed most; ties by who is known longer.
  var nemesis: Met?
  var prey: Met?

  /// Looks at everything that the player ever used and met.
  static func load(_ player: Int64, in transaction: ReadTransaction) throws -> Favourites {
    let armed =
      try transaction.queryOne(
        """
        SELECT CAST(COALESCE(SUM(entries), 0) AS BIGINT) AS count FROM kill_tallies WHERE player_id = $1 AND what = $2
        """, player, KillCounts.TallyKind.weapon
      ) { try $0.value("count", as: Int.self) } ?? 0
    return Favourites(
      weapons: try names(.weapon, of: player, in: transaction),
      locations: try names(.location, of: player, in: transaction), armed: armed,
      nemesis: try met(.nemesis, by: player, in: transaction), prey: try met(.prey, by: player, in: transaction))
  }

  private static func names(
    _ what: KillCounts.TallyKind, of player: Int64, in transaction: ReadTransaction
  ) throws -> [NamedCount] {
    try transaction.query(
      """
      SELECT n.name, t.entries FROM kill_tallies t JOIN kill_names n ON n.id = t.subject_id
      WHERE t.player_id = $1 AND t.what = $2 AND t.entries > 0 ORDER BY t.entries DESC, n.name LIMIT \(limit)
      """, player, what
    ) { NamedCount(name: try $0["name"], count: try $0["entries"]) }
  }

  /// Who was met alone: who they are is looked up of one, not of all.
  private static func met(
    _ what: KillCounts.TallyKind, by player: Int64, in transaction: ReadTransaction
  ) throws -> Met? {
    try transaction.queryOne(
      """
      SELECT subject_id, entries FROM kill_tallies
      WHERE player_id = $1 AND what = $2 AND entries > 0 ORDER BY entries DESC, subject_id LIMIT 1
      """, player, what
    ) { Met(player: try $0["subject_id"], count: try $0["entries"]) }
  }
}
