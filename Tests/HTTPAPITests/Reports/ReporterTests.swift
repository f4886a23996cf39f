import Core
import HTTP
import Platform
import Sandbox
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import Gateway
@testable import HTTPAPI

/// Takes messages, or refuses them as a test wants.
private final class FakeSender: EmbedSender {
  private struct State {
    var messages: [[Embed]] = []
    var failures: [any Error] = []
    var attempts = 0
    var waiters: [(Int, CheckedContinuation<Void, Never>)] = []
  }
  private let state = Mutex(State())

  var messages: [[Embed]] { state.withLock { $0.messages } }
  var embeds: [Embed] { Array(messages.joined()) }
  var attempts: Int { state.withLock { $0.attempts } }
  func fail(_ errors: [any Error]) { state.withLock { $0.failures += errors } }

  func send(_ embeds: [Embed]) async throws {
    let (failure, waiting) = state.withLock { state in
      state.attempts += 1
      let waiting = state.waiters.filter { $0.0 <= state.attempts }
      state.waiters.removeAll { $0.0 <= state.attempts }
      guard state.failures.isEmpty else { return (Optional(state.failures.removeFirst()), waiting) }
      state.messages.append(embeds)
      return (nil, waiting)
    }
    for waiter in waiting { waiter.1.resume() }
    if let failure { throw failure }
  }

  func waitForAttempts(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let isEnough = state.withLock { state in
        if state.attempts >= count { return true }
        state.waiters.append((count, continuation))
        return false
      }
      if isEnough { continuation.resume() }
    }
  }
}

private let away = DiscordError.network(route: "r", reason: "no connection", requestMayHaveBeenSent: false)

private func refused(_ status: Int) -> DiscordError {
  .refused(.init(route: "r", status: status, code: DiscordErrorCode(rawValue: 0), message: "no", fields: []))
}

struct ErrorReporterTests {
  private struct Bench {
    let time = ManualTime()
    let sender = FakeSender()
    let memory = MemoryLogSink()
    let reporter: ErrorReporter
    let log: Log

    init(secrets: [String] = []) {
      let memory = memory
      reporter = ErrorReporter(
        sender: sender, secrets: secrets.map { Secret($0) }, time: time,
        log: Log(label: ErrorReporter.label, sink: memory))
      log = Log(label: "core", sink: LogTee(memory) { [reporter] in reporter.observe($0) })
    }

    /// Lets the reporter's next tick pass.
    func tick() async {
      await time.waitForSleepers()
      time.advance(by: ErrorReporter.tick)
    }
  }

  private func withRunning(_ bench: Bench, _ body: () async throws -> Void) async throws {
    let running = Task { await bench.reporter.run() }
    try await body()
    running.cancel()
    await running.value
  }

