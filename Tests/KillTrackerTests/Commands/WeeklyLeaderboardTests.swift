import Commands
import Core
import Gateway
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import KillTracker

/// Who led the week, told each Monday where a server wants it.
@Suite(.timeLimit(.minutes(2)))
struct WeeklyLeaderboardTests {
  private static let post = "POST /channels/\(TrackerBench.channel)/messages"
  private let channel = Gateway.Channel(id: TrackerBench.channel, type: .guildText, name: "general")
  private let monday = Timestamp(iso8601: "2026-02-23T00:10:00.000Z") ?? Timestamp(seconds: 0)

  /// The channels of the server, as Discord lists them.
  private static let channels = """
    [{"id": "7", "type": 2, "name": "general"}, {"id": "\(TrackerBench.channel)", "type": 0, "name": "general"},
     {"id": "900000000000000099", "type": 0, "name": "General"}, {"id": "8", "type": 4, "name": "kills"}]
    """

  private func posts(_ bench: TrackerBench) -> [JSON] {
    bench.network.exchanges.filter { $0.path == Self.post }.map(\.body)
  }

  /// When it is next due; nil: never.
  private func due(_ bench: TrackerBench) async throws -> Timestamp? {
    try await bench.shared.database.read { transaction in
      try transaction.queryOne("SELECT due_at FROM jobs WHERE kind = $1", WeeklyPost.kind.name) {
        try $0.value("due_at", as: Timestamp.self)
      }
    }
  }

  private func working(_ bench: TrackerBench, _ condition: () async throws -> Bool) async throws {
    let runner = JobRunner(bench.shared.jobs, time: bench.time, log: .silent, metrics: Metrics())
    await bench.plugin.registerJobs(with: runner)
    await runner.start()
    let isDone = try await soon(condition)
    await runner.stop(limit: .seconds(5))
    #expect(isDone)
  }

  private func set(_ channel: String?, _ bench: TrackerBench) async throws {
    try await bench.services.servers.update(
      home, ServerChanges(leaderboardChannel: .some(channel)), by: ann)
  }

  private func kill(_ bench: TrackerBench, _ victim: String, by user: UserID, at time: String) async throws {
    _ = try await bench.services.kills.record(
      KillReport(
        victim: .handle(victim), occurredAt: Timestamp(iso8601: time), serverID: "\(home)"), by: reporter(user))
  }

  private func week(_ bench: TrackerBench) async throws {
    try await bench.prove("Ann_In_Space", TrackerBench.ann)
    try await bench.prove("Bob", TrackerBench.bob)
    // The week before Bob led; this week Ann; what lies outside is not of it.
    try await kill(bench, "x1", by: bob, at: "2026-02-10T10:00:00.000Z")
    try await kill(bench, "x2", by: bob, at: "2026-02-11T10:00:00.000Z")
    try await kill(bench, "x3", by: ann, at: "2026-02-11T11:00:00.000Z")
    try await kill(bench, "x4", by: ann, at: "2026-02-16T00:00:00.000Z")
    try await kill(bench, "x5", by: ann, at: "2026-02-17T10:00:00.000Z")
    try await kill(bench, "x6", by: bob, at: "2026-02-18T10:00:00.000Z")
    try await kill(bench, "x7", by: wit, at: "2026-02-18T11:00:00.000Z")
    _ = try await bench.services.players.update(wit, privacy: .private)
  }

  @Test(arguments: [
    ("2026-02-18T12:00:00.000Z", "2026-02-23T00:10:00.000Z"), ("2026-02-22T23:59:59.999Z", "2026-02-23T00:10:00.000Z"),
    ("2026-02-23T00:00:00.000Z", "2026-02-23T00:10:00.000Z"), ("2026-02-23T00:09:59.999Z", "2026-02-23T00:10:00.000Z"),
    ("2026-02-23T00:10:00.000Z", "2026-03-02T00:10:00.000Z"), ("2026-12-31T12:00:00.000Z", "2027-01-04T00:10:00.000Z"),
  ]) func itIsDueBehindEachSunday(now: String, due: String) throws {
    #expect(WeeklyPost.due(after: try #require(Timestamp(iso8601: now))) == Timestamp(iso8601: due))
  }

