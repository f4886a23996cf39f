import Commands
import Core
import Gateway
import Platform

/// What every guild has: `/ping`, `/help`, `/about`, and `/plugins` to switch the others on and off.
public struct AdministrationPlugin: Plugin {
  public let name = "administration"
  public let title = "Administration"
  public let summary = "Help, health of the bot, and which features this server uses."
  public let isCore = true

  private let status: any BotStatus
  private let switches: PluginSwitches
  private let enabled: any EnabledPlugins
  private let registration: CommandRegistration
  private let log: Log

  public init(
    status: any BotStatus, switches: PluginSwitches, enabled: any EnabledPlugins, registration: CommandRegistration,
    log: Log
  ) {
    self.status = status
    self.switches = switches
    self.enabled = enabled
    self.registration = registration
    self.log = log
  }

  public func commands(among plugins: [PluginDescription]) throws -> [Command] {
    let services = Administration(
      status: status, plugins: plugins, enabled: enabled,
      switching: PluginSwitchService(
        switches: switches,
        targets: Dictionary(
          plugins.map { ($0.name, PluginSwitchService.Target(isCore: $0.isCore)) }, uniquingKeysWith: { $1 }),
        isEnabled: { [enabled] in enabled.isEnabled($0, in: Snowflake(rawValue: $1.rawValue)) },
        register: { [registration] in
          try await registration.synchronize(.guild(Snowflake(rawValue: $0.rawValue)))
        }, log: log))
    return [
      try Ping.command(services: services), try Help.command(services: services),
      try About.command(services: services), try PluginsGroup.command(services: services),
    ]
  }
}

/// What the commands of this plugin work with.
struct Administration: Sendable {
  let status: any BotStatus
  let plugins: [PluginDescription]
  let enabled: any EnabledPlugins
  let switching: PluginSwitchService

  /// Those that a guild can switch.
  var optional: [PluginDescription] { plugins.filter { !$0.isCore } }
}
