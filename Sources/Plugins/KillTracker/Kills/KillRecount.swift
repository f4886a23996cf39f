import Storage

/// Makes every table of counts anew from the kills themselves, in the engine: after kills were put into the database by
/// another way than ``Kills``, as a benchmark does with ten million of them.
///
/// What ``KillCounts`` adds kill by kill is what this finds; a test holds one against the other.
package enum KillRecount {
  /// Nobody else may write meanwhile. Boards that are in memory anywhere are loaded anew afterwards.
  package static func run(in transaction: Transaction) throws {
    try transaction.lock(KillWriter.lockName)
    for statement in statements { try transaction.execute(statement) }
    _ = try KillWriter.raiseVersion(in: transaction)
  }

  private static let isKill = "k.kind IN (\(list(KillKind.allCases.filter(\.isKill))))"
  private static let isDeath = "k.kind IN (\(list(KillKind.allCases.filter(\.isDeath))))"
  private static let day = "k.occurred_at / \(Calendar.day)"
  private static let sums = ["kills", "deaths", "pvp_kills", "pve_kills", "entries"]
    .map { "CAST(SUM(c.\($0)) AS BIGINT)" }.joined(separator: ", ")

  private static func list(_ kinds: [KillKind]) -> String {
    kinds.map { "'\($0.rawValue)'" }.joined(separator: ", ")
  }

  private static func number(_ condition: String) -> String { "CASE WHEN \(condition) THEN 1 ELSE 0 END" }

  private static let statements: [String] =
    ["kill_days", "kill_totals", "kill_server_days", "kill_name_days", "kill_tallies"].map { "DELETE FROM \($0)" } + [
      """
      INSERT INTO kill_days (day, server_id, player_id, kills, deaths, pvp_kills, pve_kills, entries)
      SELECT c.day, c.server_id, c.player_id, \(sums) FROM (
        SELECT \(day) AS day, k.server_id, k.killer_id AS player_id, \(number(isKill)) AS kills,
          \(number("k.victim_id = k.killer_id AND \(isDeath)")) AS deaths, \(number("k.kind = 'pvp'")) AS pvp_kills,
          \(number("k.kind = 'pve'")) AS pve_kills, 1 AS entries
        FROM kills k WHERE k.killer_id IS NOT NULL
        UNION ALL
        SELECT \(day), k.server_id, k.victim_id, 0, \(number(isDeath)), 0, 0, 1
        FROM kills k WHERE k.victim_id IS NOT NULL AND (k.killer_id IS NULL OR k.killer_id <> k.victim_id)
      ) c GROUP BY c.day, c.server_id, c.player_id ORDER BY c.day, c.server_id, c.player_id
      """,
      """
      INSERT INTO kill_totals (server_id, player_id, kills, deaths, pvp_kills, pve_kills, entries)
      SELECT c.server_id, c.player_id, \(sums) FROM kill_days c GROUP BY c.server_id, c.player_id
      ORDER BY c.server_id, c.player_id
      """,
      """
      INSERT INTO kill_server_days (server_id, day, kills, deaths, pvp_kills, pve_kills, entries)
      SELECT c.server_id, c.day, \(sums) FROM (
        SELECT k.server_id, \(day) AS day, \(number("k.killer_id IS NOT NULL AND \(isKill)")) AS kills,
          \(number("k.victim_id IS NOT NULL AND \(isDeath)")) AS deaths,
          \(number("k.killer_id IS NOT NULL AND k.kind = 'pvp'")) AS pvp_kills,
          \(number("k.killer_id IS NOT NULL AND k.kind = 'pve'")) AS pve_kills, 1 AS entries FROM kills k
      ) c GROUP BY c.server_id, c.day
      """,
      """
      INSERT INTO kill_server_days (server_id, day, kills, deaths, pvp_kills, pve_kills, entries)
      SELECT '\(KillCounts.allServers)', c.day, \(sums) FROM kill_server_days c GROUP BY c.day
      """,
    ]
    + [(0, "weapon_id"), (1, "location_id")].map { what, column in
      """
      INSERT INTO kill_name_days (what, server_id, day, name_id, entries)
      SELECT \(what), k.server_id, \(day), k.\(column), count(*) FROM kills k WHERE k.\(column) IS NOT NULL
      GROUP BY k.server_id, \(day), k.\(column) ORDER BY k.server_id, \(day), k.\(column)
      """
    } + [
      """
      INSERT INTO kill_name_days (what, server_id, day, name_id, entries)
      SELECT c.what, '\(KillCounts.allServers)', c.day, c.name_id, CAST(SUM(c.entries) AS BIGINT) FROM kill_name_days c
      GROUP BY c.what, c.day, c.name_id
      """
    ]
    + [
      ("killer_id", "weapon_id", KillCounts.TallyKind.weapon, isKill),
      ("killer_id", "location_id", .location, isKill), ("killer_id", "victim_id", .prey, "k.kind = 'pvp'"),
      ("victim_id", "killer_id", .nemesis, "k.kind = 'pvp'"),
    ].map { player, subject, what, condition in
      """
      INSERT INTO kill_tallies (player_id, what, subject_id, entries)
      SELECT k.\(player), \(what.rawValue), k.\(subject), count(*) FROM kills k
      WHERE k.\(player) IS NOT NULL AND k.\(subject) IS NOT NULL AND \(condition)
      GROUP BY k.\(player), k.\(subject) ORDER BY k.\(player), k.\(subject)
      """
    }
}
