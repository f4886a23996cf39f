import Platform

/// The things that the world is made of, each with the JSON in which Discord sends it.
/// Source: Discord "Resources": User, Guild, Channel, and "Topics": Permissions.

struct User: Sendable {
  let id: Snowflake
  var username: String
  var globalName: String?
  var isBot = false

  var json: JSON {
    [
      "id": id.json, "username": .string(username), "discriminator": .string(isBot ? "0001" : "0"),
      "global_name": globalName.map(JSON.string) ?? .null, "avatar": .null, "bot": .boolean(isBot),
      "system": false, "flags": 0, "public_flags": 0, "avatar_decoration_data": .null, "banner": .null,
      "accent_color": .null,
      "clan": .null, "primary_guild": .null, "collectibles": .null, "display_name_styles": .null,
    ]
  }

  /// The bot's own user, as `/users/@me` and READY give it.
  var ownJSON: JSON {
    var json = json
    json["verified"] = true
    json["mfa_enabled"] = false
    json["email"] = .null
    json["flags"] = 0
    json["locale"] = "en-US"
    json["bio"] = ""
    return json
  }
}

struct Role: Sendable {
  let id: Snowflake
  var name: String
  var color = 0
  var position = 0
  var permissions: Permissions
  var isHoisted = false
  var isMentionable = false
  /// The application whose own role this is.
  var botID: Snowflake?

  var json: JSON {
    var json: JSON = [
      "id": id.json, "name": .string(name), "description": .null, "color": .integer(Int64(color)),
      "colors": ["primary_color": .integer(Int64(color)), "secondary_color": .null, "tertiary_color": .null],
      "hoist": .boolean(isHoisted), "icon": .null, "unicode_emoji": .null, "position": .integer(Int64(position)),
      "permissions": permissions.json, "managed": .boolean(botID != nil), "mentionable": .boolean(isMentionable),
      "flags": 0,
    ]
    if let botID { json["tags"] = ["bot_id": botID.json] }
    return json
  }
}

struct Member: Sendable {
  let userID: Snowflake
  var nickname: String?
  var roles: [Snowflake] = []
  let joinedAt: Timestamp
  var timeoutUntil: Timestamp?
  var isMuted = false
  var isDeafened = false

  /// The member without its user, as it stands inside a message.
  var bareJSON: JSON {
    [
      "roles": .array(roles.map(\.json)), "nick": nickname.map(JSON.string) ?? .null, "avatar": .null,
      "banner": .null, "joined_at": .string(joinedAt.discord), "premium_since": .null, "deaf": .boolean(isDeafened),
      "mute": .boolean(isMuted),
      "flags": 0, "pending": false, "communication_disabled_until": timeoutUntil.map { .string($0.discord) } ?? .null,
      "avatar_decoration_data": .null, "collectibles": .null,
    ]
  }
}

struct Channel: Sendable {
  enum Kind: Int, Sendable {
    case text = 0
    case dm = 1
    case voice = 2
    case category = 4
    case announcement = 5
    case announcementThread = 10
    case publicThread = 11
    case privateThread = 12
    case forum = 15

    var isThread: Bool { self == .publicThread || self == .privateThread || self == .announcementThread }
    /// Whether messages stand in it.
    var hasMessages: Bool { self != .category && self != .forum }
  }

  struct Overwrite: Sendable {
    /// A role's or a member's id.
    let id: Snowflake
    let isMember: Bool
    var allow: Permissions
    var deny: Permissions

    var json: JSON {
      ["id": id.json, "type": isMember ? 1 : 0, "allow": allow.json, "deny": deny.json]
    }
  }

  let id: Snowflake
  let kind: Kind
  /// nil in a direct message.
  let guildID: Snowflake?
  var name = ""
  var topic: String?
  var parentID: Snowflake?
  var position = 0
  var overwrites: [Overwrite] = []
  var slowMode = 0
  var isNSFW = false
  /// The user and the bot of a direct message.
  var recipients: [Snowflake] = []
  var lastPinAt: Timestamp?
  /// Of a thread only.
  var thread: ThreadState?
  /// Oldest first, bounded by ``World/messageLimit``.
  var messages: [Message] = []

  var lastMessageID: Snowflake? { messages.last { $0.ephemeralFor == nil }?.id }
}

