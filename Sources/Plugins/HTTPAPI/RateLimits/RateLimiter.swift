import Platform

/// What a limited request is told, whether it may pass or not.
public struct RateLimitVerdict: Sendable, Equatable {
  public var isAllowed: Bool
  public var limit: Int
  public var remaining: Int
  /// When the whole limit is free again, if nothing more comes: seconds since 1970.
  public var resetAt: Int64
  /// For a refused request: seconds until the next can pass, at least 1.
  public var retryAfter: Int64?

  /// `X-RateLimit-*` on every answer, `Retry-After` on 429.
  public var headers: HTTPHeaders {
    var headers: HTTPHeaders = [
      "X-RateLimit-Limit": String(limit), "X-RateLimit-Remaining": String(remaining),
      "X-RateLimit-Reset": String(resetAt),
    ]
    if let retryAfter { headers["Retry-After"] = String(retryAfter) }
    return headers
  }
}

/// All limits of one process: a pure machine, told the time with each request.
struct RateLimiter: Sendable {
  struct Key: Hashable, Sendable {
    let rateClass: RateLimitClass
    let caller: String
  }

  fileprivate struct Entry: Sendable {
    var windows: [SlidingWindow]
    var refused = 0

    init(_ rateClass: RateLimitClass) { windows = rateClass.windows.map(SlidingWindow.init) }

    mutating func advance(to now: Int64) { for index in windows.indices { windows[index].advance(to: now) } }
    var isIdle: Bool { windows.allSatisfy { $0.used == 0 } }
    var isFull: Bool { windows.contains(where: \.isFull) }
    /// How near it is to a limit, 0 … 1.
    var load: Double { windows.map { Double($0.used) / Double($0.limit) }.max() ?? 0 }
  }

  let capacity: Int
  private var entries: [Key: Entry] = [:]

  /// - Parameter capacity: callers kept at once, about half a kilobyte each as a rule and never more than 4 per window.
  init(capacity: Int) { self.capacity = capacity }

  /// Counts a request if it may pass; refused ones cost nothing.
  mutating func take(_ key: Key, at time: Timestamp) -> RateLimitVerdict {
    let now = time.milliseconds
    if entries[key] == nil, entries.count >= capacity { makeRoom(at: now) }
    return entries[key, default: Entry(key.rateClass)].take(at: now)
  }

  /// The refusal of a request that would not pass, without counting one that would.
  mutating func refusal(of key: Key, at time: Timestamp) -> RateLimitVerdict? {
    entries[key]?.refuse(at: time.milliseconds)
  }

  /// Counts what other processes let pass.
  mutating func record(_ count: Int, for key: Key, at time: Int64) {
    if entries[key] == nil, entries.count >= capacity { makeRoom(at: time) }
    entries[key, default: Entry(key.rateClass)].record(count, at: time)
  }

  /// Forgets a quarter at least: first who is idle, then who is furthest from a limit. Whoever floods it with new
  /// addresses pushes out those addresses, not the ones that are being held back.
  private mutating func makeRoom(at now: Int64) {
    for key in entries.keys { entries[key]?.advance(to: now) }
    entries = entries.filter { !$0.value.isIdle }
    let room = capacity * 3 / 4
    guard entries.count > room else { return }
    let kept = entries.sorted { $0.value.load > $1.value.load }.prefix(room)
    entries = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
  }

  // MARK: - For the statistics

  var count: Int { entries.count }

  struct Offender: Sendable, Equatable {
    var rateClass: String
    var caller: String
    var refused: Int
  }

  /// Who is held back at this moment, and who was refused most often since they were last idle.
  mutating func report(at time: Timestamp, top: Int) -> (total: Int, blocked: Int, offenders: [Offender]) {
    for key in entries.keys { entries[key]?.advance(to: time.milliseconds) }
    entries = entries.filter { !$0.value.isIdle }
    let offenders = entries.filter { $0.value.refused > 0 }
      .sorted { ($1.value.refused, $0.key.caller) < ($0.value.refused, $1.key.caller) }
      .prefix(top)
      .map { Offender(rateClass: $0.key.rateClass.name, caller: $0.key.caller, refused: $0.value.refused) }
    return (entries.count, entries.values.count(where: \.isFull), offenders)
  }
}

extension RateLimiter.Entry {
  mutating func take(at now: Int64) -> RateLimitVerdict {
    advance(to: now)
    guard !isFull else {
      refused += 1
      return verdict(isAllowed: false, at: now)
    }
    record(1, at: now)
    return verdict(isAllowed: true, at: now)
  }

  mutating func refuse(at now: Int64) -> RateLimitVerdict? {
    advance(to: now)
    guard isFull else { return nil }
    refused += 1
    return verdict(isAllowed: false, at: now)
  }

  mutating func record(_ count: Int, at time: Int64) {
    for index in windows.indices { windows[index].record(count, at: time) }
  }

  /// Speaks of the window with the fewest places left.
  private func verdict(isAllowed: Bool, at now: Int64) -> RateLimitVerdict {
    let freeAt = windows.map { $0.freeAt(now: now) }.max() ?? now
    let tightest = windows.min { ($0.remaining, -$0.slotLength) < ($1.remaining, -$1.slotLength) } ?? windows[0]
    return RateLimitVerdict(
      isAllowed: isAllowed, limit: tightest.limit, remaining: tightest.remaining,
      resetAt: Self.seconds(tightest.resetAt(now: now)),
      retryAfter: isAllowed ? nil : max(1, Self.seconds(freeAt - now)))
  }

  /// Rounded up: who comes at that second is not too early.
  private static func seconds(_ milliseconds: Int64) -> Int64 { (milliseconds + 999) / 1_000 }
}
