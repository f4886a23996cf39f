import Platform

/// See `developers/resources/invite`.
public struct Invite: Sendable, JSONDecodable {
  public let code: String
  public let guildID: Snowflake?
  public let channelID: Snowflake?
  public let inviter: User?
  public let expiresAt: Timestamp?
  public let approximateMemberCount: Int?
  // Only where whoever asks manages the place.
  public let uses: Int?
  /// 0 for no limit.
  public let maximumUses: Int?
  /// Seconds, 0 for no end.
  public let maximumAge: Int?
  public let isTemporary: Bool
  public let createdAt: Timestamp?

  public init(json: JSONView) throws {
    code = try json.decode("code")
    guildID = try json["guild"]?.decodeIfPresent("id") ?? json.decodeIfPresent("guild_id")
    channelID = try json["channel"]?.decodeIfPresent("id")
    inviter = try json.decodeIfPresent("inviter")
    expiresAt = try json.decodeIfPresent("expires_at")
    approximateMemberCount = try json.decodeIfPresent("approximate_member_count")
    uses = try json.decodeIfPresent("uses")
    maximumUses = try json.decodeIfPresent("max_uses")
    maximumAge = try json.decodeIfPresent("max_age")
    isTemporary = json.flag("temporary")
    createdAt = try json.decodeIfPresent("created_at")
  }
}

public struct InviteBody: Sendable, Encodable, CheckedBody {
  /// Seconds, up to a week; 0 for no end. Discord's default is a day.
  public var maximumAge: Int?
  /// Up to 100, 0 for no limit.
  public var maximumUses: Int?
  /// Members who came by it leave with their connection unless they got a role.
  public var isTemporary: Bool?
  /// A new code even where a like one exists.
  public var isUnique: Bool?

  public init(
    maximumAge: Int? = nil, maximumUses: Int? = nil, isTemporary: Bool? = nil, isUnique: Bool? = nil
  ) {
    self.maximumAge = maximumAge
    self.maximumUses = maximumUses
    self.isTemporary = isTemporary
    self.isUnique = isUnique
  }

  enum CodingKeys: String, CodingKey {
    case maximumAge = "max_age"
    case maximumUses = "max_uses"
    case isTemporary = "temporary"
    case isUnique = "unique"
  }

  func check(_ checker: inout BodyChecker) {
    checker.number(maximumAge, "max_age", 0...604_800)
    checker.number(maximumUses, "max_uses", 0...100)
  }
}

/// What was done in a guild, and by whom. See `developers/resources/audit-log`.
public struct GuildAuditLogEntry: Sendable, Identifiable, JSONDecodable {
  public struct Change: Sendable, JSONDecodable {
    public let key: String
    public let old: JSON?
    public let new: JSON?

    public init(json: JSONView) throws {
      key = try json.decode("key")
      old = try json.decodeIfPresent("old_value")
      new = try json.decodeIfPresent("new_value")
    }
  }

  public let id: Snowflake
  public let userID: Snowflake?
  /// Of whatever was changed; not always a snowflake.
  public let targetID: String?
  /// See "Audit Log Events", for example 22 for a ban.
  public let actionType: Int
  public let reason: String?
  public let changes: [Change]

  public init(json: JSONView) throws {
    id = try json.decode("id")
    userID = try json.decodeIfPresent("user_id")
    targetID = try json.decodeIfPresent("target_id")
    actionType = try json.decode("action_type")
    reason = try json.decodeIfPresent("reason")
    changes = try json.decodeList("changes")
  }
}

/// Newest first.
public struct GuildAuditLog: Sendable, JSONDecodable {
  public let entries: [GuildAuditLogEntry]
  /// Who is named in the entries.
  public let users: [User]

  public init(json: JSONView) throws {
    entries = try json.decodeList("audit_log_entries")
    users = try json.decodeList("users")
  }
}