extension Timestamp {
  /// As Discord writes times: microseconds and an offset.
  var discord: String { String(iso8601.dropLast()) + "000+00:00" }
}

struct Guild: Sendable {
  let id: Snowflake
  var name: String
  var description: String?
  var systemChannelID: Snowflake?
  var afkChannelID: Snowflake?
  var emojis: [Emoji] = []
  /// Oldest first, bounded by ``World/auditLimit``.
  var auditLog: [AuditEntry] = []
  let ownerID: Snowflake
  var roles: [Role]
  var members: [Snowflake: Member] = [:]
  var channelIDs: [Snowflake] = []
  var bans: [Snowflake: String] = [:]

  /// The guild as `GET /guilds/{id}` gives it.
  var json: JSON {
    [
      "id": id.json, "name": .string(name), "icon": .null, "icon_hash": .null,
      "description": description.map(JSON.string) ?? .null,
      "home_header": .null,
      "splash": .null, "discovery_splash": .null, "features": [], "banner": .null, "owner_id": ownerID.json,
      "application_id": .null, "region": "deprecated", "afk_channel_id": afkChannelID?.json ?? .null,
      "afk_timeout": 300,
      "system_channel_id": systemChannelID?.json ?? .null, "system_channel_flags": 0, "widget_enabled": false,
      "widget_channel_id": .null,
      "verification_level": 0, "roles": .array(roles.map(\.json)), "default_message_notifications": 0, "mfa_level": 0,
      "explicit_content_filter": 0, "max_presences": .null, "max_members": 500_000, "max_video_channel_users": 25,
      "max_stage_video_channel_users": 50, "vanity_url_code": .null, "premium_tier": 0,
      "premium_subscription_count": 0, "preferred_locale": "en-US", "rules_channel_id": .null,
      "safety_alerts_channel_id": .null, "public_updates_channel_id": .null, "hub_type": .null,
      "premium_progress_bar_enabled": false, "nsfw": false, "nsfw_level": 0, "emojis": .array(emojis.map(\.json)),
      "stickers": [],
      "incidents_data": .null, "inventory_settings": .null, "latest_onboarding_question_id": .null,
    ]
  }
}

/// What makes a channel a thread.
struct ThreadState: Sendable {
  let ownerID: Snowflake
  let createdAt: Timestamp
  var isArchived = false
  var archivedAt: Timestamp
  /// In minutes.
  var autoArchive: Int64 = 4_320
  var isLocked = false
  var isInvitable = true
  var members: [Snowflake: Timestamp] = [:]
  var appliedTags: [Snowflake] = []
  var messageCount: Int64 = 0
}

struct Emoji: Sendable {
  let id: Snowflake
  var name: String
  var roles: [Snowflake] = []
  var isAnimated = false
  let creator: User?

  var json: JSON {
    var json: JSON = [
      "id": id.json, "name": .string(name), "roles": .array(roles.map(\.json)), "require_colons": true,
      "managed": false, "animated": .boolean(isAnimated), "available": true,
    ]
    if let creator { json["user"] = creator.json }
    return json
  }
}

/// A webhook that sends into a channel. Source: Discord "Webhook".
struct Webhook: Sendable {
  let id: Snowflake
  let token: String
  let guildID: Snowflake
  var channelID: Snowflake
  var name: String
  let creatorID: Snowflake
}

struct Invite: Sendable {
  let code: String
  let guildID: Snowflake
  let channelID: Snowflake
  let inviterID: Snowflake
  let createdAt: Timestamp
  /// In seconds, 0 for no end.
  var maximumAge: Int64 = 86_400
  var maximumUses: Int64 = 0
  var isTemporary = false

  var expiresAt: Timestamp? { maximumAge == 0 ? nil : createdAt + .seconds(maximumAge) }
}

/// Source: Discord "Audit Log".
struct AuditEntry: Sendable {
  let id: Snowflake
  let action: Int64
  let userID: Snowflake
  let targetID: Snowflake?
  let reason: String?
  let changes: [JSON]

  var json: JSON {
    var json: JSON = [
      "id": id.json, "action_type": .integer(action), "user_id": userID.json, "target_id": targetID?.json ?? .null,
    ]
    if !changes.isEmpty { json["changes"] = .array(changes) }
    if let reason { json["reason"] = .string(reason) }
    return json
  }
}
