import Core
import Gateway
import Synchronization

/// The guilds' choices as the core keeps them, over the configuration's defaults.
public final class GuildPlugins: EnabledPlugins {
  private let switches: PluginSwitches
  private let defaults: Mutex<[String: Bool]>

  /// - Parameter defaults: Whether a plugin is on in guilds that chose nothing. A plugin that is not named is off.
  public init(switches: PluginSwitches, defaults: [String: Bool]) {
    self.switches = switches
    self.defaults = Mutex(defaults)
  }

  public func isEnabled(_ plugin: String, in guild: Snowflake) -> Bool {
    switches.isEnabled(
      plugin, in: GuildID(guild.rawValue), default: defaults.withLock { $0[plugin] } ?? false)
  }

  /// Replaces the defaults while the bot runs. Which commands a guild shows changes at its next registration.
  public func setDefaults(_ defaults: [String: Bool]) {
    self.defaults.withLock { $0 = defaults }
  }
}
