import Glibc
import Synchronization
import Testing

@testable import Platform

/// An event whose memory is its own.
enum RecordedEvent: Sendable, Equatable {
  case connected
  case text(String)
  case binary([UInt8])
  case closed(WebSocketClientEnd)

  init(_ event: WebSocketClientEvent) {
    self =
      switch event {
      case .connected: .connected
      case .message(.text, let bytes): .text(String(decoding: bytes, as: UTF8.self))
      case .message(.binary, let bytes): .binary(Array(bytes))
      case .closed(let end): .closed(end)
      }
  }
}

/// A client on a loop of its own, whose events are read one by one.
final class WebSocketTestClient: Sendable {
  let loop: EventLoop
  private let socket = Mutex<WebSocketClient?>(nil)
  private let events: AsyncStream<RecordedEvent>

  /// - Parameter react: called on the loop with each event before it can be read.
  init(
    _ url: String, _ configuration: WebSocketClient.Configuration = .init(),
    react: @escaping @Sendable (WebSocketClient, RecordedEvent) -> Void = { _, _ in }
  ) throws {
    loop = try EventLoop(name: "ws-test")
    let (events, continuation) = AsyncStream<RecordedEvent>.makeStream()
    self.events = events
    loop.execute {
      let client = WebSocketClient.connect(to: url, on: self.loop, configuration: configuration) { event in
        let event = RecordedEvent(event)
        if let socket = self.socket.withLock({ $0 }) { react(socket, event) }
        continuation.yield(event)
      }
      self.socket.withLock { $0 = client }
    }
  }

  func run(_ body: @escaping @Sendable (WebSocketClient) -> Void) {
    loop.execute { if let socket = self.socket.withLock({ $0 }) { body(socket) } }
  }

  /// The next event.
  func next() async -> RecordedEvent? {
    for await event in events { return event }
    return nil
  }

  /// Everything until the end, and what came behind it, which must be nothing.
  func rest() async -> [RecordedEvent] {
    var all: [RecordedEvent] = []
    while let event = await next() {
      all.append(event)
      if case .closed = event { break }
    }
    // Whatever else the loop would still say comes before this.
    await loop.shutdown()
    return all
  }
}

/// A server that reads late meets a client that sends forty messages of half a megabyte at once: all of them come, in
/// order, over TCP as over TLS, which must be offered the same bytes again when the socket did not take a record.
func sendABurstToALateReader(_ tls: TLSServer? = nil) async throws {
  let total = 40
  let results = AsyncStream<Bool>.makeStream()
  let gate = Mutex(false)
  let server = try ScriptedServer(tls: tls) { connection, _ in
    try connection.accept()
    for _ in 0..<60_000 where !gate.withLock({ $0 }) { usleep(1_000) }
    var number: UInt8 = 0
    var isSame = true
    try connection.events { event in
      guard case .binary(let bytes) = event else { return }
      isSame = isSame && bytes.count == 500_000 && bytes.allSatisfy { $0 == number }
      number += 1
      if number == total { results.continuation.yield(isSame) }
    }
  }
  defer { server.stop() }
  let client = try WebSocketTestClient(
    server.webSocketURL, .init(maximumBufferedBytes: 64 << 20, certificateAuthorityFile: tls?.certificateFile)
  ) { socket, event in
    guard event == .connected else { return }
    for number in 0..<total {
      #expect(socket.send(binary: [UInt8](repeating: UInt8(number), count: 500_000)))
    }
    #expect(socket.bufferedBytes > 0)
    gate.withLock { $0 = true }
  }
  #expect(await client.next() == .connected)
  for await isSame in results.stream {
    #expect(isSame)
    break
  }
  client.run { $0.abort() }
  #expect(await client.rest() == [.closed(.aborted)])
}

extension ScriptedConnection {
  func answer(_ head: String) -> String {
    let key = head.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") }?.dropFirst(19) ?? ""
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      + "Sec-WebSocket-Accept: \(WebSocketHandshake.accept(for: String(key)))\r\n\r\n"
  }

  /// Reads the opening request and agrees.
  func accept() throws { try send(answer(readHead())) }

  func send(_ opcode: WebSocketOpcode, _ payload: [UInt8]) throws {
    try send(WebSocketEncoder.serverFrame(opcode, payload))
  }

  func close(_ close: WebSocketClose) throws {
    try send(WebSocketEncoder(role: .server).close(close))
  }

  /// Calls `body` with each event until the connection or the script ends.
  func events(_ body: @escaping (WebSocketEvent) throws -> Void) throws {
    var decoder = WebSocketDecoder(role: .server, limits: .init(messageSize: 64 << 20))
    while !decoder.isClosed {
      let bytes = try read()
      var failure: (any Error)?
      try decoder.decode(bytes) { event in
        do { if failure == nil { try body(event) } } catch { failure = error }
      }
      if let failure { throw failure }
    }
  }

  func echo() throws {
    try accept()
    try events { event in
      switch event {
      case .text(let bytes): try send(.text, Array(bytes))
      case .binary(let bytes): try send(.binary, Array(bytes))
      case .close(let close): try self.close(close)
      case .ping, .pong: break
      }
    }
  }
}
