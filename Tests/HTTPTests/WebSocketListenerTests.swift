import HTTPTestSupport
import Platform
import Synchronization
import Testing

@testable import HTTP

/// WebSockets that are served on the loop, without a task.
@Suite(.timeLimit(.minutes(2)))
struct WebSocketListenerTests {
  private static let opening =
    "GET /echo HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
  private static let encoder = WebSocketEncoder(role: .client, random: SeededRandom(seed: 1))

  /// Echoes, and writes down what it hears. `close` closes in the middle.
  private final class Echo: WebSocketListener {
    let channel: WebSocketChannel
    let heard: AsyncStream<String>.Continuation

    init(_ channel: WebSocketChannel, _ heard: AsyncStream<String>.Continuation) {
      self.channel = channel
      self.heard = heard
    }

    deinit { heard.yield("freed") }

    func opened() {
      heard.yield("opened \(channel.isOpen)")
      channel.send(.text("welcome"))
    }

    func received(_ kind: WebSocketListenerMessage, _ bytes: BorrowedBytes) {
      let text = String(decoding: bytes.bytes, as: UTF8.self)
      heard.yield("\(kind) \(text)")
      if text == "close" { return channel.close(.policyViolation, reason: "asked for") }
      if text == "ping" { return channel.ping() }
      channel.send([.text(text), .text(text)])
    }

    func receivedControl() { heard.yield("control") }
    func ended(_ close: WebSocketClose) { heard.yield("ended \(close.code)") }
  }

  private static func router() -> (Router, AsyncStream<String>.Iterator) {
    let (stream, heard) = AsyncStream.makeStream(of: String.self)
    var router = Router()
    router.webSocket("/echo", options: WebSocketOptions(maximumMessageSize: 1_000)) { request in
      if request.query["no"] != nil { throw HTTPError(.unauthorized, "who are you?") }
      return { Echo($0, heard) }
    }
    return (router, stream.makeAsyncIterator())
  }

  @Test func aListenerHearsAndAnswersInOrderAndIsFreed() async throws {
    var (router, heard) = Self.router()
    try await withServer(router) { address, _ in
      let client = try TestClient(address)
      // The first frames come with the opening request.
      await client.send(
        Array(Self.opening.utf8) + Self.encoder.frame(.text, "a".utf8) + Self.encoder.frame(.ping, "p".utf8)
          + Self.encoder.frame(.text, "ping".utf8))
      #expect(await client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 101 "))
      for expected in [(1, "welcome"), (1, "a"), (1, "a"), (10, "p"), (9, "")] {
        let frame = await client.frame()
        #expect(frame.map { Int($0.opcode) } == expected.0)
        #expect(frame.map { String(decoding: $0.payload, as: UTF8.self) } == expected.1)
      }
      await client.send(Self.encoder.frame(.pong, []) + Self.encoder.close(WebSocketClose(code: .normal)))
      #expect(await client.read(count: 4) == [0x88, 2, 0x03, 0xE8])
      #expect(await client.read() == .end)
      for expected in ["opened true", "text a", "control", "text ping", "control", "ended 1000", "freed"] {
        #expect(await heard.next() == expected)
      }
    }
  }

  @Test func whatComesAfterTheListenerHasClosedIsNotHeard() async throws {
    var (router, heard) = Self.router()
    try await withServer(router) { address, _ in
      let client = try TestClient(address)
      await client.send(
        Array(Self.opening.utf8) + Self.encoder.frame(.text, "close".utf8) + Self.encoder.frame(.text, "b".utf8))
      _ = await client.read(until: "\r\n\r\n")
      #expect(await client.frame()?.opcode == 1)
      let close = await client.frame()
      #expect(close?.opcode == 8)
      #expect(close?.payload.prefix(2) == [0x03, 0xF0])
      await client.send(
        Self.encoder.frame(.text, "c".utf8) + Self.encoder.close(WebSocketClose(code: .policyViolation)))
      #expect(await client.read() == .end)
      for expected in ["opened true", "text close", "ended 1008", "freed"] { #expect(await heard.next() == expected) }
    }
  }

  @Test func aPeerThatIsGoneOrBreaksTheProtocolEndsTheListener() async throws {
    var (router, heard) = Self.router()
    try await withServer(router) { address, _ in
      do {
        let client = try TestClient(address)
        await client.send(Self.opening)
        _ = await client.read(until: "\r\n\r\n")
      }
      for expected in ["opened true", "ended 1006", "freed"] { #expect(await heard.next() == expected) }
      let client = try TestClient(address)
      await client.send(Array(Self.opening.utf8) + [0x81, 0x01, 0x41])
      _ = await client.read(until: "\r\n\r\n")
      _ = await client.frame()
      #expect(await client.frame()?.payload.prefix(2) == [0x03, 0xEA])
      for expected in ["opened true", "ended 1002"] { #expect(await heard.next() == expected) }
      #expect(await client.read() == .end)
    }
  }

  @Test func anAdmissionThatThrowsIsAnsweredAndMakesNoListener() async throws {
    var (router, heard) = Self.router()
    try await withServer(router) { address, _ in
      let client = try TestClient(address)
      await client.send(Self.opening.replacing("/echo", with: "/echo?no"))
      #expect(await client.read(until: "}").hasPrefix("HTTP/1.1 401 "))
      // The connection goes on, and may still become a WebSocket.
      await client.send(Self.opening)
      _ = await client.read(until: "\r\n\r\n")
      #expect(await heard.next() == "opened true")
    }
  }

  @Test func theServersStopIsToldWith1001() async throws {
    var (router, heard) = Self.router()
    try await withServer(router) { address, server in
      let client = try TestClient(address)
      await client.send(Self.opening)
      _ = await client.read(until: "\r\n\r\n")
      _ = await client.frame()
      async let end: Void = server.shutdown(grace: .seconds(60))
      #expect(await client.frame()?.payload.prefix(2) == [0x03, 0xE9])
      await client.send(Self.encoder.close(WebSocketClose(code: .goingAway)))
      #expect(await client.read() == .end)
      await end
      for expected in ["opened true", "ended 1001", "freed"] { #expect(await heard.next() == expected) }
    }
  }
}
