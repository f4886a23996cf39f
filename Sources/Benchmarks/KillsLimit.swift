import Core
import KillTracker
import Platform
import Storage

/// What the database alone can take: the rows of kills that were recorded, written once more into an empty database of
/// the same tables, so many to a transaction, each transaction on disk before the next begins. Nothing is looked up,
/// decided or answered; all values were made before. The program can at best come near it.
enum KillsLimit {
  struct Outcome {
    var kills: Int
    var seconds: Double
    var processorSeconds: Double
  }

  /// One transaction's rows.
  private struct Portion: Sendable {
    var kills: [DatabaseValue] = []
    var playerDays: [DatabaseValue] = []
    var playerTotals: [DatabaseValue] = []
    var serverDays: [DatabaseValue] = []
    var nameDays: [DatabaseValue] = []
    var tallies: [DatabaseValue] = []
    var events: [DatabaseValue] = []
  }

  /// - Parameters:
  ///   - source: where the kills were recorded.
  ///   - url: a database that is not there yet.
  ///   - size: kills in a transaction.
  static func measure(
    from source: Database, into url: String, portion size: Int, processorSeconds: () -> Double
  ) async throws -> Outcome {
    let portions = try await read(source, portion: size)
    let target = try await Database.open(url: url)
    _ = try await SharedState.open(target, modules: [KillTables.module])
    let processor = processorSeconds()
    let start = ContinuousClock.now
    for portion in portions {
      try await target.write { transaction in
        try transaction.insert(portion.kills, by: Tables.kills)
        try transaction.insert(portion.playerDays, by: Tables.playerDays)
        try transaction.insert(portion.playerTotals, by: Tables.playerTotals)
        try transaction.insert(portion.serverDays, by: Tables.serverDays)
        try transaction.insert(portion.nameDays, by: Tables.nameDays)
        try transaction.insert(portion.tallies, by: Tables.tallies)
        try transaction.insert(portion.events, by: Tables.events)
      }
    }
    let outcome = Outcome(
      kills: portions.reduce(0) { $0 + $1.kills.count / Tables.killColumns.count },
      seconds: (ContinuousClock.now - start).inSeconds, processorSeconds: processorSeconds() - processor)
    await target.close()
    return outcome
  }

  // MARK: - The rows

  private static func read(_ source: Database, portion size: Int) async throws -> [Portion] {
    var portions: [Portion] = []
    var last: Int64 = 0
    while true {
      let after = last
      let (portion, end) = try await source.read { transaction in
        var portion = Portion()
        var end = after
        _ = try transaction.query(
          "SELECT \(Tables.killColumns.joined(separator: ", ")) FROM kills WHERE id > $1 ORDER BY id LIMIT $2", after,
          size
        ) { row in
          end = try row["id"]
          try add(row, to: &portion)
        }
        _ = try transaction.query(
          """
          SELECT position, name, guild_id, subjects, data, created_at FROM domain_events
          WHERE position > $1 ORDER BY position LIMIT $2
          """, after, size
        ) { row in
          portion.events += [
            .integer(try row["position"]), .text(try row["name"]), try text(row, "guild_id"),
            .text(try row["subjects"]), .text(try row["data"]), .integer(try row["created_at"]),
          ]
        }
        return (portion, end)
      }
      guard !portion.kills.isEmpty else { return portions }
      portions.append(portion)
      last = end
    }
  }

  private static func text(_ row: Row, _ column: String) throws -> DatabaseValue {
    try row.value(column, as: String?.self).map { .text($0) } ?? .null
  }

  private static func integer(_ row: Row, _ column: String) throws -> DatabaseValue {
    try row.value(column, as: Int64?.self).map { .integer($0) } ?? .null
  }

