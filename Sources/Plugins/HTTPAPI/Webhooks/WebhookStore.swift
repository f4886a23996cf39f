import Core
import FoundationEssentials
import Platform
import Storage

/// The rows of webhooks and deliveries.
struct WebhookStore: Sendable {
  let vault: WebhookVault

  private static let columns = """
    id, owner, name, url, events, guild_id, secret, headers, max_retries, retry_delay, backoff_multiplier, is_active,
    disabled_reason, dropped_events, created_at, updated_at
    """

  // MARK: - Webhooks

  /// - Parameter condition: `WHERE …`, with parameters from `$1`.
  func webhooks(
    _ condition: String, _ parameters: [any DatabaseValueConvertible], in transaction: ReadTransaction
  ) throws -> [Webhook] {
    try transaction.query("SELECT \(Self.columns) FROM webhooks \(condition)", parameters: parameters, row: webhook)
  }

  func webhook(_ id: WebhookID, of owner: Subject, in transaction: ReadTransaction) throws -> Webhook {
    guard let webhook = try webhooks("WHERE id = $1 AND owner = $2", [id, owner.description], in: transaction).first
    else { throw WebhookError.notFound }
    return webhook
  }

  private func webhook(_ row: Row) throws -> Webhook {
    guard let owner = Subject(try row.value("owner", as: String.self)) else {
      throw DatabaseError(.decoding, "a webhook has no owner that can be read")
    }
    let events: JSON = try row["events"]
    let headers: [UInt8]? = try row["headers"]
    return Webhook(
      id: try row["id"], owner: owner, name: try row["name"], url: try row["url"],
      events: (events.array ?? []).compactMap(\.string), guildID: try row["guild_id"],
      hasSecret: try row.value("secret", as: [UInt8]?.self) != nil,
      // Sealed with a key that is gone: as lost as the secret, which is what its deliveries complain of.
      headers: try headers.flatMap { try vault.openHeaders($0, of: owner) } ?? [:],
      retry: WebhookRetry(
        maxRetries: try row["max_retries"], delayMilliseconds: try row["retry_delay"],
        multiplier: try row["backoff_multiplier"]),
      isActive: try row["is_active"], disabledReason: try row["disabled_reason"],
      droppedEvents: try row["dropped_events"], createdAt: try row["created_at"], updatedAt: try row["updated_at"])
  }

  func insert(
    _ request: WebhookRequest, for owner: Subject, at now: Timestamp, in transaction: Transaction
  ) throws -> WebhookID {
    let id = try transaction.queryOne(
      """
      INSERT INTO webhooks (
        owner, name, url, events, guild_id, secret, headers, max_retries, retry_delay, backoff_multiplier, is_active,
        created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12) RETURNING id
      """, owner.description, request.name, request.url, Self.json(request.events), request.guildID,
      try request.secret.map { try vault.seal($0.reveal(), for: owner) }, try vault.seal(request.headers, for: owner),
      request.retry.maxRetries, request.retry.delayMilliseconds, request.retry.multiplier, true, now
    ) { try $0.value("id", as: WebhookID.self) }
    guard let id else { throw DatabaseError(.other, "a new webhook has no id") }
    return id
  }

  /// Stores all but the secret, the owner and what we count.
  func update(_ webhook: Webhook, in transaction: Transaction) throws {
    try transaction.execute(
      """
      UPDATE webhooks SET name = $2, url = $3, events = $4, guild_id = $5, headers = $6, max_retries = $7,
        retry_delay = $8, backoff_multiplier = $9, is_active = $10, disabled_reason = $11, updated_at = $12
      WHERE id = $1
      """, webhook.id, webhook.name, webhook.url, Self.json(webhook.events), webhook.guildID,
      try vault.seal(webhook.headers, for: webhook.owner), webhook.retry.maxRetries, webhook.retry.delayMilliseconds,
      webhook.retry.multiplier, webhook.isActive, webhook.disabledReason, webhook.updatedAt)
  }

