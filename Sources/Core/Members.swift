import Platform
import Storage

public struct Member: Sendable, Equatable {
  public var guildID: GuildID
  public var userID: UserID
  public var xp: Int64
  public var level: Int64
  /// When the user left; nil while they are a member.
  public var leftAt: Timestamp?
}

/// Who is, or was, a member of which guild.
public struct Members: Sendable {
  let database: Database
  let time: any TimeSource

  /// These users are members of that guild: when they join, speak, or stand in Discord's list. One transaction; give at
  /// most a few thousand at once, for it holds back other writers.
  public func seen(_ users: [UserID], in guild: GuildID) async throws {
    try await database.write { transaction in
      // In one order everywhere: two transactions that lock the same rows crosswise would deadlock on PostgreSQL.
      for user in users.sorted(by: { $0.rawValue < $1.rawValue }) {
        try transaction.execute(
          """
          INSERT INTO guild_members (guild_id, user_id) VALUES ($1, $2)
          ON CONFLICT (guild_id, user_id) DO UPDATE SET left_at = NULL
          """, guild, user)
      }
    }
  }

  /// That user left. XP and level are kept for their return.
  public func left(_ user: UserID, from guild: GuildID) async throws {
    let now = time.timestamp
    try await database.write { transaction in
      try transaction.execute(
        "UPDATE guild_members SET left_at = $3 WHERE guild_id = $1 AND user_id = $2 AND left_at IS NULL",
        guild, user, now)
    }
  }

  public func find(_ user: UserID, in guild: GuildID) async throws -> Member? {
    try await database.read { transaction in
      try transaction.queryOne(
        "SELECT guild_id, user_id, xp, level, left_at FROM guild_members WHERE guild_id = $1 AND user_id = $2",
        guild, user
      ) { row in
        Member(
          guildID: try row["guild_id"], userID: try row["user_id"], xp: try row.value("xp", as: Int64?.self) ?? 0,
          level: try row.value("level", as: Int64?.self) ?? 0, leftAt: try row["left_at"])
      }
    }
  }

  /// The guilds of which that user is known to be a member.
  public func guilds(of user: UserID, limit: Int) async throws -> [GuildID] {
    try await database.read { transaction in
      try transaction.query(
        "SELECT guild_id FROM guild_members WHERE user_id = $1 AND left_at IS NULL ORDER BY guild_id LIMIT $2", user,
        limit
      ) { try $0.value("guild_id", as: GuildID.self) }
    }
  }

  /// How many members of that guild the bot has met.
  public func count(in guild: GuildID) async throws -> Int {
    try await database.read {
      try $0.count("SELECT count(*) AS count FROM guild_members WHERE guild_id = $1 AND left_at IS NULL", guild)
    }
  }
}
