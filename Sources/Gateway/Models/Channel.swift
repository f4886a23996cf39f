import Platform

/// A channel, category, thread or direct conversation. See `developers/resources/channel`.
public struct Channel: Sendable, Hashable, Identifiable, JSONDecodable {
  public let id: Snowflake
  public let type: ChannelType
  /// Missing in GUILD_CREATE, where the guild stands around the channel.
  public var guildID: Snowflake?
  public let name: String?
  public let topic: String?
  /// The category, or for a thread the channel it hangs on.
  public let parentID: Snowflake?
  public let position: Int?
  public let isNSFW: Bool
  public let permissionOverwrites: [PermissionOverwrite]
  /// All permissions of the invoking user in it; only in the resolved data of an interaction.
  public let permissions: Permissions?

  public init(
    id: Snowflake, type: ChannelType, guildID: Snowflake? = nil, name: String? = nil, topic: String? = nil,
    parentID: Snowflake? = nil, position: Int? = nil, isNSFW: Bool = false,
    permissionOverwrites: [PermissionOverwrite] = [], permissions: Permissions? = nil
  ) {
    self.id = id
    self.type = type
    self.guildID = guildID
    self.name = name
    self.topic = topic
    self.parentID = parentID
    self.position = position
    self.isNSFW = isNSFW
    self.permissionOverwrites = permissionOverwrites
    self.permissions = permissions
  }

  public init(json: JSONView) throws {
    type = try json.decode("type")
    topic = try json.decodeIfPresent("topic")
    position = try json.decodeIfPresent("position")
    permissions = try json.decodeIfPresent("permissions")
    permissionOverwrites = try json.decodeList("permission_overwrites")
    parentID = try json.decodeIfPresent("parent_id")
    isNSFW = json.flag("nsfw")
    name = try json.decodeIfPresent("name")
    id = try json.decode("id")
    guildID = try json.decodeIfPresent("guild_id")
  }

  public var mention: String { "<#\(id)>" }
}

public struct ChannelType: OpenEnumeration {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  public static func isDocumented(_ value: Int) -> Bool { (0...5).contains(value) || (10...16).contains(value) }

  public static let guildText = ChannelType(rawValue: 0)
  public static let directMessage = ChannelType(rawValue: 1)
  public static let guildVoice = ChannelType(rawValue: 2)
  public static let groupDirectMessage = ChannelType(rawValue: 3)
  public static let guildCategory = ChannelType(rawValue: 4)
  public static let guildAnnouncement = ChannelType(rawValue: 5)
  public static let announcementThread = ChannelType(rawValue: 10)
  public static let publicThread = ChannelType(rawValue: 11)
  public static let privateThread = ChannelType(rawValue: 12)
  public static let guildStageVoice = ChannelType(rawValue: 13)
  public static let guildDirectory = ChannelType(rawValue: 14)
  public static let guildForum = ChannelType(rawValue: 15)
  public static let guildMedia = ChannelType(rawValue: 16)
}

/// What a channel grants or denies to one role or member beyond their roles' permissions.
public struct PermissionOverwrite: Sendable, Hashable, JSONDecodable {
  public struct Kind: OpenEnumeration {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    public static func isDocumented(_ value: Int) -> Bool { (0...1).contains(value) }
    public static let role = Kind(rawValue: 0)
    public static let member = Kind(rawValue: 1)
  }

  /// The role or the member.
  public let id: Snowflake
  public let kind: Kind
  public let allow: Permissions
  public let deny: Permissions

  public init(id: Snowflake, kind: Kind, allow: Permissions, deny: Permissions) {
    self.id = id
    self.kind = kind
    self.allow = allow
    self.deny = deny
  }

  public init(json: JSONView) throws {
    kind = try json.decode("type")
    id = try json.decode("id")
    deny = try json.decodeIfPresent("deny") ?? []
    allow = try json.decodeIfPresent("allow") ?? []
  }
}
