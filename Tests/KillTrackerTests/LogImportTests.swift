import Core
import Glibc
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import KillTracker

/// A log of the game, put together line by line.
struct WrittenLog {
  private var lines: [String] = []
  private let start: Timestamp

  /// - Parameter owner: nil: the log does not say whose it is.
  init(of owner: String?, session: String? = "f7cfc2a6-e634-ca60-4883-7c0697f276b9", at start: String) {
    self.start = Timestamp(iso8601: start) ?? Timestamp(seconds: 0)
    add(0, "Log started on Wed Feb 18 2026")
    add(0, "Branch: sc-alpha-4.3.1")
    if let session { add(0, "[Trace] @session:      '\(session)'") }
    if let owner {
      add(1, "[Notice] <Legacy login response> [CIG-net] User Login Success - Handle[\(owner)] - Time[1]")
    }
  }

  mutating func add(_ seconds: Int64, _ text: String) {
    lines.append("<\((start + .seconds(seconds)).iso8601)> \(text)")
  }

  mutating func kill(_ seconds: Int64, _ killer: String, _ victim: String, type: String = "Bullet") {
    func id(_ name: String) -> Int { 200_000_000_000 + name.utf8.reduce(0) { $0 * 31 % 1_000_003 + Int($1) } }
    add(
      seconds,
      "[Notice] <Actor Death> CActor::Kill: '\(victim)' [\(id(victim))] in zone 'OOC_Stanton_1_Hurston' killed by "
        + "'\(killer)' [\(id(killer))] using 'behr_rifle_ballistic_01_2699085238600' [Class behr_rifle_ballistic_01] "
        + "with damage type '\(type)' from direction x: 0.0, y: 0.0, z: 0.0 [Team_ActorTech][Actor]"
    )
  }

  /// Thrown out of a destroyed vehicle: the best sign there is.
  mutating func death(_ seconds: Int64, _ victim: String) {
    add(
      seconds,
      "[Notice] <[ActorState] Dead> [ACTOR STATE][CSCActorControlStateDead::PrePhysicsUpdate] Actor '\(victim)' "
        + "[204681269041] ejected from zone 'DRAK_Vulture_624220273265' [624220273265] to zone 'OOC_Stanton_1a_Ariel' "
        + "[524998364020] due to previous zone being in a destroyed vehicle with detached interior. [Team_Actor][Actor]"
    )
  }

  mutating func quit(_ seconds: Int64) {
    add(seconds, "[Notice] <SystemQuit> CSystem::Quit invoked with - cause=30016, reason=Quit, exitCode=0")
  }

  var bytes: [UInt8] { Array((lines.joined(separator: "\r\n") + "\r\n").utf8) }
}

/// Bytes in pieces of one size.
struct Pieces: AsyncSequence, Sendable {
  typealias Element = [UInt8]
  var bytes: [UInt8]
  var size = 4_096
  /// Waited for before the first piece.
  var gate: (@Sendable () async -> Void)?

  func makeAsyncIterator() -> Iterator { Iterator(rest: bytes[...], size: size, gate: gate) }

  struct Iterator: AsyncIteratorProtocol {
    var rest: ArraySlice<UInt8>
    let size: Int
    var gate: (@Sendable () async -> Void)?

    mutating func next() async throws -> [UInt8]? {
      await gate?()
      gate = nil
      guard !rest.isEmpty else { return nil }
      defer { rest = rest.dropFirst(size) }
      return Array(rest.prefix(size))
    }
  }
}

@Suite(.timeLimit(.minutes(2)))
struct LogImportTests {
  private func upload(
    _ log: WrittenLog, by user: UserID, _ rig: ReportRig, options: LogImport.Options = LogImport.Options()
  ) async throws -> ImportOutcome {
    try await rig.imports.importLog(Pieces(bytes: log.bytes), by: user, in: home, options: options)
  }

