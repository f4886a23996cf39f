import Core
import Storage

/// A part of the bot that a guild can switch on and off as a whole: its commands, its event handlers, its tables.
public protocol Plugin: Sendable {
  /// Names the plugin in the configuration, in the database and in `/plugins`: lower-case letters, digits, `-` and `_`.
  /// It never changes.
  var name: String { get }
  /// What people read.
  var title: String { get }
  /// One sentence.
  var summary: String { get }
  /// A core plugin cannot be switched off; its commands are registered globally.
  var isCore: Bool { get }
  /// The plugin's tables, in the order of their numbers.
  var migrations: [Migration] { get }
  /// What the plugin wants to hear from Discord.
  var subscriptions: [EventSubscription] { get }

  /// The commands; called once.
  /// - Parameter plugins: All plugins of this bot, this one too.
  func commands(among plugins: [PluginDescription]) throws -> [Command]
  /// What the buttons, selects and dialogs of this plugin lead to; called once.
  ///
  /// A guild that switches the plugin off switches them off too. In direct messages they work, as those of a core
  /// plugin do.
  func components() throws -> [ComponentRoute]
  /// Names who does the plugin's jobs; called once, before ``start()``.
  func registerJobs(with runner: JobRunner) async
  /// Called once, before the first command or event and after the migrations.
  func start() async throws
  /// Called once, after the last command and event. Not called if ``start()`` threw.
  func stop() async
}

extension Plugin {
  public var isCore: Bool { false }
  public var migrations: [Migration] { [] }
  public var subscriptions: [EventSubscription] { [] }
  public func components() throws -> [ComponentRoute] { [] }
  public func registerJobs(with runner: JobRunner) async {}
  public func start() async throws {}
  public func stop() async {}

  public var description: PluginDescription {
    PluginDescription(name: name, title: title, summary: summary, isCore: isCore)
  }
}

/// What a plugin says of itself.
public struct PluginDescription: Sendable, Hashable {
  public let name: String
  public let title: String
  public let summary: String
  public let isCore: Bool

  public init(name: String, title: String, summary: String, isCore: Bool) {
    self.name = name
    self.title = title
    self.summary = summary
    self.isCore = isCore
  }
}
