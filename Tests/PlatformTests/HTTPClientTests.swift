import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Platform

/// A server with a script and a client, both gone at the end of `body`.
private func withServer<Result>(
  _ configuration: HTTPClient.Configuration = .init(),
  script: @escaping @Sendable (ScriptedConnection, Int) throws -> Void,
  _ body: (ScriptedServer, HTTPClient) async throws -> Result
) async throws -> Result {
  let server = try ScriptedServer(script)
  let client = try HTTPClient(configuration: configuration, log: .silent, metrics: Metrics())
  defer { server.stop() }
  do {
    let result = try await body(server, client)
    await client.shutdown()
    return result
  } catch {
    await client.shutdown()
    throw error
  }
}

private func failure(_ body: () async throws -> some Sendable) async -> HTTPClientError? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? HTTPClientError
  }
}

struct HTTPClientTests {
  @Test func sendsWhatTheRequestSaysAndNothingElse() async throws {
    let heads = Mutex<[String]>([])
    let request = HTTPClientRequest(
      .post, "/a/../b?q=%20", headers: ["X-One": "1", "X-Empty": "", "x-two": "a, b"], body: .bytes([104, 105]))
    try await withServer { connection, _ in
      let head = try connection.readHead()
      let body = String(decoding: try connection.read(exactly: 2), as: UTF8.self)
      heads.withLock { $0.append(head + body) }
      try connection.respond(
        201, ["X-Reply: a", "x-reply:  b \t", "Folded: one", "  two", "Empty:"], body: "yes")
    } _: { server, client in
      var request = request
      request.url = server.url + request.url
      let response = try await client.send(request)
      #expect(response.status == 201)
      #expect(response.headers.all("X-REPLY") == ["a", "b"])
      #expect(response.headers["folded"] == "one two")
      #expect(response.headers["empty"] == "")
      #expect(response.body == Array("yes".utf8))
      #expect(
        heads.withLock { $0 } == [
          """
          POST /a/../b?q=%20 HTTP/1.1\r
          Host: 127.0.0.1:\(server.port)\r
          User-Agent: Adjutant\r
          Accept: */*\r
          X-One: 1\r
          X-Empty:\r
          x-two: a, b\r
          Content-Length: 2\r
          \r
          hi
          """
        ])
    }
  }

  @Test(arguments: [
    (HTTPMethod.get, nil), (.delete, nil), (.head, nil), (.options, nil), (.post, "0"), (.put, "0"), (.patch, "0"),
  ])
  func aRequestWithoutBodySaysSo(method: HTTPMethod, length: String?) async throws {
    try await withServer { connection, _ in
      let head = try connection.readHead()
      try connection.respond(200, ["Echo: \(head.split(separator: "\r\n").joined(separator: "|"))"], body: "")
    } _: { server, client in
      let response = try await client.send(HTTPClientRequest(method, server.url + "/"))
      let lines = (response.headers["echo"] ?? "").split(separator: "|")
      #expect(lines.first == "\(method) / HTTP/1.1")
      #expect(lines.first { $0.hasPrefix("Content-Length:") } == length.map { "Content-Length: \($0)" })
      #expect(!lines.contains { $0.hasPrefix("Content-Type") || $0.hasPrefix("Transfer-Encoding") })
    }
  }

  @Test func connectionsAreReused() async throws {
    try await withServer { connection, _ in
      while true {
        _ = try connection.readHead()
        try connection.respond(body: "x")
      }
    } _: { server, client in
      for _ in 0..<10 {
        let status = try await client.status(HTTPClientRequest(.get, server.url))
        #expect(status == 200)
      }
      #expect(server.connectionCount == 1)
    }
  }

  @Test func connectionsPerHostAreLimited() async throws {
    let open = Mutex((now: 0, most: 0))
    try await withServer(.init(maximumConnectionsPerHost: 3)) { connection, number in
      if number == 0 {
        // Until the first answer says that this is HTTP/1.1, the others wait: they might share the connection.
        _ = try connection.readHead()
        try connection.respond(body: "x")
      }
      while true {
        _ = try connection.readHead()
        open.withLock {
          $0.now += 1
          $0.most = max($0.most, $0.now)
        }
        // Answers nobody before as many wait at once as may.
        for _ in 0..<60_000 where open.withLock({ $0.most < 3 }) { usleep(1_000) }
        open.withLock { $0.now -= 1 }
        try connection.respond(body: "x")
      }
    } _: { server, client in
      try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<20 { group.addTask { try await client.send(HTTPClientRequest(.get, server.url)).status } }
        for try await status in group { #expect(status == 200) }
      }
      #expect(server.connectionCount <= 3)
      #expect(open.withLock { $0.most } == 3)
    }
  }

  @Test func redirectsAreResponses() async throws {
    try await withServer { connection, _ in
      _ = try connection.readHead()
      try connection.respond(302, ["Location: http://127.0.0.1:1/"], body: "")
    } _: { server, client in
      let status = try await client.status(HTTPClientRequest(.get, server.url))
      #expect(status == 302)
    }
  }

  @Test func interimResponsesAndTrailersAreNotTheResponse() async throws {
    try await withServer { connection, _ in
      _ = try connection.readHead()
      try connection.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
      try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nTrailer: x\r\n\r\n")
    } _: { server, client in
      let response = try await client.send(HTTPClientRequest(.get, server.url))
      #expect(response.status == 200)
      #expect(response.headers["link"] == nil)
      #expect(response.headers["trailer"] == nil)
      #expect(response.body == [104, 105])
    }
  }

  @Test func compressedResponsesAreUnpackedOnRequest() async throws {
    let text = [UInt8](repeating: 97, count: 100_000)
    let packed = try Deflate.compress(text, as: .gzip)
    try await withServer { connection, _ in
      for _ in 0..<3 {
        let head = try connection.readHead()
        let offer = head.split(separator: "\r\n").contains { $0.hasPrefix("Accept-Encoding:") && $0.contains("gzip") }
        try connection.send(
          "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nOffered: \(offer)\r\nContent-Length: \(packed.count)\r\n\r\n")
        try connection.send(packed)
      }
    } _: { server, client in
      let raw = try await client.send(HTTPClientRequest(.get, server.url))
      #expect(raw.body == packed)
      #expect(raw.headers["offered"] == "false")
      let unpacked = try await client.send(HTTPClientRequest(.get, server.url, decompresses: true))
      #expect(unpacked.body == text)
      #expect(unpacked.headers["offered"] == "true")
      // The limit counts what comes out: a small body that unpacks to more is refused.
      let bomb = HTTPClientRequest(.get, server.url, maximumResponseBytes: 99_999, decompresses: true)
      #expect(await failure { try await client.send(bomb) }?.reason == .responseTooLarge(limit: 99_999))
    }
  }

  @Test func responsesBeyondTheLimitAreRefused() async throws {
    try await withServer { connection, _ in
      while true {
        _ = try connection.readHead()
        try connection.respond(body: String(repeating: "x", count: 1_000))
      }
    } _: { server, client in
      let exact = HTTPClientRequest(.get, server.url, maximumResponseBytes: 1_000)
      let body = try await client.send(exact).body
      #expect(body.count == 1_000)
      let small = HTTPClientRequest(.get, server.url, maximumResponseBytes: 999)
      #expect(
        await failure { try await client.send(small) }
          == HTTPClientError(.responseTooLarge(limit: 999), requestMayHaveBeenSent: true))
    }
  }

  @Test func anEndlessHeadIsRefused() async throws {
    try await withServer { connection, _ in
      _ = try connection.readHead()
      try connection.send("HTTP/1.1 200 OK\r\n")
      while true { try connection.send("X-Field: \(String(repeating: "x", count: 1_000))\r\n") }
    } _: { server, client in
      let error = await failure { try await client.send(HTTPClientRequest(.get, server.url)) }
      guard case .protocolViolation? = error?.reason else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }
}

