import Core
import Platform
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import KillTracker

/// A tracker over an empty database.
struct TrackerRig {
  let kills: Kills
  let database: Database
  let time: ManualTime
  let told: EventLog

  /// What the tracker told the rest of the program.
  final class EventLog: Sendable {
    let events = Mutex<[KillEvents.Event]>([])
    var names: [String] { events.withLock { $0.map(\.name) } }
  }

  func admin() -> KillViewer { KillViewer(user: nil, isAdmin: true) }
}

func withTracker(_ engine: TestEngine, _ body: (TrackerRig) async throws -> Void) async throws {
  try await withTestDatabase(engine) { database in
    // A Wednesday.
    let time = ManualTime(timestamp: Timestamp(iso8601: "2026-02-18T12:00:00.000Z") ?? Timestamp(seconds: 0))
    _ = try await SharedState.open(database, modules: [KillTables.module], time: time)
    let told = TrackerRig.EventLog()
    let events = KillEvents { events, _ in told.events.withLock { $0 += events } }
    try await body(
      TrackerRig(
        kills: Kills(database: database, events: events, time: time), database: database, time: time, told: told))
  }
}

let ann = UserID(100_000_000_000_000_001)
let bob = UserID(100_000_000_000_000_002)
let cem = UserID(100_000_000_000_000_003)
let guildA = "900000000000000001"

func reporter(_ user: UserID, _ name: String? = nil) -> KillReporter { KillReporter(user: user, playerName: name) }

/// The error that `body` must throw.
func killError(_ body: () async throws -> some Any) async throws -> KillError? {
  do { _ = try await body() } catch let error as KillError { return error }
  return nil
}

@Suite(.timeLimit(.minutes(2)))
struct KillsTests {
  // MARK: Recording

