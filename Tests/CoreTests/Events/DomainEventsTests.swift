import Dispatch
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import Core

/// Storing and publishing domain events, on both engines.
@Suite(.timeLimit(.minutes(2)))
struct DomainEventsTests {
  @Test(arguments: TestEngine.available)
  func anEventIsStoredAndReadAsItWasWritten(engine: TestEngine) async throws {
    try await withEvents(engine) { process in
      let draft = DomainEvent.Draft(
        "kill.created", guild: GuildID(900), subjects: [.user(UserID(7)), .handle("Ünø \"x\""), .account(3)],
        data: ["list": [1, 2.5, nil, true], "text": "a\nb"])
      try await process.database.write { try process.events.append(draft, in: $0) }
      try await process.publish([1])
      let stored = try await process.events.events(after: 0)
      #expect(stored.map(\.position) == [1, 2])
      #expect(
        stored[0]
          == DomainEvent(
            position: 1, name: "kill.created", guildID: GuildID(900), subjects: draft.subjects, data: draft.data,
            at: process.time.timestamp))
      #expect(stored[0].subjects.map(\.user) == [UserID(7), nil, nil])
      #expect(stored[1].guildID == nil)
      #expect(try await process.events.events(after: 1).map(\.position) == [2])
      #expect(try await process.events.events(after: 0, limit: 1).map(\.position) == [1])
      #expect(try await process.events.lastPosition() == 2)
      #expect(process.metrics.render().contains("adjutant_events_total{name=\"kill.created\"} 1"))
    }
  }

  @Test(arguments: TestEngine.available)
  func eventsOfATransactionThatFailedDoNotExist(engine: TestEngine) async throws {
    struct Refused: Error {}
    try await withEvents(engine) { process async throws in
      await #expect(throws: Refused.self) {
        try await process.database.write { transaction in
          try process.events.append(.init("test.counted"), in: transaction)
          throw Refused()
        }
      }
      try await process.publish([1])
      // No gap is left where the failed one would have stood.
      #expect(try await process.events.events(after: 0).map(\.position) == [1])
      #expect(process.metrics.render().contains("adjutant_events_total{name=\"test.counted\"} 1"))
    }
  }

  @Test(arguments: [
    "", "Kill", "kill created", "kill\"", "ä", String(repeating: "a", count: 65),
  ])
  func aNameIsChecked(name: String) async throws {
    try await withEvents(.sqlite) { process async in
      await #expect(throws: DomainEventError.invalidName(name)) {
        try await process.database.write { try process.events.append(.init(name), in: $0) }
      }
    }
  }

  @Test func sizesAreBounded() async throws {
    try await withEvents(.sqlite) { process async throws in
      let text = String(repeating: "x", count: DomainEvents.maximumDataBytes - 2)
      try await process.database.write { try process.events.append(.init("a.b", data: .string(text)), in: $0) }
      await #expect(throws: DomainEventError.tooLarge(name: "a.b", bytes: DomainEvents.maximumDataBytes + 1)) {
        try await process.database.write { try process.events.append(.init("a.b", data: .string(text + "x")), in: $0) }
      }
      let subjects = (0...DomainEvents.maximumSubjects).map { EventSubject.account(Int64($0)) }
      await #expect(throws: DomainEventError.tooManySubjects(name: "a.b", count: subjects.count)) {
        try await process.database.write { try process.events.append(.init("a.b", subjects: subjects), in: $0) }
      }
    }
  }

  /// On PostgreSQL ids are taken before the commit: the trap that positions are there for.
  @Test(.enabled(if: TestEngine.postgresURL != nil, "ADJUTANT_TEST_POSTGRES is not set"))
  func whatWasWrittenFirstAndCommittedLastIsPublishedLast() async throws {
    try await withEvents(.postgreSQL) { process in
      let (written, wrote) = AsyncStream.makeStream(of: Void.self)
      let mayCommit = DispatchSemaphore(value: 0)
      async let slow: Void = process.database.write { [events = process.events] transaction in
        try events.append(.init("test.counted", data: ["n": 1]), in: transaction)
        wrote.yield()
        mayCommit.wait()
      }
      for await _ in written { break }
      try await process.append([2])
      let relay = EventRelay(events: process.events)
      #expect(try await relay.publish() == 1)
      #expect(try await process.events.events(after: 0).map(\.number) == [2])
      mayCommit.signal()
      try await slow
      #expect(try await relay.publish() == 1)
      #expect(try await relay.publish() == 0)
      #expect(try await process.events.events(after: 1).map(\.number) == [1])
    }
  }

  @Test(arguments: TestEngine.available)
  func eventsOfOneTransactionKeepTheirOrderAlsoWhenTheyAreMany(engine: TestEngine) async throws {
    try await withEvents(engine) { process in
      // More than the relay takes at once.
      try await process.publish(0..<1500)
      var seen: [Int] = []
      while case let page = try await process.events.events(after: Int64(seen.count), limit: 1000), !page.isEmpty {
        #expect(page.first?.position == Int64(seen.count + 1))
        seen += page.map(\.number)
      }
      #expect(seen == Array(0..<1500))
    }
  }

  /// Writers in two processes, both publishing, and a reader in each: nobody misses one, all see the same order.
  @Test(arguments: TestEngine.available)
  func allProcessesSeeTheSameOrderWithoutAGap(engine: TestEngine) async throws {
    try await withTwoProcesses(engine) { first, second in
      let seen = (Recorded<DomainEvent>(), Recorded<DomainEvent>())
      let record: @Sendable (Recorded<DomainEvent>, String) -> @Sendable (DomainEvents) async -> Void = { seen, name in
        { events in await events.consume(as: name, from: .oldest, limit: 7) { seen.add($0.events) } }
      }
      try await first.running([record(seen.0, "one")]) {
        try await second.running([record(seen.1, "two")]) {
          try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
              let process = writer.isMultiple(of: 2) ? first : second
              group.addTask { for number in 0..<25 { try await process.append([writer * 1000 + number]) } }
            }
            try await group.waitForAll()
          }
          // A second process on SQLite tells nobody: it is found by looking. Time passes only while nothing moves: a lease
          // must not end in the middle of a transaction that takes the disk's time.
          var last = (count: 0, since: ContinuousClock.now)
          try await eventually("both see all events") {
            let counts = (seen.0.all.count, seen.1.all.count)
            if counts.0 + counts.1 != last.count { last = (counts.0 + counts.1, .now) }
            if ContinuousClock.now - last.since > .milliseconds(200) {
              for process in [first, second] { process.time.advance(by: .seconds(5)) }
              last.since = .now
            }
            return counts.0 >= 200 && counts.1 >= 200
          }
        }
      }
      #expect(seen.0.all == seen.1.all)
      #expect(seen.0.all.map(\.position) == (1...200).map(Int64.init))
      for writer in 0..<8 {
        #expect(
          seen.0.all.map(\.number).filter { $0 / 1000 == writer } == (0..<25).map { writer * 1000 + $0 },
          "a writer's events are in its own order")
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func whatIsOldAndHandledIsRemovedAndNothingElse(engine: TestEngine) async throws {
    try await withEvents(engine) { process in
      func positions() async throws -> [Int64] { try await process.events.events(after: 0).map(\.position) }
      func consumer(at position: Int64, aliveUntil until: String) async throws {
        try await process.database.write { transaction in
          try transaction.execute("DELETE FROM domain_event_consumers")
          try transaction.execute(
            "INSERT INTO domain_event_consumers (name, position, lease_until) VALUES ('c', $1, \(until))", position)
        }
      }
      let housekeeping = EventHousekeeping(events: process.events)
      let alive = String(Int64.max)
      try await process.publish(1...3)
      try await consumer(at: 2, aliveUntil: alive)
      try await housekeeping.prune()
      #expect(try await positions() == [1, 2, 3], "too young")
      process.time.advance(by: .seconds(3 * 86_400 + 1))
      try await process.publish([4])
      try await housekeeping.prune()
      #expect(try await positions() == [3, 4], "3 is not handled, 4 is young")
      try await consumer(at: 2, aliveUntil: "0")
      try await housekeeping.prune()
      #expect(try await positions() == [4], "nobody works for the consumer any more")
      try await consumer(at: 2, aliveUntil: alive)
      process.time.advance(by: .seconds(31 * 86_400))
      try await housekeeping.prune()
      #expect(try await positions() == [], "a consumer that fails for a month holds nothing back")
      try await process.publish([5])
      #expect(try await positions() == [5], "positions are never given twice")
    }
  }

  @Test(arguments: TestEngine.available)
  func theLagOfEachConsumerIsMeasured(engine: TestEngine) async throws {
    try await withEvents(engine) { process in
      try await process.publish(1...2)
      try await process.database.write { transaction in
        try transaction.execute("INSERT INTO domain_event_consumers (name, position, lease_until) VALUES ('c', 1, 0)")
      }
      process.time.advance(by: .seconds(90))
      try await process.publish([3])
      try await EventHousekeeping(events: process.events).measure()
      let text = process.metrics.render()
      #expect(text.contains("adjutant_event_consumer_lag{consumer=\"c\"} 2"))
      #expect(text.contains("adjutant_event_consumer_lag_seconds{consumer=\"c\"} 90"))
      #expect(text.contains("adjutant_events_unpublished 0"))
    }
  }
}
