import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import KillTracker

/// What a program tells of a log while the game runs is what the same log tells when it is uploaded.
@Suite(.timeLimit(.minutes(2)))
struct LiveLogTests {
  private static let time = "2026-02-18T11:30:00.000Z"

  private func report(_ rig: ReportRig, by reporter: UserID = ann, of victim: String = "VicInSpace") async throws
    -> Claim
  {
    var request = ClaimRequest(guild: home, reporter: reporter)
    request.victimHandle = victim
    request.occurredAt = Timestamp(iso8601: Self.time)
    return try await rig.claims.report(request)
  }

  /// As `adjutant logs watch` sends it.
  private func death(
    _ seconds: Int64 = 0, confidence: Double = 0.9, signal: String = "vehicleLoss"
  ) -> KillReport {
    KillReport(
      killer: .caller, victim: .caller, kind: .environment,
      occurredAt: Timestamp(iso8601: Self.time).map { $0 + .seconds(seconds) }, serverID: "\(home)", location: "Yela",
      source: .log, confidence: confidence, idempotencyKey: "log-\(seconds)-\(signal)",
      details: ["signal": .string(signal), "vehicle": "Vulture", "more": 7])
  }

  private func kill(_ seconds: Int64 = 0, of victim: String = "VicInSpace") -> KillReport {
    KillReport(
      victim: .handle(victim), kind: .pvp, occurredAt: Timestamp(iso8601: Self.time).map { $0 + .seconds(seconds) },
      serverID: "\(home)", source: .log, confidence: 0.95, idempotencyKey: "log-kill")
  }

