import Platform
import TestInputs
import Testing

@testable import HTTP

/// A machine with a peer that answers every request at once, and a record of what happened.
private struct Harness {
  enum Event: Equatable {
    case request(String, String, [String])
    case body(String)
    case end
    case bodyFailed(Int)
    case reject(Int)
    case finishWriting, close, closeWhenWritten, peerEnded
  }

  var machine: HTTPConnectionMachine
  var events: [Event] = []
  var output = ""
  var now = ContinuousClock.Instant.now
  var answers = true
  var bodyLimit = 1_000
  private var body = ""

  init(limits: HTTPLimits = HTTPLimits(), answers: Bool = true) {
    machine = HTTPConnectionMachine(limits: limits, now: now)
    self.answers = answers
  }

  mutating func feed(_ text: String) { feed(Array(text.utf8)) }
  mutating func feed(_ bytes: [UInt8]) { take(machine.receive(bytes, now: now)) }

  mutating func take(_ actions: [HTTPConnectionMachine.Action]) {
    for action in actions {
      switch action {
      case .request(let head):
        body = ""
        events.append(
          .request(
            head.method.rawValue, head.rawQuery.map { "\(head.path)?\($0)" } ?? head.path.raw, head.path.segments))
        take(machine.accept(bodyLimit: bodyLimit, now: now))
      case .body(let bytes): body += String(decoding: bytes, as: UTF8.self)
      case .bodyEnd:
        if !body.isEmpty { events.append(.body(body)) }
        body = ""
        events.append(.end)
        if answers { answer() }
      case .bodyFailed(let error):
        events.append(.bodyFailed(error.status.rawValue))
        if answers { answer(error.status) }
      case .reject(let error):
        events.append(.reject(error.status.rawValue))
        answer(error.status)
      case .send(let bytes): output += String(decoding: bytes, as: UTF8.self)
      case .upgraded: break
      case .finishWriting:
        events.append(.finishWriting)
        machine.written(now: now)
      case .closeWhenWritten: events.append(.closeWhenWritten)
      case .close: events.append(.close)
      case .peerEnded: events.append(.peerEnded)
      }
    }
  }

  mutating func answer(_ status: HTTPStatus = .ok, _ content: String = "") {
    take(
      machine.respond(
        status, [:], length: content.utf8.count, content: Array(content.utf8), date: "now", now: now))
  }

  /// Lets time pass, as a driver would that looks at the deadline.
  mutating func pass(_ duration: Duration) {
    now += duration
    take(machine.timeOut(now: now))
  }
}

struct HTTPConnectionMachineTests {
  private static let good: [(String, [Harness.Event])] = [
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", [.request("GET", "/", [""]), .end]),
    (
      "\r\nGET /a%2Fb/c%20d?x=%2F HTTP/1.1\r\nhOST:\t[::1]:80 \r\nEmpty:\r\n\r\n",
      [.request("GET", "/a%2Fb/c%20d?x=%2F", ["a/b", "c d"]), .end]
    ),
    (
      "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /n HTTP/1.1\r\nHost: a\r\n\r\n",
      [.request("POST", "/p", ["p"]), .body("hello"), .end, .request("GET", "/n", ["n"]), .end]
    ),
    (
      "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nT: v\r\n\r\n"
        + "GET /n HTTP/1.1\r\nHost: a\r\n\r\n",
      [.request("POST", "/p", ["p"]), .body("abc0123456789"), .end, .request("GET", "/n", ["n"]), .end]
    ),
    ("GET /old HTTP/1.0\r\n\r\n", [.request("GET", "/old", ["old"]), .end, .finishWriting]),
    (
      "GET http://a:80/x?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      [.request("GET", "/x?y", ["x"]), .end, .finishWriting]
    ),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", [.request("OPTIONS", "*", ["*"]), .end]),
    (
      "POST /0 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", [.request("POST", "/0", ["0"]), .end]
    ),
  ]

  @Test(arguments: 0..<good.count)
  func readsTheSameAtEverySplit(index: Int) {
    let (text, expected) = Self.good[index]
    let bytes = Array(text.utf8)
    for split in 0...bytes.count {
      var harness = Harness()
      harness.feed(Array(bytes[..<split]))
      harness.feed(Array(bytes[split...]))
      #expect(harness.events == expected, "split at \(split)")
    }
    var harness = Harness()
    for byte in bytes { harness.feed([byte]) }
    #expect(harness.events == expected)
  }

