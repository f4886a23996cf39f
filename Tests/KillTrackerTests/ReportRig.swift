import Core
import Platform
import Storage
import StorageTestSupport
import Synchronization

@testable import KillTracker

/// Kills, claims and imports over an empty database.
struct ReportRig {
  let kills: Kills
  let claims: KillClaims
  let imports: LogImport
  let shared: SharedState
  let database: Database
  let time: ManualTime
  let told: EventLog

  /// What the tracker told the rest of the program, and whether telling fails.
  final class EventLog: Sendable {
    let names = Mutex<[String]>([])
    let isBroken = Mutex(false)
    var all: [String] { names.withLock { $0 } }
  }
  struct Broken: Error {}

  func caller(_ user: UserID, manages: Bool = false, isBot: Bool = false) -> ClaimCaller {
    ClaimCaller(user: user, isBot: isBot) { _ in manages }
  }

  /// What the moderators see of a guild's claims: state and id.
  func claim(_ id: ClaimID) async throws -> Claim { try await claims.find(id) }

  func count(_ table: String) async throws -> Int {
    try await database.read { transaction in
      try transaction.queryOne("SELECT count(*) AS count FROM \(table)") { try $0.value("count", as: Int.self) } ?? 0
    }
  }

  /// All kills as `killer>victim kind`, oldest first.
  func stored() async throws -> [String] {
    var all: [String] = []
    try await kills.export(for: KillViewer(user: nil, isAdmin: true)) { page in
      all += page.map { "\($0.killer.name)>\($0.victim.name) \($0.kind.rawValue)" }
    }
    return all
  }

  /// What the audit log says was done. Time stands still, so without an order.
  func deeds() async throws -> Set<String> { Set(try await shared.auditLog.recent().map(\.entry.action)) }
}

let vic = UserID(100_000_000_000_000_002)
let wit = UserID(100_000_000_000_000_003)
let mod = UserID(100_000_000_000_000_004)
let home = GuildID(900_000_000_000_000_001)

func withReports(_ engine: TestEngine, _ body: (ReportRig) async throws -> Void) async throws {
  try await withTestDatabase(engine) { database in
    let time = ManualTime(timestamp: Timestamp(iso8601: "2026-02-18T12:00:00.000Z") ?? Timestamp(seconds: 0))
    let shared = try await SharedState.open(
      database, modules: [KillTables.module, ReportTables.module], time: time)
    let told = ReportRig.EventLog()
    let events = KillEvents { events, _ in
      if told.isBroken.withLock({ $0 }) { throw ReportRig.Broken() }
      told.names.withLock { $0 += events.map(\.name) }
    }
    let kills = Kills(database: database, events: events, time: time)
    let claims = KillClaims(kills: kills, jobs: shared.jobs)
    try await body(
      ReportRig(
        kills: kills, claims: claims, imports: LogImport(kills: kills, claims: claims), shared: shared,
        database: database, time: time, told: told))
  }
}

/// The error that `body` must throw.
func claimError(_ body: () async throws -> some Any) async throws -> ClaimError? {
  do { _ = try await body() } catch let error as ClaimError { return error }
  return nil
}

/// Waits for something that happens soon, up to a bound that only a failure reaches.
func soon(_ condition: () async throws -> Bool) async throws -> Bool {
  for _ in 0..<3_000 {
    if try await condition() { return true }
    try await Task.sleep(for: .milliseconds(10))
  }
  return false
}