  @Test func anErrorIsSentAsPrinted() async throws {
    let bench = Bench()
    try await withRunning(bench) {
      bench.log.warning("not this")
      bench.log.error("the disk", ["error": .error(away), "id": "1"])
      for _ in 0..<2 { await bench.tick() }
      await bench.sender.waitForAttempts(1)
    }
    let embed = try #require(bench.sender.messages.first?.first)
    #expect(bench.sender.messages.map(\.count) == [1])
    #expect(embed.title == "Critical Error")
    #expect(embed.color == 16_711_680)
    #expect(embed.description == "the disk")
    #expect(
      embed.fields == [
        Embed.Field("Error Type", "DiscordError", isInline: true),
        Embed.Field("Stack Trace", "core: the disk\nerror = r: no connection\nid = 1"),
      ])
    #expect(embed.timestamp != nil)
  }

  @Test func whatItSaysItselfIsNotReported() async throws {
    let bench = Bench()
    bench.reporter.observe(
      LogRecord(time: .now, level: .error, label: ErrorReporter.label, message: "a", fields: []))
    bench.reporter.observe(
      LogRecord(time: .now, level: .error, label: ErrorReporter.label + ".rest", message: "b", fields: []))
    bench.reporter.observe(LogRecord(time: .now, level: .error, label: "reporters", message: "c", fields: []))
    try await withRunning(bench) {
      for _ in 0..<2 { await bench.tick() }
      await bench.sender.waitForAttempts(1)
    }
    #expect(bench.sender.embeds.map(\.description) == ["c"])
  }

  @Test func secretsStayInTheHouse() async throws {
    let bench = Bench(secrets: ["hunter2-hunter2", "hunter2-hunter2-longer", "abc"])
    try await withRunning(bench) {
      bench.log.error("cannot use hunter2-hunter2-longer", ["url": "https://x/hunter2-hunter2?abc"])
      for _ in 0..<2 { await bench.tick() }
      await bench.sender.waitForAttempts(1)
    }
    let embed = try #require(bench.sender.messages.first?.first)
    #expect(embed.description == "cannot use <redacted>")
    #expect(embed.fields[1].value.hasSuffix("url = https://x/<redacted>?abc"))
  }

  @Test func aDiscordThatIsAwayIsTriedAgainAndThenLeft() async throws {
    let bench = Bench()
    bench.sender.fail([away, away])
    try await withRunning(bench) {
      bench.log.error("first")
      while bench.sender.messages.isEmpty { await bench.tick() }
      #expect(bench.sender.attempts == 3)
      bench.sender.fail(Array(repeating: refused(500), count: ErrorReporter.attempts))
      bench.log.error("second")
      while bench.memory.records.allSatisfy({ $0.label != ErrorReporter.label }) { await bench.tick() }
    }
    #expect(bench.sender.embeds.map(\.description) == ["first"])
    let own = bench.memory.records.filter { $0.label == ErrorReporter.label }
    #expect(own.map(\.level) == [.warning])
  }

  @Test func theEndOfTheProgramTellsWhatWaits() async throws {
    let bench = Bench()
    let running = Task { await bench.reporter.run() }
    bench.log.error("the last words")
    await bench.time.waitForSleepers()
    running.cancel()
    await running.value
    #expect(bench.sender.embeds.map(\.description) == ["the last words"])
  }

  @Test func manyErrorsShareMessagesWithinDiscordsLimits() async throws {
    let bench = Bench()
    let long = String(repeating: "é", count: 3_000)
    try await withRunning(bench) {
      for number in 0..<25 { bench.log.error("error \(number) \(long)", ["x": .string(long)]) }
      for number in 0..<25 { bench.log.error("short \(number)") }
      while bench.sender.messages.reduce(0, { $0 + $1.count }) < 50 { await bench.tick() }
    }
    for message in bench.sender.messages {
      #expect(message.count <= 10)
      let length = message.reduce(0) { sum, embed in
        let texts = [embed.title ?? "", embed.description ?? ""] + embed.fields.flatMap { [$0.name, $0.value] }
        return sum + texts.reduce(0) { $0 + $1.unicodeScalars.count }
      }
      #expect(length <= 6_000)
      #expect(message.allSatisfy { $0.fields.allSatisfy { (1...1_024).contains($0.value.unicodeScalars.count) } })
    }
    // The short ones go ten at a time.
    #expect(bench.sender.messages.contains { $0.count == 10 })
  }

  @Test func theQueueIsBounded() {
    var queue = ErrorReporter.Queue()
    queue.add((0..<500).map { Embed(title: "\($0)") })
    #expect(queue.next()?.first?.title == "400")
    let isGivenUp = queue.failed(at: .now)
    #expect(!isGivenUp)
  }
}

struct AuditReporterTests {
  private let time = ManualTime()

  private func withReporter(
    _ engine: TestEngine, _ body: (SharedState, AuditReporter, FakeSender, MemoryLogSink) async throws -> Void
  ) async throws {
    try await withTestDatabase(engine) { database in
      let shared = try await SharedState.open(database, time: time)
      shared.activity.configure(.init(tellsNews: true))
      let (sender, memory) = (FakeSender(), MemoryLogSink())
      let reporter = AuditReporter(
        sender: sender, shared: shared, time: time, log: Log(label: ErrorReporter.label, sink: memory))
      try await body(shared, reporter, sender, memory)
    }
  }

  private func append(_ actions: some Sequence<String>, to shared: SharedState) async throws {
    for action in actions {
      time.advance(by: .milliseconds(1))
      try await shared.auditLog.append(
        AuditEntry(
          userID: UserID(123_456_789_012_345_678), guildID: nil, action: action, category: "admin_action"))
    }
    // One round of what counts them.
    let counting = Task { await shared.activity.run(log: .silent) }
    await time.waitForSleepers()
    counting.cancel()
    await counting.value
  }

