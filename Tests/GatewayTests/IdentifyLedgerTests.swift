import Foundation
import Platform
import Testing

@testable import Gateway

/// Holds the ledger by reference, so that a test can ask it inside an expectation.
private final class Book {
  var ledger = IdentifyLedger()
  var now = Timestamp(seconds: 1_700_000_000)
  var random: UInt64 = 0

  init(total: Int = 1_000, remaining: Int? = nil, reset: Duration = .seconds(3_600), concurrency: Int = 1) {
    report(total: total, remaining: remaining ?? total, reset: reset, concurrency: concurrency)
  }

  func report(total: Int = 1_000, remaining: Int, reset: Duration, concurrency: Int = 1) {
    ledger.report(
      SessionStartLimit(total: total, remaining: remaining, resetAfter: reset, maxConcurrency: concurrency), at: now)
  }

  func ask(_ shard: Int, for purpose: IdentifyPurpose = .start) -> IdentifyLedger.Answer {
    ledger.spend(ShardID(shard, of: 64), for: purpose, at: now, random: ConstantRandom(value: random))
  }

  func pass(_ seconds: Double) { now = now + .seconds(seconds) }
}

@Suite struct IdentifyLedgerTests {
  @Test func everyIdentifyIsCounted() {
    let book = Book()
    for shard in 0..<5 {
      #expect(book.ask(shard) == .granted)
      book.pass(6)
    }
    #expect(book.ledger.remaining == 995)
  }

  @Test func aKeyIsFreeAfterFiveSecondsWhoeverUsedIt() {
    let book = Book(concurrency: 2)
    #expect(book.ask(0) == .granted)
    #expect(book.ask(1) == .granted)
    #expect(book.ask(2) == .wait(IdentifyQueue.spacing, .spacing))
    book.pass(5)
    #expect(book.ask(2) == .wait(IdentifyQueue.spacing - .seconds(5), .spacing))
    book.pass(0.5)
    #expect(book.ask(2) == .granted)
    #expect(book.ledger.remaining == 997)
  }

  @Test func startsLeaveTheReserveToLostSessions() {
    let book = Book(total: 50, remaining: 6)
    let end = book.ledger.resetsAt
    #expect(book.ask(0) == .granted)
    book.pass(6)
    #expect(book.ask(1) == .wait(.seconds(3_594), .reserve(left: 5, total: 50, resetsAt: end)))
    for shard in 2..<7 {
      #expect(book.ask(shard, for: .recovery) == .granted)
      book.pass(6)
    }
    #expect(book.ask(8, for: .recovery) == .wait(end - book.now, .exhausted(total: 50, resetsAt: end)))
    // The reset opens it again.
    book.pass(3_600)
    #expect(book.ask(1) == .granted)
    #expect(book.ledger.remaining == 49)
  }

  @Test func theLowerNumberHoldsWithinAWindowAndDiscordsInTheNext() {
    let book = Book(remaining: 500)
    #expect(book.ask(0) == .granted)
    book.pass(10)
    // Discord has not counted it yet.
    book.report(remaining: 500, reset: .seconds(3_590))
    #expect(book.ledger.remaining == 499)
    // Somebody else has identified with this token.
    book.report(remaining: 300, reset: .seconds(3_590))
    #expect(book.ledger.remaining == 300)
    // A jitter of the reset is no new window.
    book.report(remaining: 301, reset: .seconds(3_591))
    #expect(book.ledger.remaining == 300)
    book.pass(3_600)
    book.report(remaining: 1_000, reset: .seconds(86_400))
    #expect(book.ledger.remaining == 1_000)
  }

  @Test func aWindowThatEndedWithoutDiscordsWordIsADay() {
    let book = Book(remaining: 1, reset: .seconds(10))
    book.pass(11)
    #expect(book.ask(0) == .granted)
    #expect(book.ledger.remaining == 999)
    #expect(book.ledger.resetsAt == book.now + .seconds(86_400))
  }

