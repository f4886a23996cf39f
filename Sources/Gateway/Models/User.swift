import Platform

/// A Discord account. See `developers/resources/user`.
public struct User: Sendable, Hashable, Identifiable, JSONDecodable {
  public let id: Snowflake
  public let username: String
  /// The name that the account shows everywhere unless a guild has another.
  public let globalName: String?
  public let discriminator: String?
  /// Hash of the avatar image.
  public let avatar: String?
  public let isBot: Bool
  public let isSystem: Bool

  public init(
    id: Snowflake, username: String, globalName: String? = nil, discriminator: String? = nil, avatar: String? = nil,
    isBot: Bool = false, isSystem: Bool = false
  ) {
    self.id = id
    self.username = username
    self.globalName = globalName
    self.discriminator = discriminator
    self.avatar = avatar
    self.isBot = isBot
    self.isSystem = isSystem
  }

  public init(json: JSONView) throws {
    username = try json.decode("username")
    isSystem = json.flag("system")
    id = try json.decode("id")
    globalName = try json.decodeIfPresent("global_name")
    discriminator = try json.decodeIfPresent("discriminator")
    isBot = json.flag("bot")
    avatar = try json.decodeIfPresent("avatar")
  }

  public var displayName: String { globalName ?? username }
  /// The text that Discord turns into a link to the account.
  public var mention: String { "<@\(id)>" }
}

/// An account in one guild. See `developers/resources/guild`, "Guild Member Object".
public struct Member: Sendable, Hashable, JSONDecodable {
  /// Missing in messages and in the resolved data of an interaction, where the account stands beside the member.
  public var user: User?
  public let nick: String?
  public let avatar: String?
  public let roles: [Snowflake]
  /// Null for guests invited to a voice channel.
  public let joinedAt: Timestamp?
  public let premiumSince: Timestamp?
  public let isPending: Bool
  public let isMuted: Bool
  public let isDeafened: Bool
  /// Until when the member is timed out; may lie in the past.
  public let communicationDisabledUntil: Timestamp?
  /// All permissions in the channel, overwrites included; only in interactions.
  public let permissions: Permissions?

  public init(
    user: User?, nick: String? = nil, avatar: String? = nil, roles: [Snowflake] = [], joinedAt: Timestamp? = nil,
    premiumSince: Timestamp? = nil, isPending: Bool = false, isMuted: Bool = false, isDeafened: Bool = false,
    communicationDisabledUntil: Timestamp? = nil, permissions: Permissions? = nil
  ) {
    self.user = user
    self.nick = nick
    self.avatar = avatar
    self.roles = roles
    self.joinedAt = joinedAt
    self.premiumSince = premiumSince
    self.isPending = isPending
    self.isMuted = isMuted
    self.isDeafened = isDeafened
    self.communicationDisabledUntil = communicationDisabledUntil
    self.permissions = permissions
  }

  public init(json: JSONView) throws {
    user = try json.decodeIfPresent("user")
    roles = try json.decodeList("roles")
    premiumSince = try json.decodeIfPresent("premium_since")
    permissions = try json.decodeIfPresent("permissions")
    isPending = json.flag("pending")
    nick = try json.decodeIfPresent("nick")
    isMuted = json.flag("mute")
    joinedAt = try json.decodeIfPresent("joined_at")
    isDeafened = json.flag("deaf")
    communicationDisabledUntil = try json.decodeIfPresent("communication_disabled_until")
    avatar = try json.decodeIfPresent("avatar")
  }

  /// The name that this guild sees.
  public var displayName: String? { nick ?? user?.displayName }
}
