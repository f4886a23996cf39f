import Platform
import Testing

@testable import Gateway

/// Holds the limiter by reference and moves its time.
private final class DrivenLimiter {
  private var limiter = RESTLimiter()
  private var last: RESTLimiter.Ticket = 0
  var now = ContinuousClock.Instant.now

  func enqueue(_ route: String, major: String = "1", part: String = "", interaction: Bool = false) -> RESTLimiter.Ticket
  {
    last += 1
    limiter.enqueue(
      last, RESTLimiter.RouteKey(route: route, major: major, part: part), isInteraction: interaction, now: now)
    return last
  }
  func enqueue(_ count: Int, _ route: String, major: String = "1", interaction: Bool = false) -> [RESTLimiter.Ticket] {
    (0..<count).map { _ in enqueue(route, major: major, interaction: interaction) }
  }
  func poll() -> [RESTLimiter.Ticket] { limiter.poll(at: now).started }
  func next() -> Duration? { limiter.poll(at: now).next.map { now.duration(to: $0) } }
  @discardableResult
  func complete(_ ticket: RESTLimiter.Ticket, _ outcome: RESTLimiter.Outcome) -> RESTLimiter.Notice? {
    limiter.complete(ticket, outcome, now: now)
  }
  /// A limit within the bucket `b`, which has room for others.
  func refusePart(_ ticket: RESTLimiter.Ticket, retryAfter: Duration) {
    complete(
      ticket,
      .rateLimited(
        .user, retryAfter: retryAfter,
        RateLimitHeaders(bucket: "b", limit: 9, remaining: 4, resetAfter: .seconds(2))))
  }
  func answer(
    _ ticket: RESTLimiter.Ticket, bucket: String = "b", limit: Int = 5, remaining: Int,
    resetAfter: Duration = .seconds(2)
  ) {
    complete(
      ticket,
      .response(
        status: 200, RateLimitHeaders(bucket: bucket, limit: limit, remaining: remaining, resetAfter: resetAfter)))
  }
  func enqueue(_ route: String, waitingAtMost limit: Duration) -> RESTLimiter.Ticket {
    last += 1
    limiter.enqueue(
      last, RESTLimiter.RouteKey(route: route, major: "1"), isInteraction: true, deadline: now.advanced(by: limit),
      now: now)
    return last
  }
  func expire() -> [RESTLimiter.Ticket] { limiter.expire(at: now) }
  func minimumWait(_ route: String) -> Duration {
    limiter.minimumWait(RESTLimiter.RouteKey(route: route, major: "1"), isInteraction: true, now: now)
  }
  func withdraw(_ ticket: RESTLimiter.Ticket) { limiter.withdraw(ticket) }
  func advance(_ duration: Duration) { now = now.advanced(by: duration) }
  var bucketCount: Int { limiter.bucketCount }
  var waitingCount: Int { limiter.waitingCount }
}

@Suite struct RESTLimiterTests {
  @Test func aRequestThatWaitsUntilItsDeadlineIsGivenUp() {
    let limiter = DrivenLimiter()
    let first = limiter.enqueue("POST /a")
    #expect(limiter.poll() == [first])
    limiter.answer(first, remaining: 0, resetAfter: .seconds(5))
    #expect(limiter.minimumWait("POST /a") == .seconds(5))
    let impatient = limiter.enqueue("POST /a", waitingAtMost: .seconds(3))
    let patient = limiter.enqueue("POST /a", waitingAtMost: .seconds(10))
    #expect(limiter.poll() == [])
    #expect(limiter.next() == .seconds(3))
    #expect(limiter.expire() == [])
    limiter.advance(.seconds(3))
    #expect(limiter.expire() == [impatient])
    #expect(limiter.waitingCount == 1)
    #expect(limiter.next() == .seconds(2))
    limiter.advance(.seconds(2))
    #expect(limiter.poll() == [patient])
    limiter.advance(.seconds(60))
    #expect(limiter.expire() == [], "a request that went out has no deadline any more")
    // After a 429 it waits again, and the deadline counts again.
    limiter.complete(patient, .rateLimited(.user, retryAfter: .seconds(1), nil))
    #expect(limiter.expire() == [patient])
    #expect(limiter.waitingCount == 0)
  }

