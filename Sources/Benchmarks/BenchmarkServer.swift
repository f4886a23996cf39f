import Platform
import Synchronization

/// A gateway and just so much of the REST API as a bot needs to start and to answer interactions, on one real socket.
///
/// It does as little as possible, because it shares the machine with what it measures.
final class BenchmarkServer: Sendable {
  private struct State {
    var gateway: Connection?
    var sequence: Int64 = 1
    var heartbeats: [ContinuousClock.Instant] = []
    /// When each interaction was sent and when its answer came, by its number.
    var sent: [ContinuousClock.Instant] = []
    var answered: [ContinuousClock.Instant?] = []
  }

  let loop: EventLoop
  private let listener: TCPListener
  private let heartbeatInterval: Duration
  private let state = Mutex(State())

  init(heartbeatInterval: Duration = .seconds(45)) async throws {
    self.heartbeatInterval = heartbeatInterval
    loop = try EventLoop(name: "server")
    listener = try TCPListener(SocketAddress(parsing: "127.0.0.1:0"), loop: loop)
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      loop.execute {
        do {
          try self.listener.start(
            onAccept: { socket in
              guard let tcp = try? TCPConnection(socket, loop: self.loop) else { return }
              try? tcp.start(Connection(tcp, self))
            }, onError: { print("the server cannot accept: \($0)") })
          continuation.resume()
        } catch { continuation.resume(throwing: error) }
      }
    }
  }

  var address: String { "127.0.0.1:\(listener.address.port)" }
  var heartbeats: [ContinuousClock.Instant] { state.withLock { $0.heartbeats } }

  /// From sending to the arrival of the answer, of all interactions that were answered.
  var answerTimes: [Duration] {
    state.withLock { state in
      zip(state.sent, state.answered).compactMap { sent, answered in answered.map { sent.duration(to: $0) } }
    }
  }

  /// Sends an interaction. Its id is its number.
  func interact(_ make: @escaping @Sendable (_ number: Int, _ sequence: Int64) -> [UInt8]) {
    loop.execute {
      let (connection, number, sequence) = self.state.withLock { state in
        state.sequence += 1
        state.answered.append(nil)
        return (state.gateway, state.answered.count - 1, state.sequence)
      }
      let frame = WebSocketEncoder.serverFrame(.text, make(number, sequence))
      self.state.withLock { $0.sent.append(.now) }
      connection?.tcp.write(frame)
    }
  }

  fileprivate func opened(_ connection: Connection) {
    state.withLock { $0.gateway = connection }
    connection.say(["op": 10, "d": ["heartbeat_interval": .double(heartbeatInterval.inSeconds * 1_000)]])
  }

  fileprivate func heard(_ opcode: Int64?, on connection: Connection) {
    switch opcode {
    case 1:
      state.withLock { $0.heartbeats.append(.now) }
      connection.say(["op": 11])
    case 2:
      connection.say([
        "t": "READY", "s": 1, "op": 0,
        "d": [
          "v": 10, "user": ["id": "1", "username": "bot"], "session_id": "s", "application": ["id": "2"], "guilds": [],
          "resume_gateway_url": .string("ws://\(address)"),
        ],
      ])
    default: break
    }
  }

  /// - Returns: the answer to a request for `path`.
  fileprivate func answer(_ path: Substring) -> String {
    if path.hasSuffix("/callback") {
      let number = path.split(separator: "/").dropLast(2).last.flatMap { Int($0) }
      state.withLock { state in
        if let number, state.answered.indices.contains(number) { state.answered[number] = .now }
      }
      return "HTTP/1.1 204 No Content\r\nVia: 1.1 benchmark\r\n\r\n"
    }
    let body =
      #"{"url":"ws://\#(address)","shards":1,"session_start_limit":"#
      + #"{"total":9,"remaining":9,"reset_after":1,"max_concurrency":1}}"#
    return "HTTP/1.1 200 OK\r\nVia: 1.1 benchmark\r\nContent-Type: application/json\r\n"
      + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  fileprivate final class Connection: TCPConnectionHandler {
    let tcp: TCPConnection
    private let server: BenchmarkServer
    private struct State {
      var input: [UInt8] = []
      var decoder: WebSocketDecoder?
    }
    private let state = Mutex(State())

    init(_ tcp: TCPConnection, _ server: BenchmarkServer) {
      self.tcp = tcp
      self.server = server
    }

    func say(_ message: JSON) { tcp.write(WebSocketEncoder.serverFrame(.text, message.serializedBytes())) }

    func received(_ input: BorrowedBytes) {
      let bytes = Array(input.bytes)
      if state.withLock({ $0.decoder != nil }) { return readFrames(bytes) }
      state.withLock { $0.input += bytes }
      while let path = nextRequest() {
        if let path { tcp.write(Array(server.answer(path[...]).utf8)) }
      }
    }

    /// The path of the next request that is whole; an inner nil if it opened the WebSocket.
    private func nextRequest() -> String?? {
      let (head, rest) = state.withLock { state -> (String, ArraySlice<UInt8>) in
        guard
          let end = state.input.indices.dropLast(3).first(where: {
            state.input[$0..<$0 + 4].elementsEqual([13, 10, 13, 10])
          })
        else { return ("", []) }
        return (String(decoding: state.input[..<end], as: UTF8.self), state.input[(end + 4)...])
      }
      guard !head.isEmpty else { return nil }
      let lines = head.split(separator: "\r\n")
      func header(_ name: String) -> Substring? {
        lines.first { $0.lowercased().hasPrefix(name + ": ") }?.dropFirst(name.count + 2)
      }
      if let key = header("sec-websocket-key") {
        state.withLock { state in
          state.decoder = WebSocketDecoder(role: .server, limits: .init(messageSize: 1 << 16))
          state.input = []
        }
        tcp.write(
          Array(
            ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              + "Sec-WebSocket-Accept: \(WebSocketHandshake.accept(for: String(key)))\r\n\r\n").utf8))
        server.opened(self)
        return .some(nil)
      }
      let length = header("content-length").flatMap { Int($0) } ?? 0
      guard rest.count >= length else { return nil }
      state.withLock { $0.input = Array(rest.dropFirst(length)) }
      return String(lines.first?.split(separator: " ").dropFirst().first ?? "")
    }

    private func readFrames(_ bytes: [UInt8]) {
      var opcodes: [Int64?] = []
      var isOver = false
      do {
        try state.withLock { state in
          try state.decoder?.decode(bytes) { event in
            switch event {
            case .text(let text): opcodes.append((try? JSON(parsing: Array(text)))?["op"]?.integer)
            case .close: isOver = true
            default: break
            }
          }
        }
      } catch { isOver = true }
      for opcode in opcodes { server.heard(opcode, on: self) }
      if isOver { tcp.close() }
    }

    func receivedEnd() { tcp.close() }
    func wrote(_ count: Int) {}
    func closed(_ error: SystemError?) {}
  }
}
