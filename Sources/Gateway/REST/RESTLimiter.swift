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
    var major: String
  }

  /// A request waited until its deadline.
  struct DeadlineMissed: Error {}

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

  private struct Bucket {
    var waiting: [Ticket] = []
    var inFlight = 0
    /// Nil until an answer told.
    var limit: Int?
    var remaining = 1
    /// When the window ends; nil when the next request opens a new one.
    var resetAt: Instant?
    var blockedUntil: Instant?
    var lastUsed: Instant
  }

  private struct Request {
    let key: RouteKey
    let isInteraction: Bool
    /// When it is no longer worth sending.
    let deadline: Instant?
    /// Where it was counted when it went out.
    var bucket: BucketKey?
  }

  private var requests: [Ticket: Request] = [:]
  /// Those that wait and have a deadline.
  private var limited: Set<Ticket> = []
  private var buckets: [BucketKey: Bucket] = [:]
  /// Those with somebody waiting.
  private var active: Set<BucketKey> = []
  /// The bucket hash that answers named, by route.
  private var hashes: [String: String] = [:]
  /// Requests that hit a limit within a bucket that has room for others.
  private var delayed: [(ticket: Ticket, until: Instant)] = []
  private var globalStarts: [Instant] = []
  private var globalBlockedUntil: Instant?
  private var allBlockedUntil: Instant?
  private var invalidCount = 0
  private var invalidWindowEnd: Instant?
  private var nextSweep: Instant?

  public init() {}

  /// How many requests wait.
  var waitingCount: Int { active.reduce(delayed.count) { $0 + (buckets[$1]?.waiting.count ?? 0) } }
  var bucketCount: Int { buckets.count }

  /// How long a request of that route would wait at least.
  func minimumWait(_ key: RouteKey, isInteraction: Bool, now: Instant) -> Duration {
    var until = allBlockedUntil ?? now
    if !isInteraction, let globalBlockedUntil { until = max(until, globalBlockedUntil) }
    if let bucket = buckets[bucketKey(key)] {
      if let blocked = bucket.blockedUntil { until = max(until, blocked) }
      if bucket.limit != nil, bucket.remaining <= 0, let resetAt = bucket.resetAt { until = max(until, resetAt) }
    }
    return max(.zero, now.duration(to: until))
  }

  /// - Parameters:
  ///   - ticket: rises from request to request: waiting requests go out in this order.
  ///   - deadline: when it is given up if it still waits: see ``expire(at:)``.
  mutating func enqueue(
    _ ticket: Ticket, _ key: RouteKey, isInteraction: Bool, deadline: Instant? = nil, now: Instant
  ) {
    requests[ticket] = Request(key: key, isInteraction: isInteraction, deadline: deadline, bucket: nil)
    wait(ticket, now: now)
  }

  /// A request that waits is not wanted any more.
  mutating func withdraw(_ ticket: Ticket) {
    guard let request = requests[ticket], request.bucket == nil else { return }
    requests[ticket] = nil
    limited.remove(ticket)
    delayed.removeAll { $0.ticket == ticket }
    let key = bucketKey(request.key)
    buckets[key]?.waiting.removeAll { $0 == ticket }
    if buckets[key]?.waiting.isEmpty ?? true { active.remove(key) }
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
    let due = delayed.filter { $0.until <= now }.map(\.ticket)
    delayed.removeAll { $0.until <= now }
    for ticket in due { wait(ticket, now: now) }

    var next = delayed.map(\.until).min()
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
    for key in active.sorted(by: { buckets[$0]?.waiting.first ?? 0 < buckets[$1]?.waiting.first ?? 0 }) {
      guard var bucket = buckets[key] else { continue }
      while let ticket = bucket.waiting.first, let request = requests[ticket] {
        if let until = Self.unavailable(&bucket, at: now) {
          if let until { again(at: until) }
          break
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
        bucket.waiting.removeFirst()
        limited.remove(ticket)
        bucket.inFlight += 1
        bucket.remaining -= 1
        bucket.lastUsed = now
        requests[ticket]?.bucket = key
        started.append(ticket)
      }
      if bucket.waiting.isEmpty { active.remove(key) }
      buckets[key] = bucket
    }
    if let deadline = nextDeadline { again(at: deadline) }
    return (started, next)
  }

  private var nextDeadline: Instant? { limited.compactMap { requests[$0]?.deadline }.min() }

  /// A request that went out has come to an end.
  ///
  /// After a 429 it waits again under the same ticket, in front of all others; otherwise the ticket is done.
  mutating func complete(_ ticket: Ticket, _ outcome: Outcome, now: Instant) {
    guard let request = requests[ticket], let counted = request.bucket else { return }
    buckets[counted]?.inFlight -= 1
    buckets[counted]?.lastUsed = now
    switch outcome {
    case .noResponse:
      if var bucket = buckets[counted] {
        bucket.remaining = min(bucket.remaining + 1, bucket.limit ?? 1)
        buckets[counted] = bucket
      }
      requests[ticket] = nil
    case .response(let status, let headers):
      if status == 401 || status == 403 { countInvalid(now: now) }
      learn(headers, request.key, counted: counted, now: now)
      requests[ticket] = nil
    case .rateLimited(let scope, let retryAfter, let headers):
      if scope != .shared { countInvalid(now: now) }
      learn(headers, request.key, counted: counted, now: now)
      requests[ticket]?.bucket = nil
      let until = now.advanced(by: retryAfter)
      switch scope {
      case .edge: allBlockedUntil = max(allBlockedUntil ?? until, until)
      case .global: globalBlockedUntil = max(globalBlockedUntil ?? until, until)
      case .user where (headers?.remaining ?? 0) > 0:
        // A limit inside the bucket, on this operation alone (a channel's name, for example): others may pass.
        delayed.append((ticket, until))
        if request.deadline != nil { limited.insert(ticket) }
        return
      case .user, .shared:
        let key = bucketKey(request.key)
        var bucket = buckets[key] ?? Bucket(lastUsed: now)
        bucket.blockedUntil = max(bucket.blockedUntil ?? until, until)
        buckets[key] = bucket
      }
      wait(ticket, now: now)
    }
  }

  // MARK: Buckets

  private func bucketKey(_ key: RouteKey) -> BucketKey {
    hashes[key.route].map { .hash($0, major: key.major) } ?? .route(key)
  }

  private mutating func wait(_ ticket: Ticket, now: Instant) {
    guard let request = requests[ticket] else { return }
    let key = bucketKey(request.key)
    var bucket = buckets[key] ?? Bucket(lastUsed: now)
    // Almost always the end; a repeated request has an older ticket.
    let place = (bucket.waiting.lastIndex { $0 < ticket }).map { $0 + 1 } ?? 0
    bucket.waiting.insert(ticket, at: place)
    if request.deadline != nil { limited.insert(ticket) }
    buckets[key] = bucket
    active.insert(key)
  }

  /// - Returns: nil if the bucket has room; otherwise when to look again, which is nil if only an answer can tell.
  private static func unavailable(_ bucket: inout Bucket, at now: Instant) -> Instant?? {
    if let blocked = bucket.blockedUntil {
      if blocked > now { return blocked }
      bucket.blockedUntil = nil
    }
    guard let limit = bucket.limit else { return bucket.inFlight == 0 ? .none : .some(nil) }
    if let resetAt = bucket.resetAt, resetAt <= now {
      bucket.resetAt = nil
      // What is still out may yet be counted in the new window.
      bucket.remaining = max(0, limit - bucket.inFlight)
    }
    if bucket.remaining > 0 { return .none }
    if let resetAt = bucket.resetAt { return resetAt }
    // The window has ended, all of the new one's room is out.
    if bucket.inFlight == 0 {
      bucket.remaining = limit
      return .none
    }
    return .some(nil)
  }

  private mutating func learn(_ headers: RateLimitHeaders?, _ key: RouteKey, counted: BucketKey, now: Instant) {
    guard let headers else {
      // No limit is told for this route: the next request probes again.
      if buckets[counted]?.limit == nil { buckets[counted]?.remaining = 1 }
      return
    }
    let home = BucketKey.hash(headers.bucket, major: key.major)
    if hashes[key.route] != headers.bucket {
      hashes[key.route] = headers.bucket
      moveWaiting(of: key.route, now: now)
    }
    var bucket = buckets[home] ?? Bucket(lastUsed: now)
    let resetAt = now.advanced(by: headers.resetAfter)
    if bucket.limit == nil || bucket.resetAt == nil || home != counted {
      bucket.remaining = max(0, headers.remaining - bucket.inFlight)
      bucket.resetAt = resetAt
    } else if let known = bucket.resetAt {
      // Answers overtake each other: within a window the lowest count is the true one.
      bucket.remaining = min(bucket.remaining, headers.remaining)
      bucket.resetAt = max(known, resetAt)
    }
    bucket.limit = headers.limit
    bucket.lastUsed = now
    buckets[home] = bucket
  }

  /// Discord has told which bucket a route belongs to: whoever waits for the route now waits for that bucket.
  private mutating func moveWaiting(of route: String, now: Instant) {
    for key in active {
      guard let bucket = buckets[key] else { continue }
      let moving = bucket.waiting.filter { requests[$0]?.key.route == route }
      guard !moving.isEmpty, let request = moving.first.flatMap({ requests[$0] }), bucketKey(request.key) != key
      else { continue }
      buckets[key]?.waiting.removeAll { moving.contains($0) }
      if buckets[key]?.waiting.isEmpty ?? true { active.remove(key) }
      for ticket in moving { wait(ticket, now: now) }
    }
  }

  /// Forgets buckets that say nothing any more: nobody waits, nothing is out, the window has ended.
  private mutating func sweep(at now: Instant) {
    if let nextSweep, nextSweep > now { return }
    nextSweep = now.advanced(by: Self.sweepInterval)
    buckets = buckets.filter { _, bucket in
      !bucket.waiting.isEmpty || bucket.inFlight > 0 || bucket.blockedUntil.map { $0 > now } ?? false
        || bucket.resetAt.map { $0 > now } ?? false || bucket.lastUsed.advanced(by: Self.sweepInterval) > now
    }
  }

  private mutating func countInvalid(now: Instant) {
    if invalidWindowEnd.map({ $0 <= now }) ?? true {
      invalidWindowEnd = now.advanced(by: Self.invalidWindow)
      invalidCount = 0
    }
    invalidCount += 1
    if invalidCount >= Self.invalidLimit, let end = invalidWindowEnd {
      allBlockedUntil = max(allBlockedUntil ?? end, end)
    }
  }
}
