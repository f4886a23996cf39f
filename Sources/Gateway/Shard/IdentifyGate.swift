import Platform

/// Keeps an ``IdentifyLedger`` where it outlives the process, and where other processes of the same bot find it.
public protocol IdentifyBudget: Sendable {
  /// `/gateway/bot` was asked just now.
  func report(_ limit: SessionStartLimit) async throws
  /// Asks for one identify. When this returns `granted` the count is stored: the identify may be sent.
  func spend(_ shard: ShardID, for purpose: IdentifyPurpose) async throws -> IdentifyLedger.Answer
  /// An identify that was counted did not go out.
  func giveBack(_ shard: ShardID) async throws
  /// A session that an identify began has lasted.
  func proved(_ shard: ShardID) async throws
}

/// Forgets everything when the process ends.
public actor MemoryIdentifyBudget: IdentifyBudget {
  public private(set) var ledger = IdentifyLedger()
  private let time: any TimeSource
  private let random: any RandomSource

  public init(time: any TimeSource = SystemTime(), random: any RandomSource = SystemRandom()) {
    self.time = time
    self.random = random
  }

  public func report(_ limit: SessionStartLimit) { ledger.report(limit, at: time.timestamp) }
  public func spend(_ shard: ShardID, for purpose: IdentifyPurpose) -> IdentifyLedger.Answer {
    ledger.spend(shard, for: purpose, at: time.timestamp, random: random)
  }
  public func giveBack(_ shard: ShardID) { ledger.giveBack(shard) }
  public func proved(_ shard: ShardID) { ledger.proved(shard) }
}

