import Platform
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import Core

/// One process that writes, publishes and hears events.
struct EventProcess: Sendable {
  let database: Database
  let events: DomainEvents
  let time: ManualTime
  let metrics: Metrics

  init(
    _ database: Database, time: ManualTime = ManualTime(), retention: DomainEvents.Retention = .init(),
    log: Log = .silent
  ) async throws {
    self.database = database
    self.time = time
    metrics = Metrics()
    try await database.migrate([DomainEvents.tables], time: time)
    events = try await DomainEvents.open(
      database, retention: retention, time: time, random: SeededRandom(seed: 1), log: log, metrics: metrics)
  }

  func append(_ numbers: some Sequence<Int> & Sendable, name: String = "test.counted") async throws {
    try await database.write { [events] transaction in
      try events.append(numbers.map { .init(name, data: ["n": .integer(Int64($0))]) }, in: transaction)
    }
  }

  /// Appends, and publishes at once if nobody runs a relay.
  func publish(_ numbers: some Sequence<Int> & Sendable, name: String = "test.counted") async throws {
    try await append(numbers, name: name)
    while try await EventRelay(events: events).publish() > 0 {}
  }

  /// Runs `body` while events are published and this process' consumers work; ends both afterwards.
  func running(_ consumers: [@Sendable (DomainEvents) async -> Void] = [], _ body: () async throws -> Void)
    async rethrows
  {
    let tasks = [Task { await events.run() }] + consumers.map { consumer in Task { await consumer(events) } }
    do {
      try await body()
    } catch {
      for task in tasks { task.cancel() }
      for task in tasks { await task.value }
      throw error
    }
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
  }
}

func withEvents(_ engine: TestEngine, _ body: (EventProcess) async throws -> Void) async throws {
  try await withTestDatabase(engine) { try await body(try await EventProcess($0)) }
}

/// Two processes on one database, each with its own clock.
func withTwoProcesses(_ engine: TestEngine, _ body: (EventProcess, EventProcess) async throws -> Void) async throws {
  try await withTestURL(engine) { url in
    let databases = (try await Database.open(url: url), try await Database.open(url: url))
    let outcome: Result<Void, any Error>
    do {
      let first = try await EventProcess(databases.0)
      outcome = .success(try await body(first, try await EventProcess(databases.1)))
    } catch { outcome = .failure(error) }
    await databases.0.close()
    await databases.1.close()
    try outcome.get()
  }
}

/// What was seen so far; a test waits until it is enough.
final class Recorded<Element: Sendable>: Sendable {
  private let elements = Mutex<[Element]>([])
  func add(_ element: Element) { elements.withLock { $0.append(element) } }
  func add(_ more: some Sequence<Element>) { elements.withLock { $0 += more } }
  var all: [Element] { elements.withLock { $0 } }
}

/// Returns once the condition holds; fails after a minute.
func eventually(
  _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + .seconds(60)
  while try await !condition() {
    try #require(ContinuousClock.now < deadline, what, sourceLocation: sourceLocation)
    try await Task.sleep(for: .milliseconds(5))
  }
}

extension DomainEvent {
  var number: Int { Int(data["n"]?.integer ?? -1) }
}
