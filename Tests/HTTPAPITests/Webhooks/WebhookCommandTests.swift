import Commands
import Core
import Gateway
import HTTP
import Platform
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import HTTPAPI

/// `/webhook`, over the service and a receiver on a loopback port.
@Suite(.timeLimit(.minutes(2)))
struct WebhookCommandTests {
  private static let me = Gateway.User(id: 100_000_000_000_000_001, username: "me")
  private static let other = Gateway.User(id: 100_000_000_000_000_002, username: "other")

  /// Answers as Discord would keep them, in memory.
  private final class Answers: InteractionResponder {
    let bodies = Mutex<[MessageBody]>([])
    let choices = Mutex<[String]>([])

    func respond(to interaction: InteractionHandle, with response: InteractionResponse) async throws(ReplyFailure) {
      switch response {
      case .message(let body): bodies.withLock { $0.append(body) }
      case .autocomplete(let offered): choices.withLock { $0 = offered.map(\.name) }
      case .deferredMessage: break
      default: throw .rejected("not expected: \(response)")
      }
    }
    func edit(
      _ target: ReplyTarget, of interaction: InteractionHandle, to body: MessageBody
    ) async throws(ReplyFailure) { bodies.withLock { $0.append(body) } }
    func delete(_ target: ReplyTarget, of interaction: InteractionHandle) async throws(ReplyFailure) {}
    func followUp(_ interaction: InteractionHandle, with body: MessageBody) async throws(ReplyFailure) -> Snowflake {
      7
    }
  }

  private struct OnlyWebhooks: Plugin {
    let name = "webhooks"
    let title = "Webhooks"
    let summary = "Webhooks."
    let isCore = true
    let webhooks: Webhooks
    func commands(among plugins: [PluginDescription]) throws -> [Command] {
      [try WebhookGroup.command(services: webhooks)]
    }
  }

  private struct Desk {
    let rig: WebhookRig
    let answers = Answers()
    let router: Commands.Router

    init(_ rig: WebhookRig) async throws {
      self.rig = rig
      router = Commands.Router(
        catalog: try PluginRegistry([OnlyWebhooks(webhooks: rig.webhooks)]).catalog,
        admission: Admission(enabled: GuildPlugins(switches: rig.shared.switches, defaults: [:])),
        responder: answers, componentKey: try await ComponentKey.load(from: rig.shared.state),
        uses: rig.shared.componentUses, time: rig.time, metrics: Metrics(), log: .silent)
    }

    @discardableResult
    func give(
      _ name: String, _ options: KeyValuePairs<String, CommandOptionData.Value> = [:], as user: Gateway.User = me,
      typing: String? = nil
    ) async throws -> String {
      let inputs = options.map { key, value in
        var type = ApplicationCommandOptionType.string
        if case .boolean = value { type = .boolean }
        return CommandOptionData(name: key, type: type, value: value, isFocused: key == typing)
      }
      let data = CommandData(
        id: 4, name: "webhook", options: [CommandOptionData(name: name, type: .subcommand, options: inputs)],
        resolved: ResolvedData(), guildID: 900_000_000_000_000_001)
      let interaction = Interaction(
        id: 5, applicationID: 2, type: typing == nil ? .applicationCommand : .autocomplete,
        data: typing == nil ? .command(data) : .autocomplete(data), token: Secret("t"),
        guildID: 900_000_000_000_000_001, channelID: 3, member: Member(user: user, permissions: []), user: user)
      await router.submit(interaction).value
      guard typing == nil else { return answers.choices.withLock { $0.joined(separator: "|") } }
      let body = try #require(answers.bodies.withLock { $0.last })
      // For the invoker's eyes alone, whatever it is. What was deferred is so since then.
      let embed = body.embeds?.first
      return [body.content, embed?.title, embed?.description].compactMap { $0 }.filter { !$0.isEmpty }.joined(
        separator: "\n")
    }
  }