// MARK: - Failures

extension HTTPClientTests {
  @Test func aRefusedConnectionSentNothing() async throws {
    let port = try ScriptedServer.refusingPort()
    try await withServer { _, _ in
    } _: { _, client in
      let error = await failure { try await client.send(HTTPClientRequest(.post, "http://127.0.0.1:\(port)/")) }
      guard case .cannotConnect? = error?.reason else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(error?.requestMayHaveBeenSent == false)
    }
  }

  @Test func anUnknownHostSentNothing() async throws {
    try await withServer { _, _ in
    } _: { _, client in
      let error = await failure { try await client.send(HTTPClientRequest(.post, ScriptedServer.unresolvable("http"))) }
      guard case .cannotResolve? = error?.reason else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(error?.requestMayHaveBeenSent == false)
    }
  }

  @Test(arguments: [
    "ftp://127.0.0.1/", "file:///etc/passwd", "127.0.0.1:x", "", "http://u:p@127.0.0.1/", "http://127.0.0.1/a b",
    "http://127.0.0.1/\r\nX: y", "http://127.0.0.1/é",
  ])
  func invalidURLsAreRefused(url: String) async throws {
    try await withServer { _, _ in
    } _: { _, client in
      let error = await failure { try await client.send(HTTPClientRequest(.get, url)) }
      guard case .invalidRequest? = error?.reason else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(error?.requestMayHaveBeenSent == false)
    }
  }

