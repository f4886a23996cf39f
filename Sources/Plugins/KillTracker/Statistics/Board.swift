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

  /// This board over more days, whose counts are yet to be added.
  func extended(to days: ClosedRange<Int64>) -> Board {
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
    for (place, counts) in change.counts.players
    where key.days.contains(place.day) && (key.serverID == nil || key.serverID == place.serverID) {
      add(counts, of: place.player)
    }
    version = change.version
  }

  /// The value of a metric as something that sorts; 0 is not ranked.
  private func value(_ metric: LeaderboardMetric, _ slot: Int) -> Double {
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

  /// The best, ties by who is known longer; without those in `hidden`.
  func best(
    _ count: Int, by metric: LeaderboardMetric, without hidden: Set<Int64>
  ) -> [(player: Int64, value: Double)] {
    var best: [(player: Int64, value: Double)] = []
    best.reserveCapacity(count + 1)
    for slot in players.indices {
      let value = value(metric, slot)
      guard value > 0 else { continue }
      let player = players[slot]
      if best.count == count, let last = best.last, (value, -player) <= (last.value, -last.player) { continue }
      if hidden.contains(player) { continue }
      let place = best.firstIndex { (value, -player) > ($0.value, -$0.player) } ?? best.count
      best.insert((player, value), at: place)
      if best.count > count { best.removeLast() }
    }
    return best
  }

  /// For each value the rank that it has: one more than the players who have a greater one. One pass over all players.
  func ranks(of values: [Double], by metric: LeaderboardMetric, without hidden: Set<Int64>) -> [Int] {
    guard !values.isEmpty else { return [] }
    let sorted = Set(values).sorted()
    // How many players lie between one of the values and the next, by the number of values below theirs.
    var above = [Int](repeating: 0, count: sorted.count + 1)
    for slot in players.indices {
      let value = value(metric, slot)
      guard value > sorted[0], !(hidden.isEmpty ? false : hidden.contains(players[slot])) else { continue }
      var low = 0
      var high = sorted.count
      while low < high {
        let middle = (low + high) / 2
        if sorted[middle] < value { low = middle + 1 } else { high = middle }
      }
      above[low] += 1
    }
    var rankOf: [Double: Int] = [:]
    var greater = 0
    for index in sorted.indices.reversed() {
      greater += above[index + 1]
      rankOf[sorted[index]] = greater + 1
    }
    return values.map { rankOf[$0] ?? 1 }
  }
}
