import Glibc
import Platform
import StorageTestSupport
import Synchronization
import Testing

@testable import Storage

/// What only the SQLite driver does.
struct SQLiteTests {
  private func mode(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
  }

  @Test func theFileAndItsDirectoryBelongToTheOwnerAlone() async throws {
    try await withTemporaryDirectory { directory in
      let database = try await Database.open(url: "sqlite:\(directory)/a/b/test.db")
      try await database.create("CREATE TABLE t (id \(.integer))")
      #expect(mode("\(directory)/a") == 0o700)
      #expect(mode("\(directory)/a/b") == 0o700)
      #expect(mode("\(directory)/a/b/test.db") == 0o600)
      #expect(mode("\(directory)/a/b/test.db-wal") == 0o600)
      await database.close()
      // The last connection wrote the log back into the file.
      #expect(mode("\(directory)/a/b/test.db-wal") == nil)
    }
  }

  @Test func aBackupIsAWholeDatabaseAndReplacesNothing() async throws {
    try await withTemporaryDirectory { directory in
      let database = try await Database.open(url: "sqlite:\(directory)/test.db")
      try await database.create("CREATE TABLE t (id \(.integer))")
      try await database.write { try $0.execute("INSERT INTO t VALUES (1), (2)") }
      let target = "\(directory)/copy.db"
      try await database.backup(to: target)
      try await database.write { try $0.execute("INSERT INTO t VALUES (3)") }
      #expect(mode(target) == 0o600)
      #expect(mode(target + ".partial") == nil)
      let error = try await databaseError { try await database.backup(to: target) }
      #expect(error.kind == .other)
      await database.close()

      let copy = try await Database.open(url: "sqlite:\(target)")
      #expect(try await copy.count("t") == 2)
      await copy.close()
    }
  }

  /// What is read page by page leaves the memory of the other connections alone, and its own is small.
  @Test func aScanHasAConnectionOfItsOwn() async throws {
    try await withTemporaryDirectory { directory in
      let database = try await Database.open(url: "sqlite:\(directory)/test.db")
      try await database.create("CREATE TABLE t (id \(.integer))")
      try await database.write { try $0.execute("INSERT INTO t VALUES (1), (2)") }
      @Sendable func size(_ transaction: ReadTransaction) throws -> Int? {
        try transaction.queryOne("PRAGMA cache_size") { try $0.value("cache_size", as: Int.self) }
      }
      let (scanning, reading) = (try await database.scan(size), try await database.read(size))
      #expect(scanning == -2_000 && reading == -16_000)
      let found = try await database.scan { transaction in
        try transaction.query("SELECT id FROM t ORDER BY id") { try $0.value("id", as: Int.self) }
      }
      #expect(found == [1, 2])
      let error = try await databaseError {
        try await database.scan { _ = try $0.query("DELETE FROM t RETURNING id") { _ in } }
      }
      #expect(error.kind == .readOnly)
      #expect(try await database.count("t") == 2)
      await database.close()
      let late = try await databaseError { try await database.scan { _ in } }
      #expect(late.kind == .closed)
    }
    // What one connection holds in memory no other sees.
    let database = try await Database.open(url: "sqlite::memory:")
    try await database.create("CREATE TABLE t (id \(.integer))")
    #expect(try await database.scan { try $0.query("SELECT id FROM t") { _ in } }.isEmpty)
    await database.close()
  }

  @Test func aDamagedFileIsCorrupt() async throws {
    try await withTemporaryDirectory { directory in
      let file = try #require(fopen("\(directory)/test.db", "w"))
      fputs(String(repeating: "this is not a database. ", count: 100), file)
      fclose(file)
      let error = try await databaseError { _ = try await Database.open(url: "sqlite:\(directory)/test.db") }
      #expect(error.kind == .corrupt)
    }
  }

  /// Blocks the writer until `open` is called, so that transactions gather behind it.
  private final class Gate: Sendable {
    private let queue = WorkQueue<Int>(capacity: 1)
    private let entered = Atomic(false)
    /// Whether somebody stands at it: children of a task start in any order, so the next waits for this.
    var isHeld: Bool { entered.load(ordering: .acquiring) }
    func pass() {
      entered.store(true, ordering: .releasing)
      _ = queue.pop()
    }
    func open() { queue.close() }
  }

  private func waitUntil(_ condition: () -> Bool) async throws {
    while !condition() { try await Task.sleep(for: .milliseconds(1)) }
  }

