import Platform
import Storage
import Synchronization

/// Leaderboards in memory, kept right by the changes that this process stores, and loaded anew when another process
/// stored something.
///
/// Ranking needs everybody's counts; indexes for five orders, four periods and all servers would cost every kill forty
/// index entries. So the tables keep counts by day alone, and a board that somebody asks for is added up once.
final class Boards: Sendable {
  /// Players on all boards together: about 40 MB. The board that nobody asked for longest goes first.
  static let playerLimit = 600_000
  /// Changes that are remembered, so that a board which was loaded meanwhile can catch up.
  static let changeLimit = 256
  static let loadPage = 5_000

  fileprivate struct State {
    var boards: [Board.Key: Board] = [:]
    var usedAt: [Board.Key: UInt64] = [:]
    var clock: UInt64 = 0
    /// Changes in the order of their versions, without a gap.
    var changes: [KillWriter.CountChange] = []
    var early: [Int64: KillWriter.CountChange] = [:]
    /// Transactions of this process whose change is not told here yet.
    var writing = 0
    var hidden: (version: Int64, players: Set<Int64>)?
  }

  private let database: Database
  private let state = Mutex(State())

  init(database: Database) { self.database = database }

  /// Runs a transaction that may change counts, and takes the change over before its author is answered.
  func writing<Result: Sendable>(
    _ body: () async throws -> (Result, KillWriter.CountChange?)
  ) async throws -> Result {
    state.withLock { $0.writing += 1 }
    do {
      let (result, change) = try await body()
      state.withLock { $0.finish(change) }
      return result
    } catch {
      state.withLock { $0.finish(nil) }
      throw error
    }
  }

  /// What `body` finds on those boards, which are as the tables are now.
  func read<Result>(
    _ keys: [Board.Key], _ body: ([Board], _ hidden: Set<Int64>) -> Result
  ) async throws -> Result {
    let versions = try await database.read { try Self.versions(in: $0) }
    let hidden = try await hiddenPlayers(versions.privacy)
    for key in keys { try await prepare(key, version: versions.counts) }
    let boards = state.withLock { state in
      let boards = keys.compactMap { state.boards[$0] }
      for key in keys { state.use(key) }
      state.evict(except: Set(keys))
      return boards
    }
    guard boards.count == keys.count else {
      throw DatabaseError(.overloaded, "the leaderboards were changed faster than they could be read")
    }
    // Outside of the lock: a change that comes meanwhile works on a copy.
    return body(boards, hidden)
  }

  private static func versions(in transaction: ReadTransaction) throws -> (counts: Int64, privacy: Int64) {
    let rows = try transaction.query("SELECT number, version FROM kill_version ORDER BY number") {
      (try $0.value("number", as: Int.self), try $0.value("version", as: Int64.self))
    }
    return (rows.first { $0.0 == 1 }?.1 ?? 0, rows.first { $0.0 == 2 }?.1 ?? 0)
  }

  /// Who is private now.
  func hiddenPlayers() async throws -> Set<Int64> {
    try await hiddenPlayers(try await database.read { try Self.versions(in: $0).privacy })
  }

  private func hiddenPlayers(_ version: Int64) async throws -> Set<Int64> {
    if let known = state.withLock({ $0.hidden }), known.version >= version { return known.players }
    let (newVersion, players) = try await database.read { transaction in
      (
        try Self.versions(in: transaction).privacy,
        try transaction.query("SELECT id FROM players WHERE privacy = 'PRIVATE'") { try $0.value("id", as: Int64.self) }
      )
    }
    let set = Set(players)
    state.withLock { if ($0.hidden?.version ?? -1) <= newVersion { $0.hidden = (newVersion, set) } }
    return set
  }

  /// Makes sure that the board is there and not older than that version, but for what this process is writing just now,
  /// whose authors have no answer yet.
  private func prepare(_ key: Board.Key, version: Int64) async throws {
    let isReady = state.withLock { state in
      guard state.catchUp(key) else { return false }
      return (state.boards[key]?.version ?? -1) >= version || state.writing > 0
    }
    if isReady { return }
    let board = try await database.read { try Self.load(key, in: $0) }
    state.withLock { state in
      state.boards[key] = board
      state.use(key)
      _ = state.catchUp(key)
    }
  }

  // MARK: - Loading

