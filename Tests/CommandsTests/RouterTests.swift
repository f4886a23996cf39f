import Gateway
import Platform
import Synchronization
import Testing

@testable import Commands

struct RouterTests {
  private struct Work: SlashCommand {
    static let name = "work", summary = "Does what the test says"
    func run(in context: CommandContext<Bench>) async throws -> Reply { try await context.services.run(context) }
  }
  private struct Secretly: SlashCommand {
    static let name = "secretly", summary = "The same for the invoker alone"
    static let answer = AnswerStyle.ephemeral
    static let contexts = CommandContexts.guildsAndDirectMessages
    func run(in context: CommandContext<Bench>) async throws -> Reply { try await context.services.run(context) }
  }
  private enum Manage: CommandGroup {
    static let name = "manage", summary = "For managers"
    static let memberPermissions: Permissions? = .manageGuild
    static var subcommands: [any SlashCommand<Bench>.Type] { [Ban.self] }
  }
  private struct Ban: SlashCommand {
    static let name = "ban", summary = "Bans"
    static let memberPermissions: Permissions? = .banMembers
    static let botPermissions: Permissions = .banMembers
    func run(in context: CommandContext<Bench>) async throws -> Reply { "banned" }
  }

  private static func plugin(
    isCore: Bool = false, _ run: @escaping @Sendable (CommandContext<Bench>) async throws -> Reply = { _ in "done" }
  ) -> SamplePlugin {
    SamplePlugin.with([Work.self, Secretly.self], groups: [Manage.self], services: Bench(run: run), isCore: isCore)
  }

  private struct Broken: Error, CustomStringConvertible { var description: String { "the disk is full" } }

  @Test func aCommandIsAnsweredCountedAndReported() async throws {
    let bench = try RouterBench([Self.plugin { "for \($0.user.username) in \($0.locale)" }])
    await bench.router.handle(try Sent.command("work"), isDraining: false)
    #expect(bench.responder.calls == ["message for ada in de"])
    let report = try #require(bench.reports.all.first)
    #expect(bench.reports.all.count == 1)
    #expect(report.command == "work")
    #expect(report.plugin == "sample")
    #expect(report.outcome == .succeeded)
    #expect(report.userID == 100_000_000_000_000_001)
    #expect(report.guildID == Sent.guild)
    #expect(report.undelivered == nil)
    let text = bench.metrics.render()
    #expect(text.contains(#"pegasus_bot_commands_total{command="work"} 1"#))
    #expect(text.contains(#"adjutant_command_outcomes_total{command="work",outcome="succeeded"} 1"#))
  }

  @Test func aSlowCommandIsDeferredAfterTwoSecondsAndEdited() async throws {
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let bench = try RouterBench([
      Self.plugin { _ in
        for await _ in gate {}
        return "late"
      }
    ])
    bench.router.submit(try Sent.command("secretly"))
    await bench.time.waitForSleepers()
    bench.time.advance(by: .milliseconds(1_999))
    #expect(bench.responder.calls == [])
    bench.time.advance(by: .milliseconds(1))
    await bench.responder.waitForCalls(1)
    #expect(bench.responder.calls == ["deferred ephemeral"])
    open.finish()
    await bench.responder.waitForCalls(2)
    #expect(bench.responder.calls == ["deferred ephemeral", "edit late"])
    #expect(await bench.router.drain(limit: .seconds(1)) == 0)
  }

  @Test func aUserErrorIsForTheUserAlone() async throws {
    let bench = try RouterBench([Self.plugin { _ in throw UserError("You have 5 coins, not 10.") }])
    await bench.router.handle(try Sent.command("work"), isDraining: false)
    #expect(bench.responder.calls == ["message ephemeral You have 5 coins, not 10."])
    #expect(bench.reports.all.map(\.outcome) == [.userError])
    #expect(bench.sink.records.filter { $0.level >= .warning }.isEmpty)
  }

  @Test func aCrashShowsAnIdThatIsInTheLog() async throws {
    let bench = try RouterBench([Self.plugin { _ in throw Broken() }])
    await bench.router.handle(try Sent.command("work"), isDraining: false)
    let line = try #require(bench.sink.records.first { $0.level == .error })
    let fields = Dictionary(uniqueKeysWithValues: line.fields.map { ($0.key, $0.value) })
    let id = try #require(bench.reports.all.first?.errorID)
    #expect(id.count == 8)
    #expect(fields["id"] == .string(id))
    #expect(fields["error"] == .failure(type: "Broken", text: "the disk is full"))
    let answer = try #require(bench.responder.calls.first)
    #expect(answer.hasPrefix("message ephemeral Something went wrong"))
    #expect(answer.contains(id))
    #expect(!answer.contains("disk"))
    #expect(bench.reports.all.map(\.outcome) == [.failed])
  }

