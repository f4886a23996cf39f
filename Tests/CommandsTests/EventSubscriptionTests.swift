import Platform
import Synchronization
import Testing

@testable import Commands
@testable import Gateway

struct EventSubscriptionTests {
  private struct Listener: Plugin {
    let name: String
    var title: String { name }
    let summary = "s"
    var isCore = false
    let heard: Heard
    var subscriptions: [EventSubscription] {
      [
        EventSubscription(to: .guildDelete, guild: \.id) { [name, heard] events in
          heard.add(events.map { "\(name) \($0.payload.id)" })
        }
      ]
    }
    func commands(among plugins: [PluginDescription]) throws -> [Command] { [] }
  }

  private final class Heard: Sendable {
    private let stored = Mutex<[String]>([])
    var all: [String] { stored.withLock { $0.sorted() } }
    func add(_ events: [String]) { stored.withLock { $0 += events } }
  }

  private final class OneGuild: EnabledPlugins {
    func isEnabled(_ plugin: String, in guild: Snowflake) -> Bool { guild == 1 }
  }

  /// Gives a payload to everyone who subscribed to events of that name, as a shard does.
  private static func dispatch(_ name: String, _ payload: String, to events: EventDispatcher) throws {
    let tracker = HandledTracker()
    let origin = EventOrigin(
      shard: ShardID(0, of: 1), sessionID: "s", tracker: tracker, generation: tracker.begin(at: 0))
    let feeds = events.feeds().filter { $0.name == name }
    tracker.open(1, receivers: feeds.count)
    try JSONParser().parse(Array(payload.utf8)) { view in
      for feed in feeds {
        try feed.read(view, sequence: 1, origin: origin)
        feed.flush()
      }
    }
  }

  @Test func eventsReachAPluginOnlyWhereItIsOn() async throws {
    let events = EventDispatcher(log: .silent, metrics: Metrics())
    let heard = Heard()
    let registry = try PluginRegistry([
      Listener(name: "core", isCore: true, heard: heard), Listener(name: "extra", heard: heard),
    ])
    registry.subscribe(to: events, enabled: OneGuild())
    try Self.dispatch("GUILD_DELETE", #"{"id": "1"}"#, to: events)
    try Self.dispatch("GUILD_DELETE", #"{"id": "2"}"#, to: events)
    while heard.all.count < 3 { await Task.yield() }
    events.finish()
    #expect(heard.all == ["core 1", "core 2", "extra 1"])
  }

  private struct Ping: SlashCommand {
    static let name = "ping", summary = "s"
    func run(in context: CommandContext<Bench>) async throws -> Reply { "pong" }
  }

  @Test func interactionsOfTheGatewayReachTheRouter() async throws {
    let bench = try RouterBench([SamplePlugin.with([Ping.self], services: Bench())])
    let events = EventDispatcher(log: .silent, metrics: Metrics())
    bench.router.subscribe(to: events)
    try Self.dispatch(
      "INTERACTION_CREATE",
      """
      {"id": "1", "application_id": "2", "type": 2, "token": "t", "guild_id": "9",
       "member": {"user": \(Sent.user), "roles": [], "permissions": "0"},
       "data": {"id": "4", "name": "ping", "type": 1}}
      """, to: events)
    await bench.responder.waitForCalls(1)
    events.finish()
    #expect(bench.responder.calls == ["message pong"])
  }
}
