import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import KillTracker

@Suite(.timeLimit(.minutes(2)))
struct KillClaimsTests {
  func request(
    by user: UserID = ann, victim: UserID? = nil, handle: String? = nil, ago: Int64 = 60, weapon: String? = nil
  ) -> ClaimRequest {
    var request = ClaimRequest(guild: home, reporter: user)
    request.victim = victim
    request.victimHandle = handle
    request.victimDisplayName = "Victim"
    request.occurredAt = Timestamp(iso8601: "2026-02-18T12:00:00.000Z").map { $0 + .seconds(-ago) }
    request.weapon = weapon
    return request
  }

  func totals(_ user: UserID, _ rig: ReportRig) async throws -> (kills: Int, deaths: Int) {
    try await rig.database.read { transaction in
      try transaction.queryOne(
        """
        SELECT CAST(COALESCE(SUM(t.kills), 0) AS BIGINT) AS kills, CAST(COALESCE(SUM(t.deaths), 0) AS BIGINT) AS deaths
        FROM kill_totals t JOIN players p ON p.id = t.player_id WHERE p.user_id = $1
        """, user
      ) { (try $0.value("kills", as: Int.self), try $0.value("deaths", as: Int.self)) } ?? (0, 0)
    }
  }

  // MARK: - From word to kill

  @Test(arguments: TestEngine.available)
  func theVictimsWordMakesItAKill(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await rig.kills.players.verify("VicInSpace", of: vic)
      var asked = request(handle: "vicinspace", weapon: " P4-AR ")
      asked.location = "Yela"
      let claim = try await rig.claims.report(asked)
      #expect(claim.state == .pending && claim.facts.victim == vic && claim.facts.weapon == "P4-AR")
      #expect(claim.deadline == rig.time.timestamp + ClaimRules.expiry)
      #expect(try await rig.count("kills") == 0)
      #expect(try await rig.count("jobs") == 1)

      let confirmed = try await rig.claims.confirm(claim.id, by: rig.caller(vic))
      #expect(confirmed.state == .confirmed && confirmed.proof == .victim)
      let kill = try await rig.kills.find(try #require(confirmed.kill), for: KillViewer(user: ann))
      #expect(kill.killer.user == ann && kill.victim.user == vic && kill.source == .report && kill.kind == .pvp)
      #expect(kill.weapon == "P4-AR" && kill.location == "Yela" && kill.guildID == home)
      #expect(kill.occurredAt == claim.facts.occurredAt)
      #expect(kill.confidence == 0.95)
      #expect(kill.details?["report"]?.string == "\(claim.id)")
      #expect(rig.told.all == ["kill.created"])
      #expect(try await rig.count("jobs") == 0)
      #expect(try await rig.claims.trust(of: ann) == ClaimTrust(confirmed: 1))
      #expect(try await rig.deeds() == ["kill_reported", "kill_report_confirmed"])
      // Boards know of it at once.
      let board = try await rig.kills.leaderboard(.kills, .allTime, limit: 10, for: KillViewer(user: ann))
      #expect(board.entries.first?.value == 1)
    }
  }

