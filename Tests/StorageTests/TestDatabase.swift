import StorageTestSupport
import Testing

@testable import Storage

/// Makes a missing PostgreSQL visible in the report.
struct PostgreSQLAvailability {
  @Test(
    .enabled(
      if: TestEngine.postgresURL != nil,
      "ADJUTANT_TEST_POSTGRES is not set: no storage test ran on PostgreSQL (see Tests/Support/postgres.sh)"))
  func everyStorageTestRunsOnPostgreSQLToo() async throws {
    try await withTestDatabase(.postgreSQL) { database in
      #expect(database.engine == .postgreSQL)
    }
  }
}

/// The error of that kind which `body` must throw.
func databaseError<Result>(_ body: () async throws -> Result) async throws -> DatabaseError {
  do {
    _ = try await body()
  } catch let error as DatabaseError {
    return error
  }
  throw DatabaseError(.other, "the test expected an error, but there was none")
}

extension Database {
  /// Makes a table for one test.
  func create(_ statement: SchemaStatement) async throws {
    let sql = try #require(statement.sql(for: engine))
    try await write { try $0.execute(sql) }
  }

  func count(_ table: String) async throws -> Int {
    let rows = try await read { try $0.query("SELECT count(*) AS n FROM \(table)") { try $0.value("n", as: Int.self) } }
    return try #require(rows.first)
  }
}