  @Test func anAnswerThatDiscordRefusesIsReplacedByAnErrorId() async throws {
    let bench = try RouterBench([Self.plugin()], failing: [.rejected("embeds[0]: too long")])
    await bench.router.handle(try Sent.command("work"), isDraining: false)
    #expect(bench.responder.calls.first == "message done")
    let line = try #require(bench.sink.records.first { $0.level == .error })
    guard case .string(let id)? = line.fields.first(where: { $0.key == "id" })?.value else {
      return #expect(Bool(false))
    }
    #expect(bench.responder.calls.last?.contains(id) == true)
  }

  @Test func aCommandTooLateIsReportedAsNotDelivered() async throws {
    let bench = try RouterBench([Self.plugin()], failing: [.gone("Unknown interaction")])
    await bench.router.handle(try Sent.command("work"), isDraining: false)
    #expect(bench.responder.calls == ["message done"])
    #expect(bench.reports.all.first?.undelivered == .gone("Unknown interaction"))
  }

  @Test func aCommandOfAPluginSwitchedOffDoesNotRun() async throws {
    let bench = try RouterBench([Self.plugin { _ in throw Broken() }])
    bench.switches.disabled.withLock { _ = $0.insert("sample") }
    await bench.router.handle(try Sent.command("work"), isDraining: false)
    #expect(
      bench.responder.calls == [
        "message ephemeral **Sample** is switched off in this server. "
          + "A manager can switch it on with `/plugins enable`."
      ])
    #expect(bench.reports.all.map(\.outcome) == [.refused])
    #expect(bench.metrics.render().contains(#"pegasus_bot_commands_total{command="work"} 0"#))
  }

  @Test func aCorePluginCannotBeOff() async throws {
    let bench = try RouterBench([Self.plugin(isCore: true)])
    bench.switches.disabled.withLock { _ = $0.insert("sample") }
    await bench.router.handle(try Sent.command("work"), isDraining: false)
    #expect(bench.responder.calls == ["message done"])
  }

  private static let ban = #"[{"name": "ban", "type": 1, "options": []}]"#

  private static let permissionCases: [(Permissions, String)] = [
    ([], "You need the permission **Ban Members** and **Manage Server** for `/manage ban`."),
    (.manageGuild, "You need the permission **Ban Members** for `/manage ban`."),
    (.banMembers, "You need the permission **Manage Server** for `/manage ban`."),
    ([.banMembers, .manageGuild], "I need the permission **Ban Members** here for `/manage ban`."),
    (.administrator, "I need the permission **Ban Members** here for `/manage ban`."),
  ]

  @Test(arguments: permissionCases)
  func permissionsAreCheckedHereToo(permissions: Permissions, answer: String) async throws {
    let bench = try RouterBench([Self.plugin()])
    await bench.router.handle(
      try Sent.command("manage", options: Self.ban, permissions: permissions), isDraining: false)
    #expect(bench.responder.calls == ["message ephemeral \(answer)"])
    #expect(bench.reports.all.map(\.command) == ["manage ban"])
  }

  @Test func serverCommandsDoNotRunInDirectMessages() async throws {
    let bench = try RouterBench([Self.plugin(isCore: true)])
    await bench.router.handle(try Sent.command("work", permissions: nil), isDraining: false)
    await bench.router.handle(try Sent.command("secretly", permissions: nil), isDraining: false)
    #expect(
      bench.responder.calls == ["message ephemeral `/work` works in a server only.", "message ephemeral done"])
  }

  @Test(arguments: [
    ("gone", "[]", "gone"), ("manage", #"[{"name": "kick", "type": 1, "options": []}]"#, "manage kick"),
    ("manage", "[]", "manage"),
  ])
  func anUnknownCommandIsToldSo(name: String, options: String, path: String) async throws {
    let bench = try RouterBench([Self.plugin()])
    await bench.router.handle(try Sent.command(name, options: options), isDraining: false)
    #expect(bench.responder.calls == ["message ephemeral There is no command `/\(path)` any more."])
    #expect(bench.reports.all.isEmpty)
  }

  private struct Maintenance: CommandCheck {
    func check(_ request: CommandRequest) async throws {
      throw UserError("Maintenance: `/\(request.action.name)` comes back soon.")
    }
  }

  @Test func furtherChecksCanRefuse() async throws {
    let bench = try RouterBench([Self.plugin()], checks: [Maintenance()])
    await bench.router.handle(try Sent.command("work"), isDraining: false)
    #expect(bench.responder.calls == ["message ephemeral Maintenance: `/work` comes back soon."])
    #expect(bench.reports.all.map(\.outcome) == [.refused])
  }

  @Test func moreCommandsThanFitAreToldToTryAgain() async throws {
    var options = Router.Options()
    options.concurrency = 1
    options.queue = 1
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let started = Mutex(0)
    let bench = try RouterBench(
      [
        Self.plugin { _ in
          started.withLock { $0 += 1 }
          for await _ in gate {}
          return "done"
        }
      ], options: options)
    for _ in 0..<3 { bench.router.submit(try Sent.command("work")) }
    await bench.responder.waitForCalls(1)
    #expect(bench.responder.calls == ["message ephemeral The bot is busy. Try again in a moment."])
    #expect(started.withLock { $0 } <= 1)
    open.finish()
    await bench.responder.waitForCalls(3)
    #expect(bench.responder.calls.suffix(2) == ["message done", "message done"])
  }

  @Test func drainingWaitsForWhatRunsAndRefusesWhatComes() async throws {
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let bench = try RouterBench([
      Self.plugin { _ in
        for await _ in gate {}
        return "done"
      }
    ])
    bench.router.submit(try Sent.command("work"))
    await bench.time.waitForSleepers(1)
    async let cancelled = bench.router.drain(limit: .seconds(10))
    await bench.time.waitForSleepers(2)
    bench.router.submit(try Sent.command("work"))
    await bench.responder.waitForCalls(1)
    #expect(bench.responder.calls == ["message ephemeral The bot is restarting. Try again in a minute."])
    open.finish()
    #expect(await cancelled == 0)
    #expect(bench.responder.calls.last == "message done")
    #expect(bench.router.activeCount == 0)
  }

  @Test func drainingCancelsWhatDoesNotEnd() async throws {
    let bench = try RouterBench([
      Self.plugin { context in
        try await context.time.sleep(for: .seconds(3_600))
        return "never"
      }
    ])
    bench.router.submit(try Sent.command("work"))
    await bench.time.waitForSleepers(2)  // the deferral and the command itself
    async let cancelled = bench.router.drain(limit: .seconds(1))
    await bench.time.waitForSleepers(3)
    bench.time.advance(by: .seconds(1))
    #expect(await cancelled == 1)
    #expect(bench.responder.calls == ["message ephemeral The bot is restarting. Try again in a minute."])
    #expect(bench.reports.all.map(\.outcome) == [.cancelled])
  }

  @Test func progressAndFollowUpsGoOutInOrder() async throws {
    let bench = try RouterBench([
      Self.plugin { context in
        try await context.show("working")
        try await context.followUp("by the way")
        return "finished"
      }
    ])
    await bench.router.handle(try Sent.command("work"), isDraining: false)
    #expect(bench.responder.calls == ["message working", "followUp by the way", "edit finished"])
  }
}

