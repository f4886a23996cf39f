import Core
import FoundationEssentials
import Gateway
import Platform
import Synchronization

@testable import Commands

/// Services of the commands in these tests: what they do is decided by each test.
struct Bench: Sendable {
  var run: @Sendable (CommandContext<Bench>) async throws -> Reply = { _ in "done" }
}

struct SamplePlugin: Plugin {
  var name = "sample"
  var title = "Sample"
  let summary = "For tests."
  var isCore = false
  var make: @Sendable ([PluginDescription]) throws -> [Command] = { _ in [] }

  func commands(among plugins: [PluginDescription]) throws -> [Command] { try make(plugins) }

  static func with<Services: Sendable>(
    _ commands: [any SlashCommand<Services>.Type], groups: [any CommandGroup<Services>.Type] = [],
    services: Services, name: String = "sample", isCore: Bool = false
  ) -> SamplePlugin {
    SamplePlugin(name: name, title: name.capitalizedFirst, isCore: isCore) { _ in
      try commands.map { try $0.command(services: services) } + groups.map { try $0.command(services: services) }
    }
  }
}

extension String {
  var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}

/// Switches in memory; all on unless switched off.
final class FakeSwitches: EnabledPlugins {
  let disabled = Mutex<Set<String>>([])
  func isEnabled(_ plugin: String, in guild: Snowflake) -> Bool { disabled.withLock { !$0.contains(plugin) } }
}

/// Remembers what was sent, fails when told to.
final class FakeResponder: InteractionResponder {
  enum Call: Sendable, Equatable, CustomStringConvertible {
    case deferred(isEphemeral: Bool)
    case deferredUpdate
    case update(String)
    case suggestions([String])
    case message(String, isEphemeral: Bool)
    case modal(String)
    case edit(ReplyTarget, String)
    case delete(ReplyTarget)
    case followUp(String, isEphemeral: Bool)

    var description: String {
      switch self {
      case .deferred(let isEphemeral): "deferred\(isEphemeral ? " ephemeral" : "")"
      case .deferredUpdate: "deferredUpdate"
      case .update(let text): "update \(text)"
      case .suggestions(let names): "suggestions \(names.joined(separator: ","))"
      case .message(let text, let isEphemeral): "message\(isEphemeral ? " ephemeral" : "") \(text)"
      case .modal(let title): "modal \(title)"
      case .edit(.original, let text): "edit \(text)"
      case .edit(.message(let id), let text): "edit \(id) \(text)"
      case .delete: "delete"
      case .followUp(let text, let isEphemeral): "followUp\(isEphemeral ? " ephemeral" : "") \(text)"
      }
    }
  }

  private struct State {
    var calls: [Call] = []
    var failures: [ReplyFailure?] = []
    var bodies: [MessageBody] = []
    var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
  }
  private let state = Mutex(State())

  /// What the next calls throw, in their order; nil: nothing.
  init(failing failures: [ReplyFailure?] = []) {
    state.withLock { $0.failures = failures }
  }

  var calls: [String] { state.withLock { $0.calls.map(\.description) } }
  var bodies: [MessageBody] { state.withLock { $0.bodies } }

  func waitForCalls(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let enough = state.withLock { state in
        if state.calls.count >= count { return true }
        state.watchers.append((count, continuation))
        return false
      }
      if enough { continuation.resume() }
    }
  }

  private func record(_ call: Call, _ body: MessageBody? = nil) throws(ReplyFailure) {
    let (failure, woken) = state.withLock { state in
      state.calls.append(call)
      if let body { state.bodies.append(body) }
      let woken = state.watchers.filter { $0.count <= state.calls.count }.map(\.continuation)
      state.watchers.removeAll { $0.count <= state.calls.count }
      return (state.failures.isEmpty ? nil : state.failures.removeFirst(), woken)
    }
    for continuation in woken { continuation.resume() }
    if let failure { throw failure }
  }

  func respond(to interaction: InteractionHandle, with response: InteractionResponse) async throws(ReplyFailure) {
    switch response {
    case .message(let body): try record(.message(body.words, isEphemeral: body.isEphemeral), body)
    case .deferredMessage(let isEphemeral): try record(.deferred(isEphemeral: isEphemeral))
    case .modal(let modal): try record(.modal(modal.title))
    case .deferredUpdate: try record(.deferredUpdate)
    case .update(let body): try record(.update(body.words), body)
    case .autocomplete(let choices): try record(.suggestions(choices.map(\.name)))
    case .pong: throw .rejected("not expected in these tests: \(response)")
    }
  }

  func edit(
    _ target: ReplyTarget, of interaction: InteractionHandle, to body: MessageBody
  ) async throws(ReplyFailure) { try record(.edit(target, body.words), body) }

  func delete(_ target: ReplyTarget, of interaction: InteractionHandle) async throws(ReplyFailure) {
    try record(.delete(target))
  }

  func followUp(_ interaction: InteractionHandle, with body: MessageBody) async throws(ReplyFailure) -> Snowflake {
    try record(.followUp(body.words, isEphemeral: body.isEphemeral), body)
    return 777
  }
}

