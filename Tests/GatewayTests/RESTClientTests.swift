import Foundation
import Platform
import Synchronization
import Testing

@testable import Gateway

/// Answers requests from a script and remembers them.
final class ScriptedTransport: RESTTransport {
  enum Answer: Sendable {
    case response(Int, HTTPHeaders, String)
    case failure(mayHaveBeenSent: Bool)
    case never
  }

  private struct State {
    var script: [Answer]
    var requests: [RESTRequest] = []
    var uploads: [[UInt8]] = []
  }
  private let state: Mutex<State>

  init(_ script: [Answer]) { state = Mutex(State(script: script)) }

  var requests: [RESTRequest] { state.withLock { $0.requests } }

  /// The bodies that were made while they were sent.
  var uploads: [[UInt8]] { state.withLock { $0.uploads } }

  func send(_ request: RESTRequest) async throws -> RESTResponse {
    if let upload = request.upload {
      let bytes = Mutex<[UInt8]>([])
      try await upload.write { piece in bytes.withLock { $0 += piece } }
      state.withLock { $0.uploads.append(bytes.withLock { $0 }) }
    }
    let answer: Answer? = state.withLock { state in
      state.requests.append(request)
      return state.script.isEmpty ? nil : state.script.removeFirst()
    }
    switch answer {
    case .response(let status, let headers, let body):
      return RESTResponse(status: status, headers: headers, body: Array(body.utf8))
    case .failure(let mayHaveBeenSent):
      throw RESTTransportError("scripted failure", requestMayHaveBeenSent: mayHaveBeenSent)
    case .never:
      try await Task.sleep(for: .seconds(3_600))
      throw CancellationError()
    case nil: throw RESTTransportError("the script is over", requestMayHaveBeenSent: false)
    }
  }
}

/// Time in which every sleep is over at once, having moved the clock: backoff and resets cost nothing.
final class LeapingTime: TimeSource {
  private let start = ContinuousClock.Instant.now
  private let elapsed = Mutex(Duration.zero)
  var now: ContinuousClock.Instant { start.advanced(by: elapsed.withLock { $0 }) }
  var timestamp: Timestamp { Timestamp(seconds: 1_700_000_000) + elapsed.withLock { $0 } }
  var total: Duration { elapsed.withLock { $0 } }
  func sleep(until deadline: ContinuousClock.Instant) async throws {
    try Task.checkCancellation()
    elapsed.withLock { $0 = max($0, start.duration(to: deadline)) }
  }
}

private let user = #"{"id":"1","username":"bot","bot":true}"#
private let message =
  #"{"id":"9","channel_id":"5","author":{"id":"1","username":"bot"},"content":"hi","timestamp":"2024-01-01T00:00:00+00:00"}"#

private func client(
  _ transport: ScriptedTransport, time: any TimeSource = LeapingTime(),
  onRequest: (@Sendable (RESTClient.RequestRecord) -> Void)? = nil,
  configure: (inout RESTClient.Configuration) -> Void = { _ in }
) -> RESTClient {
  var configuration = RESTClient.Configuration(baseURL: "http://discord/api/v10", token: Secret("abc"))
  configure(&configuration)
  return RESTClient(
    configuration: configuration, transport: transport, time: time, random: SeededRandom(seed: 1), log: .silent,
    metrics: Metrics(),
    onRequest: onRequest)
}

