import Core
import Gateway
import Platform
import Storage
import Synchronization
import Testing

@testable import Commands

struct ComponentRouterTests {
  private struct Notes: Sendable {
    var run: @Sendable (String) async throws -> Reply = { Reply($0) }
  }

  private struct Plain: ButtonHandler {
    static let name = "test.plain"
    var number: Int64
    func run(in context: CommandContext<Notes>) async throws -> Reply {
      try await context.services.run("number \(number)")
    }
  }
  private struct Mine: ButtonHandler {
    static let name = "test.mine"
    static let binding: ComponentBinding = [.user, .guild, .message]
    static let lifetime: Duration? = .seconds(60)
    static let answer = AnswerStyle.ephemeral
    func run(in context: CommandContext<Notes>) async throws -> Reply { try await context.services.run("mine") }
  }
  private struct Once: ButtonHandler {
    static let name = "test.once"
    static let use = ComponentUse.once
    var letter: String
    func run(in context: CommandContext<Notes>) async throws -> Reply { try await context.services.run(letter) }
  }
  private struct Either: ButtonHandler {
    static let name = "test.either"
    static let use = ComponentUse.oncePerMessage
    var accept: Bool
    func run(in context: CommandContext<Notes>) async throws -> Reply { try await context.services.run("\(accept)") }
  }
  private struct Vote: ButtonHandler {
    static let name = "test.vote"
    static let use = ComponentUse.oncePerUser
    func run(in context: CommandContext<Notes>) async throws -> Reply { try await context.services.run("voted") }
  }
  private struct People: SelectHandler {
    static let name = "test.people"
    func run(_ selection: [Gateway.User], in context: CommandContext<Notes>) async throws -> Reply {
      Reply(selection.map(\.username).joined(separator: "+"))
    }
  }
  private enum Rank: String, ChoiceSelectionValue { case recruit, officer }
  private struct Ranks: SelectHandler {
    static let name = "test.ranks"
    static let memberPermissions: Gateway.Permissions? = .manageRoles
    func run(_ selection: [Rank], in context: CommandContext<Notes>) async throws -> Reply {
      Reply(selection.map(\.title).joined(separator: "+"))
    }
  }
  private struct Report: ModalForm {
    static let title = "Report"
    static let introduction: String? = "Be **honest**."
    @Field("What happened?", length: 3...10, isParagraph: true) var whatHappened: String
    @Field("How bad?", radio: Rank.options) var level: Rank
    @Field("Who saw it?", values: 0...2) var witnesses: [Gateway.User]
    @Field("Sure?") var sure: Bool
  }
  private struct ReportDialog: ModalHandler {
    static let name = "test.report"
    var target: Snowflake
    func run(_ form: Report, in context: CommandContext<Notes>) async throws -> Reply {
      Reply(
        "\(target) \(form.whatHappened) \(form.level) \(form.witnesses.map(\.username)) \(form.sure)")
    }
  }
  /// The same handler as a program of last year had it, and as one of today has it.
  private struct Old: ButtonHandler {
    static let name = "test.aged"
    var id: Int64
    func run(in context: CommandContext<Notes>) async throws -> Reply { "old" }
  }
  private struct New: ButtonHandler {
    static let name = "test.aged"
    static let version: UInt8 = 2
    var id: Int64
    var page: Int
    static func migrated(from state: OutdatedState, version: UInt8) throws -> New {
      New(id: try state.decode(Old.self).id, page: 1)
    }
    func run(in context: CommandContext<Notes>) async throws -> Reply { "new \(id) \(page)" }
  }
  private struct Newest: ButtonHandler {
    static let name = "test.aged"
    static let version: UInt8 = 3
    func run(in context: CommandContext<Notes>) async throws -> Reply { "newest" }
  }

  private struct Sample: Plugin {
    let name = "sample", title = "Sample", summary = "For tests."
    var services = Notes()
    var make: @Sendable (Notes) throws -> [ComponentRoute] = { services in
      [
        try Plain.component(services: services), try Mine.component(services: services),
        try Once.component(services: services), try Either.component(services: services),
        try Vote.component(services: services), try People.component(services: services),
        try Ranks.component(services: services), try ReportDialog.component(services: services),
        try New.component(services: services),
      ]
    }
    func commands(among plugins: [PluginDescription]) throws -> [Command] { [] }
    func components() throws -> [ComponentRoute] { try make(services) }
  }

  private func bench(
    uses: ComponentUses? = nil, failing: [ReplyFailure?] = [],
    _ run: @escaping @Sendable (String) async throws -> Reply = { Reply($0) }
  ) throws -> RouterBench {
    try RouterBench([Sample(services: Notes(run: run))], failing: failing, uses: uses)
  }

