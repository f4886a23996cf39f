import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import KillTracker

@Suite(.timeLimit(.minutes(2)))
struct TrackerDataTests {
  /// Ann and Vic fought, both proved their handles; Ann uploaded a log, reported, vouched.
  private func prepare(_ rig: ReportRig) async throws {
    let players = rig.kills.players
    try await players.verify("AnnInSpace", of: ann)
    try await players.verify("VicInSpace", of: vic)
    var log = WrittenLog(of: "AnnInSpace", at: "2026-02-18T10:00:00.000Z")
    log.kill(60, "AnnInSpace", "VicInSpace")
    log.kill(120, "VicInSpace", "AnnInSpace")
    log.kill(240, "VicInSpace", "Somebody")
    log.death(400, "AnnInSpace")
    log.quit(3_600)
    _ = try await rig.imports.importLog(Pieces(bytes: log.bytes), by: ann, in: home)
    for (reporter, handle) in [(ann, "Open"), (ann, "Done"), (wit, "Vouched"), (wit, "AnnInSpace")] {
      var request = ClaimRequest(guild: home, reporter: reporter)
      request.victimHandle = handle
      let claim = try await rig.claims.report(request)
      if handle == "Done" { try await rig.claims.confirm(claim.id, by: rig.caller(wit)) }
      if handle == "Vouched" { try await rig.claims.confirm(claim.id, by: rig.caller(ann)) }
    }
  }

  private func exported(_ rig: ReportRig, _ data: TrackerData, of user: UserID) async throws -> JSON {
    let all = PersonalData()
    all.add(data)
    var bytes: [UInt8] = []
    try await all.export(of: user, at: rig.time.timestamp) { bytes += $0 }
    return try JSON(parsing: bytes)
  }