@Suite struct RESTClientTests {
  /// Without Discord's Via or without JSON it is not Discord who refuses: then nothing at all is sent for a while.
  @Test(
    arguments: [
      (["Retry-After": "7"], #"{"message":"x","retry_after":7,"global":false}"#, Duration.seconds(60)),
      (["Retry-After": "90", "Via": "1.1 google"], "<html>error code: 1015</html>", .seconds(90)),
      (["Via": "1.1 google"], #"{"message":"x","retry_after":7,"global":true}"#, .seconds(7)),
      (["Via": "1.1 google", "X-RateLimit-Scope": "user"], #"{"retry_after":7}"#, .zero),
    ] as [(HTTPHeaders, String, Duration)])
  func aRefusalOfTheEdgeHoldsEveryRoute(headers: HTTPHeaders, body: String, hold: Duration) async throws {
    let time = LeapingTime()
    let transport = ScriptedTransport([.response(429, headers, body), .response(200, [:], user)])
    let rest = client(transport, time: time, configure: { $0.maximumWait = .seconds(5) })
    await #expect(throws: DiscordError.self) { _ = try await rest.message(9, in: 5) }
    let isHeld = hold > .zero
    if isHeld {
      let error = await #expect(throws: DiscordError.self) { _ = try await rest.currentUser() }
      guard case .rateLimited(_, retryAfter: hold) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    } else {
      _ = try await rest.currentUser()
    }
  }

  @Test func aBodyThatBreaksALimitIsNotSent() async throws {
    let transport = ScriptedTransport([])
    let rest = client(transport)
    let long = String(repeating: "ä", count: 257)
    let body = MessageBody(
      content: String(repeating: "x", count: 2_001),
      embeds: [Embed(), Embed(title: long, fields: [.init("n", "")])],
      files: [FileUpload(name: "f", contentType: "a/b", content: .stream(length: 11 << 20) { _ in })])
    let error = await #expect(throws: DiscordError.self) { _ = try await rest.createMessage(body, in: 5) }
    guard case .invalid(_, let fields) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(fields.map(\.path) == ["content", "embeds[1].title", "embeds[1].fields[0].value", "files[0]"])
    #expect(fields[1].description == "embeds[1].title: must be 256 or fewer in length, has 257")
    let reason = await #expect(throws: DiscordError.self) {
      try await rest.deleteMessage(9, in: 5, reason: long + long)
    }
    #expect(reason?.description.contains("reason: must be 512 or fewer in length") == true)
    #expect(transport.requests.isEmpty)
  }

  /// The pieces of a body come anew for every attempt, or the error says why there was none.
  @Test(arguments: [true, false]) func aStreamedFileIsSentAgainOnlyIfItCanBeHadAgain(isRepeatable: Bool) async throws {
    let limited = ScriptedTransport.Answer.response(
      429, ["Via": "1.1 google", "X-RateLimit-Scope": "user"], #"{"message":"x","retry_after":1,"global":false}"#)
    let transport = ScriptedTransport([limited, .failure(mayHaveBeenSent: true), .response(200, [:], message)])
    let rest = client(transport)
    let pieces: @Sendable (RESTUpload.Writer) async throws -> Void = { write in
      try await write([1, 2])
      try await write([3])
    }
    let content = isRepeatable ? FileContent.stream(length: 3, pieces) : .once(length: 3, pieces)
    let body = MessageBody(files: [FileUpload(name: "f", contentType: "a/b", content: content)])
    guard isRepeatable else {
      let error = await #expect(throws: DiscordError.self) { _ = try await rest.createMessage(body, in: 5) }
      guard case .bodyUsedUp = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(transport.requests.count == 1)
      return
    }
    _ = try await rest.createMessage(body, in: 5)
    #expect(transport.requests.count == 3)
    #expect(Set(transport.uploads).count == 1, "every attempt sends the same bytes")
    #expect(transport.uploads.first?.count == transport.requests.first?.upload?.length)
  }

  @Test func aPartOfAFileIsReadPieceByPiece() async throws {
    let path = "/tmp/adjutant-upload-\(SystemRandom().next())"
    let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    try Data(bytes).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let content = try await FileContent.file(path, range: 10..<150_010)
    let read = Mutex<[[UInt8]]>([])
    for _ in 0..<2 {
      read.withLock { $0 = [] }
      try await content.write { piece in read.withLock { $0.append(piece) } }
      #expect(read.withLock { Array($0.joined()) } == Array(bytes[10..<150_010]))
      #expect(read.withLock { $0.map(\.count).max() ?? 0 } <= FileContent.pieceSize)
    }
    await #expect(throws: (any Error).self) { _ = try await FileContent.file(path, range: 0..<200_001) }
    await #expect(throws: SystemError.self) { _ = try await FileContent.file(path + "-missing") }
  }

  @Test func aUsersTokenHasLimitsOfItsOwnAndItsRefusalStopsNobody() async throws {
    let transport = ScriptedTransport([
      .response(401, [:], #"{"message":"401: Unauthorized","code":0}"#), .response(200, [:], user),
    ])
    let rest = client(transport)
    let route = Route(.get, "/users/@me")
    #expect(route.limitKey != route.with(.bearer(Secret("a"))).limitKey)
    #expect(route.with(.bearer(Secret("a"))).limitKey != route.with(.bearer(Secret("b"))).limitKey)
    let error = await #expect(throws: DiscordError.self) { try await rest.send(route.with(.bearer(Secret("a")))) }
    guard case .refused = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try await rest.currentUser().id == 1)
    #expect(transport.requests.map { $0.headers["Authorization"] } == ["Bearer a", "Bot abc"])
  }

  /// A follow-up behind another that used up the bucket for so many seconds.
  @Test(arguments: [(9.0, true), (11.0, false)])
  func aFollowUpWaitsForItsBucketButNotForLong(resetAfter: Double, isSent: Bool) async throws {
    let headers: HTTPHeaders = [
      "X-RateLimit-Bucket": "b", "X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0",
      "X-RateLimit-Reset-After": String(resetAfter),
    ]
    let transport = ScriptedTransport([.response(200, headers, message), .response(200, headers, message)])
    let rest = client(transport)
    _ = try await rest.createFollowUp(MessageBody(content: "1"), application: 1, token: Secret("t"))
    if isSent {
      _ = try await rest.createFollowUp(MessageBody(content: "2"), application: 1, token: Secret("t"))
    } else {
      let error = await #expect(throws: DiscordError.self) {
        try await rest.createFollowUp(MessageBody(content: "2"), application: 1, token: Secret("t"))
      }
      guard case .rateLimited(_, retryAfter: .seconds(11)) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
    #expect(transport.requests.count == (isSent ? 2 : 1))
  }

  @Test(.timeLimit(.minutes(1))) func aFollowUpThatWaitsBehindOneWithoutAnAnswerIsGivenUp() async throws {
    let time = ManualTime()
    let rest = client(ScriptedTransport([.never]), time: time)
    let first = Task {
      _ = try await rest.createFollowUp(MessageBody(content: "1"), application: 1, token: Secret("t"))
    }
    let second = Task {
      _ = try await rest.createFollowUp(MessageBody(content: "2"), application: 1, token: Secret("t"))
    }
    // The alarm is set for the end of its ten seconds.
    await time.waitForSleepers()
    time.advance(by: .seconds(10))
    // Whichever of the two came second.
    let outcome = await withTaskGroup(of: (any Error)?.self) { group in
      for task in [first, second] {
        group.addTask {
          do {
            try await task.value
            return nil
          } catch { return error }
        }
      }
      let outcome = await group.next() ?? nil
      first.cancel()
      second.cancel()
      return outcome
    }
    guard case .rateLimited = outcome as? DiscordError else {
      Issue.record("\(String(describing: outcome))")
      return
    }
  }

  @Test func aCallCarriesTokenAndAgentAndReadsItsAnswer() async throws {
    let transport = ScriptedTransport([.response(200, [:], user)])
    let rest = client(transport)
    #expect(rest.lastLatency == nil)
    #expect(try await rest.currentUser().id == 1)
    let request = try #require(transport.requests.first)
    #expect(request.url == "http://discord/api/v10/users/@me")
    #expect(request.headers["Authorization"] == "Bot abc")
    #expect(request.headers["User-Agent"]?.hasPrefix("DiscordBot (") == true)
    #expect(request.body == nil)
    #expect(rest.lastLatency != nil)
  }

  @Test func aRefusalNamesEveryFieldAtFault() async throws {
    let body = #"""
      {"code":50035,"message":"Invalid Form Body","errors":{"embeds":{"0":{"fields":{"2":{"value":{"_errors":
       [{"code":"BASE_TYPE_MAX_LENGTH","message":"Must be 1024 or fewer in length."}]}}}}},
       "_errors":[{"code":"X","message":"whole"}]}}
      """#
    let rest = client(ScriptedTransport([.response(400, [:], body)]))
    let error = await #expect(throws: DiscordError.self) {
      _ = try await rest.createMessage(MessageBody(content: "x"), in: 5)
    }
    guard case .refused(let refusal) = error else { throw DecodingFailure(reason: "\(String(describing: error))") }
    #expect(refusal.code == .invalidFormBody)
    #expect(refusal.status == 400)
    #expect(
      refusal.fields.map(\.description) == [
        "embeds[0].fields[2].value: BASE_TYPE_MAX_LENGTH: Must be 1024 or fewer in length.", "X: whole",
      ])
    #expect(error?.description.contains("embeds[0].fields[2].value: BASE_TYPE_MAX_LENGTH") == true)
  }

  @Test(arguments: [500, 502, 503, 504, 520, 529])
  func aServerErrorIsTriedAgainForWhatIsRepeatable(status: Int) async throws {
    let failing = ScriptedTransport.Answer.response(status, [:], "")
    let transport = ScriptedTransport([failing, failing, failing, .response(200, [:], user)])
    #expect(try await client(transport).currentUser().id == 1)
    #expect(transport.requests.count == 4)
    let tooMany = ScriptedTransport([failing, failing, failing, failing, failing])
    await #expect(throws: DiscordError.self) { _ = try await client(tooMany).currentUser() }
    #expect(tooMany.requests.count == 4)
  }

  @Test func aPostIsRepeatedOnlyIfItCannotHaveArrived() async throws {
    let followUp = { (rest: RESTClient) in
      try await rest.createFollowUp(MessageBody(content: "x"), application: 2, token: Secret("t"))
    }
    let unsent = ScriptedTransport([.failure(mayHaveBeenSent: false), .response(200, [:], message)])
    _ = try await followUp(client(unsent))
    #expect(unsent.requests.count == 2)
    for answer in [ScriptedTransport.Answer.failure(mayHaveBeenSent: true), .response(502, [:], "")] {
      let sent = ScriptedTransport([answer, .response(200, [:], message)])
      await #expect(throws: DiscordError.self) { _ = try await followUp(client(sent)) }
      #expect(sent.requests.count == 1)
    }
  }

  @Test func aMessageIsRepeatedUnderTheSameNonce() async throws {
    let transport = ScriptedTransport([.failure(mayHaveBeenSent: true), .response(200, [:], message)])
    _ = try await client(transport).createMessage(MessageBody(content: "x"), in: 5)
    let bodies = try transport.requests.map { try JSON(parsing: $0.body ?? []) }
    #expect(bodies.count == 2)
    #expect(bodies[0] == bodies[1])
    #expect(bodies[0]["enforce_nonce"] == true)
    #expect((bodies[0]["nonce"]?.string?.count ?? 99) <= 25)
  }

  @Test func aRateLimitIsWaitedOut() async throws {
    let time = LeapingTime()
    let limited = ScriptedTransport.Answer.response(
      429, ["Via": "1.1 google", "X-RateLimit-Scope": "user", "Retry-After": "3"],
      #"{"message":"You are being rate limited.","retry_after":2.5,"global":false}"#)
    let transport = ScriptedTransport([limited, .response(200, [:], user)])
    #expect(try await client(transport, time: time).currentUser().id == 1)
    #expect(time.total >= .seconds(3), "the larger of header and body counts")
  }

  @Test func aWaitBeyondTheLimitIsAnError() async throws {
    let transport = ScriptedTransport([
      .response(
        429, ["Via": "1.1 google", "X-RateLimit-Scope": "shared"],
        #"{"message":"x","retry_after":1336.57,"global":false}"#)
    ])
    let rest = client(transport)
    for _ in 0..<2 {
      let error = await #expect(throws: DiscordError.self) { _ = try await rest.currentUser() }
      guard case .rateLimited = error else { throw DecodingFailure(reason: "\(String(describing: error))") }
    }
    #expect(transport.requests.count == 1, "the second call knows already")
  }

  @Test func aRefusedTokenStopsEverythingButInteractions() async throws {
    let transport = ScriptedTransport([
      .response(401, [:], #"{"message":"401: Unauthorized","code":0}"#), .response(204, [:], ""),
    ])
    let rest = client(transport)
    for _ in 0..<3 {
      let error = await #expect(throws: DiscordError.self) { _ = try await rest.currentUser() }
      guard case .unauthorized = error else { throw DecodingFailure(reason: "\(String(describing: error))") }
    }
    #expect(transport.requests.count == 1)
    try await rest.respond(to: 3, token: Secret("t"), with: .deferredUpdate)
    #expect(transport.requests.count == 2)
    #expect(transport.requests[1].headers["Authorization"] == nil)
  }

  @Test func aCancelledCallLeavesTheQueue() async throws {
    let transport = ScriptedTransport([.never])
    let rest = client(transport, time: SystemTime())
    let first = Task { try await rest.currentUser() }
    while transport.requests.isEmpty { await Task.yield() }
    let second = Task { try await rest.currentUser() }
    second.cancel()
    await #expect(throws: CancellationError.self) { _ = try await second.value }
    first.cancel()
    await #expect(throws: CancellationError.self) { _ = try await first.value }
    #expect(transport.requests.count == 1)
  }

  @Test func reasonsAndQueriesArePercentEncoded() async throws {
    let transport = ScriptedTransport([.response(204, [:], ""), .response(200, [:], "[]")])
    let rest = client(transport)
    try await rest.deleteMessage(9, in: 5, reason: "Spam: größer 100%\n")
    _ = try await rest.commands(of: 2, guild: 3)
    #expect(transport.requests[0].headers["X-Audit-Log-Reason"] == "Spam%3A%20gr%C3%B6%C3%9Fer%20100%25%0A")
    #expect(
      transport.requests[1].url == "http://discord/api/v10/applications/2/guilds/3/commands?with_localizations=true")
  }

  @Test func filesGoAsParts() async throws {
    let transport = ScriptedTransport([.response(200, [:], message)])
    let file = FileUpload(name: "a\"b.txt", contentType: "text/plain", bytes: Array("data".utf8))
    _ = try await client(transport).createMessage(MessageBody(content: "x", files: [file]), in: 5)
    let request = try #require(transport.requests.first)
    let type = try #require(request.headers["Content-Type"])
    #expect(type.hasPrefix("multipart/form-data; boundary="))
    let upload = try #require(request.upload)
    let bytes = Mutex<[UInt8]>([])
    try await upload.write { piece in bytes.withLock { $0 += piece } }
    let body = bytes.withLock { String(decoding: $0, as: UTF8.self) }
    #expect(upload.length == body.utf8.count)
    #expect(body.contains("name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n{"))
    #expect(
      body.contains("name=\"files[0]\"; filename=\"a_b.txt\"\r\nContent-Type: text/plain\r\n\r\ndata\r\n--adjutant-"))
    #expect(body.hasSuffix("--\r\n"))
  }

  @Test func everyRequestIsShownToTheObserver() async throws {
    let seen = Mutex<[RESTClient.RequestRecord]>([])
    let rest = client(
      ScriptedTransport([.response(204, [:], "")]), onRequest: { record in seen.withLock { $0.append(record) } })
    try await rest.respond(to: 3, token: Secret("t/k"), with: .message(MessageBody(content: "x")))
    let record = try #require(seen.withLock { $0.first })
    #expect(record.template == "/interactions/{}/{}/callback")
    #expect(record.path == "/interactions/3/t%2Fk/callback")
    #expect(try JSON(parsing: record.json ?? [])["type"] == 4)
  }

  @Test func pathsNameTheirMajorParameter() {
    let message: RoutePath = "/channels/\(channel: 1)/messages/\(2)"
    #expect(message.text == "/channels/1/messages/2")
    #expect(message.template == "/channels/{}/messages/{}")
    #expect(message.major == "1")
    let webhook: RoutePath = "/webhooks/\(webhook: 1)/\(token: Secret("t"))/messages/\(2)"
    #expect(webhook.major == "1/t")
  }
}
