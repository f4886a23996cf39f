import Storage

/// Adds up boards from the tables.
struct BoardLoading {
  private let transaction: ReadTransaction
  /// Rows of one statement; nil: all.
  private let page: Int?
  /// Of the counts.
  let version: Int64
  /// The last day that has counts.
  let lastDay: Int64

  /// - Parameter page: rows of one statement; nil: all, where a result is not in memory as a whole.
  init(in transaction: ReadTransaction, page: Int? = nil) throws {
    self.transaction = transaction
    self.page = page ?? (transaction.engine == .sqlite ? nil : 20_000)
    version = try Boards.versions(in: transaction).counts
    let last = try transaction.queryOne("SELECT max(day) AS last FROM kill_days") {
      try $0.value("last", as: Int64?.self)
    }
    lastDay = (last ?? nil) ?? 0
  }

  func load(_ key: Board.Key) throws -> Board {
    var board = Board(key: key, version: version)
    guard key.days.lowerBound == .min else {
      try add(key.days, sign: 1, to: &board)
      return board
    }
    var conditions = KillList.Conditions()
    if let serverID = key.serverID { conditions.add("server_id = ?", serverID) }
    try pages(of: "kill_totals", conditions, key: ["server_id", "player_id"], sign: 1, to: &board)
    if key.days.upperBound < .max { try add((key.days.upperBound + 1)...Int64.max, sign: -1, to: &board) }
    return board
  }

  /// The board over other days, of which some are its own.
  func move(_ board: Board, to days: ClosedRange<Int64>) throws -> Board {
    let old = board.key.days
    var board = board.moved(to: days)
    if days.lowerBound < old.lowerBound { try add(days.lowerBound...(old.lowerBound - 1), sign: 1, to: &board) }
    if days.lowerBound > old.lowerBound { try add(old.lowerBound...(days.lowerBound - 1), sign: -1, to: &board) }
    if days.upperBound > old.upperBound { try add((old.upperBound + 1)...days.upperBound, sign: 1, to: &board) }
    if days.upperBound < old.upperBound { try add((days.upperBound + 1)...old.upperBound, sign: -1, to: &board) }
    return board
  }

  /// Adds the counts of some days, or takes them away.
  private func add(_ days: ClosedRange<Int64>, sign: Int32, to board: inout Board) throws {
    guard days.lowerBound <= lastDay else { return }
    func add(_ conditions: KillList.Conditions) throws {
      try pages(of: "kill_days", conditions, key: ["day", "server_id", "player_id"], sign: sign, to: &board)
    }
    var conditions = KillList.Conditions()
    guard let serverID = board.key.serverID else {
      conditions.add("day >= ?", days.lowerBound)
      conditions.add("day <= ?", days.upperBound)
      return try add(conditions)
    }
    // Day by day, for the rows of other servers lie between.
    for day in days.lowerBound...min(days.upperBound, lastDay) {
      var conditions = KillList.Conditions()
      conditions.add("day = ?", day)
      conditions.add("server_id = ?", serverID)
      try add(conditions)
    }
  }

  /// Each page goes on behind the last by the primary key. SQLite would begin each at the first day again: given two lower
  /// bounds of a key it seeks the first and passes over what the other excludes.
  private func pages(
    of table: String, _ conditions: KillList.Conditions, key: [String], sign: Int32, to board: inout Board
  ) throws {
    let columns = key.joined(separator: ", ")
    var cursor: [any DatabaseValueConvertible] = []
    while true {
      var part = conditions
      if !cursor.isEmpty {
        part.parameters += cursor
        let first = part.parameters.count - cursor.count
        let places = cursor.indices.map { "$\(first + $0 + 1)" }.joined(separator: ", ")
        part.clauses.append("(\(columns)) > (\(places))")
      }
      let order = page.map { "ORDER BY \(columns) LIMIT \($0)" } ?? ""
      var count = 0
      try transaction.forEach(
        "SELECT player_id, kills, deaths, pvp_kills, pve_kills, \(columns) FROM \(table) \(part.text) \(order)",
        parameters: part.parameters
      ) { row in
        func number(_ column: Int) -> Int { Int(truncatingIfNeeded: row.integer(column) ?? 0) * Int(sign) }
        board.add(
          PlayerCounts(kills: number(1), deaths: number(2), pvpKills: number(3), pveKills: number(4)),
          of: row.integer(0) ?? 0)
        count += 1
        guard count == page else { return }
        cursor = key.enumerated().map { index, name -> any DatabaseValueConvertible in
          if name == "server_id" { return row.text(5 + index) ?? "" }
          return row.integer(5 + index) ?? 0
        }
      }
      guard count == page else { return }
    }
  }
}
