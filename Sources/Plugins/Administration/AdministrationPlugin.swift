import Commands
import Core
import Gateway
import Platform

/// What every guild has: `/ping`, `/help`, `/about`, `/plugins` to switch the others on and off, `/permissions` for
/// exceptions from the roles, and for the bot's owners `/maintenance` and `/bot`.
public struct AdministrationPlugin: Plugin {
  public let name = "administration"
  public let title = "Administration"
  public let summary = "Help, health of the bot, and which features this server uses."
  public let isCore = true

  private let status: any BotStatus
  private let shared: SharedState
  private let enabled: any EnabledPlugins
  private let admission: Admission
  private let registration: CommandRegistration
  private let control: (any BotControl)?
  private let log: Log

  public init(
    status: any BotStatus, shared: SharedState, enabled: any EnabledPlugins, admission: Admission,
    registration: CommandRegistration, control: (any BotControl)? = nil, log: Log
  ) {
    self.status = status
    self.shared = shared
    self.admission = admission
    self.enabled = enabled
    self.registration = registration
    self.control = control
    self.log = log
  }

  public func commands(among plugins: [PluginDescription]) throws -> [Command] {
    let services = Administration(
      status: status, plugins: plugins, enabled: enabled,
      switching: PluginSwitchService(
        switches: shared.switches,
        targets: Dictionary(
          plugins.map { ($0.name, PluginSwitchService.Target(isCore: $0.isCore)) }, uniquingKeysWith: { $1 }),
        isEnabled: { [enabled] in enabled.isEnabled($0, in: Snowflake(rawValue: $1.rawValue)) },
        register: { [registration] in
          // Someone asked: what is remembered is not good enough.
          try await registration.synchronize(.guild(Snowflake(rawValue: $0.rawValue)), trustsMemory: false)
        }, log: log),
      admission: admission, permissions: PermissionService(permissions: shared.permissions, access: admission.access),
      maintenance: shared.maintenance)
    var commands = [
      try Ping.command(services: services), try Help.command(services: services),
      try About.command(services: services), try PluginsGroup.command(services: services),
      try PermissionsGroup.command(services: services),
    ]
    if admission.access.hasOwners {
      commands.append(try MaintenanceGroup.command(services: services))
      if let control { commands.append(try BotGroup.command(services: control)) }
    }
    return commands
  }
}

/// What the commands of this plugin work with.
struct Administration: Sendable {
  let status: any BotStatus
  let plugins: [PluginDescription]
  let enabled: any EnabledPlugins
  let switching: PluginSwitchService
  let admission: Admission
  let permissions: PermissionService
  let maintenance: MaintenanceMode

  /// Those that a guild can switch.
  var optional: [PluginDescription] { plugins.filter { !$0.isCore } }
}
