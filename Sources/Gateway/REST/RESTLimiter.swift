import Platform

/// Decides which request may go out when. Pure: the caller brings the time.
///
/// A bucket is Discord's hash of it and the major parameter of the request; before the first answer, the route and that
/// parameter. Of a bucket nothing is known about, one request is in flight to find out; of any other as many as
/// remain in its window, counted down here without waiting for answers.
/// See `developers/topics/rate-limits`.
public struct RESTLimiter: Sendable {
  public typealias Ticket = UInt64
  typealias Instant = ContinuousClock.Instant

  struct RouteKey: Hashable, Sendable {
    /// Method and path template.
    var route: String
    /// The channel, guild or webhook that has limits of its own; for another account than the bot also that account.
    var major: String
    /// What sets this call apart where Discord limits it within its bucket, for example the change of a channel's name.
    var part = ""
  }

  /// A request waited until its deadline.
  struct DeadlineMissed: Error {}

  /// What whoever runs the bot should know.
  enum Notice: Sendable, Equatable {
    /// So many requests were invalid that all wait, lest the address be banned.
    case invalidRequestsHold(count: Int, wait: Duration)
  }

  enum Outcome: Sendable {
    case response(status: Int, RateLimitHeaders?)
    case rateLimited(RateLimitScope, retryAfter: Duration, RateLimitHeaders?)
    /// Nothing is known of the request's fate: its slot is given back.
    case noResponse
  }

  static let globalLimit = 50
  static let globalWindow = Duration.seconds(1)
  /// Discord's edge bans an address for 10,000 invalid requests in ten minutes; half of that is reason to stop.
  static let invalidLimit = 5_000
  static let invalidWindow = Duration.seconds(600)
  private static let sweepInterval = Duration.seconds(60)

  private enum BucketKey: Hashable {
    case route(RouteKey)
    case hash(String, major: String)
  }

  private struct Line {
    var bucket: RESTBucket
    var waiting: [Ticket] = []
  }

  /// Calls that Discord limits within a bucket that has room for others: one at a time after the wait.
  private struct SideLine {
    /// Nil while one of them is tried.
    var until: Instant?
    var tried: Ticket?
    var waiting: [Ticket] = []
  }

  private struct Request {
    let key: RouteKey
    let isInteraction: Bool
    let enqueuedAt: Instant
    /// When it is no longer worth sending.
    let deadline: Instant?
    /// Where it was counted when it went out.
    var bucket: BucketKey?
    var sentAt: Instant?
  }

  private var requests: [Ticket: Request] = [:]
  /// Those that wait and have a deadline.
  private var limited: Set<Ticket> = []
  private var lines: [BucketKey: Line] = [:]
  /// Those with somebody waiting.
  private var active: Set<BucketKey> = []
  /// The bucket hash that answers named, by route. As many as the code has routes.
  private var hashes: [String: String] = [:]
  private var sideLines: [RouteKey: SideLine] = [:]
  private var globalStarts: [Instant] = []
  private var globalBlockedUntil: Instant?
  private var allBlockedUntil: Instant?
  private var invalidCount = 0
  private var invalidWindowEnd: Instant?
  private var nextSweep: Instant?

  public init() {}

  /// How many requests wait.
  var waitingCount: Int {
    active.reduce(0) { $0 + (lines[$1]?.waiting.count ?? 0) } + sideLines.values.reduce(0) { $0 + $1.waiting.count }
  }
  var bucketCount: Int { lines.count }

  /// How long a request of that route would wait at least.
  func minimumWait(_ key: RouteKey, isInteraction: Bool, now: Instant) -> Duration {
    var until = allBlockedUntil ?? now
    if !isInteraction, let globalBlockedUntil { until = max(until, globalBlockedUntil) }
    if var bucket = lines[bucketKey(key)]?.bucket, case .from(let instant) = bucket.room(at: now) {
      until = max(until, instant)
    }
    if let side = sideLines[key]?.until { until = max(until, side) }
    return max(.zero, now.duration(to: until))
  }

  /// - Parameters:
  ///   - ticket: rises from request to request: waiting requests go out in this order.
  ///   - deadline: when it is given up if it still waits: see ``expire(at:)``.
  mutating func enqueue(
    _ ticket: Ticket, _ key: RouteKey, isInteraction: Bool, deadline: Instant? = nil, now: Instant
  ) {
    requests[ticket] = Request(key: key, isInteraction: isInteraction, enqueuedAt: now, deadline: deadline)
    if deadline != nil { limited.insert(ticket) }
    if sideLines[key] == nil { wait(ticket, now: now) } else { sideLines[key]?.waiting.append(ticket) }
  }

