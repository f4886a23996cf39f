import Commands
import Core
import Gateway
import HTTP
import HTTPTestSupport
import Platform
import StorageTestSupport
import Testing

@testable import KillTracker

/// `/kill report`, its buttons, `/kill reports`, `/link`, `/data`.
@Suite(.timeLimit(.minutes(2)))
struct ReportCommandTests {
  private static let cem = Gateway.User(id: 100_000_000_000_000_003, username: "cem")
  private static let robot = Gateway.User(id: 100_000_000_000_000_009, username: "robot", isBot: true)

  private func mentions(_ answer: Answer) -> [Snowflake] { answer.body.allowedMentions?.users ?? [] }

  @Test(arguments: TestEngine.available)
  func aReportedKillIsConfirmedByTheVictim(engine: TestEngine) async throws {
    try await withTracker(commands: engine) { bench in
      let report = try await bench.give(
        "kill report",
        [
          "member": .user(TrackerBench.bob), "weapon": .text("p4-ar rifle"), "place": .text("daymar"),
          "when": .text("10m ago"), "witness": .user(Self.cem),
        ])
      #expect(!report.isEphemeral && report.title == "A kill is reported")
      #expect(report.text.contains("<@\(TrackerBench.ann.id)> says they killed **Bob the \\*Bold\\***"))
      #expect(report.text.contains("P4-AR Rifle · Daymar"))
      #expect(report.field("Trust in the reporter") == "0.50 (0 confirmed, 0 rejected)")
      // The victim and the witness are called, nobody else.
      #expect(mentions(report) == [TrackerBench.bob.id, Self.cem.id] && report.body.allowedMentions?.parse == [])
      #expect(report.buttons.map(\.label) == ["Confirm", "Dispute", "Withdraw"])
      #expect(try await bench.services.kills.count() == 0)

      let own = try await bench.click("Confirm", of: report)
      #expect(own.text == ClaimRefusal.ownReport.message && own.isEphemeral)
      let confirmed = try await bench.click("Confirm", of: report, as: TrackerBench.bob)
      #expect(confirmed.isUpdate && confirmed.title == "A reported kill is confirmed" && confirmed.mentionsNobody)
      #expect(confirmed.field("How it stands") == "<@\(bob)>, the victim, confirmed it. Recorded as `kill_1`.")
      #expect(confirmed.buttons.map(\.label) == ["Dispute"])
      let kill = try await bench.services.kills.find(KillID(rawValue: 1), for: KillViewer(user: ann))
      #expect(kill.victim.user == bob && kill.killer.user == ann && kill.weapon == "P4-AR Rifle")
      #expect(kill.occurredAt == bench.time.timestamp + .seconds(-600))
      // The same button again, and one on an old message.
      #expect(try await bench.click("Confirm", of: report, as: TrackerBench.bob).title == confirmed.title)
      let late = try await bench.click("Withdraw", of: report)
      #expect(late.text == ClaimRefusal.confirmed.message)
      #expect(bench.discord.answers.dropLast().last?.title == confirmed.title)
      #expect(try await bench.services.kills.count() == 1)
    }
  }

  @Test func aDisputeIsForModerators() async throws {
    try await withTracker { bench in
      let report = try await bench.give("kill report", ["member": .user(TrackerBench.bob)])
      let disputed = try await bench.click("Dispute", of: report, as: TrackerBench.bob)
      #expect(disputed.title == "A reported kill is disputed")
      #expect(disputed.buttons.map(\.label) == ["Accept", "Reject", "Withdraw"])
      let refused = try await bench.click("Reject", of: disputed, as: TrackerBench.bob)
      #expect(refused.isEphemeral && refused.text.contains("Manage Server"))
      let listed = try await bench.give("kill reports", ["state": .text("disputed")], as: Self.cem)
      #expect(listed.isEphemeral)
      #expect(try await bench.services.claims.list(.disputed, in: home).count == 1)
      let rejected = try await bench.click("Reject", of: disputed, as: Self.cem, permissions: .manageGuild)
      #expect(rejected.title == "A reported kill is rejected" && rejected.buttons.isEmpty)
      #expect(rejected.field("Trust in the reporter") == "0.33 (0 confirmed, 1 rejected)")
      #expect(try await bench.services.kills.count() == 0)
      #expect(try await bench.give("kill reports").text == "No report is waiting to be confirmed here.")
    }
  }

