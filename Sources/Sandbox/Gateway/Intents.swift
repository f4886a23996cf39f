import Platform

/// Which events a session asked for. Source: Discord "Gateway", section List of Intents.
struct Intents: OptionSet, Hashable, Sendable {
  let rawValue: UInt64

  static let guilds = Intents(rawValue: 1 << 0)
  static let guildMembers = Intents(rawValue: 1 << 1)
  static let guildModeration = Intents(rawValue: 1 << 2)
  static let guildExpressions = Intents(rawValue: 1 << 3)
  static let guildWebhooks = Intents(rawValue: 1 << 5)
  static let guildInvites = Intents(rawValue: 1 << 6)
  static let guildPresences = Intents(rawValue: 1 << 8)
  static let guildMessages = Intents(rawValue: 1 << 9)
  static let guildMessageReactions = Intents(rawValue: 1 << 10)
  static let guildMessageTyping = Intents(rawValue: 1 << 11)
  static let directMessages = Intents(rawValue: 1 << 12)
  static let directMessageReactions = Intents(rawValue: 1 << 13)
  static let directMessageTyping = Intents(rawValue: 1 << 14)
  static let messageContent = Intents(rawValue: 1 << 15)

  /// Bits 0–16, 20, 21, 24 and 25.
  static let known = Intents(rawValue: 0x1_FFFF | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25)
  static let privileged: Intents = [.guildMembers, .guildPresences, .messageContent]
}

/// Something that happened, before it is known who hears of it.
struct Event: Sendable {
  let name: String
  /// The guild where it happened; nil in direct messages and for what concerns an application.
  var guildID: Snowflake?
  /// Any one of these is needed; empty: every session gets it.
  var intents: Intents = []
  /// Only sessions of this application hear of it.
  var applicationID: Snowflake?
  var data: JSON
  /// The message's text, embeds, components and files are only for those who may read them.
  var content: MessageContent?

  struct MessageContent: Sendable {
    let authorID: Snowflake
    let mentions: [Snowflake]
    let isDirect: Bool
    /// The bots among a direct message's two sides.
    let recipients: [Snowflake]
  }

  /// The data as this session gets it; nil if it does not.
  func data(for session: GatewaySession) -> JSON? {
    if let applicationID, applicationID != session.applicationID { return nil }
    if !intents.isEmpty, session.intents.isDisjoint(with: intents) { return nil }
    if let guildID {
      guard session.covers(guild: guildID) else { return nil }
    } else if session.shard.id != 0 {
      return nil
    }
    guard let content else { return data }
    if content.isDirect, !content.recipients.contains(session.applicationID) { return nil }
    if session.intents.contains(.messageContent) || content.isDirect || content.authorID == session.applicationID
      || content.mentions.contains(session.applicationID)
    {
      return data
    }
    var stripped = data
    stripped["content"] = ""
    for name in ["embeds", "attachments", "components"] { stripped[name] = [] }
    return stripped
  }
}
