import Glibc
import Synchronization
import Testing

@testable import Platform

@Suite(.timeLimit(.minutes(2)))
struct WebSocketClientTests {
  @Test func messagesGoBothWays() async throws {
    let server = try ScriptedServer { connection, _ in try connection.echo() }
    defer { server.stop() }
    let client = try WebSocketTestClient(server.webSocketURL)
    #expect(await client.next() == .connected)
    client.run { $0.send(text: "héllo") }
    #expect(await client.next() == .text("héllo"))
    for size in [0, 1, 125, 126, 65_535, 65_536, 900_000] {
      let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 3) }
      client.run { #expect($0.send(binary: payload)) }
      #expect(await client.next() == .binary(payload))
    }
    client.run { $0.close(WebSocketClose(code: .normal, reason: "done")) }
    #expect(await client.rest() == [.closed(.here(WebSocketClose(code: .normal, reason: "done")))])
    client.run { socket in #expect(!socket.send(text: "late")) }
  }

  @Test func theOpeningRequestIsComplete() async throws {
    let heads = Mutex("")
    let server = try ScriptedServer { connection, _ in
      let head = try connection.readHead()
      heads.withLock { $0 = head }
      try connection.send(connection.answer(head))
      try connection.close(WebSocketClose(code: .normal))
    }
    defer { server.stop() }
    let client = try WebSocketTestClient(server.webSocketURL, .init(headers: ["X-One": "1"], userAgent: "Test"))
    #expect(await client.rest() == [.connected, .closed(.byPeer(WebSocketClose(code: .normal)))])
    let lines = heads.withLock { $0 }.split(separator: "\r\n").filter { !$0.hasPrefix("Sec-WebSocket-Key: ") }
    #expect(
      lines == [
        "GET /gateway?v=10&encoding=json HTTP/1.1", "Host: 127.0.0.1:\(server.port)", "User-Agent: Test",
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "X-One: 1",
      ])
  }

  @Test func theAnswerAndTheFramesMayBeSplitAnywhere() async throws {
    let frames =
      WebSocketEncoder.serverFrame(.text, Array("one".utf8))
      + WebSocketEncoder(role: .server).frame(.text, Array("tw".utf8), isFinal: false)
      + WebSocketEncoder.serverFrame(.ping, [1])
      + WebSocketEncoder(role: .server).frame(.continuation, Array("o".utf8))
      + WebSocketEncoder.serverFrame(.binary, [UInt8](repeating: 7, count: 130))
      + WebSocketEncoder(role: .server).close(WebSocketClose(code: .goingAway, reason: "bye"))
    let length = Mutex(0)
    let server = try ScriptedServer { connection, number in
      var on: Int32 = 1
      setsockopt(connection.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
      let bytes = Array(try connection.answer(connection.readHead()).utf8) + frames
      length.withLock { $0 = bytes.count }
      // The first connection gets it byte by byte, each other one is split at one place.
      if number == 0 {
        for byte in bytes { try connection.send([byte]) }
      } else {
        try connection.send(Array(bytes.prefix(number)))
        usleep(500)
        try connection.send(Array(bytes.dropFirst(number)))
      }
      connection.waitForEnd()
    }
    defer { server.stop() }
    var number = 0
    repeat {
      let client = try WebSocketTestClient(server.webSocketURL, .init(closeTimeout: .milliseconds(1)))
      #expect(
        await client.rest() == [
          .connected, .text("one"), .text("two"), .binary([UInt8](repeating: 7, count: 130)),
          .closed(.byPeer(WebSocketClose(code: .goingAway, reason: "bye"))),
        ], "split at \(number)")
      number += 1
    } while number < length.withLock { $0 }
    #expect(number > 200)
  }

  @Test(arguments: [1000, 1001, 1005, 1012, 4000, 4004, 4009, 4014])
  func theServersCloseCodeIsTold(code: UInt16) async throws {
    let close = WebSocketClose(code: .init(rawValue: code), reason: code == 1005 ? "" : "because")
    let answers = AsyncStream<WebSocketClose>.makeStream()
    let server = try ScriptedServer { connection, _ in
      try connection.accept()
      try connection.close(close)
      try connection.events { if case .close(let answer) = $0 { answers.continuation.yield(answer) } }
    }
    defer { server.stop() }
    let client = try WebSocketTestClient(server.webSocketURL)
    #expect(await client.rest() == [.connected, .closed(.byPeer(close))])
    for await answer in answers.stream {
      #expect(answer.code == close.code)
      break
    }
  }

  @Test(arguments: [false, true])
  func aDroppedConnectionIsLost(isReset: Bool) async throws {
    let server = try ScriptedServer { connection, _ in
      try connection.accept()
      _ = try connection.read()
      if isReset { connection.resetOnClose() }
    }
    defer { server.stop() }
    let client = try WebSocketTestClient(server.webSocketURL) { socket, event in
      if event == .connected { socket.send(text: "x") }
    }
    let events = await client.rest()
    #expect(events.count == 2)
    guard case .closed(.failed(.connectionLost))? = events.last else {
      Issue.record("\(events)")
      return
    }
  }

  @Test(arguments: [
    ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", WebSocketClientError.refused(status: 403)),
    ("HTTP/1.1 503 Busy\r\n\r\n", .refused(status: 503)),
    ("HTTP/1.1 200 OK\r\n\r\n", .refused(status: 200)),
    ("HTTP/1.1 101 X\r\n\r\n", .handshake("missingUpgrade")),
    (
      "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
      .handshake("wrongAccept")
    ),
    ("40000 * x", .handshake("the head is too large")),
    ("10000 * HTTP/1.1 100 Continue\r\n\r\n", .handshake("the head is too large")),
    ("X: y\r\n", .handshake("the answer is not HTTP/1")),
    ("", .connectionLost("the server ended it")),
  ])
  func otherAnswersOpenNothing(answer: String, error: WebSocketClientError) async throws {
    let server = try ScriptedServer { connection, _ in
      _ = try connection.readHead()
      // "count * text" stands for the text so many times.
      let parts = answer.split(separator: " * ", maxSplits: 1)
      let count = parts.count == 2 ? Int(parts[0]) ?? 1 : 1
      try connection.send(String(repeating: String(parts.last ?? ""), count: count))
      if !answer.isEmpty { connection.waitForEnd() }
    }
    defer { server.stop() }
    #expect(await (try WebSocketTestClient(server.webSocketURL)).rest() == [.closed(.failed(error))])
  }

  @Test func whoCannotBeReachedIsTold() async throws {
    let refused = await (try WebSocketTestClient("ws://127.0.0.1:\(ScriptedServer.refusingPort())/")).rest()
    guard refused.count == 1, case .closed(.failed(.cannotConnect))? = refused.first else {
      Issue.record("\(refused)")
      return
    }
    let unknown = await (try WebSocketTestClient(ScriptedServer.unresolvable("wss"))).rest()
    guard unknown.count == 1, case .closed(.failed(.cannotResolve))? = unknown.first else {
      Issue.record("\(unknown)")
      return
    }
  }

  @Test(arguments: ["ws", "wss"])
  func openingTakesNoLongerThanAllowed(scheme: String) async throws {
    // The listener's queue takes the connection; nobody ever answers, neither TLS nor the request.
    let server = try ScriptedServer { connection, _ in connection.waitForEnd() }
    defer { server.stop() }
    let client = try WebSocketTestClient(
      "\(scheme)://127.0.0.1:\(server.port)/", .init(connectTimeout: .milliseconds(100)))
    #expect(await client.rest() == [.closed(.failed(.connectTimeout))])
  }

  @Test(arguments: [
    "http://127.0.0.1/", "127.0.0.1", "", "ws://", "ws:///x", "ws://u:p@127.0.0.1/", "ws://127.0.0.1/a b",
    "ws://127.0.0.1/\r\nX: y",
  ])
  func invalidURLsAreRefused(url: String) async throws {
    let events = await (try WebSocketTestClient(url)).rest()
    guard events.count == 1, case .closed(.failed(.invalidRequest))? = events.first else {
      Issue.record("\(events)")
      return
    }
  }

  @Test(arguments: ["Host", "Upgrade", "sec-websocket-protocol", "a b"])
  func fieldsOfTheHandshakeAreRefused(name: String) async throws {
    var headers = HTTPHeaders()
    headers.add(name, "x")
    let events = await (try WebSocketTestClient("ws://127.0.0.1:1/", .init(headers: headers))).rest()
    guard events.count == 1, case .closed(.failed(.invalidRequest))? = events.first else {
      Issue.record("\(events)")
      return
    }
  }

  @Test func pingsAreAnswered() async throws {
    let pongs = AsyncStream<[UInt8]>.makeStream()
    let server = try ScriptedServer { connection, _ in
      try connection.accept()
      try connection.send(.ping, [1, 2, 3])
      try connection.events { if case .pong(let payload) = $0 { pongs.continuation.yield(Array(payload)) } }
    }
    defer { server.stop() }
    let client = try WebSocketTestClient(server.webSocketURL)
    #expect(await client.next() == .connected)
    for await pong in pongs.stream {
      #expect(pong == [1, 2, 3])
      break
    }
    client.run { $0.abort() }
    #expect(await client.rest() == [.closed(.aborted)])
  }

  enum Breach: CaseIterable {
    case tooLarge, masked, notUTF8, reservedBits

    var frame: (bytes: [UInt8], code: Int) {
      switch self {
      case .tooLarge: (WebSocketEncoder.serverFrame(.binary, [UInt8](repeating: 0, count: 1_001)), 1009)
      case .masked: (WebSocketEncoder(role: .client).frame(.text, [65]), 1002)
      case .notUTF8: (WebSocketEncoder.serverFrame(.text, [0xFF]), 1007)
      case .reservedBits: ([0xF1, 0x00], 1002)
      }
    }
  }

  @Test(arguments: Breach.allCases)
  func aServerThatBreaksTheProtocolIsToldAndLeft(breach: Breach) async throws {
    let (bytes, code) = breach.frame
    let told = AsyncStream<Int>.makeStream()
    let server = try ScriptedServer { connection, _ in
      try connection.accept()
      try connection.send(.text, Array("fine".utf8))
      try connection.send(bytes)
      try connection.events { if case .close(let close) = $0 { told.continuation.yield(Int(close.code.rawValue)) } }
    }
    defer { server.stop() }
    let client = try WebSocketTestClient(server.webSocketURL, .init(limits: .init(messageSize: 1_000)))
    #expect(await client.next() == .connected)
    #expect(await client.next() == .text("fine"))
    let events = await client.rest()
    guard events.count == 1, case .closed(.failed(.protocolViolation(let error)))? = events.first else {
      Issue.record("\(events)")
      return
    }
    #expect(Int(error.code.rawValue) == code)
    for await toldCode in told.stream {
      #expect(toldCode == code)
      break
    }
  }

  @Test func aCloseThatIsNotAnsweredEndsInTime() async throws {
    let server = try ScriptedServer { connection, _ in
      try connection.accept()
      connection.waitForEnd()
    }
    defer { server.stop() }
    let client = try WebSocketTestClient(server.webSocketURL, .init(closeTimeout: .milliseconds(50))) { socket, event in
      guard event == .connected else { return }
      socket.close(WebSocketClose(code: .init(rawValue: 4900)))
      // Only the first counts.
      socket.close(WebSocketClose(code: .normal))
      #expect(!socket.send(text: "too late"))
    }
    #expect(
      await client.rest() == [.connected, .closed(.here(WebSocketClose(code: .init(rawValue: 4900))))])
  }

  @Test func aServerThatClosesAtTheSameTimeIsHeard() async throws {
    let server = try ScriptedServer { connection, _ in
      try connection.accept()
      _ = try connection.read()
      try connection.send(.text, Array("last".utf8))
      try connection.close(WebSocketClose(code: .init(rawValue: 4004)))
    }
    defer { server.stop() }
    let client = try WebSocketTestClient(server.webSocketURL) { socket, event in
      if event == .connected { socket.close(WebSocketClose(code: .normal)) }
    }
    #expect(
      await client.rest() == [
        .connected, .text("last"), .closed(.byPeer(WebSocketClose(code: .init(rawValue: 4004)))),
      ])
  }

  @Test func nothingComesAfterAbort() async throws {
    let ended = AsyncStream<Void>.makeStream()
    let server = try ScriptedServer { connection, _ in
      try connection.accept()
      // In one piece, so that the second message is already there when the first is handled.
      try connection.send(
        WebSocketEncoder.serverFrame(.text, [65]) + WebSocketEncoder.serverFrame(.text, [66])
          + WebSocketEncoder(role: .server).close(WebSocketClose(code: .normal)))
      connection.waitForEnd()
      ended.continuation.yield()
    }
    defer { server.stop() }
    let client = try WebSocketTestClient(server.webSocketURL) { socket, event in
      guard event == .text("A") else { return }
      socket.abort()
      socket.abort()
    }
    #expect(await client.rest() == [.connected, .text("A"), .closed(.aborted)])
    for await _ in ended.stream { break }
  }

  @Test func abortingWhileItConnectsIsSafe() async throws {
    let server = try ScriptedServer { connection, _ in connection.waitForEnd() }
    defer { server.stop() }
    for delay in 0..<20 {
      let client = try WebSocketTestClient(
        delay.isMultiple(of: 2) ? server.webSocketURL : "wss://localhost:\(server.port)/")
      client.run { socket in
        socket.loop.schedule(after: .microseconds(delay * 50)) { socket.close(WebSocketClose(code: .normal)) }
      }
      #expect(await client.rest() == [.closed(.aborted)])
    }
  }

  @Test func aServerThatDoesNotReadIsGivenUp() async throws {
    let server = try ScriptedServer { connection, _ in
      try connection.accept()
      _ = try connection.read(atMost: 1)
      // Holds the connection open until the client has gone.
      var waiting = pollfd(fd: connection.descriptor, events: Int16(bitPattern: UInt16(0x2000)), revents: 0)  // RDHUP
      _ = poll(&waiting, 1, 60_000)
    }
    defer { server.stop() }
    let sent = Mutex(0)
    let client = try WebSocketTestClient(server.webSocketURL, .init(maximumBufferedBytes: 1 << 20)) { socket, event in
      guard event == .connected else { return }
      while socket.send(binary: [UInt8](repeating: 1, count: 100_000)) {
        sent.withLock { $0 += 1 }
        #expect(socket.bufferedBytes <= 1 << 20)
      }
    }
    #expect(await client.rest() == [.connected, .closed(.failed(.sendBufferFull(limit: 1 << 20)))])
    #expect(sent.withLock { $0 } > 10)
  }

  @Test func whatWaitsIsSentWhenTheServerReads() async throws { try await sendABurstToALateReader() }

  @Test(arguments: [
    ("ws://h", "h", "/", false), ("WSS://h:1/a?b#c", "h:1", "/a?b", true),
    ("wss://[::1]:2?x=/y", "[::1]:2", "/?x=/y", true),
  ])
  func urlsAreTakenApart(url: String, authority: String, path: String, isSecure: Bool) throws {
    let target = try WebSocketTarget(url)
    #expect(target.authority == authority)
    #expect(target.path == path)
    #expect(target.isSecure == isSecure)
  }
}
