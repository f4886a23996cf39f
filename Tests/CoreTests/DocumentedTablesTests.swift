import FoundationEssentials
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import Core

/// The tables that the Pegasus document prints under "Database Schema".
struct DocumentedTablesTests {
  /// As printed, but for the two counters that are wider.
  private static let printed: [(table: String, sql: String)] = [
    (
      "guilds",
      """
      CREATE TABLE guilds (
          id VARCHAR(20) PRIMARY KEY,
          joined_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
          settings JSONB DEFAULT '{}',
          premium_until TIMESTAMP
      )
      """
    ),
    (
      "users",
      """
      CREATE TABLE users (
          id VARCHAR(20) PRIMARY KEY,
          created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
          global_name VARCHAR(32),
          avatar_url TEXT
      )
      """
    ),
    (
      "guild_members",
      """
      CREATE TABLE guild_members (
          guild_id VARCHAR(20),
          user_id VARCHAR(20),
          xp BIGINT DEFAULT 0,
          level BIGINT DEFAULT 0,
          PRIMARY KEY (guild_id, user_id)
      )
      """
    ),
    (
      "giveaways",
      """
      CREATE TABLE giveaways (
          id UUID PRIMARY KEY,
          guild_id VARCHAR(20) NOT NULL,
          channel_id VARCHAR(20) NOT NULL,
          message_id VARCHAR(20),
          host_id VARCHAR(20) NOT NULL,
          title VARCHAR(256) NOT NULL,
          description TEXT,
          prize VARCHAR(256) NOT NULL,
          winner_count INTEGER DEFAULT 1,
          ends_at TIMESTAMP NOT NULL,
          requirements JSONB,
          bonus_entries JSONB,
          embed_config JSONB,
          status VARCHAR(20) DEFAULT 'active',
          created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
      )
      """
    ),
    (
      "tickets",
      """
      CREATE TABLE tickets (
          id SERIAL PRIMARY KEY,
          guild_id VARCHAR(20) NOT NULL,
          channel_id VARCHAR(20) NOT NULL,
          user_id VARCHAR(20) NOT NULL,
          status VARCHAR(20) DEFAULT 'open',
          category VARCHAR(50),
          created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
          closed_at TIMESTAMP
      )
      """
    ),
    (
      "audit_logs",
      """
      CREATE TABLE audit_logs (
          id UUID PRIMARY KEY,
          user_id VARCHAR(20) NOT NULL,
          guild_id VARCHAR(20) NOT NULL,
          action VARCHAR(100) NOT NULL,
          category VARCHAR(50) NOT NULL,
          details JSONB DEFAULT '{}',
          ip VARCHAR(45),
          user_agent TEXT,
          created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
      )
      """
    ),
    (
      "user_permissions",
      """
      CREATE TABLE user_permissions (
          guild_id VARCHAR(20) NOT NULL,
          user_id VARCHAR(20) NOT NULL,
          permission VARCHAR(100) NOT NULL,
          allowed BOOLEAN DEFAULT true,
          granted_by VARCHAR(20),
          granted_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
          PRIMARY KEY (guild_id, user_id, permission)
      )
      """
    ),
  ]
  /// Ours, behind the printed columns.
  private static let further = ["guilds": ["left_at"], "guild_members": ["left_at"]]

  /// One line for each column, as PostgreSQL describes it.
  private static func columns(of table: String, in transaction: ReadTransaction) throws -> [String] {
    try transaction.query(
      """
      SELECT CAST(column_name AS text) || '|' || data_type || '|'
        || coalesce(CAST(character_maximum_length AS text), '') || '|' || is_nullable || '|'
        || coalesce(CAST(column_default AS text), '') AS description
      FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1
      ORDER BY ordinal_position
      """, table
    ) { try $0.value("description", as: String.self) }
  }

  private static func keys(of table: String, in transaction: ReadTransaction) throws -> [String] {
    try transaction.query(
      """
      SELECT c.constraint_name || '|' || c.constraint_type || '|' || k.column_name AS description
      FROM information_schema.table_constraints c
      JOIN information_schema.key_column_usage k
        ON k.constraint_name = c.constraint_name AND k.table_schema = c.table_schema
      WHERE c.table_schema = current_schema() AND c.table_name = $1 AND c.constraint_type <> 'CHECK'
      ORDER BY c.constraint_name, k.ordinal_position
      """, table
    ) { try $0.value("description", as: String.self) }
  }