  @Test(arguments: TestEngine.available)
  func everythingThatIsKeptCanBeTakenAlong(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await prepare(rig)
      let data = TrackerData(kills: rig.kills, jobs: rig.shared.jobs)
      let json = try await exported(rig, data, of: ann)
      #expect(json["exportedAt"] == "2026-02-18T12:00:00.000Z")
      let own = try #require(json["killTracker"])
      #expect(own["profile"]?["handle"] == "AnnInSpace" && own["profile"]?["playSeconds"] == 3_600)
      #expect(own["sessions"]?.array?.count == 1 && own["sessions"]?[0]?["playedSeconds"] == 3_600)
      #expect(own["deaths"]?[0]?["sign"] == "vehicleLoss")
      #expect(own["reports"]?.array?.map { $0["role"]?.string } == ["reporter", "reporter", "witness", "victim"])
      // Both sides, and what was only reported, each once, oldest first.
      let pairs = own["kills"]?.array?.map { "\($0["killer"]?.string ?? "")>\($0["victim"]?.string ?? "")" }
      #expect(
        pairs == [
          "AnnInSpace>VicInSpace", "VicInSpace>AnnInSpace", "unknown>AnnInSpace", "AnnInSpace>Done",
          "VicInSpace>Somebody",
        ])
      #expect(
        try await data.summary(of: ann) == [
          "the profile of AnnInSpace", "4 kills", "1 session of play time", "3 reports", "1 sign of a death",
        ])
      // Who is nobody has nothing, and gets that.
      let nothing = try await exported(rig, data, of: mod)
      #expect(nothing["killTracker"]?["kills"] == [] && nothing["killTracker"]?["reports"] == [])
      #expect(try await data.summary(of: mod).isEmpty)
    }
  }

  @Test(arguments: TestEngine.available)
  func deletingTakesThePersonOutAndLeavesTheKills(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await prepare(rig)
      let data = TrackerData(kills: rig.kills, jobs: rig.shared.jobs)
      let before = try await rig.kills.statistics(of: rig.kills.player("VicInSpace"), for: KillViewer(user: vic))
      let total = try await rig.kills.count()
      #expect(try await rig.kills.leaderboard(.kills, .allTime, for: .anonymous).entries.count == 3)
      let runner = JobRunner(rig.shared.jobs, time: rig.time, log: .silent, metrics: Metrics())
      await data.register(on: runner)
      await rig.claims.register(on: runner)
      await runner.start()
      #expect(try await data.erase(ann).count == 5)
      let isSwept = try await soon {
        try await rig.database.read { transaction in
          try transaction.queryOne(
            "SELECT count(*) AS count FROM kills WHERE reporter = $1 OR confirmed_by = $1", ann
          ) { try $0.value("count", as: Int.self) == 0 } ?? false
        }
      }
      #expect(isSwept)
      await runner.stop(limit: .seconds(5))

      // Nothing leads to Ann any more.
      #expect(try await rig.kills.player("AnnInSpace") == nil)
      #expect(try await rig.kills.player("\(ann)") == nil)
      #expect(try await data.summary(of: ann).isEmpty)
      #expect(try await rig.claims.trust(of: ann) == ClaimTrust())
      #expect(try await rig.kills.players.profile(of: ann).playTime == .zero)
      for table in ["players", "kills", "kill_claims", "kill_log_sessions", "kill_log_deaths", "handle_proofs"] {
        let rows = try await rig.database.read { transaction -> String in
          switch transaction.engine {
          case .postgreSQL:
            try transaction.query("SELECT CAST(t AS TEXT) AS line FROM \(table) t") {
              try $0.value("line", as: String.self)
            }
            .joined(separator: "\n")
          case .sqlite:
            try Self.dump(table, transaction)
          }
        }
        #expect(!rows.contains("\(ann)") && !rows.lowercased().contains("anninspace"), "\(table): \(rows)")
      }
      // Others keep what is theirs, and see that it was somebody.
      #expect(try await rig.kills.count() == total)
      let vicsSide = try await rig.kills.statistics(of: rig.kills.player("VicInSpace"), for: KillViewer(user: vic))
      #expect(vicsSide.totalKills == before.totalKills && vicsSide.totalDeaths == before.totalDeaths)
      let page = try await rig.kills.list(limit: 10, for: KillViewer(user: vic))
      #expect(page.kills.contains { $0.killer.name == TrackerData.deletedName && $0.victim.user == vic })
      #expect(page.kills.allSatisfy { $0.killer.user != ann && $0.victim.user != ann })
      let strangers = try await rig.kills.list(limit: 10, for: .anonymous)
      #expect(strangers.kills.contains { $0.killer == .hidden })
      let board = try await rig.kills.leaderboard(.kills, .allTime, for: .anonymous)
      #expect(board.entries.map(\.player.name).sorted() == ["\(wit)", "VicInSpace"])
      // Reports: her own and those about her are gone, the other's stays without her.
      let claims = try await rig.database.read { try ClaimStore.all("1 = 1 ORDER BY c.id", [], in: $0) }
      #expect(claims.map(\.facts.victimName) == ["Vouched"])
      #expect(claims.first?.confirmedBy == UserID(0) && claims.first?.state == .confirmed)
      #expect(try await rig.count("jobs") == 0)
    }
  }

  private static func dump(_ table: String, _ transaction: ReadTransaction) throws -> String {
    let columns = try transaction.query("SELECT name FROM pragma_table_info('\(table)')") {
      try $0.value("name", as: String.self)
    }
    let line = columns.map { "COALESCE(CAST(\($0) AS TEXT), '')" }.joined(separator: " || ' ' || ")
    return try transaction.query("SELECT \(line) AS line FROM \(table)") { try $0.value("line", as: String.self) }
      .joined(separator: "\n")
  }

  /// A report about a handle that was proved later; and one for which Ann was only asked to vouch.
  @Test(arguments: TestEngine.available)
  func reportsThatNameTheUserInOtherWaysGoToo(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      var request = ClaimRequest(guild: home, reporter: wit)
      request.victimHandle = "AnnInSpace"
      let about = try await rig.claims.report(request)
      #expect(about.facts.victim == nil)
      try await rig.kills.players.verify("anninspace", of: ann)
      request.victimHandle = "Other"
      request.witness = ann
      let asked = try await rig.claims.report(request)
      let data = TrackerData(kills: rig.kills, jobs: rig.shared.jobs)
      _ = try await data.erase(ann)
      #expect(try await claimError { try await rig.claims.find(about.id) } == .notFound)
      #expect(try await rig.claim(asked.id).facts.witness == nil)
    }
  }

  /// Vic's log tells of the same fights: they are known, though Ann's name is not there any more.
  @Test(arguments: TestEngine.available)
  func theOthersLogDoesNotBringTheKillsBack(engine: TestEngine) async throws {
    try await withReports(engine) { rig in
      try await prepare(rig)
      let data = TrackerData(kills: rig.kills, jobs: rig.shared.jobs)
      _ = try await data.erase(ann)
      // Once more changes nothing.
      #expect(try await data.erase(ann).isEmpty)
      var log = WrittenLog(of: "VicInSpace", at: "2026-02-18T10:00:00.000Z")
      log.kill(61, "AnnInSpace", "VicInSpace")
      log.kill(121, "VicInSpace", "AnnInSpace")
      let outcome = try await rig.imports.importLog(Pieces(bytes: log.bytes), by: vic, in: home)
      #expect(outcome.known == 2 && outcome.recorded == 0)
      // Whoever takes the name next begins at nothing.
      try await rig.kills.players.verify("AnnInSpace", of: bob2)
      let fresh = try await rig.kills.statistics(of: rig.kills.player("\(bob2)"), for: KillViewer(user: bob2))
      #expect(fresh.totalKills == 0 && fresh.totalDeaths == 0)
    }
  }

  /// A process that ends in the middle of the sweep: the job begins again.
  @Test func theSweepTakesAllOfALargeTable() async throws {
    try await withReports(.sqlite) { rig in
      for number in 0..<5 {
        _ = try await rig.kills.record(
          KillReport(killer: .handle("a\(number)"), victim: .handle("b\(number)"), details: ["x": 1]),
          by: reporter(ann))
      }
      // Kills have numbers far apart, as after many deletions.
      try await rig.database.write { transaction in
        try transaction.execute("UPDATE kills SET id = id * $1", TrackerData.sweepSize)
      }
      let data = TrackerData(kills: rig.kills, jobs: rig.shared.jobs)
      _ = try await data.erase(ann)
      #expect(try await rig.count("jobs") == 1)
      let runner = JobRunner(rig.shared.jobs, time: rig.time, log: .silent, metrics: Metrics())
      await data.register(on: runner)
      await runner.start()
      #expect(try await soon { try await rig.count("jobs") == 0 })
      await runner.stop(limit: .seconds(5))
      #expect(try await rig.count("kills WHERE reporter = '0' AND details IS NULL") == 5)
    }
  }

  @Test func exportsAreWrittenPieceByPiece() async throws {
    try await withReports(.sqlite) { rig in
      for number in 0..<1_200 {
        var request = ClaimRequest(guild: home, reporter: ann)
        request.victimHandle = "v\(number)"
        let now = rig.time.timestamp
        try await rig.database.write { [request] transaction in
          _ = try ClaimStore.insert(
            Claim.Facts(
              guild: home, reporter: ann, victim: nil, victimHandle: request.victimHandle, victimName: "v",
              weapon: nil, location: nil, occurredAt: now, witness: nil), request: nil, deadline: now, at: now,
            in: transaction)
        }
      }
      let data = TrackerData(kills: rig.kills, jobs: rig.shared.jobs)
      var largest = 0
      var bytes: [UInt8] = []
      try await data.export(of: ann) { piece in
        largest = max(largest, piece.count)
        bytes += piece
      }
      #expect(try JSON(parsing: bytes)["reports"]?.array?.count == 1_200)
      #expect(largest < bytes.count / 2)
      struct Enough: Error {}
      await #expect(throws: Enough.self) { try await data.export(of: ann) { _ in throw Enough() } }
    }
  }
}
