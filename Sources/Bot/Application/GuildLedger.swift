import Commands
import Core
import Gateway
import Platform
import Synchronization

/// Follows which guilds the bot is in: on disk, so that it is known also after a resume, which repeats no guild; and
/// keeps each guild's commands in order.
final class GuildLedger: Sendable {
  private struct State {
    var guilds: Set<GuildID>
    /// Whose commands were brought in order since the program started.
    var registered: Set<GuildID> = []
    var tasks: [Int: Task<Void, Never>] = [:]
    var lastTask = 0
    var isStopped = false
  }

  private let shared: SharedState
  private let registration: CommandRegistration
  private let log: Log
  private let state: Mutex<State>

  init(shared: SharedState, registration: CommandRegistration, log: Log) async throws {
    self.shared = shared
    self.registration = registration
    self.log = log
    state = Mutex(State(guilds: Set(try await shared.guilds.present())))
  }

  var count: Int { state.withLock { $0.guilds.count } }

  func contains(_ guild: GuildID) -> Bool { state.withLock { $0.guilds.contains(guild) } }

  func joined(_ guild: Snowflake, at joinedAt: Timestamp?) async {
    let id = GuildID(guild)
    state.withLock { _ = $0.guilds.insert(id) }
    do {
      try await shared.guilds.joined(id, at: joinedAt)
    } catch {
      log.error("a guild was not stored", ["guild": .of(id), "error": .error(error)])
    }
    register(id)
  }

  /// A session began: what it lists is all that its shard carries. A guild that removed the bot while it was away is
  /// noticed here.
  func began(_ ready: Ready, on shard: ShardID) async {
    let listed = Set(ready.guilds.map { GuildID($0.id) })
    let missing = state.withLock { state in
      state.guilds.filter {
        !listed.contains($0) && ShardID.shard(of: Snowflake($0), count: shard.count) == shard.id
      }
    }
    for id in missing { await left(id) }
  }

  func left(_ guild: UnavailableGuild) async {
    // Unavailable means an outage at Discord; the bot is still a member.
    if !guild.isUnavailable { await left(GuildID(guild.id)) }
  }

  private func left(_ id: GuildID) async {
    state.withLock { state in
      state.guilds.remove(id)
      state.registered.remove(id)
    }
    do {
      // Discord takes the commands away with the bot: should it come back, they have to be written again.
      try await registration.forget(.guild(Snowflake(id)))
      try await shared.guilds.left(id)
    } catch {
      log.error("leaving a guild was not stored", ["guild": .of(id), "error": .error(error)])
    }
  }

  /// Brings the global commands in order, then those of the guilds known from before.
  func startRegistration(_ catalog: CommandCatalog) {
    run { [self] in
      await registration.take(catalog)
      try await registration.settle(.global)
      for guild in state.withLock({ $0.guilds }) { register(guild) }
    }
  }

  /// Looks at every guild's commands again.
  func registerAgain() {
    let guilds = state.withLock { state in
      state.registered = []
      return state.guilds
    }
    for guild in guilds { register(guild) }
  }

  /// Holds every guild's commands against what Discord has, whatever was registered before.
  /// - Returns: how many guilds; they are looked at behind this.
  func reload() -> Int {
    let guilds = state.withLock { $0.guilds }
    for guild in guilds { reload(guild) }
    return guilds.count
  }

  /// The same for one guild, behind this.
  func reload(_ guild: GuildID) {
    run { [self] in
      do {
        try await registration.synchronize(.guild(Snowflake(guild)), trustsMemory: false)
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        // Now in the way that a start does it: again and again, or with the reason in the log.
        try await registration.settle(.guild(Snowflake(guild)))
      }
    }
  }

  private func register(_ guild: GuildID) {
    guard state.withLock({ $0.registered.insert(guild).inserted }) else { return }
    run { [self] in
      let isSettled = try await registration.settle(.guild(Snowflake(guild)))
      // Invited anew, the guild is looked at again.
      if !isSettled { state.withLock { _ = $0.registered.remove(guild) } }
    }
  }

  /// Discord offered a command there which is not ours any more.
  func repair(_ scope: CommandScope) { run { [self] in try await registration.repair(scope) } }

  private func run(_ work: @escaping @Sendable () async throws -> Void) {
    state.withLock { state in
      guard !state.isStopped else { return }
      state.lastTask += 1
      let id = state.lastTask
      state.tasks[id] = Task {
        do {
          try await work()
        } catch is CancellationError {
          // Told to stop: the next start registers again.
        } catch {
          log.error("commands were not registered", ["error": .error(error)])
        }
        forget(id)
      }
    }
  }

  private func forget(_ id: Int) { state.withLock { _ = $0.tasks.removeValue(forKey: id) } }

  /// Gives up registrations under way.
  func stop() async {
    let tasks = state.withLock { state in
      state.isStopped = true
      return Array(state.tasks.values)
    }
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
  }
}