/// Lets the shards of this process identify one after the other, as ``IdentifyQueue`` orders them and the budget allows.
actor IdentifyGate {
  /// How old Discord's word may be before an identify, and before a round of many.
  private static let maximumAge = Duration.seconds(3_600)
  private static let maximumAgeForRound = Duration.seconds(60)
  private static let round = 10
  private static let longestQuestion = Duration.seconds(5)
  /// A long wait asks again in between: another process may have given identifies back.
  private static let longestSleep = Duration.seconds(600)

  private struct Waiter {
    let ticket: Int
    let continuation: CheckedContinuation<Void, any Error>
  }

  private let budget: any IdentifyBudget
  private let figures: GatewayMetrics
  private let ask: @Sendable () async throws -> SessionStartLimit
  private let time: any TimeSource
  private let log: Log
  private var queue: IdentifyQueue
  private var limit: SessionStartLimit
  private var askedAt: ContinuousClock.Instant
  private var asking: Task<Void, Never>?
  private var waiters: [ShardID: Waiter] = [:]
  private var lastTicket = 0
  private var alarm: Task<Void, Never>?

  /// - Parameters:
  ///   - limit: what Discord said just now.
  ///   - ask: asks it again.
  init(
    limit: SessionStartLimit, budget: any IdentifyBudget, figures: GatewayMetrics, time: any TimeSource, log: Log,
    ask: @escaping @Sendable () async throws -> SessionStartLimit
  ) {
    queue = IdentifyQueue(maxConcurrency: limit.maxConcurrency)
    self.limit = limit
    askedAt = time.now
    self.budget = budget
    self.figures = figures
    self.time = time
    self.log = log
    self.ask = ask
  }

  /// Returns when the shard may identify; by then the identify is counted.
  /// - Throws: `CancellationError` if the task was cancelled before.
  func acquire(_ shard: ShardID, for purpose: IdentifyPurpose) async throws {
    var told: IdentifyLedger.Reason?
    while true {
      try await takeTurn(shard)
      await refreshIfDue()
      var answer: IdentifyLedger.Answer
      do {
        answer = try await budget.spend(shard, for: purpose)
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        log.warning("cannot count an identify, so it is not sent", ["shard": .of(shard), "error": .error(error)])
        answer = .wait(.seconds(5), .spacing)
      }
      guard case .wait(let wait, let reason) = answer else { return figures.spentIdentify() }
      if reason != told { tell(shard, wait, reason) }
      told = reason
      try await time.sleep(for: max(.milliseconds(1), min(wait, Self.longestSleep)))
    }
  }

  /// An identify that was acquired is not needed.
  func giveBack(_ shard: ShardID) async {
    do {
      try await budget.giveBack(shard)
    } catch {
      log.warning("cannot give an identify back", ["shard": .of(shard), "error": .error(error)])
    }
  }

  /// A session that began with an identify has lasted.
  func proved(_ shard: ShardID) async {
    do {
      try await budget.proved(shard)
    } catch {
      log.warning("cannot note that a session lasts", ["shard": .of(shard), "error": .error(error)])
    }
  }

  /// Somebody else has asked Discord.
  func report(_ limit: SessionStartLimit) async {
    self.limit = limit
    figures.show(limit)
    askedAt = time.now
    queue.update(maxConcurrency: limit.maxConcurrency)
    do {
      try await budget.report(limit)
    } catch {
      log.warning("cannot store the session start limit", ["error": .error(error)])
    }
    pump()
  }

  private func tell(_ shard: ShardID, _ wait: Duration, _ reason: IdentifyLedger.Reason) {
    switch reason {
    case .spacing: log.debug("identify waits for its slot", ["shard": .of(shard), "waitMs": .milliseconds(wait)])
    case .backoff(let failures):
      log.notice(
        "identify held back: earlier ones came to nothing",
        ["shard": .of(shard), "failures": .integer(Int64(failures)), "waitMs": .milliseconds(wait)])
    case .reserve(let left, let total, let resetsAt):
      log.error(
        "identify held back until \(resetsAt): the last \(left) of the day's \(total) are kept for lost sessions",
        ["shard": .of(shard), "waitMs": .milliseconds(wait)])
    case .exhausted(let total, let resetsAt):
      log.error(
        "identify held back until \(resetsAt): the day's \(total) are used up, one more would reset the token",
        ["shard": .of(shard), "waitMs": .milliseconds(wait)])
    }
  }

  // MARK: What Discord says

  private var isDue: Bool {
    let age = askedAt.duration(to: time.now)
    // The shards whose turn it is are not in the queue any more.
    let isRound = queue.waitingCount + 1 >= Self.round
    if limit.resetAfter > .zero, age >= limit.resetAfter { return true }
    return age >= (isRound ? Self.maximumAgeForRound : Self.maximumAge)
  }

  /// Asks Discord if its word is old, and waits for the answer; not for long, because what is known holds as well: an
  /// outage of the REST API must not keep shards away from the gateway.
  private func refreshIfDue() async {
    if asking == nil, isDue {
      asking = Task {
        do {
          await report(try await ask())
        } catch {
          askedAt = time.now
          log.warning("cannot ask for the session start limit", ["error": .error(error)])
        }
        asking = nil
      }
    }
    guard let asking else { return }
    let (ends, continuation) = AsyncStream.makeStream(of: Void.self)
    let answer = Task {
      await asking.value
      continuation.finish()
    }
    let timer = Task { [time] in
      do { try await time.sleep(for: Self.longestQuestion) } catch { return }
      continuation.finish()
    }
    for await _ in ends {}
    answer.cancel()
    timer.cancel()
  }

  // MARK: Turns

  /// Shards whose turn has not come yet.
  var waitingCount: Int { queue.waitingCount }

  private func takeTurn(_ shard: ShardID) async throws {
    lastTicket += 1
    let ticket = lastTicket
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
        // A shard waits once: an older wait was cancelled, and its end is on the way.
        waiters.removeValue(forKey: shard)?.continuation.resume(throwing: CancellationError())
        waiters[shard] = Waiter(ticket: ticket, continuation: continuation)
        queue.request(shard)
        pump()
      }
    } onCancel: {
      Task { await self.withdraw(shard, ticket) }
    }
  }

  /// - Parameter ticket: of the wait that was cancelled; the shard may have begun another one since.
  private func withdraw(_ shard: ShardID, _ ticket: Int) {
    guard let waiter = waiters[shard], waiter.ticket == ticket else { return }
    waiters[shard] = nil
    queue.withdraw(shard)
    waiter.continuation.resume(throwing: CancellationError())
  }

  private func pump() {
    let (shards, next) = queue.grant(at: time.now)
    for shard in shards { waiters.removeValue(forKey: shard)?.continuation.resume() }
    alarm?.cancel()
    alarm = nil
    guard let next else { return }
    let time = self.time
    alarm = Task { [weak self] in
      do { try await time.sleep(until: next) } catch { return }
      await self?.pump()
    }
  }
}
