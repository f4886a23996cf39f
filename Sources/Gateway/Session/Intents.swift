/// The groups of events a bot asks for. See `developers/events/gateway`, "Gateway Intents".
public struct Intents: OptionSet, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  public static let guilds = Intents(rawValue: 1 << 0)
  public static let guildMembers = Intents(rawValue: 1 << 1)
  public static let guildModeration = Intents(rawValue: 1 << 2)
  public static let guildExpressions = Intents(rawValue: 1 << 3)
  public static let guildIntegrations = Intents(rawValue: 1 << 4)
  public static let guildWebhooks = Intents(rawValue: 1 << 5)
  public static let guildInvites = Intents(rawValue: 1 << 6)
  public static let guildVoiceStates = Intents(rawValue: 1 << 7)
  public static let guildPresences = Intents(rawValue: 1 << 8)
  public static let guildMessages = Intents(rawValue: 1 << 9)
  public static let guildMessageReactions = Intents(rawValue: 1 << 10)
  public static let guildMessageTyping = Intents(rawValue: 1 << 11)
  public static let directMessages = Intents(rawValue: 1 << 12)
  public static let directMessageReactions = Intents(rawValue: 1 << 13)
  public static let directMessageTyping = Intents(rawValue: 1 << 14)
  public static let messageContent = Intents(rawValue: 1 << 15)
  public static let guildScheduledEvents = Intents(rawValue: 1 << 16)
  public static let autoModerationConfiguration = Intents(rawValue: 1 << 20)
  public static let autoModerationExecution = Intents(rawValue: 1 << 21)
  public static let guildMessagePolls = Intents(rawValue: 1 << 24)
  public static let directMessagePolls = Intents(rawValue: 1 << 25)

  /// Those that must be switched on in the Developer Portal.
  public static let privileged: Intents = [.guildMembers, .guildPresences, .messageContent]

  /// Every intent by the name it has in Discord's documents.
  public static let named: [(name: String, intent: Intents)] = [
    ("GUILDS", .guilds), ("GUILD_MEMBERS", .guildMembers), ("GUILD_MODERATION", .guildModeration),
    ("GUILD_EXPRESSIONS", .guildExpressions), ("GUILD_INTEGRATIONS", .guildIntegrations),
    ("GUILD_WEBHOOKS", .guildWebhooks), ("GUILD_INVITES", .guildInvites), ("GUILD_VOICE_STATES", .guildVoiceStates),
    ("GUILD_PRESENCES", .guildPresences), ("GUILD_MESSAGES", .guildMessages),
    ("GUILD_MESSAGE_REACTIONS", .guildMessageReactions), ("GUILD_MESSAGE_TYPING", .guildMessageTyping),
    ("DIRECT_MESSAGES", .directMessages), ("DIRECT_MESSAGE_REACTIONS", .directMessageReactions),
    ("DIRECT_MESSAGE_TYPING", .directMessageTyping), ("MESSAGE_CONTENT", .messageContent),
    ("GUILD_SCHEDULED_EVENTS", .guildScheduledEvents),
    ("AUTO_MODERATION_CONFIGURATION", .autoModerationConfiguration),
    ("AUTO_MODERATION_EXECUTION", .autoModerationExecution), ("GUILD_MESSAGE_POLLS", .guildMessagePolls),
    ("DIRECT_MESSAGE_POLLS", .directMessagePolls),
  ]

  /// The intent of that name in Discord's documents.
  public init?(name: String) {
    guard let known = Self.named.first(where: { $0.name == name }) else { return nil }
    self = known.intent
  }

  /// The names, and the number of a bit that has none.
  public var description: String {
    var names = Self.named.filter { contains($0.intent) }.map(\.name)
    let rest = Self.named.reduce(self) { $0.subtracting($1.intent) }
    if !rest.isEmpty { names.append(String(rest.rawValue)) }
    return names.isEmpty ? "none" : names.joined(separator: ", ")
  }
}
