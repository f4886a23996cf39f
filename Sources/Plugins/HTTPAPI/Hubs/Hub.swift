import HTTP
import Platform
import Synchronization

/// Distributes events to the WebSockets that listen, each of which speaks one ``HubSession``.
///
/// A listener costs no task and no buffer while it waits. Each event loop has a ``HubShard`` that serves the listeners
/// of its connections; an event is encoded once, and all of them send the same bytes. Who does not keep up with
/// ``HubLimits`` is closed with ``HubClose/tryAgainLater``; when the server stops, all are closed with 1001.
public final class Hub<Session: HubSession>: Sendable {
  /// What listeners and shards need of their hub.
  struct Parts: Sendable {
    let limits: HubLimits
    let time: any TimeSource
    let answer: @Sendable (Session.Question) async -> Session.Answer
    let metrics: HubMetrics
  }

  public let limits: HubLimits
  private let name: String
  private let parts: Parts
  private let places: HubPlaces
  private let makeSession: @Sendable (HTTPRequest) -> Session
  private let shards = Mutex<[ObjectIdentifier: HubShard<Session>]>([:])

  /// How exactly deadlines are kept.
  static var tick: Duration { .seconds(1) }

  /// - Parameters:
  ///   - name: the label of its metrics.
  ///   - makeSession: for the opening request of a listener.
  ///   - answer: to a session's question. It should give up by itself in reasonable time.
  public init(
    name: String, limits: HubLimits = HubLimits(), metrics: Metrics, time: any TimeSource = SystemTime(),
    makeSession: @escaping @Sendable (HTTPRequest) -> Session,
    answer: @escaping @Sendable (Session.Question) async -> Session.Answer
  ) {
    self.name = name
    self.limits = limits
    self.makeSession = makeSession
    let hubMetrics = HubMetrics(metrics, name: name)
    places = HubPlaces(limits, gauge: hubMetrics.listeners)
    parts = Parts(limits: limits, time: time, answer: answer, metrics: hubMetrics)
  }

  /// How many listen, those included that are just opening or closing.
  public var listenerCount: Int { places.taken }

  /// Declares the route.
  public func declare(at pattern: PathPattern, _ notes: RouteNotes, in router: inout Router) {
    router.webSocket(pattern, notes, options: WebSocketOptions(maximumMessageSize: limits.messageSize)) {
      try self.open($0)
    }
  }

  /// Declares the route of a surface.
  public func declare(
    at pattern: PathPattern, access: RouteAccess, limit: RouteLimit, _ notes: RouteNotes,
    in routes: inout SurfaceRoutes
  ) {
    let options = WebSocketOptions(maximumMessageSize: limits.messageSize)
    routes.webSocket(pattern, access: access, limit: limit, notes, options: options) { try self.open($0) }
  }

  /// Takes a place for the sender of an opening request.
  /// - Throws: `HTTPError` if there are too many.
  public func open(_ request: HTTPRequest) throws -> WebSocketRoute.MakeListener {
    let place = try places.take(for: request.client.address)
    let session = makeSession(request)
    return { [self] channel in
      HubListener(session, channel: channel, shard: shard(of: channel.loop), place: place, parts: parts)
    }
  }

  private func shard(of loop: EventLoop) -> HubShard<Session> {
    shards.withLock { shards in
      if let shard = shards[ObjectIdentifier(loop)] { return shard }
      let shard = HubShard<Session>(loop: loop, metrics: parts.metrics)
      shards[ObjectIdentifier(loop)] = shard
      return shard
    }
  }

  /// Sends events to whoever wants them, in order. Callable from any thread; returns at once.
  public func publish(_ events: [Session.Event]) {
    guard !events.isEmpty, listenerCount > 0 else { return }
    parts.metrics.events.increment(by: events.count)
    for shard in shards.withLock({ Array($0.values) }) {
      shard.loop.execute { shard.assumeIsolated { $0.publish(events) } }
    }
  }

  public func publish(_ event: Session.Event) { publish([event]) }

  /// Keeps the deadlines of all listeners, until cancelled.
  public func run() async {
    while (try? await parts.time.sleep(for: Self.tick)) != nil {
      guard listenerCount > 0 else { continue }
      let moment = HubMoment(parts.time)
      for shard in shards.withLock({ Array($0.values) }) {
        shard.loop.execute { shard.assumeIsolated { $0.keepDeadlines(moment) } }
      }
    }
  }
}

/// What a hub counts. The label `hub` is its name.
struct HubMetrics: Sendable {
  let listeners: Gauge
  let events: Counter
  let messages: Counter
  private let closed: Family<Counter>
  private let name: String

  init(_ metrics: Metrics, name: String) {
    self.name = name
    listeners = metrics.gauge("websocket_hub_listeners", help: "Who listens.", labels: ["hub"])(name)
    events = metrics.counter("websocket_hub_events_total", help: "Events published.", labels: ["hub"])(name)
    messages = metrics.counter("websocket_hub_messages_total", help: "Messages to listeners.", labels: ["hub"])(name)
    closed = metrics.counter(
      "websocket_hub_closed_total", help: "Listeners closed by the hub, by close code.", labels: ["hub", "code"])
  }

  func closed(_ code: WebSocketCloseCode) { closed(name, code.description).increment() }
}
