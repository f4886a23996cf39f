import Core
import Glibc
import KillTracker
import Platform
import Storage

/// Makes a database with very many kills: rows as the program writes them, in the order of their time, and the counts
/// from a recount in the engine (a test holds that against counting kill by kill). Indexes are made afterwards.
///
/// Players, weapons and places are met unevenly, as people are: the square of an even choice. The newest kills are of
/// today. The same `--seed` makes the same kills.
enum KillsMaker {
  struct Plan {
    var kills = 100_000
    var players = 20_000
    var days = 365
    var weapons = 150
    var places = 200
    var servers = 8
    var seed = 1
  }

  private static let batch = 20_000

  static func run(_ options: Options) async throws {
    var plan = Plan()
    plan.kills = try options.number("kills", default: plan.kills)
    plan.players = try options.number("players", default: min(100_000, max(100, plan.kills / 10)))
    plan.days = try options.number("days", default: plan.days)
    plan.seed = try options.number("seed", default: plan.seed)
    let path = try options.string("out")
    try await make(plan, at: path)
  }

  static func make(_ plan: Plan, at path: String) async throws {
    guard access(path, F_OK) != 0 else { throw BenchmarkError("\(path) exists already") }
    let start = ContinuousClock.now
    let database = try await Database.open(url: "sqlite:\(path)")
    _ = try await SharedState.open(database, modules: [KillTables.module])
    let indexes = try await database.write { transaction in
      let indexes = try transaction.query(
        """
        SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL
        AND tbl_name IN ('kills', 'kill_days', 'kill_totals', 'kill_name_days')
        """
      ) { (name: try $0.value("name", as: String.self), sql: try $0.value("sql", as: String.self)) }
      for index in indexes { try transaction.execute("DROP INDEX \(index.name)") }
      return indexes
    }
    try await writePeople(plan, to: database)
    try await writeKills(plan, to: database)
    tell("kills", start)
    try await database.write { try KillRecount.run(in: $0) }
    tell("counts", start)
    for index in indexes {
      try await database.write { transaction in
        try transaction.execute(index.sql)
      }
    }
    try await check(plan, database)
    await database.close()
    tell("done", start)
  }

  private static func tell(_ what: String, _ start: ContinuousClock.Instant) {
    print(
      JSON.object([
        "benchmark": "kills-make", "what": .string(what), "seconds": .double((ContinuousClock.now - start).inSeconds),
      ]))
    fflush(nil)
  }

  /// Every tenth player is a user.
  private static func writePeople(_ plan: Plan, to database: Database) async throws {
    let now = Timestamp.now.milliseconds
    let players = RowInsert(
      into: "players",
      [
        "id": .integer, "user_id": .text, "handle": .text, "handle_key": .text, "privacy": .text,
        "play_seconds": .integer, "created_at": .integer, "updated_at": .integer,
      ])
    let names = RowInsert(into: "kill_names", ["id": .integer, "name": .text])
    try await database.write { transaction in
      var rows: [DatabaseValue] = []
      for number in 1...plan.players {
        let user: DatabaseValue = number % 10 == 1 ? .text("\(KillsHTTPBenchmark.firstUser + number / 10)") : .null
        rows += [
          .integer(Int64(number)), user, .text("Player\(number)"), .text("player\(number)"), .text("PUBLIC"),
          .integer(0), .integer(now), .integer(now),
        ]
      }
      try transaction.insert(rows, by: players)
      rows = []
      for number in 1...plan.weapons { rows += [.integer(Int64(number)), .text("Weapon \(number)")] }
      for number in 1...plan.places { rows += [.integer(Int64(plan.weapons + number)), .text("Place \(number)")] }
      try transaction.insert(rows, by: names)
    }
  }

  private static func writeKills(_ plan: Plan, to database: Database) async throws {
    let insertion = RowInsert(
      into: "kills",
      [
        "id": .integer, "occurred_at": .integer, "recorded_at": .integer, "updated_at": .integer, "server_id": .text,
        "killer_id": .integer, "killer_name": .text, "victim_id": .integer, "victim_name": .text, "pair": .integer,
        "weapon_id": .integer, "location_id": .integer, "kind": .text, "confidence": .integer, "source": .text,
        "reporter": .text,
      ])
    let now = Timestamp.now.milliseconds
    let span = Int64(plan.days) * 86_400_000
    var done = 0
    while done < plan.kills {
      let (first, last) = (done, min(plan.kills, done + batch))
      try await database.write { transaction in
        let random = SeededRandom(seed: UInt64(plan.seed * 1_000_003 + first))
        func even(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        func uneven(_ count: Int) -> Int {
          let part = Double(random.next() >> 11) / Double(1 << 53)
          return min(count - 1, Int(part * part * Double(count)))
        }
        var rows: [DatabaseValue] = []
        rows.reserveCapacity((last - first) * 16)
        for number in first..<last {
          let time = now - span + Int64(Double(number + 1) / Double(plan.kills) * Double(span - 1))
          let killer = uneven(plan.players) + 1
          var victim = uneven(plan.players) + 1
          if victim == killer { victim = killer % plan.players + 1 }
          let kind = ["pvp", "pvp", "pve", "suicide"][even(4)]
          if kind == "suicide" { victim = killer }
          let server = even(plan.servers)
          rows += [
            .integer(Int64(number + 1)), .integer(time), .integer(time), .integer(time),
            .text(server == 0 ? Kill.defaultServer : "\(900_000_000_000_000_000 + server)"), .integer(Int64(killer)),
            .text("Player\(killer)"), kind == "pve" ? .null : .integer(Int64(victim)),
            .text(kind == "pve" ? "Security" : "Player\(victim)"),
            .integer(Int64(bitPattern: random.next())), .integer(Int64(uneven(plan.weapons) + 1)),
            .integer(Int64(plan.weapons + uneven(plan.places) + 1)), .text(kind), .integer(100), .text("api"),
            .text("\(KillsHTTPBenchmark.firstUser + (killer - 1) / 10)"),
          ]
        }
        try transaction.insert(rows, by: insertion)
      }
      done = last
    }
  }

  /// The service's own totals against the plan.
  private static func check(_ plan: Plan, _ database: Database) async throws {
    let kills = Kills(database: database)
    guard try await kills.count() == plan.kills else { throw BenchmarkError("the counts are not those of the kills") }
    let sums = try await database.read { transaction in
      try transaction.query("SELECT SUM(entries) AS entries FROM kill_days WHERE day >= 0") {
        try $0.value("entries", as: Int.self)
      }
        + transaction.query(
          "SELECT SUM(CASE WHEN victim_id IS NULL OR victim_id = killer_id THEN 1 ELSE 2 END) AS entries FROM kills"
        ) { try $0.value("entries", as: Int.self) }
    }
    guard sums.count == 2, sums[0] == sums[1] else { throw BenchmarkError("the counts of players are wrong") }
  }
}