  @Test(arguments: TestEngine.available) func aDeathConfirmsWhatIsReportedOfIt(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await rig.kills.players.verify("VicInSpace", of: vic)
      let claim = try await report(rig)
      let second = try await report(rig, by: wit)
      let known = try await rig.imports.record(death(25), by: reporter(vic, "vicinspace"))
      let confirmed = try await rig.claim(claim.id)
      #expect(confirmed.state == .confirmed && confirmed.proof == .log && confirmed.confirmedBy == vic)
      // The program is told of the kill that stands for the death.
      #expect(!known.isNew && known.kill.id == confirmed.kill && known.kill.killer.user == ann)
      #expect(try await rig.stored() == ["\(ann)>VicInSpace pvp"])
      // Sent again, as after a lost answer; and uploaded later.
      let again = try await rig.imports.record(death(25), by: reporter(vic, "VicInSpace"))
      #expect(!again.isNew && again.kill.id == known.kill.id)
      #expect(try await rig.claim(second.id).state == .pending)
      var log = WrittenLog(of: "VicInSpace", at: "2026-02-18T11:00:00.000Z")
      log.death(30 * 60 + 25, "VicInSpace")
      #expect(try await rig.imports.importLog(Pieces(bytes: log.bytes), by: vic, in: home).recordedDeaths == 0)
      #expect(try await rig.stored().count == 1)
      // Taken back, the death stands by itself.
      try await rig.claims.dispute(claim.id, by: rig.caller(vic))
      #expect(try await rig.stored() == ["unknown>VicInSpace environment"])
    }
  }

  @Test(arguments: TestEngine.available) func aDeathStandsUntilAKillTellsMore(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await rig.kills.players.verify("VicInSpace", of: vic)
      let first = try await rig.imports.record(death(), by: reporter(vic))
      #expect(first.isNew && first.kill.kind == .environment && first.kill.victim.user == vic)
      #expect(first.kill.confidence == 0.9 && first.kill.location == "Yela" && first.kill.serverID == "\(home)")
      // What the program keeps with it stays.
      #expect(first.kill.details == ["signal": "vehicleLoss", "vehicle": "Vulture", "more": 7])
      let again = try await rig.imports.record(death(), by: reporter(vic))
      #expect(!again.isNew && again.kill.id == first.kill.id)
      let claim = try await report(rig)
      try await rig.claims.confirm(claim.id, by: rig.caller(wit))
      #expect(try await rig.stored() == ["\(ann)>VicInSpace pvp"])
      // And the other way round: a death that a kill tells of is none of its own.
      let other = try await rig.imports.record(death(12, signal: "corpse"), by: reporter(vic))
      #expect(!other.isNew && other.kill.killer.user == ann)
      #expect(try await rig.stored().count == 1)
      #expect(try await rig.count("kill_log_deaths") == 2)
    }
  }

  /// Nobody's word but the victim's own log's, and no sign that is worth too little.
  @Test func whatConfirmsNothing() async throws {
    try await withReports(.sqlite) { rig in
      // A report of one's own, made before the handle was proved.
      let own = try await report(rig, by: vic)
      let claim = try await report(rig)
      // The handle is not proved.
      #expect(try await rig.imports.record(death(1), by: reporter(vic, "VicInSpace")).isNew)
      try await rig.kills.players.verify("VicInSpace", of: vic)
      try await rig.kills.players.verify("WitInSpace", of: wit)
      // Somebody else's; a key for another player; not from a log; too little; too late.
      _ = try await rig.imports.record(death(2), by: reporter(wit))
      _ = try await rig.imports.record(death(3), by: reporter(vic, "Twin"))
      var told = death(4)
      told.source = .api
      _ = try await rig.imports.record(told, by: reporter(vic))
      _ = try await rig.imports.record(death(5, confidence: 0.74), by: reporter(vic))
      _ = try await rig.imports.record(death(26), by: reporter(vic))
      _ = try await rig.imports.record(death(-26), by: reporter(vic))
      // Of somebody else's death.
      var others = death(8)
      others.victim = .handle("Other")
      _ = try await rig.imports.record(others, by: reporter(vic))
      // Of what somebody did.
      var shot = death(6)
      shot.weapon = "P4-AR Rifle"
      _ = try await rig.imports.record(shot, by: reporter(vic))
      #expect(try await rig.claim(claim.id).state == .pending)
      // And then the death itself.
      _ = try await rig.imports.record(death(7), by: reporter(vic))
      #expect(try await rig.claim(own.id).state == .pending)
      #expect(try await rig.claim(claim.id).state == .confirmed)
    }
  }

  @Test(arguments: TestEngine.available) func onesOwnKillIsTheOneThatWasReported(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await rig.kills.players.verify("AnnInSpace", of: ann)
      let somebodyElses = try await report(rig, by: wit)
      let pending = try await report(rig)
      let recorded = try await rig.imports.record(kill(120), by: reporter(ann))
      #expect(recorded.isNew)
      #expect(try await rig.claim(somebodyElses.id).state == .pending)
      let confirmed = try await rig.claim(pending.id)
      #expect(confirmed.state == .confirmed && confirmed.proof == .log && confirmed.kill == recorded.kill.id)
      #expect(try await rig.imports.record(kill(120), by: reporter(ann)).isNew == false)
      #expect(try await rig.stored() == ["AnnInSpace>VicInSpace pvp"])
      // One that a witness confirmed before gives way to the log's.
      let other = try await report(rig, of: "Other")
      try await rig.claims.confirm(other.id, by: rig.caller(wit))
      var second = kill(-100, of: "Other")
      second.idempotencyKey = "second"
      let better = try await rig.imports.record(second, by: reporter(ann))
      #expect(try await rig.claim(other.id).kill == better.kill.id)
      #expect(try await rig.stored().count == 2)
    }
  }

  @Test(arguments: [("other", 121 as Int64), ("unproved", 0), ("told", 0)])
  func whatIsNotTheReportedKill(how: String, seconds: Int64) async throws {
    try await withReports(.sqlite) { rig in
      if how != "unproved" { try await rig.kills.players.verify("AnnInSpace", of: ann) }
      let pending = try await report(rig)
      var report = kill(seconds)
      if how == "told" { report.source = .api }
      _ = try await rig.imports.record(report, by: reporter(ann))
      #expect(try await rig.claim(pending.id).state == .pending)
    }
  }

  /// The victim's own log tells who it was.
  @Test func theVictimsLogTellsOfTheKill() async throws {
    try await withReports(.sqlite) { rig in
      try await rig.kills.players.verify("AnnInSpace", of: ann)
      try await rig.kills.players.verify("VicInSpace", of: vic)
      let pending = try await report(rig)
      var report = kill(5)
      report.killer = .handle("AnnInSpace")
      report.victim = .caller
      let recorded = try await rig.imports.record(report, by: reporter(vic))
      #expect(try await rig.claim(pending.id).kill == recorded.kill.id)
    }
  }

  @Test func whatCannotBeIsRefused() async throws {
    try await withReports(.sqlite) { rig in
      try await rig.kills.players.verify("VicInSpace", of: vic)
      var report = death()
      report.confidence = 2
      await #expect(throws: KillError.self) { try await rig.imports.record(report, by: reporter(vic)) }
      #expect(try await rig.count("kill_log_deaths") == 0)
      #expect(try await rig.stored().isEmpty)
    }
  }
}
