import Platform
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import Core

/// Durable consumers, on both engines.
@Suite(.timeLimit(.minutes(2)))
struct EventConsumerTests {
  private struct Cursor: Equatable {
    var position: Int64
    var lease: String?
    var until: Timestamp
  }

  private func cursor(_ process: EventProcess) async throws -> Cursor? {
    try await process.database.read { transaction in
      try transaction.queryOne("SELECT position, lease, lease_until FROM domain_event_consumers WHERE name = 'c'") {
        Cursor(position: try $0["position"], lease: try $0["lease"], until: try $0["lease_until"])
      }
    }
  }

  /// As if its process had died half a minute ago.
  private func endLease(_ process: EventProcess) async throws {
    try await process.database.write { try $0.execute("UPDATE domain_event_consumers SET lease_until = 0") }
  }

  @Test(arguments: TestEngine.available)
  func aConsumerBeginsWithWhatComesAfterItAndGoesOnWhereItStopped(engine: TestEngine) async throws {
    try await withEvents(engine) { process in
      try await process.publish(1...5)
      let seen = Recorded<Int>()
      let consume: @Sendable (DomainEvents) async -> Void = { events in
        await events.consume(as: "c", limit: 2) { seen.add($0.events.map(\.number)) }
      }
      try await process.running([consume]) {
        try await eventually("it begins") { try await cursor(process)?.lease != nil }
        try await process.publish(6...8)
        try await eventually("it handles three") { seen.all.count == 3 }
        try await eventually("and notes it") { try await cursor(process)?.position == 8 }
      }
      #expect(try await cursor(process)?.lease == nil, "ended in order")
      try await process.publish(9...10)
      try await process.running([consume]) {
        try await eventually("it goes on") { seen.all.count >= 5 }
      }
      #expect(seen.all == Array(6...10))
    }
  }

  @Test(arguments: TestEngine.available)
  func aNewConsumerMayBeginWithTheOldest(engine: TestEngine) async throws {
    try await withEvents(engine) { process in
      try await process.publish(1...3)
      try await process.database.write { try $0.execute("DELETE FROM domain_events WHERE position = 1") }
      let seen = Recorded<EventBatch>()
      try await process.running([{ await $0.consume(as: "c", from: .oldest) { seen.add($0) } }]) {
        try await eventually("it handles both") { seen.all.flatMap(\.events).count == 2 }
      }
      #expect(seen.all.allSatisfy { $0.missed == 0 })
    }
  }

  @Test(arguments: TestEngine.available)
  func onlyNamedEventsComeAndTheOthersArePassed(engine: TestEngine) async throws {
    try await withEvents(engine) { process in
      try await process.publish([1], name: "a.a")
      try await process.publish([2], name: "b.b")
      try await process.publish([3], name: "a.a")
      try await process.publish([4], name: "b.b")
      let seen = Recorded<Int>()
      let calls = Recorded<Void>()
      try await process.running([
        { events in
          await events.consume(as: "c", from: .oldest, names: ["a.a"], limit: 1) {
            seen.add($0.events.map(\.number))
            calls.add(())
          }
        }
      ]) {
        try await eventually("it passes all") { try await cursor(process)?.position == 4 }
      }
      #expect(seen.all == [1, 3])
      #expect(calls.all.count == 2)
    }
  }

