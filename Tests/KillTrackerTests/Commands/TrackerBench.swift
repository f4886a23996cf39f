import Commands
import Core
import Gateway
import Platform
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import KillTracker

/// The plugin with its services over an empty database, and Discord in memory.
struct TrackerBench {
  let time: ManualTime
  let shared: SharedState
  let services: TrackerServices
  let discord = FakeDiscord()
  let network = FakeNetwork()
  let plugin: KillTrackerPlugin
  let router: Router

  static let guild: Snowflake = 900_000_000_000_000_001
  static let channel: Snowflake = 900_000_000_000_000_011
  /// Uses the commands unless a test says otherwise.
  static let ann = Gateway.User(id: 100_000_000_000_000_001, username: "ann")
  static let bob = Gateway.User(id: 100_000_000_000_000_002, username: "bob", globalName: "Bob the *Bold*")

  init(_ database: Database, proofs: ((Kills) -> HandleProofs)? = nil) async throws {
    // A Wednesday.
    time = ManualTime(timestamp: Timestamp(iso8601: "2026-02-18T12:00:00.000Z") ?? Timestamp(seconds: 0))
    shared = try await SharedState.open(
      database, modules: TrackerServices.tables, time: time)
    var services = TrackerServices(shared: shared, log: .silent, metrics: Metrics())
    if let proofs { services.proofs = proofs(services.kills) }
    self.services = services
    var configuration = RESTClient.Configuration(baseURL: "http://discord.test/api/v10", token: Secret("t"))
    configuration.maximumRetries = 0
    let plugin = KillTrackerPlugin(
      services,
      in: .init(
        rest: RESTClient(configuration: configuration, transport: network, log: .silent, metrics: Metrics()),
        isOn: { _ in true }, cache: { nil }))
    self.plugin = plugin
    let registry = try PluginRegistry([plugin])
    let enabled = GuildPlugins(switches: shared.switches, defaults: [plugin.name: true])
    router = Router(
      catalog: registry.catalog, admission: Admission(enabled: enabled), responder: discord,
      componentKey: try await ComponentKey.load(from: shared.state), uses: shared.componentUses, time: time,
      metrics: Metrics(), log: .silent)
  }

  enum Input {
    case text(String)
    case number(Int64)
    case flag(Bool)
    case user(Gateway.User)
    case channel(Gateway.Channel)
  }

  /// Gives a command of the guild, `kill record`, and returns the answer.
  @discardableResult
  func give(
    _ command: String, _ inputs: KeyValuePairs<String, Input> = [:], as user: Gateway.User = ann,
    permissions: Gateway.Permissions = [], typing: String? = nil, interaction: UInt64? = nil
  ) async throws -> Answer {
    var resolved = ResolvedData()
    var options = inputs.map { name, input -> CommandOptionData in
      let (type, value): (ApplicationCommandOptionType, CommandOptionData.Value)
      switch input {
      case .text(let text): (type, value) = (.string, .string(text))
      case .number(let number): (type, value) = (.integer, .integer(number))
      case .flag(let flag): (type, value) = (.boolean, .boolean(flag))
      case .user(let user):
        resolved.users[user.id] = user
        (type, value) = (.user, .string("\(user.id)"))
      case .channel(let channel):
        resolved.channels[channel.id] = channel
        (type, value) = (.channel, .string("\(channel.id)"))
      }
      return CommandOptionData(name: name, type: type, value: value, isFocused: name == typing)
    }
    let path = command.split(separator: " ").map(String.init)
    if path.count > 1 { options = [CommandOptionData(name: path[1], type: .subcommand, options: options)] }
    let data = CommandData(id: 4, name: path[0], options: options, resolved: resolved, guildID: Self.guild)
    return try await submit(
      typing == nil ? .applicationCommand : .autocomplete, typing == nil ? .command(data) : .autocomplete(data), user,
      permissions, id: interaction)
  }

  /// What is offered for a text that is being typed.
  func offers(_ command: String, _ option: String, _ typed: String) async throws -> [ApplicationCommandChoice] {
    try await give(command, [option: .text(typed)], typing: option).choices
  }

  /// Clicks a button of an answer.
  @discardableResult
  func click(
    _ label: String, of answer: Answer, as user: Gateway.User = ann, permissions: Gateway.Permissions = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> Answer {
    let button = try #require(
      answer.buttons.first { $0.label == label }, "no button \(label)", sourceLocation: sourceLocation)
    guard case .custom(let id, _) = button.action else { return answer }
    let flags = answer.isEphemeral ? 64 : 0
    let message = try JSONParser().parse(
      Array(
        """
        {"id": "55", "channel_id": "\(Self.channel)", "author": {"id": "2", "username": "bot"}, "content": "",
         "timestamp": "2024-01-01T00:00:00Z", "type": 0, "flags": \(flags)}
        """.utf8)
    ) { try Message(json: $0) }
    return try await submit(
      .component, .component(ComponentData(customID: id, componentType: .button)), user, permissions, message)
  }

