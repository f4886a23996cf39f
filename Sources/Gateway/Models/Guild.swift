import Platform

/// A server. See `developers/resources/guild` and, for what only GUILD_CREATE brings, `gateway-events`.
public struct Guild: Sendable, Hashable, Identifiable, JSONDecodable {
  public let id: Snowflake
  public var name: String
  public var icon: String?
  public var ownerID: Snowflake
  public var preferredLocale: String?
  public var features: [String]
  public var roles: [Role]

  // Only in GUILD_CREATE.
  public var memberCount: Int?
  public var joinedAt: Timestamp?
  /// Whether the guild has more members than GUILD_CREATE lists.
  public var isLarge: Bool
  public var channels: [Channel]
  public var threads: [Channel]
  /// The bot itself, members in voice channels, and with the privileged intent up to `large_threshold` more.
  public var members: [Member]

  public init(
    id: Snowflake, name: String, icon: String? = nil, ownerID: Snowflake, preferredLocale: String? = nil,
    features: [String] = [], roles: [Role] = [], memberCount: Int? = nil, joinedAt: Timestamp? = nil,
    isLarge: Bool = false, channels: [Channel] = [], threads: [Channel] = [], members: [Member] = []
  ) {
    self.id = id
    self.name = name
    self.icon = icon
    self.ownerID = ownerID
    self.preferredLocale = preferredLocale
    self.features = features
    self.roles = roles
    self.memberCount = memberCount
    self.joinedAt = joinedAt
    self.isLarge = isLarge
    self.channels = channels
    self.threads = threads
    self.members = members
  }

  public init(json: JSONView) throws { try self.init(json: json) { _ in true } }

  /// - Parameter keepsMember: which of the members to read; a large guild brings hundreds.
  init(json: JSONView, keepsMember: (JSONView) -> Bool) throws {
    id = try json.decode("id")
    name = try json.decode("name")
    icon = try json.decodeIfPresent("icon")
    ownerID = try json.decode("owner_id")
    preferredLocale = try json.decodeIfPresent("preferred_locale")
    features = try json.decodeList("features")
    roles = try json.decodeList("roles")
    memberCount = try json.decodeIfPresent("member_count") ?? json.decodeIfPresent("approximate_member_count")
    joinedAt = try json.decodeIfPresent("joined_at")
    isLarge = json.flag("large")
    channels = try json.decodeList("channels")
    threads = try json.decodeList("threads")
    members = try json["members"]?.decodeElements(where: keepsMember) ?? []
  }
}

/// A guild of which only the id is known: not yet loaded, down, or (in GUILD_DELETE) left.
public struct UnavailableGuild: Sendable, Hashable, Identifiable, JSONDecodable {
  public let id: Snowflake
  /// False in GUILD_DELETE when the bot was removed from the guild.
  public let isUnavailable: Bool

  public init(id: Snowflake, isUnavailable: Bool) {
    self.id = id
    self.isUnavailable = isUnavailable
  }

  public init(json: JSONView) throws {
    id = try json.decode("id")
    isUnavailable = json.flag("unavailable")
  }
}

/// A role. See `developers/topics/permissions`, "Role Object".
public struct Role: Sendable, Hashable, Identifiable, JSONDecodable {
  public let id: Snowflake
  public let name: String
  /// RGB, 0 for none.
  public let color: Int
  public let position: Int
  public let permissions: Permissions
  public let isHoisted: Bool
  /// Whether an integration owns it, so that nobody can hand it out.
  public let isManaged: Bool
  public let isMentionable: Bool

  public init(
    id: Snowflake, name: String, color: Int = 0, position: Int = 0, permissions: Permissions = [],
    isHoisted: Bool = false, isManaged: Bool = false, isMentionable: Bool = false
  ) {
    self.id = id
    self.name = name
    self.color = color
    self.position = position
    self.permissions = permissions
    self.isHoisted = isHoisted
    self.isManaged = isManaged
    self.isMentionable = isMentionable
  }

  public init(json: JSONView) throws {
    position = try json.decodeIfPresent("position") ?? 0
    permissions = try json.decodeIfPresent("permissions") ?? []
    name = try json.decode("name")
    isMentionable = json.flag("mentionable")
    isManaged = json.flag("managed")
    id = try json.decode("id")
    isHoisted = json.flag("hoist")
    color = try json.decodeIfPresent("color") ?? 0
  }

  public var mention: String { "<@&\(id)>" }
}
