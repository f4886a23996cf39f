import StorageTestSupport
import Testing

@testable import Storage

/// Writing and reading many rows at once.
struct ManyRowsTests {
  private static let adding = RowInsert(
    into: "counts", ["day": .integer, "name": .text, "entries": .integer],
    then: "ON CONFLICT (day, name) DO UPDATE SET entries = counts.entries + excluded.entries")

  private func withCounts(_ engine: TestEngine, _ body: (Database) async throws -> Void) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create(
        """
        CREATE TABLE counts (
          day \(.integer) NOT NULL, name \(.varchar(20)) NOT NULL, entries \(.integer) NOT NULL, PRIMARY KEY (day, name))
        """)
      try await body(database)
    }
  }

  private func rows(_ count: Int, entries: Int64 = 1) -> [DatabaseValue] {
    (0..<count).flatMap { [.integer(Int64($0)), .text("name \($0 % 7)"), .integer(entries)] }
  }

  /// As many as fill every size of statement, one more, and none.
  @Test(arguments: TestEngine.available, [0, 1, 3, 4, 64, 149, 300])
  func manyRowsAreInsertedAndAddedTo(engine: TestEngine, count: Int) async throws {
    try await withCounts(engine) { database in
      try await database.write { [values = rows(count)] in try $0.insert(values, by: Self.adding) }
      try await database.write { [values = rows(count, entries: 5)] in try $0.insert(values, by: Self.adding) }
      #expect(try await database.count("counts") == count)
      let entries = try await database.read { transaction in
        try transaction.query("SELECT DISTINCT entries FROM counts") { try $0.value("entries", as: Int64.self) }
      }
      #expect(entries == (count > 0 ? [6] : []))
    }
  }

  @Test(arguments: TestEngine.available)
  func whatCannotBeStoredTakesAllRowsBack(engine: TestEngine) async throws {
    try await withCounts(engine) { database in
      for bad in [[DatabaseValue.integer(9), .null, .integer(1)], [.integer(9), .text("a\0b"), .integer(1)]] {
        await #expect(throws: DatabaseError.self) {
          try await database.write { [values = rows(70) + bad] transaction in
            try? transaction.insert(values, by: Self.adding)
          }
        }
        #expect(try await database.count("counts") == 0)
      }
      let error = try await databaseError {
        try await database.write { try $0.insert([.integer(1), .text("a")], by: Self.adding) }
      }
      #expect(error.kind == .syntax)
    }
  }

  @Test(arguments: TestEngine.available)
  func rowsMayKnowTheirNumberBeforehand(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE things (id \(.identity), name \(.text) NOT NULL)")
      let naming = RowInsert(into: "things", ["id": .integer, "name": .text])
      for round in 0..<2 {
        try await database.write { transaction in
          try transaction.execute("INSERT INTO things (name) VALUES ('own')")
          let ids = try transaction.identities(of: "things", count: 3)
          #expect(Set(ids).count == 3)
          // The last one stays unused.
          try transaction.insert(ids.dropLast().flatMap { [.integer($0), .text("\(round)")] }, by: naming)
        }
      }
      #expect(try await database.count("things") == 6)
      let none = try await database.write { try $0.identities(of: "things", count: 0) }
      #expect(none == [])
    }
  }

  @Test(arguments: TestEngine.available)
  func passingRowsShowWhatIsThere(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE mixed (i \(.integer), t \(.text))")
      try await database.write { transaction in
        for (number, text) in [(Int64.min, "ü\""), (-1, ""), (0, "a"), (Int64.max, "b")] {
          try transaction.execute("INSERT INTO mixed (i, t) VALUES ($1, $2)", number, text)
        }
        try transaction.execute("INSERT INTO mixed (i, t) VALUES (NULL, NULL)")
      }
      let found = try await database.read { transaction in
        var found: [String] = []
        try transaction.forEach(
          "SELECT i, t FROM mixed WHERE i <= $1 OR i IS NULL ORDER BY i NULLS LAST", parameters: [Int64.max]
        ) { row in
          let length = row.bytes(1) { $0?.count ?? -1 }
          found.append("\(row.integer(0).map(String.init) ?? "-") \(row.text(1) ?? "-") \(length)")
          #expect(row.integer(1) == nil)
        }
        return found
      }
      #expect(found == ["\(Int64.min) ü\" 3", "-1  0", "0 a 1", "\(Int64.max) b 1", "- - -1"])
    }
  }

  private struct Enough: Error {}

  /// The body's own error ends the reading, and costs the transaction nothing.
  @Test(arguments: TestEngine.available)
  func aReaderMayStopAndGoOn(engine: TestEngine) async throws {
    try await withCounts(engine) { database in
      try await database.write { [values = rows(20)] transaction in
        try transaction.insert(values, by: Self.adding)
        var seen = 0
        #expect(throws: Enough.self) {
          try transaction.forEach("SELECT day FROM counts", parameters: []) { _ in
            seen += 1
            if seen == 3 { throw Enough() }
          }
        }
        #expect(seen == 3)
        try transaction.execute("DELETE FROM counts WHERE day < 5")
      }
      #expect(try await database.count("counts") == 15)
      await #expect(throws: DatabaseError.self) {
        try await database.write { transaction in
          try? transaction.forEach("SELECT nothing FROM counts", parameters: []) { _ in }
        }
      }
      let error = try await databaseError {
        try await database.read { try $0.forEach("DELETE FROM counts", parameters: []) { _ in } }
      }
      #expect(error.kind == .readOnly)
    }
  }
}