  func setSecret(_ secret: Secret<String>?, of webhook: Webhook, in transaction: Transaction) throws {
    try transaction.execute(
      "UPDATE webhooks SET secret = $2 WHERE id = $1", webhook.id,
      try secret.map { try vault.seal($0.reveal(), for: webhook.owner) })
  }

  /// What a webhook's deliveries are signed with.
  enum SigningSecret: Sendable {
    case none
    case some(Secret<String>)
    /// There is one, but the key that opens it is gone.
    case lost
  }

  func secret(of webhook: Webhook, in transaction: ReadTransaction) throws -> SigningSecret {
    let sealed = try transaction.queryOne("SELECT secret FROM webhooks WHERE id = $1", webhook.id) {
      try $0.value("secret", as: [UInt8]?.self)
    }
    guard let sealed = sealed.flatMap(\.self) else { return .none }
    return try vault.open(sealed, of: webhook.owner).map { .some(Secret($0)) } ?? .lost
  }

  private static func json(_ names: [String]) -> JSON { .array(names.map(JSON.string)) }

  // MARK: - Deliveries

  private static let deliveryColumns = """
    sequence, id, webhook_id, event, body, state, is_aside, tries, next_at, created_at, finished_at, attempts
    """

  func deliveries(
    _ condition: String, _ parameters: [any DatabaseValueConvertible], in transaction: ReadTransaction
  ) throws -> [WebhookDelivery] {
    try transaction.query(
      "SELECT \(Self.deliveryColumns) FROM webhook_deliveries \(condition)", parameters: parameters
    ) { row in
      let attempts: JSON = try row["attempts"]
      return WebhookDelivery(
        sequence: try row["sequence"], id: try row["id"], webhook: try row["webhook_id"], event: try row["event"],
        body: try row["body"], state: try row["state"], isAside: try row["is_aside"], tries: try row["tries"],
        nextAt: try row["next_at"], createdAt: try row["created_at"], finishedAt: try row["finished_at"],
        attempts: try JSONDecoder().decode([WebhookAttempt].self, from: Data(attempts.serialized().utf8)))
    }
  }

  /// - Returns: its sequence.
  @discardableResult
  func enqueue(
    _ event: String, body: String, for webhook: WebhookID, aside: Bool, at now: Timestamp, in transaction: Transaction
  ) throws -> Int64 {
    let sequence = try transaction.queryOne(
      """
      INSERT INTO webhook_deliveries (id, webhook_id, event, body, state, is_aside, next_at, created_at, attempts)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8) RETURNING sequence
      """, UUID().uuidString.lowercased(), webhook, event, body, WebhookDelivery.State.pending, aside, now,
      JSON.array([])
    ) { try $0.value("sequence", as: Int64.self) }
    guard let sequence else { throw DatabaseError(.other, "a new delivery has no number") }
    return sequence
  }

  /// How many wait, counted up to `limit`.
  func pending(_ webhook: WebhookID, aside: Bool, limit: Int, in transaction: ReadTransaction) throws -> Int {
    try transaction.query(
      "SELECT sequence FROM webhook_deliveries WHERE webhook_id = $1 AND is_aside = $2 AND state = 'pending' LIMIT $3",
      webhook, aside, limit
    ) { _ in }.count
  }

  /// Stores what became of a delivery, unless it is no longer waiting.
  func update(_ delivery: WebhookDelivery, in transaction: Transaction) throws -> Bool {
    let attempts = try JSON(parsing: [UInt8](JSONEncoder().encode(delivery.attempts)))
    return try transaction.execute(
      """
      UPDATE webhook_deliveries SET state = $2, is_aside = $3, tries = $4, next_at = $5, finished_at = $6, attempts = $7
      WHERE sequence = $1 AND state = 'pending'
      """, delivery.sequence, delivery.state, delivery.isAside, delivery.tries, delivery.nextAt, delivery.finishedAt,
      attempts) > 0
  }
}
