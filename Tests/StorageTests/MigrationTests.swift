import Platform
import StorageTestSupport
import Testing

@testable import Storage

struct MigrationTests {
  private let first = Migration(1, "things", ["CREATE TABLE things (id \(.identity), at \(.timestamp) NOT NULL)"])
  private let second = Migration(
    2, "names", ["ALTER TABLE things ADD COLUMN name \(.text)", "INSERT INTO things (at, name) VALUES (1, 'x')"])
  private let time = ManualTime()

  @Test(arguments: TestEngine.available)
  func stepsRunOnceAndInOrder(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      #expect(try await database.migrate([MigrationModule("m", [first])], time: time) == 1)
      #expect(try await database.migrate([MigrationModule("m", [first])], time: time) == 0)
      #expect(try await database.migrate([MigrationModule("m", [first, second])], time: time) == 1)
      #expect(try await database.migrate([MigrationModule("m", [first, second])], time: time) == 0)
      #expect(try await database.count("things") == 1)
      let applied = try await database.read { transaction in
        try transaction.queryOne("SELECT name, applied_at FROM schema_migrations WHERE number = 2") { $0 }
      }
      let row = try #require(applied)
      #expect(try row["name"] == "names")
      #expect(try row["applied_at"] == time.timestamp)
    }
  }

  @Test(arguments: TestEngine.available)
  func aFailingStepLeavesNothing(engine: TestEngine) async throws {
    let broken = Migration(2, "broken", ["INSERT INTO things (at) VALUES (1)", "INSERT INTO nowhere VALUES (1)"])
    try await withTestDatabase(engine) { database in
      let error = try await databaseError {
        try await database.migrate([MigrationModule("m", [first, broken])], time: time)
      }
      #expect(error.kind == .syntax)
      #expect(try await database.count("things") == 0)
      #expect(try await database.count("schema_migrations") == 1)
      // Repaired, it goes on from where it stopped.
      #expect(try await database.migrate([MigrationModule("m", [first, second])], time: time) == 1)
    }
  }

  @Test(arguments: TestEngine.available)
  func aHistoryThatDoesNotFitIsRefused(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.migrate([MigrationModule("m", [first, second])], time: time)
      let changed = Migration(1, "things", ["CREATE TABLE things (id \(.identity), at \(.integer) NOT NULL)"])
      for (migrations, words) in [
        ([first], "newer than this program"), ([changed, second], "not the one that ran"),
      ] {
        let error = try await databaseError {
          try await database.migrate([MigrationModule("m", migrations)], time: time)
        }
        #expect(error.kind == .migration)
        #expect(error.message.contains(words))
      }
      try await database.write { try $0.execute("DELETE FROM schema_migrations WHERE number = 1") }
      let error = try await databaseError {
        try await database.migrate([MigrationModule("m", [first, second])], time: time)
      }
      #expect(error.message.contains("lacks migration 1"))
    }
  }

  @Test func numbersWithoutOrderAreRefused() async throws {
    try await withTestDatabase(.sqlite) { database in
      for modules in [
        [MigrationModule("m", [second])], [MigrationModule("m", [first, first])],
        [MigrationModule("m", [first]), MigrationModule("m", [first])],
      ] {
        let error = try await databaseError { try await database.migrate(modules, time: time) }
        #expect(error.kind == .migration)
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func severalProcessesMayMigrateAtOnce(engine: TestEngine) async throws {
    try await withTestURL(engine) { url in
      let ran = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<4 {
          group.addTask { [first, second, time] in
            var options = DatabaseOptions()
            options.poolSize = 2
            let database = try await Database.open(url: url, options: options)
            let count = try await database.migrate([MigrationModule("m", [first, second])], time: time)
            await database.close()
            return count
          }
        }
        return try await group.reduce(0, +)
      }
      #expect(ran == 2)
    }
  }
}
