import Platform

/// What is known of one of Discord's limits, and what of it is used up. Pure: the caller brings the time.
///
/// Discord has two kinds and does not say which is which. A *fixed* one is whole again when its window ends; a *sliding*
/// one gets its requests back one by one, and `Reset-After` says when the last of them is back. At the told time both
/// are whole, so waiting for it is always right. Where two answers prove that a bucket slides, its requests are used as
/// they come back instead.
struct RESTBucket: Sendable {
  typealias Instant = ContinuousClock.Instant

  enum Room: Equatable, Sendable {
    case free
    case from(Instant)
    /// Only an answer to what is out can tell.
    case afterAnswer
  }

  private struct Window {
    /// When everything is back, as the latest answer told it; never too early, as answers take time to arrive.
    var resetAt: Instant
    /// The time that one request takes to come back, if the bucket slides.
    var refill: Duration?
    /// One earlier answer, to compare later ones with.
    var witness: Witness
  }

  /// Were the window fixed in which an answer was made, it would end between these two: no answer is older than its
  /// request, nor younger than its arrival.
  private struct Witness {
    var endsAfter: Instant
    var endsBefore: Instant
  }

  /// An answer's numbers are rounded to the millisecond.
  private static let rounding = Duration.milliseconds(10)

  var inFlight = 0
  var blockedUntil: Instant?
  var lastUsed: Instant
  /// Nil until an answer told.
  private(set) var limit: Int?
  private(set) var isSliding = false
  /// A refusal showed that sliding was a wrong conclusion.
  private var isProvenFixed = false
  private var remaining = 1
  /// Nil when the next request opens a new one.
  private var window: Window?

  init(lastUsed: Instant) { self.lastUsed = lastUsed }

  var isKnown: Bool { limit != nil }

  /// Whether it says nothing that a new bucket would not say.
  func isIdle(at now: Instant, after age: Duration) -> Bool {
    inFlight == 0 && blockedUntil.map { $0 <= now } ?? true && window.map { $0.resetAt <= now } ?? true
      && lastUsed.advanced(by: age) <= now
  }

  mutating func room(at now: Instant) -> Room {
    if let blocked = blockedUntil {
      if blocked > now { return .from(blocked) }
      blockedUntil = nil
    }
    guard let limit else { return inFlight == 0 ? .free : .afterAnswer }
    if let ended = window, ended.resetAt <= now {
      window = nil
      // What is still out may yet be counted in the new window.
      remaining = max(0, limit - inFlight)
    }
    guard let window else {
      if remaining > 0 { return .free }
      // All of the new window's room is out.
      guard inFlight == 0 else { return .afterAnswer }
      remaining = limit
      return .free
    }
    if let refill = window.refill {
      // `ceil((resetAt - t) / refill)` are used at the time t, and what is out may not be among them.
      let spare = limit - inFlight - 1
      guard spare >= 0 else { return .afterAnswer }
      let instant = window.resetAt.advanced(by: .zero - refill * spare)
      return instant <= now ? .free : .from(instant)
    }
    return remaining > 0 ? .free : .from(window.resetAt)
  }

  mutating func start(at now: Instant) {
    inFlight += 1
    remaining -= 1
    lastUsed = now
  }

  /// Nothing is known of a request's fate: its place is given back.
  mutating func forget() { remaining = min(remaining + 1, limit ?? 1) }

  /// No limit is told for this route: the next request asks again.
  mutating func learnNothing() {
    if limit == nil { remaining = 1 }
  }

  /// - Parameters:
  ///   - sentAt: when the request went out.
  ///   - isOwn: whether the request was counted here when it went out.
  mutating func learn(_ headers: RateLimitHeaders, sentAt: Instant, isOwn: Bool, now: Instant) {
    let resetAt = now.advanced(by: headers.resetAfter)
    let told = Witness(endsAfter: sentAt.advanced(by: headers.resetAfter), endsBefore: resetAt)
    lastUsed = now
    if limit != headers.limit {
      window = nil
      isSliding = false
    }
    limit = headers.limit
    guard var window, now < window.resetAt else {
      remaining = max(0, headers.remaining - inFlight)
      self.window = Window(resetAt: resetAt, refill: isSliding ? Self.refill(headers) : nil, witness: told)
      return
    }
    if now >= window.witness.endsAfter {
      window.witness = told
    } else if !isProvenFixed, told.endsAfter > window.witness.endsBefore.advanced(by: Self.rounding) {
      // The window of the earlier answer cannot have ended yet, and still its end has moved.
      isSliding = true
    }
    // Answers overtake each other: within a fixed window the lowest count is the true one.
    remaining = min(isOwn ? remaining : remaining - 1, headers.remaining)
    if resetAt >= window.resetAt {
      window.resetAt = resetAt
      window.refill = isSliding ? Self.refill(headers) : nil
    }
    self.window = window
  }

  /// Discord refused a request for this bucket's sake.
  mutating func block(until instant: Instant) {
    blockedUntil = max(blockedUntil ?? instant, instant)
    if isSliding {
      isSliding = false
      isProvenFixed = true
      window?.refill = nil
      remaining = 0
    }
  }

  /// Too short when a part of one request is back already, never too long.
  private static func refill(_ headers: RateLimitHeaders) -> Duration? {
    let used = headers.limit - headers.remaining
    return used > 0 && headers.resetAfter > .zero ? headers.resetAfter / used : nil
  }
}
