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
    id = try json.decode("id")
    channelID = try json.decode("channel_id")
    guildID = try json.decodeIfPresent("guild_id")
    author = try json.decode("author")
    member = try json.decodeIfPresent("member")
    content = try json.decodeIfPresent("content") ?? ""
    timestamp = try json.decode("timestamp")
    editedTimestamp = try json.decodeIfPresent("edited_timestamp")
    type = try json.decodeIfPresent("type") ?? .default
    flags = try json.decodeIfPresent("flags") ?? []
    isTTS = json.flag("tts")
    isPinned = json.flag("pinned")
    mentionsEveryone = json.flag("mention_everyone")
    mentions = try json.decodeList("mentions")
    mentionedRoles = try json.decodeList("mention_roles")
    attachments = try json.decodeList("attachments")
    embeds = try json.decodeList("embeds")
    components = try json.decodeList("components")
    webhookID = try json.decodeIfPresent("webhook_id")
    applicationID = try json.decodeIfPresent("application_id")
    referencedMessageID = try json["message_reference"]?.decodeIfPresent("message_id")
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
    id = try json.decode("id")
    filename = try json.decode("filename")
    description = try json.decodeIfPresent("description")
    contentType = try json.decodeIfPresent("content_type")
    size = try json.decode("size")
    url = try json.decode("url")
    proxyURL = try json.decodeIfPresent("proxy_url")
    width = try json.decodeIfPresent("width")
    height = try json.decodeIfPresent("height")
    isEphemeral = json.flag("ephemeral")
  }
}
