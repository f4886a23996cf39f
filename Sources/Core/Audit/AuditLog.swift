import FoundationEssentials
import Platform
import Storage

/// One thing that somebody did.
public struct AuditEntry: Sendable, Equatable {
  public var userID: UserID
  /// Nil outside of guilds.
  public var guildID: GuildID?
  /// What was done, for example `command_executed`; at most 100 characters.
  public var action: String
  /// For example `user_action`; at most 50 characters.
  public var category: String
  /// Only fields that the caller chose from its allow-list: never what a user typed into a secret field.
  public var details: JSON.Object
  public var ip: String?
  public var userAgent: String?

  public init(
    userID: UserID, guildID: GuildID?, action: String, category: String, details: JSON.Object = [:], ip: String? = nil,
    userAgent: String? = nil
  ) {
    self.userID = userID
    self.guildID = guildID
    self.action = action
    self.category = category
    self.details = details
    self.ip = ip
    self.userAgent = userAgent
  }
}

/// An entry as it is stored.
public struct AuditRecord: Sendable, Equatable {
  public var id: UUID
  public var createdAt: Timestamp
  public var entry: AuditEntry
}

/// Who did what, when. Entries are only ever added, and removed by age alone (``AuditActivity/run()``).
public struct AuditLog: Sendable {
  /// What stands in the documented column `guild_id`, which cannot be NULL, where there is none.
  public static let noGuild = "0"

  let database: Database
  let time: any TimeSource

  @discardableResult
  public func append(_ entry: AuditEntry) async throws -> UUID {
    let now = time.timestamp
    return try await database.write { try Self.append(entry, at: now, in: $0) }
  }

  /// Adds an entry and remembers who did it, with the name and picture that they have now.
  @discardableResult
  public func append(_ entry: AuditEntry, byUserNamed name: String?, avatarURL: String?) async throws -> UUID {
    let now = time.timestamp
    return try await database.write { transaction in
      try Users.seen(entry.userID, globalName: name, avatarURL: avatarURL, at: now, in: transaction)
      return try Self.append(entry, at: now, in: transaction)
    }
  }

  /// Adds an entry as part of the transaction that makes the change: either both are stored or none.
  @discardableResult
  public static func append(_ entry: AuditEntry, at now: Timestamp, in transaction: Transaction) throws -> UUID {
    let id = UUID.timeOrdered(at: now)
    try append([(id, entry)], at: now, in: transaction)
    return id
  }

  /// Adds many entries as part of the transaction that makes their changes.
  public static func append(_ entries: [AuditEntry], at now: Timestamp, in transaction: Transaction) throws {
    try append(entries.map { (UUID.timeOrdered(at: now), $0) }, at: now, in: transaction)
  }

  private static func append(
    _ entries: [(id: UUID, entry: AuditEntry)], at now: Timestamp, in transaction: Transaction
  ) throws {
    let createdAt = DateTime(now).databaseValue
    var values: [DatabaseValue] = []
    values.reserveCapacity(9 * entries.count)
    for (id, entry) in entries {
      values += [
        id.databaseValue, entry.userID.databaseValue, .text(entry.guildID?.description ?? noGuild),
        .text(entry.action), .text(entry.category), JSON.object(entry.details).databaseValue, entry.ip.databaseValue,
        entry.userAgent.databaseValue, createdAt,
      ]
    }
    try transaction.insert(values, by: insertion)
    try AuditActivity.note(entries, at: now, in: transaction)
  }

  private static let insertion = RowInsert(
    into: "audit_logs",
    [
      "id": .uuid, "user_id": .text, "guild_id": .text, "action": .text, "category": .text, "details": .json,
      "ip": .text, "user_agent": .text, "created_at": .dateTime,
    ])

  /// The latest entries, newest first.
  /// - Parameters:
  ///   - guild: only that guild's.
  ///   - limit: 1 … 1000.
  ///   - last: continues behind that record, the last one of the page before.
  public func recent(
    in guild: GuildID? = nil, limit: Int = 100, after last: AuditRecord? = nil
  ) async throws -> [AuditRecord] {
    // The column can be NULL: where another program left it so, there is no place in the order.
    var conditions = ["created_at IS NOT NULL"]
    var parameters: [any DatabaseValueConvertible] = [max(1, min(limit, 1000))]
    if let guild {
      parameters.append(guild)
      conditions.append("guild_id = $\(parameters.count)")
    }
    if let last {
      parameters += [DateTime(last.createdAt), last.id]
      conditions.append("(created_at, id) < ($\(parameters.count - 1), $\(parameters.count))")
    }
    let sql = """
      SELECT \(Self.columns) FROM audit_logs WHERE \(conditions.joined(separator: " AND "))
      ORDER BY created_at DESC, id DESC LIMIT $1
      """
    return try await database.read { [parameters] transaction in
      try transaction.query(sql, parameters: parameters, row: Self.record)
    }
  }

  public func find(_ id: UUID) async throws -> AuditRecord? {
    try await database.read { transaction in
      try transaction.queryOne("SELECT \(Self.columns) FROM audit_logs WHERE id = $1", id, row: Self.record)
    }
  }

  static let columns = "id, user_id, guild_id, action, category, details, ip, user_agent, created_at"

  static func record(_ row: Row) throws -> AuditRecord {
    let details: JSON? = try row["details"]
    let guild: String = try row["guild_id"]
    return AuditRecord(
      id: try row["id"], createdAt: try row.time("created_at"),
      entry: AuditEntry(
        userID: try row["user_id"], guildID: guild == noGuild ? nil : GuildID(guild), action: try row["action"],
        category: try row["category"], details: details?.object ?? [:], ip: try row["ip"],
        userAgent: try row["user_agent"]))
  }
}

extension UUID {
  /// Version 7 (RFC 9562 section 5.7): begins with the time, so that an index on it grows at its end.
  static func timeOrdered(at time: Timestamp) -> UUID {
    var bytes = UUID().uuid
    withUnsafeMutableBytes(of: &bytes) { bytes in
      withUnsafeBytes(of: UInt64(bitPattern: time.milliseconds).bigEndian) { milliseconds in
        for index in 0..<6 { bytes[index] = milliseconds[index + 2] }
      }
      bytes[6] = 0x70 | (bytes[6] & 0x0f)
    }
    return UUID(uuid: bytes)
  }
}
