import Storage

/// The facts of a kill that are counted.
struct KillFacts: Sendable, Equatable {
  var serverID: String
  var day: Int64
  var killer: Int64?
  var victim: Int64?
  var weapon: Int64?
  var location: Int64?
  var kind: KillKind
}

/// What one player did.
struct PlayerCounts: Sendable, Equatable {
  var kills = 0
  var deaths = 0
  var pvpKills = 0
  var pveKills = 0
  /// Kills in which the player took part on either side.
  var entries = 0

  static func += (left: inout PlayerCounts, right: PlayerCounts) {
    left.kills += right.kills
    left.deaths += right.deaths
    left.pvpKills += right.pvpKills
    left.pveKills += right.pveKills
    left.entries += right.entries
  }

  static prefix func - (counts: PlayerCounts) -> PlayerCounts {
    PlayerCounts(
      kills: -counts.kills, deaths: -counts.deaths, pvpKills: -counts.pvpKills, pveKills: -counts.pveKills,
      entries: -counts.entries)
  }

  var isZero: Bool { self == PlayerCounts() }
}

/// What a few kills change in the tables of counts, added up, so that each row is written once.
struct KillCounts: Sendable {
  struct PlayerDay: Hashable, Sendable {
    var day: Int64
    var serverID: String
    var player: Int64
  }
  struct ServerDay: Hashable, Sendable {
    var serverID: String
    var day: Int64
  }
  struct NameDay: Hashable, Sendable {
    var what: Int
    var day: Int64
    var serverID: String
    var name: Int64
  }
  struct Tally: Hashable, Sendable {
    var player: Int64
    var what: TallyKind
    var subject: Int64
  }
  enum TallyKind: Int, Sendable, DatabaseValueConvertible { case weapon, location, prey, nemesis }

  private(set) var players: [PlayerDay: PlayerCounts] = [:]
  private(set) var servers: [ServerDay: PlayerCounts] = [:]
  private(set) var names: [NameDay: Int] = [:]
  private(set) var tallies: [Tally: Int] = [:]
  /// Whether a kill that was counted before went, or is counted otherwise now.
  private(set) var takesOut = false

  /// What stands for all servers together in the counts of servers and names; no server has such an id.
  static let allServers = "*"

  /// How each side's counts change with a kill.
  static func counts(of facts: KillFacts) -> (killer: PlayerCounts, victim: PlayerCounts) {
    var killer = PlayerCounts(entries: 1)
    var victim = PlayerCounts(entries: 1)
    if facts.kind.isKill {
      killer.kills = 1
      killer.pvpKills = facts.kind == .pvp ? 1 : 0
      killer.pveKills = facts.kind == .pve ? 1 : 0
    }
    if facts.kind.isDeath { victim.deaths = 1 }
    return (killer, victim)
  }

  /// - Parameter sign: 1 for a kill that came, -1 for one that went.
  mutating func add(_ facts: KillFacts, sign: Int) {
    if sign < 0 { takesOut = true }
    let (killer, victim) = Self.counts(of: facts)
    var server = PlayerCounts(entries: 1)
    server.kills = killer.kills
    server.pvpKills = killer.pvpKills
    server.pveKills = killer.pveKills
    if facts.victim != nil { server.deaths = victim.deaths }
    for id in [facts.serverID, Self.allServers] {
      servers[ServerDay(serverID: id, day: facts.day), default: PlayerCounts()] += sign > 0 ? server : -server
    }
    if let player = facts.killer {
      var own = killer
      // Both sides at once: one entry.
      if facts.victim == player {
        own += victim
        own.entries = 1
      }
      add(own, of: player, facts, sign)
    }
    if let player = facts.victim, player != facts.killer { add(victim, of: player, facts, sign) }
    for (what, name) in [(0, facts.weapon), (1, facts.location)] {
      guard let name else { continue }
      for id in [facts.serverID, Self.allServers] {
        names[NameDay(what: what, day: facts.day, serverID: id, name: name), default: 0] += sign
      }
    }
    guard facts.kind.isKill, let player = facts.killer else { return }
    if let weapon = facts.weapon { tallies[Tally(player: player, what: .weapon, subject: weapon), default: 0] += sign }
    if let place = facts.location {
      tallies[Tally(player: player, what: .location, subject: place), default: 0] += sign
    }
    guard facts.kind == .pvp, let victim = facts.victim else { return }
    tallies[Tally(player: player, what: .prey, subject: victim), default: 0] += sign
    tallies[Tally(player: victim, what: .nemesis, subject: player), default: 0] += sign
  }

  private mutating func add(_ counts: PlayerCounts, of player: Int64, _ facts: KillFacts, _ sign: Int) {
    let key = PlayerDay(day: facts.day, serverID: facts.serverID, player: player)
    players[key, default: PlayerCounts()] += sign > 0 ? counts : -counts
  }

  // MARK: - Writing

