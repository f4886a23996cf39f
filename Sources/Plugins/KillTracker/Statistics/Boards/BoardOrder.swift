/// The players of a board in the order of one metric, so that the best and anybody's rank are found without looking at all
/// of them.
///
/// What changes is set aside: an answer is what the order says, less what was set aside as it was, and with it as it is.
/// That is exact, and a change costs no more than remembering who it was. When many are set aside, they are put in
/// order again, in one pass. 12 bytes for each player.
struct BoardOrder: Sendable {
  /// So many may be set aside before an answer first puts them in order.
  static let asideLimit = 512

  /// Who is not ranked, and of which version of the table that is.
  private(set) var hidden: Set<Int64>
  private(set) var hiddenVersion: Int64
  /// The greatest value first, equal ones by the player's number.
  private var order: [Int32] = []
  /// By slot of the board: what it was put in order by; 0 for who is not in the order.
  private var base: [Double] = []
  private var aside: Set<Int32> = []

  init(_ board: Board, by metric: LeaderboardMetric, hidden: (version: Int64, players: Set<Int64>)) {
    self.hidden = hidden.players
    hiddenVersion = hidden.version
    base = board.values(metric)
    if !self.hidden.isEmpty {
      for slot in base.indices where self.hidden.contains(board.players[slot]) { base[slot] = 0 }
    }
    order = Self.sorted(base.indices, base, board)
  }

  /// How many players' places it remembers.
  var count: Int { base.count }
  var asideCount: Int { aside.count }
  var isTidy: Bool { aside.count <= Self.asideLimit }
  /// So many are set aside that a new order costs as much as tidying this one.
  var isWornOut: Bool { aside.count > max(4 * Self.asideLimit, base.count / 4) }

  /// What is counted of that slot changes, or who it is becomes private.
  mutating func setAside(_ slot: Int) { aside.insert(Int32(slot)) }

  /// From now on others are private.
  mutating func hide(_ others: (version: Int64, players: Set<Int64>), on board: Board) {
    guard others.version > hiddenVersion else { return }
    for player in others.players.symmetricDifference(hidden) {
      if let slot = board.slot(of: player) { setAside(slot) }
    }
    (hidden, hiddenVersion) = (others.players, others.version)
  }

  /// Puts in order what was set aside.
  mutating func tidy(_ board: Board, by metric: LeaderboardMetric) {
    guard !aside.isEmpty else { return }
    if base.count < board.count { base += Array(repeating: 0, count: board.count - base.count) }
    order.removeAll { aside.contains($0) }
    for slot in aside { base[Int(slot)] = value(Int(slot), board, metric) }
    let new = Self.sorted(aside.lazy.map { Int($0) }, base, board)
    aside = []
    guard !new.isEmpty else { return }
    var merged: [Int32] = []
    merged.reserveCapacity(order.count + new.count)
    var rest = new[...]
    for slot in order {
      while let first = rest.first, Self.precedes(first, slot, base, board) {
        merged.append(first)
        rest.removeFirst()
      }
      merged.append(slot)
    }
    order = merged + rest
  }

  /// The best, ties by who is known longer.
  func best(_ count: Int, on board: Board, by metric: LeaderboardMetric) -> [(player: Int64, value: Double)] {
    var best: [(player: Int64, value: Double)] = []
    for slot in aside {
      let value = value(Int(slot), board, metric)
      if value > 0 { best.append((board.players[Int(slot)], value)) }
    }
    var taken = 0
    for slot in order {
      guard taken < count else { break }
      if aside.contains(slot) { continue }
      best.append((board.players[Int(slot)], base[Int(slot)]))
      taken += 1
    }
    best.sort { ($1.value, $0.player) < ($0.value, $1.player) }
    return Array(best.prefix(count))
  }

  /// For each value the rank that it has: one more than the players who have a greater one.
  func ranks(of values: [Double], on board: Board, by metric: LeaderboardMetric) -> [Int] {
    guard !values.isEmpty else { return [] }
    let moved = aside.map { slot in
      (old: Int(slot) < base.count ? base[Int(slot)] : 0, new: value(Int(slot), board, metric))
    }
    return values.map { value in
      var (low, high) = (0, order.count)
      while low < high {
        let middle = (low + high) / 2
        if base[Int(order[middle])] > value { low = middle + 1 } else { high = middle }
      }
      var rank = low + 1
      for player in moved { rank += (player.new > value ? 1 : 0) - (player.old > value ? 1 : 0) }
      return rank
    }
  }

  /// 0 for who is not ranked.
  private func value(_ slot: Int, _ board: Board, _ metric: LeaderboardMetric) -> Double {
    !hidden.isEmpty && hidden.contains(board.players[slot]) ? 0 : board.value(metric, slot)
  }

  private static func precedes(_ left: Int32, _ right: Int32, _ values: [Double], _ board: Board) -> Bool {
    let (a, b) = (values[Int(left)], values[Int(right)])
    return a == b ? board.players[Int(left)] < board.players[Int(right)] : a > b
  }

  // Beside each other, for a sort that follows numbers into two arrays spends its time on waiting for memory.
  private struct Place {
    var value: Double
    var player: Int64
    var slot: Int32
  }

  /// Those that are ranked, in order.
  private static func sorted(_ slots: some Sequence<Int>, _ values: [Double], _ board: Board) -> [Int32] {
    var places: [Place] = []
    for slot in slots where values[slot] > 0 {
      places.append(Place(value: values[slot], player: board.players[slot], slot: Int32(slot)))
    }
    places.sort { $0.value == $1.value ? $0.player < $1.player : $0.value > $1.value }
    return places.map(\.slot)
  }
}
