import Glibc
import HTTPTestSupport
import Platform
import Synchronization
import Testing

@testable import HTTP

struct HTTPServerTests {
  private static func router() -> Router {
    var router = Router()
    router.on(.get, "/hello") { _ in .text("hello") }
    router.on(.get, "/echo/:text") { request in .text(request.parameters["text"] ?? "") }
    router.on(.post, "/echo", bodyLimit: 1 << 16) { request in
      .text(String(decoding: try await request.bytes(), as: UTF8.self))
    }
    router.on(.post, "/ignore") { _ in .text("ignored") }
    router.on(.get, "/fail") { _ in throw SystemError(call: "secret", code: 1) }
    return router
  }

  private static func get(_ path: String, _ fields: String = "") -> String {
    "GET \(path) HTTP/1.1\r\nHost: test\r\n\(fields)\r\n"
  }

  @Test func answersAndKeepsTheConnection() async throws {
    try await withServer(Self.router()) { address, _ in
      let client = try TestClient(address)
      for text in ["a", "b", "c"] {
        await client.send(Self.get("/echo/\(text)"))
        let head = await client.read(until: "\r\n\r\n")
        #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(head.contains("Content-Length: 1\r\n"))
        #expect(await client.read(count: 1) == Array(text.utf8))
      }
    }
  }

  @Test func answersPipelinedRequestsInOrder() async throws {
    try await withServer(Self.router()) { address, _ in
      let client = try TestClient(address)
      let requests = (0..<50).map { Self.get("/echo/\($0)x") }.joined()
      await client.send(requests + Self.get("/hello", "Connection: close\r\n"))
      let answer = await client.readToEnd()
      let bodies = answer.components(separatedByBlankLines: true)
      #expect(bodies == (0..<50).map { "\($0)x" } + ["hello"])
    }
  }

  @Test func readsABodyInChunks() async throws {
    try await withServer(Self.router()) { address, _ in
      let client = try TestClient(address)
      await client.send(
        "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc")
      await client.send("\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n")
      #expect(await client.readToEnd().hasSuffix("\r\n\r\nabcde"))
    }
  }