  @Test(.enabled(if: TestEngine.postgresURL != nil))
  func postgreSQLDescribesThemAsPrinted() async throws {
    try await withTestDatabase(.postgreSQL) { database in
      try await database.write { transaction in
        for (_, sql) in Self.printed { try transaction.execute(sql) }
      }
      let printed = try await database.read { transaction in
        try Self.printed.map {
          (try Self.columns(of: $0.table, in: transaction), try Self.keys(of: $0.table, in: transaction))
        }
      }
      try await database.write { transaction in
        for (table, _) in Self.printed { try transaction.execute("DROP TABLE \(table)") }
      }
      _ = try await SharedState.open(database)
      let ours = try await database.read { transaction in
        try Self.printed.map {
          (try Self.columns(of: $0.table, in: transaction), try Self.keys(of: $0.table, in: transaction))
        }
      }
      for (index, (table, _)) in Self.printed.enumerated() {
        let expected = printed[index].0
        #expect(!expected.isEmpty)
        #expect(Array(ours[index].0.prefix(expected.count)) == expected, "\(table)")
        let rest = ours[index].0.dropFirst(expected.count).map { String($0.prefix { $0 != "|" }) }
        #expect(rest == Self.further[table] ?? [], "\(table)")
        #expect(ours[index].1 == printed[index].1, "\(table)")
      }
    }
  }

