import Glibc
import Synchronization
import Testing

@testable import Platform

/// Both clients against a TLS server: what is trusted, which protocol is agreed on, and bursts in both directions, of
/// which parts wait inside the TLS library, where no readiness of the socket tells of them.
@Suite(.timeLimit(.minutes(2)))
struct TLSTests {
  private func withClient(trusting tls: TLSServer?, _ body: (HTTPClient) async throws -> Void) async throws {
    let client = try HTTPClient(
      configuration: .init(certificateAuthorityFile: tls?.certificateFile), log: .silent, metrics: Metrics())
    do {
      try await body(client)
    } catch {
      await client.shutdown()
      throw error
    }
    await client.shutdown()
  }

  // MARK: HTTPS

  @Test func requestsShareOneConnection() async throws {
    let tls = try TLSServer()
    let protocols = Mutex<[String?]>([])
    let server = try ScriptedServer(tls: tls) { connection, _ in
      protocols.withLock { $0.append(connection.tls?.chosenProtocol) }
      while true {
        let head = try connection.readHead()
        let length = head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }?.dropFirst(16) ?? "0"
        let body = try connection.read(exactly: Int(length) ?? 0)
        try connection.respond(body: String(decoding: body, as: UTF8.self))
      }
    }
    defer { server.stop() }
    try await withClient(trusting: tls) { client in
      // Larger than a TLS record, larger than libcurl's buffers.
      for size in [0, 1, 20_000, 3_000_000] {
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: size)
        let response = try await client.send(HTTPClientRequest(.post, server.url, body: .bytes(body)))
        #expect(response.status == 200)
        #expect(response.body == body)
      }
    }
    #expect(server.connectionCount == 1)
    #expect(protocols.withLock { $0 } == ["http/1.1"])
  }

  @Test func http2IsOffered() async throws {
    let tls = try TLSServer(protocols: ["h2", "http/1.1"])
    let greeting = Mutex("")
    let server = try ScriptedServer(tls: tls) { connection, _ in
      let bytes = try connection.read(exactly: 24)
      greeting.withLock { $0 = String(decoding: bytes, as: UTF8.self) }
    }
    defer { server.stop() }
    try await withClient(trusting: tls) { client in
      await #expect(throws: HTTPClientError.self) { try await client.send(HTTPClientRequest(.post, server.url)) }
    }
    #expect(greeting.withLock { $0 } == "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
  }

  /// Whom a client must not talk to.
  enum Untrusted: CaseIterable { case unknownAuthority, otherAuthority, otherName }

  @Test(arguments: Untrusted.allCases)
  func anUntrustedServerGetsNoRequest(_ fault: Untrusted) async throws {
    let tls = try TLSServer(names: fault == .otherName ? "DNS:other.test,IP:127.0.0.2" : "IP:127.0.0.1")
    let trusted =
      switch fault {
      case .unknownAuthority: nil as TLSServer?
      case .otherAuthority: try TLSServer()
      case .otherName: tls
      }
    let requests = Mutex(0)
    let server = try ScriptedServer(tls: tls) { connection, _ in
      _ = try connection.read()
      requests.withLock { $0 += 1 }
    }
    defer { server.stop() }
    try await withClient(trusting: trusted) { client in
      await #expect {
        try await client.send(HTTPClientRequest(.post, server.url))
      } throws: { error in
        guard let error = error as? HTTPClientError, case .tls = error.reason else { return false }
        return !error.requestMayHaveBeenSent
      }
    }
    let socket = try WebSocketTestClient(
      server.webSocketURL, .init(certificateAuthorityFile: trusted?.certificateFile))
    let events = await socket.rest()
    guard events.count == 1, case .closed(.failed(.tls))? = events.first else {
      Issue.record("\(events)")
      return
    }
    #expect(requests.withLock { $0 } == 0)
  }

  // MARK: WSS

  @Test func webSocketsNeverAgreeOnHTTP2() async throws {
    // The server prefers what would break the WebSocket.
    let tls = try TLSServer(protocols: ["h2", "http/1.1"])
    let chosen = Mutex<String?>(nil)
    let server = try ScriptedServer(tls: tls) { connection, _ in
      chosen.withLock { $0 = connection.tls?.chosenProtocol }
      try connection.echo()
    }
    defer { server.stop() }
    let client = try WebSocketTestClient(
      server.webSocketURL, .init(certificateAuthorityFile: tls.certificateFile))
    #expect(await client.next() == .connected)
    for size in [0, 1, 16_384, 16_385, 65_536, 900_000] {
      let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 3) }
      client.run { $0.send(binary: payload) }
      #expect(await client.next() == .binary(payload))
    }
    client.run { $0.close(WebSocketClose(code: .normal)) }
    #expect(await client.rest() == [.closed(.here(WebSocketClose(code: .normal)))])
    #expect(chosen.withLock { $0 } == "http/1.1")
  }

  @Test func aBurstArrivesWholeAlthoughNothingFollows() async throws {
    let tls = try TLSServer()
    let count = 20_000
    let server = try ScriptedServer(tls: tls) { connection, _ in
      try connection.accept()
      // Many records at once, read in pieces that end anywhere inside of them; the socket is empty before the last.
      try connection.send((0..<count).flatMap { WebSocketEncoder.serverFrame(.text, Array("message \($0)".utf8)) })
      try connection.events { _ in }
    }
    defer { server.stop() }
    let client = try WebSocketTestClient(
      server.webSocketURL, .init(certificateAuthorityFile: tls.certificateFile))
    #expect(await client.next() == .connected)
    for number in 0..<count {
      guard await client.next() == .text("message \(number)") else {
        Issue.record("message \(number) is missing")
        break
      }
    }
    client.run { $0.abort() }
    #expect(await client.rest() == [.closed(.aborted)])
  }

  @Test func aBurstIsSentWholeToAServerThatReadsLate() async throws { try await sendABurstToALateReader(TLSServer()) }
}