  @Test func aWitnessSufficesForAHandleThatNobodyHas() async throws {
    try await withTracker { bench in
      let report = try await bench.give("kill report", ["victim": .text("@Evil_One"), "when": .text("11:30")])
      #expect(report.field("How it stands")?.hasPrefix("Waits for a witness or a moderator") == true)
      #expect(mentions(report).isEmpty && report.body.content == nil)
      let confirmed = try await bench.click("Confirm", of: report, as: TrackerBench.bob)
      #expect(confirmed.field("How it stands") == "<@\(bob)> vouched for it. Recorded as `kill_1`.")
    }
  }

  /// Somebody private is neither named nor called, and can confirm all the same.
  @Test func aPrivateVictimIsNotNamed() async throws {
    try await withTracker { bench in
      try await bench.prove("BobInSpace", TrackerBench.bob)
      _ = try await bench.services.players.update(bob, privacy: .private)
      let report = try await bench.give("kill report", ["victim": .text("bobinspace")])
      #expect(!report.text.lowercased().contains("bob") && !report.text.contains("\(bob)") && mentions(report).isEmpty)
      let disputed = try await bench.click("Dispute", of: report, as: TrackerBench.bob)
      #expect(!disputed.text.contains("\(bob)"))
      let confirmed = try await bench.click("Accept", of: disputed, as: Self.cem, permissions: .administrator)
      #expect(confirmed.title == "A reported kill is accepted" && !confirmed.text.contains("\(bob)"))
    }
  }

  @Test(
    arguments: [
      ([:], "Say who it was"), (["victim": .text("<@100000000000000002>")], "For a member of this server use"),
      (["member": .user(robot)], "A bot does not play."),
      (["member": .user(TrackerBench.ann)], "You cannot be your own"),
      (["victim": .text("x"), "witness": .user(robot)], "A bot is no witness."),
      (["victim": .text("x"), "when": .text("yesterday")], "`when` is no time."),
      (["victim": .text("x"), "when": .text("8d")], "A kill can be reported for seven days."),
      (["victim": .text("a\nb")], "victim: must not contain control characters."),
    ] as [(KeyValuePairs<String, TrackerBench.Input>, String)])
  func whatCannotBeIsSaidInTheUsersWords(
    inputs: KeyValuePairs<String, TrackerBench.Input>, message: String
  ) async throws {
    try await withTracker { bench in
      let answer = try await bench.give("kill report", inputs)
      #expect(answer.isEphemeral)
      #expect(answer.text.hasPrefix(message), "\(answer.text)")
    }
  }

  @Test func theSameReportTwiceIsSaidSo() async throws {
    try await withTracker { bench in
      try await bench.give("kill report", ["victim": .text("Evil_One")])
      #expect(
        try await bench.give("kill report", ["victim": .text("evil_one")]).text.hasPrefix(
          "You reported that already, as `report_1`."))
      try await bench.give("kill record", ["victim": .text("Other")])
      #expect(
        try await bench.give("kill report", ["victim": .text("Other")]).text == "That kill is known already: `kill_1`.")
    }
  }

  // MARK: - Handles

  @Test func aHandleIsProved() async throws {
    let site = CitizenSite()
    try await withServer(site.router()) { address, _ in
      try await withTestDatabase(.sqlite) { database in
        let bench = try await TrackerBench(
          database, proofs: { HandleProofs(players: $0.players, site: "http://\(address)", usesProxy: false) })
        #expect(try await bench.give("link check").text == "No proof is under way. `/link start` begins one.")
        let begun = try await bench.give("link start", ["handle": .text("Some-One")])
        #expect(begun.isEphemeral && begun.text.contains("](<http://\(address)/account/profile>)"))
        let token = try #require(begun.text.split(separator: "\n").first { $0.hasPrefix("ADJ-") }.map(String.init))
        #expect(try await bench.give("link show").text.contains("`\(token)`"))
        let missing = try await bench.click("Check", of: begun)
        #expect(missing.text.hasPrefix("The game's site has no page of **Some-One**."))
        site.show("Some-One", bio: nil)
        bench.time.advance(by: .seconds(60))
        let empty = try await bench.click("Check", of: begun)
        #expect(empty.isEphemeral && empty.text.contains("shows no bio yet") && empty.text.contains("in 60 seconds"))
        site.show("Some-One", bio: token)
        bench.time.advance(by: .seconds(60))
        // Another user's click is nothing.
        #expect(try await bench.click("Check", of: begun, as: TrackerBench.bob).isEphemeral)
        let proved = try await bench.click("Check", of: begun)
        #expect(proved.title == "It is you")
        #expect(try await bench.services.players.profile(of: ann).isVerified)
        bench.time.advance(by: .seconds(60))
        #expect(try await bench.give("link show").text.contains("**Some-One** is proved to be yours."))
        #expect(
          try await bench.give("link start", ["handle": .text("some-one")], as: TrackerBench.bob).text
            == "That handle is proved to be somebody else's.")
        #expect(try await bench.give("link remove").text.hasPrefix("Your handle is yours no longer."))
        #expect(try await bench.give("link remove").text == "You have no handle to give up.")
      }
    }
  }

  // MARK: - Data

  @Test func dataIsExportedAndDeleted() async throws {
    try await withTracker { bench in
      #expect(try await bench.give("data delete").text == "The bot keeps nothing about you.")
      try await bench.give("kill record", ["victim": .text("Evil_One")])
      let export = try await bench.give("data export")
      #expect(export.isEphemeral)
      let file = try #require(export.body.files.first)
      #expect(file.name == "killtracker-\(ann).json" && file.contentType == "application/json")
      #expect((200...5_000).contains(file.content.length))

      let asked = try await bench.give("data delete")
      #expect(asked.isEphemeral && asked.title == "Delete your data?" && asked.text.contains("1 kill"))
      #expect(try await bench.click("Keep", of: asked).text == "Nothing was deleted.")
      #expect(try await bench.services.kills.player("\(ann)") != nil)
      let again = try await bench.give("data delete")
      let done = try await bench.click("Delete", of: again)
      #expect(done.title == "Done" && done.text.contains("1 kill"))
      #expect(try await bench.services.kills.player("\(ann)") == nil)
      #expect(try await bench.services.kills.count() == 1)
      #expect(try await bench.click("Delete", of: again).text.contains("nothing left to delete"))
    }
  }
}

