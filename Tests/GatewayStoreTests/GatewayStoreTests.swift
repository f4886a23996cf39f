import Core
import Gateway
import GatewayStore
import Platform
import Storage
import StorageTestSupport
import Testing

/// What the gateway keeps in the database, on both engines.
struct GatewayStoreTests {
  private let time = ManualTime()

  private func withState(_ engine: TestEngine, _ body: (KeyedState) async throws -> Void) async throws {
    try await withTestDatabase(engine) { try await body(try await SharedState.open($0, time: time).state) }
  }

  private let limit = SessionStartLimit(
    total: 1_000, remaining: 1_000, resetAfter: .seconds(3_600), maxConcurrency: 1)

  @Test(arguments: TestEngine.available)
  func aSessionIsKeptPerShardAndCount(engine: TestEngine) async throws {
    try await withState(engine) { state in
      let store = StoredSessions(state: state)
      let session = GatewaySession(id: "a", sequence: 7, resumeURL: "wss://r", shardCount: 2)
      try await store.save(session, shard: ShardID(0, of: 2))
      #expect(try await store.load(shard: ShardID(0, of: 2)) == session)
      #expect(try await store.load(shard: ShardID(0, of: 1)) == nil)
      try await store.save(nil, shard: ShardID(0, of: 2))
      #expect(try await store.load(shard: ShardID(0, of: 2)) == nil)
    }
  }

  @Test(arguments: TestEngine.available)
  func theCountOutlivesTheProcess(engine: TestEngine) async throws {
    try await withState(engine) { state in
      let first = StoredIdentifyBudget(state: state, log: .silent)
      try await first.report(limit)
      #expect(try await first.spend(ShardID(0, of: 1), for: .start) == .granted)
      // As a process that was killed at this point leaves it.
      let second = StoredIdentifyBudget(state: state, log: .silent)
      #expect(try await second.ledger()?.remaining == 999)
      guard case .wait = try await second.spend(ShardID(0, of: 1), for: .start) else {
        Issue.record("two identifies of one key within five seconds")
        return
      }
      try await second.giveBack(ShardID(0, of: 1))
      #expect(try await first.ledger()?.remaining == 1_000)
    }
  }

  /// Many processes ask at the same moment, each with a connection of its own: a key is given once.
  @Test(arguments: TestEngine.available)
  func aKeyIsGivenToOneProcessOnly(engine: TestEngine) async throws {
    try await withTestURL(engine) { url in
      var databases: [Database] = []
      for _ in 0..<4 { databases.append(try await Database.open(url: url)) }
      let state = try await SharedState.open(databases[0], time: time).state
      try await StoredIdentifyBudget(state: state, log: .silent).report(limit)
      var states: [KeyedState] = []
      for database in databases { states.append(try await SharedState.open(database, time: time).state) }
      let begin = ContinuousClock.now
      let granted = try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<16 {
          let budget = StoredIdentifyBudget(state: states[number % 4], log: .silent)
          group.addTask { try await budget.spend(ShardID(number, of: 16), for: .start) == .granted }
        }
        var count = 0
        for try await isGranted in group where isGranted { count += 1 }
        return count
      }
      // PostgreSQL's clock runs: if this took longer than five seconds, there was time for more.
      let most = 1 + Int((ContinuousClock.now - begin) / IdentifyQueue.spacing)
      #expect((1...most).contains(granted))
      #expect(try await StoredIdentifyBudget(state: state, log: .silent).ledger()?.remaining == 1_000 - granted)
      for database in databases { await database.close() }
    }
  }

  @Test(arguments: TestEngine.available)
  func anUnreadableLedgerIsToldAndReplaced(engine: TestEngine) async throws {
    try await withState(engine) { state in
      try await state.set("gateway.identifies", to: ["from": "another version"])
      let sink = MemoryLogSink()
      let budget = StoredIdentifyBudget(state: state, log: Log(label: "t", sink: sink))
      try await budget.report(limit)
      #expect(sink.records.map(\.message) == ["the stored count of identifies was unreadable"])
      #expect(try await budget.ledger()?.remaining == 1_000)
    }
  }
}
