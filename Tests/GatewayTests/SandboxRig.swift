import Platform
import Sandbox
import Synchronization
import Testing

@testable import Gateway

/// The system's time, which a test can move ahead: windows of seconds pass at once, timers under way do not notice.
final class ShiftedTime: TimeSource {
  private let system = SystemTime()
  private let shift = Mutex(Duration.zero)

  var now: ContinuousClock.Instant { system.now.advanced(by: shift.withLock { $0 }) }
  var timestamp: Timestamp { system.timestamp + shift.withLock { $0 } }
  func advance(by duration: Duration) { shift.withLock { $0 += duration } }
  func sleep(until deadline: ContinuousClock.Instant) async throws {
    try await system.sleep(until: deadline.advanced(by: .zero - shift.withLock { $0 }))
  }
}

/// A clock a hundred times as fast: what is waited for in seconds is over in hundredths.
struct HastyTime: TimeSource {
  private let start = ContinuousClock.now
  var now: ContinuousClock.Instant { start.advanced(by: start.duration(to: .now) * 100) }
  var timestamp: Timestamp { .now }
  func sleep(until deadline: ContinuousClock.Instant) async throws {
    try await Task.sleep(for: max(.zero, now.duration(to: deadline)) / 100)
  }
}

/// Always the same number: 0 makes every jittered wait its shortest, `UInt64.max` its longest.
struct ConstantRandom: RandomSource {
  let value: UInt64
  func next() -> UInt64 { value }
}

/// Real WebSockets, counted. What comes on them can be held back to keep a shard away.
final class HeldConnector: GatewayConnector {
  private enum Event: Sendable {
    case connected
    case message([UInt8])
    case closed(GatewayCloseCode?, String, GatewayFault?)
  }
  private struct State {
    var isHeld = false
    var waiting: [@Sendable () -> Void] = []
    var count = 0
  }
  private let inner = WebSocketConnector()
  private let state = Mutex(State())

  /// How many connections were begun.
  var count: Int { state.withLock { $0.count } }

  /// From the next connection on.
  func hold() { state.withLock { $0.isHeld = true } }

  func release() {
    let waiting = state.withLock { state in
      state.isHeld = false
      defer { state.waiting = [] }
      return state.waiting
    }
    for deliver in waiting { deliver() }
  }

  func connect(
    to url: String, on loop: EventLoop, handler: @escaping @Sendable (GatewaySocketEvent) -> Void
  ) -> any GatewaySocket {
    // Only connections begun while holding are held.
    let isHeld = state.withLock { state in
      state.count += 1
      return state.isHeld
    }
    guard isHeld else { return inner.connect(to: url, on: loop, handler: handler) }
    return inner.connect(to: url, on: loop) { event in
      let copy: Event =
        switch event {
        case .connected: .connected
        case .message(let payload): .message(Array(payload))
        case .closed(let code, let reason, let fault): .closed(code, reason, fault)
        }
      // Behind what was held before, which is on its way to the loop once it is released.
      let deliver: @Sendable () -> Void = { loop.execute { Self.deliver(copy, to: handler) } }
      let isHeld = self.state.withLock { state in
        if state.isHeld { state.waiting.append(deliver) }
        return state.isHeld
      }
      if !isHeld { deliver() }
    }
  }

  private static func deliver(_ event: Event, to handler: @Sendable (GatewaySocketEvent) -> Void) {
    switch event {
    case .connected: handler(.connected)
    case .message(let bytes): bytes.withUnsafeBufferPointer { handler(.message($0)) }
    case .closed(let code, let reason, let fault): handler(.closed(code, reason: reason, fault: fault))
    }
  }
}

/// The sandbox on a real port, and the real clients for it.
struct SandboxRig {
  static let token = "flow-test-token"
  static let user = "100000000000000002"

  let time = ShiftedTime()
  let server: SandboxServer
  let addresses: SandboxServer.Addresses
  let http: HTTPClient
  let connector = HeldConnector()
  let states = Inbox<String>()
  let messages = Inbox<String>()
  let metrics = Metrics()
  let sessions = MemorySessionStore()

