import Core
import Platform
import Storage

/// Makes deliveries. ``JobRunner`` runs one job of a webhook at a time, so its deliveries go one after the other.
struct WebhookWorker: Sendable {
  /// The most deliveries of one webhook before others get their turn.
  private static let turn = 20

  let webhooks: Webhooks
  let courier: WebhookCourier

  private var time: any TimeSource { webhooks.time }

  /// Delivers what waits for a webhook, in order, until it is done, has to wait, or had its turn.
  func deliver(_ id: WebhookID) async throws -> JobResult {
    for _ in 0..<Self.turn {
      guard let next = try await next(of: id), next.webhook.isActive else { return .done }
      guard next.delivery.nextAt <= time.timestamp else { return .again(at: next.delivery.nextAt) }
      let delivery = try await attempt(next)
      if delivery.state == .pending { return .again(at: delivery.nextAt) }
    }
    return .again(at: time.timestamp)
  }

  /// Sends one delivery once, aside from the order.
  func send(_ sequence: Int64) async throws -> JobResult {
    let found = try await webhooks.database.read { [store = webhooks.store] transaction -> Next? in
      guard
        let delivery = try store.deliveries(
          "WHERE sequence = $1 AND is_aside = $2 AND state = 'pending'", [sequence, true], in: transaction
        ).first
      else { return nil }
      return try Self.next(delivery, store: store, in: transaction)
    }
    if let found { _ = try await attempt(found) }
    return .done
  }

  private struct Next: Sendable {
    var webhook: Webhook
    var delivery: WebhookDelivery
    var secret: WebhookStore.SigningSecret
  }

  private func next(of id: WebhookID) async throws -> Next? {
    let (next, isOrphan) = try await webhooks.database.read { [store = webhooks.store] transaction in
      let waiting = try store.deliveries(
        "WHERE webhook_id = $1 AND is_aside = $2 AND state = 'pending' ORDER BY sequence LIMIT 1", [id, false],
        in: transaction)
      let next = try waiting.first.flatMap { try Self.next($0, store: store, in: transaction) }
      return (next, next == nil && !waiting.isEmpty)
    }
    if isOrphan {
      // Queued at the moment at which it was deleted.
      try await webhooks.database.write {
        try $0.execute("DELETE FROM webhook_deliveries WHERE webhook_id = $1", id)
      }
    }
    return next
  }

  private static func next(
    _ delivery: WebhookDelivery, store: WebhookStore, in transaction: ReadTransaction
  ) throws -> Next? {
    guard let webhook = try store.webhooks("WHERE id = $1", [delivery.webhook], in: transaction).first else {
      return nil
    }
    return Next(webhook: webhook, delivery: delivery, secret: try store.secret(of: webhook, in: transaction))
  }

  /// - Returns: the delivery as it is afterwards.
  private func attempt(_ next: Next) async throws -> WebhookDelivery {
    var delivery = next.delivery
    if !delivery.isAside, time.timestamp - delivery.createdAt >= Webhooks.maximumAge {
      delivery.expire(at: time.timestamp)
    } else {
      let attempt: WebhookAttempt
      switch next.secret {
      case .none: attempt = try await courier.send(delivery, to: next.webhook, secret: nil)
      case .some(let secret): attempt = try await courier.send(delivery, to: next.webhook, secret: secret)
      case .lost:
        // Unsigned it would be taken for somebody else's.
        attempt = WebhookAttempt(
          at: time.timestamp, status: nil, milliseconds: 0,
          error: "the secret cannot be read any more: set it again", response: nil)
      }
      webhooks.metrics.attempts(attempt.isSuccess ? "success" : "failure").increment()
      delivery.note(attempt, retry: next.webhook.retry, at: time.timestamp)
    }
    try await record(delivery, of: next.webhook)
    return delivery
  }

