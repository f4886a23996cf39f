import FoundationEssentials
import Platform
import StorageTestSupport
import Testing

@testable import Storage

/// What callers may rely on, whichever engine runs it.
struct StorageTests {
  private enum Colour: String, DatabaseValueConvertible { case red, green }

  @Test(arguments: TestEngine.available)
  func everyTypeComesBackAsItWentIn(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create(
        """
        CREATE TABLE everything (
          i \(.integer), d \(.double), b \(.boolean), t \(.text), v \(.varchar(20)), y \(.bytes), j \(.json),
          u \(.uuid), at \(.timestamp)
        )
        """)
      let json: JSON = ["list": [1, 2.5, nil, true], "text": "1e5", "deep": ["a": "ü\u{1F600}"]]
      let uuid = UUID()
      let time = Timestamp(milliseconds: -62_135_596_800_123)
      let bytes = (0...255).map { UInt8($0) }
      try await database.write { transaction in
        let sql = "INSERT INTO everything (i, d, b, t, v, y, j, u, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        #expect(
          try transaction.execute(sql, Int64.min, 0.1, true, "a'b\"\n\u{1F600}", Colour.green, bytes, json, uuid, time)
            == 1)
        try transaction.execute(sql, Int.max, -5e300, false, "", Colour.red, [UInt8](), JSON.null, uuid, time)
        try transaction.execute(
          sql, Int?.none, Double?.none, Bool?.none, String?.none, Colour?.none, [UInt8]?.none, JSON?.none, UUID?.none,
          Timestamp?.none)
      }
      let rows = try await database.read { try $0.query("SELECT * FROM everything ORDER BY i NULLS LAST") { $0 } }
      try #require(rows.count == 3)
      var row = rows[0]
      #expect(try row["i"] == Int64.min)
      #expect(try row["d"] == 0.1)
      #expect(try row["b"] == true)
      #expect(try row["t"] == "a'b\"\n\u{1F600}")
      #expect(try row["v"] == Colour.green)
      #expect(try row["y"] == bytes)
      #expect(try row["j"] == json)
      #expect(try row["u"] == uuid)
      #expect(try row["u"] == uuid.uuidString.lowercased())
      #expect(try row["at"] == time)
      row = rows[1]
      #expect(try row["i"] == Int.max)
      #expect(try row["t"] == "")
      #expect(try row["y"] == [UInt8]())
      #expect(try row["d"] == -5e300)
      #expect(try row["b"] == Bool?.some(false))
      #expect(try row["j"] == JSON.null)
      row = rows[2]
      #expect(try row["d"] == Double?.none)
      #expect(try row["b"] == Bool?.none)
      #expect(try row["t"] == String?.none)
      #expect(try row["y"] == [UInt8]?.none)
      #expect(try row["j"] == JSON?.none)
      #expect(try row["u"] == UUID?.none)
      #expect(try row["at"] == Timestamp?.none)
    }
  }

  @Test(arguments: TestEngine.available)
  func parametersAreNumberedNotOrdered(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE p (a \(.text) NOT NULL, b \(.integer) NOT NULL)")
      try await database.write { transaction in
        try transaction.execute("INSERT INTO p (b, a) VALUES ($2, $1)", "one", 1)
        let rows = try transaction.query("SELECT a FROM p WHERE b = $2 AND a = $1 AND $1 <> 'two'", "one", 1) {
          try $0.value("a", as: String.self)
        }
        #expect(rows == ["one"])
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func aNullParameterNeedsNoCast(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE p (a \(.text) NOT NULL, b \(.integer) NOT NULL)")
      try await database.write { try $0.execute("INSERT INTO p (a, b) VALUES ($1, $2)", "x", 1) }
      for filter in [String?.none, "x", "y"] {
        let found = try await database.read { transaction in
          try transaction.query("SELECT b FROM p WHERE ($1 IS NULL OR a = $1)", filter) {
            try $0.value("b", as: Int.self)
          }
        }
        #expect(found == (filter == "y" ? [] : [1]))
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func sumsAndAveragesAreNumbers(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE n (v \(.integer) NOT NULL)")
      try await database.write { transaction in
        for value in [1, 2, 4] { try transaction.execute("INSERT INTO n (v) VALUES ($1)", value) }
        let row = try #require(try transaction.queryOne("SELECT sum(v) AS s, avg(v) AS a FROM n") { $0 })
        #expect(try row["s"] == 7)
        let average: Double = try row["a"]
        #expect(abs(average - 7.0 / 3) < 1e-9)
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func identitiesAreGivenByTheDatabaseAndNeverTwice(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE t (id \(.identity), name \(.text) NOT NULL)")
      let ids = try await database.write { transaction in
        let insert = "INSERT INTO t (name) VALUES ($1) RETURNING id"
        let first = try transaction.queryOne(insert, "a") { try $0.value("id", as: Int64.self) }
        try transaction.execute("DELETE FROM t")
        let second = try transaction.queryOne(insert, "b") { try $0.value("id", as: Int64.self) }
        return [first, second]
      }
      #expect(ids == [1, 2])
    }
  }

  @Test(arguments: TestEngine.available)
  func textSortsByCodePoint(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE t (a \(.text) NOT NULL, b \(.varchar(9)) NOT NULL)")
      let sorted = try await database.write { transaction in
        for text in ["b", "B", "ä", "_", "a", "1"] { try transaction.execute("INSERT INTO t VALUES ($1, $1)", text) }
        return [
          try transaction.query("SELECT a FROM t ORDER BY a") { try $0.value("a", as: String.self) },
          try transaction.query("SELECT b FROM t ORDER BY b") { try $0.value("b", as: String.self) },
        ]
      }
      #expect(sorted == [["1", "B", "_", "a", "b", "ä"], ["1", "B", "_", "a", "b", "ä"]])
    }
  }

  @Test(arguments: TestEngine.available)
  func executeCountsChangedRowsOnly(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE t (id \(.integer) NOT NULL PRIMARY KEY, v \(.integer) NOT NULL)")
      let changes = try await database.write { transaction in
        [
          try transaction.execute("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)"),
          try transaction.execute("UPDATE t SET v = v + 1 WHERE id > $1", 1),
          try transaction.execute("UPDATE t SET v = 0 WHERE id = $1", 9),
          try transaction.execute("SELECT * FROM t"),
          try transaction.execute("INSERT INTO t VALUES (1, 5) ON CONFLICT (id) DO NOTHING"),
          try transaction.execute("DELETE FROM t WHERE v > $1", 1),
          try transaction.execute("CREATE TABLE other (id INTEGER)"),
        ]
      }
      #expect(changes == [3, 2, 0, 0, 0, 2, 0])
    }
  }

  @Test(arguments: TestEngine.available)
  func aThrowingBodyLeavesNothingBehind(engine: TestEngine) async throws {
    struct Refused: Error, Equatable {}
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE t (id \(.integer) NOT NULL)")
      await #expect(throws: Refused()) {
        try await database.write { transaction in
          try transaction.execute("INSERT INTO t VALUES ($1)", 1)
          throw Refused()
        }
      }
      #expect(try await database.count("t") == 0)
    }
  }

  @Test(arguments: TestEngine.available)
  func aSwallowedErrorStillUndoesTheTransaction(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE t (id \(.integer) NOT NULL PRIMARY KEY)")
      let error = try await databaseError {
        try await database.write { transaction in
          try transaction.execute("INSERT INTO t VALUES ($1)", 1)
          _ = try? transaction.execute("INSERT INTO t VALUES ($1)", 1)
          #expect(throws: DatabaseError.self) { try transaction.execute("INSERT INTO t VALUES ($1)", 2) }
        }
      }
      #expect(error.isUniqueViolation)
      #expect(try await database.count("t") == 0)
    }
  }

  @Test(arguments: TestEngine.available)
  func aReadSeesOneStateAndCannotWrite(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE t (id \(.integer) NOT NULL)")
      let error = try await databaseError {
        _ = try await database.read { try $0.query("INSERT INTO t VALUES (1) RETURNING id") { _ in 0 } }
      }
      #expect(error.kind == .readOnly)
      #expect(try await database.count("t") == 0)
    }
  }

  @Test(arguments: TestEngine.available)
  func concurrentTransactionsLoseNothing(engine: TestEngine) async throws {
    var options = DatabaseOptions()
    options.poolSize = 4
    try await withTestDatabase(engine, options: options) { database in
      try await database.create("CREATE TABLE t (id \(.integer) NOT NULL PRIMARY KEY, v \(.integer) NOT NULL)")
      try await database.write { try $0.execute("INSERT INTO t VALUES (1, 0), (2, 0)") }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<40 {
          group.addTask {
            // Crosswise, so that PostgreSQL meets deadlocks and has to run some of them again.
            let ids = number.isMultiple(of: 2) ? [1, 2] : [2, 1]
            try await database.write { transaction in
              for id in ids { try transaction.execute("UPDATE t SET v = v + 1 WHERE id = $1", id) }
            }
          }
        }
        try await group.waitForAll()
      }
      let values = try await database.read { try $0.query("SELECT v FROM t") { try $0.value("v", as: Int.self) } }
      #expect(values == [40, 40])
    }
  }

  @Test(arguments: TestEngine.available)
  func aLockMakesReadThenWriteOneStep(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE t (v \(.integer) NOT NULL)")
      try await database.write { try $0.execute("INSERT INTO t VALUES (0)") }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<50 {
          group.addTask {
            try await database.write { transaction in
              try transaction.lock("counter")
              let value = try transaction.queryOne("SELECT v FROM t") { try $0.value("v", as: Int.self) } ?? 0
              try transaction.execute("UPDATE t SET v = $1", value + 1)
            }
          }
        }
        try await group.waitForAll()
      }
      let value = try await database.read { try $0.queryOne("SELECT v FROM t") { try $0.value("v", as: Int.self) } }
      #expect(value == 50)
    }
  }
}
