import Commands
import Core
import Gateway
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import KillTracker

/// The messages of reports follow them where nobody presses a button.
@Suite(.timeLimit(.minutes(2)))
struct ClaimMessageTests {
  private static let cem = Gateway.User(id: 100_000_000_000_000_003, username: "cem")
  private static let edit = "PATCH /channels/3/messages/55"

  /// What the message became, edit by edit.
  private func edits(_ bench: TrackerBench) -> [JSON] {
    bench.network.exchanges.filter { $0.path == Self.edit }.map(\.body)
  }

  private func title(_ body: JSON?) -> String? { body?["embeds"]?[0]?["title"]?.string }

  /// Does what is due until nothing is.
  private func working(_ bench: TrackerBench, _ condition: () async throws -> Bool) async throws {
    let runner = JobRunner(bench.shared.jobs, time: bench.time, log: .silent, metrics: Metrics())
    await bench.plugin.registerJobs(with: runner)
    await runner.start()
    let isDone = try await soon(condition)
    await runner.stop(limit: .seconds(5))
    #expect(isDone)
  }

  /// Whether so many edits were made, and nothing is left to do.
  private func isShown(_ bench: TrackerBench, _ count: Int = 1) async throws -> Bool {
    guard bench.network.exchanges.count(where: { $0.path.hasPrefix("PATCH") }) >= count else { return false }
    return try await jobs(bench) == 0
  }

  private func jobs(_ bench: TrackerBench) async throws -> Int {
    try await count("jobs WHERE kind = '\(ClaimMessage.show.name)'", bench)
  }

  private func count(_ table: String, _ bench: TrackerBench) async throws -> Int {
    try await bench.shared.database.read { transaction in
      try transaction.queryOne("SELECT count(*) AS count FROM \(table)") { try $0.value("count", as: Int.self) } ?? 0
    }
  }

  @Test(arguments: TestEngine.available) func theMessageShowsThatItExpired(engine: TestEngine) async throws {
    try await withTracker(commands: engine) { bench in
      let report = try await bench.give("kill report", ["member": .user(TrackerBench.bob)])
      #expect(report.title == "A kill is reported" && report.body.allowedMentions?.users == [TrackerBench.bob.id])
      bench.time.advance(by: ClaimRules.expiry)
      try await working(bench) { try await isShown(bench) }
      let body = try #require(edits(bench).last)
      #expect(title(body) == "A report has expired" && body["components"] == [] && body["content"] == "")
      #expect(body["allowed_mentions"] == ["parse": []])
      #expect(try await jobs(bench) == 0)
      // Forgotten with the report.
      bench.time.advance(by: ClaimRules.memory)
      try await working(bench) { try await count("kill_claims", bench) == 0 }
      #expect(try await count("kill_claim_messages", bench) == 0)
      #expect(edits(bench).count == 1)
    }
  }

  @Test func theMessageShowsThatALogConfirmedIt() async throws {
    try await withTracker { bench in
      try await bench.prove("BobInSpace", TrackerBench.bob)
      try await bench.give("kill report", ["victim": .text("BobInSpace"), "when": .text("5m ago")])
      var log = WrittenLog(of: "BobInSpace", at: "2026-02-18T11:00:00.000Z")
      log.death(55 * 60, "BobInSpace")
      let outcome = try await bench.services.imports.importLog(Pieces(bytes: log.bytes), by: bob, in: home)
      #expect(outcome.confirmedReports.count == 1)
      try await working(bench) { try await isShown(bench) }
      let body = try #require(edits(bench).last)
      #expect(title(body) == "A reported kill is confirmed")
      #expect(body.serialized().contains("A log of the game tells of it. Recorded as `kill_1`."))
      // Its button leads to the report.
      #expect(body["components"]?[0]?["components"]?[0]?["label"] == "Dispute")
    }
  }

