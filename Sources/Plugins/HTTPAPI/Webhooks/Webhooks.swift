import Core
import Platform
import Storage

/// Webhooks of users: who wants to hear of what, and what became of it.
///
/// Every method that takes an owner works on that owner's webhooks and finds nothing of others. Deliveries of one webhook
/// are in the order of the events; one that fails holds back the later ones of its webhook, nobody else's. Each is made
/// at least once: after a crash in the middle of an attempt it is made again, with the same `X-Adjutant-Delivery`.
///
/// Bounds: ``maximumPerOwner`` webhooks; ``maximumBacklog`` waiting deliveries of one webhook, beyond which newer events
/// are not queued but counted (``Webhook/droppedEvents``); what has waited for ``maximumAge`` becomes a dead letter;
/// ``maximumFinished`` finished deliveries of one webhook are kept, taken ones for three days, dead letters for thirty.
public final class Webhooks: Sendable {
  public struct Settings: Sendable {
    /// Where the key is that seals secrets.
    public var directory: String
    /// `webhooks.allowPrivateAddresses`: also addresses inside of our own network, for tests and closed networks.
    public var allowsPrivateAddresses: Bool
    public var userAgent: String
    /// For one attempt.
    public var connectLimit = Duration.seconds(5)
    public var totalLimit = Duration.seconds(10)

    public init(directory: String, allowsPrivateAddresses: Bool = false, userAgent: String = "Adjutant") {
      self.directory = directory
      self.allowsPrivateAddresses = allowsPrivateAddresses
      self.userAgent = userAgent
    }
  }

  public static let maximumPerOwner = 20
  public static let maximumBacklog = 1000
  public static let maximumAge = Duration.seconds(3 * 86_400)
  public static let maximumFinished = 500
  /// Tests and redeliveries of one webhook that have not been sent yet.
  public static let maximumAside = 10
  /// The consumer's name.
  static let consumer = "webhooks"

  public let catalog: WebhookCatalog
  let database: Database
  let jobs: Jobs
  let events: DomainEvents
  let store: WebhookStore
  let time: any TimeSource
  let log: Log
  let metrics: WebhookMetrics
  private let rules: WebhookRules
  private let client: HTTPClient
  private let courier: WebhookCourier

  /// The tables (``WebhookTables``) must exist.
  /// - Throws: ``KeyFileError``; `HTTPClientError`.
  public static func open(
    _ settings: Settings, catalog: WebhookCatalog, shared: SharedState, log: Log = .silent,
    metrics: Metrics = Metrics()
  ) async throws -> Webhooks {
    try Webhooks(
      settings, catalog: catalog, shared: shared, vault: try await WebhookVault.open(directory: settings.directory),
      log: log.labelled("webhooks"), metrics: metrics)
  }

  private init(
    _ settings: Settings, catalog: WebhookCatalog, shared: SharedState, vault: WebhookVault, log: Log, metrics: Metrics
  ) throws {
    self.catalog = catalog
    database = shared.database
    jobs = shared.jobs
    events = shared.events
    store = WebhookStore(vault: vault)
    time = shared.time
    self.log = log
    self.metrics = WebhookMetrics(metrics)
    rules = WebhookRules(catalog: catalog, allowsPrivateAddresses: settings.allowsPrivateAddresses)
    client = try WebhookCourier.client(
      allowsPrivateAddresses: settings.allowsPrivateAddresses, userAgent: settings.userAgent, log: log, metrics: metrics
    )
    courier = WebhookCourier(
      client: client, limits: .init(connect: settings.connectLimit, total: settings.totalLimit), time: shared.time)
  }

  // MARK: - Keeping

  /// - Throws: ``WebhookError``.
  public func create(_ request: WebhookRequest, for owner: Subject) async throws -> Webhook {
    var request = request
    request.name = try rules.name(request.name)
    request.url = try rules.url(request.url)
    request.events = try rules.events(request.events)
    request.secret = try request.secret.map(rules.secret)
    request.headers = try rules.headers(request.headers)
    request.retry = try rules.retry(request.retry)
    let now = time.timestamp
    return try await database.write { [store, request] transaction in
      try transaction.lock("webhooks.of.\(owner)")
      let count = try transaction.query(
        "SELECT id FROM webhooks WHERE owner = $1 LIMIT $2", owner.description, Self.maximumPerOwner
      ) { _ in }.count
      guard count < Self.maximumPerOwner else { throw WebhookError.tooMany(limit: Self.maximumPerOwner) }
      let id = try store.insert(request, for: owner, at: now, in: transaction)
      return try store.webhook(id, of: owner, in: transaction)
    }
  }

