import Platform

/// What a channel is to be: all of a new one but the name may be left out; in an edit nil leaves a part as it is.
public struct ChannelBody: Sendable, Encodable, CheckedBody {
  /// Up to 100 characters. Discord allows a channel two changes of name or topic in ten minutes.
  public var name: String?
  public var type: ChannelType?
  /// Up to 1024 characters, 4096 in a forum.
  public var topic: Edit<String>?
  public var position: Int?
  public var isNSFW: Bool?
  /// Seconds between two messages of one member, up to 21600.
  public var slowmode: Int?
  /// Its category.
  public var parentID: Edit<Snowflake>?
  public var permissionOverwrites: [PermissionOverwrite]?
  /// Of a voice channel, in bits per second, at least 8000.
  public var bitrate: Int?
  /// Of a voice channel, 0 for no limit.
  public var userLimit: Int?

  // Of a thread, in an edit only.
  public var isArchived: Bool?
  public var isLocked: Bool?
  public var isInvitable: Bool?
  public var autoArchive: AutoArchive?
  public var appliedTags: [Snowflake]?

  public init(
    name: String? = nil, type: ChannelType? = nil, topic: Edit<String>? = nil, position: Int? = nil,
    isNSFW: Bool? = nil, slowmode: Int? = nil, parentID: Edit<Snowflake>? = nil,
    permissionOverwrites: [PermissionOverwrite]? = nil, isArchived: Bool? = nil, isLocked: Bool? = nil
  ) {
    self.name = name
    self.type = type
    self.topic = topic
    self.position = position
    self.isNSFW = isNSFW
    self.slowmode = slowmode
    self.parentID = parentID
    self.permissionOverwrites = permissionOverwrites
    self.isArchived = isArchived
    self.isLocked = isLocked
  }

  enum CodingKeys: String, CodingKey {
    case name, type, topic, position, bitrate
    case isNSFW = "nsfw"
    case slowmode = "rate_limit_per_user"
    case parentID = "parent_id"
    case permissionOverwrites = "permission_overwrites"
    case userLimit = "user_limit"
    case isArchived = "archived"
    case isLocked = "locked"
    case isInvitable = "invitable"
    case autoArchive = "auto_archive_duration"
    case appliedTags = "applied_tags"
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(name, forKey: .name)
    try container.encodeIfPresent(type, forKey: .type)
    try container.encodeIfPresent(topic, forKey: .topic)
    try container.encodeIfPresent(position, forKey: .position)
    try container.encodeIfPresent(isNSFW, forKey: .isNSFW)
    try container.encodeIfPresent(slowmode, forKey: .slowmode)
    try container.encodeIfPresent(parentID, forKey: .parentID)
    try container.encodeIfPresent(
      permissionOverwrites?.map { OverwriteBody($0, withID: true) }, forKey: .permissionOverwrites)
    try container.encodeIfPresent(bitrate, forKey: .bitrate)
    try container.encodeIfPresent(userLimit, forKey: .userLimit)
    try container.encodeIfPresent(isArchived, forKey: .isArchived)
    try container.encodeIfPresent(isLocked, forKey: .isLocked)
    try container.encodeIfPresent(isInvitable, forKey: .isInvitable)
    try container.encodeIfPresent(autoArchive, forKey: .autoArchive)
    try container.encodeIfPresent(appliedTags, forKey: .appliedTags)
  }

  func check(_ checker: inout BodyChecker) {
    checker.text(name, "name", 1...100)
    checker.text(topic?.value, "topic", 0...4_096)
    checker.number(slowmode, "rate_limit_per_user", 0...21_600)
    checker.number(bitrate, "bitrate", 8_000...384_000)
    checker.number(userLimit, "user_limit", 0...10_000)
    checker.count(permissionOverwrites?.count, "permission_overwrites", 0...1_000)
    checker.count(appliedTags?.count, "applied_tags", 0...5)
  }

  /// Discord limits changes of a channel's name and topic more than others.
  var part: String { name != nil || topic != nil ? "name or topic" : "" }
}

struct OverwriteBody: Encodable {
  var id: Snowflake?
  var type: PermissionOverwrite.Kind
  var allow: Int64
  var deny: Int64

  init(_ overwrite: PermissionOverwrite, withID: Bool = false) {
    id = withID ? overwrite.id : nil
    type = overwrite.kind
    allow = overwrite.allow.number
    deny = overwrite.deny.number
  }
}

/// What can be changed of a guild by hand of a bot. Nil leaves a part as it is.
public struct GuildBody: Sendable, Encodable, CheckedBody {
  /// 2 to 100 characters.
  public var name: String?
  public var description: Edit<String>?
  public var icon: Edit<ImageData>?
  public var afkChannelID: Edit<Snowflake>?
  public var systemChannelID: Edit<Snowflake>?
  public var preferredLocale: String?

  public init(
    name: String? = nil, description: Edit<String>? = nil, icon: Edit<ImageData>? = nil,
    afkChannelID: Edit<Snowflake>? = nil, systemChannelID: Edit<Snowflake>? = nil, preferredLocale: String? = nil
  ) {
    self.name = name
    self.description = description
    self.icon = icon
    self.afkChannelID = afkChannelID
    self.systemChannelID = systemChannelID
    self.preferredLocale = preferredLocale
  }

  enum CodingKeys: String, CodingKey {
    case name, description, icon
    case afkChannelID = "afk_channel_id"
    case systemChannelID = "system_channel_id"
    case preferredLocale = "preferred_locale"
  }

  func check(_ checker: inout BodyChecker) {
    checker.text(name, "name", 2...100)
    checker.text(description?.value, "description", 0...300)
  }
}