extension MessageBody {
  /// Text and embeds as one line.
  var words: String {
    let embeds = (self.embeds ?? []).flatMap { [$0.title, $0.description] }.compactMap { $0 }
    return ([content ?? ""] + embeds).filter { !$0.isEmpty }.joined(separator: " | ")
  }
  var isEphemeral: Bool { flags?.contains(.ephemeral) == true }
}

/// An interaction as Discord sends it.
enum Sent {
  static let guild: Snowflake = 900_000_000_000_000_001

  static func interaction(_ text: String) throws -> Interaction {
    try JSONParser().parse(Array(text.utf8)) { try Interaction(json: $0) }
  }

  /// A command, in a guild unless `permissions` is nil.
  static func command(
    _ name: String, options: String = "[]", resolved: String = "{}", permissions: Gateway.Permissions? = []
  ) throws -> Interaction {
    let place =
      if let permissions {
        """
        "guild_id": "\(guild)", "member": {"user": \(user), "roles": [], "joined_at": "2024-01-01T00:00:00Z",
        "permissions": "\(permissions)"},
        """
      } else {
        "\"user\": \(user),"
      }
    return try interaction(
      """
      {"id": "1", "application_id": "2", "type": 2, "token": "secret-token", "version": 1, \(place)
       "channel_id": "3", "app_permissions": "0", "locale": "de",
       "data": {"id": "4", "name": "\(name)", "type": 1, "options": \(options), "resolved": \(resolved)}}
      """)
  }

  /// A click on a component, or a dialog sent off, in a guild unless that is nil.
  static func component(
    _ customID: String, type: Int = 2, values: String = "[]", resolved: String = "{}", user: Snowflake = 100,
    guild: Snowflake? = Sent.guild, message: Snowflake? = 55, permissions: Gateway.Permissions = [],
    modalFields: String? = nil
  ) throws -> Interaction {
    let account = #"{"id": "\#(user)", "username": "ada", "discriminator": "0"}"#
    let place =
      if let guild {
        """
        "guild_id": "\(guild)", "member": {"user": \(account), "roles": [], "joined_at": "2024-01-01T00:00:00Z",
        "permissions": "\(permissions)"},
        """
      } else {
        "\"user\": \(account),"
      }
    let source =
      message.map { id in
        """
        "message": {"id": "\(id)", "channel_id": "3", "author": {"id": "2", "username": "bot", "discriminator": "0"},
        "content": "", "timestamp": "2024-01-01T00:00:00Z", "type": 0},
        """
      } ?? ""
    let data =
      modalFields.map { #"{"custom_id": "\#(customID)", "components": \#($0), "resolved": \#(resolved)}"# }
        ?? """
        {"custom_id": "\(customID)", "component_type": \(type), "values": \(values), "resolved": \(resolved)}
        """
    return try interaction(
      """
      {"id": "1", "application_id": "2", "type": \(modalFields == nil ? 3 : 5), "token": "secret-token", "version": 1,
       \(place) \(source) "channel_id": "3", "app_permissions": "0", "locale": "de", "data": \(data)}
      """)
  }

  static let user = #"{"id": "100000000000000001", "username": "ada", "discriminator": "0"}"#
}

/// A router with everything around it in memory.
struct RouterBench {
  let time = ManualTime()
  let responder: FakeResponder
  let switches = FakeSwitches()
  let metrics = Metrics()
  let sink = MemoryLogSink()
  let reports = Reports()
  let router: Router
  let cooldowns: Cooldowns?

  static let key = ComponentKey(Array(repeating: 7, count: 32))
  var issuer: ComponentIssuer { ComponentIssuer(key: Self.key, time: time) }

  final class Reports: Sendable {
    private let stored = Mutex<[CommandReport]>([])
    var all: [CommandReport] { stored.withLock { $0 } }
    func append(_ report: CommandReport) { stored.withLock { $0.append(report) } }
  }

  init(
    _ plugins: [any Plugin], failing failures: [ReplyFailure?] = [], checks: [any CommandCheck] = [],
    options: Router.Options = Router.Options(), owners: Set<Snowflake> = [],
    exceptions: (any PermissionExceptionSource)? = nil, isLimited: Bool = false, uses: ComponentUses? = nil
  ) throws {
    cooldowns = isLimited ? Cooldowns(time: time) : nil
    responder = FakeResponder(failing: failures)
    router = Router(
      catalog: try PluginRegistry(plugins).catalog,
      admission: Admission(
        enabled: switches, owners: owners, exceptions: exceptions, cooldowns: cooldowns, checks: checks),
      responder: responder, componentKey: Self.key, uses: uses, options: options, time: time,
      random: SeededRandom(seed: 1), metrics: metrics,
      log: Log(label: "commands", sink: sink), observe: { [reports] in reports.append($0) })
  }
}
