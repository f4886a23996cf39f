import FoundationEssentials
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import Core

/// The core's services, on both engines.
struct SharedStateTests {
  private let time = ManualTime()
  private let guild = GuildID(900_000_000_000_000_001)
  private let user = UserID(100_000_000_000_000_001)
  private let other = UserID(UInt64.max)

  private func withState(_ engine: TestEngine, _ body: (SharedState) async throws -> Void) async throws {
    try await withTestDatabase(engine) { try await body(try await SharedState.open($0, time: time)) }
  }

  @Test(arguments: TestEngine.available)
  func aGuildKeepsItsRecordsWhileTheBotIsAway(engine: TestEngine) async throws {
    try await withState(engine) { state in
      let start = time.timestamp
      try await state.guilds.joined(guild)
      #expect(try await state.guilds.count() == 1)
      time.advance(by: .seconds(5))
      try await state.guilds.joined(guild)
      var found = try #require(try await state.guilds.find(guild))
      #expect(found == Guild(id: guild, joinedAt: start, settings: [:], premiumUntil: nil, leftAt: nil))

      try await state.guilds.left(guild)
      #expect(try await state.guilds.count() == 0)
      found = try #require(try await state.guilds.find(guild))
      #expect(found.leftAt == start + .seconds(5))

      time.advance(by: .seconds(5))
      try await state.guilds.joined(guild, at: start + .seconds(9))
      found = try #require(try await state.guilds.find(guild))
      #expect(found.joinedAt == start + .seconds(9))
      #expect(found.leftAt == nil)
      #expect(try await state.guilds.find(GuildID(1)) == nil)
    }
  }

  @Test(arguments: TestEngine.available)
  func aUserIsMetOnceAndRenamedOften(engine: TestEngine) async throws {
    try await withState(engine) { state in
      let start = time.timestamp
      try await state.users.seen(user, globalName: "first", avatarURL: "https://cdn.example/a.png")
      time.advance(by: .seconds(1))
      try await state.users.seen(user, globalName: String(repeating: "é", count: 40))
      try await state.users.seen(other)
      let found = try #require(try await state.users.find(user))
      #expect(found == User(id: user, createdAt: start, globalName: String(repeating: "é", count: 32)))
      #expect(try await state.users.count() == 2)
      #expect(try await state.users.find(other)?.id == other)
    }
  }

  @Test(arguments: TestEngine.available)
  func membersComeAndGo(engine: TestEngine) async throws {
    try await withState(engine) { state in
      try await state.members.seen([user, other, user], in: guild)
      #expect(try await state.members.count(in: guild) == 2)
      try await state.members.left(user, from: guild)
      #expect(try await state.members.count(in: guild) == 1)
      #expect(try await state.members.find(user, in: guild)?.leftAt == time.timestamp)
      try await state.members.seen([user], in: guild)
      let member = Member(guildID: guild, userID: user, xp: 0, level: 0, leftAt: nil)
      #expect(try await state.members.find(user, in: guild) == member)
      #expect(try await state.members.find(user, in: GuildID(1)) == nil)
      #expect(try await state.members.count(in: GuildID(1)) == 0)
    }
  }