struct PluginRegistryTests {
  private struct Ping: SlashCommand {
    static let name = "ping", summary = "s"
    func run(in context: CommandContext<Bench>) async throws -> Reply { "" }
  }
  private struct Wrong: SlashCommand {
    static let name = "Wrong", summary = ""
    func run(in context: CommandContext<Bench>) async throws -> Reply { "" }
  }

  @Test func clashesAndBadDeclarationsAreAllNamed() {
    let error = #expect(throws: PluginRegistryError.self) {
      try PluginRegistry([
        SamplePlugin.with([Ping.self, Wrong.self], services: Bench(), name: "a"),
        SamplePlugin.with([Ping.self], services: Bench(), name: "b"),
        SamplePlugin(name: "b"), SamplePlugin(name: "Bad Name"),
      ])
    }
    #expect(
      error?.problems == [
        "two plugins are named “b”",
        "“Bad Name” is not a plugin name: lower-case letters, digits, “-” and “_”, at most 32",
        "a: /Wrong: the name must be in lower case",
        "a: /Wrong: the description must have 1 to 100 characters, it has 0",
        "/ping is declared twice, by “a” and by “b”",
      ])
  }

  private final class Life: Sendable {
    let events = Mutex<[String]>([])
    func add(_ event: String) { events.withLock { $0.append(event) } }
  }
  private struct Living: Plugin {
    let name: String
    var title: String { name }
    let summary = "s"
    let life: Life
    var fails = false
    func commands(among plugins: [PluginDescription]) throws -> [Command] { [] }
    func start() async throws {
      life.add("start \(name)")
      if fails { throw UserError("no") }
    }
    func stop() async { life.add("stop \(name)") }
  }

  @Test func pluginsStopInTheOppositeOrder() async throws {
    let life = Life()
    let registry = try PluginRegistry([Living(name: "a", life: life), Living(name: "b", life: life)])
    try await registry.start(log: .silent)
    await registry.stop()
    #expect(life.events.withLock { $0 } == ["start a", "start b", "stop b", "stop a"])
  }

  @Test func whatHasStartedIsStoppedWhenOneFails() async throws {
    let life = Life()
    let registry = try PluginRegistry([
      Living(name: "a", life: life), Living(name: "b", life: life, fails: true), Living(name: "c", life: life),
    ])
    await #expect(throws: UserError.self) { try await registry.start(log: .silent) }
    #expect(life.events.withLock { $0 } == ["start a", "start b", "stop a"])
  }
}
