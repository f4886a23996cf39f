import Platform
import Testing

@testable import Gateway

/// How Discord might count; none of these is told to the limiter.
private protocol DiscordLimit {
  /// The headers of an answer made at that time, and whether the request was let through.
  mutating func take(at seconds: Double) -> (isAllowed: Bool, RateLimitHeaders)
}

/// Everything comes back at once when the window ends.
private struct FixedLimit: DiscordLimit {
  let limit: Int
  let window: Double
  var end = -1.0
  var used = 0
  mutating func take(at seconds: Double) -> (isAllowed: Bool, RateLimitHeaders) {
    if seconds >= end { (end, used) = (seconds + window, 0) }
    let isAllowed = used < limit
    if isAllowed { used += 1 }
    return (
      isAllowed,
      RateLimitHeaders(bucket: "b", limit: limit, remaining: limit - used, resetAfter: rounded(end - seconds))
    )
  }
}

/// One comes back after another; `resetAfter` is the time until all are back.
private struct SlidingLimit: DiscordLimit {
  let limit: Int
  let window: Double
  var full = 0.0
  mutating func take(at seconds: Double) -> (isAllowed: Bool, RateLimitHeaders) {
    let slide = window / Double(limit)
    let after = max(full, seconds) + slide
    let isAllowed = after - seconds <= window + 1e-9
    if isAllowed { full = after }
    let used = min(limit, Int(((full - seconds) / slide - 1e-9).rounded(.up)))
    return (
      isAllowed,
      RateLimitHeaders(bucket: "b", limit: limit, remaining: limit - used, resetAfter: rounded(full - seconds))
    )
  }
}

/// Discord tells milliseconds.
private func rounded(_ seconds: Double) -> Duration { .milliseconds(Int((seconds * 1_000).rounded(.up))) }

/// The limiter against one limit over a slow and uneven network, in time that nobody waits for.
private struct Simulation {
  var refused = 0
  var sent = 0
  var duration = 0.0
  var slid = false

  init(_ discord: some DiscordLimit, requests: Int, pause: Double, latency: Double, seed: UInt64) {
    var discord = discord
    let random = SeededRandom(seed: seed)
    func fraction() -> Double { Double(random.next() % 10_000) / 10_000 }
    let start = ContinuousClock.Instant.now
    var bucket = RESTBucket(lastUsed: start)
    /// What is under way: when it reaches Discord, then when its answer is back.
    var outward: [(at: Double, sent: Double)] = []
    var homeward: [(at: Double, sent: Double, isAllowed: Bool, headers: RateLimitHeaders)] = []
    var waiting = 0
    var produced = 0
    var nextRequest = 0.0
    var now = 0.0
    func instant(_ seconds: Double) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }
    while produced < requests || waiting > 0 || !outward.isEmpty || !homeward.isEmpty {
      var next = produced < requests ? nextRequest : .infinity
      next = min(next, outward.map(\.at).min() ?? .infinity, homeward.map(\.at).min() ?? .infinity)
      if waiting > 0, case .from(let room) = bucket.room(at: instant(now)) {
        next = min(next, start.duration(to: room).inSeconds + 1e-6)
      }
      guard next.isFinite else {
        Issue.record("the bucket is stuck")
        return
      }
      now = max(now, next)
      if produced < requests, nextRequest <= now {
        produced += 1
        waiting += 1
        nextRequest = now + pause * 2 * fraction()
      }
      for index in outward.indices.reversed() where outward[index].at <= now {
        let (at, sentAt) = outward.remove(at: index)
        let (isAllowed, headers) = discord.take(at: at)
        homeward.append((now + latency * (0.2 + fraction()), sentAt, isAllowed, headers))
      }
      for index in homeward.indices.reversed() where homeward[index].at <= now {
        let answer = homeward.remove(at: index)
        bucket.inFlight -= 1
        bucket.learn(answer.headers, sentAt: instant(answer.sent), isOwn: true, now: instant(now))
        guard !answer.isAllowed else { continue }
        refused += 1
        waiting += 1
        bucket.block(until: instant(now).advanced(by: answer.headers.resetAfter))
      }
      while waiting > 0, bucket.room(at: instant(now)) == .free {
        waiting -= 1
        sent += 1
        bucket.start(at: instant(now))
        outward.append((now + latency * (0.2 + fraction()), now))
      }
      slid = slid || bucket.isSliding
    }
    duration = now
  }
}