  @Test(arguments: TestEngine.available)
  func permissionsAreSetClearedAndLookedUp(engine: TestEngine) async throws {
    try await withState(engine) { state in
      let permissions = state.permissions
      #expect(try await permissions.lookUp("tickets.close", for: user, in: guild) == nil)
      let entry = AuditEntry(userID: other, guildID: guild, action: "permission_set", category: "admin")
      try await permissions.set("tickets.close", allowed: true, for: user, in: guild, by: other, audit: entry)
      #expect(try await permissions.lookUp("tickets.close", for: user, in: guild) == true)
      time.advance(by: .seconds(1))
      try await permissions.set("tickets.close", allowed: false, for: user, in: guild, by: user)
      try await permissions.set("a", allowed: true, for: user, in: guild, by: other)
      #expect(try await permissions.lookUp("tickets.close", for: user, in: guild) == false)
      #expect(try await permissions.lookUp("tickets.close", for: other, in: guild) == nil)
      let grants = [
        PermissionGrant(permission: "a", allowed: true, grantedBy: other, grantedAt: time.timestamp),
        PermissionGrant(permission: "tickets.close", allowed: false, grantedBy: user, grantedAt: time.timestamp),
      ]
      #expect(try await permissions.all(for: user, in: guild) == grants)
      #expect(try await permissions.clear("tickets.close", for: user, in: guild))
      #expect(try await !permissions.clear("tickets.close", for: user, in: guild, audit: entry))
      #expect(try await permissions.lookUp("tickets.close", for: user, in: guild) == nil)
      // Only what changed something was written down.
      #expect(try await state.auditLog.recent().map(\.entry) == [entry])
    }
  }

