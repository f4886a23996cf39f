import Core
import HTTP
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// The documented limits, as a pure machine and as the service around it.
struct RateLimiterTests {
  private let start = Timestamp(milliseconds: 1_700_000_000_123)
  private let key = RateLimiter.Key(rateClass: .authentication, caller: "user:1")

  @Test func theNumbersAreTheDocuments() {
    let numbers = RateLimitClass.all.map { rateClass in
      "\(rateClass.name) "
        + rateClass.windows.map { "\($0.limit)/\($0.span.components.seconds)" }.joined(separator: " ")
    }
    #expect(
      numbers == [
        "authentication 5/60", "read 100/60", "write 20/60", "admin 10/60", "pegasus 30/60 1000/3600", "panel 100/60",
        "panel-key 1000/60", "aurora 300/60", "credentials 60/60",
      ])
  }

  @Test func theSixthLoginInAMinuteIsRefused() {
    var limiter = RateLimiter(capacity: 10)
    for remaining in (0..<5).reversed() {
      let verdict = limiter.take(key, at: start)
      #expect(verdict.isAllowed && verdict.remaining == remaining && verdict.limit == 5 && verdict.retryAfter == nil)
    }
    let refused = limiter.take(key, at: start + .seconds(20))
    #expect(!refused.isAllowed && refused.remaining == 0)
    // Slot of 250 ms: 1_700_000_000_000; it has left at …060_250.
    #expect(refused.resetAt == 1_700_000_061)
    #expect(refused.retryAfter == 41)
    #expect(limiter.take(RateLimiter.Key(rateClass: .authentication, caller: "user:2"), at: start).isAllowed)
    #expect(limiter.take(RateLimiter.Key(rateClass: .read, caller: "user:1"), at: start).isAllowed)
    #expect(!limiter.take(key, at: Timestamp(milliseconds: 1_700_000_060_249)).isAllowed)
    let free = limiter.take(key, at: Timestamp(milliseconds: 1_700_000_060_250))
    #expect(free.isAllowed && free.remaining == 4)
  }

  @Test func whoKeepsToRetryAfterGetsThrough() {
    for offset in stride(from: 0, to: 60_000, by: 777) as StrideTo<Int64> {
      var limiter = RateLimiter(capacity: 10)
      var now = start + .milliseconds(offset)
      for _ in 0..<5 {
        #expect(limiter.take(key, at: now).isAllowed)
        now = now + .milliseconds(offset / 10)
      }
      let refused = limiter.take(key, at: now)
      if refused.isAllowed { continue }
      #expect(limiter.take(key, at: now + .seconds(refused.retryAfter ?? 0)).isAllowed)
      var other = limiter
      #expect(other.take(key, at: Timestamp(seconds: refused.resetAt)).remaining >= 3)
    }
  }

  /// Against a list of all times: never more than the limit in any minute, and never refused when there is room even
  /// with a slot to spare.
  @Test func itIsASlidingWindow() {
    let random = SeededRandom(seed: 3)
    let limiterClass = RateLimitClass("t", [.init(7, per: .seconds(60))])
    let key = RateLimiter.Key(rateClass: limiterClass, caller: "x")
    for _ in 0..<50 {
      var limiter = RateLimiter(capacity: 10)
      var passed: [Int64] = []
      var now: Int64 = 1_700_000_000_000
      for _ in 0..<400 {
        now += Int64(random.integer(below: 12_000))
        let verdict = limiter.take(key, at: Timestamp(milliseconds: now))
        let inMinute = passed.count { now - $0 < 60_000 }
        let inMinuteAndSlot = passed.count { now - $0 <= 60_250 }
        if verdict.isAllowed {
          #expect(inMinute < 7)
          passed.append(now)
          #expect(verdict.remaining <= 6 - inMinute)
        } else {
          #expect(inMinuteAndSlot >= 7)
        }
      }
    }
  }

  @Test func twoWindowsHoldAtOnce() {
    let key = RateLimiter.Key(rateClass: .pegasus, caller: "192.0.2.1")
    var limiter = RateLimiter(capacity: 10)
    var now = start
    var passed = 0
    for _ in 0..<34 {
      for _ in 0..<31 where limiter.take(key, at: now).isAllowed { passed += 1 }
      now = now + .seconds(61)
    }
    #expect(passed == 1_000)
    let refused = limiter.take(key, at: now)
    #expect(!refused.isAllowed && refused.limit == 1_000 && refused.remaining == 0)
    #expect((refused.retryAfter ?? 0) > 1_000)
    #expect(limiter.take(key, at: start + .seconds(3_616)).isAllowed)
    let first = RateLimiter.Key(rateClass: .pegasus, caller: "192.0.2.2")
    #expect(limiter.take(first, at: now).limit == 30)
  }

  @Test func aClockThatIsSetBackBlocksNobodyForLong() {
    var limiter = RateLimiter(capacity: 10)
    for _ in 0..<5 { _ = limiter.take(key, at: start) }
    #expect(!limiter.take(key, at: start + .seconds(-10)).isAllowed)
    #expect(limiter.take(key, at: start + .seconds(-3_600)).isAllowed)
  }

  @Test func aFloodOfAddressesForgetsItself() {
    var limiter = RateLimiter(capacity: 100)
    for _ in 0..<6 { _ = limiter.take(key, at: start) }
    for number in 0..<10_000 {
      let stranger = RateLimiter.Key(rateClass: .read, caller: "\(number)")
      #expect(limiter.take(stranger, at: start).isAllowed)
      #expect(limiter.count <= 100)
    }
    #expect(!limiter.take(key, at: start).isAllowed)
    // What has left its window is forgotten first.
    for number in 0..<100 {
      _ = limiter.take(RateLimiter.Key(rateClass: .read, caller: "n\(number)"), at: start + .seconds(61))
    }
    #expect(limiter.count <= 100)
  }

  @Test func entriesStaySmall() {
    var window = SlidingWindow(.init(1_000, per: .seconds(60)))
    for millisecond in 0..<120_000 as Range<Int64> {
      window.advance(to: millisecond)
      if !window.isFull { window.record(1, at: millisecond) }
    }
    #expect(window.entries.count <= 241)
    #expect(window.used <= 1_000)
    #expect(window.entries.reduce(0) { $0 + $1.count } == window.used)
  }

  @Test func headersAreThoseOfTheDocuments() {
    let verdict = RateLimitVerdict(isAllowed: true, limit: 100, remaining: 95, resetAt: 1_640_995_200)
    #expect(
      verdict.headers == [
        "X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "95", "X-RateLimit-Reset": "1640995200",
      ])
    let refused = RateLimitVerdict(isAllowed: false, limit: 100, remaining: 0, resetAt: 1, retryAfter: 7)
    #expect(refused.headers["Retry-After"] == "7")
  }

  // MARK: The service

  private let caller = RateLimitCaller.subject(.user(UserID(1)))

  @Test func theSwitchAndTheExemptAreNotLimited() throws {
    let time = ManualTime()
    let off = try RateLimits(isOn: false, time: time)
    #expect(off.take(.authentication, for: caller, from: nil) == nil)
    let on = try RateLimits(isOn: true, exempt: [try #require(NetworkBlock("10.0.0.0/8"))], time: time)
    let (inside, outside) = (try #require(IPAddress("10.1.1.1")), try #require(IPAddress("11.1.1.1")))
    for _ in 0..<10 { #expect(on.take(.authentication, for: caller, from: inside) == nil) }
    for remaining in (0..<5).reversed() {
      #expect(on.take(.authentication, for: caller, from: outside)?.remaining == remaining)
    }
    #expect(on.take(.authentication, for: caller, from: nil)?.isAllowed == false)
  }

  @Test func theWorstAreReported() throws {
    let time = ManualTime()
    let limits = try RateLimits(isOn: true, time: time)
    let group = try #require(IPAddress("192.0.2.1")).site
    for _ in 0..<7 { _ = limits.take(.authentication, for: caller, from: nil) }
    for _ in 0..<9 { _ = limits.take(.authentication, for: .address(group), from: nil) }
    _ = limits.take(.read, for: .apiKey(APIKeyID(number: 3)), from: nil)
    #expect(
      limits.report()
        == .init(
          totalEntries: 3, blockedCount: 2,
          topOffenders: [
            .init(caller: "192.0.2.1", rateClass: "authentication", refused: 4),
            .init(caller: "user:1", rateClass: "authentication", refused: 2),
          ]))
    #expect(limits.report(top: 1).topOffenders.count == 1)
    time.advance(by: .seconds(61))
    #expect(limits.report() == .init(totalEntries: 0, blockedCount: 0, topOffenders: []))
  }

  @Test(arguments: TestEngine.available)
  func processesTellEachOther(engine: TestEngine) async throws {
    try await Rig.with(engine) { rig in
      let make = { try RateLimits(isOn: true, database: rig.database, time: rig.time) }
      let (one, two) = (try make(), try make())
      for _ in 0..<3 { #expect(one.take(.authentication, for: caller, from: nil)?.isAllowed == true) }
      #expect(two.take(.authentication, for: caller, from: nil)?.remaining == 4)
      for _ in 0..<3 {
        // Told and heard once, however often they exchange.
        try await one.exchange()
        try await two.exchange()
        rig.time.advance(by: .seconds(1))
      }
      try await one.exchange()
      guard engine == .postgreSQL else {
        // One file, one process that serves: nothing to share.
        #expect(two.take(.authentication, for: caller, from: nil)?.remaining == 3)
        #expect(try await rig.dump("rate_limit_shares").isEmpty)
        return
      }
      #expect(two.take(.authentication, for: caller, from: nil)?.remaining == 0)
      #expect(two.take(.authentication, for: caller, from: nil)?.isAllowed == false)
      #expect(one.take(.authentication, for: caller, from: nil)?.remaining == 0)
      // Another minute, another count; and the rows go.
      rig.time.advance(by: .seconds(62))
      try await one.exchange()
      try await two.exchange()
      #expect(one.take(.authentication, for: caller, from: nil)?.remaining == 4)
      rig.time.advance(by: .seconds(62))
      for limits in [one, two, one, two] { try await limits.exchange() }
      rig.time.advance(by: .seconds(62))
      for limits in [one, two] { try await limits.exchange() }
      #expect(try await rig.dump("rate_limit_shares").isEmpty)
    }
  }

  @Test func whatCannotBeToldIsToldLater() async throws {
    guard TestEngine.available.contains(.postgreSQL) else { return }
    try await Rig.with(.postgreSQL) { rig in
      let make = { try RateLimits(isOn: true, database: rig.database, time: rig.time) }
      let (one, two) = (try make(), try make())
      _ = one.take(.authentication, for: caller, from: nil)
      try await rig.database.write { try $0.execute("ALTER TABLE rate_limit_shares RENAME TO away") }
      await #expect(throws: DatabaseError.self) { try await one.exchange() }
      #expect(one.take(.authentication, for: caller, from: nil)?.remaining == 3)
      try await rig.database.write { try $0.execute("ALTER TABLE away RENAME TO rate_limit_shares") }
      try await one.exchange()
      try await two.exchange()
      #expect(two.take(.authentication, for: caller, from: nil)?.remaining == 2)
    }
  }
}
