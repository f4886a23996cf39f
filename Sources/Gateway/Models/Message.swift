import Platform

/// A message. See `developers/resources/message`.
public struct Message: Sendable, Identifiable, JSONDecodable {
  public let id: Snowflake
  public let channelID: Snowflake
  /// Only in gateway events.
  public let guildID: Snowflake?
  /// The account, or what a webhook gave as name and picture.
  public let author: User
  /// The author in the guild, without the account; only in gateway events.
  public let member: Member?
  /// Empty without the message content intent, unless the message mentions the bot or is its own.
  public let content: String
  public let timestamp: Timestamp
  public let editedTimestamp: Timestamp?
  public let type: MessageType
  public let flags: MessageFlags
  public let isTTS: Bool
  public let isPinned: Bool
  public let mentionsEveryone: Bool
  public let mentions: [User]
  public let mentionedRoles: [Snowflake]
  public let attachments: [Attachment]
  public let embeds: [Embed]
  /// As Discord sent them.
  public let components: [JSON]
  public let webhookID: Snowflake?
  public let applicationID: Snowflake?
  /// The message that this one answers.
  public let referencedMessageID: Snowflake?

  public init(json: JSONView) throws {
    webhookID = try json.decodeIfPresent("webhook_id")
    type = try json.decodeIfPresent("type") ?? .default
    isTTS = json.flag("tts")
    timestamp = try json.decode("timestamp")
    isPinned = json.flag("pinned")
    referencedMessageID = try json["message_reference"]?.decodeIfPresent("message_id")
    mentions = try json.decodeList("mentions")
    mentionedRoles = try json.decodeList("mention_roles")
    mentionsEveryone = json.flag("mention_everyone")
    member = try json.decodeIfPresent("member")
    id = try json.decode("id")
    guildID = try json.decodeIfPresent("guild_id")
    flags = try json.decodeIfPresent("flags") ?? []
    embeds = try json.decodeList("embeds")
    editedTimestamp = try json.decodeIfPresent("edited_timestamp")
    content = try json.decodeIfPresent("content") ?? ""
    components = try json.decodeList("components")
    channelID = try json.decode("channel_id")
    author = try json.decode("author")
    attachments = try json.decodeList("attachments")
    applicationID = try json.decodeIfPresent("application_id")
  }
}

public struct MessageType: OpenEnumeration {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  public static func isDocumented(_ value: Int) -> Bool {
    switch value {
    case 0...12, 14...29, 31, 32, 36...39, 44, 46: true
    default: false
    }
  }

  public static let `default` = MessageType(rawValue: 0)
  public static let userJoin = MessageType(rawValue: 7)
  public static let guildBoost = MessageType(rawValue: 8)
  public static let reply = MessageType(rawValue: 19)
  public static let chatInputCommand = MessageType(rawValue: 20)
  public static let contextMenuCommand = MessageType(rawValue: 23)
}

public struct MessageFlags: OptionSet, Hashable, Sendable, Codable, JSONDecodable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  public static let crossposted = MessageFlags(rawValue: 1 << 0)
  public static let suppressEmbeds = MessageFlags(rawValue: 1 << 2)
  public static let urgent = MessageFlags(rawValue: 1 << 4)
  public static let hasThread = MessageFlags(rawValue: 1 << 5)
  /// Only the user of the interaction sees it.
  public static let ephemeral = MessageFlags(rawValue: 1 << 6)
  public static let loading = MessageFlags(rawValue: 1 << 7)
  public static let suppressNotifications = MessageFlags(rawValue: 1 << 12)
  public static let isVoiceMessage = MessageFlags(rawValue: 1 << 13)
  /// The message consists of components alone, content and embeds are refused.
  public static let componentsV2 = MessageFlags(rawValue: 1 << 15)

  public init(json: JSONView) throws { rawValue = try Int(json: json) }
}

/// A file on a message or given to a command.
public struct Attachment: Sendable, Hashable, Identifiable, JSONDecodable {
  public let id: Snowflake
  public let filename: String
  public let description: String?
  public let contentType: String?
  /// In bytes.
  public let size: Int
  public let url: String
  public let proxyURL: String?
  /// In pixels; only of images and videos.
  public let width: Int?
  public let height: Int?
  public let isEphemeral: Bool

  public init(json: JSONView) throws {
    width = try json.decodeIfPresent("width")
    url = try json.decode("url")
    size = try json.decode("size")
    proxyURL = try json.decodeIfPresent("proxy_url")
    id = try json.decode("id")
    height = try json.decodeIfPresent("height")
    filename = try json.decode("filename")
    isEphemeral = json.flag("ephemeral")
    description = try json.decodeIfPresent("description")
    contentType = try json.decodeIfPresent("content_type")
  }
}
