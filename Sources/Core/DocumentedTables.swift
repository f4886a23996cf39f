import Storage

extension CoreTables {
  /// Brings the tables of the Pegasus document, "Database Schema", to the printed types, defaults and keys, so that other
  /// programs find what it says: `xp` and `level` alone are wider. Columns of ours follow behind the printed ones.
  ///
  /// What the document lets be NULL may be, but nothing here writes it. `giveaways` and `tickets` belong to the plugins
  /// of that name, which add what they need.
  static let documented = Migration(
    5, "the documented types and defaults",
    [
      .only(
        .postgreSQL,
        """
        ALTER TABLE guilds
          ALTER joined_at TYPE TIMESTAMP USING to_timestamp(joined_at / 1000.0) AT TIME ZONE 'UTC',
          ALTER joined_at DROP NOT NULL,
          ALTER joined_at SET DEFAULT CURRENT_TIMESTAMP,
          ALTER settings DROP NOT NULL,
          ALTER premium_until TYPE TIMESTAMP USING to_timestamp(premium_until / 1000.0) AT TIME ZONE 'UTC'
        """),
      .only(
        .postgreSQL,
        """
        ALTER TABLE users
          ALTER created_at TYPE TIMESTAMP USING to_timestamp(created_at / 1000.0) AT TIME ZONE 'UTC',
          ALTER created_at DROP NOT NULL,
          ALTER created_at SET DEFAULT CURRENT_TIMESTAMP
        """),
      .only(
        .postgreSQL,
        """
        ALTER TABLE guild_members
          ALTER xp DROP NOT NULL,
          ALTER level DROP NOT NULL
        """),
      .only(
        .postgreSQL,
        """
        ALTER TABLE audit_logs
          ALTER details DROP NOT NULL,
          ALTER created_at TYPE TIMESTAMP USING to_timestamp(created_at / 1000.0) AT TIME ZONE 'UTC',
          ALTER created_at DROP NOT NULL,
          ALTER created_at SET DEFAULT CURRENT_TIMESTAMP
        """),
      .only(
        .postgreSQL,
        """
        ALTER TABLE user_permissions
          ALTER allowed DROP NOT NULL,
          ALTER granted_at TYPE TIMESTAMP USING to_timestamp(granted_at / 1000.0) AT TIME ZONE 'UTC',
          ALTER granted_at DROP NOT NULL,
          ALTER granted_at SET DEFAULT CURRENT_TIMESTAMP
        """),
      .only(
        .sqlite,
        """
        ALTER TABLE guilds RENAME TO guilds_before
        """),
      .only(
        .sqlite,
        """
        CREATE TABLE guilds (
          id \(.varchar(20)) NOT NULL PRIMARY KEY,
          joined_at \(.dateTime) DEFAULT CURRENT_TIMESTAMP,
          settings \(.json) DEFAULT '{}',
          premium_until \(.dateTime),
          left_at \(.timestamp)
        )
        """),
      .only(
        .sqlite,
        """
        INSERT INTO guilds (id, joined_at, settings, premium_until, left_at)
        SELECT id, strftime('%Y-%m-%d %H:%M:%f', joined_at / 1000.0, 'unixepoch'), settings,
          strftime('%Y-%m-%d %H:%M:%f', premium_until / 1000.0, 'unixepoch'), left_at
        FROM guilds_before
        """),
      .only(
        .sqlite,
        """
        DROP TABLE guilds_before
        """),
      .only(
        .sqlite,
        """
        ALTER TABLE users RENAME TO users_before
        """),
      .only(
        .sqlite,
        """
        CREATE TABLE users (
          id \(.varchar(20)) NOT NULL PRIMARY KEY,
          created_at \(.dateTime) DEFAULT CURRENT_TIMESTAMP,
          global_name \(.varchar(32)),
          avatar_url \(.text)
        )
        """),
      .only(
        .sqlite,
        """
        INSERT INTO users (id, created_at, global_name, avatar_url)
        SELECT id, strftime('%Y-%m-%d %H:%M:%f', created_at / 1000.0, 'unixepoch'), global_name, avatar_url
        FROM users_before
        """),
      .only(
        .sqlite,
        """
        DROP TABLE users_before
        """),
      .only(
        .sqlite,
        """
        ALTER TABLE guild_members RENAME TO guild_members_before
        """),
      .only(
        .sqlite,
        """
        CREATE TABLE guild_members (
          guild_id \(.varchar(20)) NOT NULL,
          user_id \(.varchar(20)) NOT NULL,
          xp \(.integer) DEFAULT 0,
          level \(.integer) DEFAULT 0,
          left_at \(.timestamp),
          PRIMARY KEY (guild_id, user_id)
        )
        """),
      .only(
        .sqlite,
        """
        INSERT INTO guild_members (guild_id, user_id, xp, level, left_at)
        SELECT guild_id, user_id, xp, level, left_at
        FROM guild_members_before
        """),
      .only(
        .sqlite,
        """
        DROP TABLE guild_members_before
        """),
      .only(
        .sqlite,
        """
        CREATE INDEX guild_members_user ON guild_members (user_id)
        """),
      .only(
        .sqlite,
        """
        ALTER TABLE audit_logs RENAME TO audit_logs_before
        """),
      .only(
        .sqlite,
        """
        CREATE TABLE audit_logs (
          id \(.uuid) NOT NULL PRIMARY KEY,
          user_id \(.varchar(20)) NOT NULL,
          guild_id \(.varchar(20)) NOT NULL,
          action \(.varchar(100)) NOT NULL,
          category \(.varchar(50)) NOT NULL,
          details \(.json) DEFAULT '{}',
          ip \(.varchar(45)),
          user_agent \(.text),
          created_at \(.dateTime) DEFAULT CURRENT_TIMESTAMP
        )
        """),
      .only(
        .sqlite,
        """
        INSERT INTO audit_logs (id, user_id, guild_id, action, category, details, ip, user_agent, created_at)
        SELECT id, user_id, guild_id, action, category, details, ip, user_agent,
          strftime('%Y-%m-%d %H:%M:%f', created_at / 1000.0, 'unixepoch')
        FROM audit_logs_before
        """),
      .only(
        .sqlite,
        """
        DROP TABLE audit_logs_before
        """),
      .only(
        .sqlite,
        """
        CREATE INDEX audit_logs_time ON audit_logs (created_at, id)
        """),
      .only(
        .sqlite,
        """
        CREATE INDEX audit_logs_guild ON audit_logs (guild_id, created_at, id)
        """),
      .only(
        .sqlite,
        """
        ALTER TABLE user_permissions RENAME TO user_permissions_before
        """),
      .only(
        .sqlite,
        """
        CREATE TABLE user_permissions (
          guild_id \(.varchar(20)) NOT NULL,
          user_id \(.varchar(20)) NOT NULL,
          permission \(.varchar(100)) NOT NULL,
          allowed \(.boolean) DEFAULT TRUE,
          granted_by \(.varchar(20)),
          granted_at \(.dateTime) DEFAULT CURRENT_TIMESTAMP,
          PRIMARY KEY (guild_id, user_id, permission)
        )
        """),
      .only(
        .sqlite,
        """
        INSERT INTO user_permissions (guild_id, user_id, permission, allowed, granted_by, granted_at)
        SELECT guild_id, user_id, permission, allowed, granted_by,
          strftime('%Y-%m-%d %H:%M:%f', granted_at / 1000.0, 'unixepoch')
        FROM user_permissions_before
        """),
      .only(
        .sqlite,
        """
        DROP TABLE user_permissions_before
        """),
      "UPDATE audit_logs SET guild_id = '0' WHERE guild_id = ''",
      """
      CREATE TABLE giveaways (
        id \(.uuid) NOT NULL PRIMARY KEY,
        guild_id \(.varchar(20)) NOT NULL,
        channel_id \(.varchar(20)) NOT NULL,
        message_id \(.varchar(20)),
        host_id \(.varchar(20)) NOT NULL,
        title \(.varchar(256)) NOT NULL,
        description \(.text),
        prize \(.varchar(256)) NOT NULL,
        winner_count \(.integer32) DEFAULT 1,
        ends_at \(.dateTime) NOT NULL,
        requirements \(.json),
        bonus_entries \(.json),
        embed_config \(.json),
        status \(.varchar(20)) DEFAULT 'active',
        created_at \(.dateTime) DEFAULT CURRENT_TIMESTAMP
      )
      """,
      "CREATE INDEX giveaways_active ON giveaways (ends_at) WHERE status = 'active'",
      """
      CREATE TABLE tickets (
        id \(.serial),
        guild_id \(.varchar(20)) NOT NULL,
        channel_id \(.varchar(20)) NOT NULL,
        user_id \(.varchar(20)) NOT NULL,
        status \(.varchar(20)) DEFAULT 'open',
        category \(.varchar(50)),
        created_at \(.dateTime) DEFAULT CURRENT_TIMESTAMP,
        closed_at \(.dateTime)
      )
      """,
      "CREATE INDEX tickets_open ON tickets (guild_id) WHERE status = 'open'",
    ])
}
