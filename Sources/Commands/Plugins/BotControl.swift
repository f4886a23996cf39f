import Core

/// What those who run the bot do to it while it runs, whoever brings their wish: a slash command or the HTTP API. Each
/// deed is a line in the audit log, in the category `admin_action`. Whether the caller may is the surface's to check.
public protocol BotControl: Sendable {
  /// Holds all commands against what Discord has, whatever was registered before, and writes what differs.
  ///
  /// The global ones before it returns, those of the guilds behind it.
  /// - Throws: ``BotControlError/notConnected``; what Discord answers.
  func reloadCommands(by actor: BotOperator) async throws -> CommandReload
  /// Forgets what is only kept to save time, and reads it anew when it is needed: not the gateway's picture of the
  /// guilds, which Discord tells once.
  /// - Returns: what was forgotten, by name.
  func clearCaches(by actor: BotOperator) async throws -> [String]
  /// Begins maintenance, or ends it.
  /// - Returns: whether that changed anything.
  func setMaintenance(_ isOn: Bool, reason: String?, by actor: BotOperator) async throws -> Bool
  /// Ends everything in order, as SIGTERM does, and starts the same program with the same arguments as the same process.
  /// Shards resume, so no event is lost. Returns before any of that happens, so that it can be answered.
  func restart(by actor: BotOperator) async throws
}

/// Who runs the bot at that moment, for the audit log.
public struct BotOperator: Sendable, Equatable {
  public var user: UserID
  /// `command`, or the surface's name.
  public var through: String
  public var ip: String?

  public init(_ user: UserID, through: String, ip: String? = nil) {
    self.user = user
    self.through = through
    self.ip = ip
  }
}

public struct CommandReload: Sendable, Equatable {
  /// Global commands that were different.
  public var differences: Int
  /// Guilds whose commands are looked at behind the answer.
  public var guilds: Int

  public init(differences: Int, guilds: Int) {
    self.differences = differences
    self.guilds = guilds
  }
}

public enum BotControlError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Discord has not said yet who the bot is.
  case notConnected

  public var description: String { "the bot is not connected yet" }
}
