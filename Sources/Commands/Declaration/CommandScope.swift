import Gateway

/// Where a command is registered.
public enum CommandScope: Sendable, Hashable, CustomStringConvertible {
  /// In every server and in direct messages.
  case global
  case guild(Snowflake)

  public var description: String {
    switch self {
    case .global: "global"
    case .guild(let id): "guild \(id)"
    }
  }
}

/// Where in Discord something can be used.
public enum CommandContexts: Sendable, Hashable {
  /// In servers only.
  case guilds
  /// In servers and in direct messages with the bot.
  case guildsAndDirectMessages
  /// There and in direct messages of users among themselves: for commands that users install to their accounts
  /// (``DeclaredCommand/integrationTypes``).
  case anywhere

  /// As the definition of a global command says it. Commands of a guild have no such field.
  var wireValue: [InteractionContext] {
    switch self {
    case .guilds: [.guild]
    case .guildsAndDirectMessages: [.guild, .botDirectMessage]
    case .anywhere: [.guild, .botDirectMessage, .privateChannel]
    }
  }
}
