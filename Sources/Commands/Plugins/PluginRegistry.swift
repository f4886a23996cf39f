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
    for (plugin, description) in zip(plugins, descriptions) {
      let commands = try plugin.commands(among: descriptions)
      for command in commands {
        if let owner = owners.updateValue(plugin.name, forKey: command.name) {
          problems.append("/\(command.name) is declared twice, by “\(owner)” and by “\(plugin.name)”")
        }
        problems += command.definition(in: .global).validate().map { "\(plugin.name): \($0)" }
      }
      entries.append(CommandCatalog.Entry(plugin: description, commands: commands))
    }
    let commandCounts = [true, false].map { isCore in
      entries.filter { $0.isCore == isCore }.reduce(0) { $0 + $1.commands.count }
    }
    for count in commandCounts where count > CommandLimits.commands {
      problems.append("\(count) commands in one scope, more than \(CommandLimits.commands)")
    }
    guard problems.isEmpty else { throw PluginRegistryError(problems: problems) }
    self.plugins = plugins
    catalog = CommandCatalog(entries)
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

/// Plugins that cannot live together, or that Discord would refuse.
public struct PluginRegistryError: Error, Equatable, CustomStringConvertible {
  public let problems: [String]
  public var description: String { problems.joined(separator: "\n") }
}
