import Platform
import StorageTestSupport
import Testing

@testable import Storage

struct DateTimeTests {
  private static let samples: [(String, Int64)] = [
    ("1970-01-01 00:00:00.000", 0), ("1969-12-31 23:59:59.999", -1), ("2024-02-29 12:34:56.789", 1_709_210_096_789),
    ("2000-03-01 00:00:00.001", 951_868_800_001), ("0001-01-01 00:00:00.000", -62_135_596_800_000),
    ("9999-12-31 23:59:59.999", 253_402_300_799_999), ("1900-02-28 23:59:59.000", -2_203_891_201_000),
  ]

  @Test(arguments: samples)
  func itIsWrittenAsSQLWritesIt(text: String, milliseconds: Int64) {
    let time = DateTime(Timestamp(milliseconds: milliseconds))
    #expect(time.databaseValue == .text(text))
    #expect(DateTime(databaseValue: .text(text)) == time)
  }

  @Test func everyDayOfFourCenturiesComesBack() {
    var previous = ""
    for day in -146_097..<146_097 {
      let time = DateTime(Timestamp(milliseconds: Int64(day) * 86_400_000 + 1))
      guard case .text(let text) = time.databaseValue, text > previous, DateTime(databaseValue: .text(text)) == time
      else {
        Issue.record("day \(day)")
        return
      }
      previous = text
    }
  }

  @Test(arguments: [
    ("2024-01-01 00:00:00", 0), ("2024-01-01 00:00:00.5", 500), ("2024-01-01 00:00:00.12", 120),
    ("2024-01-01 00:00:00.123999", 123),
  ])
  func aFractionMayBeShortOrLong(text: String, milliseconds: Int64) {
    #expect(DateTime(databaseValue: .text(text))?.timestamp.milliseconds == 1_704_067_200_000 + milliseconds)
  }

  @Test(arguments: [
    "", "2024-01-01", "2024-01-01T00:00:00", "2024-13-01 00:00:00", "2024-00-01 00:00:00", "2024-01-32 00:00:00",
    "2024-01-01 24:00:00", "2024-01-01 00:60:00", "2024-01-01 00:00:60", "2024-01-01 00:00:00.", "infinity",
    "2024-01-01 00:00:00.1x", "2024-01-01 00:00:00Z", "20240101 00:00:00.000",
  ])
  func anythingElseIsNoTime(text: String) {
    #expect(DateTime(databaseValue: .text(text)) == nil)
  }

  @Test func otherYearsBecomeTheNearest() {
    #expect(DateTime(Timestamp(milliseconds: .max)).databaseValue == .text("9999-12-31 23:59:59.999"))
    #expect(DateTime(Timestamp(milliseconds: .min)).databaseValue == .text("0001-01-01 00:00:00.000"))
  }

  @Test(arguments: TestEngine.available)
  func theEnginesKeepOrderAndCompareIt(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      try await database.create("CREATE TABLE times (at \(.dateTime) DEFAULT CURRENT_TIMESTAMP, n \(.integer32))")
      let times = Self.samples.map { DateTime(Timestamp(milliseconds: $0.1)) }
      try await database.write { transaction in
        for time in times { try transaction.execute("INSERT INTO times (at) VALUES ($1)", time) }
        try transaction.execute("INSERT INTO times (at) VALUES ($1)", DateTime?.none)
      }
      let read = try await database.read { transaction in
        try transaction.query("SELECT at FROM times WHERE at IS NOT NULL ORDER BY at") {
          try $0.value("at", as: DateTime.self)
        }
      }
      #expect(read == times.sorted { $0.timestamp < $1.timestamp })
      let early = try await database.read { transaction in
        try transaction.query("SELECT at FROM times WHERE at < $1", DateTime(Timestamp(milliseconds: 0))) {
          try $0.value("at", as: DateTime.self)
        }
      }
      #expect(early.count == times.count { $0.timestamp.milliseconds < 0 })
      try await database.write { try $0.execute("INSERT INTO times (n) VALUES (-5)") }
      let filled = try await database.read { transaction in
        try transaction.queryOne("SELECT at FROM times WHERE n = -5") { try $0.value("at", as: DateTime.self) }
      }
      // The default is UTC, whatever the zone of the server.
      let difference = try #require(filled).timestamp - Timestamp.now
      #expect(difference > .seconds(-60) && difference < .seconds(60))
    }
  }

  @Test(arguments: TestEngine.available)
  func aStatementForTheOtherEngineDoesNotRun(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      let module = MigrationModule(
        "m",
        [
          Migration(
            1, "one",
            [
              .only(.sqlite, "CREATE TABLE engine_name AS SELECT 'sqlite' AS name"),
              .only(.postgreSQL, "CREATE TABLE engine_name AS SELECT 'postgreSQL' AS name"),
            ])
        ])
      try await database.migrate([module], time: ManualTime())
      let name = try await database.read { transaction in
        try transaction.queryOne("SELECT name FROM engine_name") { try $0.value("name", as: String.self) }
      }
      #expect(name == engine.rawValue)
    }
  }

  @Test func aStatementForOneEngineIsAnotherStep() {
    let both = Migration(1, "m", ["SELECT 1"]).checksum
    let one = Migration(1, "m", [.only(.sqlite, "SELECT 1")]).checksum
    #expect(Set([both, one, Migration(1, "m", [.only(.postgreSQL, "SELECT 1")]).checksum]).count == 3)
  }
}
