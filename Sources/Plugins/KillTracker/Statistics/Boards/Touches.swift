/// Whose counts the changes that this process stored have touched, so that what was computed before one of them is known to
/// be right still.
struct Touches: Sendable {
  /// What something was computed from.
  enum Part: Sendable, Equatable {
    case player(Int64)
    /// The same, but for kills that came.
    case losses(Int64)
    /// Some days of a server; ``KillCounts/allServers`` for all of them.
    case server(String, days: ClosedRange<Int64>)
  }

  /// Players and days that are remembered: some 4 MB. Then all are forgotten, and what was computed before counts as
  /// touched.
  static let limit = 50_000

  /// All changes of versions above this are known up to ``last``.
  private(set) var floor: Int64 = 0
  /// The last change that is known; nil before the first.
  private(set) var last: Int64?
  private var players: [Int64: Int64] = [:]
  private var losses: [Int64: Int64] = [:]
  private var days: [String: [Int64: Int64]] = [:]
  private var count = 0

  /// Changes come in the order of their versions; a gap makes it begin anew.
  mutating func add(_ change: KillWriter.CountChange) {
    if last == nil || change.version != (last ?? 0) + 1 || count >= Self.limit {
      (players, losses, days, count) = ([:], [:], [:], 0)
      floor = change.version - 1
      if last.map({ $0 + 1 == change.version }) == true { floor = change.version }
    }
    last = change.version
    guard floor < change.version else { return }
    for place in change.counts.players.keys {
      if players.updateValue(change.version, forKey: place.player) == nil { count += 1 }
      if change.counts.takesOut, losses.updateValue(change.version, forKey: place.player) == nil { count += 1 }
    }
    for place in change.counts.servers.keys {
      if days[place.serverID, default: [:]].updateValue(change.version, forKey: place.day) == nil { count += 1 }
    }
  }

  /// Whether what was computed of that part at one version is what would be computed at ``last``.
  func isUntouched(_ part: Part, since version: Int64) -> Bool {
    guard last != nil, version >= floor else { return false }
    switch part {
    case .player(let player): return players[player].map { $0 <= version } ?? true
    case .losses(let player): return losses[player].map { $0 <= version } ?? true
    case .server(let id, let range):
      return days[id]?.allSatisfy { !range.contains($0.key) || $0.value <= version } ?? true
    }
  }
}