  @Test(arguments: [
    ("X", "a\r\nY: b"), ("X", "a\u{0}"), ("X Y", "a"), ("", "a"), ("X:", "a"), ("Content-Length", "5"),
    ("transfer-encoding", "chunked"),
  ])
  func invalidFieldsAreRefused(name: String, value: String) async throws {
    try await withServer { _, _ in
    } _: { server, client in
      var headers = HTTPHeaders()
      headers.add(name, value)
      let request = HTTPClientRequest(.get, server.url, headers: headers)
      guard case .invalidRequest? = await failure({ try await client.send(request) })?.reason else {
        Issue.record("not refused")
        return
      }
      #expect(server.connectionCount == 0)
    }
  }

  @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "HTTP/1.1 20"])
  func aConnectionLostMidwayMayHaveSentTheRequest(answer: String) async throws {
    try await withServer { connection, _ in
      _ = try connection.readHead()
      try connection.send(answer)
    } _: { server, client in
      let error = await failure { try await client.send(HTTPClientRequest(.post, server.url, body: .bytes([1]))) }
      guard case .connectionLost? = error?.reason else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(error?.requestMayHaveBeenSent == true)
      #expect(server.connectionCount == 1)
    }
  }

  /// A kept connection that dies under the next request: libcurl alone would send that again, whatever it is.
  @Test(arguments: [
    (HTTPMethod.post, HTTPClientRequest.Body.none, 1), (.post, .bytes([1, 2]), 1), (.patch, .bytes([1]), 1),
    (.get, .none, 2), (.put, .bytes([1]), 2),
  ])
  func onlyIdempotentRequestsAreRepeatedAfterALostReuse(
    method: HTTPMethod, body: HTTPClientRequest.Body, sent: Int
  ) async throws {
    let requests = Mutex(0)
    try await withServer { connection, number in
      _ = try connection.readHead()
      if number > 0 { requests.withLock { $0 += 1 } }
      try connection.respond(body: "first")
      guard number == 0 else { return }
      _ = try connection.readHead()
      requests.withLock { $0 += 1 }
      connection.resetOnClose()
    } _: { server, client in
      _ = try await client.send(HTTPClientRequest(.get, server.url))
      let error = await failure { try await client.send(HTTPClientRequest(method, server.url, body: body)) }
      #expect(requests.withLock { $0 } == sent)
      if sent == 2 {
        #expect(error == nil)
      } else {
        guard case .connectionLost? = error?.reason else {
          Issue.record("\(String(describing: error))")
          return
        }
        #expect(error?.requestMayHaveBeenSent == true)
      }
    }
  }

  @Test func whatIsNotHTTPIsAProtocolViolation() async throws {
    try await withServer { connection, _ in
      _ = try connection.readHead()
      try connection.send("SSH-2.0-OpenSSH_9.2\r\n\r\n")
    } _: { server, client in
      let error = await failure { try await client.send(HTTPClientRequest(.get, server.url)) }
      guard case .protocolViolation? = error?.reason else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test func plainTextWhereTLSIsSpokenIsATLSFailure() async throws {
    try await withServer { connection, _ in
      _ = try connection.read()
      try connection.send("HTTP/1.1 400 Bad Request\r\n\r\n")
    } _: { server, client in
      let error = await failure { try await client.send(HTTPClientRequest(.post, "https://127.0.0.1:\(server.port)")) }
      guard case .tls? = error?.reason else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(error?.requestMayHaveBeenSent == false)
    }
  }

  @Test func theTimeOfTheWholeExchangeIsLimited() async throws {
    try await withServer { connection, _ in
      _ = try connection.readHead()
      try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
      while true {
        try connection.send("x")
        usleep(10_000)
      }
    } _: { server, client in
      let request = HTTPClientRequest(.get, server.url, timeouts: .init(total: .milliseconds(150)))
      let error = await failure { try await client.send(request) }
      // On a machine that is slow enough the time may be over before the request is sent.
      #expect(error?.reason == .timeout(.total))
    }
  }

  @Test func silenceIsLimited() async throws {
    try await withServer { connection, _ in
      _ = try connection.readHead()
      connection.waitForEnd()
    } _: { server, client in
      let timeouts = HTTPClientRequest.Timeouts(total: nil, idle: .seconds(2))
      let error = await failure { try await client.send(HTTPClientRequest(.get, server.url, timeouts: timeouts)) }
      #expect(error == HTTPClientError(.timeout(.idle), requestMayHaveBeenSent: true))
    }
  }

  @Test func theTimeOfConnectingIsLimited() async throws {
    // The TLS handshake belongs to it: this server never answers one.
    try await withServer { connection, _ in
      connection.waitForEnd()
    } _: { server, client in
      let request = HTTPClientRequest(
        .post, "https://127.0.0.1:\(server.port)", timeouts: .init(connect: .milliseconds(150)))
      #expect(
        await failure { try await client.send(request) }
          == HTTPClientError(.timeout(.connect), requestMayHaveBeenSent: false))
    }
  }

  @Test func cancellingTheTaskAbortsTheTransfer() async throws {
    let ended = AsyncStream<Void>.makeStream()
    let arrived = AsyncStream<Void>.makeStream()
    try await withServer { connection, _ in
      _ = try connection.readHead()
      arrived.continuation.yield()
      connection.waitForEnd()
      ended.continuation.yield()
    } _: { server, client in
      let task = Task { await failure { try await client.send(HTTPClientRequest(.get, server.url)) } }
      for await _ in arrived.stream { break }
      task.cancel()
      #expect(await task.value == HTTPClientError(.cancelled, requestMayHaveBeenSent: true))
      for await _ in ended.stream { break }
    }
  }

  @Test func aCancelledTaskSendsNothing() async throws {
    try await withServer { _, _ in
    } _: { server, client in
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return await failure { try await client.send(HTTPClientRequest(.get, server.url)) }
      }
      #expect(await task.value == HTTPClientError(.cancelled, requestMayHaveBeenSent: false))
    }
  }

  @Test func shutdownEndsEverything() async throws {
    let arrived = AsyncStream<Void>.makeStream()
    try await withServer { connection, _ in
      _ = try connection.readHead()
      arrived.continuation.yield()
      connection.waitForEnd()
    } _: { server, client in
      let task = Task { await failure { try await client.send(HTTPClientRequest(.get, server.url)) } }
      for await _ in arrived.stream { break }
      await client.shutdown()
      #expect(await task.value?.reason == .shutDown)
      let late = await failure { try await client.send(HTTPClientRequest(.get, server.url)) }
      #expect(late == HTTPClientError(.shutDown, requestMayHaveBeenSent: false))
    }
  }

  @Test(arguments: ["127.0.0.1", "localhost"], [true, false])
  func theGuardSeesTheAddressBehindTheName(host: String, isAllowed: Bool) async throws {
    let seen = Mutex<[ConnectAddress]>([])
    let configuration = HTTPClient.Configuration(allowAddress: { address in
      seen.withLock { $0.append(address) }
      return isAllowed
    })
    try await withServer(configuration) { connection, _ in
      _ = try connection.readHead()
      try connection.respond(body: "x")
    } _: { server, client in
      let error = await failure { try await client.send(HTTPClientRequest(.post, "http://\(host):\(server.port)/")) }
      #expect(error == (isAllowed ? nil : HTTPClientError(.addressRefused, requestMayHaveBeenSent: false)))
      #expect(server.connectionCount == (isAllowed ? 1 : 0))
      #expect(seen.withLock { $0.contains(ConnectAddress(bytes: [127, 0, 0, 1], port: server.port)) })
    }
  }

  @Test func metricsCountOutcomes() async throws {
    let metrics = Metrics()
    let client = try HTTPClient(configuration: .init(name: "test"), log: .silent, metrics: metrics)
    let port = try ScriptedServer.refusingPort()
    _ = await failure { try await client.send(HTTPClientRequest(.get, "http://127.0.0.1:\(port)/")) }
    #expect(
      metrics.render().contains(#"http_client_requests_total{client="test",outcome="cannot_connect"} 1"#))
    await client.shutdown()
  }
}
