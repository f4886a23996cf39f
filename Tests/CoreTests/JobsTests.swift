import Platform
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import Core

/// Durable jobs, on both engines.
@Suite(.timeLimit(.minutes(2)))
struct JobsTests {
  struct Note: Codable, Sendable, Equatable {
    var text: String
  }

  private let time = ManualTime()
  private let kind = JobKind<Note>("test.note", retry: JobRetry(attempts: 3))

  private func withJobs(_ engine: TestEngine, _ body: (Jobs, Database) async throws -> Void) async throws {
    try await withTestDatabase(engine) { database in
      try await body(try await SharedState.open(database, time: time).jobs, database)
    }
  }

  private func runner(
    _ jobs: Jobs, log: MemoryLogSink = MemoryLogSink(), metrics: Metrics = Metrics()
  ) -> JobRunner {
    JobRunner(jobs, time: time, random: SeededRandom(seed: 1), log: Log(label: "test", sink: log), metrics: metrics)
  }

  /// One row of the table.
  private struct Row: Equatable {
    var due: Timestamp
    var wake: Timestamp
    var attempts: Int
    var isLeased: Bool
    var error: String?
    var isGivenUp: Bool
  }

  private func rows(_ database: Database) async throws -> [Row] {
    try await database.read { transaction in
      try transaction.query("SELECT due_at, wake_at, attempts, lease, last_error, given_up_at FROM jobs ORDER BY id") {
        Row(
          due: try $0["due_at"], wake: try $0["wake_at"], attempts: try $0["attempts"],
          isLeased: try $0.value("lease", as: String?.self) != nil, error: try $0["last_error"],
          isGivenUp: try $0.value("given_up_at", as: Timestamp?.self) != nil)
      }
    }
  }

