import Core
import KillTracker
import Platform

/// What both Kill Tracker documents are served from.
public struct KillTrackerServices: Sendable {
  let authentication: Authentication
  /// Nil: no Discord application is configured that people could log in with.
  let discordLogin: DiscordLogin?
  let guilds: any GuildDirectory
  let kills: Kills
  let webhooks: Webhooks
  let hub: KillTrackerHub
  let events: DomainEvents
  let auditLog: AuditLog
  let users: Users
  let time: any TimeSource
  /// Of this program.
  let version: String

  public init(
    authentication: Authentication, discordLogin: DiscordLogin?, guilds: any GuildDirectory, kills: Kills,
    webhooks: Webhooks, hub: KillTrackerHub, shared: SharedState, version: String
  ) {
    self.authentication = authentication
    self.discordLogin = discordLogin
    self.guilds = guilds
    self.kills = kills
    self.webhooks = webhooks
    self.hub = hub
    events = shared.events
    auditLog = shared.auditLog
    users = shared.users
    time = shared.time
    self.version = version
  }
}

/// The guilds that the bot is in, as its gateway knows them at this moment.
public protocol GuildDirectory: Sendable {
  /// Those that the user owns, by name.
  func guilds(ownedBy user: UserID) -> [GuildSummary]
  /// Nil for a guild without this bot, or one that the gateway has not told of yet.
  func guild(_ id: GuildID) -> GuildSummary?
}

/// A guild in a line.
public struct GuildSummary: Sendable, Equatable {
  public var id: GuildID
  public var name: String
  public var iconURL: String?

  public init(id: GuildID, name: String, iconURL: String? = nil) {
    self.id = id
    self.name = name
    self.iconURL = iconURL
  }
}