  private func submit(
    _ type: InteractionType, _ data: InteractionData, _ user: Gateway.User, _ permissions: Gateway.Permissions,
    _ message: Message? = nil, id: UInt64? = nil
  ) async throws -> Answer {
    let before = discord.answers.count
    let interaction = Interaction(
      id: Snowflake(rawValue: id ?? UInt64(before + 1_000)), applicationID: 2, type: type, data: data,
      token: Secret("secret-token"), guildID: Self.guild, channelID: Self.channel,
      member: Member(user: user, permissions: permissions), user: user, message: message, appPermissions: [])
    await router.submit(interaction).value
    return try #require(discord.answers.dropFirst(before).last, "nothing was answered")
  }

  /// A handle proved to be a user's.
  func prove(_ handle: String, _ user: Gateway.User) async throws {
    try await services.players.verify(handle, of: UserID(user.id.rawValue))
  }
}

func withTracker(commands engine: TestEngine = .sqlite, _ body: (TrackerBench) async throws -> Void) async throws {
  try await withTestDatabase(engine) { try await body(try await TrackerBench($0)) }
}

struct Answer: Sendable {
  var body = MessageBody()
  var isUpdate = false
  var choices: [ApplicationCommandChoice] = []

  var isEphemeral: Bool { body.flags?.contains(.ephemeral) == true }
  var title: String { body.embeds?.first?.title ?? "" }
  /// Content, titles, descriptions and fields in a row.
  var text: String {
    let embeds = (body.embeds ?? []).flatMap { embed in
      [embed.title, embed.description] + embed.fields.map { "\($0.name): \($0.value)" } + [embed.footer?.text]
    }
    return ([body.content] + embeds).compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "\n")
  }
  var lines: [String] { text.split(separator: "\n").map(String.init) }
  func field(_ name: String) -> String? { body.embeds?.first?.fields.first { $0.name == name }?.value }
  var buttons: [Button] {
    (body.components ?? []).flatMap { component -> [Button] in
      guard case .actionRow(let items) = component else { return [] }
      return items.compactMap { item in if case .button(let button) = item { button } else { nil } }
    }
  }
  /// Whether the message notifies nobody.
  var mentionsNobody: Bool { body.allowedMentions == AllowedMentions.none }
}

final class FakeDiscord: InteractionResponder {
  private let stored = Mutex<[Answer]>([])
  var answers: [Answer] { stored.withLock { $0 } }
  private func keep(_ answer: Answer) { stored.withLock { $0.append(answer) } }

  func respond(to interaction: InteractionHandle, with response: InteractionResponse) async throws(ReplyFailure) {
    switch response {
    case .message(let body): keep(Answer(body: body))
    case .update(let body): keep(Answer(body: body, isUpdate: true))
    case .autocomplete(let choices): keep(Answer(choices: choices))
    default: throw .rejected("not expected: \(response)")
    }
  }
  func edit(
    _ target: ReplyTarget, of interaction: InteractionHandle, to body: MessageBody
  ) async throws(ReplyFailure) { keep(Answer(body: body)) }
  func delete(_ target: ReplyTarget, of interaction: InteractionHandle) async throws(ReplyFailure) {}
  func followUp(_ interaction: InteractionHandle, with body: MessageBody) async throws(ReplyFailure) -> Snowflake {
    keep(Answer(body: body))
    return 7
  }
}

/// Discord's REST: remembers what was sent, and answers as told.
final class FakeNetwork: RESTTransport {
  struct Exchange: Sendable {
    var path: String
    var body: JSON
  }
  private let seen = Mutex<[Exchange]>([])
  private let failure = Mutex<RESTResponse?>(nil)
  private let answers = Mutex<[String: String]>([:])

  var exchanges: [Exchange] { seen.withLock { $0 } }
  /// What comes instead of success from now on.
  func fail(_ status: Int, code: Int) {
    failure.withLock {
      $0 = RESTResponse(
        status: status, headers: ["Via": "1.1 google"], body: Array(#"{"code": \#(code), "message": "No."}"#.utf8))
    }
  }
  /// What is at that path.
  func answer(_ path: String, _ body: String) { answers.withLock { $0[path] = body } }
  func recover() { failure.withLock { $0 = nil } }

  func send(_ request: RESTRequest) async throws -> RESTResponse {
    let path = String(request.url.dropFirst("http://discord.test/api/v10".count))
    let body = try request.body.map { try JSON(parsing: $0) } ?? .null
    seen.withLock { $0.append(Exchange(path: "\(request.method.rawValue) \(path)", body: body)) }
    if let response = failure.withLock({ $0 }) { return response }
    if let body = answers.withLock({ $0[path] }) {
      return RESTResponse(status: 200, headers: ["Via": "1.1 google"], body: Array(body.utf8))
    }
    let message = """
      {"id": "55", "channel_id": "3", "author": {"id": "2", "username": "bot"}, "content": "", "type": 0,
       "timestamp": "2024-01-01T00:00:00Z"}
      """
    let member = #"{"user": {"id": "1", "username": "x"}, "roles": [], "joined_at": "2024-01-01T00:00:00Z"}"#
    return RESTResponse(
      status: 200, headers: ["Via": "1.1 google"], body: Array((path.contains("/members/") ? member : message).utf8))
  }
}
