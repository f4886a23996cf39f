import Platform
import Testing

@testable import Gateway

@Suite struct SendLimiterTests {
  @Test func roomIsKeptForHeartbeats() throws {
    var limiter = SendLimiter()
    limiter.reset(heartbeatInterval: .seconds(41.25))
    let start = ContinuousClock.Instant.now
    var admitted = 0
    while limiter.admit(at: start) == nil { admitted += 1 }
    #expect(admitted == 120 - limiter.reserved)
    #expect(limiter.reserved == 5)
    // Beats go on without exceeding the limit, and the window opens again.
    for _ in 0..<limiter.reserved { limiter.recordUrgent(at: start.advanced(by: .seconds(1))) }
    let refused = limiter.admit(at: start.advanced(by: .seconds(2)))
    let next = try #require(refused)
    #expect(next >= start.advanced(by: .seconds(60)))
    let refusedAgain = limiter.admit(at: next)
    #expect(refusedAgain == nil)
  }

  @Test func noWindowOfAMinuteHoldsMoreThanTheLimit() {
    var limiter = SendLimiter()
    limiter.reset(heartbeatInterval: .seconds(30))
    let start = ContinuousClock.Instant.now
    var sent: [ContinuousClock.Instant] = []
    for tick in 0..<2_400 {
      let now = start.advanced(by: .milliseconds(100) * tick)
      if tick % 300 == 0 {
        limiter.recordUrgent(at: now)
        sent.append(now)
      }
      if limiter.admit(at: now) == nil { sent.append(now) }
    }
    for (index, first) in sent.enumerated() {
      let inWindow = sent[index...].prefix { $0 < first.advanced(by: .seconds(60)) }.count
      #expect(inWindow <= 120)
    }
    #expect(sent.count > 400)
  }
}

@Suite struct IdentifyQueueTests {
  private let start = ContinuousClock.Instant.now

  @Test func oneKeyIdentifiesEveryFiveSecondsInTheOrderOfTheShards() throws {
    let queue = DrivenQueue(concurrency: 1)
    for shard in [2, 0, 1] { queue.request(shard) }
    var now = start
    var order: [Int] = []
    var times: [ContinuousClock.Instant] = []
    while true {
      let (granted, next) = queue.grant(at: now)
      order += granted
      times += granted.map { _ in now }
      guard let next else { break }
      #expect(next > now)
      now = next
    }
    #expect(order == [0, 1, 2])
    #expect(times[1] - times[0] >= .seconds(5))
    #expect(times[2] - times[1] >= .seconds(5))
  }

  @Test func keysRunBesideEachOther() {
    let queue = DrivenQueue(concurrency: 16)
    for shard in 0..<32 { queue.request(shard) }
    let first = queue.grant(at: start)
    #expect(first.shards == Array(0..<16))
    #expect(queue.grant(at: start.advanced(by: .seconds(4.9))).shards.isEmpty)
    #expect(queue.grant(at: first.next ?? start).shards == Array(16..<32))
  }

  @Test func aNewConcurrencyFreesNoKeyBeforeAllWere() {
    let queue = DrivenQueue(concurrency: 1)
    queue.request(0)
    #expect(queue.grant(at: start).shards == [0])
    queue.update(concurrency: 4)
    for shard in 0..<4 { queue.request(shard) }
    #expect(queue.grant(at: start.advanced(by: .seconds(4.9))).shards.isEmpty)
    #expect(queue.grant(at: start.advanced(by: .seconds(6))).shards == [0, 1, 2, 3])
  }

  @Test func aWithdrawnRequestGetsNothing() {
    let queue = DrivenQueue(concurrency: 1)
    queue.request(0)
    queue.withdraw(0)
    let (granted, next) = queue.grant(at: start)
    #expect(granted.isEmpty && next == nil)
  }

  @Test func twoSetsOfShardsShareTheKeys() {
    var queue = IdentifyQueue(maxConcurrency: 1)
    for shard in [ShardID(1, of: 2), ShardID(0, of: 2), ShardID(0, of: 1)] { queue.request(shard) }
    let first = queue.grant(at: start)
    #expect(first.shards == [ShardID(0, of: 1)])
    let second = queue.grant(at: first.next ?? start)
    #expect(second.shards == [ShardID(0, of: 2)])
    #expect(queue.waitingCount == 1)
  }
}

/// Holds the queue by reference, so that a test can ask it inside an expectation.
private final class DrivenQueue {
  private var queue: IdentifyQueue

  init(concurrency: Int) { queue = IdentifyQueue(maxConcurrency: concurrency) }

  func request(_ shard: Int) { queue.request(ShardID(shard, of: 64)) }
  func withdraw(_ shard: Int) { queue.withdraw(ShardID(shard, of: 64)) }
  func update(concurrency: Int) { queue.update(maxConcurrency: concurrency) }
  func grant(at now: ContinuousClock.Instant) -> (shards: [Int], next: ContinuousClock.Instant?) {
    let (shards, next) = queue.grant(at: now)
    return (shards.map(\.id), next)
  }
}
