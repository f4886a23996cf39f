import Core
import Platform
import Storage

/// A Discord user who logged in, as Discord described them then.
public struct APIUser: Sendable, Equatable {
  public var id: UserID
  public var username: String
  /// `0` for those who have none any more.
  public var discriminator: String
  public var avatarURL: String?
  public var createdAt: Timestamp
  public var lastLoginAt: Timestamp
}

/// Who Discord says that somebody is.
public struct DiscordIdentity: Sendable, Equatable {
  public var id: UserID
  public var username: String
  public var discriminator: String
  public var globalName: String?
  public var avatarURL: String?

  public init(
    id: UserID, username: String, discriminator: String = "0", globalName: String? = nil, avatarURL: String? = nil
  ) {
    self.id = id
    self.username = username
    self.discriminator = discriminator
    self.globalName = globalName
    self.avatarURL = avatarURL
  }
}

/// The users of Discord who logged in to the API.
public struct APIUsers: Sendable {
  private let database: Database
  private let time: any TimeSource

  public init(database: Database, time: any TimeSource) {
    self.database = database
    self.time = time
  }

  /// Takes over what Discord said at a login.
  @discardableResult
  public func loggedIn(_ identity: DiscordIdentity) async throws -> APIUser {
    let now = time.timestamp
    return try await database.write { transaction in
      try Users.seen(
        identity.id, globalName: identity.globalName, avatarURL: identity.avatarURL, at: now, in: transaction)
      try transaction.execute(
        """
        INSERT INTO api_users (id, username, discriminator, avatar_url, created_at, last_login_at)
        VALUES ($1, $2, $3, $4, $5, $5)
        ON CONFLICT (id) DO UPDATE SET username = excluded.username, discriminator = excluded.discriminator,
          avatar_url = excluded.avatar_url, last_login_at = excluded.last_login_at
        """, identity.id, identity.username, identity.discriminator, identity.avatarURL, now)
      guard let user = try Self.find(identity.id, in: transaction) else {
        throw DatabaseError(.other, "a user who logged in cannot be read")
      }
      return user
    }
  }

  /// Calls a user by another name, until Discord says otherwise at the next login.
  static func rename(_ id: UserID, to name: String, at now: Timestamp, in transaction: Transaction) throws {
    // Whoever has a token without a login is not known yet.
    try transaction.execute(
      """
      INSERT INTO api_users (id, username, discriminator, avatar_url, created_at, last_login_at)
      VALUES ($1, $2, '0', (SELECT avatar_url FROM users WHERE id = $1), $3, $3)
      ON CONFLICT (id) DO UPDATE SET username = excluded.username
      """, id, name, now)
  }

  public func find(_ id: UserID) async throws -> APIUser? {
    try await database.read { try Self.find(id, in: $0) }
  }

  /// Forgets what Discord said at the user's logins.
  /// - Returns: whether there was anything.
  public func forget(_ id: UserID) async throws -> Bool {
    try await database.write { transaction in
      let logins = try transaction.execute("DELETE FROM api_users WHERE id = $1", id)
      let tokens = try transaction.execute("DELETE FROM refresh_tokens WHERE subject = $1", Subject.user(id))
      return logins + tokens > 0
    }
  }

  private static func find(_ id: UserID, in transaction: ReadTransaction) throws -> APIUser? {
    try transaction.queryOne(
      "SELECT id, username, discriminator, avatar_url, created_at, last_login_at FROM api_users WHERE id = $1", id
    ) { row in
      APIUser(
        id: try row["id"], username: try row["username"], discriminator: try row["discriminator"],
        avatarURL: try row["avatar_url"], createdAt: try row["created_at"], lastLoginAt: try row["last_login_at"])
    }
  }
}
