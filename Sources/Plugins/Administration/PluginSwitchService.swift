import Core
import Platform

/// Switches plugins on and off in a guild: the rules, whoever asks.
public struct PluginSwitchService: Sendable {
  public enum Failure: Error, Equatable {
    case unknownPlugin(String)
    case corePlugin(String)
  }

  /// What a switch did.
  public struct Change: Sendable, Equatable {
    /// False if the plugin was as wanted already.
    public var isChanged: Bool
    /// False if Discord did not take the new list of commands; the choice holds all the same.
    public var isRegistered: Bool
  }

  /// A plugin as this service has to know it.
  public struct Target: Sendable {
    public var isCore: Bool
    public init(isCore: Bool) { self.isCore = isCore }
  }

  private let switches: PluginSwitches
  private let isEnabled: @Sendable (_ plugin: String, GuildID) -> Bool
  private let register: @Sendable (GuildID) async throws -> Void
  private let targets: [String: Target]
  private let log: Log

  /// - Parameter targets: All plugins by name.
  /// - Parameter register: Brings a guild's commands in order.
  public init(
    switches: PluginSwitches, targets: [String: Target],
    isEnabled: @escaping @Sendable (_ plugin: String, GuildID) -> Bool,
    register: @escaping @Sendable (GuildID) async throws -> Void, log: Log
  ) {
    self.switches = switches
    self.targets = targets
    self.isEnabled = isEnabled
    self.register = register
    self.log = log
  }

  /// Stores the guild's choice with a line in the audit log, and brings its commands in order. The commands are looked
  /// at even if nothing changes, so that asking again repairs what failed.
  /// - Throws: ``Failure``, or what the database throws.
  public func set(_ plugin: String, enabled: Bool, in guild: GuildID, by user: UserID) async throws -> Change {
    guard let target = targets[plugin] else { throw Failure.unknownPlugin(plugin) }
    guard !target.isCore else { throw Failure.corePlugin(plugin) }
    let isChanged = isEnabled(plugin, guild) != enabled
    if isChanged {
      try await switches.set(
        plugin, enabled: enabled, in: guild, by: user,
        audit: PluginSwitches.auditEntry(plugin, enabled: enabled, in: guild, by: user))
    }
    do {
      try await register(guild)
      return Change(isChanged: isChanged, isRegistered: true)
    } catch {
      log.error("commands not registered", ["guild": .of(guild), "error": .error(error)])
      return Change(isChanged: isChanged, isRegistered: false)
    }
  }
}