  @Test func identifiesThatComeToNothingAreSpacedOutAcrossRestarts() throws {
    let book = Book()
    book.random = .max
    var waits: [Duration] = []
    for _ in 0..<12 {
      #expect(book.ask(0) == .granted)
      // What a restart finds is what was stored.
      book.ledger = try JSONDecoder().decode(IdentifyLedger.self, from: JSONEncoder().encode(book.ledger))
      guard case .wait(let wait, .backoff) = book.ask(0) else {
        book.pass(6)
        continue
      }
      waits.append(wait)
      book.pass(max(6, wait.inSeconds + 0.002))
    }
    #expect(waits.first.map { $0 < .seconds(6) } == true)
    for (earlier, later) in zip(waits, waits.dropFirst()) { #expect(later >= earlier - .milliseconds(2)) }
    #expect(waits.last.map { $0 > .seconds(599) && $0 <= .seconds(600) } == true)
    // Another shard is none the worse for it.
    #expect(book.ask(1) == .granted)
  }

  /// A program that crashes right after each identify and is started again at once, for two days.
  @Test(arguments: [1, 4, 16])
  func aCrashLoopStaysBelowTheLimit(shards: Int) async {
    let book = Book(reset: .seconds(86_400), concurrency: 16)
    var sent = 0
    let end = book.now + .seconds(2 * 86_400)
    while book.now < end {
      var pause = Duration.seconds(1)
      for shard in 0..<shards {
        switch book.ask(shard) {
        case .granted: sent += 1
        case .wait(let wait, _): pause = min(max(pause, wait), .seconds(20))
        }
      }
      book.pass(pause.inSeconds)
      await Task.yield()
    }
    #expect(sent <= 2 * 900)
    #expect(sent > 100)
  }

  @Test func aSessionThatLastedForgetsTheFailures() {
    let book = Book()
    for _ in 0..<4 {
      #expect(book.ask(0) == .granted)
      book.pass(100)
    }
    #expect(book.ask(0) == .granted)
    book.ledger.proved(ShardID(0, of: 64))
    book.pass(6)
    #expect(book.ask(0) == .granted)
  }

  @Test func whatWasNotSentIsGivenBackButItsKeyStaysTaken() {
    let book = Book()
    #expect(book.ask(0) == .granted)
    book.ledger.giveBack(ShardID(0, of: 64))
    #expect(book.ledger.remaining == 1_000)
    #expect(book.ask(0) == .wait(IdentifyQueue.spacing, .spacing))
    book.pass(6)
    #expect(book.ask(0) == .granted)
    // Nor is the shard held back for it.
    book.random = .max
    book.ledger.giveBack(ShardID(0, of: 64))
    book.pass(6)
    #expect(book.ask(0) == .granted)
    // Never more than the day has.
    for _ in 0..<3 { book.ledger.giveBack(ShardID(0, of: 64)) }
    #expect(book.ledger.remaining == 1_000)
  }

  @Test func aClockThatWasSetBackHoldsNobodyForLong() {
    let book = Book()
    #expect(book.ask(0) == .granted)
    book.pass(-86_400 * 30)
    guard case .wait(let wait, _) = book.ask(0) else {
      Issue.record("granted twice at once")
      return
    }
    #expect(wait <= .seconds(600))
    guard case .wait(let other, .spacing) = book.ask(1) else {
      Issue.record("granted twice at once")
      return
    }
    #expect(other <= IdentifyQueue.spacing)
    #expect(book.ledger.resetsAt <= book.now + .seconds(86_400))
  }

  @Test func absurdLimitsAreTakenAsTheStrictestPossible() {
    let book = Book()
    book.report(total: -5, remaining: -7, reset: .seconds(1e9), concurrency: -1)
    #expect(book.ledger.remaining == 0)
    #expect(book.ledger.resetsAt <= book.now + .seconds(86_400))
    guard case .wait(_, .exhausted) = book.ask(0, for: .recovery) else {
      Issue.record("nothing is left")
      return
    }
  }
}

/// The actor around queue and budget.
@Suite(.timeLimit(.minutes(1))) struct IdentifyGateTests {
  private let time = ManualTime()
  private let sink = MemoryLogSink()
  private let asked = Inbox<Int>()
  private let metrics = Metrics()

  private func limit(remaining: Int, reset: Duration = .seconds(3_600), concurrency: Int = 16) -> SessionStartLimit {
    SessionStartLimit(total: 1_000, remaining: remaining, resetAfter: reset, maxConcurrency: concurrency)
  }

  private func gate(
    _ first: SessionStartLimit, then next: SessionStartLimit? = nil, budget: (any IdentifyBudget)? = nil
  ) async -> IdentifyGate {
    let asked = self.asked
    let gate = IdentifyGate(
      limit: first, budget: budget ?? MemoryIdentifyBudget(time: time, random: ConstantRandom(value: 0)),
      figures: GatewayMetrics(metrics), time: time, log: Log(label: "t", sink: sink)
    ) {
      asked.put([1])
      guard let next else { throw DiscordError.network(route: "GET", reason: "down", requestMayHaveBeenSent: false) }
      return next
    }
    await gate.report(first)
    return gate
  }

  @Test func theReserveIsToldWithTheTimeOfTheReset() async throws {
    let gate = await gate(limit(remaining: 100), then: limit(remaining: 1_000, reset: .seconds(86_400)))
    let waiting = Task { try await gate.acquire(ShardID(0, of: 1), for: .start) }
    await time.waitForSleepers()
    let line = try #require(sink.records.first { $0.message.contains("held back until") })
    #expect(line.message.contains((time.timestamp + .seconds(3_600)).iso8601))
    #expect(line.message.contains("the last 100 of the day's 1000"))
    // A lost session need not wait.
    time.advance(by: .seconds(6))
    try await gate.acquire(ShardID(1, of: 2), for: .recovery)
    #expect(asked.items.isEmpty)
    // The window ends: Discord is asked, and the start goes on.
    await passTime(until: waiting)
    try await waiting.value
    #expect(asked.items.count >= 1)
  }

  /// Lets time run until the task has ended.
  private func passTime(until task: Task<Void, any Error>) async {
    let over = Inbox<Bool>()
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        _ = await task.result
        over.put([true])
      }
      while over.items.isEmpty {
        time.advance(by: .seconds(6))
        await Task.yield()
      }
    }
  }

  @Test func anOldAnswerIsAskedForAgainAndAnOutageOfItStopsNobody() async throws {
    let gate = await gate(limit(remaining: 900, reset: .seconds(80_000)))
    #expect(metrics.render().contains("gateway_identifies_remaining 900\n"))
    try await gate.acquire(ShardID(0, of: 4), for: .start)
    #expect(metrics.render().contains("gateway_identifies_remaining 899\n"))
    #expect(asked.items.isEmpty)
    time.advance(by: .seconds(3_601))
    try await gate.acquire(ShardID(1, of: 4), for: .start)
    #expect(asked.items.count == 1)
    #expect(sink.records.contains { $0.message == "cannot ask for the session start limit" })
  }

  @Test func aQuestionThatIsNotAnsweredHoldsNobodyForLong() async throws {
    let asked = self.asked
    let never = Latch()
    let gate = IdentifyGate(
      limit: limit(remaining: 900, reset: .seconds(80_000)), budget: MemoryIdentifyBudget(time: time),
      figures: GatewayMetrics(metrics), time: time, log: .silent
    ) {
      asked.put([1])
      await never.wait()
      throw CancellationError()
    }
    time.advance(by: .seconds(3_601))
    let first = Task { try await gate.acquire(ShardID(0, of: 2), for: .start) }
    _ = await asked.wait(for: 1)
    await time.waitForSleepers()
    time.advance(by: .seconds(5))
    try await first.value
    await never.open()
  }

  @Test func aRoundOfManyIsPrecededByAQuestion() async throws {
    let gate = await gate(limit(remaining: 900, concurrency: 1), then: limit(remaining: 800, concurrency: 16))
    time.advance(by: .seconds(61))
    let round = Task {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for shard in 0..<16 { group.addTask { try await gate.acquire(ShardID(shard, of: 16), for: .start) } }
        try await group.waitForAll()
      }
    }
    // The first goes at once. Time passes when all others stand in line: few are no round.
    try await eventually { await gate.waitingCount >= 14 }
    await passTime(until: round)
    try await round.value
    #expect(!asked.items.isEmpty)
  }

  @Test func aCancelledWaitLeavesTheNextOneOfTheShardAlone() async throws {
    let gate = await gate(limit(remaining: 900, concurrency: 1))
    try await gate.acquire(ShardID(1, of: 2), for: .start)
    let shard = ShardID(0, of: 2)
    for _ in 0..<50 {
      let first = Task { try await gate.acquire(shard, for: .start) }
      await Task.yield()
      first.cancel()
      _ = await first.result
    }
    let last = Task { try await gate.acquire(shard, for: .start) }
    await time.waitForSleepers()
    time.advance(by: .seconds(6))
    try await last.value
  }

  @Test func nothingIsSentThatCannotBeCounted() async throws {
    let budget = BrokenBudget()
    let gate = await gate(limit(remaining: 900), budget: budget)
    let waiting = Task { try await gate.acquire(ShardID(0, of: 1), for: .start) }
    await time.waitForSleepers()
    #expect(sink.records.contains { $0.message == "cannot count an identify, so it is not sent" })
    await budget.mend()
    time.advance(by: .seconds(6))
    try await waiting.value
  }

  private actor BrokenBudget: IdentifyBudget {
    private struct Down: Error {}
    private var isBroken = true
    func mend() { isBroken = false }
    func report(_ limit: SessionStartLimit) {}
    func spend(_ shard: ShardID, for purpose: IdentifyPurpose) throws -> IdentifyLedger.Answer {
      if isBroken { throw Down() }
      return .granted
    }
    func giveBack(_ shard: ShardID) {}
    func proved(_ shard: ShardID) {}
  }
}
