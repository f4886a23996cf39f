import Platform

/// See `developers/resources/webhook`.
public struct Webhook: Sendable, Identifiable, JSONDecodable {
  public let id: Snowflake
  /// 1 incoming, 2 follower of an announcement channel, 3 of an application.
  public let type: Int
  public let guildID: Snowflake?
  public let channelID: Snowflake?
  public let name: String?
  /// What it takes to send with it; only of incoming webhooks that this bot may use.
  public let token: Secret<String>?
  public let applicationID: Snowflake?

  public init(json: JSONView) throws {
    id = try json.decode("id")
    type = try json.decode("type")
    guildID = try json.decodeIfPresent("guild_id")
    channelID = try json.decodeIfPresent("channel_id")
    name = try json.decodeIfPresent("name")
    token = try json.decodeIfPresent("token", as: String.self).map { Secret($0) }
    applicationID = try json.decodeIfPresent("application_id")
  }
}

public struct WebhookBody: Sendable, Encodable, CheckedBody {
  /// Up to 80 characters; "clyde" and "discord" may not be in it.
  public var name: String?
  public var avatar: Edit<ImageData>?
  /// In an edit with the bot's token only.
  public var channelID: Snowflake?

  public init(name: String? = nil, avatar: Edit<ImageData>? = nil, channelID: Snowflake? = nil) {
    self.name = name
    self.avatar = avatar
    self.channelID = channelID
  }

  enum CodingKeys: String, CodingKey {
    case name, avatar
    case channelID = "channel_id"
  }

  func check(_ checker: inout BodyChecker) {
    checker.text(name, "name", 1...80)
    let lower = name?.lowercased() ?? ""
    for word in ["clyde", "discord"] where lower.contains(word) {
      checker.add("name", "cannot contain \"\(word)\"")
    }
  }
}

/// A message as a webhook sends it, under a name and picture of its own.
struct WebhookMessageBody: Encodable, CheckedBody {
  var message: MessageBody
  var username: String?
  var avatarURL: String?
  /// Starts a thread of that name in a forum.
  var threadName: String?

  enum CodingKeys: String, CodingKey {
    case username
    case avatarURL = "avatar_url"
    case threadName = "thread_name"
  }

  func encode(to encoder: any Encoder) throws {
    try message.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(username, forKey: .username)
    try container.encodeIfPresent(avatarURL, forKey: .avatarURL)
    try container.encodeIfPresent(threadName, forKey: .threadName)
  }

  func check(_ checker: inout BodyChecker) {
    message.check(&checker)
    checker.text(username, "username", 1...80)
    checker.text(avatarURL, "avatar_url", 1...2_048)
    checker.text(threadName, "thread_name", 1...100)
    if message.nonce != nil { checker.add("nonce", "is not taken from webhooks") }
    if message.reference != nil { checker.add("message_reference", "is not taken from webhooks") }
  }
}
