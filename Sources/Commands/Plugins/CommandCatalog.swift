import Gateway

/// All commands of the bot by plugin, fixed at start.
public struct CommandCatalog: Sendable {
  /// A plugin with its commands.
  public struct Entry: Sendable {
    public let plugin: PluginDescription
    public let commands: [Command]
    public let components: [ComponentRoute]

    public var name: String { plugin.name }
    public var isCore: Bool { plugin.isCore }
  }

  /// Where a command's name leads.
  public struct Route: Sendable {
    public let plugin: PluginDescription
    public let command: Command
  }

  /// Where a custom id leads.
  struct Component: Sendable {
    let plugin: PluginDescription
    let route: ComponentRoute
  }

  private struct Key: Hashable {
    var type: ApplicationCommandType
    var name: String
  }

  public let plugins: [Entry]
  private let routes: [Key: Route]
  private let components: [UInt32: Component]

  init(_ plugins: [Entry]) throws {
    self.plugins = plugins
    var routes: [Key: Route] = [:]
    var components: [UInt32: Component] = [:]
    for entry in plugins {
      for command in entry.commands {
        routes[Key(type: command.type, name: command.name)] = Route(plugin: entry.plugin, command: command)
      }
      for route in entry.components {
        components[try ComponentToken.identifier(ofHandler: route.name)] = Component(plugin: entry.plugin, route: route)
      }
    }
    self.routes = routes
    self.components = components
  }

  /// The top-level command of that name.
  public func route(to command: String, type: ApplicationCommandType = .chatInput) -> Route? {
    routes[Key(type: type, name: command)]
  }

  /// The command or subcommand of that path, `["plugins", "enable"]`.
  public func leaf(
    _ path: [String], type: ApplicationCommandType = .chatInput
  ) -> (plugin: PluginDescription, leaf: CommandLeaf)? {
    guard let first = path.first, let route = route(to: first, type: type),
      let leaf = route.command.leaves.first(where: { $0.path == path })
    else { return nil }
    return (route.plugin, leaf)
  }

  func component(_ handler: UInt32) -> Component? { components[handler] }

  /// All commands of all plugins.
  public var leaves: [(plugin: PluginDescription, leaf: CommandLeaf)] {
    plugins.flatMap { entry in entry.commands.flatMap(\.leaves).map { (entry.plugin, $0) } }
  }
}
