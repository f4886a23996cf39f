import Glibc
import HTTPTestSupport
import Platform
import Testing

@testable import HTTP

/// Handlers that run on the thread of their connection, and what a server counts.
@Suite(.timeLimit(.minutes(2)))
struct ImmediateRouteTests {
  static func threadName() -> String {
    guard let file = fopen("/proc/thread-self/comm", "r") else { return "" }
    defer { fclose(file) }
    var name = [CChar](repeating: 0, count: 32)
    guard fgets(&name, Int32(name.count), file) != nil else { return "" }
    return String(decoding: name.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private static func get(_ path: String, _ fields: String = "") -> String {
    "GET \(path) HTTP/1.1\r\nHost: test\r\n\(fields)\r\n"
  }

  private static func router() -> Router {
    var router = Router()
    let notes: RouteNotes = ""
    router.use { request, next in
      var response = try await next(request)
      response.headers["X-Thread"] = threadName()
      return response
    }
    router.on(.get, "/here", notes.immediate()) { _ in .text(threadName()) }
    router.on(.get, "/pool") { _ in .text(threadName()) }
    router.on(.get, "/back", notes.immediate()) { _ in
      let there = await Task.detached { threadName() }.value
      return .text("\(there != threadName()) \(threadName())")
    }
    router.on(.get, "/fail", notes.immediate()) { _ in throw SystemError(call: "secret", code: 1) }
    router.on(.post, "/echo", notes.immediate()) { request in
      .text(String(decoding: try await request.bytes(), as: UTF8.self))
    }
    router.on(.get, "/stream", notes.immediate()) { _ in
      HTTPResponse(
        body: .stream(length: nil) { writer in
          for piece in 0..<3 { try await writer.write(Array("\(piece) \(threadName());".utf8)) }
        })
    }
    router.on(.get, "/echo/:text") { request in .text(request.parameters["text"] ?? "") }
    return router
  }

  @Test func theHandlerAndItsMiddlewareRunOnTheLoop() async throws {
    try await withServer(Self.router(), configure: { $0.loopCount = 1 }) { address, _ in
      let client = try TestClient(address)
      await client.send(Self.get("/here") + Self.get("/back") + Self.get("/pool", "Connection: close\r\n"))
      let answers = await client.readToEnd().split(separator: "HTTP/1.1 ")
      #expect(answers.count == 3)
      guard answers.count == 3 else { return }
      #expect(answers[0].hasSuffix("\r\n\r\nhttp-http-0"))
      #expect(answers[0].contains("X-Thread: http-http-0\r\n"))
      // What is waited for runs where it belongs, and the handler goes on where it began.
      #expect(answers[1].hasSuffix("\r\n\r\ntrue http-http-0"))
      #expect(!answers[2].contains("http-http-0"))
    }
  }

  @Test func bodiesStreamsAndErrorsAreAsEverywhere() async throws {
    try await withServer(Self.router(), configure: { $0.loopCount = 1 }) { address, _ in
      let client = try TestClient(address)
      await client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 6\r\n\r\nabc")
      await client.send("def" + Self.get("/stream") + Self.get("/fail", "Connection: close\r\n"))
      let answer = await client.readToEnd()
      #expect(answer.contains("\r\n\r\nabcdefHTTP/1.1 200 OK\r\n"))
      #expect(answer.contains("0 http-http-0;\r\n"))
      #expect(answer.contains("2 http-http-0;\r\n"))
      #expect(answer.contains("HTTP/1.1 500 Internal Server Error\r\n"))
      #expect(!answer.contains("secret"))
    }
  }

  @Test func aHandlerOfAPeerThatIsGoneIsCancelled() async throws {
    let (stream, events) = AsyncStream.makeStream(of: String.self)
    var router = Router()
    let notes: RouteNotes = ""
    router.on(.get, "/wait", notes.immediate()) { _ in
      events.yield("begun")
      do { try await Task.sleep(for: .seconds(3_600)) } catch { events.yield("cancelled \(Self.threadName())") }
      return .text("")
    }
    try await withServer(router, configure: { $0.loopCount = 1 }) { address, _ in
      var iterator = stream.makeAsyncIterator()
      do {
        let client = try TestClient(address)
        await client.send(Self.get("/wait"))
        #expect(await iterator.next() == "begun")
      }
      #expect(await iterator.next() == "cancelled http-http-0")
    }
  }

  @Test func requestsAreCountedByRouteMethodAndStatus() async throws {
    let metrics = Metrics()
    let requests =
      Self.get("/echo/a") + Self.get("/echo/b") + Self.get("/none/1") + Self.get("/none/2")
      + "BREW /pot HTTP/1.1\r\nHost: test\r\n\r\n" + Self.get("/fail", "Connection: close\r\n")
    try await withServer(Self.router(), metrics: metrics) { address, _ in
      let client = try TestClient(address)
      await client.send(requests)
      _ = await client.readToEnd()
      let broken = try TestClient(address)
      await broken.send("GET\r\n\r\n")
      _ = await broken.readToEnd()
    }
    let text = metrics.render()
    for line in [
      #"http_server_requests_total{server="http",method="GET",route="/echo/:text",status="200"} 2"#,
      #"http_server_request_seconds_count{server="http",method="GET",route="/echo/:text",class="2xx"} 2"#,
      #"http_server_request_seconds_count{server="http",method="GET",route="none",class="4xx"} 2"#,
      #"http_server_request_seconds_count{server="http",method="other",route="none",class="4xx"} 1"#,
      #"http_server_request_seconds_count{server="http",method="none",route="none",class="4xx"} 1"#,
      #"http_server_request_seconds_count{server="http",method="GET",route="/fail",class="5xx"} 1"#,
      #"http_server_connections{server="http"} 0"#,
    ] {
      #expect(text.contains(line + "\n"), "\(line)")
    }
    #expect(!text.contains("BREW"))
    #expect(!text.contains("/none/1"))
    let received = text.split(separator: "\n").first { $0.hasPrefix("http_server_received_bytes_total") }
    let sent = text.split(separator: "\n").first { $0.hasPrefix("http_server_sent_bytes_total") }
    #expect(received.flatMap { $0.split(separator: " ").last }.flatMap { Int($0) } == requests.utf8.count + 7)
    #expect(sent.flatMap { $0.split(separator: " ").last }.flatMap { Int($0) } ?? 0 > 600)
  }
}
