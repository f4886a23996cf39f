import HTTP
import Platform

/// A file that came with a message; its bytes are kept in ``World`` and served under `/attachments`.
struct Attachment: Sendable {
  let id: Snowflake
  let filename: String
  let contentType: String
  let size: Int
  var description: String?

  func json(base: String, channelID: Snowflake) -> JSON {
    let url = JSON.string("\(base)/attachments/\(channelID)/\(id)/\(PercentEncoding.encode(filename))")
    var json: JSON = [
      "id": id.json, "filename": .string(filename), "size": .integer(Int64(size)), "url": url, "proxy_url": url,
      "content_type": .string(contentType),
    ]
    if let description { json["description"] = .string(description) }
    return json
  }
}

/// Source: Discord "Resources", Message.
struct Message: Sendable {
  struct Flags {
    static let crossposted: Int64 = 1
    static let suppressEmbeds: Int64 = 1 << 2
    static let ephemeral: Int64 = 1 << 6
    static let loading: Int64 = 1 << 7
    static let suppressNotifications: Int64 = 1 << 12
    static let componentsV2: Int64 = 1 << 15
    /// Those that an application may set when it makes a message.
    static let settable = suppressEmbeds | ephemeral | suppressNotifications | componentsV2
  }

  /// What led to the message, as `interaction_metadata` tells it.
  struct Cause: Sendable {
    let interactionID: Snowflake
    let kind: Int64
    let userID: Snowflake
    let commandName: String?
    /// The message whose component was used.
    let sourceMessageID: Snowflake?
  }

  let id: Snowflake
  let channelID: Snowflake
  let guildID: Snowflake?
  let authorID: Snowflake
  let timestamp: Timestamp
  var kind: Int64 = 0
  var content = ""
  var editedAt: Timestamp?
  var isTTS = false
  var embeds: [JSON] = []
  var components: [JSON] = []
  var attachments: [Attachment] = []
  var flags: Int64 = 0
  var mentions: [Snowflake] = []
  var mentionedRoles: [Snowflake] = []
  var mentionsEveryone = false
  var referencedID: Snowflake?
  var cause: Cause?
  var nonce: JSON?
  /// The application that made it through an interaction.
  var applicationID: Snowflake?
  /// The one user who sees it; nil for an ordinary message.
  var ephemeralFor: Snowflake?
  var pinnedAt: Timestamp?
  /// In the order of their first use.
  var reactions: [Reaction] = []
  /// The webhook that sent it, and as whom.
  var webhook: WebhookAuthor?
  /// The thread that was started at it, which has its id.
  var hasThread = false

  struct Reaction: Sendable {
    /// Nil for a Unicode emoji.
    let emojiID: Snowflake?
    let name: String
    var users: [Snowflake]

    var emoji: JSON { ["id": emojiID?.json ?? .null, "name": .string(name)] }
  }

  struct WebhookAuthor: Sendable {
    let id: Snowflake
    let name: String

    var json: JSON {
      [
        "id": id.json, "username": .string(name), "discriminator": "0000", "avatar": .null, "bot": true,
        "global_name": .null, "flags": 0, "public_flags": 0, "primary_guild": .null, "clan": .null,
      ]
    }
  }

  /// Reads who is mentioned out of the text, within what `allowed_mentions` permits.
  mutating func readMentions(allowed: JSON?) {
    mentions = []
    mentionedRoles = []
    let parse = allowed?["parse"]?.array.map { Set($0.compactMap(\.string)) }
    let users = allowed?["users"]?.array.map { Set($0.compactMap { Snowflake($0) }) }
    let roles = allowed?["roles"]?.array.map { Set($0.compactMap { Snowflake($0) }) }
    let isOpen = allowed == nil
    for (mark, text) in content.mentionMarks {
      guard let id = Snowflake(text) else { continue }
      if mark == "&" {
        guard isOpen || parse?.contains("roles") == true || roles?.contains(id) == true else { continue }
        if !mentionedRoles.contains(id) { mentionedRoles.append(id) }
      } else {
        guard isOpen || parse?.contains("users") == true || users?.contains(id) == true else { continue }
        if !mentions.contains(id) { mentions.append(id) }
      }
    }
    mentionsEveryone =
      (isOpen || parse?.contains("everyone") == true) && (content.contains("@everyone") || content.contains("@here"))
  }
}

extension String {
  /// Every `<@1>`, `<@!1>` (mark empty) and `<@&1>` (mark `&`) with its digits.
  var mentionMarks: [(mark: String, id: Substring)] {
    var found: [(String, Substring)] = []
    var rest = self[...]
    while let start = rest.firstRange(of: "<@") {
      rest = rest[start.upperBound...]
      guard let end = rest.firstIndex(of: ">") else { break }
      let inner = rest[..<end]
      if inner.hasPrefix("&") {
        found.append(("&", inner.dropFirst()))
      } else {
        found.append(("", inner.hasPrefix("!") ? inner.dropFirst() : inner))
      }
    }
    return found
  }
}