  /// Names, order, NULL, defaults and keys are the same on SQLite, and the defaults fill in the same.
  @Test(arguments: TestEngine.available)
  func whatIsLeftOutIsFilledIn(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      let state = try await SharedState.open(database)
      let before = Timestamp(milliseconds: Timestamp.now.milliseconds - 60_000)
      try await database.write { transaction in
        try transaction.execute("INSERT INTO guilds (id) VALUES ('1')")
        try transaction.execute("INSERT INTO users (id) VALUES ('2')")
        try transaction.execute("INSERT INTO guild_members (guild_id, user_id) VALUES ('1', '2')")
        try transaction.execute(
          "INSERT INTO user_permissions (guild_id, user_id, permission) VALUES ('1', '2', 'p')")
        try transaction.execute(
          """
          INSERT INTO audit_logs (id, user_id, guild_id, action, category)
          VALUES ('550e8400-e29b-41d4-a716-446655440000', '2', '0', 'a', 'c')
          """)
        for _ in 0..<2 {
          try transaction.execute("INSERT INTO tickets (guild_id, channel_id, user_id) VALUES ('1', '0', '2')")
        }
        try transaction.execute(
          """
          INSERT INTO giveaways (id, guild_id, channel_id, host_id, title, prize, ends_at)
          VALUES ('550e8400-e29b-41d4-a716-446655440001', '1', '0', '2', 't', 'p', '2030-01-01 00:00:00')
          """)
      }
      let guild = try #require(try await state.guilds.find(GuildID(1)))
      #expect(guild.joinedAt > before && guild.settings == [:] && guild.premiumUntil == nil)
      #expect(try #require(try await state.users.find(UserID(2))).createdAt > before)
      #expect(try #require(try await state.members.find(UserID(2), in: GuildID(1))).xp == 0)
      let grant = try #require(try await state.permissions.all(for: UserID(2), in: GuildID(1)).first)
      #expect(grant.allowed && grant.grantedAt > before && grant.grantedBy == nil)
      let record = try #require(try await state.auditLog.recent().first)
      #expect(record.entry.guildID == nil && record.entry.details == [:] && record.createdAt > before)
      let tickets = try await database.read { transaction in
        try transaction.query("SELECT id, status, created_at FROM tickets ORDER BY id") {
          (try $0.value("id", as: Int.self), try $0.value("status", as: String.self), try $0.time("created_at"))
        }
      }
      #expect(tickets.map(\.0) == [1, 2] && tickets.allSatisfy { $0.1 == "open" && $0.2 > before })
      let giveaway = try await database.read { transaction in
        try transaction.queryOne("SELECT winner_count, status, ends_at FROM giveaways") {
          (try $0.value("winner_count", as: Int.self), try $0.value("status", as: String.self), try $0.time("ends_at"))
        }
      }
      #expect(try #require(giveaway) == (1, "active", try #require(Timestamp(iso8601: "2030-01-01T00:00:00Z"))))
    }
  }

  @Test(arguments: TestEngine.available)
  func whatCannotBeNullIsRefused(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      _ = try await SharedState.open(database)
      for statement in [
        "INSERT INTO guilds (joined_at) VALUES (NULL)", "INSERT INTO guild_members (user_id) VALUES ('1')",
        "INSERT INTO tickets (guild_id, user_id) VALUES ('1', '2')",
        "INSERT INTO audit_logs (id, user_id, guild_id, action) VALUES ('550e8400-e29b-41d4-a716-446655440000', '1', '1', 'a')",
      ] {
        let error = await #expect(throws: DatabaseError.self, "\(statement)") {
          try await database.write { try $0.execute(statement) }
        }
        guard case .constraint(let constraint) = error?.kind else {
          Issue.record("\(statement): \(String(describing: error))")
          continue
        }
        #expect(constraint.rule == .notNull)
      }
    }
  }

  /// Rows that an earlier version wrote arrive in the new form.
  @Test(arguments: TestEngine.available)
  func whatWasThereBeforeIsKept(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      let time = ManualTime()
      let older = MigrationModule("core", Array(CoreTables.module.migrations.prefix(4)))
      try await database.migrate([older], time: time)
      let joined = Timestamp(milliseconds: 1_700_000_000_123)
      let (guild, user) = (GuildID(7), UserID(8))
      try await database.write { transaction in
        try transaction.execute(
          "INSERT INTO guilds (id, joined_at, settings, premium_until, left_at) VALUES ($1, $2, $3, $4, $5)", guild,
          joined,
          ["a": 1] as JSON, joined + .milliseconds(1), joined + .milliseconds(877))
        try transaction.execute("INSERT INTO guilds (id, joined_at) VALUES ($1, $2)", GuildID(9), joined)
        try transaction.execute(
          "INSERT INTO users (id, created_at, global_name) VALUES ($1, $2, $3)", user, joined, "Grace")
        try transaction.execute(
          "INSERT INTO guild_members (guild_id, user_id, xp, level) VALUES ($1, $2, $3, $4)", guild, user,
          5_000_000_000, 3)
        try transaction.execute(
          """
          INSERT INTO user_permissions (guild_id, user_id, permission, allowed, granted_by, granted_at)
          VALUES ($1, $2, 'p', $3, $2, $4)
          """, guild, user, false, joined)
        for (number, guildText) in ["", "7"].enumerated() {
          try transaction.execute(
            """
            INSERT INTO audit_logs (id, user_id, guild_id, action, category, details, created_at)
            VALUES ($1, $2, $3, 'command_executed', 'user_action', $4, $5)
            """, UUID.timeOrdered(at: joined), user, guildText, ["command": "help"] as JSON,
            joined + .milliseconds(number))
        }
      }
      let state = try await SharedState.open(database, time: ManualTime(timestamp: joined))
      #expect(
        try await state.guilds.find(guild)
          == Guild(
            id: guild, joinedAt: joined, settings: ["a": 1], premiumUntil: joined + .milliseconds(1),
            leftAt: joined + .milliseconds(877)))
      #expect(try await state.guilds.find(GuildID(9))?.premiumUntil == nil)
      #expect(try await state.users.find(user) == User(id: user, createdAt: joined, globalName: "Grace"))
      #expect(try await state.members.find(user, in: guild)?.xp == 5_000_000_000)
      #expect(try await state.permissions.lookUp("p", for: user, in: guild) == false)
      #expect(try await state.permissions.all(for: user, in: guild).first?.grantedAt == joined)
      let records = try await state.auditLog.recent()
      #expect(records.map(\.createdAt) == [joined + .milliseconds(1), joined])
      #expect(records.map(\.entry.guildID) == [guild, nil])
      let stored = try await database.read { transaction in
        try transaction.query("SELECT guild_id FROM audit_logs ORDER BY created_at") {
          try $0.value("guild_id", as: String.self)
        }
      }
      #expect(stored == ["0", "7"])
      // They count as well.
      let figures = try await state.activity.figures()
      #expect(figures.dailyActions == 2 && figures.dailyActiveUsers == 1 && figures.dailyActiveGuilds == 1)
      #expect(figures.topCommands == [.init(command: "help", count: 2)])
    }
  }
}