  /// Every count of the tracker against a recount.
  private func expectExactCounts(_ rig: ReportRig, _ comment: Comment) async throws {
    let (kept, counted) = try await rig.database.read { transaction in
      func rows(_ sql: String) throws -> [String] {
        try transaction.query(sql) { row in
          let numbers = try ["player_id", "kills", "deaths", "entries"].map { try row.value($0, as: Int64.self) }
          return numbers.map { "\($0)" }.joined(separator: " ")
        }
      }
      return (
        try rows(
          "SELECT player_id, kills, deaths, entries FROM kill_totals WHERE entries <> 0 ORDER BY server_id, player_id"),
        try rows(
          """
          SELECT s.player_id, CAST(SUM(s.kill) AS BIGINT) AS kills, CAST(SUM(s.death) AS BIGINT) AS deaths,
            count(DISTINCT s.id) AS entries
          FROM (
            SELECT id, server_id, killer_id AS player_id, CASE WHEN kind IN ('pvp', 'pve') THEN 1 ELSE 0 END AS kill,
              0 AS death FROM kills
            UNION ALL
            SELECT id, server_id, victim_id AS player_id, 0 AS kill, CASE WHEN kind <> 'pve' THEN 1 ELSE 0 END AS death
            FROM kills
          ) s WHERE s.player_id IS NOT NULL GROUP BY s.server_id, s.player_id ORDER BY s.server_id, s.player_id
          """)
      )
    }
    #expect(kept == counted, comment)
  }

  private func ownLog() -> WrittenLog {
    var log = WrittenLog(of: "AnnInSpace", at: "2026-02-18T10:00:00.000Z")
    log.kill(60, "AnnInSpace", "Enemy-One")
    log.kill(120, "Enemy-One", "AnnInSpace")
    log.kill(200, "AnnInSpace", "PU_Human_Enemy_GroundCombat_NPC_ASD_soldier_4529397865889")
    log.kill(300, "Enemy-One", "Enemy-Two")
    log.death(400, "AnnInSpace")
    log.quit(3_600)
    return log
  }