  @Test func anUnknownBucketIsProbedByOneRequest() {
    let limiter = DrivenLimiter()
    let tickets = limiter.enqueue(4, "POST /a")
    #expect(limiter.poll() == [tickets[0]])
    #expect(limiter.poll() == [])
    limiter.answer(tickets[0], remaining: 2)
    // Two remain in the window: both go out without waiting for each other's answer.
    #expect(limiter.poll() == [tickets[1], tickets[2]])
    #expect(limiter.next() == .seconds(2))
    limiter.advance(.seconds(2))
    #expect(limiter.poll() == [tickets[3]])
  }

  @Test func theMajorParameterSeparatesBucketsOfOneHash() {
    let limiter = DrivenLimiter()
    let first = limiter.enqueue("POST /a", major: "1")
    let second = limiter.enqueue("POST /a", major: "2")
    #expect(limiter.poll() == [first, second])
    limiter.answer(first, remaining: 0, resetAfter: .seconds(60))
    let blocked = limiter.enqueue("POST /a", major: "1")
    limiter.answer(second, remaining: 3)
    let free = limiter.enqueue("POST /a", major: "2")
    #expect(limiter.poll() == [free])
    limiter.advance(.seconds(60))
    #expect(limiter.poll() == [blocked])
  }

  @Test func routesOfOneHashShareItsCount() {
    let limiter = DrivenLimiter()
    let first = limiter.enqueue("POST /a")
    let second = limiter.enqueue("PATCH /a")
    #expect(limiter.poll() == [first, second])
    limiter.answer(first, bucket: "same", remaining: 4)
    limiter.answer(second, bucket: "same", remaining: 1)
    _ = limiter.enqueue(3, "POST /a")
    #expect(limiter.poll().count == 1)
  }

  @Test func whoeverWaitsForARouteMovesToItsBucketOnceKnown() {
    let limiter = DrivenLimiter()
    let tickets = limiter.enqueue(3, "POST /a")
    #expect(limiter.poll() == [tickets[0]])
    limiter.answer(tickets[0], limit: 1, remaining: 0)
    #expect(limiter.poll() == [])
    limiter.advance(.seconds(2))
    #expect(limiter.poll() == [tickets[1]])
    limiter.answer(tickets[1], limit: 1, remaining: 0)
    limiter.advance(.seconds(2))
    #expect(limiter.poll() == [tickets[2]])
  }

  @Test func answersThatOvertakeEachOtherDoNotRaiseTheCount() {
    let limiter = DrivenLimiter()
    let probe = limiter.enqueue("POST /a")
    _ = limiter.poll()
    limiter.answer(probe, limit: 5, remaining: 4)
    let tickets = limiter.enqueue(4, "POST /a")
    #expect(limiter.poll() == tickets)
    limiter.answer(tickets[3], limit: 5, remaining: 0)
    limiter.answer(tickets[0], limit: 5, remaining: 3)
    _ = limiter.enqueue("POST /a")
    #expect(limiter.poll() == [])
  }

  @Test func aSlotWithoutAnswerIsGivenBack() {
    let limiter = DrivenLimiter()
    let probe = limiter.enqueue("POST /a")
    _ = limiter.poll()
    limiter.complete(probe, .noResponse)
    let again = limiter.enqueue("POST /a")
    #expect(limiter.poll() == [again], "the route must not be frozen for good")
    limiter.answer(again, limit: 2, remaining: 1)
    let last = limiter.enqueue("POST /a")
    #expect(limiter.poll() == [last])
    limiter.complete(last, .noResponse)
    let next = limiter.enqueue("POST /a")
    #expect(limiter.poll() == [next])
  }

  @Test func aRouteWithoutLimitHeadersGoesOnProbing() {
    let limiter = DrivenLimiter()
    for _ in 0..<3 {
      let tickets = limiter.enqueue(2, "GET /g")
      #expect(limiter.poll() == [tickets[0]])
      limiter.complete(tickets[0], .response(status: 200, nil))
      #expect(limiter.poll() == [tickets[1]])
      limiter.complete(tickets[1], .response(status: 200, nil))
    }
  }

