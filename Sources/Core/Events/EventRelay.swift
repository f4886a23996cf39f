import Platform
import Storage

/// Gives events their positions, on PostgreSQL.
///
/// Transactions take their ids when they write and become visible when they commit, in another order: whoever had read
/// up to id 7 would miss 5, committed later. So positions are given afterwards, to what is visible, by one transaction
/// at a time in all processes together. It is visible with its positions before the next can begin, hence a position is
/// never seen before all lower ones. Every process runs a relay; whichever comes first does the work.
struct EventRelay: Sendable {
  private static let batch = 1000

  let events: DomainEvents

  func run() async {
    await Bell.following([DomainEvents.written], of: events.database, time: events.time) { bell in
      var failures = 0
      while !Task.isCancelled {
        do {
          if try await publish() == 0 { try await bell.wait(atMost: DomainEvents.longestWait) }
          failures = 0
        } catch {
          guard !Task.isCancelled else { return }
          failures += 1
          if failures == 1 { events.log.error("events cannot be published, trying again", ["error": .error(error)]) }
          try? await events.time.sleep(for: Backoff.events.delay(failures: failures, random: events.random))
        }
      }
    }
  }

  /// - Returns: how many events got positions.
  func publish() async throws -> Int {
    try await events.database.write { transaction in
      // Before the lock: of several processes that are woken most find nothing to do.
      guard try Self.hasUnpublished(in: transaction) else { return 0 }
      try transaction.lock("domain_events.positions")
      // A statement of its own after the lock, so that it sees everything that its last holder did.
      let count = try transaction.query(
        "SELECT id FROM domain_events WHERE position IS NULL ORDER BY id LIMIT $1", Self.batch
      ) { try $0.value("id", as: Int64.self) }.count
      guard count > 0 else { return 0 }
      let last = try DomainEvents.takePositions(count, in: transaction)
      // More may have become visible since, but not less: so many are there.
      let changed = try transaction.execute(
        """
        UPDATE domain_events SET position = numbered.position
        FROM (
          SELECT waiting.id AS id, $1 + row_number() OVER (ORDER BY waiting.id) AS position
          FROM (SELECT id FROM domain_events WHERE position IS NULL ORDER BY id LIMIT $2) AS waiting
        ) AS numbered
        WHERE domain_events.id = numbered.id
        """, last - Int64(count), count)
      guard changed == count else {
        throw DatabaseError(.other, "\(count) events should get positions, but \(changed) did")
      }
      try transaction.announce(DomainEvents.published)
      return changed
    }
  }

  private static func hasUnpublished(in transaction: ReadTransaction) throws -> Bool {
    try transaction.queryOne("SELECT id FROM domain_events WHERE position IS NULL LIMIT 1") { _ in true } ?? false
  }
}

extension Backoff {
  /// After failures of the database, for whoever publishes or hears.
  static let events = Backoff(first: .seconds(1), limit: .seconds(60))
}
