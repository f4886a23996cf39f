import Gateway
import Platform

/// Keeps the commands that Discord holds equal to those that are wanted: core commands in the global scope, the
/// commands of a plugin in each guild where it is switched on.
///
/// Asks nothing when the same was registered before, writes nothing when Discord holds the same; otherwise one bulk
/// write. Work on one scope never overlaps, and requests that come in while a scope is busy are served by one further
/// pass.
public actor CommandRegistration {
  /// What one pass found and did.
  public struct Outcome: Sendable, Equatable {
    /// Empty: nothing was written.
    public var differences: [CommandDifference]
    /// Whether Discord was asked.
    public var isAsked = true
  }

  /// How many guilds are worked on at the same time: a start with thousands of them must leave room for other requests.
  static let guildsAtOnce = 4
  /// A scope that shows commands which are not ours any more is looked at again, but not with every use.
  static let repairInterval = Duration.seconds(600)

  private var catalog: CommandCatalog?
  private let enabled: any EnabledPlugins
  private let store: any CommandStore
  private let memory: (any RegistrationMemory)?
  private let time: any TimeSource
  private let random: any RandomSource
  private let log: Log
  private var running: [CommandScope: Task<Outcome, any Error>] = [:]
  private var waiting: [CommandScope: Task<Outcome, any Error>] = [:]
  /// Where Discord has to be asked whatever is remembered.
  private var distrusted: Set<CommandScope> = []
  private var repairs: [CommandScope: ContinuousClock.Instant] = [:]
  private var hasToldOfScope = false
  private let gate = Gate(limit: guildsAtOnce, queueLimit: .max)

  /// For tests: how many scopes have a further pass coming.
  var waitingCount: Int { waiting.count }

  /// - Parameter memory: Nil: Discord is asked every time.
  public init(
    enabled: any EnabledPlugins, store: any CommandStore, memory: (any RegistrationMemory)? = nil,
    time: any TimeSource = SystemTime(), random: any RandomSource = SystemRandom(), log: Log
  ) {
    self.enabled = enabled
    self.store = store
    self.memory = memory
    self.time = time
    self.random = random
    self.log = log
  }

  /// Takes the commands of this bot, which do not change any more, and brings the global scope in order.
  @discardableResult
  public func start(_ catalog: CommandCatalog) async throws -> Outcome {
    take(catalog)
    return try await synchronize(.global)
  }

  /// Takes the commands of this bot, which do not change any more.
  public func take(_ catalog: CommandCatalog) { self.catalog = catalog }

  /// Brings one scope in order: at start, when a guild is joined, and when a plugin is switched there.
  /// - Parameter trustsMemory: False: asks Discord even if the same was registered before.
  /// - Returns: what was different; by the time of return it no longer is.
  /// - Throws: what the store throws; ``CommandRegistrationError/notStarted`` before ``start(_:)``.
  @discardableResult
  public func synchronize(_ scope: CommandScope, trustsMemory: Bool = true) async throws -> Outcome {
    if !trustsMemory { distrusted.insert(scope) }
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

  /// Brings a scope in order, again and again until it is: what fails is tried again, later each time.
  /// - Returns: whether it is in order. If not, trying again does not help, and the log says what does.
  /// - Throws: `CancellationError`; ``CommandRegistrationError/notStarted``.
  @discardableResult
  public func settle(_ scope: CommandScope) async throws -> Bool {
    var retry = RegistrationRetry()
    while true {
      do {
        try await synchronize(scope)
        return true
      } catch let error as CommandRegistrationError {
        throw error
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        try Task.checkCancellation()
        switch retry.decide(after: error, random: random) {
        case .wait(let wait):
          log.warning(
            "commands not registered yet",
            ["scope": .of(scope), "error": .error(error), "retryAfterMs": .milliseconds(wait)])
          try await time.sleep(for: wait)
        case .giveUp(let reason):
          tell(reason, scope, error)
          return false
        }
      }
    }
  }

  private func tell(_ reason: RegistrationRetry.Reason, _ scope: CommandScope, _ error: any Error) {
    switch reason {
    case .missingScope where hasToldOfScope:
      log.info("commands not registered: the scope applications.commands is missing", ["scope": .of(scope)])
    case .missingScope:
      hasToldOfScope = true
      log.error(
        "commands not registered: this server did not give the bot the scope applications.commands. Invite the bot "
          + "again with the scopes bot and applications.commands; it need not be removed before",
        ["scope": .of(scope), "error": .error(error)])
    case .unauthorized, .refused:
      log.error("commands not registered", ["scope": .of(scope), "error": .error(error)])
    }
  }

  /// Forgets what was registered: with the bot, Discord removes its commands from a guild.
  public func forget(_ scope: CommandScope) async throws {
    repairs[scope] = nil
    try await memory?.remember(nil, of: scope)
  }

  /// Discord offered a command there that is not ours any more: what is remembered must be wrong.
  public func repair(_ scope: CommandScope) async throws {
    let now = time.now
    if let last = repairs[scope], now - last < Self.repairInterval { return }
    repairs = repairs.filter { now - $0.value < Self.repairInterval }
    repairs[scope] = now
    distrusted.insert(scope)
    try await settle(scope)
  }

  private func begin(_ scope: CommandScope, after before: Task<Outcome, any Error>?) {
    guard before != nil else { return }
    running[scope] = waiting.removeValue(forKey: scope)
  }

  private func pass(_ scope: CommandScope) async throws -> Outcome {
    _ = await gate.enter()
    defer { gate.leave() }
    let wanted = try wantedCommands(in: scope)
    let fingerprint = try wanted.fingerprint(in: scope)
    let isDistrusted = distrusted.remove(scope) != nil
    do {
      if !isDistrusted, try await memory?.fingerprint(of: scope) == fingerprint {
        log.debug("commands are as before", ["scope": .of(scope), "commands": .integer(Int64(wanted.count))])
        return Outcome(differences: [], isAsked: false)
      }
      let differences = try await compareAndWrite(wanted, in: scope)
      try await memory?.remember(fingerprint, of: scope)
      return Outcome(differences: differences)
    } catch {
      if isDistrusted { distrusted.insert(scope) }
      throw error
    }
  }

  private func compareAndWrite(
    _ wanted: [ApplicationCommandDefinition], in scope: CommandScope
  ) async throws -> [CommandDifference] {
    let held = try await store.commands(in: scope)
    let differences = try CommandDifference.between(held: held, wanted: wanted, in: scope)
    guard !differences.isEmpty else {
      log.debug("commands are as wanted", ["scope": .of(scope), "commands": .integer(Int64(wanted.count))])
      return []
    }
    let doubled = doubles(among: held, wanted: wanted, in: scope)
    if !doubled.isEmpty {
      log.notice(
        "commands stood in the global list and in a guild's: users saw them twice",
        ["scope": .of(scope), "commands": .string(doubled.joined(separator: ", "))])
    }
    // What remains unknown until the answer comes must not be taken for registered after a crash.
    try await memory?.remember(nil, of: scope)
    // Discord demands that an Entry Point command comes along as it is.
    try await store.overwrite(wanted + held.filter { $0.type == .primaryEntryPoint }, in: scope)
    log.info(
      "commands written",
      [
        "scope": .of(scope), "commands": .integer(Int64(wanted.count)),
        "differences": .string(differences.map(\.description).joined(separator: "; ")),
      ])
    return differences
  }

  /// What Discord holds here although it belongs into the other kind of scope.
  private func doubles(
    among held: [ApplicationCommandDefinition], wanted: [ApplicationCommandDefinition], in scope: CommandScope
  ) -> [String] {
    let elsewhere = (catalog?.plugins ?? []).filter { $0.isCore == (scope != .global) }.flatMap(\.commands)
    return held.filter { command in
      elsewhere.contains { $0.type == command.type && $0.name == command.name }
        && !wanted.contains { $0.type == command.type && $0.name == command.name }
    }.map { "/\($0.name)" }
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
