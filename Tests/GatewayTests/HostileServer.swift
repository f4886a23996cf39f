import Platform
import Synchronization
import Testing

@testable import Gateway

/// A gateway on a real socket, which can also do everything wrong: says HELLO, answers IDENTIFY with READY, RESUME with
/// what was missed and RESUMED.
final class HostileServer: Sendable {
  /// How a connection begins.
  enum Opening: Sendable {
    case proper
    /// These bytes instead of the answer to the opening request.
    case raw(String)
    /// This instead of HELLO.
    case hello(String)
  }

  private struct State {
    var openings: [Opening] = []
    var connections: [Connection] = []
    var sequence = 0
    /// What a RESUME may ask for.
    var events: [(sequence: Int, text: String)] = []
  }
  let loop: EventLoop
  let compression: GatewayCompression
  /// Whether each message comes in two frames.
  let splitsMessages: Bool
  /// The paths of the opening requests, the messages and the close frames that came.
  let paths = Inbox<String>()
  let received = Inbox<JSON>()
  let closes = Inbox<WebSocketClose>()
  private let listener: TCPListener
  private let state = Mutex(State())

  init(_ compression: GatewayCompression, splitsMessages: Bool = false) throws {
    self.compression = compression
    self.splitsMessages = splitsMessages
    loop = try EventLoop(name: "hostile-gateway")
    listener = try TCPListener(SocketAddress(parsing: "127.0.0.1:0"), loop: loop)
  }

  var url: String { "ws://127.0.0.1:\(listener.address.port)" }
  var connectionCount: Int { state.withLock { $0.connections.count } }
  /// How many heartbeats came over all connections.
  var heartbeatCount: Int { received.items.count { $0["op"] == 1 } }

  /// The number of the next event.
  func next() -> Int {
    state.withLock { state in
      state.sequence += 1
      return state.sequence
    }
  }

  /// What the next connections meet; proper ones follow.
  func prepare(_ openings: [Opening]) { state.withLock { $0.openings = openings } }

  private func opening() -> Opening {
    state.withLock { $0.openings.isEmpty ? .proper : $0.openings.removeFirst() }
  }

