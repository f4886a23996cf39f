import FoundationEssentials
import Platform
import Storage

/// Works for one name: waits until nobody else does, then handles one batch after the other.
struct EventConsumer {
  /// How long a dead process keeps a name.
  static let lease = Duration.seconds(30)
  private static let extensionInterval = Duration.seconds(10)

  let events: DomainEvents
  let name: String
  let start: EventStart
  let names: Set<String>?
  let limit: Int
  let handler: @Sendable (EventBatch) async throws -> Void

  private var database: Database { events.database }
  private var time: any TimeSource { events.time }

  func run() async {
    await Bell.following([DomainEvents.released], of: database, time: time) { bell in
      var failures = 0
      while !Task.isCancelled {
        do {
          switch try await acquire() {
          case .held(let remaining):
            failures = 0
            // Not all at the same moment.
            try await bell.wait(atMost: remaining + events.random.duration(upTo: .seconds(1)))
          case .acquired(let lease, let position):
            failures = 0
            do { try await work(lease: lease, from: position) } catch {
              await release(lease)
              throw error
            }
          }
        } catch {
          guard !Task.isCancelled else { return }
          if error is ConsumerLost {
            events.log.warning("another process handles the events", ["consumer": .string(name)])
            continue
          }
          failures += 1
          events.log.error("a consumer of events cannot work", ["consumer": .string(name), "error": .error(error)])
          try? await time.sleep(for: Backoff.events.delay(failures: failures, random: events.random))
        }
      }
    }
  }

  private func acquire() async throws -> ConsumerCursor.Acquisition {
    try await database.write { [name, start, time] transaction in
      try ConsumerCursor.acquire(
        name, from: start, lease: UUID().uuidString, for: Self.lease, time: time, in: transaction)
    }
  }

  /// Told to stop or not, others should not have to wait.
  private func release(_ lease: String) async {
    await Task { [database, name, time, log = events.log] in
      do {
        try await database.write { try ConsumerCursor.release(name, lease: lease, time: time, in: $0) }
      } catch {
        log.warning("others wait for the end of a lease", ["consumer": .string(name), "error": .error(error)])
      }
    }.value
  }

  /// Never returns.
  private func work(lease: String, from position: Int64) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await keep(lease) }
      group.addTask {
        try await Bell.following([DomainEvents.published], of: database, time: time) { bell in
          try await handle(lease: lease, from: position, bell: bell)
        }
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  /// Extends the lease until it is lost.
  private func keep(_ lease: String) async throws {
    var extended = time.now
    while true {
      try await time.sleep(for: Self.extensionInterval)
      let start = time.now
      do {
        try await database.write { [name, time] transaction in
          try ConsumerCursor.extend(name, lease: lease, for: Self.lease, time: time, in: transaction)
        }
        extended = start
      } catch let error as DatabaseError {
        // Beyond this somebody else may have begun.
        guard time.now - extended < Self.lease - Self.extensionInterval else { throw error }
        events.log.warning("a lease was not extended", ["consumer": .string(name), "error": .error(error)])
      }
    }
  }

  private func handle(lease: String, from start: Int64, bell: Bell) async throws {
    var position = start
    var failures = 0
    while true {
      do {
        if let end = try await handleNext(after: position, lease: lease) {
          position = end
        } else {
          try await bell.wait(atMost: DomainEvents.longestWait)
        }
        failures = 0
      } catch let error as ConsumerLost {
        throw error
      } catch {
        try Task.checkCancellation()
        failures += 1
        let pause = Backoff.events.delay(failures: failures, random: events.random)
        events.metrics.batches(name, "failed").increment()
        events.log.warning(
          "events could not be handled and come again",
          [
            "consumer": .string(name), "after": .integer(position), "failures": .integer(Int64(failures)),
            "pause": .milliseconds(pause), "error": .error(error),
          ])
        try await time.sleep(for: pause)
        // What failed may have been stored all the same.
        position = try await database.read { [name] in try ConsumerCursor.position(name, lease: lease, in: $0) }
      }
    }
  }

  /// - Returns: up to where events are handled now; nil if there are none.
  private func handleNext(after position: Int64, lease: String) async throws -> Int64? {
    let new = try await events.events(after: position, limit: limit)
    guard let first = new.first, let last = new.last else { return nil }
    let missed = Int(first.position - position - 1)
    let batch = EventBatch(
      consumer: name, events: names.map { names in new.filter { names.contains($0.name) } } ?? new, missed: missed,
      end: last.position, lease: lease)
    if missed > 0 {
      events.metrics.missed(name).increment(by: missed)
      events.log.error(
        "events were removed before they were handled",
        ["consumer": .string(name), "count": .integer(Int64(missed)), "after": .integer(position)])
    }
    if missed > 0 || !batch.events.isEmpty {
      try await handler(batch)
      events.metrics.batches(name, "done").increment()
    }
    if !batch.isFinished.isSet {
      try await database.write { [name] transaction in
        try ConsumerCursor.advance(name, to: last.position, lease: lease, in: transaction)
      }
    }
    return last.position
  }
}