/// What people attach.
@Suite(.timeLimit(.minutes(2)))
struct AttachmentSourceTests {
  @Test(
    arguments: [
      ("https://cdn.discordapp.com/attachments/1/2/Game.log?ex=1", true), ("https://CDN.discordapp.com/x", true),
      ("https://media.discordapp.net/attachments/1/2/Game.log", true), ("http://cdn.discordapp.com/x", false),
      ("https://cdn.discordapp.com.evil.test/x", false), ("https://evil.test/cdn.discordapp.com/x", false),
      ("https://cdn.discordapp.com@evil.test/x", false), ("https://evil.test#@cdn.discordapp.com/x", false),
      ("https://cdn.discordapp.com:8443/x", false), ("https://discord.com/x", false), ("file:///etc/passwd", false),
      ("https://169.254.169.254/x", false), ("", false), ("https://cdn.discordapp.com\\@evil.test/", false),
      ("https://cdn.discordapp.com\\x", false),
    ] as [(String, Bool)])
  func onlyDiscordsOwnHostsAreAsked(url: String, isTaken: Bool) throws {
    let origin = AttachmentSource.origin(of: url)
    #expect((origin.map { AttachmentSource.origins.contains($0) } ?? false) == isTaken)
  }

  private func attachment(_ url: String, size: Int) throws -> Gateway.Attachment {
    try JSONParser().parse(
      Array(#"{"id": "1", "filename": "Game.log", "size": \#(size), "url": "\#(url)"}"#.utf8)
    ) { try Gateway.Attachment(json: $0) }
  }

  @Test func aFileIsReadAsItComesAndNotBeyondWhatWasAnnounced() async throws {
    let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
    var router = Router()
    router.on(.get, "/attachments/1/2/Game.log") { _ in
      HTTPResponse(bytes: bytes, contentType: "text/plain")
    }
    router.on(.get, "/moved") { _ in .redirect(to: "/attachments/1/2/Game.log") }
    try await withServer(router) { address, _ in
      let client = try HTTPClient(log: .silent, metrics: Metrics())
      let source = AttachmentSource(client: client, apiBase: "http://\(address)/api/v10")
      let real = AttachmentSource(client: client, apiBase: "https://discord.com/api/v10")
      let url = "http://\(address)/attachments/1/2/Game.log"
      var read: [UInt8] = []
      for try await piece in try await source.open(attachment(url, size: bytes.count)) { read += piece }
      #expect(read == bytes)
      await #expect(throws: HTTPClientError.self) {
        for try await _ in try await source.open(attachment(url, size: 1_000)) {}
      }
      // A bot at the real Discord asks nobody else.
      await #expect(throws: AttachmentError.self) { _ = try await real.open(attachment(url, size: 10)) }
      for path in ["moved", "none"] {
        await #expect(throws: AttachmentError.self) {
          _ = try await source.open(attachment("http://\(address)/\(path)", size: 10))
        }
      }
      await client.shutdown()
    }
  }
}