  /// A request that waits is not wanted any more.
  mutating func withdraw(_ ticket: Ticket) {
    guard let request = requests[ticket], request.bucket == nil else { return }
    requests[ticket] = nil
    limited.remove(ticket)
    let key = bucketKey(request.key)
    lines[key]?.waiting.removeAll { $0 == ticket }
    if lines[key]?.waiting.isEmpty ?? true { active.remove(key) }
    sideLines[request.key]?.waiting.removeAll { $0 == ticket }
    leaveSideLine(ticket, request.key, now: request.enqueuedAt)
  }

  /// Gives up the requests whose deadline has come while they waited; to be called after ``poll(at:)``.
  mutating func expire(at now: Instant) -> [Ticket] {
    let expired = limited.filter { ticket in requests[ticket]?.deadline.map { $0 <= now } ?? true }.sorted()
    for ticket in expired { withdraw(ticket) }
    return expired
  }

  /// The requests that go out now, and when to ask again if nothing happens before.
  mutating func poll(at now: Instant) -> (started: [Ticket], next: Instant?) {
    sweep(at: now)
    for (key, side) in sideLines {
      if let until = side.until, until <= now { tryNext(of: key, now: now) }
    }

    var next = sideLines.values.compactMap { $0.waiting.isEmpty ? nil : $0.until }.min()
    func again(at instant: Instant) { next = min(next ?? instant, instant) }

    if let blocked = allBlockedUntil {
      guard blocked <= now else {
        if !active.isEmpty { again(at: blocked) }
        if let deadline = nextDeadline { again(at: deadline) }
        return ([], next)
      }
      allBlockedUntil = nil
    }
    if let blocked = globalBlockedUntil, blocked <= now { globalBlockedUntil = nil }
    globalStarts.removeAll { $0.advanced(by: Self.globalWindow) <= now }

    var started: [Ticket] = []
    // Whoever has waited longest first, as the global limit may not let all of them pass.
    for key in active.sorted(by: { lines[$0]?.waiting.first ?? 0 < lines[$1]?.waiting.first ?? 0 }) {
      guard var line = lines[key] else { continue }
      sending: while let ticket = line.waiting.first, let request = requests[ticket] {
        switch line.bucket.room(at: now) {
        case .free: break
        case .from(let instant):
          again(at: instant)
          break sending
        case .afterAnswer: break sending
        }
        if !request.isInteraction {
          if let globalBlockedUntil {
            again(at: globalBlockedUntil)
            break
          }
          if globalStarts.count >= Self.globalLimit, let oldest = globalStarts.first {
            again(at: oldest.advanced(by: Self.globalWindow))
            break
          }
          globalStarts.append(now)
        }
        line.waiting.removeFirst()
        limited.remove(ticket)
        line.bucket.start(at: now)
        requests[ticket]?.bucket = key
        requests[ticket]?.sentAt = now
        started.append(ticket)
      }
      if line.waiting.isEmpty { active.remove(key) }
      lines[key] = line
    }
    if let deadline = nextDeadline { again(at: deadline) }
    return (started, next)
  }

  /// When to ask again after requests were given up, which may have made room for others at once.
  func nextInstant(at now: Instant) -> Instant? {
    active.isEmpty && sideLines.isEmpty ? nil : now
  }

  private var nextDeadline: Instant? { limited.compactMap { requests[$0]?.deadline }.min() }

  /// A request that went out has come to an end.
  ///
  /// After a 429 it waits again under the same ticket, in front of all others; otherwise the ticket is done.
  @discardableResult
  mutating func complete(_ ticket: Ticket, _ outcome: Outcome, now: Instant) -> Notice? {
    guard let request = requests[ticket], let counted = request.bucket else { return nil }
    lines[counted]?.bucket.inFlight -= 1
    lines[counted]?.bucket.lastUsed = now
    var notice: Notice?
    switch outcome {
    case .noResponse:
      lines[counted]?.bucket.forget()
      requests[ticket] = nil
      leaveSideLine(ticket, request.key, now: now)
    case .response(let status, let headers):
      if status == 401 || status == 403 { notice = countInvalid(now: now) }
      learn(headers, request, counted: counted, now: now)
      requests[ticket] = nil
      leaveSideLine(ticket, request.key, now: now)
    case .rateLimited(let scope, let retryAfter, let headers):
      if scope != .shared { notice = countInvalid(now: now) }
      learn(headers, request, counted: counted, now: now)
      requests[ticket]?.bucket = nil
      if request.deadline != nil { limited.insert(ticket) }
      let until = now.advanced(by: retryAfter)
      switch scope {
      case .edge: allBlockedUntil = max(allBlockedUntil ?? until, until)
      case .global: globalBlockedUntil = max(globalBlockedUntil ?? until, until)
      case .user where (headers?.remaining ?? 0) > 0:
        // A limit inside the bucket, on this operation alone (a channel's name, for example): others may pass.
        step(aside: ticket, request.key, until: until)
        return notice
      case .user, .shared:
        lines[bucketKey(request.key), default: Line(bucket: RESTBucket(lastUsed: now))].bucket.block(until: until)
      }
      wait(ticket, now: now)
    }
    return notice
  }

