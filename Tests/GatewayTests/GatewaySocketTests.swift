import Platform
import Synchronization
import Testing

@testable import Gateway

/// A gateway on a real socket that speaks zlib-stream: says HELLO, answers IDENTIFY with READY, RESUME with RESUMED.
private final class SocketGateway: Sendable {
  let loop: EventLoop
  private let listener: TCPListener
  let received = Inbox<JSON>()
  let paths = Inbox<String>()
  let closes = Inbox<WebSocketClose>()
  private let connections = Mutex<[Connection]>([])

  init() throws {
    loop = try EventLoop(name: "test-gateway")
    listener = try TCPListener(SocketAddress(parsing: "127.0.0.1:0"), loop: loop)
  }

  var url: String { "ws://127.0.0.1:\(listener.address.port)" }

  func start() async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      loop.execute {
        do {
          try self.listener.start(
            onAccept: { socket in
              guard let tcp = try? TCPConnection(socket, loop: self.loop) else { return }
              let connection = Connection(tcp: tcp, gateway: self)
              self.connections.withLock { $0.append(connection) }
              do { try tcp.start(connection) } catch { Issue.record(error) }
            }, onError: { Issue.record($0) })
          continuation.resume()
        } catch {
          continuation.resume(throwing: error)
        }
      }
    }
  }

  /// Closes the newest connection with that code, or cuts it.
  func end(_ code: UInt16?) {
    loop.execute {
      guard let connection = self.connections.withLock({ $0.last }) else { return }
      guard let code else { return connection.tcp.abort() }
      connection.write(
        WebSocketEncoder(role: .server).close(WebSocketClose(code: WebSocketCloseCode(rawValue: code))))
    }
  }

  func stop() async {
    loop.execute {
      self.listener.close()
      for connection in self.connections.withLock({ $0 }) { connection.tcp.abort() }
    }
    await loop.shutdown()
  }

  final class Connection: TCPConnectionHandler {
    private struct State {
      var head = ""
      var isOpen = false
      var decoder = WebSocketDecoder(role: .server, limits: .init(messageSize: 1 << 16))
    }
    let tcp: TCPConnection
    private let gateway: SocketGateway
    private let state = Mutex(State())
    private let deflater = Mutex(ZlibStreamDeflater())

    init(tcp: TCPConnection, gateway: SocketGateway) {
      self.tcp = tcp
      self.gateway = gateway
    }

    func write(_ bytes: [UInt8]) { tcp.write(bytes) }

    func say(_ text: String) {
      do {
        let packed = try deflater.withLock { try $0.deflate(Array(text.utf8)) }
        // In two frames, as a large message comes.
        let encoder = WebSocketEncoder(role: .server)
        tcp.write(encoder.frame(.binary, packed.prefix(5), isFinal: false))
        tcp.write(encoder.frame(.continuation, packed.dropFirst(5)))
      } catch {
        Issue.record(error)
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
      } catch {
        Issue.record(error)
      }
      for message in messages { answer(message) }
      if let close {
        gateway.closes.put([close])
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
      gateway.paths.put([String(lines[0].split(separator: " ")[1])])
      let key = lines.first { $0.hasPrefix("Sec-WebSocket-Key: ") }?.dropFirst(19) ?? ""
      tcp.write(
        Array(
          ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: \(WebSocketHandshake.accept(for: String(key)))\r\n\r\n").utf8))
      say(#"{"op":10,"d":{"heartbeat_interval":200}}"#)
    }

    private func answer(_ message: JSON) {
      gateway.received.put([message])
      switch message["op"] {
      case 1: say(#"{"op":11}"#)
      case 2:
        // Whoever resumes comes back to this address.
        say(readyEvent.replacing("ws://resume", with: gateway.url + "/resume"))
        say(messageEvent(2))
      case 6:
        say(messageEvent(3))
        say(#"{"op":0,"s":4,"t":"RESUMED","d":{}}"#)
      default: break
      }
    }

    func receivedEnd() { tcp.close() }
    func wrote(_ count: Int) {}
    func closed(_ error: SystemError?) {}
  }
}

@Suite struct GatewaySocketTests {
  @Test(.timeLimit(.minutes(1)), arguments: [UInt16?.none, 4000])
  func aShardLivesThroughARealSocket(code: UInt16?) async throws {
    let server = try SocketGateway()
    try await server.start()
    let bot =
      #"{"url":"\#(server.url)","shards":1,"session_start_limit":{"total":9,"remaining":9,"reset_after":1,"max_concurrency":1}}"#
    let sessions = MemorySessionStore()
    let inbox = Inbox<Int64>()
    let client = GatewayClient(
      configuration: GatewayClient.Configuration(token: Secret("abc"), intents: [.guilds]),
      rest: RESTClient(
        configuration: RESTClient.Configuration(token: Secret("abc")),
        transport: ScriptedTransport([.response(200, [:], bot)]), log: .silent, metrics: Metrics()),
      connector: WebSocketConnector(), sessions: sessions, log: .silent, metrics: Metrics())
    client.events.subscribe(.messageCreate) { inbox.put($0.map(\.sequence)) }
    try await client.start()
    #expect(await inbox.wait(for: 1) == [2])
    server.end(code)
    #expect(await inbox.wait(for: 2) == [2, 3])
    #expect(
      server.paths.items == [
        "/?v=10&encoding=json&compress=zlib-stream", "/resume?v=10&encoding=json&compress=zlib-stream",
      ])
    // The heart beats and is answered.
    while client.latency == nil { _ = await server.received.wait(for: server.received.items.count + 1) }
    await client.stop(saving: true)
    #expect(await server.closes.wait(for: 1).last?.code == WebSocketCloseCode(rawValue: 4900))
    #expect(await sessions.load(shard: ShardID(0, of: 1))?.sequence == 4)
    await server.stop()
  }
}
