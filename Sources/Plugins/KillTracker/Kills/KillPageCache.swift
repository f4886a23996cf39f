import Core
import Storage
import Synchronization

/// Pages that were asked for and cannot have changed since: dashboards ask for the same one again and again.
///
/// Exact, for every transaction that is stored makes all of them worthless. Nothing is kept where other processes may
/// store something (PostgreSQL). All who have no part in a page share one, in which private players have no name.
final class KillPageCache: Sendable {
  struct Key: Hashable, Sendable {
    var filter: KillFilter
    var cursor: KillCursor?
    var offset: Int
    var limit: Int
  }

  /// Whose eyes a page is for.
  private enum Eyes: Hashable, Sendable {
    /// Whoever has no part in any kill of it.
    case strangers
    case user(UserID)
    case admins
  }

  private struct Place: Hashable, Sendable {
    var key: Key
    var eyes: Eyes
  }

  /// At most 64 pages of 100 kills, some 3 MB, and 100 KB for the answers that were made of each.
  static let limit = 64

  private struct State {
    var generation: UInt64 = 0
    var pages: [Place: KeptKillPage] = [:]
  }

  private let database: Database
  private let state = Mutex(State())

  init(database: Database) { self.database = database }

  func page(
    _ key: Key, for viewer: KillViewer, _ read: () async throws -> KeptKillPage
  ) async throws -> KeptKillPage {
    guard let generation = database.generation else { return try await read() }
    if let known = find(key, viewer, generation) { return known }
    let page = try await read()
    guard let eyes = Self.eyes(viewer, of: page, key) else { return page }
    let place = Place(key: key, eyes: eyes)
    state.withLock { state in
      guard state.generation <= generation else { return }
      if state.generation < generation || state.pages.count >= Self.limit { state.pages = [:] }
      state.generation = generation
      state.pages[place] = page
    }
    return page
  }

  private func find(_ key: Key, _ viewer: KillViewer, _ generation: UInt64) -> KeptKillPage? {
    state.withLock { state in
      guard state.generation == generation else { return nil }
      if viewer.isAdmin { return state.pages[Place(key: key, eyes: .admins)] }
      // A page that a stranger was shown tells who is none; of one player's, who may see it at all is not in the page.
      if key.filter.player == nil, let shared = state.pages[Place(key: key, eyes: .strangers)],
        viewer.user.map({ !shared.involved.contains($0) }) ?? true
      {
        return shared
      }
      return viewer.user.flatMap { state.pages[Place(key: key, eyes: .user($0))] }
    }
  }

  /// Nil where nobody will find it.
  private static func eyes(_ viewer: KillViewer, of page: KeptKillPage, _ key: Key) -> Eyes? {
    if viewer.isAdmin { return .admins }
    guard let user = viewer.user else { return key.filter.player == nil ? .strangers : nil }
    return key.filter.player == nil && !page.involved.contains(user) ? .strangers : .user(user)
  }
}