  func start() async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      loop.execute {
        do {
          try self.listener.start(
            onAccept: { socket in
              do {
                let tcp = try TCPConnection(socket, loop: self.loop)
                let connection = Connection(tcp: tcp, server: self)
                self.state.withLock { $0.connections.append(connection) }
                try tcp.start(connection)
              } catch { Issue.record(error) }
            }, onError: { Issue.record($0) })
          continuation.resume()
        } catch { continuation.resume(throwing: error) }
      }
    }
  }

  /// On the newest connection.
  private func act(_ body: @escaping @Sendable (Connection) -> Void) {
    loop.execute { if let last = self.state.withLock({ $0.connections.last }) { body(last) } }
  }

  func write(_ bytes: [UInt8]) { act { $0.tcp.write(bytes) } }
  func say(_ text: String) { act { $0.say(text) } }
  func cut() { act { $0.tcp.abort() } }

  func close(_ code: UInt16) {
    act { $0.tcp.write(WebSocketEncoder(role: .server).close(.init(code: WebSocketCloseCode(rawValue: code)))) }
  }

  /// An event that a RESUME brings again, of which only so many bytes go out before the connection ends; all of them, and
  /// no end, without a number.
  /// - Returns: how many bytes its frame has.
  func tell(cutAt place: Int? = nil, _ event: @escaping @Sendable (Int) -> String) async -> Int {
    await withCheckedContinuation { continuation in
      act { connection in
        let number = self.next()
        let text = event(number)
        self.state.withLock { $0.events.append((number, text)) }
        let frame = connection.frames(text)
        connection.tcp.write(place.map { Array(frame.prefix($0)) } ?? frame)
        if place != nil { connection.tcp.finishWriting() }
        continuation.resume(returning: frame.count)
      }
    }
  }

  func stop() async {
    loop.execute {
      self.listener.close()
      for connection in self.state.withLock({ $0.connections }) { connection.tcp.abort() }
    }
    await loop.shutdown()
  }

  final class Connection: TCPConnectionHandler {
    let tcp: TCPConnection
    private let server: HostileServer
    private struct State {
      var head = ""
      var isOpen = false
      var decoder = WebSocketDecoder(role: .server, limits: .init(messageSize: 1 << 16))
    }
    private let state = Mutex(State())
    private let zlib = Mutex(ZlibStreamDeflater())
    private let zstd = Mutex(ZstdStreamDeflater())

    init(tcp: TCPConnection, server: HostileServer) {
      self.tcp = tcp
      self.server = server
    }

    func say(_ text: String) { tcp.write(frames(text)) }

    func frames(_ text: String) -> [UInt8] {
      do {
        let bytes = Array(text.utf8)
        let (opcode, payload): (WebSocketOpcode, [UInt8]) =
          switch server.compression {
          case .none: (.text, bytes)
          case .zlibStream: (.binary, try zlib.withLock { try $0.deflate(bytes) })
          case .zstdStream: (.binary, try zstd.withLock { try $0.deflate(bytes) })
          }
        guard server.splitsMessages else { return WebSocketEncoder.serverFrame(opcode, payload) }
        let encoder = WebSocketEncoder(role: .server)
        return encoder.frame(opcode, payload.prefix(5), isFinal: false)
          + encoder.frame(.continuation, payload.dropFirst(5))
      } catch {
        Issue.record(error)
        return []
      }
    }

    func received(_ input: BorrowedBytes) {
      let bytes = Array(input.bytes)
      if !state.withLock({ $0.isOpen }) { return open(bytes) }
      var messages: [JSON] = []
      var close: WebSocketClose?
      do {
        try state.withLock { state in
          try state.decoder.decode(bytes) { event in
            switch event {
            case .text(let text): messages.append((try? JSON(parsing: Array(text))) ?? .null)
            case .close(let end): close = end
            default: break
            }
          }
        }
      } catch { Issue.record(error) }
      for message in messages { answer(message) }
      if let close {
        server.closes.put([close])
        tcp.write(WebSocketEncoder(role: .server).close(close))
        tcp.close()
      }
    }

    private func open(_ bytes: [UInt8]) {
      let head = state.withLock { state in
        state.head += String(decoding: bytes, as: UTF8.self)
        state.isOpen = state.head.hasSuffix("\r\n\r\n")
        return state.isOpen ? state.head : nil
      }
      guard let head else { return }
      let lines = head.split(separator: "\r\n")
      server.paths.put([String(lines[0].split(separator: " ")[1])])
      let opening = server.opening()
      if case .raw(let text) = opening { return tcp.write(Array(text.utf8)) }
      let key = lines.first { $0.hasPrefix("Sec-WebSocket-Key: ") }?.dropFirst(19) ?? ""
      tcp.write(
        Array(
          ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: \(WebSocketHandshake.accept(for: String(key)))\r\n\r\n").utf8))
      if case .hello(let text) = opening { say(text) } else { say(#"{"op":10,"d":{"heartbeat_interval":45000}}"#) }
    }

    private func answer(_ message: JSON) {
      server.received.put([message])
      switch message["op"] {
      case 1: say(#"{"op":11}"#)
      case 2:
        _ = server.next()
        // Whoever resumes comes back to this address.
        say(readyEvent.replacing("ws://resume", with: server.url + "/resume"))
      case 6:
        let seen = Int(message["d"]?["seq"]?.integer ?? 0)
        for event in server.state.withLock({ $0.events }) where event.sequence > seen { say(event.text) }
        say(#"{"op":0,"s":\#(server.next()),"t":"RESUMED","d":{}}"#)
      default: break
      }
    }

    func receivedEnd() { tcp.close() }
    func wrote(_ count: Int) {}
    func closed(_ error: SystemError?) {}
  }
}

/// A real client of the hostile gateway, and what it says.
struct HostileRig {
  let server: HostileServer
  let client: GatewayClient
  let sessions = MemorySessionStore()
  let states = Inbox<String>()
  let messages = Inbox<Dispatched<Message>>()
  let sink = MemoryLogSink(level: .info)
  let metrics = Metrics()

  /// A client that is ready.
  init(_ compression: GatewayCompression, splitsMessages: Bool = false, isQuick: Bool = false) async throws {
    server = try HostileServer(compression, splitsMessages: splitsMessages)
    try await server.start()
    client = Self.client(
      url: server.url, compression, isQuick: isQuick, sessions: sessions, states: states,
      log: Log(label: "", sink: sink), metrics: metrics)
    let messages = self.messages
    client.events.subscribe(.messageCreate) { messages.put($0) }
    try await client.start()
    #expect(await states.wait(for: 1) == ["ready"])
  }

  /// - Parameter isQuick: waits milliseconds where otherwise it would be seconds.
  static func client(
    url: String, _ compression: GatewayCompression, isQuick: Bool, sessions: any SessionStore = MemorySessionStore(),
    states: Inbox<String>, log: Log, metrics: Metrics
  ) -> GatewayClient {
    let bot =
      #"{"url":"\#(url)","shards":1,"session_start_limit":{"total":9,"remaining":9,"reset_after":86400000,"max_concurrency":1}}"#
    var configuration = GatewayClient.Configuration(token: Secret("abc"), intents: [.guilds], compression: compression)
    if isQuick { configuration.policy = .quick }
    return GatewayClient(
      configuration: configuration,
      rest: RESTClient(
        configuration: RESTClient.Configuration(token: Secret("abc")),
        transport: ScriptedTransport([.response(200, [:], bot)]), log: .silent, metrics: Metrics()),
      connector: WebSocketConnector(), sessions: sessions, random: ConstantRandom(value: 0), log: log,
      metrics: metrics,
      onState: { state in
        switch state {
        case .ready(_, let resumed): states.put([resumed ? "resumed" : "ready"])
        case .disconnected: states.put(["disconnected"])
        case .failed: states.put(["failed"])
        case .resharded: break
        }
      })
  }

  func said(_ message: String) -> Int { sink.records.count { $0.message == message } }

  func end() async {
    await client.stop(saving: false)
    await server.stop()
  }
}

extension ReconnectPolicy {
  /// For tests that reconnect a thousand times.
  static var quick: ReconnectPolicy {
    var policy = ReconnectPolicy()
    policy.reconnect = Backoff(first: .milliseconds(1), limit: .milliseconds(4))
    policy.identify = policy.reconnect
    policy.invalidSession = .milliseconds(1) ... .milliseconds(2)
    return policy
  }
}
