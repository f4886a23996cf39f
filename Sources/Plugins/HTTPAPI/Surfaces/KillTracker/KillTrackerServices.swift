import Commands
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
  let health: HealthMonitor
  let statistics: Statistics
  let control: any BotControl
  /// Of this program.
  let version: String

  var kills: Kills { tracker.kills }
  var events: DomainEvents { tracker.shared.events }
  var auditLog: AuditLog { tracker.shared.auditLog }
  var users: Users { tracker.shared.users }
  var storedGuilds: Guilds { tracker.shared.guilds }
  var servers: ServerSettings { tracker.servers }
  var time: any TimeSource { tracker.time }

  public init(
    authentication: Authentication, discordLogin: DiscordLogin?, guilds: any GuildDirectory,
    tracker: TrackerServices, webhooks: Webhooks, hub: KillTrackerHub, pegasus: PegasusServices,
    control: any BotControl, version: String
  ) {
    self.authentication = authentication
    self.discordLogin = discordLogin
    self.guilds = guilds
    self.tracker = tracker
    self.webhooks = webhooks
    self.hub = hub
    health = pegasus.health
    statistics = pegasus.statistics
    self.control = control
    self.version = version
  }
}
