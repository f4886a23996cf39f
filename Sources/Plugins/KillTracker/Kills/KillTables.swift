import Storage

/// The tables of the kill tracker: players, kills, and the counts that keep every list and statistic flat.
///
/// `kills` is the truth. All other tables of kills are counts over it, changed in the same transaction by
/// ``KillCounts``; a count that fell to zero stays as a row of zeros.
public enum KillTables {
  /// A table of counts that SQLite keeps in its primary key alone: a count is then one page to change, and a board is
  /// added up from rows that lie side by side. PostgreSQL has no such tables.
  private struct Clustered {
    var name: String
    var columns: [String]
    var key: [String]
    var index: (name: String, columns: [String])?

    var statements: [SchemaStatement] {
      let columns = columns.joined(separator: ", ")
      let types = self.columns.map { "\($0) \($0 == "server_id" ? "VARCHAR(20)" : "INTEGER") NOT NULL" }
      var statements = [
        "ALTER TABLE \(name) RENAME TO \(name)_before",
        """
        CREATE TABLE \(name) (\(types.joined(separator: ", ")), PRIMARY KEY (\(key.joined(separator: ", "))))
        WITHOUT ROWID
        """,
        "INSERT INTO \(name) (\(columns)) SELECT \(columns) FROM \(name)_before ORDER BY \(key.joined(separator: ", "))",
        "DROP TABLE \(name)_before",
      ]
      if let index {
        statements.append("CREATE INDEX \(index.name) ON \(name) (\(index.columns.joined(separator: ", ")))")
      }
      return statements.map { .only(.sqlite, SchemaStatement(stringLiteral: $0)) }
    }
  }

  private static let counts = ["kills", "deaths", "pvp_kills", "pve_kills", "entries"]
  private static let counted = [
    Clustered(
      name: "kill_totals", columns: ["server_id", "player_id"] + counts, key: ["server_id", "player_id"],
      index: ("kill_totals_player", ["player_id"])),
    Clustered(
      name: "kill_days", columns: ["day", "server_id", "player_id"] + counts, key: ["day", "server_id", "player_id"],
      index: ("kill_days_player", ["player_id", "day"])),
    Clustered(
      name: "kill_name_days", columns: ["what", "day", "server_id", "name_id", "entries"],
      key: ["what", "server_id", "day", "name_id"],
      index: ("kill_name_days_name", ["what", "name_id", "server_id", "day"])),
    Clustered(
      name: "kill_tallies", columns: ["player_id", "what", "subject_id", "entries"],
      key: ["player_id", "what", "subject_id"]),
  ]

