import HTTPTestSupport
import Platform
import Testing

@testable import HTTP

struct WebSocketServerTests {
  private static let opening =
    "GET /echo HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

  private static let encoder = WebSocketEncoder(role: .client, random: SeededRandom(seed: 1))

  private static func router(_ options: WebSocketOptions = WebSocketOptions()) -> Router {
    var router = Router()
    router.webSocket("/echo", options: options) { _, socket in
      for await message in socket.messages { try socket.send(message) }
    }
    router.webSocket("/abort") { _, socket in
      socket.abort()
    }
    router.webSocket("/closed", admit: { _ in throw HTTPError(.unauthorized, "who are you?") }) { _, _ in }
    router.webSocket("/flood", options: options) { _, socket in
      do {
        while true { try socket.send(binary: [UInt8](repeating: 1, count: 1_000)) }
      } catch WebSocketSendError.overflow {
        socket.close(.policyViolation, reason: "too slow")
        await socket.drained()
      }
    }
    return router
  }

  @Test func upgradesAndEchoesAndClosesInOrder() async throws {
    try await withServer(Self.router()) { address, _ in
      let client = try TestClient(address)
      // The first frame comes with the opening request.
      await client.send(Array(Self.opening.utf8) + Self.encoder.frame(.text, "early".utf8))
      let head = await client.read(until: "\r\n\r\n")
      #expect(head.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
      #expect(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
      #expect(head.contains("Connection: Upgrade\r\n"))
      #expect(await client.read(count: 7) == WebSocketEncoder.serverFrame(.text, "early".utf8))
      await client.send(Self.encoder.frame(.ping, "p".utf8))
      #expect(await client.read(count: 3) == WebSocketEncoder.serverFrame(.pong, "p".utf8))
      let large = [UInt8](repeating: 9, count: 200_000)
      await client.send(Self.encoder.frame(.binary, large))
      #expect(await client.read(count: 200_010) == WebSocketEncoder.serverFrame(.binary, large))
      await client.send(Self.encoder.close(WebSocketClose(code: .normal)))
      #expect(await client.read(count: 4) == [0x88, 2, 0x03, 0xE8])
      #expect(await client.read() == .end)
    }
  }

  @Test func anAbortedSocketIsResetWithoutACloseFrame() async throws {
    try await withServer(Self.router()) { address, _ in
      let client = try TestClient(address)
      await client.send(Self.opening.replacing("/echo", with: "/abort"))
      var last = await client.read()
      if case .bytes(let head) = last {
        #expect(String(decoding: head, as: UTF8.self).hasSuffix("\r\n\r\n"))
        last = await client.read()
      }
      #expect(last == .reset)
    }
  }

  @Test func admissionMayRefuseTheUpgrade() async throws {
    try await withServer(Self.router()) { address, _ in
      let client = try TestClient(address)
      await client.send(Self.opening.replacing("/echo", with: "/closed"))
      #expect(await client.read(until: "}").hasPrefix("HTTP/1.1 401 Unauthorized\r\n"))
      await client.send("GET /echo HTTP/1.1\r\nHost: test\r\n\r\n")
      let answer = await client.read(until: "}")
      #expect(answer.hasPrefix("HTTP/1.1 426 Upgrade Required\r\n"))
      #expect(answer.contains("Sec-WebSocket-Version: 13\r\n"))
    }
  }

  @Test func theHandlerSeesWhatMiddlewareFoundOut() async throws {
    struct Outer: Sendable { var text: String }
    struct Inner: Sendable { var text: String }
    var inner = Router()
    inner.use { request, next in
      var request = request
      request[Inner.self] = Inner(text: "inner")
      return try await next(request)
    }
    inner.webSocket("/echo") { request, socket in
      try socket.send(text: "\(request[Outer.self]?.text ?? "-") \(request[Inner.self]?.text ?? "-")")
    }
    var outer = Router()
    outer.use { request, next in
      var request = request
      request[Outer.self] = Outer(text: "outer")
      return try await next(request)
    }
    outer.mount("/", inner)
    try await withServer(outer) { address, _ in
      let client = try TestClient(address)
      await client.send(Self.opening)
      _ = await client.read(until: "\r\n\r\n")
      #expect(await client.read(count: 13) == WebSocketEncoder.serverFrame(.text, "outer inner".utf8))
    }
  }

  @Test func aPeerThatBreaksTheProtocolIsToldWhy() async throws {
    try await withServer(Self.router()) { address, _ in
      let client = try TestClient(address)
      await client.send(Array(Self.opening.utf8) + [0x81, 0x01, 0x41])
      _ = await client.read(until: "\r\n\r\n")
      #expect(await client.read(count: 4).dropFirst(2) == [0x03, 0xEA])
    }
  }

  @Test func messagesBeyondTheLimitClose1009() async throws {
    try await withServer(Self.router(WebSocketOptions(maximumMessageSize: 10))) { address, _ in
      let client = try TestClient(address)
      await client.send(Array(Self.opening.utf8) + Self.encoder.frame(.text, "more than ten".utf8))
      _ = await client.read(until: "\r\n\r\n")
      #expect(await client.read(count: 4).dropFirst(2) == [0x03, 0xF1])
    }
  }

  @Test func aPeerThatDoesNotReadOverflowsAndStillGetsTheCloseFrame() async throws {
    let options = WebSocketOptions(maximumPendingBytes: 100_000, closeTimeout: .seconds(60))
    try await withServer(Self.router(options)) { address, _ in
      let client = try TestClient(address)
      await client.send(Self.opening.replacing("/echo", with: "/flood"))
      _ = await client.read(until: "\r\n\r\n")
      var last: [UInt8] = []
      let close = WebSocketEncoder(role: .server).close(WebSocketClose(code: .policyViolation, reason: "too slow"))
      while last != close, case .bytes(let bytes) = await client.read() { last = (last + bytes).suffix(close.count) }
      #expect(last == close)
      await client.send(Self.encoder.close(WebSocketClose(code: .policyViolation)))
      #expect(await client.read() == .end)
    }
  }

  @Test func messagesThatNobodyReceivesHoldThePeerUp() async throws {
    let (stream, events) = AsyncStream.makeStream(of: Int.self)
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    var router = Router()
    router.webSocket("/echo", options: WebSocketOptions(maximumReceivedBytes: 10_000)) { _, socket in
      for await _ in gate { break }
      var count = 0
      for await _ in socket.messages { count += 1 }
      events.yield(count)
    }
    try await withServer(router) { address, _ in
      let client = try TestClient(address)
      await client.send(Self.opening)
      _ = await client.read(until: "\r\n\r\n")
      let frame = Self.encoder.frame(.binary, [UInt8](repeating: 1, count: 1_000))
      let sender = Task {
        for _ in 0..<5_000 { await client.send(frame) }
        await client.send(Self.encoder.close(WebSocketClose(code: .normal)))
      }
      open.yield()
      await sender.value
      for await count in stream {
        #expect(count == 5_000)
        break
      }
    }
  }

  @Test func shutdownTellsSocketsThatTheServerGoesAway() async throws {
    try await withServer(Self.router()) { address, server in
      let client = try TestClient(address)
      await client.send(Self.opening)
      _ = await client.read(until: "\r\n\r\n")
      async let end: Void = server.shutdown(grace: .seconds(30))
      #expect(await client.read(count: 4) == [0x88, 2, 0x03, 0xE9])
      await client.send(Self.encoder.close(WebSocketClose(code: .goingAway)))
      #expect(await client.read() == .end)
      await end
    }
  }
}
