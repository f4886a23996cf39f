import Core
import Platform
import Storage

/// Which kills are asked for. All conditions hold at once.
public struct KillFilter: Sendable, Hashable {
  public enum Side: Sendable { case either, killer, victim }

  public var serverID: String?
  public var player: Int64?
  public var side: Side
  public var weapon: String?
  public var location: String?
  public var kind: KillKind?
  /// The first moment that counts.
  public var from: Timestamp?
  /// The first moment that does not count any more.
  public var until: Timestamp?

  public init(
    serverID: String? = nil, player: Int64? = nil, side: Side = .either, weapon: String? = nil, location: String? = nil,
    kind: KillKind? = nil, from: Timestamp? = nil, until: Timestamp? = nil
  ) {
    self.serverID = serverID
    self.player = player
    self.side = side
    self.weapon = weapon
    self.location = location
    self.kind = kind
    self.from = from
    self.until = until
  }
}

/// One page of kills, the newest first.
public struct KillPage: Sendable, Equatable {
  public var kills: [Kill]
  /// How many there are in all.
  public var total: Int
  /// Beyond ``KillList/exactLimit``, where no count is kept for the combination, the total is a lower bound.
  public var totalIsEstimate: Bool
  /// Where the next page begins; nil after the last.
  public var next: KillCursor?
}

/// A place in the order of kills: behind that one.
public struct KillCursor: Sendable, Hashable, LosslessStringConvertible {
  public var occurredAt: Timestamp
  public var id: KillID

  public init(occurredAt: Timestamp, id: KillID) {
    self.occurredAt = occurredAt
    self.id = id
  }

  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
    guard parts.count == 2, let time = parts[0], let number = parts[1] else { return nil }
    self.init(occurredAt: Timestamp(milliseconds: time), id: KillID(rawValue: number))
  }

  public var description: String { "\(occurredAt.milliseconds).\(id.rawValue)" }
}

/// Finds kills. Every way to ask walks an index from the newest on and stops when the page is full.
enum KillList {
  static let exactLimit = 100_000

  /// A condition list with its parameters, and the numbers of names in it; nil if nothing can match.
  struct Conditions {
    var clauses: [String] = []
    var parameters: [any DatabaseValueConvertible] = []

    mutating func add(_ clause: String, _ value: any DatabaseValueConvertible) {
      parameters.append(value)
      clauses.append(
        clause.split(separator: "?", omittingEmptySubsequences: false).joined(separator: "$\(parameters.count)"))
    }

    var text: String { clauses.isEmpty ? "" : "WHERE " + clauses.joined(separator: " AND ") }
  }

  static func conditions(_ filter: KillFilter, in transaction: ReadTransaction) throws -> Conditions? {
    var conditions = Conditions()
    if let serverID = filter.serverID { conditions.add("k.server_id = ?", serverID) }
    if let kind = filter.kind { conditions.add("k.kind = ?", kind) }
    for (column, name) in [("weapon_id", filter.weapon), ("location_id", filter.location)] {
      guard let name else { continue }
      guard let id = try KillWriter.findName(name, in: transaction) else { return nil }
      conditions.add("k.\(column) = ?", id)
    }
    if let from = filter.from { conditions.add("k.occurred_at >= ?", from) }
    if let until = filter.until { conditions.add("k.occurred_at < ?", until) }
    return conditions
  }

  /// What stands behind `FROM kills k` to get a page in its order; nil if nothing can match.
  struct Selection {
    var text: String
    var parameters: [any DatabaseValueConvertible]
  }

  /// - Parameter backwards: the oldest first, for an export.
  /// - Returns: the kills, and who has a part in any of them.
  static func page(
    _ filter: KillFilter, after cursor: KillCursor?, offset: Int, limit: Int, backwards: Bool = false,
    for viewer: KillViewer, in transaction: ReadTransaction
  ) throws -> (kills: [Kill], involved: Set<UserID>) {
    let selection = try selection(
      filter, after: cursor, offset: offset, limit: limit, backwards: backwards, in: transaction)
    guard let selection else { return ([], []) }
    // The page's keys first; the joins then touch no more than the page.
    var kills: [Kill] = []
    var involved: Set<UserID> = []
    kills.reserveCapacity(limit)
    try transaction.forEach(
      """
      SELECT \(Kill.columns) FROM kills k \(Kill.joins)
      WHERE k.id IN (SELECT s.id FROM (SELECT k.id FROM kills k \(selection.text)) s)
      ORDER BY k.occurred_at \(backwards ? "ASC" : "DESC"), k.id \(backwards ? "ASC" : "DESC")
      """, parameters: selection.parameters
    ) { kills.append(try Kill($0, for: viewer, involved: &involved)) }
    return (kills, involved)
  }

