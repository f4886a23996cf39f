/// What ``Boards`` keep, and how it follows what is stored.
struct BoardsState: Sendable {
  struct OrderKey: Hashable, Sendable {
    var board: Board.Key
    var metric: LeaderboardMetric
  }

  var boards: [Board.Key: Board] = [:]
  private var usedAt: [Board.Key: UInt64] = [:]
  private var orderUsedAt: [OrderKey: UInt64] = [:]
  private var clock: UInt64 = 0
  /// Changes in the order of their versions, without a gap.
  private var changes: [KillWriter.CountChange] = []
  private var early: [Int64: KillWriter.CountChange] = [:]
  /// Transactions of this process whose change is not told here yet.
  private var writing: Set<UInt64> = []
  /// Those of them that may have made what is missing before the early ones.
  private var awaited: Set<UInt64> = []
  private var tickets: UInt64 = 0
  private(set) var touches = Touches()
  var hidden: (version: Int64, players: Set<Int64>)?

  var isWriting: Bool { !writing.isEmpty }

  // MARK: - Changes

  mutating func begin() -> UInt64 {
    tickets += 1
    writing.insert(tickets)
    return tickets
  }

  mutating func finish(_ ticket: UInt64, _ change: KillWriter.CountChange?) {
    writing.remove(ticket)
    awaited.remove(ticket)
    if let change { take(change) }
    // Nobody is left who could fill the gap: another process wrote, and boards are loaded anew.
    if !early.isEmpty, awaited.isEmpty { restart() }
  }

  private mutating func take(_ change: KillWriter.CountChange) {
    if let last = changes.last?.version, change.version != last + 1 {
      guard change.version > last else { return }
      if early.isEmpty { awaited = writing }
      early[change.version] = change
      if early.count > Boards.changeLimit { restart() }
      return
    }
    append(change)
    while let last = changes.last?.version, let next = early.removeValue(forKey: last + 1) { append(next) }
    if changes.count > Boards.changeLimit {
      for key in boards.keys where !catchUp(key) { forget(key) }
      changes.removeFirst(changes.count - Boards.changeLimit / 2)
    }
  }

  private mutating func append(_ change: KillWriter.CountChange) {
    changes.append(change)
    touches.add(change)
  }

  private mutating func restart() {
    let newest = early.values.max { $0.version < $1.version }
    (changes, early, awaited) = ([], [:], [])
    if let newest { append(newest) }
  }

  /// What was stored after a version; nil if not all of it is known.
  private func changes(since version: Int64) -> ArraySlice<KillWriter.CountChange>? {
    guard let last = changes.last?.version, version < last else { return [] }
    guard let first = changes.first?.version, first <= version + 1 else { return nil }
    return changes[Int(version + 1 - first)...]
  }

  /// Brings the board up to the last change that is known; false if it is not there or something between is missing.
  mutating func catchUp(_ key: Board.Key) -> Bool {
    guard var board = boards[key] else { return false }
    guard let missed = changes(since: board.version) else { return false }
    if missed.isEmpty { return true }
    boards[key] = nil  // changed in place, not as a copy
    for change in missed { board.apply(change) }
    boards[key] = board
    return true
  }

  // MARK: - Near ones

  /// What loading a board of all time costs, in days.
  private static let wholeCost: Int64 = 21

  /// The board from which the wanted one is fewer days away than it would take to add up, as it was at that version.
  /// - Parameter last: the last day that has counts.
  func nearest(to key: Board.Key, at version: Int64, last: Int64) -> Board? {
    func clipped(_ day: Int64) -> Int64 { min(day, last) }
    var cost =
      key.days.lowerBound == .min
      ? Self.wholeCost + max(0, last - clipped(key.days.upperBound))
      : max(0, clipped(key.days.upperBound) - key.days.lowerBound + 1)
    var nearest: Board?
    for board in boards.values where board.key.serverID == key.serverID && board.version <= version {
      let days = board.key.days
      guard days.lowerBound != .min || key.days.lowerBound == .min,
        days.lowerBound == .min || key.days.lowerBound != .min, days.overlaps(key.days)
      else { continue }
      let below = days.lowerBound == .min ? 0 : abs(clipped(days.lowerBound) - clipped(key.days.lowerBound))
      let away = below + abs(clipped(days.upperBound) - clipped(key.days.upperBound))
      guard away < cost, let missed = changes(since: board.version),
        missed.last?.version ?? board.version >= version
      else { continue }
      (nearest, cost) = (board, away)
    }
    guard var board = nearest else { return nil }
    board.orders = [:]
    for change in changes(since: board.version) ?? [] where change.version <= version { board.apply(change) }
    return board
  }

  // MARK: - Bounds

  mutating func use(_ key: Board.Key) {
    clock += 1
    usedAt[key] = clock
  }

  mutating func use(_ key: OrderKey) {
    clock += 1
    orderUsedAt[key] = clock
  }

  private mutating func forget(_ key: Board.Key) {
    boards[key] = nil
    usedAt[key] = nil
    for metric in LeaderboardMetric.allCases { orderUsedAt[OrderKey(board: key, metric: metric)] = nil }
  }

  /// Keeps an order that was made of a board as it was a moment ago.
  mutating func keep(_ order: BoardOrder, of board: Board, by metric: LeaderboardMetric) {
    guard catchUp(board.key), var current = boards[board.key], current.isContinuation(of: board),
      let missed = changes(since: board.version)
    else { return }
    // Another reader may have made one of later privacy.
    if let known = current.orders[metric], known.isTidy, known.hiddenVersion >= order.hiddenVersion { return }
    boards[board.key] = nil
    current.adopt(order, by: metric, missed: Array(missed))
    boards[board.key] = current
    use(OrderKey(board: board.key, metric: metric))
    evictOrders(except: OrderKey(board: board.key, metric: metric))
  }

  private mutating func evictOrders(except kept: OrderKey) {
    var places = boards.values.reduce(0) { $0 + $1.orders.values.reduce(0) { $0 + $1.count } }
    while places > Boards.orderLimit,
      let oldest = orderUsedAt.filter({ $0.key != kept }).min(by: { $0.value < $1.value })?.key
    {
      places -= boards[oldest.board]?.orders[oldest.metric]?.count ?? 0
      boards[oldest.board]?.orders[oldest.metric] = nil
      orderUsedAt[oldest] = nil
    }
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