@Suite struct RESTBucketTests {
  @Test(arguments: [(5, 5.0), (1, 3.0), (10, 10.0), (50, 10.0), (5, 1.0)], [0.01, 0.4, 2.0])
  func noRequestIsRefusedByEitherKindOfLimit(limit: (count: Int, window: Double), pause: Double) async {
    for seed in UInt64(1)...12 {
      for latency in [0.005, 0.08, 0.4] {
        let fixed = Simulation(
          FixedLimit(limit: limit.count, window: limit.window), requests: 120, pause: pause, latency: latency,
          seed: seed)
        #expect(fixed.refused == 0, "fixed, \(limit), pause \(pause), latency \(latency), seed \(seed)")
        #expect(!fixed.slid, "fixed, \(limit), pause \(pause), latency \(latency), seed \(seed)")
        let sliding = Simulation(
          SlidingLimit(limit: limit.count, window: limit.window), requests: 120, pause: pause, latency: latency,
          seed: seed)
        #expect(sliding.refused == 0, "sliding, \(limit), pause \(pause), latency \(latency), seed \(seed)")
      }
      await Task.yield()
    }
  }

  @Test func aSlidingLimitIsUsedAsItComesBack() {
    let start = ContinuousClock.Instant.now
    func at(_ seconds: Double) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }
    func headers(_ remaining: Int, _ resetAfter: Double) -> RateLimitHeaders {
      RateLimitHeaders(bucket: "b", limit: 5, remaining: remaining, resetAfter: .seconds(resetAfter))
    }
    var bucket = RESTBucket(lastUsed: start)
    for (index, resetAfter) in [1.0, 1.98, 2.96, 3.94, 4.92].enumerated() {
      let sent = 0.02 * Double(index)
      #expect(bucket.room(at: at(sent)) == .free)
      bucket.start(at: at(sent))
      bucket.inFlight -= 1
      bucket.learn(headers(4 - index, resetAfter), sentAt: at(sent), isOwn: true, now: at(sent + 0.01))
    }
    #expect(bucket.isSliding)
    func room(_ seconds: Double) -> Double {
      switch bucket.room(at: at(seconds)) {
      case .free: 0
      case .from(let instant): (start.duration(to: instant).inSeconds * 1_000).rounded() / 1_000
      case .afterAnswer: .infinity
      }
    }
    // All is back at 5.01, a fifth of the time before that at each step.
    #expect(room(0.2) == 1.074)
    #expect(room(1.1) == 0)
    bucket.start(at: at(1.1))
    #expect(room(1.1) == 2.058)
    bucket.inFlight -= 1
    bucket.learn(headers(0, 4.9), sentAt: at(1.1), isOwn: true, now: at(1.2))
    #expect(room(1.3) == 2.18)
    // A refusal: it was not sliding after all.
    bucket.block(until: at(5.1))
    #expect(!bucket.isSliding)
    #expect(room(5) == 5.1)
    bucket.blockedUntil = nil
    #expect(room(5) == 6.1)
    #expect(room(6.11) == 0)
  }

  /// One window's answers told in the wrong order are no proof, nor are those of two windows.
  @Test func aFixedLimitIsNotTakenForSliding() {
    let start = ContinuousClock.Instant.now
    func at(_ seconds: Double) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }
    var bucket = RESTBucket(lastUsed: start)
    bucket.start(at: start)
    bucket.learn(
      RateLimitHeaders(bucket: "b", limit: 5, remaining: 3, resetAfter: .seconds(1)), sentAt: start, isOwn: true,
      now: at(0.5))
    // 1.2 s after the first answer's window was told to end after 1 to 1.5 s: it may have.
    bucket.learn(
      RateLimitHeaders(bucket: "b", limit: 5, remaining: 2, resetAfter: .seconds(5)), sentAt: at(0.6), isOwn: true,
      now: at(1.2))
    #expect(!bucket.isSliding)
    #expect(bucket.room(at: at(1.2)) == .free)
  }

  @Test func aChangedLimitBeginsAnew() {
    let start = ContinuousClock.Instant.now
    var bucket = RESTBucket(lastUsed: start)
    bucket.learn(
      RateLimitHeaders(bucket: "b", limit: 5, remaining: 0, resetAfter: .seconds(60)), sentAt: start, isOwn: true,
      now: start)
    #expect(bucket.room(at: start) != .free)
    bucket.learn(
      RateLimitHeaders(bucket: "b", limit: 9, remaining: 8, resetAfter: .seconds(60)), sentAt: start, isOwn: true,
      now: start)
    #expect(bucket.room(at: start) == .free)
  }
}