  private func record(_ delivery: WebhookDelivery, of webhook: Webhook) async throws {
    let now = time.timestamp
    let (store, metrics, events) = (webhooks.store, webhooks.metrics, webhooks.events)
    // Told to stop or not: what was sent is written down, or it would be sent again.
    try await Task { [database = webhooks.database] in
      try await database.write { transaction in
        // The webhook first, as everywhere.
        if !delivery.isAside {
          try WebhookHealth.note(delivery, of: webhook, at: now, events: events, metrics: metrics, in: transaction)
        }
        guard try store.update(delivery, in: transaction), delivery.state != .pending else { return }
        try transaction.execute(
          """
          DELETE FROM webhook_deliveries WHERE webhook_id = $1 AND state <> 'pending' AND sequence <= (
            SELECT sequence FROM webhook_deliveries WHERE webhook_id = $1 AND state <> 'pending'
            ORDER BY sequence DESC LIMIT 1 OFFSET $2)
          """, webhook.id, Webhooks.maximumFinished)
        transaction.afterCommit { metrics.deliveries(delivery.state.rawValue).increment() }
      }
    }.value
  }
}

extension WebhookDelivery {
  /// How many attempts the log keeps.
  static let keptAttempts = 20

  /// What an attempt makes of it.
  mutating func note(_ attempt: WebhookAttempt, retry: WebhookRetry, at now: Timestamp) {
    attempts = Array((attempts + [attempt]).suffix(Self.keptAttempts))
    tries += 1
    if attempt.isSuccess {
      state = .delivered
      finishedAt = now
    } else if !isAside, let wait = retry.wait(after: tries) {
      nextAt = now + wait
    } else {
      state = .dead
      finishedAt = now
    }
  }

  mutating func expire(at now: Timestamp) {
    let reason = "it waited for more than \(Int(Webhooks.maximumAge.inSeconds) / 86_400) days"
    attempts = Array(
      (attempts + [WebhookAttempt(at: now, status: nil, milliseconds: 0, error: reason, response: nil)])
        .suffix(Self.keptAttempts))
    state = .dead
    finishedAt = now
  }
}

/// Switches a webhook off that has failed for long.
enum WebhookHealth {
  /// So many dead letters in a row, without one delivery between them …
  static let failures = 10
  /// … the first of them so long ago.
  static let patience = Duration.seconds(86_400)

  static func note(
    _ delivery: WebhookDelivery, of webhook: Webhook, at now: Timestamp, events: DomainEvents, metrics: WebhookMetrics,
    in transaction: Transaction
  ) throws {
    switch delivery.state {
    case .pending: break
    case .delivered:
      try transaction.execute(
        "UPDATE webhooks SET failures = 0, failing_since = NULL WHERE id = $1 AND failures > 0", webhook.id)
    case .dead:
      let health = try transaction.queryOne(
        """
        UPDATE webhooks SET failures = failures + 1, failing_since = COALESCE(failing_since, $2)
        WHERE id = $1 AND is_active = $3 RETURNING failures, failing_since
        """, webhook.id, now, true
      ) { row in
        (failures: try row.value("failures", as: Int.self), since: try row.value("failing_since", as: Timestamp.self))
      }
      guard let health, health.failures >= failures, now - health.since >= patience else { return }
      try disable(webhook, failures: health.failures, at: now, events: events, in: transaction)
      transaction.afterCommit { metrics.disabled.increment() }
    }
  }

  private static func disable(
    _ webhook: Webhook, failures: Int, at now: Timestamp, events: DomainEvents, in transaction: Transaction
  ) throws {
    let reason = "\(failures) deliveries in a row failed"
    try transaction.execute(
      "UPDATE webhooks SET is_active = $2, disabled_reason = $3, updated_at = $4 WHERE id = $1", webhook.id, false,
      reason, now)
    let user: UserID? = if case .user(let id) = webhook.owner { id } else { nil }
    try AuditLog.append(
      AuditEntry(
        userID: user ?? UserID(0), guildID: webhook.guildID, action: "webhook_disabled", category: "webhook",
        details: ["webhookId": .string(webhook.id.description), "reason": .string(reason)]), at: now, in: transaction)
    try events.append(
      .init(
        "webhook.disabled", guild: webhook.guildID, subjects: [EventSubject(rawValue: webhook.owner.description)],
        data: ["webhookId": .string(webhook.id.description), "reason": .string(reason)]), in: transaction)
  }
}
