import Platform
import Storage

/// Removes old events, and measures how far behind consumers are.
struct EventHousekeeping {
  private static let measureInterval = Duration.seconds(15)
  private static let pruneInterval = Duration.seconds(3600)
  /// The most that one transaction removes.
  private static let batch = 1000

  let events: DomainEvents

  func run() async {
    var lastPrune: ContinuousClock.Instant?
    repeat {
      do {
        try await measure()
        if lastPrune.map({ events.time.now - $0 >= Self.pruneInterval }) ?? true {
          try await prune()
          lastPrune = events.time.now
        }
      } catch {
        guard !Task.isCancelled else { return }
        events.log.warning("events cannot be looked after; trying again soon", ["error": .error(error)])
      }
    } while (try? await events.time.sleep(for: Self.measureInterval)) != nil
  }

  func measure() async throws {
    let now = events.time.timestamp
    let (last, unpublished, consumers) = try await events.database.read { transaction in
      (
        try DomainEvents.lastPosition(in: transaction),
        // Bounded: a number so large says enough.
        try transaction.query("SELECT id FROM domain_events WHERE position IS NULL LIMIT 100000") { _ in }.count,
        try transaction.query(
          """
          SELECT name, position,
            (SELECT created_at FROM domain_events WHERE domain_events.position > domain_event_consumers.position
              ORDER BY domain_events.position LIMIT 1) AS oldest
          FROM domain_event_consumers ORDER BY name
          """
        ) { row in
          (
            name: try row.value("name", as: String.self), position: try row.value("position", as: Int64.self),
            oldest: try row.value("oldest", as: Timestamp?.self)
          )
        }
      )
    }
    events.metrics.unpublished.set(Double(unpublished))
    for consumer in consumers {
      events.metrics.lag(consumer.name).set(Double(last - consumer.position))
      events.metrics.age(consumer.name).set(max(0, consumer.oldest.map { (now - $0).inSeconds } ?? 0))
    }
  }

  /// Removes what is old enough, in small transactions.
  func prune() async throws {
    let retention = events.retention
    let now = events.time.timestamp
    let (old, older) = (now + (.zero - retention.least), now + (.zero - retention.longest))
    while true {
      let removed = try await events.database.write { [time = events.time] transaction in
        let alive = try transaction.sharedTime(or: time) + (.zero - retention.patience)
        let slowest = try transaction.queryOne(
          "SELECT position FROM domain_event_consumers WHERE lease_until >= $1 ORDER BY position LIMIT 1", alive
        ) { try $0.value("position", as: Int64.self) }
        // The inner limit bounds the search when the oldest are still young.
        return try transaction.execute(
          """
          DELETE FROM domain_events WHERE id IN (
            SELECT oldest.id FROM (
              SELECT id, position, created_at FROM domain_events WHERE position IS NOT NULL ORDER BY position LIMIT $1
            ) AS oldest
            WHERE (oldest.created_at < $2 AND oldest.position <= $3) OR oldest.created_at < $4
          )
          """, Self.batch, old, slowest ?? Int64.max, older)
      }
      guard removed > 0 else { return }
    }
  }
}
