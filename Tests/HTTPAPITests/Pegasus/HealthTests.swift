import Core
import HTTP
import Platform
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import HTTPAPI

struct HealthTests {
  private func shard(_ id: Int, ready: Bool, latency: Int? = 40) -> BotVitals.Shard {
    .init(
      id: id, total: 4, state: ready ? "ready" : "connecting", isReady: ready,
      latency: latency.map { .milliseconds($0) })
  }

  @Test func discordIsAsItsShards() {
    for (shards, status, latency) in [
      ([], HealthStatus.unhealthy, 0), ([shard(0, ready: false)], .unhealthy, 40),
      ([shard(0, ready: true), shard(1, ready: false)], .degraded, 40),
      ([shard(0, ready: true, latency: 1_000)], .healthy, 1_000),
      ([shard(0, ready: true, latency: 1_001)], .degraded, 1_001),
      ([shard(0, ready: true, latency: 10), shard(1, ready: true, latency: 21)], .healthy, 16),
      ([shard(0, ready: true, latency: nil), shard(1, ready: true, latency: 21)], .healthy, 21),
    ] {
      let vitals = BotVitals(guilds: 0, users: 0, channels: 0, shards: shards)
      #expect(HealthRules.discord(vitals) == status)
      #expect(vitals.latencyMilliseconds == latency)
    }
    // Before the first heartbeat Discord's answers to requests are what is known.
    let young = BotVitals(
      guilds: 0, users: 0, channels: 0, shards: [shard(0, ready: true, latency: nil)],
      requestLatency: .milliseconds(120))
    #expect(young.latencyMilliseconds == 120)
  }

  @Test func theDatabaseIsAsItsAnswers() {
    #expect(HealthRules.database(nil) == .unhealthy)
    #expect(HealthRules.database(.milliseconds(500)) == .healthy)
    #expect(HealthRules.database(.milliseconds(501)) == .degraded)
  }

  @Test func memoryIsAsItsShare() {
    for (resident, limit, status) in [
      (80, 100, HealthStatus.healthy), (81, 100, .degraded), (95, 100, .degraded), (96, 100, .unhealthy),
      (1_000, nil, .healthy), (1, 0, .healthy),
    ] as [(Int, Int?, HealthStatus)] {
      #expect(HealthRules.memory(resident, of: limit) == status)
    }
  }

  @Test(arguments: TestEngine.available)
  func aDatabaseThatIsGoneIsTold(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await PegasusRig.with(database) { rig in
        #expect(try await rig.get("/health").status == .ok)
        await database.close()
        rig.time.advance(by: HealthMonitor.freshness)
        let health = try await rig.get("/health")
        #expect(health.status == .serviceUnavailable)
        #expect(health.json?["status"] == "unhealthy")
        #expect(health.json?["checks"]?["database"]?["status"] == "unhealthy")
        #expect(health.json?["checks"]?["discord"]?["status"] == "healthy")
        #expect(try await rig.get("/ready").status == .serviceUnavailable)
        #expect(try await rig.json("/api/health")["checks"] == ["bot": true, "database": false, "memory": true])
        #expect(try await rig.failure("/api/stats") == (503, "E001"))
        #expect(try await rig.failure("/api/logs") == (503, "E001"))
        #expect(try await rig.get("/metrics").status == .ok)
        let live = try await rig.get("/monitor/live")
        #expect(live.status == .ok)
        #expect(live.json?["stats"] == .null && live.json?["health"]?["status"] == "unhealthy")
      }
    }
  }

  /// The server takes the bot's role in no longer, and then again.
  @Test(.enabled(if: TestEngine.postgresURL != nil))
  func aDatabaseThatComesBackIsUsedAgain() async throws {
    let server = try #require(TestEngine.postgresURL)
    var options = DatabaseOptions()
    options.poolSize = 2
    let administrator = try await Database.open(url: server, options: options)
    let role = "pegasus_\(UInt64.random(in: 0...UInt64.max))"
    try await administrator.write { transaction in
      try transaction.execute("CREATE ROLE \(role) LOGIN PASSWORD 'pegasus'")
      try transaction.execute("CREATE SCHEMA \(role) AUTHORIZATION \(role)")
    }
    options.connectTimeout = .milliseconds(200)
    let place = try #require(server.firstIndex(of: "@"))
    let database = try await Database.open(
      url: "postgres://\(role):pegasus\(server[place...])?options=-csearch_path%3D\(role)", options: options)
    try await PegasusRig.with(database) { rig in
      #expect(try await rig.get("/api/stats").status == .ok)
      try await administrator.write { try $0.execute("ALTER ROLE \(role) NOLOGIN") }
      try await administrator.write { transaction in
        _ = try transaction.query(
          "SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE usename = $1", role
        ) { _ in }
      }
      rig.time.advance(by: HealthMonitor.freshness)
      #expect(try await rig.get("/health").status == .serviceUnavailable)
      #expect(try await rig.failure("/api/stats") == (503, "E001"))
      #expect(try await rig.failure("/api/logs") == (503, "E001"))
      try await administrator.write { try $0.execute("ALTER ROLE \(role) LOGIN") }
      rig.time.advance(by: HealthMonitor.freshness)
      #expect(try await rig.get("/health").status == .ok)
      #expect(try await rig.get("/api/stats").status == .ok)
      #expect(try await rig.get("/api/logs").status == .ok)
    }
    await database.close()
    try await administrator.write { transaction in
      try transaction.execute("DROP SCHEMA \(role) CASCADE")
      try transaction.execute("DROP ROLE \(role)")
    }
    await administrator.close()
  }

  @Test func theDatabaseIsAskedOnceASecondAtMost() async throws {
    let time = ManualTime()
    let asked = Mutex(0)
    let answer = SharedAnswer(maximumAge: .seconds(1), time: time) {
      asked.withLock { count in
        count += 1
        return count
      }
    }
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<20 { group.addTask { try await answer.get() } }
      for try await value in group { #expect(value == 1) }
    }
    time.advance(by: .milliseconds(999))
    #expect(try await answer.get() == 1)
    time.advance(by: .milliseconds(1))
    #expect(try await answer.get() == 2)
  }

  @Test func anErrorIsNotKept() async throws {
    struct Broken: Error {}
    let asked = Mutex(0)
    let answer = SharedAnswer(maximumAge: .seconds(1), time: ManualTime()) {
      try asked.withLock { asked in
        asked += 1
        if asked == 1 { throw Broken() }
        return asked
      }
    }
    await #expect(throws: Broken.self) { try await answer.get() }
    #expect(try await answer.get() == 2)
  }

  @Test func whatTakesTooLongIsLeft() async throws {
    let time = ManualTime()
    let forever = AsyncStream<Void> { _ in }
    let limited = Task {
      try await withTimeLimit(.seconds(2), time: time) { for await _ in forever {} }
    }
    await time.waitForSleepers()
    time.advance(by: .seconds(2))
    await #expect(throws: TimeLimitExceeded.self) { try await limited.value }
    #expect(try await withTimeLimit(.seconds(2), time: time) { 5 } == 5)
  }
}