  @Test(arguments: TestEngine.available)
  func entriesAreSentAsPrintedTenAtATime(engine: TestEngine) async throws {
    try await withReporter(engine) { shared, reporter, sender, _ in
      #expect(try await !reporter.send())
      try await append(["ban_user"] + (1..<12).map { "a\($0)" }, to: shared)
      #expect(try await reporter.send())
      #expect(try await reporter.send())
      #expect(try await !reporter.send())
      #expect(sender.messages.map(\.count) == [10, 2])
      let embed = sender.messages[0][0]
      #expect(embed.title == "Audit Log Entry")
      #expect(embed.color == 39_423)
      #expect(
        embed.fields == [
          Embed.Field("Action", "ban_user", isInline: true),
          Embed.Field("User ID", "123456789012345678", isInline: true),
        ])
      #expect(embed.timestamp == (try await shared.auditLog.recent(limit: 100).last?.createdAt))
      #expect(sender.embeds.map(\.fields[0].value) == ["ban_user"] + (1..<12).map { "a\($0)" })
    }
  }

  @Test(arguments: TestEngine.available)
  func whatCannotBeSentWaitsOverRestarts(engine: TestEngine) async throws {
    try await withReporter(engine) { shared, reporter, sender, memory in
      try await append(["one"], to: shared)
      sender.fail([away])
      await #expect(throws: DiscordError.self) { try await reporter.send() }
      // Another process has its turn when the lease of the first is over.
      let next = AuditReporter(sender: sender, shared: shared, time: time, log: .silent)
      #expect(try await !next.send())
      try await shared.state.update(AuditReporter.leaseName) { lease in
        var lease = lease
        lease?["until"] = 0
        return lease
      }
      #expect(try await next.send())
      #expect(sender.embeds.map(\.fields[0].value) == ["one"])
      #expect(memory.records.isEmpty)
    }
  }

  @Test func aMessageThatDiscordNeverTakesIsLeftOut() async throws {
    try await withReporter(.sqlite) { shared, reporter, sender, memory in
      try await append(["one"], to: shared)
      sender.fail([refused(400)])
      #expect(try await reporter.send())
      try await append(["two"], to: shared)
      #expect(try await reporter.send())
      #expect(sender.embeds.map(\.fields[0].value) == ["two"])
      #expect(memory.records.map(\.level) == [.warning])
      // One that is gone may be made again under the same address by nobody: but the operator may be at work on it.
      try await append(["three"], to: shared)
      sender.fail([refused(404)])
      await #expect(throws: DiscordError.self) { try await reporter.send() }
      #expect(try await reporter.send())
    }
  }

  @Test func itGoesOnByItself() async throws {
    try await withReporter(.sqlite) { shared, reporter, sender, memory in
      try await append(["one"], to: shared)
      sender.fail([away, away])
      let running = Task { await reporter.run() }
      while sender.messages.isEmpty {
        await time.waitForSleepers()
        time.advance(by: .seconds(1))
      }
      running.cancel()
      await running.value
      #expect(sender.attempts == 3)
      #expect(memory.records.map(\.level) == [.warning])
    }
  }
}

struct DiscordWebhookTests {
  @Test(arguments: [
    ("https://discord.com/api/webhooks/123/abc-DEF_1.2", "https://discord.com/api/v10"),
    ("https://discord.com/api/v9/webhooks/123/abc", "https://discord.com/api/v9"),
    ("HTTPS://canary.discord.com/api/webhooks/123/abc", "HTTPS://canary.discord.com/api/v10"),
    ("http://127.0.0.1:3080/api/v10/webhooks/123/abc", "http://127.0.0.1:3080/api/v10"),
    ("http://localhost:3080/api/webhooks/123/abc", "http://localhost:3080/api/v10"),
    ("http://[::1]:3080/api/webhooks/123/abc", "http://[::1]:3080/api/v10"),
  ])
  func anAddressIsTakenApart(text: String, base: String) throws {
    let webhook = try #require(DiscordWebhook(Secret(text)))
    #expect(webhook.apiBase == base)
    #expect(webhook.id == Snowflake(rawValue: 123))
    #expect(webhook.token.reveal().hasPrefix("abc"))
    #expect(!"\(webhook)".contains("abc"))
  }

  @Test(arguments: [
    "", "abc", "https://discord.com/api/webhooks/123", "https://discord.com/api/webhooks/abc/123",
    "https://discord.com/api/webhooks/123/abc/slack", "https://discord.com/api/webhooks/123/",
    "http://discord.com/api/webhooks/123/abc", "http://127.0.0.1.example.com@evil/api/webhooks/123/abc",
    "https://discord.com/api/webhooks/123/abc?wait=true", "ftp://localhost/webhooks/1/a", "https:///webhooks/1/a",
    "https://user@discord.com/api/webhooks/123/abc",
  ])
  func anythingElseIsNone(text: String) {
    #expect(DiscordWebhook(Secret(text)) == nil)
  }
}

/// Through real requests to a channel of the sandbox.
struct ReporterFlowTests {
  private static let channel = "900000000000000011"
  private static let bot = "Bot ODAwMDAwMDAwMDAwMDAwMDAy.flow.test"