  @Test func says100BeforeItReadsAnExpectedBody() async throws {
    try await withServer(Self.router()) { address, _ in
      let client = try TestClient(address)
      await client.send(
        "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
      #expect(await client.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
      await client.send("ok")
      #expect(await client.readToEnd().hasSuffix("\r\n\r\nok"))
    }
  }

  @Test func refusesALargeBodyBeforeItIsSent() async throws {
    try await withServer(Self.router()) { address, _ in
      let client = try TestClient(address)
      await client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n")
      let answer = await client.readToEnd()
      #expect(answer.hasPrefix("HTTP/1.1 413 Content Too Large\r\n"))
      #expect(answer.contains("Connection: close\r\n"))
      #expect(answer.contains("\"error\":\"bodyTooLarge\""))
    }
  }

  @Test(arguments: [("POST /nowhere", "404 Not Found"), ("PUT /echo", "405 Method Not Allowed")])
  func aLargeBodyForNoRouteIsNotTheFault(line: String, status: String) async throws {
    try await withServer(Self.router()) { address, _ in
      for framing in ["Content-Length: 3000000", "Transfer-Encoding: chunked"] {
        let client = try TestClient(address)
        await client.send("\(line) HTTP/1.1\r\nHost: test\r\n\(framing)\r\n\r\n")
        let answer = await client.readToEnd()
        #expect(answer.hasPrefix("HTTP/1.1 \(status)\r\n"))
        #expect(answer.contains("Connection: close\r\n"))
      }
    }
  }

  @Test func anEarlyAnswerReachesAPeerThatGoesOnSending() async throws {
    try await withServer(Self.router(), configure: { $0.limits.lingerTimeout = .seconds(30) }) { address, _ in
      let client = try TestClient(address)
      await client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5000000\r\n\r\n")
      await client.send([UInt8](repeating: 65, count: 300_000))
      #expect(await client.readToEnd().hasPrefix("HTTP/1.1 413"))
    }
  }

  @Test func keepsTheConnectionAfterASmallBodyThatNobodyRead() async throws {
    try await withServer(Self.router()) { address, _ in
      let client = try TestClient(address)
      await client.send("POST /ignore HTTP/1.1\r\nHost: test\r\nContent-Length: 6\r\n\r\n")
      _ = await client.read(until: "ignored")
      await client.send("GET /x" + Self.get("/hello"))
      #expect(await client.read(until: "hello").hasPrefix("HTTP/1.1 200"))
    }
  }

  @Test func answersMalformedRequestsAndCloses() async throws {
    try await withServer(Self.router()) { address, _ in
      let client = try TestClient(address)
      await client.send("GET / HTTP/1.1\nHost: test\n\n")
      let answer = await client.readToEnd()
      #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
      #expect(answer.contains("Content-Type: application/json\r\n"))
    }
  }

  @Test func hidesTheCauseOfAFailureAndLogsIt() async throws {
    let sink = MemoryLogSink()
    try await withServer(Self.router(), log: Log(label: "http", sink: sink)) { address, _ in
      let client = try TestClient(address)
      await client.send(Self.get("/fail", "Connection: close\r\n"))
      let answer = await client.readToEnd()
      #expect(answer.hasPrefix("HTTP/1.1 500"))
      #expect(!answer.contains("secret"))
      let record = try #require(sink.records.first { $0.level == .error })
      guard case .string(let id)? = record.fields.first(where: { $0.key == "errorId" })?.value else {
        Issue.record("no id in the log")
        return
      }
      #expect(answer.contains(id))
    }
  }

  @Test func streamsToASlowReaderInBoundedMemory() async throws {
    let produced = Mutex(0)
    var router = Router()
    router.on(.get, "/big") { _ in
      HTTPResponse(
        body: .stream(length: nil) { writer in
          for _ in 0..<256 {
            try await writer.write([UInt8](repeating: 7, count: 64 << 10))
            produced.withLock { $0 += 64 << 10 }
          }
        })
    }
    try await withServer(router) { address, _ in
      let client = try TestClient(address)
      await client.send(Self.get("/big", "Connection: close\r\n"))
      _ = await client.read(until: "\r\n\r\n")
      // Nothing is read: the producer has to stop once the system's buffers and ours are full.
      var last = -1
      while last != produced.withLock({ $0 }) {
        last = produced.withLock { $0 }
        try await Task.sleep(for: .milliseconds(50))
      }
      #expect(last < 256 * (64 << 10))
      var total = 0
      while case .bytes(let bytes) = await client.read(limit: 1 << 20) { total += bytes.count }
      #expect(total > 256 * (64 << 10))
      #expect(produced.withLock { $0 } == 256 * (64 << 10))
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func cutsAPeerThatTakesNoByteOfItsAnswer() async throws {
    let (stream, events) = AsyncStream.makeStream(of: Bool.self)
    var router = Router()
    router.on(.get, "/big") { _ in
      HTTPResponse(
        body: .stream(length: nil) { writer in
          do {
            while true { try await writer.write([UInt8](repeating: 7, count: 64 << 10)) }
          } catch {
            events.yield(error is HTTPConnectionLost)
            throw error
          }
        })
    }
    try await withServer(router, configure: { $0.writeTimeout = .milliseconds(100) }) { address, _ in
      let client = try TestClient(address)
      await client.send(Self.get("/big"))
      var iterator = stream.makeAsyncIterator()
      #expect(await iterator.next() == true)
      var last = await client.read(limit: 1 << 20)
      while case .bytes = last { last = await client.read(limit: 1 << 20) }
      #expect(last == .reset)
    }
  }

  @Test func cancelsTheHandlerWhenThePeerIsGone() async throws {
    let (stream, events) = AsyncStream.makeStream(of: String.self)
    var router = Router()
    router.on(.get, "/wait") { _ in
      events.yield("begun")
      do {
        try await Task.sleep(for: .seconds(3_600))
      } catch {
        events.yield("cancelled")
      }
      return .text("")
    }
    try await withServer(router) { address, _ in
      var iterator = stream.makeAsyncIterator()
      do {
        let client = try TestClient(address)
        await client.send(Self.get("/wait"))
        #expect(await iterator.next() == "begun")
      }
      #expect(await iterator.next() == "cancelled")
    }
  }

  @Test func drainsBusyConnectionsAndClosesIdleOnes() async throws {
    let (stream, events) = AsyncStream.makeStream(of: Void.self)
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    var router = Self.router()
    router.on(.get, "/slow") { _ in
      events.yield()
      for await _ in gate { break }
      return .text("done")
    }
    try await withServer(router) { address, server in
      let idle = try TestClient(address)
      await idle.send(Self.get("/hello"))
      _ = await idle.read(until: "hello")
      let busy = try TestClient(address)
      await busy.send(Self.get("/slow"))
      for await _ in stream { break }
      async let end: Void = server.shutdown(grace: .seconds(30))
      #expect(await idle.read() == .end)
      #expect(throws: SystemError.self) { try TestClient(address) }
      open.yield()
      let answer = await busy.readToEnd()
      #expect(answer.hasSuffix("done"))
      #expect(answer.contains("Connection: close\r\n"))
      _ = (idle, busy)
      await end
    }
  }

  @Test func refusesConnectionsBeyondTheLimitWith503() async throws {
    try await withServer(Self.router(), configure: { $0.maximumConnections = 1 }) { address, _ in
      let first = try TestClient(address)
      await first.send(Self.get("/hello"))
      _ = await first.read(until: "hello")
      let second = try TestClient(address)
      let answer = await second.readToEnd()
      #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
      #expect(answer.contains("Retry-After: 5\r\n"))
    }
  }

  @Test func refusesConnectionsOfOneAddressBeyondItsLimit() async throws {
    try await withServer(Self.router(), configure: { $0.maximumConnectionsPerAddress = 1 }) { address, _ in
      do {
        let first = try TestClient(address)
        await first.send(Self.get("/hello"))
        _ = await first.read(until: "hello")
        #expect(await (try TestClient(address)).readToEnd().hasPrefix("HTTP/1.1 503"))
        await first.send(Self.get("/hello", "Connection: close\r\n"))
        _ = await first.readToEnd()
      }
      // The place is free again, as soon as the server has seen the end.
      var answer = ""
      while !answer.hasPrefix("HTTP/1.1 200") {
        let next = try TestClient(address)
        await next.send(Self.get("/hello", "Connection: close\r\n"))
        answer = await next.readToEnd()
      }
    }
  }

  @Test func listenersShareABudgetAndGiveItBack() async throws {
    let budget = ConnectionBudget(limit: 1)
    try await withServer(Self.router(), configure: { $0.budget = budget }) { one, _ in
      try await withServer(Self.router(), configure: { $0.budget = budget }) { other, _ in
        let client = try TestClient(one)
        await client.send(Self.get("/hello"))
        _ = await client.read(until: "hello")
        #expect(await (try TestClient(other)).readToEnd().hasPrefix("HTTP/1.1 503"))
        #expect(budget.isSpent)
      }
    }
    #expect(!budget.isSpent)
  }

  // MARK: Ids and the access log

  private static func field(_ name: String, of answer: String) -> String? {
    answer.split(separator: "\r\n").first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
  }

  @Test func everyAnswerHasAnIdThatIsInTheLogToo() async throws {
    let sink = MemoryLogSink()
    let configure: (inout HTTPServerConfiguration) -> Void = { $0.accessLog = Log(label: "access", sink: sink) }
    try await withServer(Self.router(), configure: configure) { address, _ in
      for request in [
        Self.get("/echo/secret?token=secret", "X-Request-Id: chosen-by-caller\r\nConnection: close\r\n"),
        Self.get("/nothing?token=secret", "Connection: close\r\n"), "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n",
      ] {
        let client = try TestClient(address)
        await client.send(request)
        let answer = await client.readToEnd()
        let id = try #require(Self.field("X-Request-Id", of: answer))
        #expect(id != "chosen-by-caller")
        let record = try #require(sink.records.last)
        #expect(record.fields.map(\.key) == ["request", "client", "method", "route", "status", "bytes", "ms"])
        #expect(record.fields.first?.value == .string(id))
        #expect(!String(describing: record).contains("secret"))
      }
      let routes = sink.records.compactMap { $0.fields.first { $0.key == "route" }?.value }
      #expect(routes == ["/echo/:text", "/nothing", "-", "/echo"])
    }
  }

  @Test func aTrustedProxySaysWhoAsksAndChoosesTheId() async throws {
    var router = Router()
    router.on(.get, "/who") { request in .text("\(request.client.address) \(request.client.scheme) \(request.id)") }
    let configure: (inout HTTPServerConfiguration) -> Void = {
      $0.trustedProxies = TrustedProxies([NetworkBlock("127.0.0.1")].compactMap(\.self))
    }
    try await withServer(router, configure: configure) { address, _ in
      let client = try TestClient(address)
      let forwarded = "X-Forwarded-For: 6.6.6.6, 192.0.2.9\r\nX-Forwarded-Proto: https\r\n"
      await client.send(Self.get("/who", forwarded + "X-Request-Id: proxy-id-1\r\n"))
      #expect(await client.read(until: "https proxy-id-1").contains("X-Request-Id: proxy-id-1\r\n"))
      await client.send(Self.get("/who", forwarded + "X-Request-Id: b@d\r\nConnection: close\r\n"))
      let answer = await client.readToEnd()
      #expect(answer.contains("192.0.2.9 https"))
      #expect(!answer.contains("b@d"))
      let liar = try TestClient(address)
      await liar.send(Self.get("/who", forwarded + "Forwarded: for=6.6.6.6\r\nConnection: close\r\n"))
      #expect(await liar.readToEnd().hasPrefix("HTTP/1.1 400"))
    }
  }

  // MARK: Faults

  @Test(arguments: ["/echo/%zz", "/hello?a=%zz", "/hello?a=%ff", "/echo/%c3%28"])
  func brokenEscapesAreAnsweredInTheShapeOfErrors(target: String) async throws {
    var router = Self.router()
    router.use(SecurityHeaders().middleware)
    try await withServer(router) { [router] address, _ in
      _ = router
      let client = try TestClient(address)
      await client.send(Self.get(target, "Connection: close\r\n"))
      let answer = await client.readToEnd()
      #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
      #expect(answer.contains("\"error\":"))
      if target.contains("?") { #expect(answer.contains("nosniff")) }
    }
  }

  @Test(arguments: [true, false])
  func answersInTheMiddleOfAnUploadThatIsTooLarge(isChunked: Bool) async throws {
    var router = Router()
    router.on(.post, "/json", bodyLimit: 64 << 10) { request in .json(try await request.json()) }
    try await withServer(router) { address, _ in
      let client = try TestClient(address)
      let size = 10 << 20
      let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(size)"
      await client.send("POST /json HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\(framing)\r\n\r\n")
      if isChunked {
        let chunk = "1000\r\n\(String(repeating: "[", count: 4_096))\r\n"
        for _ in 0..<(size / 4_096) { await client.send(chunk) }
      } else {
        await client.send([UInt8](repeating: UInt8(ascii: "["), count: size))
      }
      let answer = await client.readToEnd()
      #expect(answer.hasPrefix("HTTP/1.1 413 Content Too Large\r\n"))
      #expect(answer.hasSuffix("}"))
    }
  }

  @Test(arguments: [200, 100_000])
  func deeplyNestedJSONIs400(depth: Int) async throws {
    var router = Router()
    router.on(.post, "/json") { request in .json(try await request.json()) }
    try await withServer(router) { address, _ in
      let client = try TestClient(address)
      let body = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
      await client.send(
        "POST /json HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nConnection: close\r\n"
          + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
      let answer = await client.readToEnd()
      #expect(answer.hasPrefix("HTTP/1.1 400"))
      #expect(answer.contains("malformedBody"))
    }
  }

  @Test func aHeadOrBodyThatNeverEndsIsAnsweredInTime() async throws {
    let configure: (inout HTTPServerConfiguration) -> Void = {
      $0.limits.headTimeout = .milliseconds(50)
      $0.limits.bodyTimeout = .milliseconds(50)
    }
    try await withServer(Self.router(), configure: configure) { address, _ in
      for beginning in ["GET /hello HTTP/1.1\r\nHost", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"]
      {
        let client = try TestClient(address)
        await client.send(beginning)
        #expect(await client.readToEnd().hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
      }
    }
  }

  @Test func aPeerThatLeavesInTheMiddleOfAnAnswerEndsIt() async throws {
    let (stream, events) = AsyncStream.makeStream(of: Bool.self)
    let sink = MemoryLogSink()
    var router = Router()
    router.on(.get, "/big") { _ in
      HTTPResponse(
        body: .stream(length: nil) { writer in
          do {
            while true { try await writer.write([UInt8](repeating: 7, count: 64 << 10)) }
          } catch {
            events.yield(error is HTTPConnectionLost || error is CancellationError)
            throw error
          }
        })
    }
    let configure: (inout HTTPServerConfiguration) -> Void = { $0.accessLog = Log(label: "access", sink: sink) }
    try await withServer(router, configure: configure) { address, _ in
      do {
        let client = try TestClient(address)
        await client.send(Self.get("/big"))
        _ = await client.read(count: 1_000_000)
      }
      var iterator = stream.makeAsyncIterator()
      #expect(await iterator.next() == true)
    }
    #expect(sink.records.map(\.message) == ["answer broken off"])
  }

  @Test func headHasTheHeadOfGet() async throws {
    try await withServer(Self.router()) { address, _ in
      let client = try TestClient(address)
      await client.send("HEAD /hello HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
      let answer = await client.readToEnd()
      #expect(answer.contains("Content-Length: 5\r\n"))
      #expect(answer.hasSuffix("\r\n\r\n"))
    }
  }
}

extension String {
  /// The bodies of several answers, as long as these have one line.
  fileprivate func components(separatedByBlankLines: Bool) -> [String] {
    var rest = self[...]
    var bodies: [String] = []
    while let end = rest.firstRange(of: "\r\n\r\n") {
      let head = rest[..<end.lowerBound]
      let line = head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
      let length = line.flatMap { Int($0.dropFirst(16)) } ?? 0
      rest = rest[end.upperBound...]
      bodies.append(String(rest.prefix(length)))
      rest = rest.dropFirst(length)
    }
    return bodies
  }
}
