import Gateway

/// What a guild decided for one member, by the name of a command: true allows it, false forbids it.
public typealias PermissionExceptions = [String: Bool]

/// Where the exceptions are kept.
public protocol PermissionExceptionSource: Sendable {
  func exceptions(for user: Snowflake, in guild: Snowflake) async throws -> PermissionExceptions
}

/// Whether something may run where it was asked for, by whom it was asked for.
public struct CommandAccess: Sendable {
  let enabled: any EnabledPlugins
  /// Those who run the bot: they may everything that Discord lets them see.
  let owners: Set<Snowflake>

  public init(enabled: any EnabledPlugins, owners: Set<Snowflake> = []) {
    self.enabled = enabled
    self.owners = owners
  }

  public var hasOwners: Bool { !owners.isEmpty }
  public func isOwner(_ user: Snowflake?) -> Bool { user.map(owners.contains) ?? false }

  /// Why not, in words for the invoker; nil if it may. Discord checks most of this too, but managers can override its
  /// check and its menus lag behind.
  /// - Parameter exceptions: The guild's, for this user.
  public func refusal(
    of action: Action, plugin: PluginDescription, interaction: Interaction, exceptions: PermissionExceptions = [:]
  ) -> Refusal? {
    placeRefusal(of: action, plugin: plugin, interaction: interaction)
      ?? permissionRefusal(of: action, interaction: interaction, exceptions: exceptions)
  }

  /// Whether the invoker of an interaction may use something, apart from where it is offered and from what the bot may.
  public func permits(_ action: Action, in interaction: Interaction, exceptions: PermissionExceptions) -> Bool {
    var action = action
    action.botPermissions = []
    return permissionRefusal(of: action, interaction: interaction, exceptions: exceptions) == nil
  }

  /// Whether it is offered here at all.
  func placeRefusal(of action: Action, plugin: PluginDescription, interaction: Interaction) -> Refusal? {
    guard let guild = interaction.guildID else {
      let isGuildOnly = action.contexts == .guilds || !plugin.isCore && !action.kind.isComponent
      return isGuildOnly ? Refusal(.place, "\(action.title.capitalized) works in a server only.") : nil
    }
    if !plugin.isCore, !enabled.isEnabled(plugin.name, in: guild) {
      return Refusal(
        .pluginOff,
        "**\(plugin.title)** is switched off in this server. A manager can switch it on with `/plugins enable`.")
    }
    return nil
  }

  /// The most specific exception counts; without one, what Discord's roles give. An administrator of the guild cannot be
  /// locked out, an owner of the bot neither.
  func permissionRefusal(
    of action: Action, interaction: Interaction, exceptions: PermissionExceptions
  ) -> Refusal? {
    let isOwner = isOwner(interaction.user?.id)
    if action.isOwnerOnly, !isOwner {
      return Refusal(.permission, "\(action.title.capitalized) is for those who run this bot.")
    }
    if interaction.guildID != nil, !isOwner {
      let granted = interaction.member?.permissions ?? []
      let exception = action.permissionNames.lazy.compactMap { exceptions[$0] }.first
      if exception == false, !granted.contains(.administrator) {
        return Refusal(.permission, "A manager of this server has forbidden you to use \(action.title).")
      }
      let missing = action.memberPermissions.missing(from: granted)
      if exception != true, !missing.isEmpty {
        return Refusal(.permission, "You need the permission \(missing.names) for \(action.title).")
      }
    }
    if interaction.guildID != nil, let own = interaction.appPermissions {
      let missing = action.botPermissions.missing(from: own)
      if !missing.isEmpty {
        return Refusal(.botPermission, "I need the permission \(missing.names) here for \(action.title).")
      }
    }
    return nil
  }
}

extension String {
  /// With a capital first letter, where there is one.
  fileprivate var capitalized: String { prefix(1).uppercased() + dropFirst() }
}