  private struct Place {
    let client: HTTPClient
    let addresses: SandboxServer.Addresses
    let webhook: DiscordWebhook

    func ask(_ method: HTTPMethod, _ url: String, _ body: JSON? = nil) async throws -> JSON {
      let response = try await client.send(
        HTTPClientRequest(
          method, url, headers: ["Authorization": ReporterFlowTests.bot, "Content-Type": "application/json"],
          body: body.map { .bytes(Array($0.serialized().utf8)) } ?? .none))
      return response.body.isEmpty ? .null : try JSON(parsing: response.body)
    }

    /// What the reporters sent, as the sandbox received it.
    func bodies() async throws -> [JSON] {
      let requests = try await ask(.get, "\(addresses.playground)sandbox/requests?path=/webhooks")
      return (requests.array ?? requests["requests"]?.array ?? []).compactMap { $0["body"] }
    }
  }

  private func withSandbox(_ body: (Place) async throws -> Void) async throws {
    var options = SandboxOptions()
    options.listen = "127.0.0.1:0"
    let sandbox = try SandboxServer(options)
    let addresses = try await sandbox.start()
    let client = try HTTPClient(log: .silent, metrics: Metrics())
    let creating = try await client.send(
      HTTPClientRequest(
        .post, "\(addresses.apiBase)/channels/\(Self.channel)/webhooks",
        headers: ["Authorization": Self.bot, "Content-Type": "application/json"],
        body: .bytes(Array(#"{"name":"Reports"}"#.utf8))))
    let made = try JSON(parsing: creating.body)
    let url = try #require(made["url"]?.string)
    let outcome: Result<Void, any Error>
    do {
      try await body(
        Place(client: client, addresses: addresses, webhook: try #require(DiscordWebhook(Secret(url)))))
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    await client.shutdown()
    await sandbox.stop()
    try outcome.get()
  }

  @Test func theSandboxTakesBoth() async throws {
    try await withSandbox { place in
      let (time, memory) = (ManualTime(timestamp: Timestamp(seconds: 1_704_067_200)), MemoryLogSink())
      let transport = HTTPTransport(client: place.client)
      let reporter = ErrorReporter(
        webhook: place.webhook, secrets: [], userAgent: "DiscordBot (test, 1)", transport: transport,
        sink: memory, metrics: Metrics())
      reporter.observe(
        LogRecord(
          time: Timestamp(seconds: 1_704_067_200), level: .error, label: "storage", message: "Error description",
          fields: [("error", .error(DatabaseError(.unavailable, "gone")))]))
      let running = Task { await reporter.run() }
      // Cancelled before its first tick: the last words are sent by real time.
      running.cancel()
      await running.value

      try await withTestDatabase(.sqlite) { database in
        let shared = try await SharedState.open(database, time: time)
        shared.activity.configure(.init(tellsNews: true))
        try await shared.auditLog.append(
          AuditEntry(
            userID: UserID(123_456_789_012_345_678), guildID: nil, action: "ban_user", category: "admin_action"))
        let counting = Task { await shared.activity.run(log: .silent) }
        await time.waitForSleepers()
        counting.cancel()
        await counting.value
        let audit = AuditReporter(
          webhook: place.webhook, shared: shared, userAgent: "DiscordBot (test, 1)", transport: transport,
          time: SystemTime(), sink: memory, metrics: Metrics())
        #expect(try await audit.send())
      }

      let bodies = try await place.bodies()
      #expect(
        bodies == [
          [
            "embeds": [
              [
                "title": "Critical Error", "description": "Error description", "color": 16_711_680,
                "fields": [
                  ["name": "Error Type", "value": "DatabaseError", "inline": true],
                  [
                    "name": "Stack Trace", "value": "storage: Error description\nerror = database: gone",
                    "inline": false,
                  ],
                ], "timestamp": "2024-01-01T00:00:00.000Z",
              ]
            ]
          ],
          [
            "embeds": [
              [
                "title": "Audit Log Entry", "color": 39_423,
                "fields": [
                  ["name": "Action", "value": "ban_user", "inline": true],
                  ["name": "User ID", "value": "123456789012345678", "inline": true],
                ], "timestamp": "2024-01-01T00:00:00.000Z",
              ]
            ]
          ],
        ])
      let shown = try await place.ask(.get, "\(place.addresses.apiBase)/channels/\(Self.channel)/messages")
      #expect(shown.array?.compactMap { $0["embeds"]?[0]?["title"]?.string } == ["Audit Log Entry", "Critical Error"])
    }
  }
}