  @Test func aWebhookIsMadeTestedAndEnded() async throws {
    try await WebhookRig.with { rig in
      let desk = try await Desk(rig)
      #expect(try await desk.give("list") == "You have no webhooks. `/webhook create` makes one.")
      let made = try await desk.give(
        "create",
        [
          "url": .string(rig.url("/ok?token=hidden")), "events": .string("thing.seen, thing.made"),
          "here": .boolean(true),
        ])
      #expect(made.hasPrefix("A new webhook") && made.contains("Copy the secret now"))
      let webhook = try #require(try await rig.webhooks.list(of: WebhookRig.me).first)
      #expect(webhook.hasSecret && webhook.guildID == GuildID(900_000_000_000_000_001))
      #expect(webhook.events == ["thing.seen", "thing.made"])
      let secret = try #require(made.split(separator: "```").dropFirst().first.map { $0.filter { !$0.isNewline } })
      #expect(secret.utf8.count >= 32)
      // Shown once.
      let listed = try await desk.give("list")
      #expect(listed.contains("`\(webhook.id)`") && !listed.contains(secret) && !listed.contains("hidden"))
      // Others have nothing to see of it.
      #expect(try await desk.give("list", as: Self.other).hasPrefix("You have no webhooks."))
      for command in ["test", "log", "delete"] {
        #expect(
          try await desk.give(command, ["webhook": .string("\(webhook.id)")], as: Self.other) == WebhookWords.unknown)
      }
      #expect(try await desk.give("test", ["webhook": .string("x")]) == WebhookWords.unknown)
      #expect(try await desk.give("log", ["webhook": .string("\(webhook.id)")]).contains("Nothing was sent so far."))

      try await rig.running {
        let pressing = Task { try await desk.give("test", ["webhook": .string("\(webhook.id)")]) }
        // Time stands still until it has arrived; then the command's next look finds it.
        try await eventually("the test has arrived") {
          try await rig.webhooks.deliveries(of: webhook.id, of: WebhookRig.me).contains { $0.state == .delivered }
        }
        let isOver = Atomic(false)
        let moving = Task {
          while !isOver.load(ordering: .relaxed) {
            rig.time.advance(by: TestWebhook.interval)
            try? await Task.sleep(for: .milliseconds(5))
          }
        }
        let tested = try await pressing.value
        isOver.store(true, ordering: .relaxed)
        await moving.value
        #expect(tested.hasPrefix("It arrived") && tested.contains("`test` · delivered · 200"))
      }
      let arrival = try #require(rig.receiver.arrivals.first)
      #expect(arrival.headers["X-Adjutant-Signature-V2"] != nil)
      #expect(try await desk.give("log", ["webhook": .string("\(webhook.id)")]).contains("delivered"))
      #expect(
        try await desk.give("delete", ["webhook": .string("\(webhook.id)")]).contains("hears of nothing any more"))
      #expect(try await rig.webhooks.list(of: WebhookRig.me).isEmpty)
    }
  }

  @Test func aTestThatIsNotSentIsSaidSo() async throws {
    try await WebhookRig.with { rig in
      let desk = try await Desk(rig)
      let webhook = try await rig.create()
      let pressing = Task { try await desk.give("test", ["webhook": .string("\(webhook.id)")]) }
      // Nobody makes deliveries here, so only time ends it.
      let isOver = Atomic(false)
      let moving = Task {
        while !isOver.load(ordering: .relaxed) {
          await Task.yield()
          if rig.time.sleeperCount > 0 { rig.time.advance(by: .milliseconds(500)) }
          try? await Task.sleep(for: .milliseconds(2))
        }
      }
      let told = try await pressing.value
      isOver.store(true, ordering: .relaxed)
      await moving.value
      #expect(told.hasPrefix("It is on its way"))
    }
  }

  @Test(
    arguments: [
      (["url": .string("ftp://x"), "events": .string("thing.seen")], "`url`"),
      (["url": .string("https://x.test"), "events": .string("nothing.such")], "`events0`"),
      (["url": .string("https://x.test"), "events": .string(" , ")], "`events` must name at least one event."),
    ] as [(KeyValuePairs<String, CommandOptionData.Value>, String)])
  func whatCannotBeIsSaidInTheUsersWords(
    options: KeyValuePairs<String, CommandOptionData.Value>, message: String
  ) async throws {
    try await WebhookRig.with { rig in
      let desk = try await Desk(rig)
      let told = try await desk.give("create", options)
      #expect(told.hasPrefix(message), "\(told)")
      #expect(try await rig.webhooks.list(of: WebhookRig.me).isEmpty)
    }
  }

  @Test func namesAreOfferedWhileOneTypes() async throws {
    try await WebhookRig.with { rig in
      let desk = try await Desk(rig)
      _ = try await rig.create()
      func offers(_ typed: String) async throws -> String {
        try await desk.give("create", ["events": .string(typed)], typing: "events")
      }
      #expect(try await offers("") == "thing.made|thing.seen|thing.panel")
      #expect(try await offers("SEE") == "thing.seen")
      #expect(try await offers("thing.seen ") == "thing.seen thing.made|thing.seen thing.panel")
      #expect(try await offers("thing.seen,ma") == "thing.seen thing.made")
      #expect(
        try await desk.give("delete", ["webhook": .string("mi")], typing: "webhook").hasPrefix("Mine (webhook_"))
      #expect(try await desk.give("delete", ["webhook": .string("")], as: Self.other, typing: "webhook").isEmpty)
    }
  }
}