  private func send(_ interaction: Interaction, to bench: RouterBench) async {
    await bench.router.handle(interaction, isDraining: false)
  }

  @Test func aClickCarriesItsStateAndChangesItsMessage() async throws {
    let bench = try bench()
    let id = try bench.issuer.customID(for: Plain(number: -7))
    await send(try Sent.component(id), to: bench)
    #expect(bench.responder.calls == ["update number -7"])
    let report = try #require(bench.reports.all.first)
    #expect(report.command == "test.plain")
    #expect(report.kind == .button)
    #expect(report.outcome == .succeeded)
    #expect(!bench.metrics.render().contains("pegasus_bot_commands_total{"))
  }

  @Test func aSlowClickIsAcknowledgedAndEditsItsMessage() async throws {
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let bench = try bench { _ in
      for await _ in gate {}
      return "late"
    }
    bench.router.submit(try Sent.component(try bench.issuer.customID(for: Plain(number: 1))))
    await bench.time.waitForSleepers()
    bench.time.advance(by: .seconds(2))
    await bench.responder.waitForCalls(1)
    open.finish()
    await bench.responder.waitForCalls(2)
    #expect(bench.responder.calls == ["deferredUpdate", "edit late"])
    _ = await bench.router.drain(limit: .seconds(1))
  }

  @Test func anErrorNeverTakesThePlaceOfTheMessage() async throws {
    let bench = try bench { _ in throw UserError("No coins.") }
    await send(try Sent.component(try bench.issuer.customID(for: Plain(number: 1))), to: bench)
    #expect(bench.responder.calls == ["message ephemeral No coins."])
  }

  @Test(arguments: [
    (100, 9, 55, 0, "message ephemeral mine"), (101, 9, 55, 0, "message ephemeral This is not for you."),
    (100, 8, 55, 0, "message ephemeral This belongs elsewhere: nothing was done."),
    (100, 9, 56, 0, "message ephemeral This belongs elsewhere: nothing was done."),
    (100, 9, 55, 59, "message ephemeral mine"), (100, 9, 55, 60, "message ephemeral This has expired."),
  ])
  func aBoundComponentWorksWhereItBelongs(
    user: UInt64, guild: UInt64, message: UInt64, seconds: Int, answer: String
  ) async throws {
    let bench = try bench()
    let id = try bench.issuer.bound(user: 100, guild: 9, message: 55).customID(for: Mine())
    bench.time.advance(by: .seconds(seconds))
    await send(
      try Sent.component(
        id, user: Snowflake(rawValue: user), guild: Snowflake(rawValue: guild), message: Snowflake(rawValue: message)),
      to: bench)
    #expect(bench.responder.calls == [answer])
  }

