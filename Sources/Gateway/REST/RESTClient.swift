import Platform
import Synchronization

/// Discord's REST API: sends within the rate limits, repeats what is safe to repeat, turns errors into ``DiscordError``.
public actor RESTClient {
  public struct Configuration: Sendable {
    /// Without a slash at the end.
    public var baseURL: String
    public var token: Secret<String>
    /// Discord asks for `DiscordBot (url, version)`.
    public var userAgent: String
    /// A call that would wait longer for a rate limit fails with ``DiscordError/rateLimited(route:retryAfter:)``.
    public var maximumWait: Duration = .seconds(300)
    /// More calls than this do not wait.
    public var maximumWaiting = 10_000
    /// How often a call that got no good answer is sent again.
    public var maximumRetries = 3
    public var maximumRateLimitRetries = 8

    public init(
      baseURL: String = "https://discord.com/api/v10", token: Secret<String>,
      userAgent: String = "DiscordBot (https://discord.com, 1.0)"
    ) {
      self.baseURL = baseURL
      self.token = token
      self.userAgent = userAgent
    }
  }

  /// A request as it goes out, for tests that hold every one of them against Discord's OpenAPI document.
  public struct RequestRecord: Sendable {
    public let method: HTTPMethod
    /// The path with `{}` for every value.
    public let template: String
    public let path: String
    public let query: [(name: String, value: String)]
    /// The JSON body, also of a multipart request.
    public let json: [UInt8]?
  }

  private let configuration: Configuration
  private let transport: any RESTTransport
  let time: any TimeSource
  private let random: any RandomSource
  private let log: Log
  private let metrics: RESTMetrics
  private let onRequest: (@Sendable (RequestRecord) -> Void)?

  private var limiter = RESTLimiter()
  private var lastTicket: RESTLimiter.Ticket = 0
  private var waiters: [RESTLimiter.Ticket: CheckedContinuation<Void, any Error>] = [:] {
    didSet { metrics.waiting.set(Double(waiters.count)) }
  }
  private var alarm: (instant: ContinuousClock.Instant, task: Task<Void, Never>)?
  private var isUnauthorized = false

  private let latency = Mutex<Duration?>(nil)

  public init(
    configuration: Configuration, transport: any RESTTransport, time: any TimeSource = SystemTime(),
    random: any RandomSource = SystemRandom(), log: Log, metrics: Metrics,
    onRequest: (@Sendable (RequestRecord) -> Void)? = nil
  ) {
    self.configuration = configuration
    self.transport = transport
    self.time = time
    self.random = random
    self.log = log.labelled("rest")
    self.onRequest = onRequest
    self.metrics = RESTMetrics(metrics)
  }

  deinit { alarm?.task.cancel() }

  /// How long the last request took, without the wait for its turn; nil before the first.
  public nonisolated var lastLatency: Duration? { latency.withLock { $0 } }

  /// Sends a call and reads its answer.
  /// - Throws: ``DiscordError``; `CancellationError` if the task was cancelled while the call waited for its turn.
  public nonisolated func send<Value: JSONDecodable>(_ route: Route, as type: Value.Type = Value.self) async throws
    -> Value
  {
    try Self.read(try await perform(route), of: route) { try Value(json: $0) }
  }

  public nonisolated func sendList<Value: JSONDecodable>(_ route: Route, of type: Value.Type = Value.self) async throws
    -> [Value]
  {
    try Self.read(try await perform(route), of: route) { try $0.decodeElements() }
  }

  /// Sends a call whose answer does not matter.
  public nonisolated func send(_ route: Route) async throws { _ = try await perform(route) }

  static func read<Value>(_ body: [UInt8], of route: Route, _ read: (JSONView) throws -> Value) throws -> Value {
    do {
      return try JSONParser().parse(body, read)
    } catch {
      throw DiscordError.unreadable(route: route.limitKey.route, reason: "\(error)")
    }
  }

  /// A string of digits that no other call uses, for ``MessageBody/nonce``.
  nonisolated func makeNonce() -> String { String(random.next()) }

  // MARK: One call

  func perform(_ route: Route) async throws -> [UInt8] {
    let key = route.limitKey
    let request = try makeRequest(route)
    let deadline = route.maximumWait.map { time.now.advanced(by: $0) }
    var failures = 0
    var refusals = 0
    /// An earlier attempt may have done what was asked though no good answer came.
    var mayBeDone = false
    var ticket = try await takeTurn(key, route, deadline)
    while true {
      record(route)
      let start = time.now
      let result: Result<RESTResponse, any Error>
      do {
        result = .success(try await transport.send(request))
      } catch {
        result = .failure(error)
      }
      switch result {
      case .failure(let error):
        finish(ticket, .noResponse)
        metrics.unanswered(key.route)
        if error is CancellationError || Task.isCancelled { throw CancellationError() }
        let failure = error as? RESTTransportError
        let mayHaveArrived = failure?.requestMayHaveBeenSent ?? true
        guard !mayHaveArrived || route.isRepeatable, failure?.isUploadFailure != true,
          failures < configuration.maximumRetries
        else {
          throw DiscordError.network(route: key.route, reason: "\(error)", requestMayHaveBeenSent: mayHaveArrived)
        }
        try route.requireBodyAgain(after: "\(error)")
        mayBeDone = mayBeDone || mayHaveArrived
        log.debug("no response", ["route": .string(key.route), "error": .error(error)])
      case .success(let response):
        let took = start.duration(to: time.now)
        latency.withLock { $0 = took }
        metrics.answered(key.route, response.status, after: took)
        if response.status == 429 {
          let (scope, retryAfter) = Self.rateLimit(response)
          metrics.refused(scope)
          log.info(
            "rate limited",
            ["route": .string(key.route), "scope": "\(scope)", "retryAfter": .milliseconds(retryAfter)])
          tell(
            limiter.complete(
              ticket, .rateLimited(scope, retryAfter: retryAfter, RateLimitHeaders(response.headers)), now: time.now))
          refusals += 1
          let patience = deadline.map { time.now.duration(to: $0) } ?? configuration.maximumWait
          guard refusals <= configuration.maximumRateLimitRetries, retryAfter <= patience else {
            limiter.withdraw(ticket)
            pump()
            throw DiscordError.rateLimited(route: key.route, retryAfter: retryAfter)
          }
          do { try route.requireBodyAgain(after: "429, retry after \(retryAfter.inSeconds) s") } catch {
            limiter.withdraw(ticket)
            pump()
            throw error
          }
          try await waitForStart(ticket, route)
          continue
        }
        finish(ticket, .response(status: response.status, RateLimitHeaders(response.headers)))
        if (200..<300).contains(response.status) { return response.body }
        if mayBeDone, route.method == .delete, response.status == 404 { return [] }
        if response.status == 401, case .bot = route.authentication {
          stopForGood()
          throw DiscordError.unauthorized
        }
        let isTransient = [500, 502, 503, 504].contains(response.status) || (520...529).contains(response.status)
        guard isTransient, route.isRepeatable, failures < configuration.maximumRetries else {
          throw DiscordError.refused(
            DiscordError.Refusal(route: key.route, status: response.status, body: response.body))
        }
        try route.requireBodyAgain(after: "HTTP status \(response.status)")
        mayBeDone = true
        log.debug("server error", ["route": .string(key.route), "status": .integer(Int64(response.status))])
      }
      failures += 1
      let backoff = Backoff(first: .milliseconds(500), limit: .seconds(10))
      try await time.sleep(for: backoff.delay(failures: failures, random: random))
      ticket = try await takeTurn(key, route, deadline)
    }
  }

  private func record(_ route: Route) {
    guard let onRequest else { return }
    let json: [UInt8]? =
      switch route.body {
      case .none, .form: nil
      case .json(let bytes), .multipart(let bytes, _): bytes
      }
    onRequest(
      RequestRecord(
        method: route.method, template: route.path.template, path: route.path.text, query: route.query, json: json))
  }

  private static func rateLimit(_ response: RESTResponse) -> (RateLimitScope, retryAfter: Duration) {
    let json = try? JSON(parsing: response.body)
    // "Discord moment": of the two the larger one is right.
    let fromBody = json?["retry_after"]?.double.map { Duration.seconds(min(max($0, 0), 86_400)) }
    let fromHeader = response.headers["Retry-After"].flatMap(RateLimitHeaders.seconds)
    let retryAfter = [fromBody, fromHeader].compactMap { $0 }.max() ?? .seconds(5)
    // What stands in front of Discord answers in HTML, and without having passed the request on.
    guard json?.object != nil, response.headers["Via"] != nil else { return (.edge, max(retryAfter, .seconds(60))) }
    let scope: RateLimitScope =
      if json?["global"]?.bool == true || response.headers["X-RateLimit-Global"] != nil {
        .global
      } else {
        switch response.headers["X-RateLimit-Scope"] {
        case "global": .global
        case "shared": .shared
        default: .user
        }
      }
    return (scope, retryAfter)
  }

  // MARK: Turns

  private func takeTurn(
    _ key: RESTLimiter.RouteKey, _ route: Route, _ deadline: ContinuousClock.Instant?
  ) async throws -> RESTLimiter.Ticket {
    if isUnauthorized, case .bot = route.authentication { throw DiscordError.unauthorized }
    guard waiters.count < configuration.maximumWaiting else { throw DiscordError.overloaded(waiting: waiters.count) }
    let wait = limiter.minimumWait(key, isInteraction: route.isInteraction, now: time.now)
    let patience = deadline.map { max(.zero, time.now.duration(to: $0)) } ?? configuration.maximumWait
    guard wait <= patience else {
      throw DiscordError.rateLimited(route: key.route, retryAfter: wait)
    }
    lastTicket += 1
    let ticket = lastTicket
    limiter.enqueue(ticket, key, isInteraction: route.isInteraction, deadline: deadline, now: time.now)
    let start = time.now
    try await waitForStart(ticket, route)
    metrics.waited(key.route, start.duration(to: time.now))
    return ticket
  }

  private func waitForStart(_ ticket: RESTLimiter.Ticket, _ route: Route) async throws {
    do {
      try await waitForStart(ticket)
    } catch is RESTLimiter.DeadlineMissed {
      let key = route.limitKey
      let wait = limiter.minimumWait(key, isInteraction: route.isInteraction, now: time.now)
      throw DiscordError.rateLimited(route: key.route, retryAfter: wait)
    }
  }

  private func waitForStart(_ ticket: RESTLimiter.Ticket) async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        if Task.isCancelled {
          limiter.withdraw(ticket)
          continuation.resume(throwing: CancellationError())
          pump()
        } else {
          waiters[ticket] = continuation
          pump()
        }
      }
    } onCancel: {
      Task { await self.cancel(ticket) }
    }
  }

  private func cancel(_ ticket: RESTLimiter.Ticket) {
    guard let waiter = waiters.removeValue(forKey: ticket) else { return }
    limiter.withdraw(ticket)
    waiter.resume(throwing: CancellationError())
    pump()
  }

  private func finish(_ ticket: RESTLimiter.Ticket, _ outcome: RESTLimiter.Outcome) {
    tell(limiter.complete(ticket, outcome, now: time.now))
    pump()
  }

  private func tell(_ notice: RESTLimiter.Notice?) {
    guard case .invalidRequestsHold(let count, let wait) = notice else { return }
    log.error(
      "too many of the requests were refused; nothing is sent for a while, lest Discord bans the address",
      ["refused": .integer(Int64(count)), "waitMs": .milliseconds(wait)])
  }

  private func stopForGood() {
    isUnauthorized = true
    log.error("Discord refused the bot's token; no further request is sent")
    let waiting = waiters
    waiters = [:]
    for (ticket, waiter) in waiting {
      limiter.withdraw(ticket)
      waiter.resume(throwing: DiscordError.unauthorized)
    }
  }

  /// Starts whatever may start and sets the alarm for the next time something may.
  private func pump() {
    var (started, next) = limiter.poll(at: time.now)
    for ticket in started {
      if let waiter = waiters.removeValue(forKey: ticket) {
        waiter.resume()
      } else {
        // Nobody waits for it any more: it never goes out.
        limiter.complete(ticket, .noResponse, now: time.now)
      }
    }
    // After the poll: what may go out in its last moment does.
    let expired = limiter.expire(at: time.now)
    if !expired.isEmpty {
      for ticket in expired { giveUp(ticket) }
      // Whoever waited behind them may have come to the front.
      next = limiter.nextInstant(at: time.now)
    }
    guard let next else { return }
    if let alarm, alarm.instant <= next { return }
    alarm?.task.cancel()
    let time = self.time
    alarm = (
      next,
      Task { [weak self] in
        do { try await time.sleep(until: next) } catch { return }
        await self?.ring(next)
      }
    )
  }

  /// The limiter has dropped a request that waited too long.
  private func giveUp(_ ticket: RESTLimiter.Ticket) {
    guard let waiter = waiters.removeValue(forKey: ticket) else { return }
    waiter.resume(throwing: RESTLimiter.DeadlineMissed())
  }

  private func ring(_ instant: ContinuousClock.Instant) {
    if alarm?.instant == instant { alarm = nil }
    pump()
  }

  // MARK: Requests

  private func makeRequest(_ route: Route) throws -> RESTRequest {
    var url = configuration.baseURL + route.path.text
    for (index, item) in route.query.enumerated() {
      url += (index == 0 ? "?" : "&") + item.name.percentEncoded + "=" + item.value.percentEncoded
    }
    var headers: HTTPHeaders = ["User-Agent": configuration.userAgent, "Accept": "application/json"]
    switch route.authentication {
    case .bot: headers["Authorization"] = "Bot \(configuration.token.reveal())"
    // What another token opens must not fail because of the bot's.
    case .none: break
    case .bearer(let token): headers["Authorization"] = "Bearer \(token.reveal())"
    case .client(let id, let secret):
      headers["Authorization"] = "Basic " + Base64.encode(Array("\(id):\(secret.reveal())".utf8))
    }
    if let reason = route.auditReason, !reason.isEmpty { headers["X-Audit-Log-Reason"] = reason.percentEncoded }
    var request = RESTRequest(method: route.method, url: url, headers: headers)
    switch route.body {
    case .none: break
    case .json(let bytes):
      request.headers["Content-Type"] = "application/json"
      request.body = bytes
    case .form(let fields):
      request.headers["Content-Type"] = "application/x-www-form-urlencoded"
      let text = fields.map { "\($0.name.percentEncoded)=\($0.value.percentEncoded)" }.joined(separator: "&")
      request.body = Array(text.utf8)
    case .multipart(let json, let files):
      let boundary = "adjutant-\(String(random.next(), radix: 16))\(String(random.next(), radix: 16))"
      request.headers["Content-Type"] = "multipart/form-data; boundary=\(boundary)"
      request.upload = MultipartBody(json: json, files: files, boundary: boundary).upload
    }
    return request
  }
}
