import Core
import Gateway
import Platform
import Storage
import Testing

@testable import Commands

struct AdmissionTests {
  private enum Manage: CommandGroup {
    static let name = "manage", summary = "For managers"
    static let memberPermissions: Gateway.Permissions? = .manageGuild
    static var subcommands: [any SlashCommand<Bench>.Type] { [Tidy.self] }
  }
  private struct Tidy: SlashCommand {
    static let name = "tidy", summary = "Tidies"
    static let category = RateLimitCategory.heavy
    func run(in context: CommandContext<Bench>) async throws -> Reply { "tidy" }
  }
  private struct Secret: SlashCommand {
    static let name = "secret", summary = "For owners"
    static let isOwnerOnly = true
    func run(in context: CommandContext<Bench>) async throws -> Reply { "secret" }
  }
  private struct Exceptions: PermissionExceptionSource {
    var table: PermissionExceptions
    func exceptions(for user: Snowflake, in guild: Snowflake) async throws -> PermissionExceptions { table }
  }

  private static let plugin = SamplePlugin.with([Secret.self], groups: [Manage.self], services: Bench(), isCore: true)
  private static let tidy = #"[{"name": "tidy", "type": 1, "options": []}]"#
  private static let ada: Snowflake = 100_000_000_000_000_001

  private static let needed = "message ephemeral You need the permission **Manage Server** for `/manage tidy`."
  private static let forbidden =
    "message ephemeral A manager of this server has forbidden you to use `/manage tidy`."

  private static let cases: [(PermissionExceptions, Gateway.Permissions, Bool, String)] = [
    ([:], [], false, needed), ([:], .manageGuild, false, "message tidy"), ([:], [], true, "message tidy"),
    (["manage": true], [], false, "message tidy"), (["manage tidy": true], [], false, "message tidy"),
    (["other": true], [], false, needed), (["manage": true, "manage tidy": false], [], false, forbidden),
    (["manage": false, "manage tidy": true], [], false, "message tidy"),
    (["manage": false], .manageGuild, false, forbidden), (["manage": false], .administrator, false, "message tidy"),
    (["manage": false], [], true, "message tidy"),
  ]

  @Test(arguments: cases)
  func theMostSpecificExceptionCounts(
    exceptions: PermissionExceptions, permissions: Gateway.Permissions, isOwner: Bool, answer: String
  ) async throws {
    let bench = try RouterBench(
      [Self.plugin], owners: isOwner ? [Self.ada] : [], exceptions: Exceptions(table: exceptions))
    await bench.router.handle(
      try Sent.command("manage", options: Self.tidy, permissions: permissions), isDraining: false)
    #expect(bench.responder.calls == [answer])
  }

  @Test(arguments: [
    (PermissionExceptions(), Gateway.Permissions.administrator, false),
    (PermissionExceptions(dictionaryLiteral: ("secret", true)), .administrator, false),
    (PermissionExceptions(), Gateway.Permissions(), true),
  ])
  func onlyOwnersMayWhatIsTheirs(
    exceptions: PermissionExceptions, permissions: Gateway.Permissions, isOwner: Bool
  ) async throws {
    let bench = try RouterBench(
      [Self.plugin], owners: isOwner ? [Self.ada] : [5], exceptions: Exceptions(table: exceptions))
    await bench.router.handle(try Sent.command("secret", permissions: permissions), isDraining: false)
    #expect(
      bench.responder.calls == [
        isOwner ? "message secret" : "message ephemeral `/secret` is for those who run this bot."
      ])
  }

  @Test func whoIsTooFastIsToldWhenToComeBack() async throws {
    let bench = try RouterBench([Self.plugin], isLimited: true)
    for _ in 0..<3 {
      await bench.router.handle(
        try Sent.command("manage", options: Self.tidy, permissions: .manageGuild), isDraining: false)
    }
    let again = "message ephemeral You are too fast for me. You can use `/manage tidy` again <t:1700000300:R>."
    #expect(bench.responder.calls == ["message tidy", again, again])
    #expect(bench.reports.all.map(\.refusal?.reason) == [nil, .rateLimit, .rateLimit])
    #expect(bench.reports.all.compactMap(\.refusal?.isNoteworthy) == [true, false])
    #expect(bench.metrics.render().contains(#"adjutant_command_refusals_total{reason="rateLimit"} 2"#))
    // What was refused for another reason costs nothing.
    let other = try RouterBench([Self.plugin], isLimited: true)
    await other.router.handle(try Sent.command("manage", options: Self.tidy), isDraining: false)
    await other.router.handle(
      try Sent.command("manage", options: Self.tidy, permissions: .manageGuild), isDraining: false)
    #expect(other.responder.calls == [Self.needed, "message tidy"])
  }

  @Test func duringMaintenanceOwnersAlonePass() async throws {
    let database = try await Database.open(url: "sqlite::memory:")
    let time = ManualTime()
    let shared = try await SharedState.open(database, time: time)
    let mode = shared.maintenance
    func answers(owners: Set<Snowflake>) async throws -> [String] {
      let responder = FakeResponder()
      let router = Router(
        catalog: try PluginRegistry([Self.plugin]).catalog,
        admission: Admission(enabled: FakeSwitches(), owners: owners, maintenance: mode), responder: responder,
        componentKey: RouterBench.key, time: time, metrics: Metrics(), log: .silent)
      await router.handle(
        try Sent.command("manage", options: Self.tidy, permissions: .manageGuild), isDraining: false)
      return responder.calls
    }
    #expect(try await answers(owners: []) == ["message tidy"])
    try await mode.set(Maintenance(reason: "Until 8 pm.", since: time.timestamp, by: UserID(7)), by: UserID(7))
    #expect(
      try await answers(owners: []) == [
        "message ephemeral The bot is being worked on and takes no commands for the moment. Until 8 pm."
      ])
    #expect(try await answers(owners: [Self.ada]) == ["message tidy"])
    // Another process sees it, and its end, within seconds.
    let other = try await SharedState.open(database, time: time)
    #expect(try await other.maintenance.current()?.reason == "Until 8 pm.")
    try await mode.set(nil, by: UserID(7))
    #expect(try await other.maintenance.current() != nil)
    time.advance(by: MaintenanceMode.staleAfter)
    #expect(try await other.maintenance.current() == nil)
    #expect(try await answers(owners: []) == ["message tidy"])
    let audited = try await shared.auditLog.recent().map(\.entry.action)
    #expect(audited.sorted() == ["maintenance_ended", "maintenance_started"])
    await database.close()
  }
}