  private static func load(_ key: Board.Key, in transaction: ReadTransaction) throws -> Board {
    var board = Board(key: key, version: try versions(in: transaction).counts)
    if key.days.lowerBound == .min {
      try add("kill_totals", key.serverID, days: nil, sign: 1, to: &board, in: transaction)
      if key.days.upperBound < .max {
        try add(
          "kill_days", key.serverID, days: (key.days.upperBound + 1)...Int64.max, sign: -1, to: &board, in: transaction)
      }
    } else {
      try add("kill_days", key.serverID, days: key.days, sign: 1, to: &board, in: transaction)
    }
    return board
  }

  private static func add(
    _ table: String, _ serverID: String?, days: ClosedRange<Int64>?, sign: Int, to board: inout Board,
    in transaction: ReadTransaction
  ) throws {
    var conditions = KillList.Conditions()
    if let serverID { conditions.add("server_id = ?", serverID) }
    if let days {
      conditions.add("day >= ?", days.lowerBound)
      conditions.add("day <= ?", days.upperBound)
    }
    // In pages, for a result is in memory as a whole. By the primary key, where each page goes on behind the last.
    var cursor: (day: Int64, server: String, player: Int64)?
    while true {
      var page = conditions
      let dayColumn = days == nil ? "0" : "day"
      if let cursor {
        page.parameters += [cursor.day, cursor.server, cursor.player]
        let place = page.parameters.count
        let (d, s, p) = ("$\(place - 2)", "$\(place - 1)", "$\(place)")
        page.clauses.append(
          days == nil
            ? "\(d) = 0 AND (server_id, player_id) > (\(s), \(p))" : "(day, server_id, player_id) > (\(d), \(s), \(p))")
      }
      let order = days == nil ? "server_id, player_id" : "day, server_id, player_id"
      let rows = try transaction.query(
        """
        SELECT \(dayColumn) AS place, server_id, player_id, kills, deaths, pvp_kills, pve_kills FROM \(table)
        \(page.text) ORDER BY \(order) LIMIT \(loadPage)
        """, parameters: page.parameters
      ) { row in
        let counts = PlayerCounts(
          kills: sign * (try row.value("kills", as: Int.self)), deaths: sign * (try row.value("deaths", as: Int.self)),
          pvpKills: sign * (try row.value("pvp_kills", as: Int.self)),
          pveKills: sign * (try row.value("pve_kills", as: Int.self)))
        let player: Int64 = try row["player_id"]
        board.add(counts, of: player)
        return (
          day: try row.value("place", as: Int64.self), server: try row.value("server_id", as: String.self),
          player: player
        )
      }
      guard rows.count == loadPage, let last = rows.last else { return }
      cursor = last
    }
  }
}

extension Boards.State {
  mutating func finish(_ change: KillWriter.CountChange?) {
    writing -= 1
    guard let change else { return }
    if let last = changes.last?.version, change.version != last + 1 {
      guard change.version > last else { return }
      // Another of this process's may come in between; or another process wrote, and boards are loaded anew.
      early[change.version] = change
      if early.count > Boards.changeLimit || writing == 0 { restart() }
      return
    }
    changes.append(change)
    while let last = changes.last?.version, let next = early.removeValue(forKey: last + 1) { changes.append(next) }
    if changes.count > Boards.changeLimit {
      for key in boards.keys where !catchUp(key) { forget(key) }
      changes.removeFirst(changes.count - Boards.changeLimit / 2)
    }
  }

  mutating func restart() {
    changes = early.values.max { $0.version < $1.version }.map { [$0] } ?? []
    early = [:]
  }

  /// Brings the board up to the last change that is known; false if it is not there or something between is missing.
  mutating func catchUp(_ key: Board.Key) -> Bool {
    guard var board = boards[key] else { return false }
    guard let last = changes.last?.version, board.version < last else { return true }
    guard let first = changes.first?.version, first <= board.version + 1 else { return false }
    boards[key] = nil  // changed in place, not as a copy
    for change in changes where change.version > board.version { board.apply(change) }
    boards[key] = board
    return true
  }

  mutating func use(_ key: Board.Key) {
    clock += 1
    usedAt[key] = clock
  }

  mutating func forget(_ key: Board.Key) {
    boards[key] = nil
    usedAt[key] = nil
  }

  /// Makes room. What is asked for just now stays, however large.
  mutating func evict(except kept: Set<Board.Key>) {
    var players = boards.values.reduce(0) { $0 + $1.count }
    while players > Boards.playerLimit || boards.count > 64 {
      guard let oldest = usedAt.filter({ !kept.contains($0.key) }).min(by: { $0.value < $1.value })?.key else { return }
      players -= boards[oldest]?.count ?? 0
      forget(oldest)
    }
  }
}