  @Test func fiftyRequestsASecondLeaveByWaitingAndInteractionsAreExempt() {
    let limiter = DrivenLimiter()
    let tickets = (0..<60).map { limiter.enqueue("GET /x", major: "\($0)") }
    #expect(limiter.poll() == Array(tickets[..<50]))
    #expect(limiter.next() == .seconds(1))
    let answer = limiter.enqueue("POST /callback", interaction: true)
    #expect(limiter.poll() == [answer])
    limiter.advance(.seconds(1))
    #expect(limiter.poll() == Array(tickets[50...]))
  }

  @Test func aGlobalLimitHoldsEverythingButInteractions() {
    let limiter = DrivenLimiter()
    let first = limiter.enqueue("GET /a")
    _ = limiter.poll()
    limiter.complete(first, .rateLimited(.global, retryAfter: .seconds(3), nil))
    let other = limiter.enqueue("GET /b")
    let answer = limiter.enqueue("POST /callback", interaction: true)
    #expect(limiter.poll() == [answer])
    #expect(limiter.next() == .seconds(3))
    limiter.advance(.seconds(3))
    // The refused one keeps its place.
    #expect(limiter.poll() == [first, other])
  }

  @Test func theEdgesBanHoldsEverything() {
    let limiter = DrivenLimiter()
    let first = limiter.enqueue("GET /a")
    _ = limiter.poll()
    limiter.complete(first, .rateLimited(.edge, retryAfter: .seconds(60), nil))
    _ = limiter.enqueue("POST /callback", interaction: true)
    #expect(limiter.poll() == [])
    #expect(limiter.next() == .seconds(60))
  }

  @Test(arguments: [RateLimitScope.user, .shared])
  func anExhaustedBucketWaitsAsLongAsToldAndOthersDoNot(scope: RateLimitScope) {
    let limiter = DrivenLimiter()
    let first = limiter.enqueue("GET /a")
    _ = limiter.poll()
    limiter.complete(
      first,
      .rateLimited(
        scope, retryAfter: .seconds(7),
        RateLimitHeaders(bucket: "b", limit: 5, remaining: 0, resetAfter: .seconds(2))))
    let behind = limiter.enqueue("GET /a")
    let other = limiter.enqueue("GET /b")
    #expect(limiter.poll() == [other])
    limiter.advance(.seconds(6.9))
    #expect(limiter.poll() == [])
    limiter.advance(.seconds(0.1))
    #expect(limiter.poll() == [first, behind])
  }

  @Test func aLimitInsideABucketDelaysOnlyTheOneThatHitIt() {
    let limiter = DrivenLimiter()
    let first = limiter.enqueue("PATCH /channel")
    _ = limiter.poll()
    limiter.complete(
      first,
      .rateLimited(
        .user, retryAfter: .seconds(300),
        RateLimitHeaders(bucket: "b", limit: 5, remaining: 4, resetAfter: .seconds(2))))
    let alike = limiter.enqueue("PATCH /channel")
    let otherPart = limiter.enqueue("PATCH /channel", part: "name")
    let otherChannel = limiter.enqueue("PATCH /channel", major: "2")
    #expect(limiter.poll() == [otherPart, otherChannel])
    limiter.advance(.seconds(300))
    #expect(limiter.poll() == [first])
    limiter.answer(first, remaining: 4)
    #expect(limiter.poll() == [alike])
  }

  @Test func aLineAsideIsServedOneByOneAndWaitsAgainAtTheNextRefusal() {
    let limiter = DrivenLimiter()
    let first = limiter.enqueue("PATCH /channel", part: "name")
    #expect(limiter.poll() == [first])
    let queued = limiter.enqueue("PATCH /channel", part: "name")
    limiter.refusePart(first, retryAfter: .seconds(600))
    let late = limiter.enqueue("PATCH /channel", part: "name")
    #expect(limiter.poll() == [])
    #expect(limiter.waitingCount == 3)
    limiter.advance(.seconds(600))
    #expect(limiter.poll() == [first])
    limiter.refusePart(first, retryAfter: .seconds(600))
    #expect(limiter.poll() == [])
    limiter.advance(.seconds(600))
    #expect(limiter.poll() == [first])
    // Whether answered, lost or withdrawn: the next one is tried.
    limiter.complete(first, .noResponse)
    #expect(limiter.poll() == [queued])
    limiter.answer(queued, limit: 9, remaining: 8)
    #expect(limiter.poll() == [late])
    limiter.answer(late, limit: 9, remaining: 7)
    let free = [limiter.enqueue("PATCH /channel", part: "name"), limiter.enqueue("PATCH /channel", part: "name")]
    #expect(limiter.poll() == free)
    #expect(limiter.waitingCount == 0)
  }