  static func selection(
    _ filter: KillFilter, after cursor: KillCursor?, offset: Int, limit: Int, backwards: Bool,
    in transaction: ReadTransaction
  ) throws -> Selection? {
    guard var conditions = try conditions(filter, in: transaction) else { return nil }
    let direction = backwards ? "ASC" : "DESC"
    let beyond = backwards ? ">" : "<"
    if let cursor {
      // Two conditions, for the row comparison alone would not bound the index on every engine.
      conditions.add("k.occurred_at \(beyond)= ?", cursor.occurredAt)
      conditions.parameters += [cursor.occurredAt, cursor.id]
      let place = conditions.parameters.count
      conditions.clauses.append(
        "(k.occurred_at \(beyond) $\(place - 1) OR (k.occurred_at = $\(place - 1) AND k.id \(beyond) $\(place)))")
    }
    let order = "ORDER BY k.occurred_at \(direction), k.id \(direction)"
    var parameters = conditions.parameters
    let base = parameters.count
    guard let player = filter.player else {
      parameters += [limit, offset]
      return Selection(
        text: "\(conditions.text) \(order) LIMIT $\(base + 1) OFFSET $\(base + 2)", parameters: parameters)
    }
    parameters += [player, limit + offset, limit, offset]
    let (p, most, size, skip) = ("$\(base + 1)", "$\(base + 2)", "$\(base + 3)", "$\(base + 4)")
    // Each side by its own index, no more of either than the page can need.
    func keys(_ side: String) -> String {
      let all = (conditions.clauses + [side]).joined(separator: " AND ")
      return "SELECT k.id FROM kills k WHERE \(all) \(order) LIMIT \(most)"
    }
    let asKiller = keys("k.killer_id = \(p)")
    let both =
      switch filter.side {
      case .killer: asKiller
      case .victim: keys("k.victim_id = \(p)")
      case .either:
        "SELECT s.id FROM (\(asKiller)) s UNION ALL SELECT t.id FROM ("
          + keys("k.victim_id = \(p) AND (k.killer_id IS NULL OR k.killer_id <> \(p))") + ") t"
      }
    return Selection(
      text: "WHERE k.id IN (SELECT u.id FROM (\(both)) u) \(order) LIMIT \(size) OFFSET \(skip)",
      parameters: parameters)
  }

  // MARK: - Totals

  /// How many match: from the counts where one is kept, else by counting up to ``exactLimit``.
  static func total(
    _ filter: KillFilter, in transaction: ReadTransaction
  ) throws -> (count: Int, isEstimate: Bool) {
    if let known = try keptTotal(filter, in: transaction) { return (known, false) }
    guard var conditions = try conditions(filter, in: transaction) else { return (0, false) }
    if let player = filter.player {
      switch filter.side {
      case .killer: conditions.add("k.killer_id = ?", player)
      case .victim: conditions.add("k.victim_id = ?", player)
      case .either: conditions.add("(k.killer_id = ? OR k.victim_id = ?)", player)
      }
    }
    conditions.parameters.append(exactLimit + 1)
    let count =
      try transaction.queryOne(
        """
        SELECT count(*) AS count FROM (
          SELECT k.id FROM kills k \(conditions.text) LIMIT $\(conditions.parameters.count)) m
        """, parameters: conditions.parameters
      ) { try $0.value("count", as: Int.self) } ?? 0
    return (min(count, exactLimit), count > exactLimit)
  }

  /// The count that is kept for that combination; nil if none is.
  private static func keptTotal(_ filter: KillFilter, in transaction: ReadTransaction) throws -> Int? {
    guard let question = try keptTotalQuestion(filter, in: transaction) else { return nil }
    return try transaction.queryOne(question.text, parameters: question.parameters) { try $0["count"] }
  }

  /// What asks for that count, as `count`; nil if none is kept.
  static func keptTotalQuestion(_ filter: KillFilter, in transaction: ReadTransaction) throws -> Selection? {
    guard filter.kind == nil, isWholeDay(filter.from), isWholeDay(filter.until) else { return nil }
    var conditions = Conditions()
    let table: String
    switch (filter.player, filter.weapon, filter.location) {
    case (nil, nil, nil): table = "kill_server_days"
    case (let player?, nil, nil) where filter.side == .either:
      table = filter.from == nil && filter.until == nil ? "kill_totals" : "kill_days"
      conditions.add("player_id = ?", player)
    case (nil, let name?, nil), (nil, nil, let name?):
      guard let id = try KillWriter.findName(name, in: transaction) else {
        return Selection(text: "SELECT CAST(0 AS BIGINT) AS count", parameters: [])
      }
      table = "kill_name_days"
      conditions.add("what = ?", filter.weapon == nil ? 1 : 0)
      conditions.add("name_id = ?", id)
    default: return nil
    }
    if filter.player == nil {
      conditions.add("server_id = ?", filter.serverID ?? KillCounts.allServers)
    } else if let serverID = filter.serverID {
      conditions.add("server_id = ?", serverID)
    }
    if let from = filter.from { conditions.add("day >= ?", Calendar.day(of: from)) }
    if let until = filter.until { conditions.add("day < ?", Calendar.day(of: until)) }
    // Of a name, the rows are found by the index that begins with it, and only then read: SQLite would else take the key
    // of the table, and read the rows of all names.
    let entries =
      table == "kill_name_days"
      ? """
      (SELECT d.entries FROM kill_name_days d WHERE d.what = s.what AND d.server_id = s.server_id AND d.day = s.day
        AND d.name_id = s.name_id)
      """ : "s.entries"
    return Selection(
      text: "SELECT CAST(COALESCE(SUM(\(entries)), 0) AS BIGINT) AS count FROM \(table) s \(conditions.text)",
      parameters: conditions.parameters)
  }

  private static func isWholeDay(_ time: Timestamp?) -> Bool {
    time.map { $0.milliseconds % Calendar.day == 0 } ?? true
  }
}

extension ReadTransaction {
  /// The first row, with parameters in an array.
  func queryOne<Value>(
    _ sql: String, parameters: [any DatabaseValueConvertible], row: (Row) throws -> Value
  ) throws -> Value? {
    try query(sql, parameters: parameters, row: row).first
  }
}
