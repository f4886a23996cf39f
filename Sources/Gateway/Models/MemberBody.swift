import Platform

/// What can be changed of a member. Nil leaves a part as it is.
public struct MemberBody: Sendable, Encodable, CheckedBody {
  /// Up to 32 characters.
  public var nick: Edit<String>?
  public var roles: [Snowflake]?
  /// In voice channels.
  public var isMuted: Bool?
  public var isDeafened: Bool?
  /// The voice channel to move the member to; removed: the member is disconnected.
  public var channelID: Edit<Snowflake>?
  /// Time-out, at most 28 days ahead; removed: it ends.
  public var timeoutUntil: Edit<Timestamp>?

  public init(
    nick: Edit<String>? = nil, roles: [Snowflake]? = nil, isMuted: Bool? = nil, isDeafened: Bool? = nil,
    channelID: Edit<Snowflake>? = nil, timeoutUntil: Edit<Timestamp>? = nil
  ) {
    self.nick = nick
    self.roles = roles
    self.isMuted = isMuted
    self.isDeafened = isDeafened
    self.channelID = channelID
    self.timeoutUntil = timeoutUntil
  }

  enum CodingKeys: String, CodingKey {
    case nick, roles
    case isMuted = "mute"
    case isDeafened = "deaf"
    case channelID = "channel_id"
    case timeoutUntil = "communication_disabled_until"
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(nick, forKey: .nick)
    try container.encodeIfPresent(roles, forKey: .roles)
    try container.encodeIfPresent(isMuted, forKey: .isMuted)
    try container.encodeIfPresent(isDeafened, forKey: .isDeafened)
    try container.encodeIfPresent(channelID, forKey: .channelID)
    switch timeoutUntil {
    case .set(let end): try container.encode(end.iso8601, forKey: .timeoutUntil)
    case .remove: try container.encodeNil(forKey: .timeoutUntil)
    case nil: break
    }
  }

  func check(_ checker: inout BodyChecker) {
    checker.text(nick?.value, "nick", 0...32)
    checker.count(roles?.count, "roles", 0...350)
  }
}

/// What a role is to be. Nil leaves a part to Discord, or as it is.
public struct RoleBody: Sendable, Encodable, CheckedBody {
  /// Up to 100 characters.
  public var name: String?
  public var permissions: Permissions?
  /// RGB, 0 for none.
  public var color: Int?
  public var isHoisted: Bool?
  public var isMentionable: Bool?

  public init(
    name: String? = nil, permissions: Permissions? = nil, color: Int? = nil, isHoisted: Bool? = nil,
    isMentionable: Bool? = nil
  ) {
    self.name = name
    self.permissions = permissions
    self.color = color
    self.isHoisted = isHoisted
    self.isMentionable = isMentionable
  }

  enum CodingKeys: String, CodingKey {
    case name, permissions, color
    case isHoisted = "hoist"
    case isMentionable = "mentionable"
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(name, forKey: .name)
    try container.encodeIfPresent(permissions?.number, forKey: .permissions)
    try container.encodeIfPresent(color, forKey: .color)
    try container.encodeIfPresent(isHoisted, forKey: .isHoisted)
    try container.encodeIfPresent(isMentionable, forKey: .isMentionable)
  }

  func check(_ checker: inout BodyChecker) {
    checker.text(name, "name", 1...100)
    checker.number(color, "color", 0...0xFF_FFFF)
  }
}

public struct Ban: Sendable, JSONDecodable {
  public let user: User
  public let reason: String?

  public init(json: JSONView) throws {
    user = try json.decode("user")
    reason = try json.decodeIfPresent("reason")
  }
}

public struct BulkBanResult: Sendable, JSONDecodable {
  public let banned: [Snowflake]
  public let failed: [Snowflake]

  public init(json: JSONView) throws {
    banned = try json.decodeList("banned_users")
    failed = try json.decodeList("failed_users")
  }
}

struct BanBody: Encodable, CheckedBody {
  var users: [Snowflake]?
  var deleteMessageSeconds: Int?

  enum CodingKeys: String, CodingKey {
    case users = "user_ids"
    case deleteMessageSeconds = "delete_message_seconds"
  }

  func check(_ checker: inout BodyChecker) {
    checker.count(users?.count, "user_ids", 1...200)
    checker.number(deleteMessageSeconds, "delete_message_seconds", 0...604_800)
  }
}