  @Test func onlyOneOfALineAsideIsOutAtATime() {
    let limiter = DrivenLimiter()
    let probe = limiter.enqueue("PATCH /channel")
    #expect(limiter.poll() == [probe])
    limiter.answer(probe, limit: 9, remaining: 8, resetAfter: .seconds(60))
    let both = limiter.enqueue(2, "PATCH /channel")
    #expect(limiter.poll() == both)
    limiter.refusePart(both[0], retryAfter: .seconds(5))
    limiter.advance(.seconds(5))
    #expect(limiter.poll() == [both[0]])
    limiter.refusePart(both[1], retryAfter: .seconds(5))
    limiter.advance(.seconds(5))
    #expect(limiter.poll() == [], "the first is still out")
    limiter.answer(both[0], limit: 9, remaining: 4)
    #expect(limiter.poll() == [both[1]])
  }

  @Test func aRequestWithdrawnFromALineAsideHoldsUpNobody() {
    let limiter = DrivenLimiter()
    let first = limiter.enqueue("PATCH /channel")
    _ = limiter.poll()
    limiter.refusePart(first, retryAfter: .seconds(5))
    let second = limiter.enqueue("PATCH /channel")
    let third = limiter.enqueue("PATCH /channel")
    limiter.withdraw(second)
    limiter.advance(.seconds(5))
    limiter.withdraw(first)
    #expect(limiter.poll() == [third])
    limiter.complete(third, .rateLimited(.edge, retryAfter: .seconds(60), nil))
    limiter.withdraw(third)
    let last = limiter.enqueue("PATCH /channel")
    limiter.advance(.seconds(60))
    #expect(limiter.poll() == [last])
  }

  @Test func theMinimumWaitKnowsEveryReasonToWait() {
    let limiter = DrivenLimiter()
    let first = limiter.enqueue("POST /a")
    _ = limiter.poll()
    limiter.refusePart(first, retryAfter: .seconds(9))
    #expect(limiter.minimumWait("POST /a") == .seconds(9))
    #expect(limiter.minimumWait("POST /b") == .zero)
  }

  @Test func tooManyInvalidRequestsStopEverything() {
    let limiter = DrivenLimiter()
    for _ in 0..<RESTLimiter.invalidLimit {
      let ticket = limiter.enqueue("POST /callback", interaction: true)
      #expect(limiter.poll() == [ticket])
      limiter.complete(ticket, .response(status: 403, nil))
    }
    let last = limiter.enqueue("POST /callback", interaction: true)
    #expect(limiter.poll() == [])
    limiter.advance(.seconds(600))
    #expect(limiter.poll() == [last])
  }

  @Test func theHoldForInvalidRequestsIsToldOnce() {
    let limiter = DrivenLimiter()
    for _ in 1..<RESTLimiter.invalidLimit {
      let ticket = limiter.enqueue("POST /callback", interaction: true)
      _ = limiter.poll()
      #expect(limiter.complete(ticket, .response(status: 401, nil)) == nil)
    }
    limiter.advance(.seconds(400))
    let tickets = [limiter.enqueue("GET /a"), limiter.enqueue("GET /b"), limiter.enqueue("GET /c")]
    #expect(limiter.poll() == tickets)
    let hold = RESTLimiter.Notice.invalidRequestsHold(count: RESTLimiter.invalidLimit, wait: .seconds(200))
    #expect(limiter.complete(tickets[0], .rateLimited(.user, retryAfter: .zero, nil)) == hold)
    #expect(limiter.complete(tickets[1], .response(status: 403, nil)) == nil)
    // In the next ten minutes the count begins anew.
    limiter.advance(.seconds(200))
    #expect(limiter.complete(tickets[2], .response(status: 403, nil)) == nil)
    #expect(limiter.poll() == [tickets[0]])
  }

