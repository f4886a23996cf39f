import Platform

/// What leaderboards rank by.
public enum LeaderboardMetric: String, Sendable, CaseIterable {
  case kills, deaths, kdr
  case pvpKills = "pvp_kills"
  case pveKills = "pve_kills"
}

public enum LeaderboardPeriod: String, Sendable, CaseIterable {
  case daily, weekly, monthly
  case allTime = "all_time"

  /// The days of the period in which a day lies, and of what it is compared with: the period before, and for all time
  /// everything up to seven days ago.
  func days(around day: Int64) -> (current: ClosedRange<Int64>, previous: ClosedRange<Int64>) {
    switch self {
    case .daily: return (day...day, (day - 1)...(day - 1))
    case .weekly:
      let monday = Calendar.monday(before: day)
      return (monday...(monday + 6), (monday - 7)...(monday - 1))
    case .monthly:
      let (year, month, _) = Calendar.date(ofDay: day)
      let first = Calendar.days(year: year, month: month, day: 1)
      let next =
        month == 12
        ? Calendar.days(year: year + 1, month: 1, day: 1)
        : Calendar.days(year: year, month: month + 1, day: 1)
      let before =
        month == 1
        ? Calendar.days(year: year - 1, month: 12, day: 1)
        : Calendar.days(year: year, month: month - 1, day: 1)
      return (first...(next - 1), before...(first - 1))
    case .allTime: return (Int64.min...Int64.max, Int64.min...(day - 7))
    }
  }
}

/// Which place a player has in the arrays of a board. Numbers of players begin with 1 and have few gaps, so that where
/// many are known an array by number does it; a few among many players are in a dictionary.
private struct PlayerSlots: Sendable {
  private var dense: [Int32] = []
  private var sparse: [Int64: Int32] = [:]
  private var count = 0

  subscript(player: Int64) -> Int? {
    if player >= 0, player < Int64(dense.count) {
      let slot = dense[Int(player)]
      return slot < 0 ? nil : Int(slot)
    }
    return sparse[player].map { Int($0) }
  }

  mutating func insert(_ player: Int64, slot: Int) {
    count += 1
    if player >= Int64(dense.count), player >= 0, player < Int64(4 * count) {
      // Twice as much as is needed, so that this is rare; never more than the array would hold at most.
      let size = Int(min(2 * (player + 1), Int64(4 * count)))
      dense += Array(repeating: -1, count: size - dense.count)
      for (other, slot) in sparse where other >= 0 && other < Int64(size) { dense[Int(other)] = slot }
      sparse = sparse.filter { $0.key < 0 || $0.key >= Int64(size) }
    }
    if player >= 0, player < Int64(dense.count) {
      dense[Int(player)] = Int32(slot)
    } else {
      sparse[player] = Int32(slot)
    }
  }
}

/// The counts of all players over some days of one server, or of all servers, in memory: 28 to 40 bytes for each, some 60
/// where they are few among many.
struct Board: Sendable {
  struct Key: Hashable, Sendable {
    /// Nil: all servers.
    var serverID: String?
    var days: ClosedRange<Int64>
  }

  let key: Key
  /// The counts are those of this version of the tables.
  var version: Int64
  private var slots = PlayerSlots()
  private(set) var players: [Int64] = []
  private var kills: [Int32] = []
  private var deaths: [Int32] = []
  private var pvpKills: [Int32] = []
  private var pveKills: [Int32] = []
  /// Copies share it as long as a slot means the same player in all of them.
  private final class Lineage: Sendable {}
  private let lineage = Lineage()
  /// Those that were asked for.
  var orders: [LeaderboardMetric: BoardOrder] = [:]

  init(key: Key, version: Int64) {
    self.key = key
    self.version = version
  }

  var count: Int { players.count }

  /// Who made a kill or died.
  var active: Int { players.indices.count { kills[$0] > 0 || deaths[$0] > 0 } }

  mutating func add(_ counts: PlayerCounts, of player: Int64) {
    let slot: Int
    if let known = slots[player] {
      slot = known
    } else {
      slot = players.count
      slots.insert(player, slot: slot)
      players.append(player)
      kills.append(0)
      deaths.append(0)
      pvpKills.append(0)
      pveKills.append(0)
    }
    kills[slot] &+= Int32(clamping: counts.kills)
    deaths[slot] &+= Int32(clamping: counts.deaths)
    pvpKills[slot] &+= Int32(clamping: counts.pvpKills)
    pveKills[slot] &+= Int32(clamping: counts.pveKills)
  }

  /// This board over other days, whose counts are yet to be added or taken away.
  func moved(to days: ClosedRange<Int64>) -> Board {
    var board = Board(key: Key(serverID: key.serverID, days: days), version: version)
    board.slots = slots
    board.players = players
    board.kills = kills
    board.deaths = deaths
    board.pvpKills = pvpKills
    board.pveKills = pveKills
    return board
  }

  mutating func apply(_ change: KillWriter.CountChange) {
    for (place, counts) in change.counts.players where holds(place) {
      add(counts, of: place.player)
      setAside(place.player)
    }
    version = change.version
  }

  /// Who changes, in the orders.
  private mutating func setAside(_ player: Int64) {
    guard !orders.isEmpty, let slot = slots[player] else { return }
    for metric in LeaderboardMetric.allCases {
      orders[metric]?.setAside(slot)
      if orders[metric]?.isWornOut == true { orders[metric] = nil }
    }
  }

  /// Takes an order that was made of an earlier version of this board.
  /// - Parameter missed: what was stored since.
  mutating func adopt(_ order: BoardOrder, by metric: LeaderboardMetric, missed: [KillWriter.CountChange]) {
    var order = order
    for change in missed {
      for place in change.counts.players.keys where holds(place) {
        if let slot = slots[place.player] { order.setAside(slot) }
      }
    }
    orders[metric] = order
  }

  private func holds(_ place: KillCounts.PlayerDay) -> Bool {
    key.days.contains(place.day) && (key.serverID == nil || key.serverID == place.serverID)
  }

  func slot(of player: Int64) -> Int? { slots[player] }

  /// Whether this is the other one, or that after more was stored.
  func isContinuation(of other: Board) -> Bool { lineage === other.lineage && version >= other.version }

  /// Of all slots.
  func values(_ metric: LeaderboardMetric) -> [Double] { players.indices.map { value(metric, $0) } }

  /// The value of a metric as something that sorts; 0 is not ranked.
  func value(_ metric: LeaderboardMetric, _ slot: Int) -> Double {
    switch metric {
    case .kills: Double(kills[slot])
    case .deaths: Double(deaths[slot])
    case .pvpKills: Double(pvpKills[slot])
    case .pveKills: Double(pveKills[slot])
    case .kdr: deaths[slot] > 0 ? Double(kills[slot]) / Double(deaths[slot]) : Double(kills[slot])
    }
  }

  func counts(of player: Int64) -> PlayerCounts {
    guard let slot = slots[player] else { return PlayerCounts() }
    return PlayerCounts(
      kills: Int(kills[slot]), deaths: Int(deaths[slot]), pvpKills: Int(pvpKills[slot]), pveKills: Int(pveKills[slot]))
  }

  /// Nil if the player is not ranked.
  func value(_ metric: LeaderboardMetric, of player: Int64) -> Double? {
    guard let slot = slots[player] else { return nil }
    let value = value(metric, slot)
    return value > 0 ? value : nil
  }
}
