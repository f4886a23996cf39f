import Core
import KillTracker
import Platform

/// What both Kill Tracker documents are served from.
public struct KillTrackerServices: Sendable {
  let authentication: Authentication
  /// Nil: no Discord application is configured that people could log in with.
  let discordLogin: DiscordLogin?
  let guilds: any GuildDirectory
  let tracker: TrackerServices
  let webhooks: Webhooks
  let hub: KillTrackerHub
  /// Of this program.
  let version: String

  var kills: Kills { tracker.kills }
  var events: DomainEvents { tracker.shared.events }
  var auditLog: AuditLog { tracker.shared.auditLog }
  var users: Users { tracker.shared.users }
  var time: any TimeSource { tracker.time }

  public init(
    authentication: Authentication, discordLogin: DiscordLogin?, guilds: any GuildDirectory,
    tracker: TrackerServices, webhooks: Webhooks, hub: KillTrackerHub, version: String
  ) {
    self.authentication = authentication
    self.discordLogin = discordLogin
    self.guilds = guilds
    self.tracker = tracker
    self.webhooks = webhooks
    self.hub = hub
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