  /// Writes all changes, rows in one order.
  func apply(in transaction: Transaction) throws {
    if takesOut { try Streaks.forgetAll(in: transaction) }
    let days = players.filter { !$0.value.isZero }.sorted {
      ($0.key.day, $0.key.serverID, $0.key.player) < ($1.key.day, $1.key.serverID, $1.key.player)
    }
    var rows: [DatabaseValue] = []
    var totals: [PlayerDay: PlayerCounts] = [:]
    for (key, counts) in days {
      rows += [.integer(key.day), .text(key.serverID), .integer(key.player)]
      counts.append(to: &rows)
      totals[PlayerDay(day: 0, serverID: key.serverID, player: key.player), default: PlayerCounts()] += counts
    }
    try transaction.insert(rows, by: CountTables.days)
    rows.removeAll(keepingCapacity: true)
    for (key, counts) in totals.sorted(by: {
      ($0.key.serverID, $0.key.player) < ($1.key.serverID, $1.key.player)
    }) {
      rows += [.text(key.serverID), .integer(key.player)]
      counts.append(to: &rows)
    }
    try transaction.insert(rows, by: CountTables.totals)
    rows.removeAll(keepingCapacity: true)
    for (key, counts) in servers.sorted(by: { ($0.key.serverID, $0.key.day) < ($1.key.serverID, $1.key.day) }) {
      rows += [.text(key.serverID), .integer(key.day)]
      counts.append(to: &rows)
    }
    try transaction.insert(rows, by: CountTables.serverDays)
    rows.removeAll(keepingCapacity: true)
    for (key, count) in names.filter({ $0.value != 0 }).sorted(by: {
      ($0.key.what, $0.key.serverID, $0.key.day, $0.key.name) < ($1.key.what, $1.key.serverID, $1.key.day, $1.key.name)
    }) {
      rows += [.integer(Int64(key.what)), .text(key.serverID), .integer(key.day), .integer(key.name)]
      rows.append(.integer(Int64(count)))
    }
    try transaction.insert(rows, by: CountTables.nameDays)
    rows.removeAll(keepingCapacity: true)
    for (key, count) in tallies.filter({ $0.value != 0 }).sorted(by: {
      ($0.key.player, $0.key.what.rawValue, $0.key.subject) < ($1.key.player, $1.key.what.rawValue, $1.key.subject)
    }) {
      rows += [.integer(key.player), .integer(Int64(key.what.rawValue)), .integer(key.subject), .integer(Int64(count))]
    }
    try transaction.insert(rows, by: CountTables.tallies)
  }
}

extension PlayerCounts {
  /// In the order of ``CountTables/counts``.
  fileprivate func append(to row: inout [DatabaseValue]) {
    row += [
      .integer(Int64(kills)), .integer(Int64(deaths)), .integer(Int64(pvpKills)), .integer(Int64(pveKills)),
      .integer(Int64(entries)),
    ]
  }
}

/// Adds to rows of the tables of counts, making those that are missing.
private enum CountTables {
  static let days = RowInsert(
    into: "kill_days",
    [
      "day": .integer, "server_id": .text, "player_id": .integer, "kills": .integer, "deaths": .integer,
      "pvp_kills": .integer, "pve_kills": .integer, "entries": .integer,
    ], then: adding(counts, to: "kill_days", key: "day, server_id, player_id"))
  static let totals = RowInsert(
    into: "kill_totals",
    [
      "server_id": .text, "player_id": .integer, "kills": .integer, "deaths": .integer, "pvp_kills": .integer,
      "pve_kills": .integer, "entries": .integer,
    ], then: adding(counts, to: "kill_totals", key: "server_id, player_id"))
  static let serverDays = RowInsert(
    into: "kill_server_days",
    [
      "server_id": .text, "day": .integer, "kills": .integer, "deaths": .integer, "pvp_kills": .integer,
      "pve_kills": .integer, "entries": .integer,
    ], then: adding(counts, to: "kill_server_days", key: "server_id, day"))
  static let nameDays = RowInsert(
    into: "kill_name_days",
    ["what": .integer, "server_id": .text, "day": .integer, "name_id": .integer, "entries": .integer],
    then: adding(["entries"], to: "kill_name_days", key: "what, server_id, day, name_id"))
  static let tallies = RowInsert(
    into: "kill_tallies", ["player_id": .integer, "what": .integer, "subject_id": .integer, "entries": .integer],
    then: adding(["entries"], to: "kill_tallies", key: "player_id, what, subject_id"))

  static let counts = ["kills", "deaths", "pvp_kills", "pve_kills", "entries"]

  private static func adding(_ counts: [String], to table: String, key: String) -> String {
    "ON CONFLICT (\(key)) DO UPDATE SET "
      + counts.map { "\($0) = \(table).\($0) + excluded.\($0)" }.joined(separator: ", ")
  }
}
