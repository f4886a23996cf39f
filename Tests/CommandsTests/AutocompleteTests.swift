import Gateway
import Platform
import Synchronization
import Testing

@testable import Commands

struct AutocompleteTests {
  private struct Hangar: Sendable {
    var suggest: @Sendable (String, [String]) async throws -> [Suggestion<String>]
  }
  private struct Ships: AutocompleteProvider {
    func suggest(for typed: String, in context: AutocompleteContext<Hangar>) async throws -> [Suggestion<String>] {
      var others: [String] = []
      if case .string(let text) = context.value(of: "maker") { others.append(text) }
      return try await context.services.suggest(typed, others)
    }
  }
  private struct Sizes: AutocompleteProvider {
    func suggest(for typed: String, in context: AutocompleteContext<Hangar>) async throws -> [Suggestion<Int>] {
      [Suggestion("small", value: 1), Suggestion("typed \(typed)", value: 2)]
    }
  }
  private struct Show: SlashCommand {
    static let name = "show", summary = "Shows a ship"
    static let memberPermissions: Permissions? = .manageGuild
    @Option("Who built it", length: 1...50) var maker: String?
    @Option("Which", autocomplete: Ships.self) var ship: String?
    @Option("How large", autocomplete: Sizes.self) var size: Int?
    func run(in context: CommandContext<Hangar>) async throws -> Reply { "\(ship ?? "none")" }
  }

  private func bench(
    _ suggest: @escaping @Sendable (String, [String]) async throws -> [Suggestion<String>]
  ) throws -> RouterBench {
    try RouterBench([SamplePlugin.with([Show.self], services: Hangar(suggest: suggest))])
  }

  private func typing(
    _ option: String = "ship", _ value: String = #""au""#, type: Int = 3, permissions: Permissions = .manageGuild
  ) throws -> Interaction {
    try Sent.interaction(
      """
      {"id": "1", "application_id": "2", "type": 4, "token": "t", "version": 1, "guild_id": "\(Sent.guild)",
       "member": {"user": \(Sent.user), "roles": [], "joined_at": "2024-01-01T00:00:00Z",
       "permissions": "\(permissions)"}, "channel_id": "3",
       "data": {"id": "4", "name": "show", "type": 1, "options": [
         {"name": "maker", "type": 3, "value": "RSI"},
         {"name": "\(option)", "type": \(type), "value": \(value), "focused": true}]}}
      """)
  }

  @Test func whatIsTypedReachesTheProvider() async throws {
    let bench = try bench { typed, others in [Suggestion("\(typed) \(others)")] }
    await bench.router.handle(try typing(), isDraining: false)
    #expect(bench.responder.calls == [#"suggestions au ["RSI"]"#])
    #expect(bench.metrics.render().contains(#"adjutant_autocomplete_total{command="show",outcome="answered"} 1"#))
    #expect(bench.reports.all.isEmpty)
  }

  @Test(arguments: [(#""1""#, "typed 1"), ("1", "typed 1"), (#""""#, "typed "), (#""1e""#, "typed 1e")])
  func aNumberComesAsItIsTyped(value: String, name: String) async throws {
    let bench = try bench { _, _ in [] }
    await bench.router.handle(try typing("size", value, type: 4), isDraining: false)
    #expect(bench.responder.calls == ["suggestions small,\(name)"])
  }

  @Test func discordGetsNoMoreThanItTakes() async throws {
    let bench = try bench { _, _ in
      [
        Suggestion(String(repeating: "🚀", count: 80), value: "a"), Suggestion("", value: "b"),
        Suggestion("", value: ""),
      ]
        + [Suggestion("long", value: String(repeating: "x", count: 101))] + (0..<40).map { Suggestion("\($0)") }
    }
    await bench.router.handle(try typing(), isDraining: false)
    let names = try #require(bench.responder.calls.first).dropFirst(12).split(separator: ",")
    #expect(names.count == 25)
    #expect(names[0].utf16.count <= 100)
    #expect(names[0].utf16.count > 90)
    #expect(names[1] == "b")
    #expect(names[2] == "0")
  }

  private struct Broken: Error {}

  @Test func aFailureOffersNothingAndIsCounted() async throws {
    let bench = try bench { _, _ in throw Broken() }
    await bench.router.handle(try typing(), isDraining: false)
    #expect(bench.responder.calls == ["suggestions "])
    #expect(bench.metrics.render().contains(#"adjutant_autocomplete_total{command="show",outcome="failed"} 1"#))
    #expect(bench.sink.records.contains { $0.level == .error && $0.message == "suggestions failed" })
  }

  @Test func whatComesTooLateOffersNothing() async throws {
    let (started, start) = AsyncStream.makeStream(of: Void.self)
    let bench = try bench { _, _ in
      start.finish()
      try await Task.sleep(for: .seconds(3_600))
      return []
    }
    let task = bench.router.submit(try typing())
    for await _ in started {}
    await bench.time.waitForSleepers()
    bench.time.advance(by: Router.suggestionLimit)
    await task.value
    #expect(bench.responder.calls == ["suggestions "])
    #expect(bench.metrics.render().contains(#"adjutant_autocomplete_total{command="show",outcome="late"} 1"#))
  }

  @Test func whoMayNotUseTheCommandIsOfferedNothing() async throws {
    let bench = try bench { _, _ in
      Issue.record("asked")
      return []
    }
    await bench.router.handle(try typing(permissions: []), isDraining: false)
    bench.switches.disabled.withLock { _ = $0.insert("sample") }
    await bench.router.handle(try typing(), isDraining: false)
    await bench.router.handle(try typing("maker"), isDraining: false)
    #expect(bench.responder.calls == ["suggestions ", "suggestions ", "suggestions "])
  }

  @Test func theDeclarationSaysSo() throws {
    let command = try Show.command(services: Hangar { _, _ in [] })
    let options = command.definition(in: .global).options
    #expect(options.map(\.isAutocompleted) == [false, true, true])
    #expect(command.definition(in: .global).validate().isEmpty)
  }

  private struct Wrong: SlashCommand {
    static let name = "wrong", summary = "Its provider needs something else"
    @Option("Which", autocomplete: Ships.self) var ship: String
    func run(in context: CommandContext<Void>) async throws -> Reply { "" }
  }

  @Test func aProviderOfOtherServicesIsToldAtTheStart() {
    #expect(
      throws: DeclarationError(
        command: "wrong", option: "ship", problem: "its suggestions need other services than the command's")
    ) { try Wrong.command(services: ()) }
  }
}