  /// In the order in which they were made.
  public func list(of owner: Subject) async throws -> [Webhook] {
    try await database.read { [store] in
      try store.webhooks("WHERE owner = $1 ORDER BY id", [owner.description], in: $0)
    }
  }

  public func find(_ id: WebhookID, of owner: Subject) async throws -> Webhook {
    try await database.read { [store] in try store.webhook(id, of: owner, in: $0) }
  }

  /// Switching it on again forgets its failures; what waited goes out.
  public func update(_ id: WebhookID, of owner: Subject, _ changes: WebhookChanges) async throws -> Webhook {
    let name = try changes.name.map(rules.name)
    let url = try changes.url.map(rules.url)
    let events = try changes.events.map(rules.events)
    let headers = try changes.headers.map(rules.headers)
    let secret = try changes.secret.map { try $0.map(rules.secret) }
    let now = time.timestamp
    return try await database.write { [store, rules, jobs] transaction in
      var webhook = try store.webhook(id, of: owner, in: transaction)
      webhook.name = name ?? webhook.name
      webhook.url = url ?? webhook.url
      webhook.events = events ?? webhook.events
      webhook.headers = headers ?? webhook.headers
      if let guildID = changes.guildID { webhook.guildID = guildID }
      webhook.retry = try rules.retry(
        WebhookRetry(
          maxRetries: changes.maxRetries ?? webhook.retry.maxRetries,
          delayMilliseconds: changes.retryDelayMilliseconds ?? webhook.retry.delayMilliseconds,
          multiplier: changes.backoffMultiplier ?? webhook.retry.multiplier))
      webhook.updatedAt = now
      if let isActive = changes.isActive, isActive != webhook.isActive {
        webhook.isActive = isActive
        webhook.disabledReason = nil
        if isActive {
          try transaction.execute("UPDATE webhooks SET failures = 0, failing_since = NULL WHERE id = $1", id)
          try jobs.schedule(WebhookJobs.deliver, id.number, at: now, key: id.description, in: transaction)
        }
      }
      try store.update(webhook, in: transaction)
      if let secret { try store.setSecret(secret, of: webhook, in: transaction) }
      return try store.webhook(id, of: owner, in: transaction)
    }
  }

  /// Ends it at once, with its log and all that waits.
  public func delete(_ id: WebhookID, of owner: Subject) async throws {
    try await database.write { [self] transaction in
      guard try delete(id, of: owner, in: transaction) else { throw WebhookError.notFound }
    }
  }

  /// Ends all of an owner's, in the same way.
  /// - Returns: how many there were.
  public func deleteAll(of owner: Subject) async throws -> Int {
    try await database.write { [self] transaction in
      let ids = try transaction.query("SELECT id FROM webhooks WHERE owner = $1", owner.description) {
        try $0.value("id", as: WebhookID.self)
      }
      return try ids.count { try delete($0, of: owner, in: transaction) }
    }
  }

  private func delete(_ id: WebhookID, of owner: Subject, in transaction: Transaction) throws -> Bool {
    let count = try transaction.execute("DELETE FROM webhooks WHERE id = $1 AND owner = $2", id, owner.description)
    guard count == 1 else { return false }
    try transaction.execute("DELETE FROM webhook_deliveries WHERE webhook_id = $1", id)
    try jobs.withdraw(WebhookJobs.deliver, key: id.description, in: transaction)
    return true
  }

  // MARK: - Deliveries

  /// Sends a `test` event at once and once, past all that waits, also if the webhook is switched off.
  /// - Returns: its delivery, whose log will tell what came of it.
  @discardableResult
  public func test(_ id: WebhookID, of owner: Subject) async throws -> WebhookDelivery {
    let now = time.timestamp
    return try await database.write { [self] transaction in
      let webhook = try store.webhook(id, of: owner, in: transaction)
      try checkAside(id, in: transaction)
      let body: JSON = [
        "event": .string(WebhookCatalog.testName), "webhookId": .string(id.description),
        "message": "This is a test of the webhook \(webhook.name).", "timestamp": .string(now.iso8601),
      ]
      let sequence = try store.enqueue(
        WebhookCatalog.testName, body: body.serialized(), for: id, aside: true, at: now, in: transaction)
      try jobs.schedule(WebhookJobs.send, sequence, at: now, in: transaction)
      return try delivery("WHERE sequence = $1", [sequence], in: transaction)
    }
  }

