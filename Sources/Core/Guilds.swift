import Platform
import Storage

public struct Guild: Sendable, Equatable {
  public var id: GuildID
  /// When the bot was added, as Discord tells it.
  public var joinedAt: Timestamp
  public var settings: JSON
  public var premiumUntil: Timestamp?
  /// When the bot was removed; nil while it is a member.
  public var leftAt: Timestamp?
}

/// The guilds that the bot is in, or was.
public struct Guilds: Sendable {
  let database: Database
  let time: any TimeSource

  /// The bot is in that guild: at joining, and at every start for those that Discord lists.
  public func joined(_ id: GuildID, at joinedAt: Timestamp? = nil) async throws {
    let now = time.timestamp
    try await database.write { transaction in
      // A first joining time stays unless the guild had removed the bot in between.
      try transaction.execute(
        """
        INSERT INTO guilds (id, joined_at) VALUES ($1, $2)
        ON CONFLICT (id) DO UPDATE
        SET joined_at = CASE WHEN guilds.left_at IS NULL THEN guilds.joined_at ELSE excluded.joined_at END,
            left_at = NULL
        """, id, DateTime(joinedAt ?? now))
    }
  }

  /// The bot was removed from that guild. Everything is kept for its return.
  public func left(_ id: GuildID) async throws {
    let now = time.timestamp
    try await database.write { transaction in
      try transaction.execute("UPDATE guilds SET left_at = $2 WHERE id = $1 AND left_at IS NULL", id, now)
    }
  }

  public func find(_ id: GuildID) async throws -> Guild? {
    try await database.read { try Self.find(id, in: $0) }
  }

  /// Those of them that are known.
  public func find(_ ids: [GuildID]) async throws -> [GuildID: Guild] {
    try await database.read { transaction in
      try ids.reduce(into: [:]) { found, id in found[id] = try Self.find(id, in: transaction) }
    }
  }

  private static func find(_ id: GuildID, in transaction: ReadTransaction) throws -> Guild? {
    try transaction.queryOne(
      "SELECT id, joined_at, settings, premium_until, left_at FROM guilds WHERE id = $1", id
    ) { row in
      Guild(
        id: try row["id"], joinedAt: try row.time("joined_at"),
        settings: try row.value("settings", as: JSON?.self) ?? [:],
        premiumUntil: try row.value("premium_until", as: DateTime?.self)?.timestamp, leftAt: try row["left_at"])
    }
  }

  /// The guilds that the bot is in.
  public func present() async throws -> [GuildID] {
    try await database.read { transaction in
      try transaction.query("SELECT id FROM guilds WHERE left_at IS NULL") { try $0.value("id", as: GuildID.self) }
    }
  }

  /// How many guilds the bot is in.
  public func count() async throws -> Int {
    try await database.read { try $0.count("SELECT count(*) AS count FROM guilds WHERE left_at IS NULL") }
  }
}

extension Row {
  /// A documented column with `DEFAULT CURRENT_TIMESTAMP`. The document lets it be NULL, which nothing here writes: that
  /// reads as 1970.
  func time(_ column: String) throws -> Timestamp {
    try value(column, as: DateTime?.self)?.timestamp ?? Timestamp(milliseconds: 0)
  }
}

extension ReadTransaction {
  /// The number in the column `count` of a result with one row.
  func count(_ sql: String, _ parameters: any DatabaseValueConvertible...) throws -> Int {
    try query(sql, parameters: parameters) { try $0.value("count", as: Int.self) }.first ?? 0
  }
}
