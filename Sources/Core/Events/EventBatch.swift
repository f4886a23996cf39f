import Platform
import Storage
import Synchronization

/// Events that a durable consumer is to handle.
public struct EventBatch: Sendable {
  public let consumer: String
  /// In order. May be empty if ``missed`` is not 0.
  public let events: [DomainEvent]
  /// How many were removed for their age before this consumer got to them.
  public let missed: Int

  /// The position that is handled with this batch.
  let end: Int64
  let lease: String
  let isFinished = Flag()

  /// Notes that these events are handled, as part of the transaction that handles them, so that they are handled exactly
  /// once even if the process dies at the next moment. Without this a batch may come again after it was handled.
  /// - Throws: ``ConsumerLost``, which takes the whole transaction back: another process has taken over.
  public func finish(in transaction: Transaction) throws {
    try ConsumerCursor.advance(consumer, to: end, lease: lease, in: transaction)
    transaction.afterCommit { [isFinished] in isFinished.set() }
  }

  final class Flag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
  }
}

/// Another process works under that name now.
public struct ConsumerLost: Error, Sendable, Equatable {
  public let consumer: String
}

/// The row that says how far a consumer is and who works for it.
enum ConsumerCursor {
  enum Acquisition: Sendable {
    case acquired(lease: String, position: Int64)
    /// Somebody else works for it, at least for so long.
    case held(Duration)
  }

  static func acquire(
    _ name: String, from start: EventStart, lease: String, for duration: Duration, time: any TimeSource,
    in transaction: Transaction
  ) throws -> Acquisition {
    try transaction.lock("domain_events.consumer.\(name)")
    let now = try transaction.sharedTime(or: time)
    let known = try transaction.queryOne(
      "SELECT position, lease, lease_until FROM domain_event_consumers WHERE name = $1", name
    ) { row in
      (
        position: try row.value("position", as: Int64.self), lease: try row.value("lease", as: String?.self),
        until: try row.value("lease_until", as: Timestamp.self)
      )
    }
    guard let known else {
      let position = try first(start, in: transaction)
      try transaction.execute(
        "INSERT INTO domain_event_consumers (name, position, lease, lease_until) VALUES ($1, $2, $3, $4)",
        name, position, lease, now + duration)
      return .acquired(lease: lease, position: position)
    }
    if known.lease != nil, known.until > now { return .held(known.until - now) }
    try transaction.execute(
      "UPDATE domain_event_consumers SET lease = $2, lease_until = $3 WHERE name = $1", name, lease, now + duration)
    return .acquired(lease: lease, position: known.position)
  }

  private static func first(_ start: EventStart, in transaction: ReadTransaction) throws -> Int64 {
    switch start {
    case .now: return try DomainEvents.lastPosition(in: transaction)
    case .oldest:
      // First of all: what is published between the two looks is then found by the second.
      let last = try DomainEvents.lastPosition(in: transaction)
      let oldest = try transaction.queryOne(
        "SELECT position FROM domain_events WHERE position IS NOT NULL ORDER BY position LIMIT 1"
      ) { try $0.value("position", as: Int64.self) }
      return oldest.map { $0 - 1 } ?? last
    }
  }

  static func extend(
    _ name: String, lease: String, for duration: Duration, time: any TimeSource, in transaction: Transaction
  ) throws {
    let until = try transaction.sharedTime(or: time) + duration
    let count = try transaction.execute(
      "UPDATE domain_event_consumers SET lease_until = $3 WHERE name = $1 AND lease = $2", name, lease, until)
    guard count == 1 else { throw ConsumerLost(consumer: name) }
  }

  static func advance(_ name: String, to position: Int64, lease: String, in transaction: Transaction) throws {
    let count = try transaction.execute(
      "UPDATE domain_event_consumers SET position = $3 WHERE name = $1 AND lease = $2 AND position <= $3", name, lease,
      position)
    guard count == 1 else { throw ConsumerLost(consumer: name) }
  }

  static func position(_ name: String, lease: String, in transaction: ReadTransaction) throws -> Int64 {
    let position = try transaction.queryOne(
      "SELECT position FROM domain_event_consumers WHERE name = $1 AND lease = $2", name, lease
    ) { try $0.value("position", as: Int64.self) }
    guard let position else { throw ConsumerLost(consumer: name) }
    return position
  }

  /// Lets another process take over at once.
  static func release(_ name: String, lease: String, time: any TimeSource, in transaction: Transaction) throws {
    let now = try transaction.sharedTime(or: time)
    let count = try transaction.execute(
      "UPDATE domain_event_consumers SET lease = NULL, lease_until = $3 WHERE name = $1 AND lease = $2", name, lease,
      now)
    if count > 0 { try transaction.announce(DomainEvents.released) }
  }
}
