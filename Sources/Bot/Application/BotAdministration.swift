import Commands
import Core
import Platform
import Synchronization

/// What those who run the bot do to it, over the parts that it is made of.
final class BotAdministration: BotControl {
  /// Something that is only kept to save time.
  struct Cache: Sendable {
    let name: String
    let clear: @Sendable () async throws -> Void
  }

  private let shared: SharedState
  private let bot: BotHandle
  private let onRestart: @Sendable () -> Void
  private let caches: Mutex<[Cache]>

  /// - Parameter onRestart: sets the end of the process going, and returns at once.
  init(shared: SharedState, bot: BotHandle, onRestart: @escaping @Sendable () -> Void) {
    self.shared = shared
    self.bot = bot
    self.onRestart = onRestart
    caches = Mutex([Cache(name: "plugin switches") { [switches = shared.switches] in try await switches.reload() }])
  }

  /// Adds something that is cleared with the rest.
  func add(_ cache: Cache) { caches.withLock { $0.append(cache) } }

  func reloadCommands(by actor: BotOperator) async throws -> CommandReload {
    guard let bot = bot.bot else { throw BotControlError.notConnected }
    let reload = try await bot.reloadCommands()
    try await note("commands_reloaded", actor, ["differences": .integer(Int64(reload.differences))])
    return reload
  }

  func clearCaches(by actor: BotOperator) async throws -> [String] {
    let all = caches.withLock { $0 }
    for cache in all { try await cache.clear() }
    try await note("caches_cleared", actor)
    return all.map(\.name)
  }

  func setMaintenance(_ isOn: Bool, reason: String?, by actor: BotOperator) async throws -> Bool {
    let current = try await shared.maintenance.current()
    if !isOn, current == nil { return false }
    if isOn, let current, current.reason == reason { return false }
    let maintenance = isOn ? Maintenance(reason: reason, since: shared.time.timestamp, by: actor.user) : nil
    // It writes its own line, in the transaction of the change.
    try await shared.maintenance.set(maintenance, by: actor.user)
    return true
  }

  func restart(by actor: BotOperator) async throws {
    // First on disk: afterwards nobody could tell who it was.
    try await note("restart_requested", actor)
    onRestart()
  }

  private func note(_ action: String, _ actor: BotOperator, _ details: JSON.Object = [:]) async throws {
    var details = details
    details["through"] = .string(actor.through)
    try await shared.auditLog.append(
      AuditEntry(
        userID: actor.user, guildID: nil, action: action, category: "admin_action", details: details, ip: actor.ip))
  }
}
