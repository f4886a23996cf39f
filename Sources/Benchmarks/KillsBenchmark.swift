import Core
import Glibc
import KillTracker
import Platform
import Storage
import Synchronization

/// Recording kills, and asking for them when there are many.
enum KillsBenchmark {
  static func run(_ options: Options) async throws {
    let count = try options.number("kills", default: 100_000)
    let writers = try options.number("writers", default: 64)
    let players = try options.number("players", default: 20_000)
    let days = try options.number("days", default: 60)
    let scratch = try Scratch(options.optional("directory"))
    defer { scratch.remove() }
    let url = options.string("url", default: "sqlite:\(scratch.path)/kills.db")
    let database = try await Database.open(url: url)
    let shared = try await SharedState.open(database, modules: [KillTables.module])
    let kills = Kills(
      database: database, events: options.flag("events") ? KillEvents(shared.events) : nil, time: shared.time)

    let rate = try await record(count, writers: writers, players: players, days: days, kills)
    if database.engine == .sqlite { try await limit(of: rate, database, portion: writers, in: scratch) }
    let viewer = KillViewer(user: UserID(100_000_000_000_000_007))
    let player = try await kills.player("player7")
    let lists: [(String, KillFilter, Int)] = [
      ("list", KillFilter(), 1), ("listPage1000", KillFilter(), min(1_000, max(1, count / 20))),
      ("listServer", KillFilter(serverID: "900000000000000003"), 1),
      ("listPlayer", KillFilter(player: player), 1), ("listWeapon", KillFilter(weapon: "weapon 5"), 1),
      (
        "listDates",
        KillFilter(from: Timestamp.now + .seconds(-86_400 * 20), until: Timestamp.now + .seconds(-86_400 * 10)), 1
      ),
    ]
    for (name, filter, page) in lists {
      try await latency(name) { _ = try await kills.list(filter, page: page, limit: 20, for: viewer) }
    }
    for period in LeaderboardPeriod.allCases {
      let start = ContinuousClock.now
      _ = try await kills.leaderboard(.kills, period, limit: 100, for: viewer)
      print(
        JSON.object([
          "benchmark": "kills", "what": .string("leaderboard \(period) cold"),
          "milliseconds": .double((ContinuousClock.now - start).inMilliseconds),
        ]))
      try await latency("leaderboard \(period)") {
        _ = try await kills.leaderboard(.kdr, period, limit: 100, for: viewer)
      }
    }
    try await latency("statistics") { _ = try await kills.statistics(of: player, for: viewer) }
    try await latency("analyticsMonth") { _ = try await kills.analytics(from: Timestamp.now + .seconds(-86_400 * 30)) }
    let start = ContinuousClock.now
    let rows = Mutex(0)
    try await kills.exportCSV(for: viewer) { bytes in rows.withLock { $0 += bytes.count { $0 == 0x0A } } }
    let seconds = (ContinuousClock.now - start).inSeconds
    print(
      JSON.object([
        "benchmark": "kills", "what": "export", "rowsPerSecond": .double(Double(rows.withLock { $0 }) / seconds),
      ]))
    await database.close()
  }

  /// What all threads used, in the program and in the kernel for it.
  private static func processorSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }

  private final class Counter: Sendable {
    let value = Atomic(0)
  }

  /// - Returns: kills per second.
  private static func record(
    _ count: Int, writers: Int, players: Int, days: Int, _ kills: Kills
  ) async throws -> Double {
    let next = Counter()
    let processor = processorSeconds()
    let now = Timestamp.now
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<writers {
        let random = SeededRandom(seed: UInt64(writer + 1))
        group.addTask {
          func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
          while next.value.add(1, ordering: .relaxed).oldValue < count {
            let kind: KillKind = [.pvp, .pvp, .pve, .suicide][pick(4)]
            let killer = pick(players)
            let back = Int64(pick(days * 86_400)) * 1_000 + Int64(pick(1_000))
            let victim: ReportedParty =
              kind == .pve
              ? .character("npc")
              : kind == .suicide ? .caller : .handle("player\((killer + 1 + pick(players - 1)) % players)")
            _ = try await kills.record(
              KillReport(
                victim: victim, kind: kind,
                occurredAt: days > 1 ? Timestamp(milliseconds: now.milliseconds - back) : nil,
                serverID: pick(2) == 0 ? nil : "\(900_000_000_000_000_000 + pick(10))", weapon: "weapon \(pick(200))",
                location: "place \(pick(300))"),
              by: KillReporter(user: UserID(100_000_000_000_000_000 + UInt64(killer)), playerName: "player\(killer)"))
          }
        }
      }
      try await group.waitForAll()
    }
    let seconds = (ContinuousClock.now - start).inSeconds
    print(
      JSON.object([
        "benchmark": "kills", "what": "record", "kills": .integer(Int64(count)), "writers": .integer(Int64(writers)),
        "perSecond": .double(Double(count) / seconds),
        "cpuMicrosecondsPerKill": .double((processorSeconds() - processor) / Double(count) * 1e6),
      ]))
    return Double(count) / seconds
  }

  /// Compares with what SQLite takes of the same rows by itself.
  private static func limit(of rate: Double, _ database: Database, portion: Int, in scratch: Scratch) async throws {
    let bare = try await KillsLimit.measure(
      from: database, into: "sqlite:\(scratch.path)/bare.db", portion: portion, processorSeconds: processorSeconds)
    let bareRate = Double(bare.kills) / bare.seconds
    print(
      JSON.object([
        "benchmark": "kills", "what": "the same rows, SQLite alone", "kills": .integer(Int64(bare.kills)),
        "perSecond": .double(bareRate),
        "cpuMicrosecondsPerKill": .double(bare.processorSeconds / Double(bare.kills) * 1e6),
        "recordingOfThat": .double(rate / bareRate),
      ]))
  }

  private static func latency(_ name: String, _ body: () async throws -> Void) async throws {
    var times: [Double] = []
    for _ in 0..<30 {
      let start = ContinuousClock.now
      try await body()
      times.append((ContinuousClock.now - start).inMilliseconds)
    }
    times.sort()
    print(
      JSON.object([
        "benchmark": "kills", "what": .string(name), "medianMilliseconds": .double(times[15]),
        "worstMilliseconds": .double(times[29]),
      ]))
  }
}