  /// The rows once they are as wanted; fails after half a minute.
  private func rows(
    _ database: Database, until condition: ([Row]) -> Bool, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> [Row] {
    let deadline = ContinuousClock.now + .seconds(30)
    while true {
      let found = try await rows(database)
      if condition(found) { return found }
      guard ContinuousClock.now < deadline else {
        Issue.record("the jobs stayed \(found)", sourceLocation: sourceLocation)
        return found
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  // MARK: Retry

  @Test(
    arguments: zip([1, 2, 3, 10, 11, 12, 1000], [5, 10, 20, 2560, 3600, 3600, 3600] as [Double]))
  func pausesDoubleUpToALimit(attempt: Int, seconds: Double) {
    let pause = JobRetry().pause(after: attempt, random: SeededRandom(seed: UInt64(attempt))).inSeconds
    #expect(pause >= seconds)
    #expect(pause <= seconds * 1.1)
  }

  // MARK: Running

  @Test(arguments: TestEngine.available)
  func aJobRunsWhenItIsDueAndIsGone(engine: TestEngine) async throws {
    try await withJobs(engine) { jobs, database in
      let runs = Recorded<(note: Note, attempt: Int, at: Timestamp)>()
      let runner = runner(jobs)
      await runner.handle(kind) { [time] note, run in
        runs.add((note, run.attempt, time.timestamp))
        return .done
      }
      await runner.start()
      let due = time.timestamp + .seconds(100)
      try await jobs.schedule(kind, Note(text: "é"), at: due)
      // Each step lets the runner look; before the time it must find nothing.
      for _ in 0..<50 {
        await time.waitForSleepers(2)
        time.advance(by: .seconds(2))
      }
      _ = try await rows(database) { $0.isEmpty }
      #expect(runs.all.map(\.note) == [Note(text: "é")])
      #expect(runs.all.map(\.attempt) == [1])
      #expect(runs.all.allSatisfy { $0.at >= due })
      await runner.stop(limit: .zero)
    }
  }

  @Test(arguments: TestEngine.available)
  func aJobOfATransactionThatFailedDoesNotExist(engine: TestEngine) async throws {
    struct Refused: Error {}
    try await withJobs(engine) { jobs, database async throws in
      await #expect(throws: Refused.self) {
        try await database.write { [kind, time] transaction in
          try jobs.schedule(kind, Note(text: "no"), at: time.timestamp, in: transaction)
          throw Refused()
        }
      }
      #expect(try await rows(database).isEmpty)
    }
  }

  @Test(arguments: TestEngine.available)
  func aFailureIsTriedAgainLaterAndAtLastGivenUp(engine: TestEngine) async throws {
    struct Broken: Error {}
    try await withJobs(engine) { jobs, database in
      let log = MemoryLogSink()
      let runner = runner(jobs, log: log)
      await runner.handle(kind) { _, run in
        #expect(run.isLast == (run.attempt == 3))
        throw Broken()
      }
      try await jobs.schedule(kind, Note(text: "x"), at: time.timestamp, key: "one")
      await runner.start()
      let start = time.timestamp
      var found = try await rows(database) { $0.first?.error != nil && $0.first?.isLeased == false }
      #expect(found[0].attempts == 1)
      #expect(found[0].due == start)
      #expect(found[0].wake >= start + .seconds(5) && found[0].wake <= start + .milliseconds(5500))

      time.advance(by: .milliseconds(5500))
      found = try await rows(database) { $0.first?.attempts == 2 && $0.first?.isLeased == false }
      #expect(found[0].wake >= time.timestamp + .seconds(10) && found[0].wake <= time.timestamp + .seconds(11))
      #expect(!found[0].isGivenUp)

      time.advance(by: .seconds(11))
      found = try await rows(database) { $0.first?.isGivenUp == true }
      #expect(found[0].attempts == 3)
      #expect(found[0].error == "Broken()")
      #expect(log.records.filter { $0.message == "a job was given up" }.count == 1)
      #expect(try await jobs.counts()[kind.name]?.givenUp == 1)

      // Asked for again, it has its attempts again.
      try await jobs.schedule(kind, Note(text: "x"), at: time.timestamp + .seconds(1000), key: "one")
      found = try await rows(database)
      #expect(found.count == 1)
      #expect(
        found[0]
          == Row(
            due: time.timestamp + .seconds(1000), wake: time.timestamp + .seconds(1000), attempts: 0, isLeased: false,
            error: nil, isGivenUp: false))
      await runner.stop(limit: .zero)
    }
  }

  @Test(arguments: TestEngine.available)
  func aHandlerMayGiveUpAtOnceOrAskForAnotherRun(engine: TestEngine) async throws {
    try await withJobs(engine) { jobs, database in
      let runner = runner(jobs)
      let later = time.timestamp + .seconds(500)
      await runner.handle(kind) { note, _ in
        if note.text == "again" { return .again(at: later) }
        throw JobFailure("useless")
      }
      await runner.handle(JobKind<Int>("test.other")) { _, _ in .done }
      try await jobs.schedule(kind, Note(text: "again"), at: time.timestamp)
      try await jobs.schedule(kind, Note(text: "stop"), at: time.timestamp)
      // What is stored does not fit the type that its handler reads.
      try await jobs.schedule(JobKind<Note>("test.other"), Note(text: "not a number"), at: time.timestamp)
      await runner.start()
      let found = try await rows(database) { rows in
        rows.first?.wake == later && rows.filter(\.isGivenUp).count == 2
      }
      #expect(found[0] == Row(due: later, wake: later, attempts: 0, isLeased: false, error: nil, isGivenUp: false))
      #expect(found[1].error == "useless")
      #expect(found[2].error?.hasPrefix("what was stored cannot be read") == true)
      await runner.stop(limit: .zero)
    }
  }

  @Test(arguments: TestEngine.available)
  func theWorkAndTheEndOfItsJobAreOneTransaction(engine: TestEngine) async throws {
    try await withJobs(engine) { jobs, database in
      try await database.write { try $0.execute("CREATE TABLE work (id INTEGER)") }
      let runner = runner(jobs)
      await runner.handle(kind) { _, run in
        try await database.write { transaction in
          try transaction.execute("INSERT INTO work (id) VALUES (1)")
          try run.finish(in: transaction)
        }
        // Dying here would not repeat the work: the job is gone with the same commit.
        #expect(try await rows(database).isEmpty)
        return .done
      }
      try await jobs.schedule(kind, Note(text: "once"), at: time.timestamp)
      await runner.start()
      _ = try await rows(database) { $0.isEmpty }
      await runner.stop(limit: .seconds(30))
      let count = try await database.read {
        try $0.queryOne("SELECT count(*) AS n FROM work") { try $0.value("n", as: Int.self) }
      }
      #expect(count == 1)
    }
  }

  @Test(arguments: TestEngine.available)
  func aJobChangedWhileItRunsIsNotFinishedByTheOldRun(engine: TestEngine) async throws {
    try await withJobs(engine) { jobs, database in
      let runner = runner(jobs)
      let later = time.timestamp + .seconds(300)
      await runner.handle(kind) { [kind, time] note, run in
        guard note.text == "old" else { return .done }
        try await jobs.schedule(kind, Note(text: "new"), at: later, key: "k")
        #expect(try await rows(database).first?.isLeased == true, "nobody else may take it while it runs")
        await #expect(throws: JobLost.self) { try await database.write { try run.finish(in: $0) } }
        _ = time
        return .done
      }
      try await jobs.schedule(kind, Note(text: "old"), at: time.timestamp, key: "k")
      await runner.start()
      let found = try await rows(database) { $0.first?.isLeased == false && $0.first?.due == later }
      #expect(
        found == [
          Row(due: later, wake: later, attempts: 0, isLeased: false, error: nil, isGivenUp: false)
        ])
      time.advance(by: .seconds(300))
      _ = try await rows(database) { $0.isEmpty }
      await runner.stop(limit: .zero)
    }
  }

  @Test(arguments: TestEngine.available)
  func aWithdrawnJobNeverRuns(engine: TestEngine) async throws {
    try await withJobs(engine) { jobs, database in
      try await jobs.schedule(kind, Note(text: "x"), at: time.timestamp, key: "k")
      let withdrawn = try await database.write { [kind] in
        [try jobs.withdraw(kind, key: "k", in: $0), try jobs.withdraw(kind, key: "k", in: $0)]
      }
      #expect(withdrawn == [true, false])
      #expect(try await rows(database).isEmpty)
    }
  }

  // MARK: Crashes and several processes

  @Test(arguments: TestEngine.available)
  func theJobsOfADeadProcessAreTakenOverWhenTheirLeaseEnds(engine: TestEngine) async throws {
    try await withJobs(engine) { jobs, database in
      try await jobs.schedule(kind, Note(text: "x"), at: time.timestamp)
      let until = time.timestamp + JobRunner.lease
      let dead = try await jobs.claim([kind.name: 5], until: until)
      #expect(dead.map(\.attempt) == [1])
      #expect(try await jobs.claim([kind.name: 5], until: until).isEmpty)
      time.advance(by: JobRunner.lease)
      let alive = try await jobs.claim([kind.name: 5], until: time.timestamp + JobRunner.lease)
      #expect(alive.map(\.attempt) == [2])
      // The dead one comes back to life: what it says no longer counts.
      try await jobs.settle(try #require(dead.first), .done)
      #expect(try await jobs.extend(dead + alive, until: until + .seconds(100)) == Set(dead.map(\.id)))
      #expect(try await rows(database).map(\.wake) == [until + .seconds(100)])
      try await jobs.settle(try #require(alive.first), .done)
      #expect(try await rows(database).isEmpty)
    }
  }

  @Test(arguments: TestEngine.available)
  func aJobThatKillsItsProcessEveryTimeIsGivenUpUnrun(engine: TestEngine) async throws {
    try await withJobs(engine) { jobs, database in
      try await jobs.schedule(kind, Note(text: "poison"), at: time.timestamp)
      for _ in 1...3 {
        #expect(try await jobs.claim([kind.name: 1], until: time.timestamp + .seconds(1)).count == 1)
        time.advance(by: .seconds(1))
      }
      let runner = runner(jobs)
      await runner.handle(kind) { _, _ in
        Issue.record("it must not run a fourth time")
        return .done
      }
      await runner.start()
      let found = try await rows(database) { $0.first?.isGivenUp == true }
      #expect(found[0].error == "its process ended during each attempt")
      await runner.stop(limit: .zero)
    }
  }

  @Test(arguments: TestEngine.available)
  func runnersOnOneDatabaseShareTheWorkWithoutDoingAnyTwice(engine: TestEngine) async throws {
    try await withTestURL(engine) { url in
      let first = try await Database.open(url: url)
      let second = try await Database.open(url: url)
      let texts = Recorded<String>()
      var runners: [JobRunner] = []
      for database in [first, second] {
        let runner = runner(try await SharedState.open(database, time: time).jobs)
        await runner.handle(kind) { note, _ in
          texts.add(note.text)
          return .done
        }
        runners.append(runner)
      }
      let jobs = Jobs(database: first, time: time)
      let now = time.timestamp
      try await first.write { [kind] transaction in
        for number in 0..<200 { try jobs.schedule(kind, Note(text: "\(number)"), at: now, in: transaction) }
      }
      for runner in runners { await runner.start() }
      _ = try await rows(first) { $0.isEmpty }
      for runner in runners { await runner.stop(limit: .seconds(30)) }
      #expect(texts.all.sorted() == (0..<200).map(String.init).sorted())
      await first.close()
      await second.close()
    }
  }

  @Test(arguments: TestEngine.available)
  func whatIsStoppedInTheMiddleRunsAgainWithoutLosingAnAttempt(engine: TestEngine) async throws {
    try await withJobs(engine) { jobs, database in
      let (began, continuation) = AsyncStream.makeStream(of: Void.self)
      let runner = runner(jobs)
      await runner.handle(kind) { [time] _, _ in
        continuation.yield()
        try await time.sleep(for: .seconds(1_000_000))
        return .done
      }
      try await jobs.schedule(kind, Note(text: "long"), at: time.timestamp)
      await runner.start()
      for await _ in began { break }
      await runner.stop(limit: .zero)
      #expect(
        try await rows(database) == [
          Row(
            due: time.timestamp, wake: time.timestamp, attempts: 0, isLeased: false, error: nil, isGivenUp: false)
        ])
    }
  }

  @Test(arguments: TestEngine.available)
  func aLongRunKeepsItsLease(engine: TestEngine) async throws {
    try await withJobs(engine) { jobs, database in
      let (began, continuation) = AsyncStream.makeStream(of: Void.self)
      let runner = runner(jobs)
      await runner.handle(kind) { [time] _, _ in
        continuation.yield()
        try await time.sleep(for: .seconds(1_000_000))
        return .done
      }
      try await jobs.schedule(kind, Note(text: "long"), at: time.timestamp)
      await runner.start()
      for await _ in began { break }
      let start = time.timestamp
      for step in 1...6 {
        // The handler, and the runner's two timers.
        await time.waitForSleepers(3)
        time.advance(by: .seconds(20))
        let expected = start + .seconds(20 * step) + JobRunner.lease
        _ = try await rows(database) { $0.first?.wake == expected }
      }
      await runner.stop(limit: .zero)
    }
  }

  @Test(arguments: TestEngine.available)
  func whatWasGivenUpLongAgoIsForgotten(engine: TestEngine) async throws {
    try await withJobs(engine) { jobs, database in
      for key in ["old", "new"] {
        try await jobs.schedule(kind, Note(text: key), at: time.timestamp, key: key)
        let claim = try await jobs.claim([kind.name: 1], until: time.timestamp + .seconds(60))
        try await jobs.settle(try #require(claim.first), .givenUp("no"))
        time.advance(by: .seconds(20 * 86_400))
      }
      let runner = runner(jobs)
      await runner.handle(kind) { _, _ in .done }
      await runner.start()
      _ = try await rows(database) { $0.count == 1 }
      await runner.stop(limit: .zero)
    }
  }

  @Test(arguments: TestEngine.available) func whatIsOpenAndGivenUpIsMeasured(engine: TestEngine) async throws {
    try await withJobs(engine) { jobs, database in
      let metrics = Metrics()
      let runner = runner(jobs, metrics: metrics)
      await runner.handle(kind) { _, _ in throw JobFailure("no") }
      try await jobs.schedule(kind, Note(text: "now"), at: time.timestamp)
      try await jobs.schedule(kind, Note(text: "later"), at: time.timestamp + .seconds(900))
      await runner.start()
      _ = try await rows(database) { $0.contains { $0.isGivenUp } }
      // Counted again at the first look after half a minute.
      time.advance(by: .seconds(61))
      let wanted = [
        #"adjutant_jobs{kind="test.note",state="given_up"} 1"#, #"adjutant_jobs{kind="test.note",state="open"} 1"#,
      ]
      let deadline = ContinuousClock.now + .seconds(30)
      var found: [String] = []
      while found != wanted, ContinuousClock.now < deadline {
        found = metrics.render().split(separator: "\n").map(String.init).filter { $0.hasPrefix("adjutant_jobs{") }
        await Task.yield()
      }
      #expect(found == wanted)
      await runner.stop(limit: .zero)
    }
  }
}
