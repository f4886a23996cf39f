import Core
import Dispatch
import Glibc
import HTTP
import HTTPTestSupport
import Platform
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import HTTPAPI

/// Webhooks over one database, with a receiver on a loopback port. Time stands still until a test moves it.
struct WebhookRig: Sendable {
  let shared: SharedState
  let webhooks: Webhooks
  let time: ManualTime
  let receiver: Receiver
  let directory: String
  let metrics: Metrics

  static let me = Subject.user(UserID(100_000_000_000_000_001))
  static let other = Subject.user(UserID(100_000_000_000_000_002))

  /// `thing.made` and `thing.seen` come of the domain event `thing.happened`; only `thing.seen` hides what is `private`
  /// from all but its subjects.
  static let catalog = WebhookCatalog([
    WebhookEvent(
      "thing.made", of: .killTrackerV1, summary: "", from: ["thing.happened"], isVisible: { _, _ in true },
      payload: { $0.data }),
    WebhookEvent(
      "thing.seen", of: .killTrackerReference, summary: "", from: ["thing.happened"],
      isVisible: { event, owner in
        event.data["private"] != true || event.subjects.contains { $0.rawValue == owner.description }
      },
      payload: { $0.data["n"].map { ["number": $0] } }),
    WebhookEvent(
      "thing.panel", of: .skyPanel, summary: "", from: ["thing.happened", "thing.other"], isVisible: { _, _ in true },
      payload: { event in
        if event.data["broken"] == true { throw SystemError(call: "mapper", code: 1) }
        return event.data
      }),
  ])

  static func with(
    _ engine: TestEngine = .sqlite, allowsPrivateAddresses: Bool = true, totalLimit: Duration = .seconds(60),
    _ body: (WebhookRig) async throws -> Void
  ) async throws {
    let receiver = Receiver()
    try await withServer(receiver.router()) { address, _ in
      receiver.base.withLock { $0 = "http://\(address)" }
      try await withTemporaryDirectory { directory in
        try await withTestDatabase(engine) { database in
          let rig = try await WebhookRig(
            database, directory: directory, receiver: receiver, allowsPrivateAddresses: allowsPrivateAddresses,
            totalLimit: totalLimit)
          let outcome: Result<Void, any Error>
          do { outcome = .success(try await body(rig)) } catch { outcome = .failure(error) }
          receiver.letGo()
          await rig.webhooks.shutdown()
          try outcome.get()
        }
      }
    }
  }

  init(
    _ database: Database, directory: String, receiver: Receiver, allowsPrivateAddresses: Bool = true,
    totalLimit: Duration = .seconds(60), time: ManualTime = ManualTime()
  ) async throws {
    self.time = time
    self.receiver = receiver
    self.directory = directory
    metrics = Metrics()
    shared = try await SharedState.open(database, modules: [WebhookTables.module], time: time)
    var settings = Webhooks.Settings(directory: directory, allowsPrivateAddresses: allowsPrivateAddresses)
    settings.totalLimit = totalLimit
    webhooks = try await Webhooks.open(settings, catalog: Self.catalog, shared: shared, metrics: metrics)
  }

  func url(_ path: String) -> String { receiver.base.withLock { $0 } + path }

  func create(
    _ path: String = "/ok", events: [String] = ["thing.seen"], owner: Subject = me, guild: GuildID? = nil,
    secret: String? = nil, headers: HTTPHeaders = [:], retry: WebhookRetry = .standard
  ) async throws -> Webhook {
    try await webhooks.create(
      WebhookRequest(
        name: "Mine", url: url(path), events: events, guildID: guild, secret: secret.map { Secret($0) },
        headers: headers, retry: retry), for: owner)
  }

  /// Something happens, once for each number.
  func happen(
    _ numbers: some Sequence<Int> & Sendable, guild: GuildID? = nil, data: JSON.Object = [:],
    subjects: [EventSubject] = [], name: String = "thing.happened"
  ) async throws {
    try await shared.database.write { [events = shared.events] transaction in
      for number in numbers {
        var data = data
        data["n"] = .integer(Int64(number))
        try events.append(.init(name, guild: guild, subjects: subjects, data: .object(data)), in: transaction)
      }
    }
  }

  /// Runs `body` while events are turned into deliveries and these are made.
  func running(_ body: () async throws -> Void) async throws {
    let runner = JobRunner(
      shared.jobs, time: time, random: SeededRandom(seed: 1), log: .silent, metrics: Metrics())
    await webhooks.register(on: runner)
    await runner.start()
    let tasks = [Task { await shared.events.run() }, Task { await webhooks.run() }]
    let outcome: Result<Void, any Error>
    do {
      // A new consumer begins with what comes after it.
      try await eventually("the consumer begins") {
        try await shared.database.read {
          try $0.query("SELECT name FROM domain_event_consumers WHERE lease IS NOT NULL") { _ in }
        }.count == 1
      }
      outcome = .success(try await body())
    } catch { outcome = .failure(error) }
    receiver.letGo()
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
    await runner.stop(limit: .seconds(30))
    try outcome.get()
  }