  @Test(arguments: TestEngine.available)
  func onesOwnLogIsRecordedOnce(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await rig.kills.players.verify("anninspace", of: ann)
      let outcome = try await upload(ownLog(), by: ann, rig)
      #expect(outcome.owners == ["AnnInSpace"] && outcome.isOwn)
      #expect(outcome.kills == 4 && outcome.recorded == 4 && outcome.recordedKills.count == 4)
      #expect(outcome.deaths == 1 && outcome.recordedDeaths == 1)
      #expect(outcome.sessions == 1 && outcome.addedPlayTime == .seconds(3_600))
      #expect(outcome.bytes == ownLog().bytes.count && outcome.unreadableLines == 0)
      #expect(outcome.capabilities.map(\.kills) == [.own])
      let npc = "PU_Human_Enemy_GroundCombat_NPC_ASD_soldier_4529397865889"
      let all = [
        "AnnInSpace>Enemy-One pvp", "Enemy-One>AnnInSpace pvp", "AnnInSpace>\(npc) pve", "Enemy-One>Enemy-Two pvp",
        "unknown>AnnInSpace environment",
      ]
      #expect(try await rig.stored() == all)
      let page = try await rig.kills.list(limit: 10, for: KillViewer(user: ann))
      #expect(page.kills.allSatisfy { $0.source == .log && $0.guildID == home && $0.confidence >= 0.9 })
      #expect(page.kills.last?.killer.user == ann)

      let again = try await upload(ownLog(), by: ann, rig)
      #expect(again.recorded == 0 && again.known == 4 && again.recordedDeaths == 0 && again.addedPlayTime == .zero)
      #expect(try await rig.stored() == all)
      #expect(try await rig.kills.players.profile(of: ann).playTime == .seconds(3_600))
      try await expectExactCounts(rig, "after two uploads")
    }
  }

  @Test func aLogMayComeInPiecesOfAnySize() async throws {
    try await withReports(.sqlite) { rig in
      try await rig.kills.players.verify("AnnInSpace", of: ann)
      let first = try await rig.imports.importLog(Pieces(bytes: ownLog().bytes, size: 1 << 20), by: ann, in: home)
      for size in [1, 7, 64, 333] {
        let outcome = try await rig.imports.importLog(Pieces(bytes: ownLog().bytes, size: size), by: ann, in: home)
        #expect(outcome.known == first.recorded && outcome.lines == first.lines && outcome.deaths == 1, "\(size)")
      }
    }
  }

  /// A name that nobody proved leads to no account, not even the uploader's; once it is proved, all of it does.
  @Test(arguments: TestEngine.available)
  func namesInLogsLeadToAccountsOnlyWhereTheyAreProved(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await rig.kills.players.update(ann, handle: "AnnInSpace")
      let outcome = try await upload(ownLog(), by: ann, rig)
      #expect(!outcome.isOwn && outcome.recorded == 4)
      // A death without a killer, and time, count for proved handles alone.
      #expect(outcome.deaths == 1 && outcome.recordedDeaths == 0 && outcome.addedPlayTime == .zero)
      let page = try await rig.kills.list(limit: 10, for: KillViewer(user: nil, isAdmin: true))
      #expect(page.kills.allSatisfy { $0.killer.user == nil && $0.victim.user == nil })
      #expect(page.kills.allSatisfy { $0.confidence <= LogImport.foreignConfidence && $0.reporter == ann })

      try await rig.kills.players.verify("AnnInSpace", of: ann)
      #expect(try await rig.kills.list(limit: 10, for: KillViewer(user: ann)).kills.last?.killer.user == ann)
      let again = try await upload(ownLog(), by: ann, rig)
      #expect(again.isOwn && again.known == 4 && again.recordedDeaths == 1 && again.addedPlayTime == .seconds(3_600))
      try await expectExactCounts(rig, "after the proof")
    }
  }

  @Test(arguments: TestEngine.available)
  func somebodyElsesLogSaysNothingOfThoseWhoProvedTheirHandle(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await rig.kills.players.verify("AnnInSpace", of: ann)
      // Ann's own kills are in it, too; so this is no way to claim anything.
      for uploader in [vic, ann] {
        var log = ownLog()
        if uploader == ann {
          log = WrittenLog(of: "Enemy-One", at: "2026-02-18T10:00:00.000Z")
          log.kill(60, "AnnInSpace", "Enemy-One")
          log.kill(300, "Enemy-One", "Enemy-Two")
        }
        let outcome = try await upload(log, by: uploader, rig)
        #expect(!outcome.isOwn && outcome.foreign == (uploader == ann ? 1 : 3))
        #expect(outcome.recorded + outcome.known == 1)
        #expect(try await rig.stored() == ["Enemy-One>Enemy-Two pvp"])
      }
      // A log that does not say whose it is is nobody's.
      var log = WrittenLog(of: nil, at: "2026-02-18T10:00:00.000Z")
      log.kill(60, "AnnInSpace", "Enemy-One")
      let outcome = try await upload(log, by: ann, rig)
      #expect(outcome.owners.isEmpty && !outcome.isOwn && outcome.foreign == 1)
    }
  }

  @Test func joinedLogsAreEachTheirOwners() async throws {
    try await withReports(.sqlite) { rig in
      try await rig.kills.players.verify("AnnInSpace", of: ann)
      var other = WrittenLog(of: "Enemy-One", session: "b", at: "2026-02-18T11:30:00.000Z")
      other.kill(60, "Enemy-One", "AnnInSpace")
      other.quit(100)
      let joined = ownLog().bytes + other.bytes
      let outcome = try await rig.imports.importLog(Pieces(bytes: joined), by: ann, in: home)
      #expect(outcome.owners == ["AnnInSpace", "Enemy-One"] && !outcome.isOwn && outcome.sessions == 2)
      #expect(outcome.recorded == 4 && outcome.foreign == 1 && outcome.addedPlayTime == .seconds(3_600))
    }
  }

  /// The owner of one log is not the owner of what is joined to it.
  @Test func aJoinedLogWithoutAnOwnerIsNobodys() async throws {
    try await withReports(.sqlite) { rig in
      try await rig.kills.players.verify("AnnInSpace", of: ann)
      var other = WrittenLog(of: nil, session: "b", at: "2026-02-18T11:30:00.000Z")
      other.kill(60, "AnnInSpace", "Enemy-Three")
      other.death(90, "AnnInSpace")
      other.quit(100)
      let joined = ownLog().bytes + other.bytes
      let outcome = try await rig.imports.importLog(Pieces(bytes: joined), by: ann, in: home)
      #expect(outcome.foreign == 1 && outcome.recordedDeaths == 1 && outcome.addedPlayTime == .seconds(3_600))
    }
  }

  @Test func whatIsNotWantedIsLeftOut() async throws {
    try await withReports(.sqlite) { rig in
      try await rig.kills.players.verify("AnnInSpace", of: ann)
      var options = LogImport.Options()
      options.includesPvP = false
      #expect(try await upload(ownLog(), by: ann, rig, options: options).recorded == 1)
      options = LogImport.Options()
      options.includesPvE = false
      #expect(try await upload(ownLog(), by: ann, rig, options: options).kills == 3)
      #expect(try await rig.stored().count == 5)
    }
  }

  // MARK: - Play time

  @Test(arguments: TestEngine.available)
  func timeOfASessionIsCountedOnce(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await rig.kills.players.verify("AnnInSpace", of: ann)
      func session(_ name: String?, from start: String, seconds: Int64) async throws -> Duration {
        var log = WrittenLog(of: "AnnInSpace", session: name, at: start)
        log.quit(seconds)
        return try await upload(log, by: ann, rig).addedPlayTime
      }
      // As it grows, what came on top.
      #expect(try await session("a", from: "2026-02-18T08:00:00.000Z", seconds: 600) == .seconds(600))
      #expect(try await session("a", from: "2026-02-18T08:00:00.000Z", seconds: 900) == .seconds(300))
      #expect(try await session("a", from: "2026-02-18T08:00:00.000Z", seconds: 700) == .zero)
      // A piece of it under another name, or without one.
      #expect(try await session(nil, from: "2026-02-18T08:05:00.000Z", seconds: 300) == .zero)
      #expect(try await session("b", from: "2026-02-18T08:14:00.000Z", seconds: 300) == .zero)
      #expect(try await session("c", from: "2026-02-18T08:15:00.000Z", seconds: 300) == .seconds(300))
      // What lies in the future, or lasted for weeks, was never played.
      #expect(try await session("d", from: "2026-02-19T08:00:00.000Z", seconds: 300) == .zero)
      #expect(try await session("e", from: "2026-01-01T08:00:00.000Z", seconds: 8 * 86_400) == .zero)
      #expect(try await rig.kills.players.profile(of: ann).playTime == .seconds(1_200))
    }
  }

  // MARK: - Deaths and reports

  private func deathLog(_ seconds: Int64 = 0) -> WrittenLog {
    var log = WrittenLog(of: "VicInSpace", at: "2026-02-18T11:00:00.000Z")
    log.death(1_800 + seconds, "VicInSpace")
    log.quit(3_000)
    return log
  }

  /// Reported for 11:30:00.
  private func report(_ rig: ReportRig, by user: UserID = ann) async throws -> Claim {
    var request = ClaimRequest(guild: home, reporter: user)
    request.victimHandle = "VicInSpace"
    request.occurredAt = Timestamp(iso8601: "2026-02-18T11:30:00.000Z")
    return try await rig.claims.report(request)
  }

  @Test(arguments: TestEngine.available)
  func theVictimsLogConfirmsAReportOfThatTime(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await rig.kills.players.verify("VicInSpace", of: vic)
      let claim = try await report(rig)
      let second = try await report(rig, by: wit)
      let outcome = try await upload(deathLog(25), by: vic, rig)
      #expect(outcome.confirmedReports == [claim.id] && outcome.recordedDeaths == 0)
      let confirmed = try await rig.claim(claim.id)
      #expect(confirmed.state == .confirmed && confirmed.proof == .log && confirmed.confirmedBy == vic)
      // One death, one kill; the other's word stays a word, also at the next upload.
      #expect(try await rig.stored() == ["\(ann)>VicInSpace pvp"])
      let again = try await upload(deathLog(25), by: vic, rig)
      #expect(again.confirmedReports.isEmpty && again.recordedDeaths == 0)
      #expect(try await rig.claim(second.id).state == .pending)
      #expect(try await rig.stored().count == 1)
      try await expectExactCounts(rig, "one death")

      // Taken back, the death stands by itself.
      try await rig.claims.dispute(claim.id, by: rig.caller(vic))
      #expect(try await rig.stored() == ["unknown>VicInSpace environment"])
      try await expectExactCounts(rig, "disputed")
      try await rig.claims.decide(claim.id, isAccepted: true, by: rig.caller(mod, manages: true))
      #expect(try await rig.stored() == ["\(ann)>VicInSpace pvp"])
      try await expectExactCounts(rig, "accepted")
    }
  }

  @Test(arguments: [26, -26] as [Int64])
  func aDeathOfAnotherTimeConfirmsNothing(seconds: Int64) async throws {
    try await withReports(.sqlite) { rig in
      try await rig.kills.players.verify("VicInSpace", of: vic)
      let claim = try await report(rig)
      let outcome = try await upload(deathLog(seconds), by: vic, rig)
      #expect(outcome.confirmedReports.isEmpty && outcome.recordedDeaths == 1)
      #expect(try await rig.claim(claim.id).state == .pending)
    }
  }

  @Test func onlyTheVictimsOwnLogConfirms() async throws {
    try await withReports(.sqlite) { rig in
      try await rig.kills.players.verify("VicInSpace", of: vic)
      let claim = try await report(rig)
      // The reporter, or anybody, with a log that says to be the victim's.
      for uploader in [ann, wit] {
        let outcome = try await upload(deathLog(), by: uploader, rig)
        #expect(outcome.confirmedReports.isEmpty && outcome.recordedDeaths == 0 && outcome.deaths == 1)
      }
      #expect(try await rig.claim(claim.id).state == .pending)
      #expect(try await rig.count("kill_log_deaths") == 0)
    }
  }

  @Test(arguments: TestEngine.available)
  func aDeathGivesWayToAKillThatTellsMore(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await rig.kills.players.verify("VicInSpace", of: vic)
      _ = try await upload(deathLog(10), by: vic, rig)
      #expect(try await rig.stored() == ["unknown>VicInSpace environment"])
      let claim = try await report(rig)
      try await rig.claims.confirm(claim.id, by: rig.caller(vic))
      #expect(try await rig.stored() == ["\(ann)>VicInSpace pvp"])
      try await expectExactCounts(rig, "confirmed")
      // A log of another day has another death; the same again nothing.
      let again = try await upload(deathLog(10), by: vic, rig)
      #expect(again.deaths == 1 && again.recordedDeaths == 0)
    }
  }

  /// As `adjutant logs watch` sends it while the game runs.
  @Test(arguments: TestEngine.available)
  func aDeathThatAWatchSentGivesWayToo(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await rig.kills.players.verify("VicInSpace", of: vic)
      let death = KillReport(
        killer: .handle("VicInSpace"), victim: .handle("VicInSpace"), kind: .environment,
        occurredAt: Timestamp(iso8601: "2026-02-18T11:30:05.000Z"), serverID: "\(home)", location: "Yela", source: .log,
        confidence: 0.9, details: ["signal": "vehicleLoss"])
      _ = try await rig.kills.record(death, by: reporter(vic, "VicInSpace"))
      // The log that is uploaded later tells nothing new.
      #expect(try await upload(deathLog(6), by: vic, rig).recordedDeaths == 0)
      let claim = try await report(rig)
      try await rig.claims.confirm(claim.id, by: rig.caller(wit))
      #expect(try await rig.stored() == ["\(ann)>VicInSpace pvp"])
      try await expectExactCounts(rig, "confirmed")
      try await rig.claims.dispute(claim.id, by: rig.caller(vic))
      #expect(try await rig.stored() == ["unknown>VicInSpace environment"])
      let restored = try await rig.kills.list(limit: 1, for: KillViewer(user: vic)).kills.first
      #expect(
        restored?.location == "Yela" && restored?.confidence == 0.9 && restored?.details?["signal"] == "vehicleLoss")
      try await expectExactCounts(rig, "disputed")
    }
  }

  /// The victim's log came first, the killer's later: one death.
  @Test(arguments: TestEngine.available)
  func aDeathGivesWayToTheKillersLog(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await rig.kills.players.verify("VicInSpace", of: vic)
      try await rig.kills.players.verify("AnnInSpace", of: ann)
      _ = try await upload(deathLog(10), by: vic, rig)
      #expect(try await rig.stored() == ["unknown>VicInSpace environment"])
      var log = WrittenLog(of: "AnnInSpace", at: "2026-02-18T11:00:00.000Z")
      log.kill(1_800, "AnnInSpace", "VicInSpace")
      #expect(try await upload(log, by: ann, rig).recorded == 1)
      #expect(try await rig.stored() == ["AnnInSpace>VicInSpace pvp"])
      try await expectExactCounts(rig, "one death")
    }
  }

  /// Somebody else's body in one's own log says nothing.
  @Test func deathsOfOthersAreNotTheUploaders() async throws {
    try await withReports(.sqlite) { rig in
      try await rig.kills.players.verify("VicInSpace", of: vic)
      var log = WrittenLog(of: "VicInSpace", at: "2026-02-18T11:00:00.000Z")
      log.death(1_800, "Somebody")
      #expect(try await upload(log, by: vic, rig).recordedDeaths == 0)
      #expect(try await rig.stored().isEmpty)
    }
  }

  @Test(arguments: TestEngine.available)
  func theReportersLogTakesTheReportsPlace(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await rig.kills.players.verify("AnnInSpace", of: ann)
      var log = WrittenLog(of: "AnnInSpace", at: "2026-02-18T11:00:00.000Z")
      log.kill(1_860, "AnnInSpace", "VicInSpace")
      log.quit(3_000)
      let witnessed = try await report(rig)
      try await rig.claims.confirm(witnessed.id, by: rig.caller(wit))
      let outcome = try await upload(log, by: ann, rig)
      #expect(outcome.recorded == 1 && outcome.confirmedReports.isEmpty)
      let page = try await rig.kills.list(limit: 10, for: KillViewer(user: ann))
      #expect(page.kills.map(\.source) == [.log])
      #expect(try await rig.claim(witnessed.id).kill == page.kills.first?.id)
      try await expectExactCounts(rig, "replaced")
      // A dispute does not take the log's kill away.
      try await rig.claims.dispute(witnessed.id, by: rig.caller(mod, manages: true))
      #expect(try await rig.stored().count == 1)
    }
  }

  @Test func theReportersLogConfirmsWhatIsPending() async throws {
    try await withReports(.sqlite) { rig in
      try await rig.kills.players.verify("AnnInSpace", of: ann)
      let pending = try await report(rig)
      var log = WrittenLog(of: "AnnInSpace", at: "2026-02-18T11:00:00.000Z")
      log.kill(1_920, "AnnInSpace", "VicInSpace")
      let outcome = try await upload(log, by: ann, rig)
      #expect(outcome.confirmedReports == [pending.id])
      #expect(try await rig.stored() == ["AnnInSpace>VicInSpace pvp"])
    }
  }

  // MARK: - Bounds

  @Test func whatIsNoLogIsSaidSo() async throws {
    try await withReports(.sqlite) { rig in
      for text in ["", "hello\nworld\n", String(repeating: "x", count: 300_000)] {
        await #expect(throws: LogImportError.notALog) {
          try await rig.imports.importLog(Pieces(bytes: Array(text.utf8)), by: ann)
        }
      }
      var options = LogImport.Options()
      options.maximumBytes = 1_000
      await #expect(throws: LogImportError.tooLarge(limit: 1_000)) {
        try await upload(ownLog(), by: ann, rig, options: options)
      }
    }
  }

  @Test func oneImportOfAUserAtATime() async throws {
    try await withReports(.sqlite) { rig in
      let (started, start) = AsyncStream.makeStream(of: Void.self)
      let (released, release) = AsyncStream.makeStream(of: Void.self)
      let held = Pieces(bytes: ownLog().bytes) {
        start.yield()
        for await _ in released { break }
      }
      async let first = rig.imports.importLog(held, by: ann, in: home)
      for await _ in started { break }
      await #expect(throws: LogImportError.busy) { try await upload(ownLog(), by: ann, rig) }
      // Others are not held up.
      _ = try await upload(ownLog(), by: vic, rig)
      release.yield()
      _ = try await first
      // And it is over with it, however it ended.
      _ = try await upload(ownLog(), by: ann, rig)
    }
  }

  @Test func manyKillsGoInSteps() async throws {
    try await withReports(.sqlite) { rig in
      try await rig.kills.players.verify("AnnInSpace", of: ann)
      var log = WrittenLog(of: "AnnInSpace", at: "2026-02-18T01:00:00.000Z")
      for number in 0..<350 { log.kill(Int64(10 + number * 30), "AnnInSpace", "Enemy-\(number % 7)") }
      let outcome = try await upload(log, by: ann, rig)
      #expect(outcome.recorded == 350 && !outcome.isCutOff)
      try await expectExactCounts(rig, "many")
      #expect(try await upload(log, by: ann, rig).known == 350)
    }
  }

  /// Beyond the bound nothing is recorded, and all is counted.
  @Test func oneImportRecordsSoMuchAtMost() throws {
    var log = WrittenLog(of: "AnnInSpace", at: "2026-02-10T01:00:00.000Z")
    for number in 0..<(LogImport.killLimit + 3) { log.kill(Int64(10 + number), "AnnInSpace", "Enemy-\(number % 7)") }
    var parser = GameLogParser()
    var events: [GameLogEvent] = []
    log.bytes.withUnsafeBytes { parser.read($0, into: &events) }
    var run = ImportRun(user: ann, serverID: "\(home)", verified: "AnnInSpace", options: LogImport.Options())
    var taken = 0
    for event in events + parser.finish() {
      run.take(event)
      taken += run.takeBatch().kills.count
    }
    #expect(run.outcome.kills == LogImport.killLimit + 3 && run.outcome.isCutOff && taken == LogImport.killLimit)
  }

  @Test func aFileIsReadInPieces() async throws {
    try await withTemporaryDirectory { directory in
      try await withReports(.sqlite) { rig in
        let path = directory + "/Game.log"
        let file = try #require(fopen(path, "w"))
        #expect(fwrite(ownLog().bytes, 1, ownLog().bytes.count, file) == ownLog().bytes.count)
        fclose(file)
        let outcome = try await rig.imports.importLog(try await LogBytes(path: path), by: ann)
        #expect(outcome.recorded == 4)
        for (path, reason) in [
          (directory + "/none.log", GameLogFileError.Reason.missing), (directory, .notAFile), ("/dev/null", .notAFile),
        ] {
          do {
            _ = try await LogBytes(path: path)
            Issue.record("\(path) was opened")
          } catch let error as GameLogFileError { #expect(error.reason == reason) }
        }
      }
    }
  }
}
