import Commands
import Core
import Gateway
import Platform
import StorageTestSupport
import Testing

@testable import KillTracker

/// `/kill`, `/ship`, `/location`, `/killtracker`, and what is offered while one types.
@Suite(.timeLimit(.minutes(2)))
struct KillCommandTests {
  @Test(arguments: TestEngine.available)
  func aKillIsRecordedByHand(engine: TestEngine) async throws {
    try await withTracker(commands: engine) { bench in
      let answer = try await bench.give(
        "kill record",
        [
          "victim": .text("Evil_One"), "weapon": .text("p4-ar rifle"), "place": .text("daymar"),
          "ship": .text("AEGS_Gladius"), "ago": .number(5),
        ])
      #expect(answer.isEphemeral)
      #expect(answer.mentionsNobody)
      #expect(answer.title == "Recorded")
      // Also the first time that somebody does anything.
      #expect(answer.text.contains("**ann** killed **Evil\\_One**"))
      let kill = try await bench.services.kills.find(KillID(rawValue: 1), for: KillViewer(user: ann))
      #expect(kill.killer.user == ann)
      #expect(kill.victim.name == "Evil_One")
      #expect(kill.weapon == "P4-AR Rifle")
      #expect(kill.location == "Daymar")
      #expect(kill.serverID == guildA)
      #expect(kill.source == .report)
      #expect(kill.confidence == 0.7)
      #expect(kill.details?["victimVehicle"] == "Aegis Gladius")
      #expect(kill.occurredAt == bench.time.timestamp + .seconds(-300))
      // Whoever uses a command is known to be a member.
      #expect(
        try await bench.shared.members.find(ann, in: GuildID(900_000_000_000_000_001))?.leftAt == nil)
      #expect(try await bench.shared.members.count(in: GuildID(900_000_000_000_000_001)) == 1)
    }
  }

  @Test func anInteractionThatComesTwiceIsOneKill() async throws {
    try await withTracker { bench in
      let first = try await bench.give("kill record", ["victim": .text("x")], interaction: 7)
      bench.time.advance(by: .seconds(60))
      let second = try await bench.give("kill record", ["victim": .text("x")], interaction: 7)
      #expect(first.title == "Recorded")
      #expect(second.title == "This kill was known already")
      #expect(try await bench.services.kills.count() == 1)
    }
  }

  @Test func aVictimCanBeAMemberSomebodyOfTheGameOrAnything() async throws {
    try await withTracker { bench in
      try await bench.give("kill record", ["victim": .text("<@\(TrackerBench.bob.id)>")])
      try await bench.give("kill record", ["victim": .text(" @Someone ")])
      try await bench.give(
        "kill record", ["victim": .text("Bob1"), "pvp": .flag(false), "place": .text("My <@1> place")])
      let kills = try await bench.services.kills.list(for: KillViewer(user: ann)).kills
      #expect(Set(kills.map(\.victim.user)) == [bob, nil])
      #expect(Set(kills.map(\.victim.name)) == ["\(bob)", "Someone", "Bob1"])
      #expect(try await bench.give("mykills").text.contains("**ann** killed **<@\(bob)>** · "))
      let pve = try #require(kills.first { $0.kind == .pve })
      #expect(pve.victim.playerID == nil)
      #expect(pve.location == "My <@1> place")
      let shown = try await bench.give("kill show", ["id": .text("\(pve.id)")])
      #expect(shown.field("Place") == "My \\<@\u{200B}1\\> place")
    }
  }

  @Test(
    arguments: [
      (["victim": .text("<@x>")], "That is no member that can be named here."),
      (["victim": .text("<@100000000000000002>"), "pvp": .flag(false)], "That is no member that can be named here."),
      (["victim": .text("   ")], "The victim: must not be empty."),
      (["victim": .text(String(repeating: "x", count: 65))], "The victim: at most 64 bytes."),
      (["victim": .text("<@100000000000000001>")], "The victim: nobody kills themselves in PvP: that is a suicide."),
      (
        ["victim": .text("x"), "weapon": .text(String(repeating: "x", count: 101))],
        "The weapon: at most 100 characters."
      ),
      (["victim": .text("x"), "place": .text("a\nb")], "The place: must not contain control characters."),
    ] as [(KeyValuePairs<String, TrackerBench.Input>, String)])
  func whatCannotBeIsSaidInTheUsersWords(
    inputs: KeyValuePairs<String, TrackerBench.Input>, message: String
  ) async throws {
    try await withTracker { bench in
      let answer = try await bench.give("kill record", inputs)
      #expect(answer.isEphemeral)
      #expect(answer.text.hasPrefix(message), "\(answer.text)")
      #expect(try await bench.services.kills.count() == 0)
    }
  }

  @Test func aKillIsDeletedOnceItIsConfirmed() async throws {
    try await withTracker { bench in
      let recorded = try await bench.give("kill record", ["victim": .text("Bob1")])
      #expect(recorded.buttons.map(\.label) == ["Delete …"])
      var question = try await bench.click("Delete …", of: recorded)
      #expect(question.isUpdate)
      #expect(question.title == "Delete this for good?")
      #expect(try await bench.services.kills.count() == 1)
      let kept = try await bench.click("Keep", of: question)
      #expect(kept.title == "Nothing was deleted")
      // Not by others, not even through the button.
      #expect(try await !bench.click("Delete", of: question, as: TrackerBench.bob).text.contains("is deleted"))
      let refused = try await bench.give("kill delete", ["id": .text("kill_1")], as: TrackerBench.bob)
      #expect(refused.text.hasPrefix("Only whoever recorded a kill"))
      #expect(refused.buttons.isEmpty)
      #expect(try await bench.services.kills.count() == 1)

      question = try await bench.give("kill delete", ["id": .text("1")])
      #expect(question.isEphemeral)
      let done = try await bench.click("Delete", of: question)
      #expect(done.text == "`kill_1` is deleted, and counts nowhere any more.")
      #expect(try await bench.services.kills.count() == 0)
      // Again: what was wanted is so. Elsewhere it is gone.
      #expect(try await bench.click("Delete", of: question).text.contains("is deleted"))
      #expect(try await bench.give("kill show", ["id": .text("kill_1")]).text.hasPrefix("There is no such kill."))
      #expect(try await bench.give("kill show", ["id": .text("kill_x")]).text.hasPrefix("That is no id of a kill."))
    }
  }

  @Test(arguments: [Gateway.Permissions.manageGuild, .administrator])
  func whoManagesTheServerDeletesItsKills(permissions: Gateway.Permissions) async throws {
    try await withTracker { bench in
      try await bench.give("kill record", ["victim": .text("x")])
      // Of another server, and of none.
      for server in ["900000000000000002", nil] {
        _ = try await bench.services.kills.record(
          KillReport(victim: .handle("y"), serverID: server), by: KillReporter(user: ann))
        bench.time.advance(by: .seconds(5))
      }
      for id in [2, 3] {
        let refused = try await bench.give(
          "kill delete", ["id": .text("\(id)")], as: TrackerBench.bob, permissions: permissions)
        #expect(refused.text.hasPrefix("Only whoever recorded a kill"))
      }
      let question = try await bench.give(
        "kill delete", ["id": .text("1")], as: TrackerBench.bob, permissions: permissions)
      // Without the permission any more, the button does nothing.
      #expect(try await !bench.click("Delete", of: question, as: TrackerBench.bob).text.contains("is deleted"))
      let done = try await bench.click("Delete", of: question, as: TrackerBench.bob, permissions: permissions)
      #expect(done.text.contains("is deleted"))
      #expect(try await bench.services.kills.count() == 2)
    }
  }

  @Test func aKillOfSomebodyPrivateShowsThemToThoseWhoTookPart() async throws {
    try await withTracker { bench in
      try await bench.prove("Bob1", TrackerBench.bob)
      try await bench.give("kill record", ["victim": .text("Bob1")])
      try await bench.services.players.update(bob, privacy: .private)
      #expect(try await bench.give("kill show", ["id": .text("1")]).text.contains("Bob1"))
      let stranger = try await bench.give("kill show", ["id": .text("1")], as: .init(id: 9, username: "eve"))
      #expect(stranger.isEphemeral)
      #expect(stranger.text.contains("killed **Private player**"))
      #expect(!stranger.text.contains("Bob1"))
    }
  }

  // MARK: - Reference

  @Test func ownKillsAndNamesAreOffered() async throws {
    try await withTracker { bench in
      #expect(try await bench.offers("kill show", "id", "").isEmpty)
      try await bench.give("kill record", ["victim": .text("Alpha")])
      try await bench.give("kill record", ["victim": .text("Beta")])
      try await bench.give("kill record", ["victim": .text("Gamma")], as: TrackerBench.bob)
      let own = try await bench.offers("kill delete", "id", "")
      #expect(own.map(\.value) == [.string("kill_2"), .string("kill_1")])
      #expect(try await bench.offers("kill show", "id", "alph").map(\.value) == [.string("kill_1")])
      // Whom one met, once each; nobody of the game, and nobody whom others met.
      try await bench.give("kill record", ["victim": .text("beta")])
      try await bench.give("kill record", ["victim": .text("Turret"), "pvp": .flag(false)])
      #expect(try await bench.offers("kill record", "victim", "").map(\.name) == ["Alpha", "Beta", "beta"])
      #expect(try await bench.offers("kill record", "victim", "al").map(\.name) == ["Alpha"])
      #expect(try await bench.offers("kill record", "weapon", "p4-ar").first?.name == "P4-AR \"Boneyard\" Rifle")
      #expect(try await bench.offers("kill record", "place", "daymar").first?.name == "Daymar")
      let ships = try await bench.offers("ship", "name", "gladius")
      #expect(ships.first?.name == "Gladius · Aegis Dynamics")
      #expect(ships.first?.value == .string("AEGS_Gladius"))
      #expect(try await bench.offers("location", "name", "").count == 25)
      #expect(try await bench.offers("location", "name", "qqqq").isEmpty)
    }
  }

  @Test(arguments: ["AEGS_Gladius", "gladius", "Aegis Gladius", "Aegis Dynamics Gladius", " Gladius · Aegis Dynamics "])
  func aShipIsFoundByEachOfItsNames(name: String) async throws {
    try await withTracker { bench in
      let answer = try await bench.give("ship", ["name": .text(name)])
      #expect(answer.title == "Gladius")
      #expect(answer.field("Maker") == "Aegis Dynamics")
      #expect(answer.field("Kind") == "Combat")
      #expect(try #require(answer.field("Price")).hasSuffix(" aUEC"))
      #expect(answer.body.embeds?[0].footer?.text.contains("2024-12-10") == true)
    }
  }

  @Test func whatIsNotKnownIsSaidWithWhatIsMeant() async throws {
    try await withTracker { bench in
      #expect(
        try await bench.give("ship", ["name": .text("*qq*")]).text == "No ship or vehicle is known as **\\*qq\\***.")
      let many = try await bench.give("ship", ["name": .text("vanguard")])
      #expect(many.text.contains("can be more than one ship or vehicle"))
      #expect(many.text.contains("Vanguard Hoplite · Aegis Dynamics"))
      #expect(try await bench.give("location", ["name": .text("qq")]).text == "No place is known as **qq**.")
      let noPrice = try await bench.give("ship", ["name": .text("GAMA_Tyilui")])
      #expect(noPrice.text.contains("The catalogue has no price"))
    }
  }

  @Test func aPlaceTellsWhereItIsAndHowManyDiedThere() async throws {
    try await withTracker { bench in
      try await bench.give("kill record", ["victim": .text("x"), "place": .text("Daymar")])
      _ = try await bench.services.kills.record(
        KillReport(victim: .handle("y"), location: "Daymar"), by: KillReporter(user: bob))
      let answer = try await bench.give("location", ["name": .text("daymar")])
      #expect(answer.title == "Daymar")
      #expect(answer.field("System") == "Stanton")
      #expect(answer.field("At") == "Crusader")
      #expect(answer.field("Kills here, of this server") == "1")
      #expect(answer.field("Of all servers") == "2")
    }
  }

  @Test func theStatusSaysPlainlyWhatThereIs() async throws {
    try await withTracker { bench in
      try await bench.give("kill record", ["victim": .text("x")])
      _ = try await bench.services.kills.record(
        KillReport(
          victim: .handle("y"), occurredAt: bench.time.timestamp + .seconds(-8 * 86_400), serverID: guildA),
        by: KillReporter(user: ann))
      _ = try await bench.services.kills.record(KillReport(victim: .handle("z")), by: KillReporter(user: ann))
      let answer = try await bench.give("killtracker status")
      #expect(answer.text.contains("Star Citizen does not write kills to its log any more."))
      #expect(answer.field("Recorded in this server") == "2")
      #expect(answer.field("In the last seven days") == "1")
      #expect(answer.field("Everywhere") == "3")
      // Only what this bot has is named.
      let advice = try #require(answer.field("What to do instead"))
      #expect(advice.contains("`/kill record`"))
      #expect(!advice.contains("`/apikey create`"))
      let old = try await bench.give("killtracker status", ["build": .number(10_392_434)])
      #expect(old.title == "Logs of build 10392434")
      #expect(old.field("Kills") == "those that concern the player")
      #expect(old.field("Vehicles lost") == "yes")
      let new = try await bench.give("killtracker status", ["build": .number(12_200_000)])
      #expect(new.field("Kills") == "no")
      #expect(new.field("Own death in a lost vehicle") == "no")
    }
  }

  /// What `/killtracker status` prints of builds must be what the parser knows of them.
  @Test func theTableOfBuildsIsThatOfTheParser() {
    let table = ShowTrackerStatus.table
    for border in [
      LogCapabilities.lastWithKills, LogCapabilities.lastWithIncapacitations, LogCapabilities.lastWithDeadState,
    ] { #expect(table.contains("build \(border) ")) }
  }

  @Test func everyAnswerFitsIntoDiscordsLimits() {
    let long = String(repeating: "*", count: 100)
    let party = KillParty(playerID: 1, user: ann, name: long, avatarURL: nil, isHidden: false)
    let kill = Kill(
      id: KillID(rawValue: .max), killer: party, victim: party, serverID: guildA, weapon: long, location: long,
      occurredAt: Timestamp(seconds: 1_770_000_000), recordedAt: Timestamp(seconds: 0),
      updatedAt: Timestamp(seconds: 0),
      kind: .pvp, confidence: 1, source: .api, isConfirmed: true, reporter: ann,
      details: ["victimVehicle": .string(long)])
    #expect(TrackerWords.line(kill).utf16.count < 400)
    let embed = FeedWords.embed(of: FeedMessage.Item(kill: kill, vehicle: long, vehiclePrice: 1_000_000_000))
    #expect((embed.description ?? "").utf16.count + (embed.footer?.text.utf16.count ?? 0) < 600)
    let card = KillCard(kill).embed(title: "x")
    #expect(card.fields.allSatisfy { $0.value.utf16.count <= 1_024 })
  }
}
