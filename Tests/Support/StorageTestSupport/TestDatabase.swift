import Glibc
import Storage

/// The databases that every test of stored state runs on: `@Test(arguments: TestEngine.available)`.
public enum TestEngine: String, CaseIterable, Sendable {
  case sqlite, postgreSQL

  /// A server for the tests alone, as `Tests/Support/postgres.sh start` prints it.
  public static let postgresURL = getenv("ADJUTANT_TEST_POSTGRES").map { String(cString: $0) }
  public static let available: [TestEngine] = postgresURL == nil ? [.sqlite] : [.sqlite, .postgreSQL]
}

/// A directory of its own for one test.
public func withTemporaryDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
  var template = Array("/tmp/adjutant-test-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw DatabaseError(.other, "no temporary directory") }
  let path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } ?? ""
  defer { removeTree(path) }
  return try await body(path)
}

private func removeTree(_ path: String) {
  guard let directory = opendir(path) else { return }
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name == "." || name == ".." { continue }
    if unlink("\(path)/\(name)") != 0 { removeTree("\(path)/\(name)") }
  }
  closedir(directory)
  rmdir(path)
}

/// An empty database of that engine: a new file, or a new schema of the test cluster.
public func withTestURL<Result>(_ engine: TestEngine, _ body: (String) async throws -> Result) async throws -> Result {
  switch engine {
  case .sqlite:
    return try await withTemporaryDirectory { try await body("sqlite:\($0)/test.db") }
  case .postgreSQL:
    guard let server = TestEngine.postgresURL else {
      throw DatabaseError(.configuration, "ADJUTANT_TEST_POSTGRES is not set")
    }
    var options = DatabaseOptions()
    options.poolSize = 1
    let name = "test_\(UInt64.random(in: 0...UInt64.max))"
    let administrator = try await Database.open(url: server, options: options)
    try await administrator.write { try $0.execute("CREATE SCHEMA \(name)") }
    let separator = server.contains("?") ? "&" : "?"
    let outcome: Swift.Result<Result, any Error>
    do {
      outcome = .success(try await body("\(server)\(separator)options=-csearch_path%3D\(name)"))
    } catch {
      outcome = .failure(error)
    }
    try await administrator.write { try $0.execute("DROP SCHEMA \(name) CASCADE") }
    await administrator.close()
    return try outcome.get()
  }
}

public func withTestDatabase<Result>(
  _ engine: TestEngine, options: DatabaseOptions = DatabaseOptions(), _ body: (Database) async throws -> Result
) async throws -> Result {
  try await withTestURL(engine) { url in
    let database = try await Database.open(url: url, options: options)
    let outcome: Swift.Result<Result, any Error>
    do { outcome = .success(try await body(database)) } catch { outcome = .failure(error) }
    await database.close()
    return try outcome.get()
  }
}
