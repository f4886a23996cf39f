import Commands
import Core
import Gateway
import Platform
import Storage
import Synchronization

@testable import Administration

/// The plugin with a real core over SQLite, and Discord in memory.
struct AdministrationBench {
  let time = ManualTime()
  let responder: FakeDiscord
  let store = FakeDiscord.Commands()
  let shared: SharedState
  let registration: CommandRegistration
  let router: Router
  let database: Database

  static let guild: Snowflake = 900_000_000_000_000_001
  static let user: Snowflake = 100_000_000_000_000_001

  init(others: [any Plugin], defaults: [String: Bool] = [:], owners: Set<Snowflake> = []) async throws {
    responder = FakeDiscord(time: time)
    database = try await Database.open(url: "sqlite::memory:")
    shared = try await SharedState.open(database, time: time)
    let enabled = GuildPlugins(switches: shared.switches, defaults: defaults)
    registration = CommandRegistration(enabled: enabled, store: store, log: .silent)
    let admission = Admission(
      enabled: enabled, owners: owners, exceptions: StoredPermissionExceptions(shared.permissions),
      maintenance: shared.maintenance)
    let plugin = AdministrationPlugin(
      status: FakeStatus(), shared: shared, enabled: enabled, admission: admission, registration: registration,
      log: .silent)
    let registry = try PluginRegistry([plugin] + others)
    router = Router(
      catalog: registry.catalog, admission: admission, responder: responder,
      componentKey: try await ComponentKey.load(from: shared.state), uses: shared.componentUses, time: time,
      metrics: Metrics(), log: .silent)
    try await registration.start(registry.catalog)
    try await registration.synchronize(.guild(Self.guild))
  }

  /// Gives a command in the guild, or with `permissions` nil in a direct message, and returns the last answer.
  func give(
    _ name: String, options: [CommandOptionData] = [], resolved: ResolvedData = ResolvedData(),
    permissions: DiscordPermissions? = .manageGuild
  ) async throws -> Answer {
    let user = User(id: Self.user, username: "ada")
    let interaction = Interaction(
      id: 1, applicationID: 2, type: .applicationCommand,
      data: .command(CommandData(id: 4, name: name, options: options, resolved: resolved)),
      token: Secret("secret-token"),
      guildID: permissions == nil ? nil : Self.guild, channelID: 3,
      member: permissions.map { Member(user: user, permissions: $0) }, user: user, appPermissions: [])
    let before = responder.answers.count
    await router.submit(interaction).value
    let answers = responder.answers.dropFirst(before)
    return answers.last ?? Answer(text: "nothing", isEphemeral: false, fields: [:])
  }

  func switchPlugin(
    _ verb: String, _ plugin: String, permissions: DiscordPermissions = .manageGuild
  ) async throws -> Answer {
    try await give(
      "plugins",
      options: [
        CommandOptionData(
          name: verb, type: .subcommand,
          options: [CommandOptionData(name: "plugin", type: .string, value: .string(plugin))])
      ], permissions: permissions)
  }
}

struct Answer: Sendable {
  var text: String
  var isEphemeral: Bool
  var fields: [String: String]
}

struct FakeStatus: BotStatus {
  let version = "1.2.3"
  let uptime: Duration = .seconds(93_784)
  let guildCount = 42
  let sourceURL: String? = "https://example.org/adjutant"
  func heartbeatLatency(for guild: Snowflake?) async -> Duration? { .milliseconds(41) }
}

/// Discord's answers and command lists in memory. An answer takes 7 ms.
final class FakeDiscord: InteractionResponder {
  private let time: ManualTime
  private let stored = Mutex<[Answer]>([])

  init(time: ManualTime) { self.time = time }

  var answers: [Answer] { stored.withLock { $0 } }

  private func record(_ body: MessageBody) {
    time.advance(by: .milliseconds(7))
    let embeds = body.embeds ?? []
    let texts = [body.content] + embeds.flatMap { [$0.title, $0.description] }
    let answer = Answer(
      text: texts.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " | "),
      isEphemeral: body.flags?.contains(.ephemeral) == true,
      fields: Dictionary(embeds.flatMap(\.fields).map { ($0.name, $0.value) }, uniquingKeysWith: { $0 + $1 }))
    stored.withLock { $0.append(answer) }
  }

  func respond(to interaction: InteractionHandle, with response: InteractionResponse) async throws(ReplyFailure) {
    guard case .message(let body) = response else { throw .rejected("not expected: \(response)") }
    record(body)
  }
  func edit(
    _ target: ReplyTarget, of interaction: InteractionHandle, to body: MessageBody
  ) async throws(ReplyFailure) { record(body) }
  func delete(_ target: ReplyTarget, of interaction: InteractionHandle) async throws(ReplyFailure) {}
  func followUp(
    _ interaction: InteractionHandle, with body: MessageBody
  ) async throws(ReplyFailure) -> Snowflake {
    record(body)
    return 7
  }

  final class Commands: CommandStore {
    private let lists = Mutex<[CommandScope: [ApplicationCommandDefinition]]>([:])
    private let away = Mutex(false)

    func names(_ scope: CommandScope) -> [String] { lists.withLock { ($0[scope] ?? []).map(\.name) } }
    func definition(_ name: String, in scope: CommandScope) -> ApplicationCommandDefinition? {
      lists.withLock { $0[scope]?.first { $0.name == name } }
    }
    func set(isAway: Bool) { away.withLock { $0 = isAway } }

    func commands(in scope: CommandScope) async throws -> [ApplicationCommandDefinition] {
      if away.withLock({ $0 }) { throw UserError("Discord is away") }
      return lists.withLock { $0[scope] ?? [] }
    }
    func overwrite(_ commands: [ApplicationCommandDefinition], in scope: CommandScope) async throws {
      lists.withLock { $0[scope] = commands }
    }
  }
}

struct CoinsPlugin: Plugin {
  let name = "coins"
  let title = "Coins"
  let summary = "Money of the server."

  func commands(among plugins: [PluginDescription]) throws -> [Command] {
    [try Pay.command(services: ()), try Fine.command(services: ())]
  }

  struct Pay: SlashCommand {
    static let name = "pay", summary = "Send coins"
    @Option("How many", range: 1...9) var amount: Int
    @Option("What for", length: 1...50) var note: String?
    func run(in context: CommandContext<Void>) async throws -> Reply { "paid" }
  }
  struct Fine: SlashCommand {
    static let name = "fine", summary = "Take coins"
    static let memberPermissions: DiscordPermissions? = .moderateMembers
    func run(in context: CommandContext<Void>) async throws -> Reply { "fined" }
  }
}