  // MARK: Limits within a bucket

  private mutating func step(aside ticket: Ticket, _ key: RouteKey, until: Instant) {
    var side = sideLines[key] ?? SideLine()
    side.until = max(side.until ?? until, until)
    if side.tried == ticket { side.tried = nil }
    // What waits for the same would be refused as well.
    let home = bucketKey(key)
    let alike = lines[home]?.waiting.filter { requests[$0]?.key == key && $0 != side.tried } ?? []
    lines[home]?.waiting.removeAll(where: alike.contains)
    if lines[home]?.waiting.isEmpty ?? true { active.remove(home) }
    side.waiting = ([ticket] + side.waiting + alike).sorted()
    sideLines[key] = side
  }

  private mutating func tryNext(of key: RouteKey, now: Instant) {
    guard var side = sideLines[key] else { return }
    guard let first = side.waiting.first else {
      sideLines[key] = nil
      return
    }
    side.until = nil
    if side.tried == nil {
      side.waiting.removeFirst()
      side.tried = first
      wait(first, now: now)
    }
    sideLines[key] = side
  }

  /// The request is done; if it was the one tried, the next of its side line is.
  private mutating func leaveSideLine(_ ticket: Ticket, _ key: RouteKey, now: Instant) {
    guard let side = sideLines[key], side.tried == ticket else { return }
    sideLines[key]?.tried = nil
    if side.until == nil { tryNext(of: key, now: now) }
  }

  // MARK: Buckets

  private func bucketKey(_ key: RouteKey) -> BucketKey {
    hashes[key.route].map { .hash($0, major: key.major) }
      ?? .route(RouteKey(route: key.route, major: key.major))
  }

  private mutating func wait(_ ticket: Ticket, now: Instant) {
    guard let request = requests[ticket] else { return }
    let key = bucketKey(request.key)
    var line = lines[key] ?? Line(bucket: RESTBucket(lastUsed: now))
    // Almost always the end; a repeated request has an older ticket.
    let place = (line.waiting.lastIndex { $0 < ticket }).map { $0 + 1 } ?? 0
    line.waiting.insert(ticket, at: place)
    lines[key] = line
    active.insert(key)
  }

  private mutating func learn(_ headers: RateLimitHeaders?, _ request: Request, counted: BucketKey, now: Instant) {
    guard let headers else {
      lines[counted]?.bucket.learnNothing()
      return
    }
    let home = BucketKey.hash(headers.bucket, major: request.key.major)
    if hashes[request.key.route] != headers.bucket {
      hashes[request.key.route] = headers.bucket
      moveWaiting(of: request.key.route, now: now)
    }
    lines[home, default: Line(bucket: RESTBucket(lastUsed: now))].bucket
      .learn(headers, sentAt: request.sentAt ?? now, isOwn: home == counted, now: now)
  }

  /// Discord has told which bucket a route belongs to: whoever waits for the route now waits for that bucket.
  private mutating func moveWaiting(of route: String, now: Instant) {
    for key in active {
      guard let line = lines[key] else { continue }
      let moving = line.waiting.filter { requests[$0]?.key.route == route }
      guard !moving.isEmpty, let request = moving.first.flatMap({ requests[$0] }), bucketKey(request.key) != key
      else { continue }
      lines[key]?.waiting.removeAll { moving.contains($0) }
      if lines[key]?.waiting.isEmpty ?? true { active.remove(key) }
      for ticket in moving { wait(ticket, now: now) }
    }
  }

  /// Forgets buckets that say nothing any more: nobody waits, nothing is out, the window has ended.
  private mutating func sweep(at now: Instant) {
    if let nextSweep, nextSweep > now { return }
    nextSweep = now.advanced(by: Self.sweepInterval)
    lines = lines.filter { _, line in
      !line.waiting.isEmpty || !line.bucket.isIdle(at: now, after: Self.sweepInterval)
    }
  }

  private mutating func countInvalid(now: Instant) -> Notice? {
    if invalidWindowEnd.map({ $0 <= now }) ?? true {
      invalidWindowEnd = now.advanced(by: Self.invalidWindow)
      invalidCount = 0
    }
    invalidCount += 1
    guard invalidCount >= Self.invalidLimit, let end = invalidWindowEnd else { return nil }
    allBlockedUntil = max(allBlockedUntil ?? end, end)
    // Answers to what was out already do not need saying.
    return invalidCount == Self.invalidLimit
      ? .invalidRequestsHold(count: invalidCount, wait: now.duration(to: end)) : nil
  }
}