  /// What the audit log says comes with the kill: once for each report that is taken, never for one that is refused;
  /// and reports of one kill that come together are one kill.
  @Test(arguments: TestEngine.available)
  func reportsThatComeTogetherAreAuditedWithTheirKills(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      let outcomes = await withTaskGroup(of: (Int, Bool?).self) { group in
        for number in 0..<40 {
          group.addTask {
            let entry = AuditEntry(
              userID: ann, guildID: nil, action: "kill.create", category: "api_action",
              details: ["number": .integer(Int64(number))])
            // Every tenth is refused: nobody kills themselves in PvP.
            let victim: ReportedParty = number % 10 == 0 ? .caller : .handle("victim\(number / 2)")
            let report = KillReport(victim: victim, idempotencyKey: "key \(number / 2)")
            return (number, try? await rig.kills.record(report, by: reporter(ann), audit: entry).isNew)
          }
        }
        return await group.reduce(into: [Int: Bool?]()) { $0[$1.0] = $1.1 }
      }
      let taken: [Int] = outcomes.filter { $0.value != nil }.keys.sorted()
      let expected: [Int] = (0..<40).filter { $0 % 10 != 0 }
      #expect(taken == expected)
      let audited = try await rig.database.read { transaction in
        try transaction.query("SELECT details FROM audit_logs WHERE action = 'kill.create'") { row in
          Int(try row.value("details", as: JSON.self)["number"]?.integer ?? -1)
        }
      }
      #expect(audited.sorted() == taken)
      // Of a pair under one key the second is the same kill; of four pairs one half was refused.
      let new = outcomes.values.count { $0 == .some(true) }
      #expect(new == 20)
      let page = try await rig.kills.list(limit: 100, for: rig.admin())
      #expect(page.total == 20 && page.kills.count == 20)
      #expect(rig.told.names.count == 20)
    }
  }

  @Test(arguments: TestEngine.available)
  func aRecordedKillIsFoundAsItWasReported(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      let recorded = try await rig.kills.record(
        KillReport(
          victim: .handle("EnemyPlayer"), serverID: guildA, weapon: " Laser Cannon ", location: "Stanton System",
          details: ["additional": "metadata"]), by: reporter(ann, "AnnInSpace"))
      #expect(recorded.isNew)
      let kill = try await rig.kills.find(recorded.kill.id, for: KillViewer(user: ann))
      #expect(kill == recorded.kill)
      #expect(kill.killer.name == "AnnInSpace")
      #expect(kill.killer.user == ann)
      #expect(kill.victim.name == "EnemyPlayer")
      #expect(kill.victim.user == nil)
      #expect(kill.weapon == "Laser Cannon")
      #expect(kill.location == "Stanton System")
      #expect(kill.serverID == guildA)
      #expect(kill.isPvP)
      #expect(kill.occurredAt == rig.time.timestamp)
      #expect(kill.details?["additional"]?.string == "metadata")
      #expect(kill.source == .api)
      #expect(KillID("\(kill.id)") == kill.id)
      // Strangers see the kill, but not what its reporter gave beside it.
      let seen = try await rig.kills.find(kill.id, for: .anonymous)
      #expect(seen.details == nil)
      #expect(seen.reporter == nil)
      #expect(seen.killer == kill.killer)
      #expect(rig.told.names == ["kill.created"])
      #expect(try await killError { try await rig.kills.find(KillID(rawValue: 999), for: rig.admin()) } == .notFound)
    }
  }

  @Test(arguments: [
    (KillReport(victim: .handle("  ")), "victimId"), (KillReport(victim: .handle("a\u{0}b")), "victimId"),
    (KillReport(victim: .handle(String(repeating: "x", count: 101))), "victimId"),
    (KillReport(victim: .handle("x"), weapon: String(repeating: "x", count: 101)), "weapon"),
    (KillReport(victim: .handle("x"), location: "a\nb"), "location"),
    (KillReport(victim: .handle("x"), occurredAt: Timestamp(seconds: 4_000_000_000)), "timestamp"),
    (KillReport(victim: .handle("x"), occurredAt: Timestamp(seconds: 0)), "timestamp"),
    (KillReport(victim: .handle("x"), serverID: "my server"), "serverId"),
    (KillReport(victim: .handle("x"), serverID: "007"), "serverId"),
    (KillReport(victim: .handle("x"), idempotencyKey: ""), "idempotencyKey"),
    (KillReport(victim: .handle("x"), details: .string(String(repeating: "x", count: 20_000))), "rawData"),
    (KillReport(victim: .handle("x"), details: ["a": ["b\u{0}"]]), "rawData"),
    (KillReport(victim: .handle("x"), confidence: 1.5), "confidence"),
    (KillReport(victim: .handle("other"), kind: .suicide), "victimId"),
    (KillReport(victim: .handle("Ann1"), kind: .pvp), "victimId"),
    (KillReport(victim: .user(ann), kind: .pvp), "victimId"),
  ])
  func whatCannotBeIsRefusedByItsField(report: KillReport, field: String) async throws {
    try await withTracker(.sqlite) { rig in
      let error = try await killError { try await rig.kills.record(report, by: reporter(ann, "Ann1")) }
      guard case .invalid(let named, _) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(named == field)
      #expect(try await rig.kills.count() == 0)
    }
  }

  @Test(
    arguments: [
      (nil, nil, nil, KillKind.pvp), (true, nil, nil, .pvp), (false, nil, nil, .pve), (nil, true, nil, .suicide),
      (false, true, false, .suicide), (nil, nil, true, .environment), (true, false, false, .pvp),
    ] as [(Bool?, Bool?, Bool?, KillKind)])
  func flagsMeanAKind(isPvP: Bool?, isSuicide: Bool?, isEnvironmental: Bool?, kind: KillKind) throws {
    #expect(try KillReport.kind(isPvP: isPvP, isSuicide: isSuicide, isEnvironmental: isEnvironmental) == kind)
  }

  @Test(arguments: [(true, true, nil), (true, nil, true), (nil, true, true)] as [(Bool?, Bool?, Bool?)])
  func flagsThatContradictEachOtherAreRefused(isPvP: Bool?, isSuicide: Bool?, isEnvironmental: Bool?) {
    #expect(throws: KillError.self) {
      try KillReport.kind(isPvP: isPvP, isSuicide: isSuicide, isEnvironmental: isEnvironmental)
    }
  }

  @Test(arguments: TestEngine.available)
  func manyWritersAtOnceAreAllAnswered(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      let ids = try await withThrowingTaskGroup(of: KillID.self) { group in
        for number in 0..<300 {
          group.addTask {
            let report = KillReport(victim: .handle("v\(number % 17)"), weapon: "w\(number % 3)")
            return try await rig.kills.record(report, by: reporter(number.isMultiple(of: 2) ? ann : bob)).kill.id
          }
        }
        return try await group.reduce(into: Set()) { $0.insert($1) }
      }
      #expect(ids.count == 300)
      #expect(try await rig.kills.count() == 300)
      #expect(rig.told.names.count == 300)
    }
  }

  @Test(arguments: TestEngine.available)
  func oneBadReportCostsTheOthersNothing(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<60 {
          group.addTask {
            let victim = number.isMultiple(of: 3) ? ReportedParty.user(ann) : .handle("v\(number)")
            return try await killError { try await rig.kills.record(KillReport(victim: victim), by: reporter(ann)) }
              == nil
          }
        }
        var recorded = 0
        for try await isRecorded in group where isRecorded { recorded += 1 }
        #expect(recorded == 40)
      }
      #expect(try await rig.kills.count() == 40)
    }
  }

  @Test(arguments: TestEngine.available)
  func aKillIsADomainEventOfTheSameTransaction(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      let time = ManualTime(timestamp: Timestamp(seconds: 1_771_416_000))
      let shared = try await SharedState.open(database, modules: [KillTables.module], time: time)
      let kills = Kills(database: database, events: KillEvents(shared.events), time: time)
      let report = KillReport(victim: .user(bob), serverID: guildA, weapon: "Gun", idempotencyKey: "k")
      let kill = try await kills.record(report, by: reporter(ann, "AnnA")).kill
      _ = try await kills.record(report, by: reporter(ann, "AnnA"))
      let stored = try await database.read { transaction in
        try transaction.query("SELECT name, guild_id, subjects, data FROM domain_events") { row in
          (
            name: try row.value("name", as: String.self), guild: try row.value("guild_id", as: String?.self),
            subjects: try row.value("subjects", as: JSON.self), data: try row.value("data", as: JSON.self)
          )
        }
      }
      #expect(stored.count == 1)
      let event = try #require(stored.first)
      #expect(event.name == "kill.created")
      #expect(event.guild == guildA)
      #expect(event.subjects == ["user:\(ann)", "user:\(bob)"])
      #expect(event.data["id"]?.string == "\(kill.id)")
      #expect(event.data["killer"]?.string == "AnnA")
      #expect(event.data["weapon"]?.string == "Gun")
    }
  }

  // MARK: Duplicates

  @Test(arguments: TestEngine.available)
  func theSameKeyOfTheSameReporterIsTheSameKill(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      func record(_ user: UserID, _ key: String, _ victim: String) async throws -> RecordedKill {
        try await rig.kills.record(KillReport(victim: .handle(victim), idempotencyKey: key), by: reporter(user))
      }
      let first = try await record(ann, "k", "x")
      let again = try await record(ann, "k", "y")
      #expect(again.kill == first.kill)
      #expect(!again.isNew)
      #expect(try await record(ann, "l", "y").isNew)
      #expect(try await record(bob, "k", "z").isNew)
      #expect(try await rig.kills.count() == 3)
    }
  }

  @Test(arguments: TestEngine.available)
  func twoClientsReportsOfOneKillAreOne(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      let start = rig.time.timestamp
      func tell(_ user: UserID, _ name: String, after: Int, _ killer: String = "AnnA", _ victim: String = "BobB")
        async throws -> RecordedKill
      {
        try await rig.kills.record(
          KillReport(
            killer: .handle(killer), victim: .handle(victim), occurredAt: start + .milliseconds(after), source: .log,
            confidence: 0.9), by: reporter(user, name))
      }
      let first = try await tell(ann, "AnnA", after: 0)
      #expect(!first.kill.isConfirmed)
      // The victim's client, three seconds later by its clock, in another case.
      let second = try await tell(bob, "BobB", after: 3_000, "anna")
      #expect(!second.isNew)
      #expect(second.kill.id == first.kill.id)
      #expect(second.kill.isConfirmed)
      #expect(second.kill.confidence == 0.97)
      #expect(try await tell(bob, "BobB", after: 3_001).isNew)
      #expect(try await tell(cem, "CemC", after: 100, "AnnA", "Other").isNew)
      // The same client's same line again.
      let again = try await tell(ann, "AnnA", after: 0)
      #expect(!again.isNew)
      #expect(try await rig.kills.count() == 3)
    }
  }

  @Test(arguments: TestEngine.available)
  func aClientMayKillTheSameVictimOftenAndNPCsOfOneName(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      for _ in 0..<5 {
        let reports = [
          (KillReport(victim: .handle("x")), ann), (KillReport(victim: .handle("Guard"), kind: .pve), ann),
          (KillReport(victim: .handle("Guard"), kind: .pve), bob),
        ]
        for (report, user) in reports {
          let recorded = try await rig.kills.record(report, by: reporter(user))
          #expect(recorded.isNew)
        }
      }
      #expect(try await rig.kills.count() == 15)
      // Somebody of the game is no player.
      #expect(try await rig.kills.player("Guard") == nil)
      #expect(try await rig.kills.player("X") != nil)
    }
  }

  // MARK: Logs

  @Test(arguments: TestEngine.available)
  func aLogsKillsAreRecordedOnce(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      func upload(_ user: UserID) async throws -> Int {
        var parser = GameLogParser()
        let bytes = Array(GameLogSamples.lines.joined(separator: "\n").utf8)
        var new = 0
        for event in parser.read(bytes) + parser.finish() {
          guard case .kill(let kill) = event.what else { continue }
          let recorded = try await rig.kills.record(KillReport(kill, at: event.timestamp), by: reporter(user))
          if recorded.isNew { new += 1 }
        }
        return new
      }
      #expect(try await upload(ann) == 20)
      #expect(try await upload(ann) == 0)
      #expect(try await upload(bob) == 0)
      let page = try await rig.kills.list(limit: 100, for: rig.admin())
      #expect(page.total == 20)
      #expect(Dictionary(grouping: page.kills, by: \.kind).mapValues(\.count) == [.pvp: 10, .pve: 5, .suicide: 5])
      #expect(page.kills.allSatisfy { $0.source == .log && $0.isConfirmed })
      let forced = try #require(page.kills.first { $0.details?["creditedTo"] != nil })
      #expect(forced.killer.name == "Dortor-Uilraquili")
      #expect(forced.details?["creditedTo"]?.string == "ZenyArmir")
    }
  }

  // MARK: Lists

  @Test(arguments: TestEngine.available)
  func pagesHoldEveryKillOnceTheNewestFirst(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      let start = rig.time.timestamp
      for number in 0..<47 {
        // Some at the same moment, so that the id decides.
        let time = Timestamp(milliseconds: start.milliseconds - Int64(number / 3) * 1_000)
        _ = try await rig.kills.record(
          KillReport(victim: .handle("v\(number)"), occurredAt: time), by: reporter(ann))
      }
      var byPage: [KillID] = []
      for page in 1...5 {
        let found = try await rig.kills.list(page: page, limit: 10, for: .anonymous)
        #expect(found.total == 47)
        #expect(!found.totalIsEstimate)
        byPage += found.kills.map(\.id)
      }
      var byCursor: [KillID] = []
      var cursor: KillCursor?
      repeat {
        let found = try await rig.kills.list(after: cursor, limit: 10, for: .anonymous)
        byCursor += found.kills.map(\.id)
        cursor = found.next.flatMap { KillCursor("\($0)") }
      } while cursor != nil
      #expect(byPage.count == 47)
      #expect(Set(byPage).count == 47)
      #expect(byCursor == byPage)
      let times = try await rig.kills.list(limit: 100, for: .anonymous).kills.map(\.occurredAt)
      #expect(times == times.sorted(by: >))
      var exported: [KillID] = []
      try await rig.kills.export(for: .anonymous) { exported += $0.map(\.id) }
      #expect(exported == byPage.reversed())
      #expect(try await rig.kills.list(page: 6, limit: 10, for: .anonymous).kills.isEmpty)
    }
  }

  @Test(arguments: TestEngine.available)
  func anExportHoldsEveryKillAsCSV(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      let time = Timestamp(iso8601: "2026-02-03T04:05:06.007Z") ?? rig.time.timestamp
      _ = try await rig.kills.record(
        KillReport(
          victim: .handle("x, \"y\""), occurredAt: time, weapon: "=1+1", location: "Stanton", confidence: 0.05),
        by: reporter(ann, "AnnA"))
      let count = 21
      for _ in 1..<count {
        _ = try await rig.kills.record(
          KillReport(killer: .character("npc"), victim: .user(bob), kind: .npc), by: reporter(ann))
      }
      try await rig.kills.players.update(bob, privacy: .private)
      func export(_ viewer: KillViewer, _ filter: KillFilter = KillFilter()) async throws -> [String] {
        var bytes: [UInt8] = []
        try await rig.kills.exportCSV(filter, for: viewer, pageSize: 7) { bytes += $0 }
        return String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n").filter { !$0.isEmpty }
      }
      let lines = try await export(.anonymous)
      #expect(lines.count == 1 + count)
      #expect(lines[0].hasPrefix("id,timestamp,killer,victim,weapon"))
      #expect(
        lines[1].hasSuffix(
          ",2026-02-03T04:05:06.007Z,AnnA,\"x, \"\"y\"\"\",\"'=1+1\",Stanton,default-server,pvp,true,false,false,0.05,api"
        ))
      #expect(Set(lines.map { $0.prefix { $0 != "," } }).count == lines.count)
      #expect(
        lines[2].hasSuffix(
          ",2026-02-18T12:00:00.000Z,npc,Private player,,,default-server,npc,false,false,false,1.00,api"))
      let own = try await export(KillViewer(user: bob), KillFilter(player: try await rig.kills.player("\(bob)")))
      #expect(own.count == count)
      #expect(own[1].contains(",npc,\(bob),"))
    }
  }

  @Test(arguments: [(0, 20, "page"), (1, 0, "limit"), (1, 101, "limit"), (1_001, 100, "page"), (Int.max, 20, "page")])
  func pagesThatCannotBeAreRefused(page: Int, limit: Int, field: String) async throws {
    try await withTracker(.sqlite) { rig in
      let error = try await killError { try await rig.kills.list(page: page, limit: limit, for: .anonymous) }
      guard case .invalid(let named, _) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(named == field)
    }
  }

  // MARK: Changing

  @Test(arguments: TestEngine.available)
  func onlyThoseConcernedMayChangeOrDelete(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      func record() async throws -> KillID {
        try await rig.kills.record(
          KillReport(victim: .user(bob), serverID: guildA, weapon: "Gun"), by: reporter(ann)
        ).kill.id
      }
      let changes = Kills.Changes(weapon: "Better gun", location: "Pyro")
      let id = try await record()
      for viewer in [.anonymous, KillViewer(user: bob), KillViewer(user: cem)] {
        #expect(try await killError { try await rig.kills.update(id, changes, by: viewer) } == .forbidden)
        #expect(try await killError { try await rig.kills.delete(id, by: viewer) } == .forbidden)
      }
      let manager = KillViewer(user: cem) { $0 == GuildID(guildA) }
      let updated = try await rig.kills.update(id, changes, by: manager)
      #expect(updated.weapon == "Better gun")
      #expect(updated.location == "Pyro")
      try await rig.kills.delete(id, by: KillViewer(user: ann))
      #expect(try await killError { try await rig.kills.delete(id, by: KillViewer(user: ann)) } == .notFound)
      try await rig.kills.delete(try await record(), by: rig.admin())
      let elsewhere = KillViewer(user: cem) { $0 != GuildID(guildA) }
      let third = try await record()
      #expect(try await killError { try await rig.kills.delete(third, by: elsewhere) } == .forbidden)
      #expect(try await rig.kills.count() == 1)
      #expect(
        rig.told.names == [
          "kill.created", "kill.updated", "kill.deleted", "kill.created", "kill.deleted", "kill.created",
        ])
      #expect(
        try await killError { try await rig.kills.update(third, Kills.Changes(kind: .suicide), by: rig.admin()) } != nil
      )
    }
  }

  // MARK: Handles and privacy

  @Test(arguments: TestEngine.available)
  func aHandleLeadsToAUserOnceItIsVerified(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      for _ in 0..<3 {
        _ = try await rig.kills.record(KillReport(victim: .handle("BobB"), weapon: "Gun"), by: reporter(ann))
        rig.time.advance(by: .seconds(10))
      }
      _ = try await rig.kills.record(KillReport(victim: .handle("x")), by: reporter(bob))
      try await rig.kills.players.update(bob, handle: "BobB")
      #expect(try await rig.kills.players.profile(of: bob).handle == "BobB")
      #expect(try await rig.kills.players.profile(of: bob).isVerified == false)
      // A claim proves nothing.
      let named = try await rig.kills.player("BOBB")
      let account = try await rig.kills.player("\(bob)")
      #expect(named != account)
      try await rig.kills.players.verify("BobB", of: bob)
      let player = try #require(try await rig.kills.player("bobb"))
      #expect(try await rig.kills.player("\(bob)") == player)
      let statistics = try await rig.kills.statistics(of: player, for: .anonymous)
      #expect(statistics.totalDeaths == 3)
      #expect(statistics.totalKills == 1)
      #expect(statistics.nemesis?.player.user == ann)
      #expect(statistics.nemesis?.count == 3)
      #expect(try await rig.kills.list(KillFilter(player: player), for: .anonymous).total == 4)
      let page = try await rig.kills.list(KillFilter(player: player, side: .victim), for: .anonymous)
      #expect(page.kills.count == 3)
      #expect(page.kills.allSatisfy { $0.victim.user == bob })
      // Nobody else gets it.
      #expect(try await killError { try await rig.kills.players.verify("bobb", of: cem) } == .handleTaken)
      #expect(try await killError { try await rig.kills.players.update(cem, handle: "bobb") } == .handleTaken)
      #expect(
        try await killError { try await rig.kills.record(KillReport(victim: .handle("y")), by: reporter(cem, "bobb")) }
          == .handleTaken)
      #expect(try await rig.database.read { try Players.owner(of: "BOBB", in: $0) } == bob)
    }
  }

  @Test(arguments: TestEngine.available)
  func killsAreFoundByTheNameUnderWhichTheyWereRecorded(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      _ = try await rig.kills.record(KillReport(victim: .handle("x")), by: reporter(ann, "AnnA"))
      _ = try await rig.kills.record(KillReport(victim: .handle("y")), by: reporter(cem, "annA"))
      #expect(try await rig.kills.players.profile(of: ann).handle == "AnnA")
      let found = try await rig.kills.player("ANNA")
      #expect(try await rig.kills.player("\(ann)") == found)
      // To find kills, not to say whom somebody else means: that is a player of its own.
      let kill = try await rig.kills.record(KillReport(victim: .handle("AnnA")), by: reporter(bob)).kill
      #expect(kill.victim.user == nil)
      #expect(try await rig.database.read { try Players.owner(of: "AnnA", in: $0) } == nil)
    }
  }

  @Test(arguments: TestEngine.available)
  func aPrivatePlayerIsNamedToNobodyElse(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      _ = try await rig.kills.record(KillReport(victim: .user(bob), weapon: "Gun"), by: reporter(ann, "AnnA"))
      _ = try await rig.kills.record(KillReport(victim: .handle("x")), by: reporter(bob, "BobB"))
      let before = try await rig.kills.leaderboard(.kills, .allTime, for: .anonymous)
      #expect(Set(before.entries.compactMap(\.player.user)) == [ann, bob])
      try await rig.kills.players.update(bob, privacy: .private)
      let id = try #require(try await rig.kills.player("\(bob)"))

      for viewer in [.anonymous, KillViewer(user: cem)] {
        let page = try await rig.kills.list(for: viewer)
        #expect(page.total == 2)
        #expect(page.kills[1].victim == .hidden)
        #expect(page.kills[0].killer == .hidden)
        #expect(try await killError { try await rig.kills.list(KillFilter(player: id), for: viewer) } == .forbidden)
        #expect(try await killError { try await rig.kills.statistics(of: id, for: viewer) } == .forbidden)
        #expect(
          try await killError { try await rig.kills.export(KillFilter(player: id), for: viewer) { _ in } } == .forbidden
        )
        let board = try await rig.kills.leaderboard(.kills, .allTime, for: viewer)
        #expect(board.entries.compactMap(\.player.user) == [ann])
        let annID = try await rig.kills.player("\(ann)")
        #expect(try await rig.kills.statistics(of: annID, for: viewer).prey?.player == .hidden)
      }
      // Whoever took part knows who was there.
      let annSees = try await rig.kills.list(for: KillViewer(user: ann))
      #expect(annSees.kills[1].victim.user == bob)
      #expect(annSees.kills[0].killer == .hidden)
      let own = try await rig.kills.leaderboard(.kills, .allTime, for: KillViewer(user: bob))
      #expect(own.entries.compactMap(\.player.user) == [ann])
      #expect(own.own?.player.user == bob)
      #expect(own.own?.rank == 1)
      #expect(try await rig.kills.statistics(of: id, for: KillViewer(user: bob)).totalKills == 1)
      #expect(try await rig.kills.statistics(of: id, for: rig.admin()).totalKills == 1)
      let event = rig.told.events.withLock { $0[1] }
      #expect(event.data["killerIsPrivate"]?.bool == false)
      // But a kill that somebody makes up does not tell them the handle behind an account.
      try await rig.kills.players.verify("SecretBob", of: bob)
      let told = try await rig.kills.record(KillReport(victim: .user(bob)), by: reporter(cem)).kill
      #expect(told.victim.user == bob && told.victim.name != "SecretBob" && told.victim.name != "BobB")
      let cemID = try await rig.kills.player("\(cem)")
      let prey = try await rig.kills.statistics(of: cemID, for: KillViewer(user: cem)).prey
      #expect(prey == MetPlayer(player: .hidden, count: 1))
      try await rig.kills.players.update(bob, privacy: .public)
      #expect(try await rig.kills.leaderboard(.kills, .allTime, for: .anonymous).entries.count == 3)
    }
  }

  /// Who keeps in mind whose a handle is hears of every transaction that may change it, before its caller does.
  @Test func whoseAHandleIsMayNotChangeUnheard() async throws {
    try await withTracker(.sqlite) { rig in
      let players = rig.kills.players
      var last = Players.ownershipChanges
      func hasChanged() -> Bool {
        defer { last = Players.ownershipChanges }
        return Players.ownershipChanges > last
      }
      try await players.verify("Ace", of: ann)
      #expect(hasChanged())
      try await players.update(ann, handle: "Other")
      #expect(hasChanged())
      #expect(try await rig.database.read { try Players.owner(of: "Ace", in: $0) } == nil)
      try await players.verify("Ace", of: bob)
      #expect(hasChanged())
      try await players.update(bob, handle: .some(nil))
      #expect(hasChanged())
      // What fails changes nothing.
      try await players.verify("Ace", of: ann)
      last = Players.ownershipChanges
      #expect(try await killError { try await players.verify("ace", of: bob) } == .handleTaken)
      #expect(!hasChanged())
    }
  }
}

extension String {
  fileprivate func components(separatedBy separator: String) -> [String] {
    split(separator: separator, omittingEmptySubsequences: false).map(String.init)
  }
}