  init(_ configure: (inout SandboxOptions) -> Void = { _ in }) async throws {
    var options = SandboxOptions()
    options.listen = "127.0.0.1:0"
    configure(&options)
    server = try SandboxServer(options, time: time)
    addresses = try await server.start()
    http = try HTTPClient(log: .silent, metrics: Metrics())
  }

  func end(_ clients: GatewayClient...) async {
    for client in clients { await client.stop(saving: false, limit: .zero) }
    await http.shutdown()
    await server.stop()
  }

  func rest(
    timeouts: HTTPClientRequest.Timeouts = .init(connect: .seconds(10), total: .seconds(30), idle: .seconds(15)),
    time: any TimeSource = SystemTime(),
    configure: (inout RESTClient.Configuration) -> Void = { _ in }
  ) -> RESTClient {
    var configuration = RESTClient.Configuration(baseURL: addresses.apiBase, token: Secret(Self.token))
    configure(&configuration)
    return RESTClient(
      configuration: configuration, transport: HTTPTransport(client: http, timeouts: timeouts),
      time: time, log: .silent, metrics: metrics)
  }

  /// - Parameters:
  ///   - random: the default makes waits short and the first heartbeat immediate.
  ///   - isQuick: waits milliseconds before it connects again.
  func client(
    _ compression: GatewayCompression = .zlibStream, shards: GatewayClient.Shards = .automatic,
    random: UInt64 = 0, isQuick: Bool = false, intents: Intents = [.guilds, .guildMessages, .messageContent],
    configure: (inout GatewayClient.Configuration) -> Void = { _ in }
  ) -> GatewayClient {
    let states = self.states
    var configuration = GatewayClient.Configuration(
      token: Secret(Self.token), intents: intents, shards: shards, compression: compression)
    if isQuick { configuration.policy = .quick }
    configure(&configuration)
    let client = GatewayClient(
      configuration: configuration, rest: rest(), connector: connector, sessions: sessions, time: time,
      random: ConstantRandom(value: random),
      log: .silent, metrics: metrics,
      onState: { state in
        switch state {
        case .ready(_, let resumed): states.put([resumed ? "resumed" : "ready"])
        case .disconnected(_, let reason, _): states.put(["disconnected: \(reason)"])
        case .failed(let error): states.put(["failed \(error.code)"])
        case .resharded(let old, let new): states.put(["\(old) shards became \(new)"])
        }
      })
    let messages = self.messages
    client.events.subscribe(.messageCreate) { messages.put($0.map(\.payload.content)) }
    return client
  }

  /// A route of the control API.
  @discardableResult
  func control(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws -> JSON {
    let response = try await http.send(
      HTTPClientRequest(
        method, "\(addresses.playground)sandbox\(path)",
        headers: body == nil ? [:] : ["Content-Type": "application/json"],
        body: body.map { .bytes(Array($0.serialized().utf8)) } ?? .none))
    guard (200..<300).contains(response.status) else {
      throw Unexpected(text: String(decoding: response.body, as: UTF8.self))
    }
    return response.body.isEmpty ? .null : try JSON(parsing: response.body)
  }

  struct Unexpected: Error { let text: String }

  func fault(_ body: JSON) async throws { try await control(.post, "/faults/gateway", body) }

  /// A user writes in the general channel.
  func say(_ text: String) async throws {
    try await control(.post, "/messages", ["user": .string(Self.user), "content": .string(text)])
  }

  var identifies: Int64? {
    get async throws { try await control(.get, "/world")["applications"]?[0]?["identifies"]?.integer }
  }

  /// What the bot asked of the REST API since the log was cleared.
  func requests(_ path: String) async throws -> [JSON] {
    try await control(.get, "/requests?path=\(path)").array ?? []
  }
}

/// Waits for what no event tells; a minute without it is a failure.
func eventually(
  sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + .seconds(60)
  while try await !condition() {
    try #require(ContinuousClock.now < deadline, "it never came about", sourceLocation: sourceLocation)
    try await Task.sleep(for: .milliseconds(5))
  }
}
