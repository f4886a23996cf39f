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

  /// Writes all changes. Rows in one order, and many to a statement.
  func apply(in transaction: Transaction) throws {
    let days = players.filter { !$0.value.isZero }.sorted {
      ($0.key.day, $0.key.serverID, $0.key.player) < ($1.key.day, $1.key.serverID, $1.key.player)
    }
    try CountUpsert.days.add(
      days.map { entry in
        [entry.key.day, entry.key.serverID, entry.key.player] + Self.values(entry.value)
      }, in: transaction)
    var totals: [PlayerDay: PlayerCounts] = [:]
    for (key, counts) in days {
      totals[PlayerDay(day: 0, serverID: key.serverID, player: key.player), default: PlayerCounts()] += counts
    }
    try CountUpsert.totals.add(
      totals.sorted { ($0.key.serverID, $0.key.player) < ($1.key.serverID, $1.key.player) }.map { entry in
        [entry.key.serverID, entry.key.player] + Self.values(entry.value)
      }, in: transaction)
    try CountUpsert.serverDays.add(
      servers.sorted { ($0.key.serverID, $0.key.day) < ($1.key.serverID, $1.key.day) }.map { entry in
        [entry.key.serverID, entry.key.day] + Self.values(entry.value)
      }, in: transaction)
    try CountUpsert.nameDays.add(
      names.filter { $0.value != 0 }.sorted {
        ($0.key.what, $0.key.serverID, $0.key.day, $0.key.name) < (
          $1.key.what, $1.key.serverID, $1.key.day, $1.key.name
        )
      }.map { [$0.key.what, $0.key.serverID, $0.key.day, $0.key.name, $0.value] }, in: transaction)
    try CountUpsert.tallies.add(
      tallies.filter { $0.value != 0 }.sorted {
        ($0.key.player, $0.key.what.rawValue, $0.key.subject) < ($1.key.player, $1.key.what.rawValue, $1.key.subject)
      }.map { [$0.key.player, $0.key.what, $0.key.subject, $0.value] }, in: transaction)
  }

  private static func values(_ counts: PlayerCounts) -> [any DatabaseValueConvertible] {
    [counts.kills, counts.deaths, counts.pvpKills, counts.pveKills, counts.entries]
  }
}

/// Adds to rows of one table of counts, making those that are missing: many to a statement, in few sizes, so that each is
/// put together and prepared once.
private struct CountUpsert: Sendable {
  private static let sizes = [64, 16, 4, 1]
  static let playerCounts = ["kills", "deaths", "pvp_kills", "pve_kills", "entries"]

  static let days = CountUpsert("kill_days", key: ["day", "server_id", "player_id"], counts: playerCounts)
  static let totals = CountUpsert("kill_totals", key: ["server_id", "player_id"], counts: playerCounts)
  static let serverDays = CountUpsert("kill_server_days", key: ["server_id", "day"], counts: playerCounts)
  static let nameDays = CountUpsert(
    "kill_name_days", key: ["what", "server_id", "day", "name_id"], counts: ["entries"])
  static let tallies = CountUpsert("kill_tallies", key: ["player_id", "what", "subject_id"], counts: ["entries"])

  /// The statement for each of ``sizes``.
  private let statements: [String]

  private init(_ table: String, key: [String], counts: [String]) {
    let columns = key + counts
    statements = Self.sizes.map { size in
      let tuples = (0..<size).map { row in
        "(" + (1...columns.count).map { "$\(row * columns.count + $0)" }.joined(separator: ", ") + ")"
      }
      return """
        INSERT INTO \(table) (\(columns.joined(separator: ", "))) VALUES \(tuples.joined(separator: ", "))
        ON CONFLICT (\(key.joined(separator: ", "))) DO UPDATE
        SET \(counts.map { "\($0) = \(table).\($0) + excluded.\($0)" }.joined(separator: ", "))
        """
    }
  }

  /// - Parameter rows: keys and counts in the order of the columns; each key once.
  func add(_ rows: [[any DatabaseValueConvertible]], in transaction: Transaction) throws {
    var rest = rows[...]
    for (size, statement) in zip(Self.sizes, statements) {
      while rest.count >= size {
        try transaction.execute(statement, parameters: rest.prefix(size).flatMap { $0 })
        rest = rest.dropFirst(size)
      }
    }
  }
}