  public static let module = MigrationModule(
    "killtracker",
    [
      Migration(
        1, "players, kills",
        [
          // A user, or somebody known by a handle alone. `handle` is proved where there is a user; `claimed_handle` is
          // what a user says and nobody checked.
          """
          CREATE TABLE players (
            id \(.identity),
            user_id \(.varchar(20)) UNIQUE,
            handle \(.varchar(64)),
            handle_key \(.varchar(64)) UNIQUE,
            claimed_handle \(.varchar(64)),
            privacy \(.varchar(10)) NOT NULL,
            play_seconds \(.integer) NOT NULL,
            created_at \(.timestamp) NOT NULL,
            updated_at \(.timestamp) NOT NULL
          )
          """,
          "CREATE INDEX players_private ON players (id) WHERE privacy = 'PRIVATE'",
          // Weapons and places, each once.
          """
          CREATE TABLE kill_names (
            id \(.identity),
            name \(.text) NOT NULL UNIQUE
          )
          """,
          // `pair` is a hash of both names, by which two clients' reports of one kill are found.
          """
          CREATE TABLE kills (
            id \(.identity),
            occurred_at \(.timestamp) NOT NULL,
            recorded_at \(.timestamp) NOT NULL,
            updated_at \(.timestamp) NOT NULL,
            server_id \(.varchar(20)) NOT NULL,
            killer_id \(.integer),
            killer_name \(.text) NOT NULL,
            victim_id \(.integer),
            victim_name \(.text) NOT NULL,
            pair \(.integer) NOT NULL,
            weapon_id \(.integer),
            location_id \(.integer),
            kind \(.varchar(12)) NOT NULL,
            confidence \(.integer) NOT NULL,
            source \(.varchar(10)) NOT NULL,
            reporter \(.varchar(20)) NOT NULL,
            confirmed_by \(.varchar(20)),
            idempotency_key \(.varchar(100)),
            details \(.json)
          )
          """,
          "CREATE INDEX kills_time ON kills (occurred_at, id)",
          "CREATE INDEX kills_server ON kills (server_id, occurred_at, id)",
          "CREATE INDEX kills_killer ON kills (killer_id, occurred_at, id)",
          "CREATE INDEX kills_victim ON kills (victim_id, occurred_at, id)",
          "CREATE INDEX kills_weapon ON kills (weapon_id, occurred_at, id)",
          "CREATE INDEX kills_location ON kills (location_id, occurred_at, id)",
          "CREATE INDEX kills_pair ON kills (pair, occurred_at)",
          """
          CREATE UNIQUE INDEX kills_idempotency ON kills (reporter, idempotency_key)
          WHERE idempotency_key IS NOT NULL
          """,
        ]),
      Migration(
        2, "counts",
        [
          // `entries` are the kills in which the player took part on either side.
          """
          CREATE TABLE kill_totals (
            server_id \(.varchar(20)) NOT NULL,
            player_id \(.integer) NOT NULL,
            kills \(.integer) NOT NULL,
            deaths \(.integer) NOT NULL,
            pvp_kills \(.integer) NOT NULL,
            pve_kills \(.integer) NOT NULL,
            entries \(.integer) NOT NULL,
            PRIMARY KEY (server_id, player_id)
          )
          """,
          "CREATE INDEX kill_totals_player ON kill_totals (player_id)",
          // Days are counted from 1970-01-01, UTC.
          """
          CREATE TABLE kill_days (
            day \(.integer) NOT NULL,
            server_id \(.varchar(20)) NOT NULL,
            player_id \(.integer) NOT NULL,
            kills \(.integer) NOT NULL,
            deaths \(.integer) NOT NULL,
            pvp_kills \(.integer) NOT NULL,
            pve_kills \(.integer) NOT NULL,
            entries \(.integer) NOT NULL,
            PRIMARY KEY (day, server_id, player_id)
          )
          """,
          "CREATE INDEX kill_days_player ON kill_days (player_id, day)",
          // The server `*` is all of them together.
          """
          CREATE TABLE kill_server_days (
            server_id \(.varchar(20)) NOT NULL,
            day \(.integer) NOT NULL,
            kills \(.integer) NOT NULL,
            deaths \(.integer) NOT NULL,
            pvp_kills \(.integer) NOT NULL,
            pve_kills \(.integer) NOT NULL,
            entries \(.integer) NOT NULL,
            PRIMARY KEY (server_id, day)
          )
          """,
          // `what`: 0 a weapon, 1 a place. Of all kills that name one. The server `*` is all of them together.
          """
          CREATE TABLE kill_name_days (
            what \(.integer) NOT NULL,
            day \(.integer) NOT NULL,
            server_id \(.varchar(20)) NOT NULL,
            name_id \(.integer) NOT NULL,
            entries \(.integer) NOT NULL,
            PRIMARY KEY (what, server_id, day, name_id)
          )
          """,
          "CREATE INDEX kill_name_days_name ON kill_name_days (what, name_id, server_id, day)",
          // `what`: 0 weapons and 1 places of one's kills, 2 whom one killed, 3 by whom one was killed.
          """
          CREATE TABLE kill_tallies (
            player_id \(.integer) NOT NULL,
            what \(.integer) NOT NULL,
            subject_id \(.integer) NOT NULL,
            entries \(.integer) NOT NULL,
            PRIMARY KEY (player_id, what, subject_id)
          )
          """,
          // How often something was changed: 1 the counts, 2 who is private. What is kept in memory is right as long as
          // these are the same.
          """
          CREATE TABLE kill_version (
            number \(.integer) NOT NULL PRIMARY KEY,
            version \(.integer) NOT NULL
          )
          """,
          "INSERT INTO kill_version (number, version) VALUES (1, 0), (2, 0)",
        ]),
      Migration(
        3, "claimed names can be looked up",
        [
          "ALTER TABLE players ADD COLUMN claimed_key \(.varchar(64))",
          "CREATE INDEX players_claim ON players (claimed_key, id)",
        ]),
      Migration(4, "counts lie in the order of their keys", counted.flatMap(\.statements)),
    ])
}