  @Test func whatIsBoundNeedsToKnowToWhat() throws {
    let issuer = try bench().issuer
    for (issuer, missing) in [
      (issuer, "user"), (issuer.bound(user: 1), "server"), (issuer.bound(user: 1, guild: 2), "message"),
    ] {
      #expect(throws: ComponentIDError.unbound(handler: "test.mine", to: missing)) {
        try issuer.customID(for: Mine())
      }
    }
  }

  @Test func aStateThatDoesNotFitIsTold() throws {
    let issuer = try bench().issuer
    #expect(throws: ComponentIDError.tooLong(handler: "test.once", characters: 130)) {
      try issuer.customID(for: Once(letter: String(repeating: "x", count: 76)))
    }
  }

  @Test func whatIsNotOursRunsNothingAndIsCounted() async throws {
    let bench = try bench { _ in
      Issue.record("it ran")
      return ""
    }
    let real = try bench.issuer.customID(for: Plain(number: 1))
    let stranger = ComponentIssuer(key: ComponentKey([UInt8](repeating: 9, count: 32)), time: bench.time)
    let forged = [
      "", "x", "giveaway:1", String(real.dropLast()) + "!", try stranger.customID(for: Plain(number: 1)),
      String(repeating: "A", count: 100),
    ]
    for id in forged { await send(try Sent.component(id), to: bench) }
    #expect(
      bench.responder.calls
        == forged.map { _ in
          "message ephemeral This does not come from me, or was changed on the way: nothing was done."
        })
    // Ours, but for a button.
    await send(try Sent.component(real, type: 3), to: bench)
    await send(try Sent.component(real, modalFields: "[]"), to: bench)
    #expect(bench.responder.calls.suffix(2).allSatisfy { $0.contains("older version") })
    #expect(bench.reports.all.isEmpty)
    let metrics = bench.metrics.render()
    #expect(metrics.contains(#"adjutant_component_refusals_total{reason="forged"} 6"#))
    #expect(metrics.contains(#"adjutant_component_refusals_total{reason="outdated"} 2"#))
  }

  @Test func anOlderStateIsReadByTheNewHandler() async throws {
    let bench = try bench()
    await send(try Sent.component(try bench.issuer.customID(for: Old(id: 5))), to: bench)
    #expect(bench.responder.calls == ["update new 5 1"])
    let newest = try RouterBench([
      Sample(make: { [try Newest.component(services: $0)] })
    ])
    await send(try Sent.component(try bench.issuer.customID(for: Old(id: 5))), to: newest)
    await send(try Sent.component(try bench.issuer.customID(for: Plain(number: 1))), to: newest)
    #expect(
      newest.responder.calls
        == [String](
          repeating: "message ephemeral This is from an older version of the bot and does nothing any more.", count: 2))
  }

  @Test func aPluginSwitchedOffTakesItsComponentsAlong() async throws {
    let bench = try bench()
    bench.switches.disabled.withLock { _ = $0.insert("sample") }
    let id = try bench.issuer.customID(for: Plain(number: 1))
    await send(try Sent.component(id), to: bench)
    #expect(bench.responder.calls[0].contains("switched off"))
    await send(try Sent.component(id, guild: nil), to: bench)
    #expect(bench.responder.calls[1] == "update number 1")
  }

  @Test func selectionsAreTyped() async throws {
    let bench = try bench()
    let people = try bench.issuer.customID(for: People())
    let resolved = #"{"users": {"7": {"id": "7", "username": "bob", "discriminator": "0"}}}"#
    await send(try Sent.component(people, type: 5, values: #"["7"]"#, resolved: resolved), to: bench)
    await send(try Sent.component(people, type: 5, values: #"["8"]"#, resolved: resolved), to: bench)
    let ranks = try bench.issuer.customID(for: Ranks())
    await send(try Sent.component(ranks, type: 3, values: #"["officer"]"#), to: bench)
    await send(
      try Sent.component(ranks, type: 3, values: #"["officer", "recruit"]"#, permissions: .manageRoles), to: bench)
    #expect(
      bench.responder.calls == [
        "update bob", "message ephemeral What you chose is not available any more.",
        "message ephemeral You need the permission **Manage Roles** for this.", "update Officer+Recruit",
      ])
  }

  private static func fields(_ story: String, level: String = "\"officer\"", witnesses: String = #"["7"]"#) -> String {
    """
    [{"type": 10, "id": 1},
     {"type": 18, "id": 2, "component": {"type": 4, "id": 3, "custom_id": "what_happened", "value": "\(story)"}},
     {"type": 18, "id": 4, "component": {"type": 21, "id": 5, "custom_id": "level", "value": \(level)}},
     {"type": 18, "id": 6, "component": {"type": 5, "id": 7, "custom_id": "witnesses", "values": \(witnesses)}},
     {"type": 18, "id": 8, "component": {"type": 23, "id": 9, "custom_id": "sure", "value": true}}]
    """
  }

  @Test(arguments: [
    (fields("a lot"), "message ephemeral 9 a lot officer [\"bob\"] true"),
    (fields("a lot", witnesses: "[]"), "message ephemeral 9 a lot officer [] true"),
    (fields("no"), "message ephemeral The option `What happened?` must have at least 3 characters."),
    (fields("far too long"), "message ephemeral The option `What happened?` must have at most 10 characters."),
    (fields(""), "message ephemeral The option `What happened?` is missing."),
    (fields("a lot", level: "null"), "message ephemeral The option `How bad?` is missing."),
    (fields("a lot", level: "\"god\""), "message ephemeral The option `How bad?` must be one of the choices offered."),
    (
      fields("a lot", witnesses: #"["8"]"#),
      "message ephemeral The option `Who saw it?` names something that is not in this server."
    ), ("[]", "message ephemeral The option `What happened?` is missing."),
  ])
  func aDialogIsTyped(fields: String, answer: String) async throws {
    let bench = try bench()
    let resolved = #"{"users": {"7": {"id": "7", "username": "bob", "discriminator": "0"}}}"#
    let id = try bench.issuer.customID(for: ReportDialog(target: 9))
    await send(try Sent.component(id, resolved: resolved, message: nil, modalFields: fields), to: bench)
    #expect(bench.responder.calls == [answer])
  }

  @Test func aDialogsDeclarationBecomesItsFields() throws {
    let modal = try bench().issuer.modal(
      prefill: ["whatHappened": "before", "level": "recruit"], for: ReportDialog(target: 1))
    let json = try JSON(encoding: modal)
    #expect(json["title"] == "Report")
    let items = try #require(json["components"]?.array)
    #expect(items.map { $0["type"]?.integer } == [10, 18, 18, 18, 18])
    #expect(
      items.dropFirst().map { $0["component"]?["custom_id"]?.string } == [
        "what_happened", "level", "witnesses", "sure",
      ])
    #expect(items.dropFirst().map { $0["component"]?["type"]?.integer } == [4, 21, 5, 23])
    let text = try #require(items[1]["component"])
    #expect(text["value"] == "before")
    #expect(text["style"] == 2)
    #expect(text["min_length"] == 3)
    #expect(items[2]["component"]?["options"]?[0]?["default"] == true)
    #expect(items[3]["component"]?["required"] == false)
    #expect(throws: DeclarationError.self) {
      try bench().issuer.modal(prefill: ["nothing": ""], for: ReportDialog(target: 1))
    }
  }

  // MARK: - Single use

  private func withUses(_ body: (SharedState) async throws -> Void) async throws {
    let database = try await Database.open(url: "sqlite::memory:")
    try await body(try await SharedState.open(database, time: ManualTime()))
    await database.close()
  }

  private static let late = "message ephemeral Someone was faster: this has been used already."

  @Test func theFirstClickWinsInAllProcesses() async throws {
    try await withUses { shared in
      let benches = try [bench(uses: shared.componentUses), bench(uses: shared.componentUses)]
      let id = try benches[0].issuer.customID(for: Once(letter: "a"))
      await withTaskGroup(of: Void.self) { group in
        for bench in benches {
          for user in 1...5 {
            group.addTask {
              guard let click = try? Sent.component(id, user: Snowflake(rawValue: UInt64(user))) else { return }
              await bench.router.handle(click, isDraining: false)
            }
          }
        }
      }
      let calls = benches.flatMap(\.responder.calls)
      #expect(calls.count { $0 == "update a" } == 1)
      #expect(calls.count { $0 == Self.late } == 9)
      // Another button of the handler, and the same in another message, are others.
      await send(try Sent.component(try benches[0].issuer.customID(for: Once(letter: "b"))), to: benches[0])
      await send(try Sent.component(id, message: 56), to: benches[0])
      #expect(benches[0].responder.calls.suffix(2) == ["update b", "update a"])
    }
  }

  @Test func acceptAndDeclineShareTheirUse() async throws {
    try await withUses { shared in
      let bench = try bench(uses: shared.componentUses)
      await send(try Sent.component(try bench.issuer.customID(for: Either(accept: true))), to: bench)
      await send(try Sent.component(try bench.issuer.customID(for: Either(accept: false))), to: bench)
      #expect(bench.responder.calls == ["update true", Self.late])
    }
  }

  @Test func everyUserVotesOnce() async throws {
    try await withUses { shared in
      let bench = try bench(uses: shared.componentUses)
      let id = try bench.issuer.customID(for: Vote())
      for user: Snowflake in [1, 2, 1] { await send(try Sent.component(id, user: user), to: bench) }
      #expect(bench.responder.calls == ["update voted", "update voted", Self.late])
      #expect(bench.metrics.render().contains(#"adjutant_component_refusals_total{reason="used"} 1"#))
    }
  }

  private struct Broken: Error {}

  @Test func whatSaidNoCanBeUsedAgainAndWhatBrokeCannot() async throws {
    try await withUses { shared in
      let failures = Mutex<[any Error]>([UserError("Not yet."), Broken()])
      let bench = try bench(uses: shared.componentUses) { text in
        if let failure = failures.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { throw failure }
        return Reply(text)
      }
      let id = try bench.issuer.customID(for: Once(letter: "a"))
      for _ in 0..<3 { await send(try Sent.component(id), to: bench) }
      #expect(bench.responder.calls[0] == "message ephemeral Not yet.")
      #expect(bench.responder.calls[1].contains("Something went wrong"))
      #expect(bench.responder.calls[2] == Self.late)
    }
  }

  @Test func whatIsUsedOnceEndsSomeDay() throws {
    let bench = try bench()
    let id = try bench.issuer.customID(for: Vote())
    let token = try #require(try ComponentToken(id, key: RouterBench.key.bytes.reveal()))
    #expect(token.expiry == bench.time.timestamp + .seconds(365 * 86_400))
    #expect(
      try ComponentToken(bench.issuer.customID(for: Plain(number: 1)), key: RouterBench.key.bytes.reveal())?.expiry
        == nil)
  }

  @Test func handlersThatCannotBeToldApartAreRefused() throws {
    #expect(throws: PluginRegistryError.self) {
      try PluginRegistry([Sample(make: { [try Old.component(services: $0), try New.component(services: $0)] })])
    }
  }
}
