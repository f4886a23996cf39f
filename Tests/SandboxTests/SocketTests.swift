import HTTP
import Platform
import Testing

@testable import Sandbox

/// The sandbox over real sockets, as a bot and a browser meet it.
@Suite(.timeLimit(.minutes(2))) struct SocketTests {
  private static let messages = "/channels/900000000000000011/messages"

  /// A running sandbox and the means to talk to it.
  private struct Place {
    let addresses: SandboxServer.Addresses
    let client: HTTPClient

    var origin: String { String(addresses.playground.dropLast()) }

    func send(
      _ method: HTTPMethod, _ url: String, _ body: JSON? = nil, headers: HTTPHeaders = [:]
    ) async throws -> HTTPClientResponse {
      var headers = headers
      if headers["Authorization"] == nil { headers["Authorization"] = "Bot " + Bench.token }
      if body != nil { headers["Content-Type"] = "application/json" }
      return try await client.send(
        HTTPClientRequest(
          method, url, headers: headers, body: body.map { .bytes(Array($0.serialized().utf8)) } ?? .none))
    }

    func api(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws -> HTTPClientResponse {
      try await send(method, addresses.apiBase + path, body)
    }

    func control(_ path: String, _ body: JSON) async throws -> HTTPClientResponse {
      try await send(.post, origin + "/sandbox" + path, body)
    }

    /// A gateway connection that has received HELLO.
    func gateway() async throws -> Gateway {
      let gateway = try await Gateway(addresses.gatewayURL + "?v=10&encoding=json")
      #expect(await gateway.next { $0["op"] == 10 }?["d"]?["heartbeat_interval"] == 41_250)
      return gateway
    }
  }

  /// The far end of the gateway.
  private final class Gateway {
    private let loop: EventLoop
    private let socket: WebSocketClient
    private var events: AsyncStream<JSON?>.Iterator

    init(_ url: String) async throws {
      let loop = try EventLoop(name: "test")
      let (stream, continuation) = AsyncStream.makeStream(of: JSON?.self)
      self.loop = loop
      events = stream.makeAsyncIterator()
      socket = await withCheckedContinuation { opened in
        loop.execute {
          opened.resume(
            returning: WebSocketClient.connect(to: url, on: loop) { event in
              switch event {
              case .connected: break
              case .message(_, let bytes): continuation.yield(try? JSON(parsing: Array(bytes)))
              case .closed: continuation.finish()
              }
            })
        }
      }
    }

    func send(_ payload: JSON) {
      let (socket, text) = (socket, payload.serialized())
      loop.execute { _ = socket.send(text: text) }
    }

    /// Cuts the connection without a close frame, as a broken network does.
    func abort() async {
      let socket = socket
      loop.execute { socket.abort() }
      while await events.next() != nil {}
    }

    /// The next payload for which the closure holds; nil once the connection has ended.
    func next(_ isWanted: (JSON) -> Bool) async -> JSON? {
      while let event = await events.next() {
        if let event, isWanted(event) { return event }
      }
      return nil
    }

    func event(_ name: String) async -> JSON? { await next { $0["t"]?.string == name }?["d"] }

    func identify() {
      send(["op": 2, "d": ["token": .string(Bench.token), "intents": 33_281, "properties": [:]]])
    }
  }

  private func withSandbox(_ body: (Place) async throws -> Void) async throws {
    var options = SandboxOptions()
    options.listen = "127.0.0.1:0"
    let server = try SandboxServer(options)
    let client = try HTTPClient(log: .silent, metrics: Metrics())
    try await body(Place(addresses: try await server.start(), client: client))
    await client.shutdown()
    await server.stop()
  }

  @Test func aBotIdentifiesIsCutOffAndResumesWithWhatItMissed() async throws {
    try await withSandbox { place in
      let first = try await place.gateway()
      first.identify()
      let session = try #require(await first.event("READY")?["session_id"])
      let guild = try #require(await first.next { $0["t"] == "GUILD_CREATE" })
      await first.abort()
      #expect(try await place.control("/messages", ["user": "100000000000000002", "content": "missed"]).status == 200)
      let second = try await place.gateway()
      second.send(
        ["op": 6, "d": ["token": .string(Bench.token), "session_id": session, "seq": guild["s"] ?? .null]])
      #expect(await second.event("MESSAGE_CREATE")?["content"] == "missed")
      #expect(await second.event("RESUMED") != nil)
      second.send(["op": 1, "d": .null])
      #expect(await second.next { $0["op"] == 11 } != nil)
      await second.abort()
    }
  }

  @Test func aMultipartMessageBringsItsFile() async throws {
    try await withSandbox { place in
      let form = """
        --b\r\nContent-Disposition: form-data; name="payload_json"\r\nContent-Type: application/json\r\n\r\n\
        {"content":"see","attachments":[{"id":0,"description":"notes"}]}\r\n\
        --b\r\nContent-Disposition: form-data; name="files[0]"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n\
        some bytes\r\n--b--\r\n
        """
      let made = try await place.client.send(
        HTTPClientRequest(
          .post, place.addresses.apiBase + Self.messages,
          headers: ["Authorization": "Bot " + Bench.token, "Content-Type": "multipart/form-data; boundary=b"],
          body: .bytes(Array(form.utf8))))
      let message = try JSON(parsing: made.body)
      #expect(message["content"] == "see")
      #expect(message["attachments"]?[0]?["description"] == "notes")
      let url = try #require(message["attachments"]?[0]?["url"]?.string)
      let file = try await place.send(.get, url)
      #expect(file.body == Array("some bytes".utf8))
      // What bots upload never runs as a page of this address.
      #expect(file.headers["Content-Disposition"] == "attachment")
      #expect(file.headers["Content-Security-Policy"]?.contains("sandbox") == true)
    }
  }

  private static let origins: [(HTTPHeaders, Int)] = [
    (["Host": "evil.example"] as HTTPHeaders, 403), (["Origin": "http://evil.example"], 403),
    (["Sec-Fetch-Site": "cross-site"], 403), ([:], 200),
  ]

  @Test(arguments: origins)
  func foreignPagesAreRefused(_ headers: HTTPHeaders, _ status: Int) async throws {
    try await withSandbox { place in
      let body: JSON = ["user": "100000000000000001", "content": "hi"]
      let answer = try await place.send(.post, place.origin + "/sandbox/messages", body, headers: headers)
      #expect(answer.status == status)
      #expect((try JSON(parsing: answer.body)["error"] != nil) == (status == 403))
      let messages = try await place.api(.get, Self.messages)
      #expect(try JSON(parsing: messages.body).array?.count == (status == 200 ? 1 : 0))
    }
  }

  @Test func thePlaygroundIsServedWithItsPolicy() async throws {
    try await withSandbox { place in
      for path in ["", "playground.js", "composer.js", "messages.js", "playground.css"] {
        let answer = try await place.send(.get, place.addresses.playground + path)
        #expect(answer.status == 200)
        #expect(!answer.body.isEmpty)
        #expect(answer.headers["Content-Security-Policy"]?.contains("default-src 'none'") == true)
      }
    }
  }

  @Test func orderedFaultsArriveOnTheWire() async throws {
    try await withSandbox { place in
      _ = try await place.control("/faults/rest", ["status": 502])
      #expect(try await place.api(.get, "/users/@me").status == 502)
      _ = try await place.control("/faults/rest", ["retryAfter": 1_500, "status": 429, "scope": "shared"])
      let limited = try await place.api(.get, "/users/@me")
      #expect(limited.status == 429)
      #expect(limited.headers["Retry-After"] == "2")
      #expect(limited.headers["X-RateLimit-Scope"] == "shared")
      // The head of an answer comes, its body never does.
      _ = try await place.control("/faults/rest", ["cut": true])
      await #expect {
        _ = try await place.api(.post, Self.messages, ["content": "cut off"])
      } throws: { error in
        guard case .connectionLost = (error as? HTTPClientError)?.reason else { return false }
        return true
      }
      #expect(try await place.api(.get, "/users/@me").status == 200)
    }
  }

  @Test func aGatewayFaultReachesItsConnection() async throws {
    try await withSandbox { place in
      let gateway = try await place.gateway()
      gateway.identify()
      _ = await gateway.event("READY")
      _ = try await place.control("/faults/gateway", ["action": "reconnect"])
      #expect(await gateway.next { $0["op"] == 7 } != nil)
      let answer = try await place.control("/faults/gateway", ["action": "drop"])
      #expect(try JSON(parsing: answer.body)["connections"] == 1)
      #expect(await gateway.next { _ in true } == nil)
    }
  }
}
