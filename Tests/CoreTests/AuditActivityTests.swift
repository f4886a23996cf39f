import FoundationEssentials
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import Core

struct AuditActivityTests {
  /// A Wednesday, shortly before midnight.
  private let time = ManualTime(timestamp: Timestamp(iso8601: "2026-11-18T23:00:00Z") ?? .now)
  private let guild = GuildID(900)

  private func withState(_ engine: TestEngine, _ body: (SharedState) async throws -> Void) async throws {
    try await withTestDatabase(engine) { try await body(try await SharedState.open($0, time: time)) }
  }

  private func command(_ name: String, by user: UInt64, in guild: GuildID?) -> AuditEntry {
    AuditEntry(
      userID: UserID(user), guildID: guild, action: "command_executed", category: "user_action",
      details: ["command": .string(name)])
  }

  @Test(arguments: TestEngine.available)
  func everyAnswerIsExactWhateverIsCountedAlready(engine: TestEngine) async throws {
    try await withState(engine) { state in
      var expected = AuditActivity.Figures(
        dailyActions: 0, weeklyActions: 0, dailyActiveUsers: 0, dailyActiveGuilds: 0, topCommands: [])
      #expect(try await state.activity.figures() == expected)
      for number in 0..<7 {
        try await state.auditLog.append(command("help", by: UInt64(number % 3) + 1, in: guild))
        try await state.auditLog.append(command("ping", by: 1, in: nil))
        try await state.auditLog.append(
          AuditEntry(userID: UserID(0), guildID: nil, action: "started", category: "system"))
        // Some of it is in the totals, some is not.
        if number == 3 { #expect(try await state.activity.count() == 12) }
      }
      expected.dailyActions = 21
      expected.weeklyActions = 21
      expected.dailyActiveUsers = 3
      expected.dailyActiveGuilds = 1
      expected.topCommands = [.init(command: "help", count: 7), .init(command: "ping", count: 7)]
      #expect(try await state.activity.figures() == expected)
      #expect(try await state.activity.count() == 9)
      #expect(try await state.activity.count() == 0)
      #expect(try await state.activity.figures() == expected)
      #expect(try await state.activity.figures(top: 1).topCommands == [.init(command: "help", count: 7)])

      // The next day: the week goes on.
      time.advance(by: .seconds(3_600))
      try await state.auditLog.append(command("ping", by: 9, in: GuildID(901)))
      expected.dailyActions = 1
      expected.weeklyActions = 22
      expected.dailyActiveUsers = 1
      expected.topCommands = [.init(command: "ping", count: 8), .init(command: "help", count: 7)]
      #expect(try await state.activity.figures() == expected)
      try await state.activity.count()
      #expect(try await state.activity.figures() == expected)

      // Monday: a new week. What is not of this week is not read.
      time.advance(by: .seconds(4 * 86_400))
      expected.dailyActions = 0
      expected.weeklyActions = 0
      expected.dailyActiveUsers = 0
      expected.dailyActiveGuilds = 0
      #expect(try await state.activity.figures() == expected)
    }
  }

  @Test func weeksBeginOnMonday() throws {
    for (text, monday) in [
      ("2026-11-22T23:59:59.999Z", "2026-11-16T00:00:00Z"), ("2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z"),
      ("1970-01-01T00:00:00Z", "1969-12-29T00:00:00Z"), ("1969-12-28T12:00:00Z", "1969-12-22T00:00:00Z"),
    ] {
      let day = AuditActivity.day(of: try #require(Timestamp(iso8601: text)))
      #expect(
        AuditActivity.monday(of: day) * 86_400_000 == Timestamp(iso8601: monday)?.milliseconds, "\(text)")
    }
  }

  @Test(arguments: TestEngine.available)
  func manyWhoCountAtOnceCountOnce(engine: TestEngine) async throws {
    try await withState(engine) { state in
      let entries = (0..<300).map { command("c\($0 % 7)", by: UInt64($0 % 90) + 1, in: GuildID(UInt64($0 % 60) + 1)) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for entry in entries { group.addTask { try await state.auditLog.append(entry) } }
        for _ in 0..<20 { group.addTask { try await state.activity.count() } }
        try await group.waitForAll()
      }
      while try await state.activity.count() > 0 {}
      let figures = try await state.activity.figures()
      #expect(figures.dailyActions == 300)
      #expect(figures.dailyActiveUsers == 90)
      #expect(figures.dailyActiveGuilds == 60)
      #expect(figures.topCommands.map(\.count).reduce(0, +) == 300)
    }
  }

  @Test(arguments: TestEngine.available)
  func daysThatAreLongOverAreForgotten(engine: TestEngine) async throws {
    try await withState(engine) { state in
      func rows(_ table: String) async throws -> Int {
        try await state.database.read { try $0.count("SELECT count(*) AS count FROM \(table)") }
      }
      try await state.auditLog.append(command("help", by: 1, in: guild))
      try await state.activity.count()
      #expect(try await (rows("audit_day_users"), rows("audit_day_guilds")) == (1, 1))
      time.advance(by: .seconds(86_400 * AuditActivity.keptDays))
      try await state.auditLog.append(command("help", by: 2, in: guild))
      try await state.activity.count()
      #expect(try await (rows("audit_day_users"), rows("audit_day_guilds"), rows("audit_days")) == (1, 1, 2))
    }
  }

  @Test(arguments: TestEngine.available)
  func entriesBeyondTheirAgeAreRemovedAndStayCounted(engine: TestEngine) async throws {
    try await withState(engine) { state in
      for _ in 0..<3 { try await state.auditLog.append(command("help", by: 1, in: guild)) }
      time.advance(by: .seconds(86_400))
      try await state.auditLog.append(command("help", by: 1, in: guild))
      state.activity.configure(.init(retention: .seconds(86_399)))
      let running = Task { [time] in
        await state.activity.run(log: .silent)
        _ = time
      }
      // It sleeps when its first round is over.
      await time.waitForSleepers()
      running.cancel()
      await running.value
      #expect(try await state.auditLog.recent().count == 1)
      #expect(try await state.activity.figures().topCommands == [.init(command: "help", count: 4)])
      #expect(try await state.database.read { try $0.count("SELECT count(*) AS count FROM audit_uncounted") } == 0)
    }
  }

  @Test(arguments: TestEngine.available)
  func newsWaitInOrderUntilTheyAreTold(engine: TestEngine) async throws {
    try await withState(engine) { state in
      let news = AuditNews(database: state.database)
      try await state.auditLog.append(command("unheard", by: 1, in: guild))
      try await state.activity.count()
      #expect(try await news.next(limit: 10) == nil)

      state.activity.configure(.init(tellsNews: true))
      for number in 0..<60 {
        time.advance(by: .milliseconds(1))
        try await state.auditLog.append(command("c\(number)", by: 1, in: guild))
      }
      try await state.activity.count()
      #expect(try await news.count() == 60)
      let first = try #require(try await news.next(limit: 10))
      #expect(first.records.map { $0.entry.details["command"]?.string } == (0..<10).map { "c\($0)" })
      #expect(try await news.next(limit: 10) == first)
      try await news.remove(first)
      // An entry that is gone meanwhile is passed over.
      try await state.database.write { transaction in
        try transaction.execute("DELETE FROM audit_logs WHERE details ->> 'command' = 'c10'")
      }
      let second = try #require(try await news.next(limit: 2))
      #expect(second.records.map { $0.entry.details["command"]?.string } == ["c11"])
      try await news.remove(second)
      #expect(try await news.count() == 48)
    }
  }

  @Test(arguments: TestEngine.available)
  func theOldestNewsGiveWay(engine: TestEngine) async throws {
    try await withState(engine) { state in
      let news = AuditNews(database: state.database)
      for _ in 0..<11 {
        try await state.database.write { transaction in
          try AuditNews.add((0..<1_000).map { _ in UUID() }, in: transaction)
        }
      }
      #expect(try await news.count() == Int(AuditNews.limit))
    }
  }
}