  @Test(arguments: TestEngine.available) func theWeekIsToldWhereTheServerWants(engine: TestEngine) async throws {
    try await withTracker(commands: engine) { bench in
      bench.network.answer("/guilds/\(home)/channels", Self.channels)
      try await week(bench)
      try await set("general", bench)
      #expect(try await due(bench) == monday)
      bench.time.advance(by: monday - bench.time.timestamp)
      try await working(bench) { try await due(bench) == monday + .seconds(7 * 86_400) }
      let body = try #require(posts(bench).last)
      #expect(posts(bench).count == 1 && body["allowed_mentions"] == ["parse": []])
      let embed = body["embeds"]?[0]
      #expect(embed?["title"] == "Kills of the week")
      // Whoever is private is neither on it nor counted before others.
      #expect(
        embed?["description"]?.string == "`#1` **Ann\\_In\\_Space** · 2 · ▲1\n`#2` **Bob** · 1 · ▼1")
      #expect(embed?["footer"]?["text"]?.string?.hasPrefix("2026-02-16 to 2026-02-22, UTC.") == true)
      #expect(body["enforce_nonce"] == true && (body["nonce"]?.string?.utf8.count ?? 99) <= 25)
      // A week later nobody has done anything: nothing is said, and it goes on.
      bench.time.advance(by: .seconds(7 * 86_400))
      try await working(bench) { try await due(bench) == monday + .seconds(14 * 86_400) }
      #expect(posts(bench).count == 1)
    }
  }

  /// After days of an outage it is the week that ended last.
  @Test func lateIsNotWrong() async throws {
    try await withTracker { bench in
      bench.network.answer("/guilds/\(home)/channels", Self.channels)
      try await week(bench)
      try await set("\(TrackerBench.channel)", bench)
      bench.network.fail(500, code: 0)
      bench.time.advance(by: monday - bench.time.timestamp)
      try await working(bench) { bench.network.exchanges.contains { $0.path == "GET /guilds/\(home)/channels" } }
      #expect(try await due(bench) == monday)
      bench.network.recover()
      bench.time.advance(by: .seconds(3 * 86_400))
      try await working(bench) { try await due(bench) == monday + .seconds(7 * 86_400) }
      #expect(posts(bench).first?["embeds"]?[0]?["footer"]?["text"]?.string?.hasPrefix("2026-02-16 to") == true)
    }
  }

  @Test(arguments: ["officers", "7", "8", "kills", "900000000000000012"])
  func aChannelThatIsNoneOfTheServersEndsIt(wanted: String) async throws {
    try await withTracker { bench in
      bench.network.answer("/guilds/\(home)/channels", Self.channels)
      try await week(bench)
      try await set(wanted, bench)
      bench.time.advance(by: monday - bench.time.timestamp)
      try await working(bench) { try await due(bench) == nil }
      #expect(posts(bench).isEmpty && bench.services.servers.record(of: home).leaderboardChannel == nil)
      let deeds = try await bench.shared.auditLog.recent().map(\.entry.action)
      #expect(deeds.filter { $0 == "server_settings_updated" }.count == 2)
    }
  }

  @Test(arguments: [(403, 50_001), (403, 50_013), (404, 10_003), (404, 10_004)])
  func aClosedChannelEndsIt(status: Int, code: Int) async throws {
    try await withTracker { bench in
      try await week(bench)
      try await set("general", bench)
      bench.network.fail(status, code: code)
      bench.time.advance(by: monday - bench.time.timestamp)
      try await working(bench) { try await due(bench) == nil }
      #expect(bench.services.servers.record(of: home).leaderboardChannel == nil)
    }
  }

  @Test(arguments: [ServerFeature.leaderboard, .notifications]) func whatIsSwitchedOffIsNotTold(
    feature: ServerFeature
  ) async throws {
    try await withTracker { bench in
      bench.network.answer("/guilds/\(home)/channels", Self.channels)
      try await week(bench)
      try await set("general", bench)
      try await bench.services.servers.update(home, ServerChanges(features: [feature: false]), by: ann)
      bench.time.advance(by: monday - bench.time.timestamp)
      try await working(bench) { try await due(bench) == monday + .seconds(7 * 86_400) }
      #expect(posts(bench).isEmpty && bench.services.servers.record(of: home).leaderboardChannel == "general")
    }
  }

  @Test(arguments: TestEngine.available) func theJobFollowsTheSetting(engine: TestEngine) async throws {
    try await withTracker(commands: engine) { bench in
      try await set("general", bench)
      bench.time.advance(by: .seconds(86_400))
      // Another channel, the same time.
      try await set("other", bench)
      #expect(try await due(bench) == monday)
      try await set(nil, bench)
      #expect(try await due(bench) == nil)
      try await set("general", bench)
      // A job that was lost, or given up, comes back at the start; one that waits stays as it is.
      try await bench.shared.database.write { try $0.execute("DELETE FROM jobs") }
      try await bench.services.servers.resumeWeeklyPosts()
      #expect(try await due(bench) == monday)
      bench.time.advance(by: .seconds(9 * 86_400))
      try await bench.services.servers.resumeWeeklyPosts()
      #expect(try await due(bench) == monday)
      try await bench.shared.database.write { [now = bench.time.timestamp] transaction in
        try transaction.execute("UPDATE jobs SET given_up_at = $1", now)
      }
      try await bench.services.servers.resumeWeeklyPosts()
      #expect(try await due(bench) == monday + .seconds(7 * 86_400))
    }
  }

  @Test func aManagerSetsIt() async throws {
    try await withTracker { bench in
      let none = try await bench.give("killfeed weekly", permissions: .manageGuild)
      #expect(none.text == "This server has no weekly leaderboard. Name a channel to begin one.")
      let refused = try await bench.give("killfeed weekly", ["channel": .channel(channel)])
      #expect(refused.text.contains("Manage Server"))
      bench.network.fail(403, code: 50_013)
      let closed = try await bench.give("killfeed weekly", ["channel": .channel(channel)], permissions: .manageGuild)
      #expect(closed.text.hasPrefix("I cannot write in"))
      #expect(bench.services.servers.record(of: home).leaderboardChannel == nil)
      bench.network.recover()
      let begun = try await bench.give("killfeed weekly", ["channel": .channel(channel)], permissions: .manageGuild)
      #expect(
        begun.isEphemeral && begun.text == "Each Monday it is told in <#\(TrackerBench.channel)> who led the week.")
      #expect(bench.services.servers.record(of: home).leaderboardChannel == "\(TrackerBench.channel)")
      #expect(try await due(bench) == monday)
      let ended = try await bench.give("killfeed weekly", permissions: .manageGuild)
      #expect(ended.text == "The weekly leaderboard is off.")
      #expect(try await due(bench) == nil)
    }
  }
}