  @Test func sharedLimitsDoNotCountAsInvalid() {
    let limiter = DrivenLimiter()
    let ticket = limiter.enqueue("POST /callback", interaction: true)
    for _ in 0...RESTLimiter.invalidLimit {
      #expect(limiter.poll() == [ticket])
      limiter.complete(ticket, .rateLimited(.shared, retryAfter: .zero, nil))
    }
    #expect(limiter.poll() == [ticket])
  }

  @Test func aBucketWithARequestOutIsNotForgotten() {
    let limiter = DrivenLimiter()
    let slow = limiter.enqueue("GET /a")
    #expect(limiter.poll() == [slow])
    limiter.advance(.seconds(200))
    let behind = limiter.enqueue("GET /a")
    #expect(limiter.poll() == [], "one is out to find the bucket")
    limiter.withdraw(behind)
    limiter.advance(.seconds(200))
    _ = limiter.poll()
    #expect(limiter.bucketCount == 1)
    limiter.answer(slow, limit: 2, remaining: 0, resetAfter: .seconds(9))
    _ = limiter.enqueue("GET /a")
    #expect(limiter.poll() == [])
    #expect(limiter.next() == .seconds(9))
  }

  @Test func callsOfOneRouteFindItsBucketTogether() {
    let limiter = DrivenLimiter()
    let name = limiter.enqueue("PATCH /channel", part: "name")
    let other = limiter.enqueue("PATCH /channel")
    #expect(limiter.poll() == [name])
    limiter.answer(name, remaining: 4)
    #expect(limiter.poll() == [other])
  }

  @Test func aWithdrawnRequestDoesNotGoOut() {
    let limiter = DrivenLimiter()
    let tickets = limiter.enqueue(3, "GET /a")
    _ = limiter.poll()
    limiter.withdraw(tickets[1])
    limiter.answer(tickets[0], remaining: 4)
    #expect(limiter.poll() == [tickets[2]])
    #expect(limiter.waitingCount == 0)
  }

  @Test func idleBucketsAreForgottenButNotTheirWindows() {
    let limiter = DrivenLimiter()
    for index in 0..<100 {
      let ticket = limiter.enqueue("POST /callback", major: "\(index)", interaction: true)
      _ = limiter.poll()
      limiter.answer(ticket, remaining: 4)
    }
    let busy = limiter.enqueue("GET /slow")
    _ = limiter.poll()
    limiter.answer(busy, bucket: "slow", limit: 1, remaining: 0, resetAfter: .seconds(3_600))
    limiter.advance(.seconds(200))
    _ = limiter.poll()
    #expect(limiter.bucketCount == 1)
    let waits = limiter.enqueue("GET /slow")
    #expect(limiter.poll() == [])
    limiter.advance(.seconds(3_400))
    #expect(limiter.poll() == [waits])
  }

  @Test(
    arguments: [
      (
        [
          "X-RateLimit-Bucket": "b", "X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "1",
          "X-RateLimit-Reset-After": "0.25",
        ],
        true
      ),
      (["x-ratelimit-bucket": "b", "x-ratelimit-limit": "5", "x-ratelimit-remaining": "1"], false),
      (
        [
          "X-RateLimit-Bucket": "b", "X-RateLimit-Limit": "0", "X-RateLimit-Remaining": "1",
          "X-RateLimit-Reset-After": "1",
        ],
        false
      ),
      (
        [
          "X-RateLimit-Bucket": "b", "X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "1",
          "X-RateLimit-Reset-After": "nan",
        ],
        false
      ),
      ([:], false),
    ] as [([String: String], Bool)])
  func headersAreReadWithTheirFraction(fields: [String: String], areGood: Bool) {
    var headers = HTTPHeaders()
    for (name, value) in fields { headers.add(name, value) }
    let read = RateLimitHeaders(headers)
    #expect(
      read == (areGood ? RateLimitHeaders(bucket: "b", limit: 5, remaining: 1, resetAfter: .milliseconds(250)) : nil))
  }
}