  @Test(arguments: TestEngine.available)
  func aWitnessSufficesForAVictimWithoutAccount(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      let claim = try await rig.claims.report(request(handle: "Nobody-Known"))
      #expect(
        try await claimError { try await rig.claims.confirm(claim.id, by: rig.caller(ann)) } == .refused(.ownReport))
      #expect(
        try await claimError { try await rig.claims.confirm(claim.id, by: rig.caller(wit, isBot: true)) }
          == .refused(.bot))
      let young = UserID(UInt64((rig.time.timestamp + .seconds(-86_400)).milliseconds - 1_420_070_400_000) << 22)
      #expect(
        try await claimError { try await rig.claims.confirm(claim.id, by: rig.caller(young)) }
          == .refused(.accountTooYoung))
      #expect(try await rig.count("kills") == 0)
      let confirmed = try await rig.claims.confirm(claim.id, by: rig.caller(wit))
      #expect(confirmed.proof == .witness)
      #expect(try await rig.stored() == ["\(ann)>Nobody-Known pvp"])
      let kill = try await rig.kills.find(try #require(confirmed.kill), for: KillViewer(user: ann))
      #expect(kill.confidence == 0.7)
    }
  }

  /// Whatever the clock says: many clicks at once are one kill.
  @Test(arguments: TestEngine.available)
  func buttonsThatArePressedByManyAtOnceDoTheirWorkOnce(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      let claim = try await rig.claims.report(request(victim: vic))
      let outcomes = await withTaskGroup(of: Bool.self) { group in
        for number in 0..<24 {
          let caller = rig.caller(number.isMultiple(of: 2) ? vic : wit)
          group.addTask { (try? await rig.claims.confirm(claim.id, by: caller)) != nil }
        }
        return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
      }
      // One of the two was first; their further clicks change nothing, the other's are told so.
      #expect(outcomes == 12)
      #expect(try await rig.count("kills") == 1)
      #expect(try await rig.claims.trust(of: ann) == ClaimTrust(confirmed: 1))
      #expect(rig.told.all == ["kill.created"])
    }
  }

  /// A process that dies in the middle: what the transaction had done so far is nothing.
  @Test(arguments: TestEngine.available)
  func nothingIsHalfDoneIfTheLastStatementFails(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      let claim = try await rig.claims.report(request(victim: vic))
      rig.told.isBroken.withLock { $0 = true }
      await #expect(throws: ReportRig.Broken.self) { try await rig.claims.confirm(claim.id, by: rig.caller(vic)) }
      #expect(try await rig.claim(claim.id) == claim)
      #expect(try await rig.count("kills") == 0)
      #expect(try await rig.count("jobs") == 1)
      #expect(try await rig.deeds() == ["kill_reported"])
      rig.told.isBroken.withLock { $0 = false }
      let confirmed = try await rig.claims.confirm(claim.id, by: rig.caller(vic))
      rig.told.isBroken.withLock { $0 = true }
      // A dispute takes the kill back; or nothing happens at all.
      await #expect(throws: ReportRig.Broken.self) {
        try await rig.claims.dispute(claim.id, by: rig.caller(mod, manages: true))
      }
      #expect(try await rig.claim(claim.id) == confirmed)
      #expect(try await rig.count("kills") == 1)
    }
  }

  @Test(arguments: TestEngine.available)
  func theSameInteractionAgainIsTheSameReport(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      var asked = request(victim: vic)
      asked.request = "interaction 1"
      let claim = try await rig.claims.report(asked)
      #expect(try await rig.claims.report(asked) == claim)
      #expect(try await rig.count("kill_claims") == 1)
      // Another interaction for the same kill is told of the first.
      asked.request = "interaction 2"
      asked.occurredAt = asked.occurredAt.map { $0 + .seconds(-100) }
      #expect(try await claimError { try await rig.claims.report(asked) } == .alreadyReported(claim.id))
      try await rig.claims.withdraw(claim.id, by: rig.caller(ann))
      #expect(try await rig.claims.report(asked).state == .pending)
    }
  }

  // MARK: - Disputes

  @Test(arguments: TestEngine.available)
  func aDisputeTakesTheKillBackAndAModeratorDecides(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      let claim = try await rig.claims.report(request(victim: vic))
      try await rig.claims.confirm(claim.id, by: rig.caller(wit))
      #expect(try await totals(ann, rig) == (1, 0))
      #expect(
        try await claimError { try await rig.claims.dispute(claim.id, by: rig.caller(bob2)) } == .refused(.notVictim))
      let disputed = try await rig.claims.dispute(claim.id, by: rig.caller(vic))
      #expect(disputed.state == .disputed && disputed.kill == nil)
      #expect(try await rig.count("kills") == 0)
      #expect(try await totals(ann, rig) == (0, 0))
      #expect(try await totals(vic, rig) == (0, 0))
      #expect(try await rig.claims.trust(of: ann) == ClaimTrust())
      #expect(try await rig.claims.list(.disputed, in: home).map(\.id) == [claim.id])
      #expect(try await rig.claims.list(.disputed, in: GuildID(1)).isEmpty)

      #expect(
        try await claimError { try await rig.claims.decide(claim.id, isAccepted: false, by: rig.caller(vic)) }
          == .refused(.notModerator))
      let accepted = try await rig.claims.decide(claim.id, isAccepted: true, by: rig.caller(mod, manages: true))
      #expect(accepted.state == .accepted && accepted.proof == .moderator)
      #expect(try await totals(ann, rig) == (1, 0))
      #expect(try await totals(vic, rig) == (0, 1))
      #expect(rig.told.all == ["kill.created", "kill.deleted", "kill.created"])
      #expect(try await rig.claims.trust(of: ann) == ClaimTrust(confirmed: 1))
      #expect(
        try await rig.deeds() == [
          "kill_reported", "kill_report_confirmed", "kill_report_disputed", "kill_report_accepted",
        ])
      #expect(try await rig.count("jobs") == 0)
    }
  }

  @Test(arguments: TestEngine.available)
  func aRejectedReportCostsTrustAndTheWitnesses(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      let claim = try await rig.claims.report(request(victim: vic))
      try await rig.claims.dispute(claim.id, by: rig.caller(vic))
      try await rig.claims.decide(claim.id, isAccepted: false, by: rig.caller(mod, manages: true))
      #expect(try await rig.count("kills") == 0)
      #expect(try await rig.claims.trust(of: ann) == ClaimTrust(rejected: 1))

      let next = try await rig.claims.report(request(handle: "Other"))
      #expect(next.trust.value < ClaimRules.trustForWitness)
      #expect(
        try await claimError { try await rig.claims.confirm(next.id, by: rig.caller(wit)) }
          == .refused(.reporterNotTrusted))
      // A moderator's word lifts it again, and the kill tells how sure it is.
      let accepted = try await rig.claims.confirm(next.id, by: rig.caller(mod, manages: true))
      #expect(accepted.state == .accepted)
      let kill = try await rig.kills.find(try #require(accepted.kill), for: KillViewer(user: ann))
      #expect(kill.confidence == 0.83)
      #expect(try await rig.claims.trust(of: ann).value == 0.5)
    }
  }

  @Test(arguments: TestEngine.available)
  func aKillKnownFromElsewhereIsNotTakenBack(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      let claim = try await rig.claims.report(request(handle: "Vic"))
      let time = claim.facts.occurredAt
      // Somebody else's client saw the same.
      let seen = try await rig.kills.record(
        KillReport(killer: .user(ann), victim: .handle("Vic"), occurredAt: time + .seconds(2)), by: reporter(bob2))
      let confirmed = try await rig.claims.confirm(claim.id, by: rig.caller(wit))
      #expect(confirmed.kill == seen.kill.id)
      #expect(try await rig.kills.find(seen.kill.id, for: KillViewer(user: ann)).isConfirmed)
      let disputed = try await rig.claims.dispute(claim.id, by: rig.caller(mod, manages: true))
      #expect(disputed.kill == nil)
      #expect(try await rig.count("kills") == 1)
    }
  }

  // MARK: - Collusion

  @Test(arguments: TestEngine.available)
  func twoWhoVouchForEachOtherComeToAnEnd(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      for number in 0..<3 {
        let (killer, friend) = number.isMultiple(of: 2) ? (ann, wit) : (wit, ann)
        let claim = try await rig.claims.report(request(by: killer, handle: "victim\(number)"))
        try await rig.claims.confirm(claim.id, by: rig.caller(friend))
      }
      let next = try await rig.claims.report(request(handle: "victim4"))
      #expect(
        try await claimError { try await rig.claims.confirm(next.id, by: rig.caller(wit)) }
          == .refused(.vouchedTooOften))
      // Others may, and a day later the two again.
      rig.time.advance(by: ClaimRules.vouchWindow)
      #expect(try await rig.claims.confirm(next.id, by: rig.caller(wit)).proof == .witness)
    }
  }

  /// Only what a witness vouched for counts against the two: a victim who admits it is asked again and again.
  @Test(arguments: TestEngine.available)
  func whatAVictimAdmitsIsNoVouching(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      for number in 0..<3 {
        let claim = try await rig.claims.report(request(victim: wit, ago: 600 + Int64(number) * 600))
        try await rig.claims.confirm(claim.id, by: rig.caller(wit))
      }
      let other = try await rig.claims.report(request(handle: "victim"))
      #expect(try await rig.claims.confirm(other.id, by: rig.caller(wit)).proof == .witness)
    }
  }

  @Test func aReportIsItsServersAlone() async throws {
    try await withReports(.sqlite) { rig in
      let claim = try await rig.claims.report(request(handle: "victim"))
      #expect(try await rig.claims.find(claim.id, in: home).id == claim.id)
      #expect(
        try await claimError { try await rig.claims.find(claim.id, in: GuildID(home.rawValue + 1)) } == .notFound)
      #expect(try await rig.claims.list(.pending, in: GuildID(home.rawValue + 1)).isEmpty)
    }
  }

  @Test func reportsOfOneMemberAreBounded() async throws {
    try await withReports(.sqlite) { rig in
      for number in 0..<ClaimRules.pendingLimit {
        _ = try await rig.claims.report(request(handle: "victim\(number)"))
      }
      #expect(
        try await claimError { try await rig.claims.report(request(handle: "one more")) }
          == .tooMany(limit: ClaimRules.pendingLimit, perDay: false))
      for claim in try await rig.claims.list(.pending, in: home) {
        try await rig.claims.withdraw(claim.id, by: rig.caller(ann))
      }
      for number in 10..<ClaimRules.dailyLimit {
        let claim = try await rig.claims.report(request(handle: "victim\(number)"))
        try await rig.claims.withdraw(claim.id, by: rig.caller(ann))
      }
      #expect(
        try await claimError { try await rig.claims.report(request(handle: "one more")) }
          == .tooMany(limit: ClaimRules.dailyLimit, perDay: true))
      // Nobody else is held up.
      _ = try await rig.claims.report(request(by: wit, handle: "victim"))
    }
  }

  // MARK: - What cannot be

  @Test func whatCannotBeIsRefusedByItsField() async throws {
    try await withReports(.sqlite) { rig in
      try await rig.kills.players.verify("AnnInSpace", of: ann)
      try await rig.kills.players.verify("VicInSpace", of: vic)
      var cases: [(ClaimRequest, String)] = [
        (request(), "victim"), (request(victim: ann), "victim"), (request(handle: "anninspace"), "victim"),
        (request(victim: wit, handle: "vicinspace"), "victim"), (request(handle: "x", ago: -10), "when"),
        (request(handle: "x", ago: 8 * 86_400), "when"),
      ]
      var bot = request(victim: vic)
      bot.isVictimBot = true
      cases.append((bot, "victim"))
      for witness in [ann, vic] {
        var own = request(handle: "vicinspace")
        own.witness = witness
        cases.append((own, "witness"))
      }
      var robot = request(handle: "x")
      robot.witness = wit
      robot.isWitnessBot = true
      cases.append((robot, "witness"))
      for (asked, field) in cases {
        let error = try await claimError { try await rig.claims.report(asked) }
        guard case .invalid(let named, _) = error else {
          Issue.record("\(String(describing: error)) for \(field)")
          continue
        }
        #expect(named == field)
      }
      #expect(try await rig.count("kill_claims") == 0)
      #expect(try await killError { try await rig.claims.report(request(handle: "a\nb")) } != nil)
      #expect(try await claimError { try await rig.claims.find(ClaimID(rawValue: 1)) } == .notFound)
      #expect(
        try await claimError { try await rig.claims.confirm(ClaimID(rawValue: 1), by: rig.caller(vic)) } == .notFound)
      let known = try await rig.kills.record(
        KillReport(victim: .user(vic), occurredAt: request(victim: vic).occurredAt), by: reporter(ann))
      #expect(
        try await claimError { try await rig.claims.report(request(victim: vic, ago: 120)) }
          == .alreadyRecorded(known.kill.id))
    }
  }

  @Test func idsAreReadInBothForms() {
    #expect(ClaimID("report_12") == ClaimID(rawValue: 12))
    #expect(ClaimID("12") == ClaimID(rawValue: 12))
    for text in ["", "report_", "0", "-1", "+1", "01", "report_1x", "99999999999999999999"] {
      #expect(ClaimID(text) == nil)
    }
  }

  // MARK: - Time

  @Test(arguments: TestEngine.available)
  func whatNobodyConfirmsExpiresAndIsForgotten(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      let open = try await rig.claims.report(request(handle: "one"))
      let disputed = try await rig.claims.report(request(victim: vic))
      try await rig.claims.dispute(disputed.id, by: rig.caller(vic))
      let done = try await rig.claims.report(request(handle: "two"))
      try await rig.claims.confirm(done.id, by: rig.caller(wit))
      let runner = JobRunner(rig.shared.jobs, time: rig.time, log: .silent, metrics: Metrics())
      await rig.claims.register(on: runner)
      await runner.start()
      rig.time.advance(by: ClaimRules.expiry)
      #expect(try await soon { try await rig.claim(open.id).state == .expired })
      #expect(try await rig.claim(disputed.id).state == .disputed)
      let late = try await claimError { try await rig.claims.confirm(open.id, by: rig.caller(wit)) }
      #expect(late == .refused(.expired))
      rig.time.advance(by: ClaimRules.decisionTime - ClaimRules.expiry)
      #expect(try await soon { try await rig.claim(disputed.id).state == .expired })
      #expect(try await rig.claims.trust(of: ann) == ClaimTrust(confirmed: 1))
      rig.time.advance(by: ClaimRules.memory)
      #expect(try await soon { try await rig.count("kill_claims") == 1 })
      await runner.stop(limit: .seconds(5))
      #expect(try await rig.claim(done.id).state == .confirmed)
      #expect(try await rig.count("kills") == 1)
      #expect(try await rig.count("jobs") == 0)
    }
  }

  /// Nobody looked for a week: the click finds it expired, and stores that.
  @Test(arguments: TestEngine.available)
  func aLateClickStoresThatItExpired(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      let claim = try await rig.claims.report(request(victim: vic))
      rig.time.advance(by: .seconds(7 * 86_400))
      #expect(
        try await claimError { try await rig.claims.confirm(claim.id, by: rig.caller(vic)) } == .refused(.expired))
      #expect(try await rig.claim(claim.id).state == .expired)
      #expect(try await rig.count("kills") == 0)
      let deeds = try await rig.shared.auditLog.recent().map(\.entry)
      #expect(deeds.first?.action == "kill_report_expired" && deeds.first?.userID == ann)
    }
  }
}

let bob2 = UserID(100_000_000_000_000_005)
