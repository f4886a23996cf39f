import Platform
import Storage
import Synchronization

/// Leaderboards in memory, kept right by the changes that this process stores, and loaded anew when another process
/// stored something.
///
/// Ranking needs everybody's counts; indexes for five orders, four periods and all servers would cost every kill forty
/// index entries. So the tables keep counts by day alone, and a board that somebody asks for is added up once, and put in
/// order once.
final class Boards: Sendable {
  /// Players on all boards together: 40 to 60 MB. The board that nobody asked for longest goes first.
  static let playerLimit = 1_500_000
  /// Places in all orders together, 24 MB. The order that nobody asked for longest goes first.
  static let orderLimit = 2_000_000
  /// Changes that are remembered, so that a board which was loaded meanwhile can catch up.
  static let changeLimit = 256

  private let database: Database
  private let state = Mutex(BoardsState())

  init(database: Database) { self.database = database }

  /// Runs a transaction that may change counts, and takes the change over before its author is answered.
  func writing<Result: Sendable>(
    _ body: () async throws -> (Result, KillWriter.CountChange?)
  ) async throws -> Result {
    let ticket = state.withLock { $0.begin() }
    do {
      let (result, change) = try await body()
      state.withLock { $0.finish(ticket, change) }
      return result
    } catch {
      state.withLock { $0.finish(ticket, nil) }
      throw error
    }
  }

  /// Up to which version of the counts something that was computed of a part is right; nil if it has to be computed anew.
  /// - Parameters:
  ///   - version: up to which it was right before.
  ///   - current: the version that the tables have now.
  ///   - strictly: not even what this process is storing just now may be missing.
  func validity(
    of part: Touches.Part, since version: Int64, at current: Int64, strictly: Bool = false
  ) -> Int64? {
    if version >= current { return version }
    // The authors of what this process is storing just now have no answer yet. Those of other processes have.
    let mayLag = !strictly && database.generation != nil
    return state.withLock { state in
      guard let last = state.touches.last, last >= current || (mayLag && state.isWriting),
        state.touches.isUntouched(part, since: version)
      else { return nil }
      return max(version, min(last, current))
    }
  }

  // MARK: - Reading

  /// Boards that stand still, and who is private.
  struct View: Sendable {
    var boards: [Board]
    var hidden: Set<Int64>

    /// The best of a board, ties by who is known longer. The order must have been asked for with the board.
    func best(_ count: Int, of board: Int, by metric: LeaderboardMetric) -> [(player: Int64, value: Double)] {
      boards[board].orders[metric]?.best(count, on: boards[board], by: metric) ?? []
    }

    /// For each value the rank that it has: one more than the players who have a greater one.
    func ranks(of values: [Double], on board: Int, by metric: LeaderboardMetric) -> [Int] {
      boards[board].orders[metric]?.ranks(of: values, on: boards[board], by: metric) ?? []
    }
  }

  /// Those boards, as the tables are now.
  /// - Parameter metric: puts them in order by it.
  func read(_ keys: [Board.Key], by metric: LeaderboardMetric? = nil) async throws -> View {
    let versions = try await database.read { try Self.versions(in: $0) }
    let hidden = try await hiddenPlayers(versions.privacy)
    for key in keys { try await prepare(key, version: versions.counts) }
    var boards = state.withLock { state in
      let boards = keys.compactMap { state.boards[$0] }
      for key in keys { state.use(key) }
      state.evict(except: Set(keys))
      return boards
    }
    guard boards.count == keys.count else {
      throw DatabaseError(.overloaded, "the leaderboards were changed faster than they could be read")
    }
    // Outside of the lock: a change that comes meanwhile works on a copy.
    if let metric {
      for place in boards.indices { boards[place] = try await ordered(boards[place], by: metric, hidden) }
    }
    return View(boards: boards, hidden: hidden.players)
  }

  /// The board with an order in which few are set aside; the next reader finds it.
  private func ordered(
    _ board: Board, by metric: LeaderboardMetric, _ hidden: (version: Int64, players: Set<Int64>)
  ) async throws -> Board {
    let known = board.orders[metric]
    if let known, known.hiddenVersion >= hidden.version, known.isTidy {
      state.withLock { $0.use(BoardsState.OrderKey(board: board.key, metric: metric)) }
      return board
    }
    // On a thread of the database: some milliseconds of work would hold up others on the pool.
    let order = try await database.read { _ in
      guard var order = known else { return BoardOrder(board, by: metric, hidden: hidden) }
      order.hide(hidden, on: board)
      if !order.isTidy { order.tidy(board, by: metric) }
      return order
    }
    state.withLock { $0.keep(order, of: board, by: metric) }
    var board = board
    board.orders[metric] = order
    return board
  }

  static func versions(in transaction: ReadTransaction) throws -> (counts: Int64, privacy: Int64) {
    var versions: (counts: Int64, privacy: Int64) = (0, 0)
    try transaction.forEach(
      "SELECT number, version FROM kill_version WHERE number IN (1, 2)", parameters: []
    ) { row in
      if row.integer(0) == 1 { versions.counts = row.integer(1) ?? 0 } else { versions.privacy = row.integer(1) ?? 0 }
    }
    return versions
  }

  /// Who is private now.
  func hiddenPlayers() async throws -> Set<Int64> {
    try await hiddenPlayers(try await database.read { try Self.versions(in: $0).privacy }).players
  }

  private func hiddenPlayers(_ version: Int64) async throws -> (version: Int64, players: Set<Int64>) {
    if let known = state.withLock({ $0.hidden }), known.version >= version { return known }
    let (newVersion, players) = try await database.read { transaction in
      (
        try Self.versions(in: transaction).privacy,
        try transaction.query("SELECT id FROM players WHERE privacy = 'PRIVATE'") { try $0.value("id", as: Int64.self) }
      )
    }
    let found = (version: newVersion, players: Set(players))
    state.withLock { if ($0.hidden?.version ?? -1) <= newVersion { $0.hidden = found } }
    return found
  }

  /// Makes sure that the board is there and not older than that version, but for what this process is writing just now,
  /// whose authors have no answer yet.
  private func prepare(_ key: Board.Key, version: Int64) async throws {
    let isReady = state.withLock { state in
      guard state.catchUp(key) else { return false }
      return (state.boards[key]?.version ?? -1) >= version || state.isWriting
    }
    if isReady { return }
    let board = try await database.read { [self] transaction in
      let loading = try BoardLoading(in: transaction)
      // Another one, but for a few days, if it is of the version that is read here.
      let near = state.withLock { $0.nearest(to: key, at: loading.version, last: loading.lastDay) }
      return try near.map { try loading.move($0, to: key.days) } ?? loading.load(key)
    }
    state.withLock { state in
      // Another reader may have loaded a later one.
      if (state.boards[key]?.version ?? -1) <= board.version { state.boards[key] = board }
      state.use(key)
      _ = state.catchUp(key)
    }
  }

  /// How many are in memory.
  var count: Int { state.withLock { $0.boards.count } }
  var playerCount: Int { state.withLock { $0.playerCount } }
}
