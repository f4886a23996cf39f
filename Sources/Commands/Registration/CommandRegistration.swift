import Gateway
import Platform

/// Keeps the commands that Discord holds equal to those that are wanted: core commands in the global scope, the
/// commands of a plugin in each guild where it is switched on.
///
/// Writes nothing when they are equal; otherwise one bulk write. Work on one scope never overlaps, and requests that
/// come in while a scope is busy are served by one further pass.
public actor CommandRegistration {
  /// What one pass found and did.
  public struct Outcome: Sendable, Equatable {
    /// Empty: nothing was written.
    public var differences: [CommandDifference]
  }

  /// How many guilds are worked on at the same time: a start with thousands of them must leave room for other requests.
  static let guildsAtOnce = 4

  private var catalog: CommandCatalog?
  private let enabled: any EnabledPlugins
  private let store: any CommandStore
  private let log: Log
  private var running: [CommandScope: Task<Outcome, any Error>] = [:]
  private var waiting: [CommandScope: Task<Outcome, any Error>] = [:]
  private let gate = Gate(limit: guildsAtOnce, queueLimit: .max)

  /// For tests: how many scopes have a further pass coming.
  var waitingCount: Int { waiting.count }

  public init(enabled: any EnabledPlugins, store: any CommandStore, log: Log) {
    self.enabled = enabled
    self.store = store
    self.log = log
  }

  /// Takes the commands of this bot, which do not change any more, and brings the global scope in order.
  @discardableResult
  public func start(_ catalog: CommandCatalog) async throws -> Outcome {
    self.catalog = catalog
    return try await synchronize(.global)
  }

  /// Brings one scope in order: at start, when a guild is joined, and when a plugin is switched there.
  /// - Returns: what was different; by the time of return it no longer is.
  /// - Throws: what the store throws; ``CommandRegistrationError/notStarted`` before ``start(_:)``.
  @discardableResult
  public func synchronize(_ scope: CommandScope) async throws -> Outcome {
    if let next = waiting[scope] { return try await next.value }
    let before = running[scope]
    let task = Task { [self] in
      // The state wanted may have changed after the running pass has read it: so its result is not enough.
      _ = await before?.result
      begin(scope, after: before)
      return try await pass(scope)
    }
    if before == nil { running[scope] = task } else { waiting[scope] = task }
    defer { if running[scope] == task { running[scope] = nil } }
    return try await task.value
  }

  private func begin(_ scope: CommandScope, after before: Task<Outcome, any Error>?) {
    guard before != nil else { return }
    running[scope] = waiting.removeValue(forKey: scope)
  }

  private func pass(_ scope: CommandScope) async throws -> Outcome {
    _ = await gate.enter()
    defer { gate.leave() }
    let wanted = try wantedCommands(in: scope)
    let held = try await store.commands(in: scope)
    let differences = try CommandDifference.between(held: held, wanted: wanted, in: scope)
    guard !differences.isEmpty else {
      log.debug("commands are as wanted", ["scope": .of(scope), "commands": .integer(Int64(wanted.count))])
      return Outcome(differences: [])
    }
    try await store.overwrite(wanted + held.filter { $0.type == .primaryEntryPoint }, in: scope)
    log.info(
      "commands written",
      [
        "scope": .of(scope), "commands": .integer(Int64(wanted.count)),
        "differences": .string(differences.map(\.description).joined(separator: "; ")),
      ])
    return Outcome(differences: differences)
  }

  private func wantedCommands(in scope: CommandScope) throws -> [ApplicationCommandDefinition] {
    guard let catalog else { throw CommandRegistrationError.notStarted }
    var commands: [ApplicationCommandDefinition] = []
    for plugin in catalog.plugins {
      let belongs =
        switch scope {
        case .global: plugin.isCore
        case .guild(let guild): !plugin.isCore && enabled.isEnabled(plugin.name, in: guild)
        }
      if belongs { commands += plugin.commands.map { $0.definition(in: scope) } }
    }
    return commands
  }
}

public enum CommandRegistrationError: Error, Equatable, CustomStringConvertible {
  /// A scope was to be brought in order before the commands were known.
  case notStarted

  public var description: String { "commands are not registered yet: the bot is still starting" }
}
