import Core
import Gateway
import Platform
import StorageTestSupport
import Testing

@testable import KillTracker

/// `/stats`, `/mykills`, `/leaderboard`, `/privacy`.
@Suite(.timeLimit(.minutes(2)))
struct StatisticsCommandTests {
  private func record(
    _ bench: TrackerBench, _ victim: String, by user: UserID = ann, weapon: String? = nil, server: String? = guildA,
    daysAgo: Int = 0
  ) async throws {
    _ = try await bench.services.kills.record(
      KillReport(
        victim: .handle(victim), occurredAt: bench.time.timestamp + .seconds(-86_400 * daysAgo), serverID: server,
        weapon: weapon), by: KillReporter(user: user))
    bench.time.advance(by: .seconds(10))
  }

  @Test(arguments: TestEngine.available)
  func statsTellWhatAPlayerDid(engine: TestEngine) async throws {
    try await withTracker(commands: engine) { bench in
      try await bench.prove("Ann_1", TrackerBench.ann)
      try await bench.prove("Bob1", TrackerBench.bob)
      for _ in 0..<3 { try await record(bench, "Bob1", weapon: "P4-AR Rifle") }
      try await record(bench, "Ann_1", by: bob)
      try await bench.give(
        "kill record", ["victim": .text("Nine Tails"), "pvp": .flag(false), "weapon": .text("Mine")])
      let answer = try await bench.give("stats")
      #expect(!answer.isEphemeral)
      #expect(answer.mentionsNobody)
      #expect(answer.title == "ann")
      #expect(answer.field("Kills") == "4")
      #expect(answer.field("Deaths") == "1")
      #expect(answer.field("K/D") == "4.00")
      #expect(answer.field("PvP") == "3")
      #expect(answer.field("PvE") == "1")
      #expect(answer.field("Rank") == "#1")
      #expect(answer.field("Favourite weapon") == "P4-AR Rifle (3)")
      #expect(answer.field("Streak") == "1 since the last death")
      #expect(answer.field("Play time") == "0h 0m")
      #expect(answer.field("Has killed most") == "Bob1 (3)")
      let recent = try #require(answer.field("Recent")).split(separator: "\n")
      #expect(recent.count == 5)
      #expect(recent[0].hasPrefix("**Ann\\_1** killed **Nine Tails** · Mine · <t:"))
      #expect(recent[1].hasPrefix("**Bob1** killed **Ann\\_1** · <t:"))

      // By handle in any case, and by member; a name is shown as plain text.
      #expect(try await bench.give("stats", ["handle": .text("bob1")]).field("Kills") == "1")
      let byMember = try await bench.give("stats", ["user": .user(TrackerBench.bob)])
      #expect(byMember.title == "Bob the \\*Bold\\*")
      #expect(byMember.field("Deaths") == "3")
      // Two at once, nobody, and somebody without kills.
      #expect(
        try await bench.give("stats", ["handle": .text("bob1"), "user": .user(TrackerBench.bob)]).text
          == "Name either a member or a handle, not both.")
      #expect(try await bench.give("stats", ["handle": .text("*who*")]).text.contains("**\\*who\\***"))
      let nobody = try await bench.give("stats", ["user": .user(.init(id: 5, username: "eve"))])
      #expect(nobody.text.contains("No kills and no deaths are recorded yet."))
    }
  }

  @Test func whoIsPrivateIsShownToThemselvesAlone() async throws {
    try await withTracker { bench in
      try await bench.prove("Ann1", TrackerBench.ann)
      try await bench.prove("Bob1", TrackerBench.bob)
      try await record(bench, "Bob1")
      try await record(bench, "Ann1", by: bob)
      let answer = try await bench.give("privacy private")
      #expect(answer.isEphemeral)
      #expect(answer.title == "You are private from now on")
      #expect(try await bench.give("privacy private").title == "You were private already")
      #expect(try await bench.give("privacy show").title == "You are private")

      // Bob gets nothing about her, and his own statistics, which all see, do not name her, though he met her.
      for inputs in [["handle": .text("Ann1")], ["user": .user(TrackerBench.ann)]]
        as [KeyValuePairs<String, TrackerBench.Input>]
      {
        let refused = try await bench.give("stats", inputs, as: TrackerBench.bob)
        #expect(refused.isEphemeral)
        #expect(refused.text == "That is somebody else's, or they keep it private.")
      }
      let bobs = try await bench.give("stats", as: TrackerBench.bob)
      #expect(!bobs.isEphemeral)
      #expect(!bobs.text.contains("Ann1"))
      #expect(bobs.field("Killed most by") == "Private player (1)")
      #expect(bobs.text.contains("**Private player** killed **Bob1**"))
      // His own list is for his own eyes, and he knows whom he fought.
      let mine = try await bench.give("mykills", as: TrackerBench.bob)
      #expect(mine.isEphemeral)
      #expect(mine.text.contains("**Ann1**"))

      // Her own, for her eyes.
      let own = try await bench.give("stats")
      #expect(own.isEphemeral)
      #expect(own.field("Kills") == "1")
      #expect(own.text.contains("Bob1"))
      #expect(try await bench.give("stats", ["handle": .text("ann1")]).isEphemeral)

      #expect(try await bench.give("privacy public").title == "You are public from now on")
      #expect(try await !bench.give("stats").isEphemeral)
    }
  }

  @Test func myKillsTurnsPages() async throws {
    try await withTracker { bench in
      #expect(try await bench.give("mykills").text.hasPrefix("No kills of yours are recorded."))
      for number in 1...7 { try await record(bench, "Victim\(number)") }
      var page = try await bench.give("mykills", ["limit": .number(3)])
      #expect(page.isEphemeral)
      #expect(page.body.embeds?[0].footer?.text == "Page 1 of 3 · 7 in all")
      #expect(page.text.contains("Victim7") && page.text.contains("Victim5") && !page.text.contains("Victim4"))
      #expect(page.text.contains("`kill_7`"))
      #expect(page.buttons.map(\.isDisabled) == [true, false])
      page = try await bench.click("Older", of: page)
      #expect(page.isUpdate)
      page = try await bench.click("Older", of: page)
      #expect(page.body.embeds?[0].footer?.text == "Page 3 of 3 · 7 in all")
      #expect(page.text.contains("Victim1"))
      #expect(page.buttons.map(\.isDisabled) == [false, true])
      // What was on the last page is gone meanwhile: it begins anew.
      for id in 1...4 {
        try await bench.services.kills.delete(KillID(rawValue: Int64(id)), by: KillViewer(user: ann))
      }
      let stale = page
      page = try await bench.click("Newer", of: stale)
      #expect(page.text.contains("Page 1 of 1"))
      #expect(page.buttons.isEmpty)
      // Nobody else turns them.
      #expect(try await !bench.click("Newer", of: stale, as: TrackerBench.bob).text.contains("Victim"))

      try await bench.prove("Ann1", TrackerBench.ann)
      try await record(bench, "Ann1", by: bob)
      #expect(
        try await bench.give("mykills", ["show": .text("deaths")]).body.embeds?[0].footer?.text
          == "Page 1 of 1 · 1 in all")
      #expect(try await bench.give("mykills", ["show": .text("both")]).text.contains("4 in all"))
    }
  }

  @Test(arguments: TestEngine.available)
  func theLeaderboardTellsRanksAndChanges(engine: TestEngine) async throws {
    try await withTracker(commands: engine) { bench in
      let empty = try await bench.give("leaderboard", ["period": .text("daily")])
      #expect(empty.text.contains("No kills were recorded in this server in this time."))
      // Yesterday bob led; today ann does. Somebody new has one.
      for _ in 0..<2 { try await record(bench, "x", by: bob, daysAgo: 1) }
      try await record(bench, "x", by: ann, daysAgo: 1)
      for _ in 0..<3 { try await record(bench, "x", by: ann) }
      for _ in 0..<2 { try await record(bench, "x", by: bob) }
      try await record(bench, "x", by: cem)
      try await record(bench, "x", by: cem, server: nil)
      let board = try await bench.give("leaderboard", ["period": .text("daily"), "type": .text("kills")])
      #expect(board.title == "Kills · Today")
      #expect(!board.isEphemeral)
      let lines = board.lines
      #expect(lines[1] == "`#1` **ann** · 3 · ▲1")
      #expect(lines[2] == "`#2` <@\(bob)> · 2 · ▼1")
      #expect(lines[3] == "`#3` <@\(cem)> · 1 · new")
      #expect(!board.text.contains("You"))
      let everywhere = try await bench.give(
        "leaderboard", ["period": .text("daily"), "scope": .text("everywhere"), "type": .text("kdr")],
        as: TrackerBench.bob)
      #expect(everywhere.text.contains("<@\(cem)> · 2.00 · new"))
      #expect(everywhere.title == "K/D · Today")
    }
  }

  @Test func theLeaderboardTurnsPagesAndShowsOnesOwnPlace() async throws {
    try await withTracker { bench in
      for number in 1...23 {
        for _ in 0..<(30 - number) { try await record(bench, "x", by: UserID(UInt64(2_000 + number))) }
      }
      var page = try await bench.give("leaderboard")
      #expect(page.lines.filter { $0.hasPrefix("`#") }.count == 10)
      #expect(page.text.contains("You are not ranked here."))
      #expect(page.buttons.map(\.isDisabled) == [true, false])
      try await record(bench, "x", by: ann)
      page = try await bench.click("Next", of: page)
      #expect(page.isUpdate)
      #expect(page.lines[1].hasPrefix("`#11` <@2011> · 19"))
      #expect(page.text.contains("You: `#24` **ann** · 1"))
      page = try await bench.click("Next", of: page)
      #expect(page.lines.filter { $0.hasPrefix("`#") }.count == 4)
      #expect(page.text.contains("`#24` **ann** · 1"))
      #expect(page.buttons.map(\.isDisabled) == [false, true])

      // Private from now on: nobody reads her name or place in what all see, and she reads it alone.
      try await bench.services.players.update(ann, privacy: .private)
      let turned = try await bench.click("Back", of: page)
      #expect(!turned.text.contains("You") && !turned.text.contains("ann"))
      let own = try await bench.give("leaderboard")
      #expect(own.isEphemeral)
      #expect(own.text.contains("You: `#24` **ann** · 1"))
      let next = try await bench.click("Next", of: own)
      #expect(next.text.contains("You: `#24`"))
      let others = try await bench.give("leaderboard", as: TrackerBench.bob)
      #expect(!others.text.contains("ann") && !others.text.contains("\(ann)"))
    }
  }
}
