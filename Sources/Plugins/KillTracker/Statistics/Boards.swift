import Platform
import Storage
import Synchronization

/// Leaderboards in memory, kept right by the changes that this process stores, and loaded anew when another process
/// stored something.
///
/// Ranking needs everybody's counts; indexes for five orders, four periods and all servers would cost every kill forty
/// index entries. So the tables keep counts by day alone, and a board that somebody asks for is added up once.
final class Boards: Sendable {
  /// Players on all boards together: 40 to 60 MB. The board that nobody asked for longest goes first.
  static let playerLimit = 1_500_000
  /// Changes that are remembered, so that a board which was loaded meanwhile can catch up.
  static let changeLimit = 256
  static let loadPage = 20_000

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
    let near = state.withLock { $0.near(key) }
    let board = try await database.read { transaction in
      // A board that ends a few days earlier needs those days alone, if it is of the version that is read here.
      if var board = near, board.version == (try Self.versions(in: transaction).counts) {
        let missing = (board.key.days.upperBound + 1)...key.days.upperBound
        board = board.extended(to: key.days)
        try Self.add(missing, of: key.serverID, sign: 1, to: &board, in: transaction)
        return board
      }
      return try Self.load(key, in: transaction)
    }
    state.withLock { state in
      state.boards[key] = board
      state.use(key)
      _ = state.catchUp(key)
    }
  }

  // MARK: - Beforehand

  /// Loads the boards of all servers before anybody asks, and before each midnight those of the next day, until
  /// cancelled: adding up a month takes a second or more where there are ten million kills.
  func keepWarm(time: any TimeSource, log: Log) async {
    while !Task.isCancelled {
      for moment in [time.timestamp, time.timestamp + Self.ahead] {
        do { try await warm(at: moment) } catch is CancellationError { return } catch {
          log.warning("leaderboards were not prepared; trying again soon", ["error": .error(error)])
        }
      }
      guard (try? await time.sleep(for: Self.warmingInterval)) != nil else { return }
    }
  }

  /// Twice in the time that boards are prepared ahead, so that none is missed.
  static let ahead = Duration.seconds(300)
  static let warmingInterval = Duration.seconds(120)

  func warm(at moment: Timestamp) async throws {
    let day = Calendar.day(of: moment)
    for period in LeaderboardPeriod.allCases.reversed() {
      let days = period.days(around: day)
      for range in [days.current, days.previous] {
        // Beyond that, what is prepared would drive out what is asked for.
        guard state.withLock({ $0.playerCount }) < Self.playerLimit * 3 / 4 else { return }
        _ = try await read([Board.Key(serverID: nil, days: range)]) { boards, _ in boards.count }
      }
    }
  }

  /// How many are in memory.
  var count: Int { state.withLock { $0.boards.count } }

  // MARK: - Loading

  private static func load(_ key: Board.Key, in transaction: ReadTransaction) throws -> Board {
    var board = Board(key: key, version: try versions(in: transaction).counts)
    if key.days.lowerBound == .min {
      try addTotals(of: key.serverID, to: &board, in: transaction)
      if key.days.upperBound < .max {
        try add((key.days.upperBound + 1)...Int64.max, of: key.serverID, sign: -1, to: &board, in: transaction)
      }
    } else {
      try add(key.days, of: key.serverID, sign: 1, to: &board, in: transaction)
    }
    return board
  }

  private static func addTotals(
    of serverID: String?, to board: inout Board, in transaction: ReadTransaction
  ) throws {
    var conditions = KillList.Conditions()
    if let serverID { conditions.add("server_id = ?", serverID) }
    try pages(of: "kill_totals", conditions, key: ["server_id", "player_id"], sign: 1, to: &board, in: transaction)
  }

  /// Adds the counts of some days, or takes them away.
  private static func add(
    _ days: ClosedRange<Int64>, of serverID: String?, sign: Int32, to board: inout Board,
    in transaction: ReadTransaction
  ) throws {
    func add(_ conditions: KillList.Conditions) throws {
      try pages(
        of: "kill_days", conditions, key: ["day", "server_id", "player_id"], sign: sign, to: &board, in: transaction)
    }
    var conditions = KillList.Conditions()
    guard let serverID else {
      conditions.add("day >= ?", days.lowerBound)
      conditions.add("day <= ?", days.upperBound)
      return try add(conditions)
    }
    // Day by day, for the rows of other servers lie between.
    let last = try transaction.queryOne("SELECT max(day) AS last FROM kill_days") {
      try $0.value("last", as: Int64?.self)
    }
    guard let last = last ?? nil, last >= days.lowerBound else { return }
    for day in days.lowerBound...min(days.upperBound, last) {
      var conditions = KillList.Conditions()
      conditions.add("day = ?", day)
      conditions.add("server_id = ?", serverID)
      try add(conditions)
    }
  }

  /// Reads in pages, for a result can be in memory as a whole; by the primary key, where each page goes on behind the
  /// last.
  private static func pages(
    of table: String, _ conditions: KillList.Conditions, key: [String], sign: Int32, to board: inout Board,
    in transaction: ReadTransaction
  ) throws {
    let columns = key.joined(separator: ", ")
    var cursor: [any DatabaseValueConvertible] = []
    while true {
      var page = conditions
      if !cursor.isEmpty {
        page.parameters += cursor
        let first = page.parameters.count - cursor.count
        let places = cursor.indices.map { "$\(first + $0 + 1)" }.joined(separator: ", ")
        page.clauses.append("(\(columns)) > (\(places))")
      }
      var count = 0
      try transaction.forEach(
        """
        SELECT player_id, kills, deaths, pvp_kills, pve_kills, \(columns) FROM \(table) \(page.text)
        ORDER BY \(columns) LIMIT \(loadPage)
        """, parameters: page.parameters
      ) { row in
        func number(_ column: Int) -> Int { Int(truncatingIfNeeded: row.integer(column) ?? 0) * Int(sign) }
        board.add(
          PlayerCounts(kills: number(1), deaths: number(2), pvpKills: number(3), pveKills: number(4)),
          of: row.integer(0) ?? 0)
        count += 1
        guard count == loadPage else { return }
        cursor = key.enumerated().map { index, name -> any DatabaseValueConvertible in
          if name == "server_id" { return row.text(5 + index) ?? "" }
          return row.integer(5 + index) ?? 0
        }
      }
      guard count == loadPage else { return }
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

  /// A board with the same beginning that ends up to a month earlier.
  func near(_ key: Board.Key) -> Board? {
    guard key.days.upperBound < .max else { return nil }
    return boards.values.filter { other in
      other.key.serverID == key.serverID && other.key.days.lowerBound == key.days.lowerBound
        && other.key.days.upperBound < key.days.upperBound && other.key.days.upperBound >= key.days.upperBound - 31
    }.max { $0.key.days.upperBound < $1.key.days.upperBound }
  }

  mutating func use(_ key: Board.Key) {
    clock += 1
    usedAt[key] = clock
  }

  mutating func forget(_ key: Board.Key) {
    boards[key] = nil
    usedAt[key] = nil
  }

  var playerCount: Int { boards.values.reduce(0) { $0 + $1.count } }

  /// Makes room. What is asked for just now stays, however large.
  mutating func evict(except kept: Set<Board.Key>) {
    var players = playerCount
    while players > Boards.playerLimit || boards.count > 64 {
      guard let oldest = usedAt.filter({ !kept.contains($0.key) }).min(by: { $0.value < $1.value })?.key else { return }
      players -= boards[oldest]?.count ?? 0
      forget(oldest)
    }
  }
}
