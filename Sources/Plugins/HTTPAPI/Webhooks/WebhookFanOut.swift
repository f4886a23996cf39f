import Core
import Platform
import Storage

/// Turns events into deliveries: which webhooks want which, and may see it.
struct WebhookFanOut {
  private struct Letter: Sendable {
    var webhook: WebhookID
    var event: String
    var body: String
  }

  let webhooks: Webhooks

  /// Deliveries, their jobs and the place of the consumer are one transaction: each event is queued exactly once.
  func queue(_ batch: EventBatch) async throws {
    let letters = try await letters(for: batch.events)
    let now = webhooks.time.timestamp
    try await webhooks.database.write { [store = webhooks.store, jobs = webhooks.jobs, metrics = webhooks.metrics] in
      let transaction = $0
      var (queued, dropped) = (0, 0)
      // In the order of their ids, so that nobody holds rows crosswise.
      for (id, letters) in Dictionary(grouping: letters, by: \.webhook).sorted(by: { $0.key.number < $1.key.number }) {
        let waiting = try store.pending(id, aside: false, limit: Webhooks.maximumBacklog, in: transaction)
        let room = max(0, Webhooks.maximumBacklog - waiting)
        for letter in letters.prefix(room) {
          try store.enqueue(letter.event, body: letter.body, for: id, aside: false, at: now, in: transaction)
        }
        queued += min(room, letters.count)
        // What is old is kept and what is new left out: then what a receiver has seen has no holes until it is full.
        if letters.count > room {
          dropped += letters.count - room
          try transaction.execute(
            "UPDATE webhooks SET dropped_events = dropped_events + $2 WHERE id = $1", id, letters.count - room)
        }
        if room > 0 { try jobs.schedule(WebhookJobs.deliver, id.number, at: now, key: id.description, in: transaction) }
      }
      try batch.finish(in: transaction)
      transaction.afterCommit { [queued, dropped] in
        metrics.deliveries("queued").increment(by: queued)
        metrics.deliveries("dropped").increment(by: dropped)
      }
    }
  }

  private func letters(for events: [DomainEvent]) async throws -> [Letter] {
    let active = try await webhooks.database.read { [store = webhooks.store] in
      try store.webhooks("WHERE is_active = $1 ORDER BY id", [true], in: $0)
    }
    guard !active.isEmpty else { return [] }
    var letters: [Letter] = []
    for event in events {
      for outgoing in webhooks.catalog.events(from: event.name) {
        let interested = active.filter { webhook in
          webhook.events.contains(outgoing.name) && (webhook.guildID == nil || webhook.guildID == event.guildID)
        }
        guard !interested.isEmpty else { continue }
        do {
          letters += try await self.letters(for: event, as: outgoing, to: interested)
        } catch let error as DatabaseError {
          throw error  // the batch comes again
        } catch is CancellationError {
          throw CancellationError()
        } catch {
          // One event that cannot be told must not hold back all others for ever.
          webhooks.log.error(
            "an event could not be told to webhooks",
            ["event": .string(outgoing.name), "position": .integer(event.position), "error": .error(error)])
        }
      }
    }
    return letters
  }

  private func letters(
    for event: DomainEvent, as outgoing: WebhookEvent, to interested: [Webhook]
  ) async throws -> [Letter] {
    var hidden: [Subject: Set<String>] = [:]
    for owner in Set(interested.map(\.owner)) { hidden[owner] = try await outgoing.hidden(event, owner) }
    var letters: [Letter] = []
    for version in Set(hidden.values) {
      let targets = interested.filter { hidden[$0.owner] == version }
      for payload in try await outgoing.payloads(event, version) {
        let body = outgoing.document.wrap(payload, name: outgoing.name, at: event.at).serialized()
        letters += targets.map { Letter(webhook: $0.id, event: outgoing.name, body: body) }
      }
    }
    return letters
  }
}