  /// The deliveries of a webhook, oldest first.
  func deliveries(_ webhook: Webhook) async throws -> [WebhookDelivery] {
    try await webhooks.deliveries(of: webhook.id, of: webhook.owner, limit: 100).reversed()
  }

  /// The same once they are as wanted. Time moves on meanwhile, if told.
  @discardableResult
  func deliveries(
    _ webhook: Webhook, _ what: Comment, step: Duration = .zero, sourceLocation: SourceLocation = #_sourceLocation,
    until condition: ([WebhookDelivery]) -> Bool
  ) async throws -> [WebhookDelivery] {
    var found: [WebhookDelivery] = []
    try await eventually(what, sourceLocation: sourceLocation) {
      found = try await deliveries(webhook)
      if condition(found) { return true }
      if step > .zero { time.advance(by: step) }
      return false
    }
    return found
  }
}

/// What receives deliveries: what it does is said by the path.
final class Receiver: Sendable {
  struct Arrival: Sendable {
    var path: String
    var headers: HTTPHeaders
    var body: String
    var json: JSON { (try? JSON(parsing: body)) ?? .null }
    var number: Int? { json["number"]?.integer.map { Int($0) } }
  }

  let base = Mutex("")
  private let seen = Mutex<[Arrival]>([])
  private let failing = Mutex(false)
  private let held = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

  var arrivals: [Arrival] { seen.withLock { $0 } }
  func numbers(at path: String) -> [Int] { arrivals.filter { $0.path == path }.compactMap(\.number) }

  /// `/moody` and `/moody2` answer 500 while this is set.
  func setFailing(_ value: Bool) { failing.withLock { $0 = value } }

  /// Ends all waiting at `/hang`, now and later.
  func letGo() {
    let waiting = held.withLock { held in
      held.isOpen = true
      defer { held.waiting = [] }
      return held.waiting
    }
    for waiter in waiting { waiter.resume() }
  }

  func router() -> Router {
    var router = Router()
    func on(_ path: PathPattern, _ answer: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse) {
      router.on(.post, path) { [self] request in
        let body = String(decoding: try await request.bytes(), as: UTF8.self)
        seen.withLock { $0.append(Arrival(path: request.path.raw, headers: request.headers, body: body)) }
        return try await answer(request)
      }
    }
    on("/ok") { _ in .text("thanks") }
    on("/also") { _ in .noContent }
    on("/fail") { _ in .text("no \0 way", status: .internalServerError) }
    on("/moody") { [self] _ in
      failing.withLock { $0 } ? .text("no", status: .internalServerError) : .text("yes")
    }
    on("/moody2") { [self] _ in
      failing.withLock { $0 } ? .text("no", status: .internalServerError) : .text("yes")
    }
    on("/redirect") { [self] _ in .redirect(to: base.withLock { $0 } + "/ok") }
    on("/large") { _ in .text(String(repeating: "ä", count: 100_000)) }
    on("/hang") { [self] _ in
      await withCheckedContinuation { continuation in
        let isOpen = held.withLock { held in
          if !held.isOpen { held.waiting.append(continuation) }
          return held.isOpen
        }
        if isOpen { continuation.resume() }
      }
      return .text("late")
    }
    on("/drip") { _ in
      HTTPResponse(
        body: .stream(length: nil) { writer in
          while true {
            try await writer.write(Array("x".utf8))
            try await Task.sleep(for: .milliseconds(20))
          }
        })
    }
    return router
  }
}

/// Takes connections and resets them.
final class ResettingServer: Sendable {
  let port: UInt16
  private let listener: Int32

  init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutableBytes(of: &address) { bytes in
      let pointer = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
      guard bind(descriptor, pointer, length) == 0, listen(descriptor, 8) == 0 else { return Int32(-1) }
      return getsockname(descriptor, pointer, &length)
    }
    guard descriptor >= 0, code == 0 else { throw SystemError(call: "listen", code: errno) }
    listener = descriptor
    port = UInt16(bigEndian: address.sin_port)
    DispatchQueue(label: "resetting").async {
      while case let connection = accept(descriptor, nil, nil), connection >= 0 {
        // Once the request is there, or its end would not be a reset.
        var buffer = [UInt8](repeating: 0, count: 4096)
        _ = read(connection, &buffer, buffer.count)
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(connection, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close(connection)
      }
      close(descriptor)
    }
  }

  func stop() { shutdown(listener, Int32(SHUT_RDWR)) }
}

/// Returns once the condition holds; fails after a minute.
func eventually(
  _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + .seconds(60)
  while try await !condition() {
    try #require(ContinuousClock.now < deadline, what, sourceLocation: sourceLocation)
    try await Task.sleep(for: .milliseconds(5))
  }
}
