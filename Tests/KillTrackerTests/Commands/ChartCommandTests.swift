import Core
import Gateway
import Platform
import StorageTestSupport
import Testing

@testable import Commands
@testable import Drawing
@testable import KillTracker

/// `/chart` and `/card`: files with words, and whose.
@Suite(.timeLimit(.minutes(2)))
struct ChartCommandTests {
  private func record(_ bench: TrackerBench, _ count: Int, by user: UserID = ann, weapon: String = "FS-9 LMG")
    async throws
  {
    for number in 0..<count {
      bench.time.advance(by: .seconds(10))
      _ = try await bench.services.kills.record(
        KillReport(victim: .handle("Enemy\(number)"), kind: .pvp, serverID: guildA, weapon: weapon), by: reporter(user))
    }
  }

  /// The one file of an answer.
  private func file(_ answer: Answer, sourceLocation: SourceLocation = #_sourceLocation) throws -> FileUpload {
    #expect(answer.body.files.count == 1, "\(answer.text)", sourceLocation: sourceLocation)
    return try #require(answer.body.files.first, sourceLocation: sourceLocation)
  }

  @Test(arguments: TestEngine.available) func picturesComeAsFilesWithWords(engine: TestEngine) async throws {
    try await withTracker(commands: engine) { bench in
      try await record(bench, 3)
      try await record(bench, 1, weapon: "P4-AR")
      let days = try await bench.give("chart kills", ["days": .number(7)])
      #expect(!days.isEphemeral)
      let picture = try file(days)
      #expect(picture.name == "kills.png" && picture.contentType == "image/png" && picture.content.length > 1_000)
      #expect(
        picture.description
          == "Kills by day, ann · last 7 days · UTC: 4 PvP and 0 PvE kills from 12 Feb to 18 Feb; the most, 4, on 18 Feb."
      )
      let weapons = try file(try await bench.give("chart weapons"))
      #expect(weapons.description == "Weapons, ann · all time: FS-9 LMG 3 (75%), P4-AR 1 (25%).")
      let server = try file(try await bench.give("chart weapons", ["server": .flag(true)]))
      #expect(server.description == "Weapons, This server · last 90 days: FS-9 LMG 3 (75%), P4-AR 1 (25%).")
      let card = try file(try await bench.give("card"))
      #expect(card.name == "card.png")
      #expect(
        card.description
          == "ann, rank 1: 4 kills, 0 deaths, K/D 4, streak 4, best 4, favourite weapon FS-9 LMG, prey Enemy0.",
        "\(card.description ?? "")")
      // Of somebody without kills.
      let nobody = try file(try await bench.give("card", ["user": .user(TrackerBench.bob)]))
      #expect(nobody.description == "Bob the *Bold*: 0 kills, 0 deaths, K/D 0, streak 0, best 0.")
      let year = try file(try await bench.give("chart kills", ["days": .number(365), "server": .flag(true)]))
      #expect(year.description?.hasPrefix("Kills by week, This server · last 365 days · UTC: 4 PvP") == true)
      let both = try await bench.give("chart kills", ["server": .flag(true), "user": .user(TrackerBench.bob)])
      #expect(both.isEphemeral && both.text.contains("not both"))
    }
  }

  @Test func whoIsPrivateIsRefusedToOthersAndSeesTheirOwn() async throws {
    try await withTracker(commands: .sqlite) { bench in
      try await record(bench, 2)
      try await bench.services.players.update(ann, privacy: .private)
      for command in ["chart kills", "chart weapons", "card"] {
        let refused = try await bench.give(command, ["user": .user(TrackerBench.ann)], as: TrackerBench.bob)
        #expect(refused.isEphemeral && refused.body.files.isEmpty, "\(command)")
        let own = try await bench.give(command)
        #expect(own.isEphemeral && own.body.files.count == 1, "\(command)")
      }
      // The server's are everybody's, and name nobody.
      #expect(try await bench.give("chart kills", ["server": .flag(true)], as: TrackerBench.bob).body.files.count == 1)
    }
  }

  @Test func daysBecomeBars() {
    func days(_ count: Int) -> [AnalyticsService.Day] {
      (0..<count).map { number in
        AnalyticsService.Day(
          number: 20_502 - Int64(count - 1 - number),
          metrics: AnalyticsMetrics(PlayerCounts(kills: 3, deaths: 0, pvpKills: 1, pveKills: 2, entries: 3)))
      }
    }
    #expect(DayBars.bars(days(1)) == [.init(label: "18 Feb", pvp: 1, pve: 2)])
    #expect(DayBars.bars(days(92)).count == 92)
    let weeks = DayBars.bars(days(100))
    #expect(weeks.count == 15 && weeks.last == .init(label: "12 Feb", pvp: 7, pve: 14))
    #expect(weeks.first?.pvp == 2)
    #expect(DayBars.bars(days(365)).count <= DayChart.limit)
  }
}
