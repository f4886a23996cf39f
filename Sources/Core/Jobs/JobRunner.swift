import Platform
import Storage

/// One run of a job, as its handler sees it.
public struct JobRun: Sendable {
  let claim: Jobs.Claim
  /// Counts from 1.
  public var attempt: Int { claim.attempt }
  /// Whether the job is given up if this attempt fails.
  public let isLast: Bool
  /// When the job was asked for; now is later.
  public var dueAt: Timestamp { claim.dueAt }

  /// Ends the job as part of the transaction that does its work, so that the work is done exactly once even if the
  /// process dies at the next moment. Without this a handler may run again after it had done everything.
  /// - Throws: ``JobLost``, which takes the whole transaction back.
  public func finish(in transaction: Transaction) throws {
    guard try Jobs.remove(claim, in: transaction) else { throw JobLost() }
  }
}

/// Does jobs when they are due.
///
/// A job that is running is leased to this process. The lease is extended while it runs; a process that dies lets it
/// end, and another, or the same after its restart, begins again. A handler must therefore bear to run twice.
public actor JobRunner {
  private struct Handler: Sendable {
    let retry: JobRetry
    let concurrency: Int
    let run: @Sendable (JSON, JobRun) async throws -> JobResult
  }
  private struct Running {
    let claim: Jobs.Claim
    let task: Task<Void, Never>
  }

  /// How long a dead process keeps its jobs.
  static let lease = Duration.seconds(60)
  private static let extensionInterval = Duration.seconds(20)
  /// How long given-up jobs are kept.
  private static let memory = Duration.seconds(30 * 86_400)
  /// How old the numbers of jobs may be that are shown to whoever measures.
  private static let countInterval = Duration.seconds(30)
  /// At the latest then it looks again, for the civil clock may have been set.
  private static let longestSleep = Duration.seconds(60)

  private let jobs: Jobs
  private let time: any TimeSource
  private let random: any RandomSource
  private let log: Log
  private let finished: Family<Counter>
  private let seconds: Family<Histogram>
  private let late: Family<Gauge>
  private let kept: Family<Gauge>
  private var counted: (at: ContinuousClock.Instant, kinds: Set<String>)?

  private var handlers: [String: Handler] = [:]
  private var running: [Int64: Running] = [:]
  private var tasks: [Task<Void, Never>] = []
  private var isStopping = false
  private var failures = 0
  private var drained: [CheckedContinuation<Void, Never>] = []
  private let wakes: AsyncStream<Void>
  private let wake: AsyncStream<Void>.Continuation

  public init(
    _ jobs: Jobs, time: any TimeSource, random: any RandomSource = SystemRandom(), log: Log, metrics: Metrics
  ) {
    self.jobs = jobs
    self.time = time
    self.random = random
    self.log = log.labelled("jobs")
    finished = metrics.counter(
      "adjutant_jobs_total", help: "Runs of durable jobs by outcome", labels: ["kind", "outcome"])
    seconds = metrics.histogram("adjutant_job_seconds", help: "How long a run of a job took", labels: ["kind"])
    late = metrics.gauge(
      "adjutant_jobs_late_seconds", help: "How long the job that is due the longest has waited", labels: ["kind"])
    kept = metrics.gauge(
      "adjutant_jobs", help: "Jobs in the database: open (due, waiting or running) and given up",
      labels: ["kind", "state"])
    (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  }

  /// Names who does jobs of that kind. Before ``start()``.
  public func handle<Payload>(
    _ kind: JobKind<Payload>, with body: @escaping @Sendable (Payload, JobRun) async throws -> JobResult
  ) {
    precondition(tasks.isEmpty, "handlers are named before the start")
    precondition(handlers[kind.name] == nil, "two handlers of \(kind.name)")
    handlers[kind.name] = Handler(retry: kind.retry, concurrency: kind.concurrency) { json, run in
      let payload: Payload
      do { payload = try json.decoded(as: Payload.self) } catch {
        throw JobFailure("what was stored cannot be read: \(error)")
      }
      return try await body(payload, run)
    }
  }

  public func start() {
    guard tasks.isEmpty, !isStopping else { return }
    let changes = jobs.database.changes(of: Jobs.topic)
    tasks = [
      Task { [wake] in for await _ in changes { wake.yield() } },
      Task { await work() },
      Task { await extendLeases() },
    ]
    wake.yield()
  }

  /// Takes on nothing more, gives what runs so long to end, and cancels the rest, which runs again after the next start.
  public func stop(limit: Duration) async {
    isStopping = true
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
    wake.finish()
    let deadline = Task { [time] in
      do { try await time.sleep(for: limit) } catch { return }
      cancelRunning()
    }
    await untilNothingRuns()
    deadline.cancel()
  }

  private func cancelRunning() { for job in running.values { job.task.cancel() } }

  private func untilNothingRuns() async {
    guard !running.isEmpty else { return }
    await withCheckedContinuation { drained.append($0) }
  }

  // MARK: - Taking on

  private func work() async {
    var timer: Task<Void, Never>?
    var lastSweep: ContinuousClock.Instant?
    for await _ in wakes {
      guard !isStopping else { break }
      timer?.cancel()
      // Measured from here, however long the look takes.
      let start = time.now
      var pause: Duration
      do {
        if lastSweep.map({ time.now - $0 > .seconds(3600) }) ?? true {
          try await jobs.forgetGivenUp(before: time.timestamp + (.zero - Self.memory))
          lastSweep = time.now
        }
        try await countIfDue()
        pause = try await takeOn()
        if failures > 0 { log.notice("the database answers again") }
        failures = 0
      } catch is CancellationError {
        break
      } catch {
        failures += 1
        if failures == 1 { log.error("cannot look for jobs", ["error": .error(error)]) }
        pause = min(.seconds(1) * (1 << min(failures - 1, 5)), .seconds(30))
      }
      timer = Task { [time, wake] in
        do { try await time.sleep(until: start + pause) } catch { return }
        wake.yield()
      }
    }
    timer?.cancel()
  }

  private func countIfDue() async throws {
    guard counted.map({ time.now - $0.at >= Self.countInterval }) ?? true else { return }
    let counts = try await jobs.counts()
    // Also those that have just come to an end.
    let kinds = Set(handlers.keys).union(counts.keys)
    for kind in kinds.union(counted?.kinds ?? []) {
      kept(kind, "open").set(Double(counts[kind]?.open ?? 0))
      kept(kind, "given_up").set(Double(counts[kind]?.givenUp ?? 0))
    }
    counted = (time.now, kinds)
  }

  /// Begins what is due as far as there is room.
  /// - Returns: how long nothing more is to be done.
  private func takeOn() async throws -> Duration {
    let wakes = try await jobs.nextWakes(of: Array(handlers.keys))
    let now = time.timestamp
    var room: [String: Int] = [:]
    var pause = Self.longestSleep
    for (kind, handler) in handlers {
      let next = wakes[kind]
      late(kind).set(max(0, next.map { (now - $0).inSeconds } ?? 0))
      guard let next else { continue }
      let free = handler.concurrency - running.values.count { $0.claim.kind == kind }
      if next > now {
        pause = min(pause, next - now)
      } else if free > 0 {
        room[kind] = free
      }  // else: the end of a run wakes us
    }
    guard !room.isEmpty else { return pause }
    for claim in try await jobs.claim(room, until: now + Self.lease) { begin(claim) }
    // There may be more than there was room for, or another process took them: look again at once.
    return .zero
  }

  private func begin(_ claim: Jobs.Claim) {
    guard let handler = handlers[claim.kind] else { return }
    running[claim.id] = Running(
      claim: claim,
      task: Task {
        await run(claim, handler)
        ended(claim)
      })
  }

  private func ended(_ claim: Jobs.Claim) {
    // Its lease may have ended, and the job been taken on anew.
    if running[claim.id]?.claim.lease == claim.lease { running[claim.id] = nil }
    wake.yield()
    guard running.isEmpty else { return }
    for waiter in drained { waiter.resume() }
    drained = []
  }

  // MARK: - One run

  private func run(_ claim: Jobs.Claim, _ handler: Handler) async {
    let isLast = claim.attempt >= handler.retry.attempts
    let start = time.now
    let settlement: Jobs.Settlement
    do {
      // It may have killed its process every time.
      guard claim.attempt <= handler.retry.attempts else { throw JobFailure("its process ended during each attempt") }
      switch try await handler.run(claim.payload, JobRun(claim: claim, isLast: isLast)) {
      case .done: settlement = .done
      case .again(let due): settlement = .again(at: due)
      }
      finished(claim.kind, "done").increment()
    } catch is JobLost {
      settlement = .lost
      finished(claim.kind, "lost").increment()
    } catch is CancellationError where Task.isCancelled {
      settlement = .interrupted
      finished(claim.kind, "interrupted").increment()
    } catch let error where isLast || error is JobFailure {
      settlement = .givenUp("\(error)")
      finished(claim.kind, "given_up").increment()
      log.error(
        "a job was given up",
        [
          "kind": "\(claim.kind)", "job": .integer(claim.id), "attempts": .integer(Int64(claim.attempt)),
          "error": .error(error),
        ])
    } catch {
      let pause = handler.retry.pause(after: claim.attempt, random: random)
      settlement = .failed("\(error)", retryAt: time.timestamp + pause)
      finished(claim.kind, "failed").increment()
      log.warning(
        "a job failed and will be tried again",
        [
          "kind": "\(claim.kind)", "job": .integer(claim.id), "attempt": .integer(Int64(claim.attempt)),
          "pause": .milliseconds(pause), "error": .error(error),
        ])
    }
    seconds(claim.kind).observe(start.duration(to: time.now))
    await settle(claim, settlement)
  }

  private func settle(_ claim: Jobs.Claim, _ settlement: Jobs.Settlement) async {
    // Told to stop or not, what became of the job is written down.
    await Task {
      do {
        try await jobs.settle(claim, settlement)
      } catch {
        log.error(
          "what became of a job was not stored: it will run again",
          ["kind": "\(claim.kind)", "job": .integer(claim.id), "error": .error(error)])
      }
    }.value
  }

  // MARK: - Leases

  private func extendLeases() async {
    while !Task.isCancelled {
      do { try await time.sleep(for: Self.extensionInterval) } catch { return }
      guard !running.isEmpty else { continue }
      do {
        let lost = try await jobs.extend(running.values.map(\.claim), until: time.timestamp + Self.lease)
        for id in lost { running[id]?.task.cancel() }
      } catch {
        log.warning("leases of running jobs were not extended", ["error": .error(error)])
      }
    }
  }
}