  private static func add(_ row: Row, to portion: inout Portion) throws {
    for column in Tables.killColumns {
      portion.kills.append(Tables.texts.contains(column) ? try text(row, column) : try integer(row, column))
    }
    let server: String = try row["server_id"]
    let day = try row.value("occurred_at", as: Int64.self) / 86_400_000
    let killer: Int64? = try row["killer_id"]
    let victim: Int64? = try row["victim_id"]
    let kind: String = try row["kind"]
    let isKill = kind != "suicide"
    for (player, kills, deaths) in [(killer, isKill ? 1 : 0, 0), (killer == victim ? nil : victim, 0, 1)] {
      guard let player else { continue }
      let counts = [kills, deaths, kills, 0, 1].map { DatabaseValue.integer(Int64($0)) }
      portion.playerDays += [.integer(day), .text(server), .integer(player)] + counts
      portion.playerTotals += [.text(server), .integer(player)] + counts
    }
    for id in [server, "*"] {
      portion.serverDays += [.text(id), .integer(day)] + [1, 1, 1, 0, 1].map { .integer($0) }
      for (what, column) in [(Int64(0), "weapon_id"), (1, "location_id")] {
        guard let name = try row.value(column, as: Int64?.self) else { continue }
        portion.nameDays += [.integer(what), .text(id), .integer(day), .integer(name), .integer(1)]
      }
    }
    guard isKill, let killer else { return }
    for (what, column) in [(Int64(0), "weapon_id"), (1, "location_id"), (2, "victim_id")] {
      guard let subject = try row.value(column, as: Int64?.self) else { continue }
      portion.tallies += [.integer(killer), .integer(what), .integer(subject), .integer(1)]
    }
    if let victim { portion.tallies += [.integer(victim), .integer(3), .integer(killer), .integer(1)] }
  }

  private enum Tables {
    static let texts: Set<String> = ["server_id", "killer_name", "victim_name", "kind", "source", "reporter"]
    static let killColumns = [
      "id", "occurred_at", "recorded_at", "updated_at", "server_id", "killer_id", "killer_name", "victim_id",
      "victim_name", "pair", "weapon_id", "location_id", "kind", "confidence", "source", "reporter",
    ]
    static let kills = RowInsert(
      into: "kills",
      [
        "id": .integer, "occurred_at": .integer, "recorded_at": .integer, "updated_at": .integer, "server_id": .text,
        "killer_id": .integer, "killer_name": .text, "victim_id": .integer, "victim_name": .text, "pair": .integer,
        "weapon_id": .integer, "location_id": .integer, "kind": .text, "confidence": .integer, "source": .text,
        "reporter": .text,
      ])
    static let playerDays = RowInsert(
      into: "kill_days",
      [
        "day": .integer, "server_id": .text, "player_id": .integer, "kills": .integer, "deaths": .integer,
        "pvp_kills": .integer, "pve_kills": .integer, "entries": .integer,
      ], then: adding(counts, "kill_days", key: "day, server_id, player_id"))
    static let playerTotals = RowInsert(
      into: "kill_totals",
      [
        "server_id": .text, "player_id": .integer, "kills": .integer, "deaths": .integer, "pvp_kills": .integer,
        "pve_kills": .integer, "entries": .integer,
      ], then: adding(counts, "kill_totals", key: "server_id, player_id"))
    static let serverDays = RowInsert(
      into: "kill_server_days",
      [
        "server_id": .text, "day": .integer, "kills": .integer, "deaths": .integer, "pvp_kills": .integer,
        "pve_kills": .integer, "entries": .integer,
      ], then: adding(counts, "kill_server_days", key: "server_id, day"))
    static let nameDays = RowInsert(
      into: "kill_name_days",
      ["what": .integer, "server_id": .text, "day": .integer, "name_id": .integer, "entries": .integer],
      then: adding(["entries"], "kill_name_days", key: "what, server_id, day, name_id"))
    static let tallies = RowInsert(
      into: "kill_tallies", ["player_id": .integer, "what": .integer, "subject_id": .integer, "entries": .integer],
      then: adding(["entries"], "kill_tallies", key: "player_id, what, subject_id"))
    static let events = RowInsert(
      into: "domain_events",
      [
        "position": .integer, "name": .text, "guild_id": .text, "subjects": .json, "data": .json,
        "created_at": .integer,
      ])

    private static let counts = ["kills", "deaths", "pvp_kills", "pve_kills", "entries"]

    private static func adding(_ counts: [String], _ table: String, key: String) -> String {
      "ON CONFLICT (\(key)) DO UPDATE SET "
        + counts.map { "\($0) = \(table).\($0) + excluded.\($0)" }.joined(separator: ", ")
    }
  }
}