  /// The latest deliveries, newest first.
  /// - Parameters:
  ///   - limit: 1 … 100.
  ///   - last: continues behind that one, the last of the page before.
  public func deliveries(
    of id: WebhookID, of owner: Subject, limit: Int = 50, after last: WebhookDelivery? = nil
  ) async throws -> [WebhookDelivery] {
    try await database.read { [store] transaction in
      _ = try store.webhook(id, of: owner, in: transaction)
      return try store.deliveries(
        "WHERE webhook_id = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT $3",
        [id, last?.sequence ?? Int64.max, max(1, min(limit, 100))], in: transaction)
    }
  }

  /// Sends a delivery that is over, taken or dead, once more: at once and once, past all that waits.
  public func redeliver(_ deliveryID: String, of id: WebhookID, of owner: Subject) async throws -> WebhookDelivery {
    let now = time.timestamp
    return try await database.write { [self] transaction in
      _ = try store.webhook(id, of: owner, in: transaction)
      let known = try delivery("WHERE webhook_id = $1 AND id = $2", [id, deliveryID], in: transaction)
      guard known.state != .pending else {
        throw WebhookError.invalid(field: "deliveryId", reason: "is still on its way")
      }
      try checkAside(id, in: transaction)
      try transaction.execute(
        """
        UPDATE webhook_deliveries SET state = 'pending', is_aside = $2, tries = 0, next_at = $3, finished_at = NULL
        WHERE sequence = $1
        """, known.sequence, true, now)
      try jobs.schedule(WebhookJobs.send, known.sequence, at: now, in: transaction)
      return try delivery("WHERE sequence = $1", [known.sequence], in: transaction)
    }
  }

  private func checkAside(_ id: WebhookID, in transaction: Transaction) throws {
    try transaction.lock("webhooks.aside.\(id)")
    guard try store.pending(id, aside: true, limit: Self.maximumAside, in: transaction) < Self.maximumAside else {
      throw WebhookError.tooManyWaiting(limit: Self.maximumAside)
    }
  }

  private func delivery(
    _ condition: String, _ parameters: [any DatabaseValueConvertible], in transaction: ReadTransaction
  ) throws -> WebhookDelivery {
    guard let delivery = try store.deliveries(condition, parameters, in: transaction).first else {
      throw WebhookError.notFound
    }
    return delivery
  }

  // MARK: - Work in the background

  /// Names who makes deliveries. Before `runner` starts.
  public func register(on runner: JobRunner) async {
    let worker = WebhookWorker(webhooks: self, courier: courier)
    await runner.handle(WebhookJobs.deliver) { number, _ in try await worker.deliver(WebhookID(number: number)) }
    await runner.handle(WebhookJobs.send) { sequence, _ in try await worker.send(sequence) }
  }

  /// Turns events into deliveries and removes old ones, until cancelled.
  public func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [self] in
        await events.consume(as: Self.consumer, names: catalog.sources, limit: 20) { [self] batch in
          try await WebhookFanOut(webhooks: self).queue(batch)
        }
      }
      group.addTask { [self] in await WebhookCleaning(webhooks: self).run() }
    }
  }

  /// Ends what is being sent. After the runner has stopped.
  public func shutdown() async { await client.shutdown() }
}

enum WebhookJobs {
  /// Keyed by webhook: its deliveries are made one after the other. A failed attempt is no failure of the job.
  static let deliver = JobKind<Int64>(
    "webhook.deliver", retry: JobRetry(first: .seconds(5), longest: .seconds(300), attempts: 1000), concurrency: 32)
  static let send = JobKind<Int64>("webhook.send", retry: JobRetry(attempts: 5), concurrency: 8)
}

struct WebhookMetrics: Sendable {
  let deliveries: Family<Counter>
  let attempts: Family<Counter>
  let disabled: Counter

  init(_ metrics: Metrics) {
    deliveries = metrics.counter(
      "adjutant_webhook_deliveries_total", help: "Deliveries queued, delivered, dead, or dropped at a full backlog",
      labels: ["outcome"])
    attempts = metrics.counter(
      "adjutant_webhook_attempts_total", help: "Attempts to deliver, by result", labels: ["outcome"])
    disabled = metrics.counter(
      "adjutant_webhooks_disabled_total", help: "Webhooks switched off after repeated failure")([])
  }
}
