import Storage

/// The tables that every part of the program shares.
///
/// Names and columns of the first five are those of the Pegasus document (see ``documented``). Added to them: `left_at`, because a guild that
/// removes the bot, or a member who leaves, may come back and finds everything as it was.
enum CoreTables {
  static let module = MigrationModule(
    "core",
    [
      Migration(
        1, "guilds, users, members",
        [
          """
          CREATE TABLE guilds (
            id \(.varchar(20)) NOT NULL PRIMARY KEY,
            joined_at \(.timestamp) NOT NULL,
            settings \(.json) NOT NULL DEFAULT '{}',
            premium_until \(.timestamp),
            left_at \(.timestamp)
          )
          """,
          """
          CREATE TABLE users (
            id \(.varchar(20)) NOT NULL PRIMARY KEY,
            created_at \(.timestamp) NOT NULL,
            global_name \(.varchar(32)),
            avatar_url \(.text)
          )
          """,
          """
          CREATE TABLE guild_members (
            guild_id \(.varchar(20)) NOT NULL,
            user_id \(.varchar(20)) NOT NULL,
            xp \(.integer) NOT NULL DEFAULT 0,
            level \(.integer) NOT NULL DEFAULT 0,
            left_at \(.timestamp),
            PRIMARY KEY (guild_id, user_id)
          )
          """,
          "CREATE INDEX guild_members_user ON guild_members (user_id)",
        ]),
      Migration(
        2, "audit log, permissions",
        [
          """
          CREATE TABLE audit_logs (
            id \(.uuid) NOT NULL PRIMARY KEY,
            user_id \(.varchar(20)) NOT NULL,
            guild_id \(.varchar(20)) NOT NULL,
            action \(.varchar(100)) NOT NULL,
            category \(.varchar(50)) NOT NULL,
            details \(.json) NOT NULL DEFAULT '{}',
            ip \(.varchar(45)),
            user_agent \(.text),
            created_at \(.timestamp) NOT NULL
          )
          """,
          "CREATE INDEX audit_logs_time ON audit_logs (created_at, id)",
          "CREATE INDEX audit_logs_guild ON audit_logs (guild_id, created_at, id)",
          """
          CREATE TABLE user_permissions (
            guild_id \(.varchar(20)) NOT NULL,
            user_id \(.varchar(20)) NOT NULL,
            permission \(.varchar(100)) NOT NULL,
            allowed \(.boolean) NOT NULL DEFAULT TRUE,
            granted_by \(.varchar(20)),
            granted_at \(.timestamp) NOT NULL,
            PRIMARY KEY (guild_id, user_id, permission)
          )
          """,
        ]),
      Migration(
        3, "plugin switches, keyed state",
        [
          """
          CREATE TABLE plugin_switches (
            guild_id \(.varchar(20)) NOT NULL,
            plugin \(.varchar(50)) NOT NULL,
            enabled \(.boolean) NOT NULL,
            version \(.integer) NOT NULL,
            changed_by \(.varchar(20)) NOT NULL,
            changed_at \(.timestamp) NOT NULL,
            PRIMARY KEY (guild_id, plugin)
          )
          """,
          """
          CREATE TABLE keyed_state (
            name \(.text) NOT NULL PRIMARY KEY,
            value \(.json) NOT NULL,
            version \(.integer) NOT NULL,
            updated_at \(.timestamp) NOT NULL
          )
          """,
        ]),
      Migration(
        4, "single uses of components",
        [
          """
          CREATE TABLE component_uses (
            name \(.text) NOT NULL PRIMARY KEY,
            expires_at \(.timestamp) NOT NULL
          )
          """,
          "CREATE INDEX component_uses_end ON component_uses (expires_at)",
        ]),
      documented,
    ])
}