  @Test(arguments: TestEngine.available) func whatWasDeletedGoesFromTheMessage(engine: TestEngine) async throws {
    try await withTracker(commands: engine) { bench in
      try await bench.give("kill report", ["victim": .text("Evil_One"), "weapon": .text("P4-AR Rifle")])
      _ = try await bench.services.personalData.erase(ann)
      try await working(bench) { try await isShown(bench) }
      let body = try #require(edits(bench).last)
      #expect(title(body) == "A report was deleted" && body["components"] == [] && body["content"] == "")
      let text = body.serialized()
      #expect(!text.contains("Evil") && !text.contains("\(ann)") && !text.contains("P4"))
      #expect(try await count("kill_claim_messages", bench) == 0)
    }
  }

  /// Under somebody else's report the name goes.
  @Test func aWitnessWhoLeavesIsNamedNoMore() async throws {
    try await withTracker { bench in
      let report = try await bench.give("kill report", ["victim": .text("Evil_One")])
      try await bench.click("Confirm", of: report, as: Self.cem)
      _ = try await bench.services.personalData.erase(wit)
      try await working(bench) { try await jobs(bench) == 0 }
      let body = try #require(edits(bench).last)
      #expect(body.serialized().contains("Somebody vouched for it.") && !body.serialized().contains("\(wit)"))
      #expect(try await count("kill_claim_messages", bench) == 1)
    }
  }

  @Test(arguments: [(404, 10_008), (404, 10_003), (403, 50_001), (403, 50_013), (400, 50_083), (404, 0)])
  func aMessageThatIsGoneIsForgotten(status: Int, code: Int) async throws {
    try await withTracker { bench in
      try await bench.give("kill report", ["victim": .text("Evil_One")])
      bench.network.fail(status, code: code)
      bench.time.advance(by: ClaimRules.expiry)
      try await working(bench) { try await isShown(bench) }
      #expect(try await jobs(bench) == 0)
      #expect(edits(bench).count == 1)
      #expect(try await count("kill_claim_messages", bench) == 0)
    }
  }

  @Test func anOutageIsWaitedOutAndNotForEver() async throws {
    try await withTracker { bench in
      try await bench.give("kill report", ["victim": .text("Evil_One")])
      bench.network.fail(500, code: 0)
      bench.time.advance(by: ClaimRules.expiry)
      try await working(bench) { !edits(bench).isEmpty }
      #expect(try await jobs(bench) == 1)
      #expect(try await count("kill_claim_messages", bench) == 1)
      bench.network.recover()
      bench.time.advance(by: .seconds(10))
      try await working(bench) { try await jobs(bench) == 0 }
      #expect(title(edits(bench).last) == "A report has expired")
      #expect(ClaimMessage.show.retry.attempts < 20)
    }
  }

  /// A report that is shown again has two messages; of many the latest follow.
  @Test(arguments: TestEngine.available) func theLatestMessagesFollow(engine: TestEngine) async throws {
    try await withTracker(commands: engine) { bench in
      try await bench.give("kill report", ["victim": .text("Evil_One")])
      let id = ClaimID(rawValue: 1)
      let kept = try await bench.shared.database.write { transaction in
        for number in [60, 58, 57, 59, 61, 62, 56] as [UInt64] {
          try ClaimStore.note(ClaimMessage(id: number, channel: 3, guild: home), of: id, in: transaction)
        }
        return try ClaimStore.messages(of: id, in: transaction)
      }
      #expect(kept.map(\.id) == [62, 61, 60, 59, 58])
      bench.time.advance(by: ClaimRules.expiry)
      try await working(bench) { try await isShown(bench, 5) }
      let edited = bench.network.exchanges.map(\.path).filter { $0.hasPrefix("PATCH") }
      #expect(edited == [62, 61, 60, 59, 58].map { "PATCH /channels/3/messages/\($0)" })
    }
  }

  /// Of a report that nobody can find the message is not looked for.
  @Test func aReportWhoseMessageIsNotKnownIsOneAllTheSame() async throws {
    try await withTracker { bench in
      bench.network.fail(500, code: 0)
      let report = try await bench.give("kill report", ["victim": .text("Evil_One")])
      #expect(report.title == "A kill is reported")
      #expect(try await count("kill_claim_messages", bench) == 0)
      // Its button tells where it is.
      try await bench.click("Confirm", of: report, as: Self.cem)
      #expect(try await count("kill_claim_messages WHERE channel_id = '\(TrackerBench.channel)'", bench) == 1)
    }
  }
}
