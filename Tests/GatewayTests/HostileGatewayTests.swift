import Platform
import Synchronization
import Testing

@testable import Gateway

/// A gateway on a real socket that can also do everything wrong.
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
    var heartbeats = 0
  }
  let loop: EventLoop
  let compression: GatewayCompression
  private let listener: TCPListener
  private let state = Mutex(State())

  init(_ compression: GatewayCompression) throws {
    self.compression = compression
    loop = try EventLoop(name: "hostile-gateway")
    listener = try TCPListener(SocketAddress(parsing: "127.0.0.1:0"), loop: loop)
  }

  var url: String { "ws://127.0.0.1:\(listener.address.port)" }
  var connectionCount: Int { state.withLock { $0.connections.count } }
  /// How many heartbeats came over all connections.
  var heartbeatCount: Int { state.withLock { $0.heartbeats } }
  fileprivate func countHeartbeat() { state.withLock { $0.heartbeats += 1 } }

  /// The number of the next event.
  func next() -> Int {
    state.withLock { state in
      state.sequence += 1
      return state.sequence
    }
  }

  /// What the next connections meet; proper ones follow.
  func prepare(_ openings: [Opening]) { state.withLock { $0.openings = openings } }

  func opening() -> Opening {
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

    func say(_ text: String) {
      do {
        let bytes = Array(text.utf8)
        switch server.compression {
        case .none: tcp.write(WebSocketEncoder.serverFrame(.text, bytes))
        case .zlibStream: tcp.write(WebSocketEncoder.serverFrame(.binary, try zlib.withLock { try $0.deflate(bytes) }))
        case .zstdStream: tcp.write(WebSocketEncoder.serverFrame(.binary, try zstd.withLock { try $0.deflate(bytes) }))
        }
      } catch { Issue.record(error) }
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
      let opening = server.opening()
      if case .raw(let text) = opening { return tcp.write(Array(text.utf8)) }
      let key = head.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") }?.dropFirst(19) ?? ""
      tcp.write(
        Array(
          ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: \(WebSocketHandshake.accept(for: String(key)))\r\n\r\n").utf8))
      if case .hello(let text) = opening { say(text) } else { say(#"{"op":10,"d":{"heartbeat_interval":45000}}"#) }
    }

    private func answer(_ message: JSON) {
      switch message["op"] {
      case 1:
        server.countHeartbeat()
        say(#"{"op":11}"#)
      case 2:
        _ = server.next()
        say(readyEvent.replacing("ws://resume", with: server.url))
      case 6: say(#"{"op":0,"s":\#(server.next()),"t":"RESUMED","d":{}}"#)
      default: break
      }
    }

    func receivedEnd() { tcp.close() }
    func wrote(_ count: Int) {}
    func closed(_ error: SystemError?) {}
  }
}

/// A real client of the hostile gateway, and what it says.
private struct HostileRig {
  let server: HostileServer
  let client: GatewayClient
  let states = Inbox<String>()
  let messages = Inbox<Dispatched<Message>>()
  let sink = MemoryLogSink(level: .info)
  let metrics = Metrics()

  init(_ compression: GatewayCompression) async throws {
    server = try HostileServer(compression)
    try await server.start()
    let bot =
      #"{"url":"\#(server.url)","shards":1,"session_start_limit":{"total":9,"remaining":9,"reset_after":1,"max_concurrency":1}}"#
    let states = self.states
    client = GatewayClient(
      configuration: GatewayClient.Configuration(token: Secret("abc"), intents: [.guilds], compression: compression),
      rest: RESTClient(
        configuration: RESTClient.Configuration(token: Secret("abc")),
        transport: ScriptedTransport([.response(200, [:], bot)]), log: .silent, metrics: Metrics()),
      connector: WebSocketConnector(), random: ConstantRandom(value: 0), log: Log(label: "", sink: sink),
      metrics: metrics,
      onState: { state in
        switch state {
        case .ready(_, let resumed): states.put([resumed ? "resumed" : "ready"])
        case .disconnected: states.put(["disconnected"])
        case .failed: states.put(["failed"])
        case .resharded: break
        }
      })
    let messages = self.messages
    client.events.subscribe(.messageCreate) { messages.put($0) }
    try await client.start()
    #expect(await states.wait(for: 1) == ["ready"])
  }

  func said(_ message: String) -> Int { sink.records.count { $0.message == message } }

  func end() async {
    await client.stop(saving: false)
    await server.stop()
  }
}

private func text(_ text: String) -> @Sendable (HostileServer) -> Void { { $0.say(text) } }
private func raw(_ bytes: [UInt8]) -> @Sendable (HostileServer) -> Void { { $0.write(bytes) } }

@Suite(.timeLimit(.minutes(2))) struct HostileGatewayTests {
  enum Reaction: Sendable { case resumes, ignores }

  struct Attack: Sendable, CustomTestStringConvertible {
    let name: String
    let fault: GatewayFault
    let reaction: Reaction
    var compression = GatewayCompression.none
    let act: @Sendable (HostileServer) -> Void
    var testDescription: String { name }
  }

  static let attacks: [Attack] = [
    Attack(
      name: "masked frame", fault: .frame, reaction: .resumes,
      act: raw(WebSocketEncoder(role: .client).frame(.text, Array("{}".utf8)))),
    Attack(name: "reserved bits", fault: .frame, reaction: .resumes, act: raw([0xC1, 0x02, 0x7B, 0x7D])),
    Attack(name: "reserved opcode", fault: .frame, reaction: .resumes, act: raw([0x83, 0x00])),
    Attack(name: "fragmented ping", fault: .frame, reaction: .resumes, act: raw([0x09, 0x00])),
    Attack(name: "forbidden close code", fault: .frame, reaction: .resumes, act: raw([0x88, 0x02, 0x03, 0xED])),
    Attack(
      name: "frame of a gibibyte", fault: .tooLarge, reaction: .resumes,
      act: raw([0x82, 127, 0, 0, 0, 0, 0x40, 0, 0, 0])),
    Attack(
      name: "inflating beyond the limit", fault: .tooLarge, reaction: .resumes, compression: .zlibStream,
      act: text(String(repeating: " ", count: 33 << 20))),
    Attack(
      name: "text that is not UTF-8", fault: .invalidUTF8, reaction: .resumes, act: raw([0x81, 0x03, 0x22, 0xFF, 0x22])),
    Attack(
      name: "corrupt zlib", fault: .compression, reaction: .resumes, compression: .zlibStream,
      act: raw([0x82, 0x08, 1, 2, 3, 4, 0, 0, 0xFF, 0xFF])),
    Attack(
      name: "corrupt zstd", fault: .compression, reaction: .resumes, compression: .zstdStream,
      act: raw([0x82, 0x04, 0xFF, 0xFF, 0xFF, 0xFF])),
    Attack(name: "truncated JSON", fault: .json, reaction: .resumes, act: text(#"{"op":0,"s":2,"t":"MESS"#)),
    Attack(
      name: "binary that is not UTF-8", fault: .json, reaction: .resumes, act: raw([0x82, 0x03, 0x22, 0xFF, 0x22])),
    Attack(
      name: "bottomless JSON", fault: .json, reaction: .resumes, act: text(String(repeating: "[", count: 100_000))),
    Attack(name: "an array", fault: .envelope, reaction: .resumes, act: text("[1,2]")),
    Attack(name: "an empty object", fault: .envelope, reaction: .resumes, act: text("{}")),
    Attack(
      name: "values of absurd types", fault: .envelope, reaction: .resumes,
      act: text(#"{"op":0,"s":"7","t":5,"d":[]}"#)),
    Attack(
      name: "the largest sequence", fault: .envelope, reaction: .resumes,
      act: text(#"{"op":0,"s":9223372036854775807,"t":"TYPING_START","d":{}}"#)),
    Attack(
      name: "a sequence beyond 63 bits", fault: .envelope, reaction: .resumes,
      act: text(#"{"op":0,"s":9223372036854775808,"t":"TYPING_START","d":{}}"#)),
    Attack(
      name: "a negative sequence", fault: .envelope, reaction: .resumes,
      act: text(#"{"op":0,"s":-5,"t":"TYPING_START","d":{}}"#)),
    Attack(
      name: "READY out of place", fault: .unexpected, reaction: .ignores,
      act: text(readyEvent.replacing(#""s":1"#, with: #""s":900"#).replacing(#""S""#, with: #""stolen""#))),
    Attack(
      name: "a second HELLO", fault: .unexpected, reaction: .ignores,
      act: text(#"{"op":10,"d":{"heartbeat_interval":-1}}"#)),
    Attack(name: "an unknown opcode", fault: .unknownOpcode, reaction: .ignores, act: text(#"{"op":77,"d":{}}"#)),
    Attack(
      name: "an unknown event", fault: .unknownEvent, reaction: .ignores,
      act: { $0.say(#"{"op":0,"s":\#($0.next()),"t":"SOMETHING_NEW","d":[1]}"#) }),
    Attack(
      name: "an unknown value", fault: .unknownValue, reaction: .ignores,
      act: { $0.say(#"{"op":0,"s":\#($0.next()),"t":"CHANNEL_UPDATE","d":{"id":"5","guild_id":"1","type":99}}"#) }),
  ]

  @Test(arguments: attacks)
  func everyBreachHasItsReactionIsCountedAndToldOnce(attack: Attack) async throws {
    let rig = try await HostileRig(attack.compression)
    for round in 1...2 {
      attack.act(rig.server)
      if attack.reaction == .resumes {
        #expect(await rig.states.wait(for: 1 + 2 * round).suffix(2) == ["disconnected", "resumed"])
      }
      rig.server.say(messageEvent(rig.server.next()))
      #expect(await rig.messages.wait(for: round).count == round)
    }
    #expect(rig.messages.items.map(\.sessionID) == ["S", "S"])
    #expect(rig.client.isReady)
    #expect(rig.server.connectionCount == (attack.reaction == .resumes ? 3 : 1))
    #expect(rig.metrics.render().contains("gateway_faults_total{kind=\"\(attack.fault.rawValue)\"} 2"))
    let line = attack.fault.isNovelty ? "unknown to this version, and ignored" : "the gateway broke the protocol"
    #expect(rig.said(line) == 1)
    await rig.end()
  }

  struct BadOpening: Sendable, CustomTestStringConvertible {
    let bytes: String
    let fault: GatewayFault
    /// What the test is called: the bytes may be a hundred thousand.
    var testDescription: String { bytes.count > 60 ? "\(bytes.count) bytes of garbage" : bytes.debugDescription }
  }

  static let openings: [BadOpening] = [
    BadOpening(bytes: "\u{0}\u{1}garbage\r\n\r\n", fault: .handshake),
    BadOpening(bytes: "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\n\r\n", fault: .handshake),
    BadOpening(bytes: String(repeating: "x", count: 100_000), fault: .handshake),
    BadOpening(bytes: #"{"op":10,"d":{"heartbeat_interval":-41250}}"#, fault: .unexpected),
    BadOpening(bytes: #"{"op":10,"d":{"heartbeat_interval":0}}"#, fault: .unexpected),
    BadOpening(bytes: #"{"op":10,"d":{"heartbeat_interval":1}}"#, fault: .unexpected),
    BadOpening(bytes: #"{"op":10,"d":{"heartbeat_interval":86400000}}"#, fault: .unexpected),
    BadOpening(bytes: #"{"op":10,"d":{"heartbeat_interval":1e300}}"#, fault: .unexpected),
    BadOpening(bytes: #"{"op":10,"d":{"heartbeat_interval":"soon"}}"#, fault: .envelope),
    BadOpening(bytes: #"{"op":10,"d":{}}"#, fault: .envelope),
    BadOpening(bytes: #"{"op":10,"d":7}"#, fault: .envelope),
    BadOpening(bytes: #"{"op":10"#, fault: .json),
  ]

  @Test(arguments: openings)
  func aConnectionThatBeginsWrongIsLeftForAnother(opening: BadOpening) async throws {
    let (bytes, fault) = (opening.bytes, opening.fault)
    let rig = try await HostileRig(.none)
    let bad: HostileServer.Opening = fault == .handshake ? .raw(bytes) : .hello(bytes)
    rig.server.prepare([bad, bad])
    rig.server.cut()
    #expect(
      await rig.states.wait(for: 5) == ["ready", "disconnected", "disconnected", "disconnected", "resumed"])
    rig.server.say(messageEvent(rig.server.next()))
    #expect(await rig.messages.wait(for: 1).count == 1)
    #expect(rig.metrics.render().contains("gateway_faults_total{kind=\"\(fault.rawValue)\"} 2"))
    #expect(rig.said("the gateway broke the protocol") == 1)
    await rig.end()
  }

  @Test func anEventWithoutWhatItMustHaveIsPassedOver() async throws {
    let rig = try await HostileRig(.none)
    for data in [#"{"id":"7"}"#, "[]", "7", #"{"id":7,"channel_id":"x","author":null}"#] {
      rig.server.say(#"{"op":0,"s":\#(rig.server.next()),"t":"MESSAGE_CREATE","d":\#(data)}"#)
    }
    rig.server.say(messageEvent(rig.server.next()))
    #expect(await rig.messages.wait(for: 1).count == 1)
    #expect(rig.states.items == ["ready"])
    #expect(rig.metrics.render().contains("gateway_event_decode_failures_total{event=\"MESSAGE_CREATE\"} 4"))
    #expect(rig.said("an event could not be read") == 1)
    await rig.end()
  }
}
