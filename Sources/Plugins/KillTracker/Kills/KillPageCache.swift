import Core
import Storage
import Synchronization

/// Pages that were asked for and cannot have changed since: dashboards ask for the same one again and again.
///
/// Exact, for every transaction that is stored makes all of them worthless. Nothing is kept where other processes may
/// store something (PostgreSQL).
final class KillPageCache: Sendable {
  struct Key: Hashable, Sendable {
    var filter: KillFilter
    var cursor: KillCursor?
    var offset: Int
    var limit: Int
    var user: UserID?
    var isAdmin: Bool
  }

  /// At most 64 pages of 100 kills: some 3 MB.
  static let limit = 64

  private struct State {
    var generation: UInt64 = 0
    var pages: [Key: KillPage] = [:]
  }

  private let database: Database
  private let state = Mutex(State())

  init(database: Database) { self.database = database }

  func page(_ key: Key, _ read: () async throws -> KillPage) async throws -> KillPage {
    guard let generation = database.generation else { return try await read() }
    let known = state.withLock { $0.generation == generation ? $0.pages[key] : nil }
    if let known { return known }
    let page = try await read()
    state.withLock { state in
      guard state.generation <= generation else { return }
      if state.generation < generation || state.pages.count >= Self.limit { state.pages = [:] }
      state.generation = generation
      state.pages[key] = page
    }
    return page
  }
}