  @Test(arguments: TestEngine.available)
  func aBatchThatFailsComesAgainBeforeAnythingLater(engine: TestEngine) async throws {
    struct Broken: Error {}
    try await withEvents(engine) { process in
      let attempts = Recorded<[Int]>()
      try await process.publish(1...4)
      try await process.running([
        { events in
          await events.consume(as: "c", from: .oldest, limit: 2) { batch in
            attempts.add(batch.events.map(\.number))
            if attempts.all.count <= 3 { throw Broken() }
          }
        }
      ]) {
        for failure in 1...3 {
          try await eventually("attempt \(failure)") { attempts.all.count == failure }
          // The pause, the extension of the lease, and what runs for all: it waits for nothing else.
          await process.time.waitForSleepers(engine == .sqlite ? 4 : 5)
          #expect(try await cursor(process)?.position == 0)
          process.time.advance(by: .milliseconds(400))
          #expect(attempts.all.count == failure, "it waits half a second at least")
          process.time.advance(by: .seconds(4))
        }
        try await eventually("it goes on") { try await cursor(process)?.position == 4 }
      }
      #expect(attempts.all == [[1, 2], [1, 2], [1, 2], [1, 2], [3, 4]])
      #expect(
        process.metrics.render().contains("adjutant_event_batches_total{consumer=\"c\",outcome=\"failed\"} 3"))
    }
  }

  @Test(arguments: TestEngine.available)
  func theWorkAndTheCursorAreOneTransaction(engine: TestEngine) async throws {
    struct Broken: Error {}
    try await withEvents(engine) { process in
      try await process.database.write { try $0.execute("CREATE TABLE work (position BIGINT NOT NULL)") }
      let attempts = Recorded<Int>()
      try await process.publish(1...2)
      try await process.running([
        { events in
          await events.consume(as: "c", from: .oldest, limit: 1) { batch in
            attempts.add(batch.events.map(\.number))
            try await process.database.write { transaction in
              for event in batch.events {
                try transaction.execute("INSERT INTO work (position) VALUES ($1)", event.position)
              }
              try batch.finish(in: transaction)
              // Takes both back, once.
              if attempts.all.count == 1 { throw Broken() }
            }
            // Too late to undo anything: the batch is handled.
            if attempts.all.count == 2 { throw Broken() }
          }
        }
      ]) {
        for failure in 1...2 {
          try await eventually("attempt \(failure)") { attempts.all.count == failure }
          await process.time.waitForSleepers(engine == .sqlite ? 4 : 5)
          process.time.advance(by: .seconds(4))
        }
        try await eventually("it ends") { try await cursor(process)?.position == 2 }
      }
      #expect(attempts.all == [1, 1, 2])
      let rows = try await process.database.read {
        try $0.query("SELECT position FROM work ORDER BY position") { try $0.value("position", as: Int64.self) }
      }
      #expect(rows == [1, 2])
    }
  }

  // MARK: Several processes

  @Test(arguments: TestEngine.available)
  func anotherProcessTakesOverFromADeadOneAndTheDeadOneCanNoLongerNoteAnything(engine: TestEngine) async throws {
    try await withTwoProcesses(engine) { first, second in
      try await first.publish(1...2)
      let (held, hold) = AsyncStream.makeStream(of: EventBatch.self)
      // As good as dead: it does not come back from its first batch, and its clock stands still.
      let stuck = Task { [time = first.time] in
        await first.events.consume(as: "c", from: .oldest) { batch in
          hold.yield(batch)
          try await time.sleep(for: .seconds(1_000_000))
        }
      }
      var batches = held.makeAsyncIterator()
      let batch = try #require(await batches.next())
      let seen = Recorded<Int>()
      try await second.running([{ await $0.consume(as: "c") { seen.add($0.events.map(\.number)) } }]) {
        // It waits for the lease: its own sleep beside those of `run`.
        await second.time.waitForSleepers(engine == .sqlite ? 3 : 4)
        #expect(seen.all.isEmpty)
        try await endLease(first)
        second.time.advance(by: EventConsumer.lease + .seconds(2))
        try await eventually("the second takes over") { seen.all == [1, 2] }
        try await eventually("and notes it") { try await cursor(second)?.position == 2 }
        await #expect(throws: ConsumerLost(consumer: "c")) {
          try await first.database.write { try batch.finish(in: $0) }
        }
        #expect(try await cursor(second)?.position == 2)
      }
      stuck.cancel()
      await stuck.value
    }
  }

  @Test(arguments: TestEngine.available)
  func aLeaseThatIsHeldKeepsOthersOut(engine: TestEngine) async throws {
    try await withTwoProcesses(engine) { first, second in
      func acquire(_ process: EventProcess, _ lease: String) async throws -> ConsumerCursor.Acquisition {
        try await process.database.write { [time = process.time] in
          try ConsumerCursor.acquire("c", from: .now, lease: lease, for: EventConsumer.lease, time: time, in: $0)
        }
      }
      guard case .acquired("one", 0) = try await acquire(first, "one") else { return #expect(Bool(false)) }
      guard case .held(let remaining) = try await acquire(second, "two") else { return #expect(Bool(false)) }
      #expect(remaining > .zero && remaining <= EventConsumer.lease)
      await #expect(throws: ConsumerLost(consumer: "c")) {
        try await second.database.write { [time = second.time] in
          try ConsumerCursor.extend("c", lease: "two", for: .seconds(1), time: time, in: $0)
        }
      }
      await #expect(throws: ConsumerLost(consumer: "c")) {
        try await second.database.write { try ConsumerCursor.advance("c", to: 1, lease: "two", in: $0) }
      }
      try await endLease(first)
      guard case .acquired("two", 0) = try await acquire(second, "two") else { return #expect(Bool(false)) }
      await #expect(throws: ConsumerLost(consumer: "c")) {
        try await first.database.write { [time = first.time] in
          try ConsumerCursor.extend("c", lease: "one", for: .seconds(1), time: time, in: $0)
        }
      }
      // A cursor never goes back.
      try await second.database.write { try ConsumerCursor.advance("c", to: 5, lease: "two", in: $0) }
      await #expect(throws: ConsumerLost(consumer: "c")) {
        try await second.database.write { try ConsumerCursor.advance("c", to: 4, lease: "two", in: $0) }
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func aConsumerAtWorkKeepsItsLeaseAndOneThatLostItStopsItsHandler(engine: TestEngine) async throws {
    try await withEvents(engine) { process in
      try await process.publish([1])
      let ended = Recorded<Bool>()
      let (began, begin) = AsyncStream.makeStream(of: Void.self)
      try await process.running([
        { events in
          await events.consume(as: "c", from: .oldest) { [time = process.time] _ in
            begin.yield()
            defer { ended.add(Task.isCancelled) }
            try await time.sleep(for: .seconds(1_000_000))
          }
        }
      ]) {
        for await _ in began { break }
        let before = try #require(try await cursor(process))
        await process.time.waitForSleepers(engine == .sqlite ? 4 : 5)
        process.time.advance(by: .seconds(10))
        try await eventually("it is extended") { try await cursor(process).map { $0.until > before.until } ?? false }
        #expect(ended.all.isEmpty)
        try await process.database.write { try $0.execute("UPDATE domain_event_consumers SET lease = 'other'") }
        await process.time.waitForSleepers(engine == .sqlite ? 4 : 5)
        process.time.advance(by: .seconds(10))
        try await eventually("it stops") { ended.all == [true] }
      }
      #expect(try await cursor(process)?.lease == "other", "the new one's lease is not released")
    }
  }

  @Test(.enabled(if: TestEngine.postgresURL != nil, "ADJUTANT_TEST_POSTGRES is not set"))
  func anotherProcessTakesOverAtOnceFromOneThatEndsInOrder() async throws {
    try await withTwoProcesses(.postgreSQL) { first, second in
      let seen = (Recorded<Int>(), Recorded<Int>())
      try await first.publish([1])
      try await first.running([{ await $0.consume(as: "c", from: .oldest) { seen.0.add($0.events.map(\.number)) } }]) {
        try await eventually("the first works") { try await cursor(first)?.position == 1 }
        let standby = Task {
          await second.events.consume(as: "c") { seen.1.add($0.events.map(\.number)) }
        }
        await second.time.waitForSleepers(1)
        try await first.append([2])
        try await eventually("the first still works") { seen.0.all == [1, 2] }
        #expect(seen.1.all.isEmpty)
        _ = standby
      }
      // Neither clock has moved.
      try await second.running {
        try await first.append([3])
        try await eventually("the second works") { seen.1.all == [3] }
      }
      #expect(seen.0.all == [1, 2])
    }
  }

  @Test(arguments: TestEngine.available)
  func whatWasRemovedBeforeItWasHandledIsTold(engine: TestEngine) async throws {
    try await withTestDatabase(engine) { database in
      let log = MemoryLogSink()
      let process = try await EventProcess(database, log: Log(label: "test", sink: log))
      let seen = Recorded<EventBatch>()
      let consume: @Sendable (DomainEvents) async -> Void = { events in
        await events.consume(as: "c", names: ["x.y"]) { seen.add($0) }
      }
      try await process.running([consume]) {
        try await eventually("it begins") { try await cursor(process)?.lease != nil }
      }
      try await process.publish(1...5)
      try await database.write { try $0.execute("DELETE FROM domain_events WHERE position <= 3") }
      try await process.running([consume]) {
        try await eventually("it passes all") { try await cursor(process)?.position == 5 }
      }
      #expect(seen.all.map(\.missed) == [3])
      #expect(seen.all.map(\.events) == [[]])
      #expect(log.records.contains { $0.level == .error && $0.message.contains("removed before they were handled") })
    }
  }
}
