import Core
import Platform
import Storage

/// A text channel at Discord.
public struct FeedChannelID: DiscordIdentifier {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// Where a server wants to read of new kills, and of which.
public struct KillFeed: Sendable, Equatable {
  /// What is told.
  public struct Filter: Sendable, Equatable {
    /// Only if killer or victim is a member of the server.
    public var membersOnly: Bool
    public var pvpOnly: Bool
    /// In aUEC: only if the victim is known to have lost a vehicle of at least that price. 0: everything.
    public var minimumValue: Int64

    public init(membersOnly: Bool = true, pvpOnly: Bool = false, minimumValue: Int64 = 0) {
      self.membersOnly = membersOnly
      self.pvpOnly = pvpOnly
      self.minimumValue = minimumValue
    }

    /// Whether a kill passes as far as it alone tells; who is a member is another question.
    func passes(kind: KillKind, value: Int64?) -> Bool {
      if pvpOnly, kind != .pvp { return false }
      return minimumValue <= 0 || (value ?? 0) >= minimumValue
    }
  }

  public var guild: GuildID
  public var channel: FeedChannelID
  public var filter: Filter
  public var changedBy: UserID
  public var changedAt: Timestamp
  /// Kills that wait to be told.
  public var waiting: Int
  /// When it told something last.
  public var postedAt: Timestamp?

  static let columns = """
    guild_id, channel_id, members_only, pvp_only, minimum_value, changed_by, changed_at, waiting, missed, posted_at
    """

  init(_ row: Row) throws {
    guild = try row["guild_id"]
    channel = try row["channel_id"]
    filter = Filter(
      membersOnly: try row["members_only"], pvpOnly: try row["pvp_only"], minimumValue: try row["minimum_value"])
    changedBy = try row["changed_by"]
    changedAt = try row["changed_at"]
    waiting = try row.value("waiting", as: Int.self) + row.value("missed", as: Int.self)
    postedAt = try row["posted_at"]
  }
}

/// The feeds of all servers.
public struct KillFeeds: Sendable {
  let database: Database
  let time: any TimeSource

  public func find(_ guild: GuildID) async throws -> KillFeed? {
    try await database.read { try Self.find(guild, in: $0) }
  }

  static func find(_ guild: GuildID, in transaction: ReadTransaction) throws -> KillFeed? {
    try transaction.queryOne(
      "SELECT \(KillFeed.columns) FROM kill_feeds WHERE guild_id = $1", guild, row: KillFeed.init)
  }

  static func all(in transaction: ReadTransaction) throws -> [KillFeed] {
    try transaction.query("SELECT \(KillFeed.columns) FROM kill_feeds ORDER BY guild_id", row: KillFeed.init)
  }

  /// Begins a feed, or changes the one that is there. What waits to be told is told by the new rules, in the new channel.
  public func set(_ guild: GuildID, channel: FeedChannelID, _ filter: KillFeed.Filter, by user: UserID) async throws {
    guard filter.minimumValue >= 0 else {
      throw KillError.invalid(field: "minimum-value", reason: "must not be negative")
    }
    let now = time.timestamp
    let entry = AuditEntry(
      userID: user, guildID: guild, action: "killfeed_set", category: "admin_action",
      details: [
        "channel": .string("\(channel)"), "membersOnly": .boolean(filter.membersOnly),
        "pvpOnly": .boolean(filter.pvpOnly), "minimumValue": .integer(filter.minimumValue),
      ])
    try await database.write { transaction in
      try transaction.execute(
        """
        INSERT INTO kill_feeds (guild_id, channel_id, members_only, pvp_only, minimum_value, changed_by, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (guild_id) DO UPDATE
        SET channel_id = excluded.channel_id, members_only = excluded.members_only, pvp_only = excluded.pvp_only,
            minimum_value = excluded.minimum_value, changed_by = excluded.changed_by, changed_at = excluded.changed_at
        """, guild, channel, filter.membersOnly, filter.pvpOnly, filter.minimumValue, user, now)
      try AuditLog.append(entry, at: now, in: transaction)
    }
  }

  /// Ends a feed and forgets what waits.
  /// - Returns: whether there was one.
  @discardableResult
  public func remove(_ guild: GuildID, by user: UserID) async throws -> Bool {
    let entry = AuditEntry(
      userID: user, guildID: guild, action: "killfeed_off", category: "admin_action")
    return try await remove(guild, ifIn: nil, entry)
  }

  /// - Parameter channel: only if it still tells it there.
  func remove(_ guild: GuildID, ifIn channel: FeedChannelID?, _ entry: AuditEntry) async throws -> Bool {
    let now = time.timestamp
    return try await database.write { transaction in
      let removed =
        if let channel {
          try transaction.execute("DELETE FROM kill_feeds WHERE guild_id = $1 AND channel_id = $2", guild, channel)
        } else {
          try transaction.execute("DELETE FROM kill_feeds WHERE guild_id = $1", guild)
        }
      guard removed > 0 else { return false }
      try transaction.execute("DELETE FROM kill_feed_posts WHERE guild_id = $1", guild)
      try AuditLog.append(entry, at: now, in: transaction)
      return true
    }
  }
}
