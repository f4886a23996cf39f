import Gateway

/// All commands of the bot by plugin, fixed at start.
public struct CommandCatalog: Sendable {
  /// A plugin with its commands.
  public struct Entry: Sendable {
    public let plugin: PluginDescription
    public let commands: [Command]

    public var name: String { plugin.name }
    public var isCore: Bool { plugin.isCore }
  }

  /// Where a command's name leads.
  public struct Route: Sendable {
    public let plugin: PluginDescription
    public let command: Command
  }

  public let plugins: [Entry]
  private let routes: [String: Route]

  init(_ plugins: [Entry]) {
    self.plugins = plugins
    var routes: [String: Route] = [:]
    for entry in plugins {
      for command in entry.commands { routes[command.name] = Route(plugin: entry.plugin, command: command) }
    }
    self.routes = routes
  }

  /// The top-level command of that name.
  public func route(to command: String) -> Route? { routes[command] }

  /// The command or subcommand of that path, `["plugins", "enable"]`.
  public func leaf(_ path: [String]) -> (plugin: PluginDescription, leaf: CommandLeaf, contexts: CommandContexts)? {
    guard let first = path.first, let route = routes[first],
      let leaf = route.command.leaves.first(where: { $0.path == path })
    else { return nil }
    return (route.plugin, leaf, route.command.contexts)
  }
}
