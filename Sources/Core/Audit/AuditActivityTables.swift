import Storage

extension AuditActivity {
  /// `day` counts from 1970-01-01, UTC.
  static let tables = MigrationModule(
    "audit_activity",
    [
      Migration(
        1, "what the audit log amounts to",
        [
          """
          CREATE TABLE audit_uncounted (
            number \(.identity),
            audit_id \(.uuid) NOT NULL,
            day \(.integer) NOT NULL,
            user_id \(.varchar(20)) NOT NULL,
            guild_id \(.varchar(20)) NOT NULL,
            command \(.text)
          )
          """,
          """
          CREATE TABLE audit_days (
            day \(.integer) NOT NULL PRIMARY KEY,
            actions \(.integer) NOT NULL,
            users \(.integer) NOT NULL,
            guilds \(.integer) NOT NULL
          )
          """,
          """
          CREATE TABLE audit_day_users (
            day \(.integer) NOT NULL,
            user_id \(.varchar(20)) NOT NULL,
            PRIMARY KEY (day, user_id)
          )
          """,
          """
          CREATE TABLE audit_day_guilds (
            day \(.integer) NOT NULL,
            guild_id \(.varchar(20)) NOT NULL,
            PRIMARY KEY (day, guild_id)
          )
          """,
          """
          CREATE TABLE command_totals (
            command \(.text) NOT NULL PRIMARY KEY,
            uses \(.integer) NOT NULL
          )
          """,
          """
          CREATE TABLE audit_news (
            number \(.identity),
            audit_id \(.uuid) NOT NULL
          )
          """,
          // What was written before there were these tables.
          .only(.sqlite, backfill(day: "CAST(julianday(created_at) - 2440587.5 AS INTEGER)")),
          .only(.postgreSQL, backfill(day: "CAST(floor(extract(epoch FROM created_at) / 86400) AS bigint)")),
        ])
    ])

  private static func backfill(day: String) -> SchemaStatement {
    SchemaStatement(
      stringLiteral: """
        INSERT INTO audit_uncounted (audit_id, day, user_id, guild_id, command)
        SELECT id, \(day), user_id, guild_id, CASE WHEN action = 'command_executed' THEN details ->> 'command' END
        FROM audit_logs WHERE created_at IS NOT NULL ORDER BY created_at, id
        """)
  }
}