  /// Heads that are refused, each with its status.
  @Test(
    arguments: [
      ("GET / HTTP/1.1\nHost: a\n\n", 400), ("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\n\tfolded\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\n: nameless\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: a\r\nX(y): z\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\u{B}\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", 501),
      ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
      ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
      ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("GET /\r\n\r\n", 400), ("GET / http/1.1\r\nHost: a\r\n\r\n", 400), ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400),
      ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505), ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505),
      ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400), (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("\u{16}\u{3}\u{1}", 400),
      ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /ä HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /a/%2e%2E/b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("GET /a/. HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /%2 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n", 417),
      (BriefText("GET /" + String(repeating: "a", count: 9_000) + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414),
      (BriefText("GET /" + String(repeating: "a", count: 20_000)), 414),
      (BriefText("GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 20_000)), 431),
      (BriefText("GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 100) + "\r\n"), 431),
    ] as [(BriefText, Int)])
  func refusesHeads(head: BriefText, status: Int) {
    let text = head.text
    var harness = Harness()
    harness.feed(text)
    #expect(harness.events == [.reject(status), .finishWriting], "\(text.prefix(60))")
    #expect(harness.output.contains("Connection: close\r\n"))
    // Nothing that follows is taken for a request.
    harness.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(harness.events == [.reject(status), .finishWriting])
    guard text.utf8.count < 1_000 else { return }
    var slow = Harness()
    for byte in text.utf8 { slow.feed([byte]) }
    #expect(slow.events == [.reject(status), .finishWriting], "byte by byte: \(text.prefix(60))")
  }

  /// Chunked bodies that are refused.
  @Test(
    arguments: [
      ("x\r\n", 400), ("\r\n", 400), ("-1\r\n", 400), ("0x1\r\n", 400), (" 1\r\n", 400), ("1 \r\n", 400),
      ("1\na", 400), ("1\r\nab", 400), ("1\r\na\n", 400), ("1\r\na\r\r", 400), ("1;a\u{1}\r\n", 400),
      ("1;a\nb\r\n", 400),
      ("1;a\r\r\n", 400), ("0\r\nno colon\r\n", 400), ("0\r\nA : b\r\n", 400), ("0\r\n\n", 400),
      ("0\r\na\0b: c\r\n", 400),
      ("fffffffffffffff\r\n", 413), ("1000000000000000\r\n", 400), ("3e9\r\n", 413),
      (BriefText("1;" + String(repeating: "a", count: 20_000)), 431),
      (BriefText("0\r\n" + String(repeating: "A: b\r\n", count: 101)), 431),
    ] as [(BriefText, Int)])
  func refusesChunks(chunks: BriefText, status: Int) {
    let body = chunks.text
    var harness = Harness()
    harness.feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    #expect(harness.events.dropFirst() == [.bodyFailed(status), .finishWriting], "\(body.prefix(40))")
    #expect(harness.output.contains("Connection: close\r\n"))
  }

  @Test func aBodyThatIsTooLargeIsRefusedFromTheHead() {
    var harness = Harness()
    harness.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n")
    #expect(harness.events == [.request("POST", "/", [""]), .bodyFailed(413), .finishWriting])
  }

  @Test(arguments: [false, true])
  func theHeadMayBeAsLargeAsTheLimitAndNoLarger(isInPieces: Bool) {
    let head = "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 100))\r\n\r\n"
    for (limit, isTaken) in [(head.utf8.count, true), (head.utf8.count - 1, false)] {
      var limits = HTTPLimits()
      limits.headSize = limit
      var harness = Harness(limits: limits)
      if isInPieces { for byte in head.utf8 { harness.feed([byte]) } } else { harness.feed(head) }
      #expect(harness.events.first == (isTaken ? .request("GET", "/", [""]) : .reject(431)))
    }
  }

  // MARK: Time

  @Test func aSlowHeadIsAnsweredAndClosed() {
    var harness = Harness()
    harness.feed("GET / HT")
    for _ in 0..<9 {
      harness.pass(.seconds(1))
      harness.feed("T")
    }
    #expect(harness.events == [])
    harness.pass(.seconds(1))
    #expect(harness.events == [.reject(408), .finishWriting])
    harness.pass(.seconds(2))
    #expect(harness.events.last == .close)
  }

  @Test func aSlowBodyIsAnsweredAndClosed() {
    var harness = Harness()
    harness.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
    for _ in 0..<59 {
      harness.pass(.seconds(1))
      harness.feed("x")
    }
    #expect(harness.events.count == 1)
    harness.pass(.seconds(1))
    #expect(harness.events.dropFirst() == [.bodyFailed(408), .finishWriting])
  }

  @Test func aSilentConnectionIsClosed() {
    var fresh = Harness()
    fresh.pass(.seconds(9))
    #expect(fresh.events == [])
    fresh.pass(.seconds(1))
    #expect(fresh.events == [.finishWriting])
    var idle = Harness()
    idle.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    idle.pass(.seconds(74))
    #expect(idle.events.count == 2)
    idle.pass(.seconds(1))
    #expect(idle.events.last == .finishWriting)
  }

  @Test func aHandlerMayTakeItsTime() {
    var harness = Harness(answers: false)
    harness.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(harness.machine.deadline == nil)
  }

  // MARK: Responses

  @Test func pipelinedRequestsWaitForTheAnswerBefore() {
    var harness = Harness(answers: false)
    harness.feed("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(harness.events == [.request("GET", "/1", ["1"]), .end])
    harness.answer(.ok, "one")
    #expect(harness.events.count == 4)
    #expect(harness.output == "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 3\r\n\r\none")
  }

  @Test func pipeliningIsBounded() {
    var harness = Harness(answers: false)
    harness.feed("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(harness.machine.wantsInput)
    harness.feed([UInt8](repeating: 65, count: HTTPConnectionMachine.pipelineLimit))
    #expect(!harness.machine.wantsInput)
  }

  @Test func connectionsHaveALimitOfRequests() {
    var limits = HTTPLimits()
    limits.requestsPerConnection = 2
    var harness = Harness(limits: limits)
    harness.feed(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 3))
    #expect(harness.events.filter { $0 == .end }.count == 2)
    #expect(harness.events.last == .finishWriting)
  }

  @Test func aStreamIsChunkedAndHeadOfItIsNot() {
    var harness = Harness(answers: false)
    harness.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    harness.take(harness.machine.respond(.ok, [:], length: nil, content: nil, date: "now", now: harness.now))
    harness.take(harness.machine.write(Array("hello".utf8)))
    harness.take(harness.machine.write([]))
    harness.take(harness.machine.finish(now: harness.now))
    #expect(harness.output.hasSuffix("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
    harness.output = ""
    harness.feed("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    harness.take(harness.machine.respond(.ok, [:], length: nil, content: nil, date: "now", now: harness.now))
    #expect(!harness.machine.sendsContent)
    harness.take(harness.machine.finish(now: harness.now))
    #expect(harness.output.hasSuffix("Date: now\r\n\r\n"))
  }

  @Test func aStreamToHTTP10EndsWithTheConnection() {
    var harness = Harness(answers: false)
    harness.feed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    harness.take(harness.machine.respond(.ok, [:], length: nil, content: nil, date: "now", now: harness.now))
    harness.take(harness.machine.write(Array("x".utf8)))
    harness.take(harness.machine.finish(now: harness.now))
    #expect(harness.output.hasSuffix("\r\n\r\nx"))
    #expect(harness.events.last == .finishWriting)
  }

  @Test(arguments: ["", "four", "sixsix", "more than was said"])
  func contentOfTheWrongLengthCutsTheConnection(content: String) {
    var harness = Harness(answers: false)
    harness.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    harness.take(harness.machine.respond(.ok, [:], length: 5, content: nil, date: "now", now: harness.now))
    harness.take(harness.machine.write(Array(content.utf8)))
    harness.take(harness.machine.finish(now: harness.now))
    #expect(harness.events.last == .close)
    // Not a byte of what is too long goes out: the peer would take it for the next answer.
    #expect(harness.output.hasSuffix("\r\n\r\n" + (content.utf8.count <= 5 ? content : "")))
  }

  @Test func headersCannotSplitTheAnswer() {
    var harness = Harness(answers: false)
    harness.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    let headers: HTTPHeaders = [
      "X": "a\r\nSet-Cookie: b", "Bad name": "c", "Content-Length": "99", "Connection": "close",
    ]
    harness.take(harness.machine.respond(.ok, headers, length: 0, content: [], date: "now", now: harness.now))
    #expect(harness.output == "HTTP/1.1 200 OK\r\nX: a  Set-Cookie: b\r\nDate: now\r\nContent-Length: 0\r\n\r\n")
  }

  @Test func expectationsAreMetOnlyWhenTheBodyIsWanted() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    var reading = Harness(answers: false)
    reading.feed(head)
    #expect(reading.output == "")
    reading.take(reading.machine.requestBody(now: reading.now))
    reading.take(reading.machine.requestBody(now: reading.now))
    #expect(reading.output == "HTTP/1.1 100 Continue\r\n\r\n")
    reading.feed("ok")
    #expect(reading.events.suffix(2) == [.body("ok"), .end])
    // Refused without reading: the peer may send the body or not, so the connection cannot go on.
    var refusing = Harness(answers: false)
    refusing.feed(head)
    refusing.answer(.unauthorized)
    #expect(refusing.events.last == .finishWriting)
    #expect(refusing.output.contains("Connection: close\r\n"))
  }

  @Test func theRestOfASmallBodyIsDroppedAndOfALargeOneCloses() {
    var small = Harness(answers: false)
    small.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234")
    small.answer(.unauthorized)
    small.feed("56789GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(small.events.suffix(2) == [.request("GET", "/next", ["next"]), .end])
    var large = Harness(answers: false)
    large.bodyLimit = 1 << 20
    large.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n01234")
    large.answer(.unauthorized)
    #expect(large.events.last == .finishWriting)
  }

  // MARK: The end

  @Test func anEndInTheMiddleIsNoRequest() {
    for text in ["", "GET / HT"] {
      var harness = Harness()
      harness.feed(text)
      harness.take(harness.machine.endInput(now: harness.now))
      #expect(harness.events == [.closeWhenWritten])
    }
    var body = Harness(answers: false)
    body.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234")
    body.take(body.machine.endInput(now: body.now))
    #expect(body.events.suffix(2) == [.bodyFailed(400), .peerEnded])
  }

  @Test func aHalfClosedPeerStillGetsItsAnswer() {
    var harness = Harness(answers: false)
    harness.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    harness.take(harness.machine.endInput(now: harness.now))
    harness.answer(.ok, "still")
    #expect(harness.output.hasSuffix("still"))
    #expect(harness.events.suffix(2) == [.peerEnded, .closeWhenWritten])
  }

  @Test func drainingEndsIdleConnectionsAtOnceAndBusyOnesAfterTheirAnswer() {
    var idle = Harness()
    idle.take(idle.machine.drain(now: idle.now))
    #expect(idle.events == [.finishWriting])
    var busy = Harness(answers: false)
    busy.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    busy.take(busy.machine.drain(now: busy.now))
    busy.answer()
    #expect(busy.events.last == .finishWriting)
  }

  @Test func datesAreWrittenAsHTTPDoes() {
    #expect(HTTPDate.text(Timestamp(milliseconds: 784_111_777_000)) == "Sun, 06 Nov 1994 08:49:37 GMT")
    #expect(HTTPDate.text(Timestamp(milliseconds: 951_782_400_999)) == "Tue, 29 Feb 2000 00:00:00 GMT")
  }

  /// Whatever comes: no crash, no request after a refusal, and the same reading however it is cut.
  @Test func randomInputIsReadTheSameHoweverItIsCut() {
    let random = SeededRandom(seed: 5)
    let pieces = [
      "GET / HTTP/1.1\r\n", "POST /a HTTP/1.1\r\n", "Host: a\r\n", "Content-Length: 3\r\n",
      "Transfer-Encoding: chunked\r\n", "\r\n", "abc", "3\r\nabc\r\n", "0\r\n\r\n", "\n", "\r", " ", "\0", ":",
      "Expect: 100-continue\r\n", "Connection: close\r\n", "X: y\r\n", "5;x\r\n",
    ]
    for _ in 0..<3_000 {
      var bytes: [UInt8] = []
      for _ in 0..<random.integer(below: 14) { bytes += pieces[random.integer(below: pieces.count)].utf8 }
      if !bytes.isEmpty, random.integer(below: 3) == 0 {
        bytes[random.integer(below: bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      }
      var whole = Harness()
      whole.feed(bytes)
      var cut = Harness()
      for byte in bytes { cut.feed([byte]) }
      #expect(whole.events == cut.events)
      #expect(whole.output == cut.output)
    }
  }
}
