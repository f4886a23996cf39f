import Core

/// The guilds that the bot is in, as its gateway knows them at this moment.
public protocol GuildDirectory: Sendable {
  /// Those that the user owns, by name.
  func guilds(ownedBy user: UserID) -> [GuildSummary]
  /// Nil for a guild without this bot, or one that the gateway has not told of yet.
  func guild(_ id: GuildID) -> GuildSummary?
  /// Its name, at little cost.
  func name(of id: GuildID) -> String?
  /// False only for what is certainly no guild of this bot.
  func mayExist(_ id: GuildID) -> Bool
  /// All of them, by name.
  func all(limit: Int) -> [GuildSummary]
  /// Those in which the user is a member, by name: what is known, and beyond that what Discord says of few guilds.
  /// - Parameter likely: where the user has been; these are looked at first.
  func guilds(of user: UserID, likely: [GuildID], limit: Int) async throws -> [GuildSummary]
  /// Members who are known, by id, the owner among them.
  func members(of id: GuildID, limit: Int) async throws -> [GuildMemberSummary]
  /// Its channels without threads, in Discord's order; empty while they are not known.
  func channels(of id: GuildID) -> [GuildChannelSummary]
}

extension GuildDirectory {
  public func name(of id: GuildID) -> String? { guild(id)?.name }
}

/// A guild in a line.
public struct GuildSummary: Sendable, Equatable {
  public var id: GuildID
  public var name: String
  public var iconURL: String?
  public var owner: UserID?
  public var memberCount: Int?
  /// False during an outage at Discord.
  public var isAvailable: Bool

  public init(
    id: GuildID, name: String, iconURL: String? = nil, owner: UserID? = nil, memberCount: Int? = nil,
    isAvailable: Bool = true
  ) {
    self.id = id
    self.name = name
    self.iconURL = iconURL
    self.owner = owner
    self.memberCount = memberCount
    self.isAvailable = isAvailable
  }
}

/// A member in a line.
public struct GuildMemberSummary: Sendable, Equatable {
  public var id: UserID
  public var username: String
  public var avatarURL: String?
  /// Whether they own the guild, or hold MANAGE_GUILD or ADMINISTRATOR.
  public var isManager: Bool

  public init(id: UserID, username: String, avatarURL: String? = nil, isManager: Bool) {
    self.id = id
    self.username = username
    self.avatarURL = avatarURL
    self.isManager = isManager
  }
}

/// A channel in a line.
public struct GuildChannelSummary: Sendable, Equatable {
  public var id: String
  public var name: String
  /// `text`, `voice`, `category`, `announcement`, `stage`, `forum`, `media`, `directory`; `unknown` for what is newer.
  public var type: String
  /// Whether every member sees it.
  public var isOpen: Bool
  /// Whether a bot can write there.
  public var isForMessages: Bool { type == "text" || type == "announcement" }

  public init(id: String, name: String, type: String, isOpen: Bool = true) {
    self.id = id
    self.name = name
    self.type = type
    self.isOpen = isOpen
  }
}