  /// How many commits the write-ahead log holds: its frames with a size in bytes 4 … 7 end one (SQLite file format,
  /// section 4.1).
  private func commits(inLog path: String) throws -> Int {
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    func number(_ offset: Int) -> Int { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) } }
    let frame = 24 + number(8)
    return stride(from: 32, to: count - frame + 1, by: frame).count { number($0 + 4) != 0 }
  }

  @Test func waitingTransactionsShareACommitAndAnErrorCostsOnlyItsOwn() async throws {
    struct Refused: Error {}
    try await withTemporaryDirectory { directory in
      let metrics = Metrics()
      let database = try await Database.open(url: "sqlite:\(directory)/test.db", metrics: metrics)
      try await database.create("CREATE TABLE t (id \(.integer) NOT NULL PRIMARY KEY)")
      let before = try commits(inLog: "\(directory)/test.db-wal")
      let gate = Gate()
      let stored = try await withThrowingTaskGroup(of: Int.self) { group in
        group.addTask {
          try await database.write { _ in gate.pass() }
          return 0
        }
        try await waitUntil { gate.isHeld }
        for number in 0..<20 {
          group.addTask {
            do {
              try await database.write { transaction in
                try transaction.execute("INSERT INTO t VALUES ($1)", number / 2)  // every second one is a duplicate
                if number >= 18 { throw Refused() }
              }
              return 1
            } catch { return 0 }
          }
        }
        try await waitUntil { database.waiting == 20 }
        #expect(metrics.render().contains("adjutant_database_waiting 20\n"))
        gate.open()
        return try await group.reduce(0, +)
      }
      #expect(stored == 9)
      #expect(try await database.count("t") == 9)
      #expect(try commits(inLog: "\(directory)/test.db-wal") == before + 1)
      #expect(
        metrics.render().contains("adjutant_database_transactions_total{access=\"write\",outcome=\"withdrawn\"} 11\n"))
      await database.close()
    }
  }

  /// The first runs without a savepoint: what it did is gone, and those behind it go on.
  @Test func theFirstOfManyMayFail() async throws {
    struct Refused: Error {}
    try await withTestDatabase(.sqlite) { database in
      try await database.create("CREATE TABLE t (id \(.integer) NOT NULL PRIMARY KEY)")
      let gate = Gate()
      async let first: Void = database.write { transaction in
        try transaction.execute("INSERT INTO t VALUES (1)")
        gate.pass()
        throw Refused()
      }
      try await waitUntil { gate.isHeld }
      async let second: Void = database.write { transaction in
        try transaction.execute("INSERT INTO t VALUES (2)")
        throw Refused()
      }
      try await waitUntil { database.waiting == 1 }
      async let third: Void = database.write { _ = try $0.execute("INSERT INTO t VALUES (3)") }
      try await waitUntil { database.waiting == 2 }
      gate.open()
      var refused = 0
      do { try await first } catch is Refused { refused += 1 }
      do { try await second } catch is Refused { refused += 1 }
      try await third
      #expect(refused == 2)
      let ids = try await database.read { transaction in
        try transaction.query("SELECT id FROM t") { try $0.value("id", as: Int.self) }
      }
      #expect(ids == [3])
    }
  }

  /// What transactions did, and how often.
  private final class Notes: Sendable {
    let runs = Mutex<[Int: Int]>([:])
    let effects = Mutex<[Int]>([])

    func add(_ number: Int, to database: Database) async throws {
      try await database.write { [self] transaction in
        runs.withLock { $0[number, default: 0] += 1 }
        try transaction.execute("INSERT INTO t VALUES ($1)", number)
        transaction.afterCommit { [self] in effects.withLock { $0.append(number) } }
      }
    }
  }

  /// Whoever fails among others is taken back with them; they run again, and what they told to do is done once.
  @Test(arguments: [false, true]) func whoFailsAmongOthersCostsOnlyItsOwn(afterWriting: Bool) async throws {
    struct Refused: Error {}
    try await withTestDatabase(.sqlite) { database in
      try await database.create("CREATE TABLE t (id \(.integer) NOT NULL PRIMARY KEY)")
      let gate = Gate()
      let notes = Notes()
      async let first: Void = database.write { _ in gate.pass() }
      try await waitUntil { gate.isHeld }
      async let second: Void = notes.add(2, to: database)
      try await waitUntil { database.waiting == 1 }
      async let third: Void = database.write { transaction in
        notes.runs.withLock { $0[3, default: 0] += 1 }
        if afterWriting { try transaction.execute("INSERT INTO t VALUES (3)") }
        throw Refused()
      }
      try await waitUntil { database.waiting == 2 }
      async let fourth: Void = notes.add(4, to: database)
      try await waitUntil { database.waiting == 3 }
      gate.open()
      try await first
      try await second
      var isRefused = false
      do { try await third } catch is Refused { isRefused = true }
      #expect(isRefused)
      try await fourth
      #expect(notes.runs.withLock { $0 } == [2: afterWriting ? 2 : 1, 3: 1, 4: 1])
      #expect(notes.effects.withLock { $0 } == [2, 4])
      // Once more, now in savepoints.
      await #expect(throws: DatabaseError.self) { try await notes.add(2, to: database) }
      try await notes.add(5, to: database)
      let ids = try await database.read { transaction in
        try transaction.query("SELECT id FROM t ORDER BY id") { try $0.value("id", as: Int.self) }
      }
      #expect(ids == [2, 4, 5])
    }
  }

  @Test func aDeferredRuleThatFailsAtTheCommitCostsOnlyItsOwn() async throws {
    try await withTestDatabase(.sqlite) { database in
      try await database.create("CREATE TABLE parent (id \(.integer) NOT NULL PRIMARY KEY)")
      try await database.create(
        "CREATE TABLE child (parent \(.integer) REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)")
      let gate = Gate()
      async let first: Void = database.write { _ in gate.pass() }
      try await waitUntil { gate.isHeld }
      async let good: Void = database.write { _ = try $0.execute("INSERT INTO parent VALUES (1)") }
      async let bad: Void = database.write { _ = try $0.execute("INSERT INTO child VALUES (9)") }
      try await waitUntil { database.waiting == 2 }
      gate.open()
      try await first
      try await good
      var isViolation = false
      do { try await bad } catch let error as DatabaseError { isViolation = error.isForeignKeyViolation }
      #expect(isViolation)
      #expect(try await database.count("parent") == 1)
      #expect(try await database.count("child") == 0)
    }
  }

  @Test func aFullQueueRefusesAndACancelledTaskNeverRuns() async throws {
    var options = DatabaseOptions()
    options.maximumWaiting = 2
    try await withTestDatabase(.sqlite, options: options) { database in
      try await database.create("CREATE TABLE t (id \(.integer) NOT NULL)")
      let gate = Gate()
      async let first: Void = database.write { _ in gate.pass() }
      try await waitUntil { gate.isHeld }
      let cancelled = Task { try await database.write { _ = try $0.execute("INSERT INTO t VALUES (1)") } }
      async let second: Void = database.write { _ = try $0.execute("INSERT INTO t VALUES (2)") }
      try await waitUntil { database.waiting == 2 }
      let error = try await databaseError { try await database.write { _ in } }
      #expect(error.kind == .overloaded)
      cancelled.cancel()
      gate.open()
      try await first
      try await second
      await #expect(throws: CancellationError.self) { try await cancelled.value }
      #expect(try await database.count("t") == 1)
    }
  }

  @Test func closingFinishesWhatWaitsAndRefusesTheRest() async throws {
    try await withTemporaryDirectory { directory in
      let url = "sqlite:\(directory)/test.db"
      let database = try await Database.open(url: url)
      try await database.create("CREATE TABLE t (id \(.integer) NOT NULL)")
      let gate = Gate()
      async let first: Void = database.write { _ in gate.pass() }
      try await waitUntil { gate.isHeld }
      async let second: Void = database.write { _ = try $0.execute("INSERT INTO t VALUES (2)") }
      try await waitUntil { database.waiting == 1 }
      async let closed: Void = database.close()
      gate.open()
      try await first
      try await second
      await closed
      let error = try await databaseError { _ = try await database.count("t") }
      #expect(error.kind == .closed)
      #expect(database.figures == PoolFigures(active: 0, idle: 0))
      let again = try await Database.open(url: url)
      #expect(try await again.count("t") == 1)
      await again.close()
    }
  }

  @Test func anotherProcessThatWritesTooLongMakesItBusy() async throws {
    var options = DatabaseOptions()
    options.busyTimeout = .milliseconds(20)
    let quick = options
    try await withTestURL(.sqlite) { url in
      let one = try await Database.open(url: url, options: quick)
      let other = try await Database.open(url: url, options: quick)
      try await one.create("CREATE TABLE t (id \(.integer) NOT NULL)")
      let gate = Gate()
      let started = Atomic<Bool>(false)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          try await one.write { transaction in
            try transaction.execute("INSERT INTO t VALUES (1)")
            gate.pass()
          }
        }
        try await waitUntil { gate.isHeld }
        // The first one may have been taken but not begun: ask until the lock is held.
        while !started.load(ordering: .relaxed) {
          do { try await other.write { _ in } } catch let error as DatabaseError {
            #expect(error.kind == .busy)
            started.store(true, ordering: .relaxed)
          }
        }
        #expect(try await other.count("t") == 0)
        gate.open()
        try await group.waitForAll()
      }
      try await other.write { try $0.execute("INSERT INTO t VALUES (2)") }
      #expect(try await one.count("t") == 2)
      await one.close()
      await other.close()
    }
  }

  @Test func aDatabaseInMemoryReadsAndWrites() async throws {
    let database = try await Database.open(url: "sqlite::memory:")
    try await database.create("CREATE TABLE t (id \(.integer) NOT NULL)")
    try await database.write { try $0.execute("INSERT INTO t VALUES (2)") }
    #expect(try await database.count("t") == 1)
    await database.close()
  }
}
