import Platform
import Storage

/// One exception that a guild made for one user.
public struct PermissionGrant: Sendable, Equatable {
  public var permission: String
  public var allowed: Bool
  public var grantedBy: UserID?
  public var grantedAt: Timestamp
}

/// What guilds allow or forbid single users, beyond what Discord's roles say.
public struct Permissions: Sendable {
  let database: Database
  let time: any TimeSource

  /// - Parameter permission: at most 100 characters.
  public func set(
    _ permission: String, allowed: Bool, for user: UserID, in guild: GuildID, by granter: UserID,
    audit entry: AuditEntry? = nil
  ) async throws {
    let now = time.timestamp
    try await database.write { transaction in
      try transaction.execute(
        """
        INSERT INTO user_permissions (guild_id, user_id, permission, allowed, granted_by, granted_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (guild_id, user_id, permission) DO UPDATE
        SET allowed = excluded.allowed, granted_by = excluded.granted_by, granted_at = excluded.granted_at
        """, guild, user, permission, allowed, granter, DateTime(now))
      if let entry { try AuditLog.append(entry, at: now, in: transaction) }
    }
  }

  /// Leaves the decision to the roles again.
  /// - Returns: whether there was an exception.
  @discardableResult
  public func clear(
    _ permission: String, for user: UserID, in guild: GuildID, audit entry: AuditEntry? = nil
  ) async throws -> Bool {
    let now = time.timestamp
    return try await database.write { transaction in
      let removed = try transaction.execute(
        "DELETE FROM user_permissions WHERE guild_id = $1 AND user_id = $2 AND permission = $3",
        guild, user, permission)
      if removed > 0, let entry { try AuditLog.append(entry, at: now, in: transaction) }
      return removed > 0
    }
  }

  /// True or false if the guild decided for this user, nil if the roles decide.
  public func lookUp(_ permission: String, for user: UserID, in guild: GuildID) async throws -> Bool? {
    try await database.read { transaction in
      try transaction.queryOne(
        "SELECT allowed FROM user_permissions WHERE guild_id = $1 AND user_id = $2 AND permission = $3",
        guild, user, permission
      ) { try $0.value("allowed", as: Bool?.self) ?? true }
    }
  }

  public func all(for user: UserID, in guild: GuildID) async throws -> [PermissionGrant] {
    try await database.read { transaction in
      try transaction.query(
        """
        SELECT permission, allowed, granted_by, granted_at FROM user_permissions
        WHERE guild_id = $1 AND user_id = $2 ORDER BY permission
        """, guild, user
      ) { row in
        PermissionGrant(
          permission: try row["permission"], allowed: try row.value("allowed", as: Bool?.self) ?? true,
          grantedBy: try row["granted_by"],
          grantedAt: try row.time("granted_at"))
      }
    }
  }
}
