import Gateway
import Platform
import Storage

/// The plugins of this bot, checked as a whole.
public struct PluginRegistry: Sendable {
  public let plugins: [any Plugin]
  public let catalog: CommandCatalog

  /// - Throws: ``PluginRegistryError`` with everything that is wrong: names used twice, declarations that Discord would
  ///   refuse.
  public init(_ plugins: [any Plugin]) throws {
    let descriptions = plugins.map(\.description)
    var problems: [String] = []
    var seen: Set<String> = []
    for plugin in descriptions {
      if !Self.isValid(name: plugin.name) {
        problems.append("“\(plugin.name)” is not a plugin name: lower-case letters, digits, “-” and “_”, at most 32")
      }
      if !seen.insert(plugin.name).inserted { problems.append("two plugins are named “\(plugin.name)”") }
    }
    var entries: [CommandCatalog.Entry] = []
    var owners: [String: String] = [:]
    var handlers: [UInt32: (name: String, plugin: String)] = [:]
    for (plugin, description) in zip(plugins, descriptions) {
      let commands = try plugin.commands(among: descriptions)
      for command in commands {
        let title = command.type.title(of: command.name)
        if let owner = owners.updateValue(plugin.name, forKey: title) {
          problems.append("\(title) is declared twice, by “\(owner)” and by “\(plugin.name)”")
        }
        problems += command.definition(in: .global).validate().map { "\(plugin.name): \($0)" }
      }
      let components = try plugin.components()
      for component in components {
        problems += component.problems.map { "\(plugin.name): component “\(component.name)”: \($0)" }
        let id = try ComponentToken.identifier(ofHandler: component.name)
        if let other = handlers.updateValue((component.name, plugin.name), forKey: id) {
          problems.append(
            other.name == component.name
              ? "the component “\(component.name)” is declared twice, by “\(other.plugin)” and by “\(plugin.name)”"
              : "the components “\(other.name)” and “\(component.name)” cannot be told apart: rename one")
        }
      }
      entries.append(CommandCatalog.Entry(plugin: description, commands: commands, components: components))
    }
    for isCore in [true, false] {
      let commands = entries.filter { $0.isCore == isCore }.flatMap(\.commands)
      for (type, limit) in [
        (ApplicationCommandType.chatInput, CommandLimits.commands), (.user, CommandLimits.contextMenus),
        (.message, CommandLimits.contextMenus),
      ] {
        let count = commands.count { $0.type == type }
        if count > limit { problems.append("\(count) \(type.plural) in one scope, more than \(limit)") }
      }
    }
    guard problems.isEmpty else { throw PluginRegistryError(problems: problems) }
    self.plugins = plugins
    catalog = try CommandCatalog(entries)
  }

  /// The plugins' tables, for the database to bring up to date before ``start(log:)``.
  public var migrations: [MigrationModule] {
    plugins.filter { !$0.migrations.isEmpty }.map { MigrationModule($0.name, $0.migrations) }
  }

  /// Starts the plugins in their order. If one fails, those already started are stopped again.
  public func start(log: Log) async throws {
    var started: [any Plugin] = []
    for plugin in plugins {
      do {
        try await plugin.start()
      } catch {
        log.error("plugin did not start", ["plugin": .string(plugin.name), "error": .error(error)])
        for plugin in started.reversed() { await plugin.stop() }
        throw error
      }
      started.append(plugin)
    }
  }

  /// Stops the plugins, the last one first.
  public func stop() async {
    for plugin in plugins.reversed() { await plugin.stop() }
  }

  private static func isValid(name: String) -> Bool {
    (1...32).contains(name.utf8.count)
      && name.utf8.allSatisfy {
        switch $0 {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
          UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }
}

extension ApplicationCommandType {
  fileprivate func title(of name: String) -> String {
    switch self {
    case .user: "the user command “\(name)”"
    case .message: "the message command “\(name)”"
    default: "/\(name)"
    }
  }

  fileprivate var plural: String {
    switch self {
    case .user: "user commands"
    case .message: "message commands"
    default: "commands"
    }
  }
}

extension ComponentRoute {
  fileprivate var problems: [String] {
    let allowed = Set("abcdefghijklmnopqrstuvwxyz0123456789.-_")
    return (1...64).contains(name.count) && name.allSatisfy(allowed.contains)
      ? [] : ["a component's name has 1 to 64 lower-case letters, digits, “.”, “-” and “_”"]
  }
}

/// Plugins that cannot live together, or that Discord would refuse.
public struct PluginRegistryError: Error, Equatable, CustomStringConvertible {
  public let problems: [String]
  public var description: String { problems.joined(separator: "\n") }
}
