import Platform
import Storage

public struct User: Sendable, Equatable {
  public var id: UserID
  /// When the bot met this user first.
  public var createdAt: Timestamp
  public var globalName: String?
  public var avatarURL: String?

  public init(id: UserID, createdAt: Timestamp, globalName: String? = nil, avatarURL: String? = nil) {
    self.id = id
    self.createdAt = createdAt
    self.globalName = globalName
    self.avatarURL = avatarURL
  }
}

/// The users that the bot has met.
public struct Users: Sendable {
  let database: Database
  let time: any TimeSource

  /// What an event told about a user: name and avatar are the latest, the first meeting stays.
  /// - Parameter globalName: at most 32 characters are kept, as Discord allows no more.
  public func seen(_ id: UserID, globalName: String? = nil, avatarURL: String? = nil) async throws {
    let now = time.timestamp
    try await database.write { transaction in
      try Self.seen(id, globalName: globalName, avatarURL: avatarURL, at: now, in: transaction)
    }
  }

  /// The same as part of a transaction.
  public static func seen(
    _ id: UserID, globalName: String?, avatarURL: String?, at now: Timestamp, in transaction: Transaction
  ) throws {
    let name = globalName.map { String(String.UnicodeScalarView($0.unicodeScalars.prefix(32))) }
    try transaction.execute(
      """
      INSERT INTO users (id, created_at, global_name, avatar_url) VALUES ($1, $2, $3, $4)
      ON CONFLICT (id) DO UPDATE SET global_name = excluded.global_name, avatar_url = excluded.avatar_url
      """, id, DateTime(now), name, avatarURL)
  }

  public func find(_ id: UserID) async throws -> User? {
    try await database.read { transaction in
      try transaction.queryOne("SELECT id, created_at, global_name, avatar_url FROM users WHERE id = $1", id) { row in
        User(
          id: try row["id"], createdAt: try row.time("created_at"), globalName: try row["global_name"],
          avatarURL: try row["avatar_url"])
      }
    }
  }

  public func count() async throws -> Int {
    try await database.read { try $0.count("SELECT count(*) AS count FROM users") }
  }
}
