import Platform
import StorageTestSupport
import Testing

@testable import Storage

/// What only the PostgreSQL driver does.
@Suite(.enabled(if: TestEngine.postgresURL != nil, "ADJUTANT_TEST_POSTGRES is not set"))
struct PostgreSQLTests {
  private func terminate(_ application: String, through database: Database) async throws {
    _ = try await database.write { transaction in
      try transaction.query(
        "SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity WHERE application_name = $1", application
      ) { try $0.value("done", as: Bool.self) }
    }
  }

  @Test func anIdleConnectionThatDiedIsReplacedWithoutAnError() async throws {
    try await withTestURL(.postgreSQL) { url in
      var options = DatabaseOptions()
      options.poolSize = 1
      let log = MemoryLogSink()
      let victim = try await Database.open(
        url: url + "&application_name=victim_idle", options: options, log: Log(label: "test", sink: log))
      let killer = try await Database.open(url: url, options: options)
      try await terminate("victim_idle", through: killer)
      try await victim.write { try $0.execute("CREATE TABLE t (id INTEGER)") }
      #expect(log.records.contains { $0.message == "lost the connection" })
      #expect(victim.figures.total == 1)
      await victim.close()
      await killer.close()
    }
  }

  @Test func aConnectionThatDiesInATransactionMakesItUnavailable() async throws {
    try await withTestURL(.postgreSQL) { url in
      var options = DatabaseOptions()
      options.poolSize = 1
      let database = try await Database.open(url: url, options: options)
      let error = try await databaseError {
        try await database.write { transaction in
          try transaction.execute("CREATE TABLE t (id INTEGER)")
          _ = try transaction.query("SELECT pg_terminate_backend(pg_backend_pid()) AS done") { _ in 0 }
        }
      }
      #expect(error.kind == .unavailable)
      try await database.write { try $0.execute("CREATE TABLE t (id INTEGER)") }
      await database.close()
    }
  }

  @Test func aStatementHasALimit() async throws {
    var options = DatabaseOptions()
    options.statementTimeout = .seconds(1)
    try await withTestDatabase(.postgreSQL, options: options) { database in
      let error = try await databaseError {
        _ = try await database.read { try $0.query("SELECT 1 AS one FROM (SELECT pg_sleep(60)) AS s") { _ in 0 } }
      }
      #expect(error.kind == .timeout)
    }
  }

  @Test func aPlanThatASchemaChangeMadeUselessIsMadeAgain() async throws {
    var options = DatabaseOptions()
    options.poolSize = 1
    try await withTestDatabase(.postgreSQL, options: options) { database in
      try await database.create("CREATE TABLE t (a \(.integer) NOT NULL)")
      try await database.write { try $0.execute("INSERT INTO t VALUES (1)") }
      #expect(try await database.read { try $0.query("SELECT * FROM t") { $0.columns.names } } == [["a"]])
      try await database.create("ALTER TABLE t ADD COLUMN b \(.integer)")
      #expect(try await database.read { try $0.query("SELECT * FROM t") { $0.columns.names } } == [["a", "b"]])
    }
  }

  @Test func moreStatementsThanTheCacheHoldsStillRun() async throws {
    try await withTestDatabase(.postgreSQL) { database in
      for _ in 0..<2 {
        let sum = try await database.read { transaction in
          try (0..<600).reduce(0) { sum, number in
            sum + (try transaction.queryOne("SELECT \(number) AS n") { try $0.value("n", as: Int.self) } ?? 0)
          }
        }
        #expect(sum == 599 * 600 / 2)
      }
    }
  }

  @Test func aBackupPointsToTheRightTool() async throws {
    try await withTestDatabase(.postgreSQL) { database in
      let error = try await databaseError { try await database.backup(to: "/tmp/never") }
      #expect(error.message.contains("pg_dump"))
    }
  }
}
