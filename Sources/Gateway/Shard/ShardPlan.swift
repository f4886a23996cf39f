/// Which shards a process runs. Pure.
public struct ShardPlan: Sendable, Hashable {
  public let total: Int
  public let ids: [Int]

  /// Whether this process has all of them, and so may change their number by itself.
  public var isWhole: Bool { ids.count == total }

  init(total: Int, ids: [Int]) {
    self.total = total
    self.ids = ids
  }

  init(all total: Int) { self.init(total: total, ids: Array(0..<total)) }

  /// Discord's recommendation grows with every few hundred guilds; only when it is so many times the present number
  /// are the shards worth a day's identifies.
  static let growth = 1.5

  static func isOutgrown(total: Int, recommended: Int) -> Bool { Double(recommended) >= Double(total) * growth }

  /// - Parameter stored: the shards whose sessions the last run kept. If it was a whole set it is taken up again, even
  ///   when Discord recommends another number by now: resuming loses no event and costs no identify. A set that is
  ///   outgrown is replaced while it runs; one that is far too large is not taken up.
  static func atStart(_ wanted: GatewayClient.Shards, recommended: Int, stored: Set<ShardID>) -> ShardPlan {
    let recommended = max(1, recommended)
    switch wanted {
    case .some(let total, let ids):
      let total = max(1, total)
      return ShardPlan(total: total, ids: Set(ids).filter { (0..<total).contains($0) }.sorted())
    case .automatic:
      let whole = Dictionary(grouping: stored, by: \.count).filter { $0.value.count == $0.key }.keys
      if whole.contains(recommended) { return ShardPlan(all: recommended) }
      let kept = whole.filter { !isOutgrown(total: recommended, recommended: $0) }.max()
      return ShardPlan(all: kept ?? recommended)
    }
  }
}

/// Why the number of shards was not changed. What ran goes on.
public enum ReshardError: Error, Sendable, Hashable, CustomStringConvertible {
  case notRunning
  case underWay
  /// Other processes have the other shards.
  case partial
  /// The day's identifies do not suffice.
  case budget(needed: Int, left: Int, resetAfter: Duration)
  case abandoned(String)

  public var description: String {
    switch self {
    case .notRunning: "the gateway is not running"
    case .underWay: "the number of shards is being changed already"
    case .partial: "this process has only some of the shards: their number changes with a restart of all processes"
    case .budget(let needed, let left, let resetAfter):
      "it takes \(needed) identifies and only \(left) of the day's may be spent; the limit resets in \(resetAfter)"
    case .abandoned(let reason): "\(reason); the old shards go on"
    }
  }
}