  @Test(arguments: TestEngine.available)
  func switchesAreReadFromMemoryAndSurviveARestart(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      let first = try await SharedState.open(database, time: time)
      #expect(first.switches.choice(of: guild, for: "economy") == nil)
      #expect(first.switches.isEnabled("economy", in: guild, default: true))
      let entry = AuditEntry(userID: user, guildID: guild, action: "plugin_disabled", category: "admin")
      try await first.switches.set("economy", enabled: false, in: guild, by: user, audit: entry)
      try await first.switches.set("tickets", enabled: true, in: guild, by: user)
      #expect(!first.switches.isEnabled("economy", in: guild, default: true))
      #expect(first.switches.isEnabled("economy", in: GuildID(1), default: true))
      #expect(first.switches.choices(of: guild) == ["economy": false, "tickets": true])
      #expect(try await first.auditLog.recent().map(\.entry) == [entry])

      let second = try await SharedState.open(database, time: time)
      #expect(second.switches.choices(of: guild) == ["economy": false, "tickets": true])
      try await second.switches.set("economy", enabled: true, in: guild, by: user)
      #expect(!first.switches.isEnabled("economy", in: guild, default: true))
      try await first.switches.reload()
      #expect(first.switches.isEnabled("economy", in: guild, default: false))
    }
  }

  @Test(arguments: TestEngine.available)
  func theLastOfManyConcurrentChoicesIsInMemoryToo(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      let state = try await SharedState.open(database, time: time)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<60 {
          group.addTask { [guild, user] in
            try await state.switches.set("economy", enabled: number.isMultiple(of: 2), in: guild, by: user)
          }
        }
        try await group.waitForAll()
      }
      let fresh = try await SharedState.open(database, time: time)
      #expect(state.switches.choices(of: guild) == fresh.switches.choices(of: guild))
    }
  }

  @Test(arguments: TestEngine.available)
  func keyedStateCountsItsVersions(engine: TestEngine) async throws {
    try await withState(engine) { state in
      let store = state.state
      let session: JSON = ["id": "abc", "sequence": 42, "shards": [0, 1]]
      #expect(try await store.find("gateway.session.0") == nil)
      #expect(try await store.set("gateway.session.0", to: session, ifVersion: 0) == 1)
      #expect(try await store.set("gateway.session.0", to: session, ifVersion: 0) == nil)
      #expect(try await store.set("gateway.session.0", to: ["id": "def"]) == 2)
      #expect(try await store.set("gateway.session.0", to: session, ifVersion: 2) == 3)
      let entry = KeyedState.Entry(value: session, version: 3, updatedAt: time.timestamp)
      #expect(try await store.find("gateway.session.0") == entry)
      try await store.set("gateway.session.1", to: .null)
      try await store.set("Gateway.session.2", to: 1)
      #expect(
        try await store.all(prefix: "gateway.session.").keys.sorted() == ["gateway.session.0", "gateway.session.1"])
      #expect(try await store.all(prefix: "gateway.session.")["gateway.session.1"]?.value == .null)
      try await store.remove("gateway.session.0")
      #expect(try await store.find("gateway.session.0") == nil)
    }
  }

  @Test(arguments: TestEngine.available)
  func updatesOfOneNameComeOneAfterTheOther(engine: TestEngine) async throws {
    try await withState(engine) { state in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<30 {
          group.addTask {
            try await state.state.update("identify.budget") { .integer(($0?.integer ?? 0) + 1) }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await state.state.find("identify.budget")?.value == 30)
      #expect(try await state.state.update("identify.budget") { _ in nil } == nil)
      #expect(try await state.state.find("identify.budget") == nil)
    }
  }

  @Test(arguments: TestEngine.available)
  func theAuditLogPagesFromNewestToOldest(engine: TestEngine) async throws {
    try await withState(engine) { state in
      let log = state.auditLog
      var appended: [String] = []
      for number in 0..<7 {
        // Two entries each in the same millisecond: the page must not lose or repeat one of them.
        if number.isMultiple(of: 2) { time.advance(by: .milliseconds(1)) }
        let entry = AuditEntry(
          userID: user, guildID: number == 3 ? nil : guild, action: "command_executed", category: "user_action",
          details: ["command": "giveaway", "number": .integer(Int64(number))], ip: "::1", userAgent: "test")
        appended.append(try await log.append(entry).uuidString)
      }
      var pages: [[AuditRecord]] = []
      repeat { pages.append(try await log.recent(limit: 3, after: pages.last?.last)) } while pages.last?.count == 3
      let records = pages.flatMap { $0 }
      #expect(pages.map(\.count) == [3, 3, 1])
      #expect(Set(records.map(\.id.uuidString)) == Set(appended))
      #expect(records.map(\.createdAt) == records.map(\.createdAt).sorted(by: >))
      #expect(records[0].entry.details == ["command": "giveaway", "number": 6])
      #expect(records[0].createdAt == time.timestamp)
      #expect(records[0].entry.ip == "::1")
      #expect(try await log.recent(in: guild).count == 6)
      #expect(try await log.recent(in: GuildID(1)).isEmpty)
      #expect(records.first { $0.entry.guildID == nil }?.entry.details["number"] == 3)
    }
  }

  @Test(arguments: TestEngine.available)
  func anEntryIsStoredWithItsChangeOrNotAtAll(engine: TestEngine) async throws {
    struct Refused: Error {}
    try await withState(engine) { state in
      let entry = AuditEntry(userID: user, guildID: guild, action: "a", category: "c")
      await #expect(throws: Refused.self) {
        try await state.database.write { [time] transaction in
          try AuditLog.append(entry, at: time.timestamp, in: transaction)
          throw Refused()
        }
      }
      let records = try await state.auditLog.recent()
      #expect(records.isEmpty)
    }
  }

  @Test(arguments: TestEngine.available)
  func aPluginsTablesComeAfterTheCores(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      let module = MigrationModule(
        "economy", [Migration(1, "wallets", ["CREATE TABLE wallets AS SELECT id FROM users"])])
      let state = try await SharedState.open(database, modules: [module], time: time)
      #expect(try await state.users.count() == 0)
      #expect(try await state.database.read { try $0.count("SELECT count(*) AS count FROM wallets") } == 0)
    }
  }
}

struct IdentifierTests {
  @Test(arguments: ["", "abc", "-1", "+1", "18446744073709551616", "1 ", "1.0"])
  func textThatIsNoIdIsRefused(text: String) {
    #expect(GuildID(text) == nil)
  }

  @Test func anIdIsWrittenAsText() {
    #expect(UserID(UInt64.max).description == "18446744073709551615")
    #expect(UserID("18446744073709551615") == UserID(UInt64.max))
    #expect(UserID(5).databaseValue == .text("5"))
  }

  @Test func auditIdsAreVersion7() {
    let id = UUID.timeOrdered(at: Timestamp(milliseconds: 0x0123_4567_89ab))
    #expect(id.uuidString.hasPrefix("01234567-89AB-7"))
  }
}
