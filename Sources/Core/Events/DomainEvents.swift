import Platform
import Storage

/// What happened, for everybody who wants to hear of it: stored in the transaction that made the change, published once
/// that is on disk, in one order that all processes agree on.
///
/// ```swift
/// try await database.write { transaction in
///   … the change …
///   try events.append(.init("kill.created", guild: guild, subjects: [.user(killer)], data: data), in: transaction)
/// }
/// ```
///
/// Two ways to listen. ``live(bound:)`` is for what matters only now (sockets of dashboards, figures): from this moment
/// on, in memory, with a bound. ``consume(as:from:names:limit:_:)`` is for what must happen (webhooks, kill feed): the
/// place up to which everything is handled is stored, so neither a crash nor a restart loses an event.
///
/// ``run()`` must run in every process for events to be published.
public final class DomainEvents: Sendable {
  /// How long events are kept.
  public struct Retention: Sendable {
    /// Whatever was handled.
    public var least = Duration.seconds(3 * 86_400)
    /// Also if a consumer that is alive has not handled them: one that fails for so long must not fill the disk.
    public var longest = Duration.seconds(30 * 86_400)
    /// A consumer that nobody has run for so long holds nothing back any more.
    public var patience = Duration.seconds(7 * 86_400)

    public init() {}
  }

  public static let maximumDataBytes = 64 << 10
  public static let maximumSubjects = 64

  /// Announced when events got positions.
  static let published = "domain_events"
  /// PostgreSQL: announced when events were written that wait for positions.
  static let written = "domain_events.written"
  /// Announced when a consumer ended in order, so that another process takes over at once.
  static let released = "domain_events.released"
  /// A look without being told, in case that a process wrote which tells nobody (a second one on SQLite).
  static let longestWait = Duration.seconds(30)

  let database: Database
  let time: any TimeSource
  let random: any RandomSource
  let retention: Retention
  let log: Log
  let metrics: EventMetrics
  private let hub = LiveEventHub()
  /// The last position when this was opened.
  private let start: Int64

  /// The tables must exist.
  static func open(
    _ database: Database, retention: Retention = Retention(), time: any TimeSource,
    random: any RandomSource = SystemRandom(), log: Log = .silent, metrics: Metrics = Metrics()
  ) async throws -> DomainEvents {
    DomainEvents(
      database: database, retention: retention, time: time, random: random, log: log.labelled("events"),
      metrics: EventMetrics(metrics), start: try await database.read(lastPosition))
  }

  private init(
    database: Database, retention: Retention, time: any TimeSource, random: any RandomSource, log: Log,
    metrics: EventMetrics, start: Int64
  ) {
    self.database = database
    self.retention = retention
    self.time = time
    self.random = random
    self.log = log
    self.metrics = metrics
    self.start = start
  }

  // MARK: - Writing

  /// Stores events as part of the transaction that makes them true: either both are stored or none.
  ///
  /// Append after the statements that make the change: events of transactions that wait for each other's rows are then
  /// in the order in which the changes happened.
  /// - Throws: ``DomainEventError``.
  public func append(_ drafts: [DomainEvent.Draft], in transaction: Transaction) throws {
    guard !drafts.isEmpty else { return }
    let now = time.timestamp
    let data = try drafts.map(Self.checked)
    // SQLite has one writer: the order of writing is that of the commits. PostgreSQL's positions come afterwards.
    let last = transaction.engine == .sqlite ? try Self.takePositions(drafts.count, in: transaction) : nil
    var values: [DatabaseValue] = []
    values.reserveCapacity(6 * drafts.count)
    for (index, draft) in drafts.enumerated() {
      values.append((last.map { $0 - Int64(drafts.count - 1 - index) }).databaseValue)
      values.append(.text(draft.name))
      values.append(draft.guildID.databaseValue)
      values.append(JSON.array(draft.subjects.map { .string($0.rawValue) }).databaseValue)
      values.append(.text(data[index]))
      values.append(now.databaseValue)
    }
    try transaction.insert(values, by: Self.insertion)
    try transaction.announce(transaction.engine == .sqlite ? Self.published : Self.written)
    var counts: [String: Int] = [:]
    for draft in drafts { counts[draft.name, default: 0] += 1 }
    transaction.afterCommit { [metrics, counts] in
      for (name, count) in counts { metrics.appended(name).increment(by: count) }
    }
  }

  public func append(_ draft: DomainEvent.Draft, in transaction: Transaction) throws {
    try append([draft], in: transaction)
  }

  private static let insertion = RowInsert(
    into: "domain_events",
    [
      "position": .integer, "name": .text, "guild_id": .text, "subjects": .json, "data": .json, "created_at": .integer,
    ])

  /// - Returns: its data as it is stored.
  private static func checked(_ draft: DomainEvent.Draft) throws -> String {
    guard !draft.name.isEmpty, draft.name.utf8.count <= 64,
      draft.name.utf8.allSatisfy({ byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
      })
    else { throw DomainEventError.invalidName(draft.name) }
    guard draft.subjects.count <= maximumSubjects else {
      throw DomainEventError.tooManySubjects(name: draft.name, count: draft.subjects.count)
    }
    let data = draft.data.serialized()
    guard data.utf8.count <= maximumDataBytes else {
      throw DomainEventError.tooLarge(name: draft.name, bytes: data.utf8.count)
    }
    return data
  }

  /// - Returns: the last of so many positions, which belong to this transaction alone.
  static func takePositions(_ count: Int, in transaction: Transaction) throws -> Int64 {
    let last = try transaction.query(
      "UPDATE domain_event_positions SET last = last + $1 RETURNING last", count
    ) { try $0.value("last", as: Int64.self) }
    guard last.count == 1 else { throw DatabaseError(.other, "domain_event_positions must have one row") }
    return last[0]
  }

  // MARK: - Reading

  /// The position of the event that was published last; 0 if none ever was.
  public func lastPosition() async throws -> Int64 { try await database.read(Self.lastPosition) }

  @Sendable static func lastPosition(in transaction: ReadTransaction) throws -> Int64 {
    let last = try transaction.queryOne("SELECT last FROM domain_event_positions") {
      try $0.value("last", as: Int64.self)
    }
    guard let last else { throw DatabaseError(.other, "domain_event_positions must have one row") }
    return last
  }

  /// What was published after `position`, in order.
  /// - Parameter limit: 1 … 1000.
  public func events(after position: Int64, limit: Int = 100) async throws -> [DomainEvent] {
    try await database.read { transaction in
      try transaction.query(
        "SELECT \(DomainEvent.columns) FROM domain_events WHERE position > $1 ORDER BY position LIMIT $2", position,
        max(1, min(limit, 1000)), row: DomainEvent.init)
    }
  }

  /// Events from now on, for as long as somebody listens.
  ///
  /// Each element is everything that came since the last one was fetched. A listener that falls more than `bound` events
  /// behind loses the oldest of them and is told how many.
  public func live(bound: Int = 1024) -> AsyncStream<LiveEvents> { hub.listen(bound: bound) }

  /// Handles events one batch after the other until the task is cancelled: in order, each at least once.
  ///
  /// The place up to which everything was handled is stored under `name`. Of several processes on one database one works
  /// for a name; another takes over when that one ends, or half a minute after it died. A batch whose handler throws
  /// comes again, after growing pauses of up to a minute, before anything later does.
  /// - Parameters:
  ///   - name: stored; at most 64 characters.
  ///   - start: where a name begins that was never used.
  ///   - names: the only events that matter; nil for all.
  ///   - limit: the most events in a batch.
  public func consume(
    as name: String, from start: EventStart = .now, names: Set<String>? = nil, limit: Int = 100,
    _ handler: @escaping @Sendable (EventBatch) async throws -> Void
  ) async {
    precondition(!name.isEmpty && name.utf8.count <= 64 && limit > 0 && limit <= 1000)
    await EventConsumer(events: self, name: name, start: start, names: names, limit: limit, handler: handler).run()
  }

  // MARK: - Work in the background

  /// Publishes events, feeds ``live(bound:)`` and removes what is old, until cancelled.
  public func run() async {
    await withTaskGroup(of: Void.self) { group in
      // SQLite's events are published with their own transaction.
      if database.engine == .postgreSQL { group.addTask { await EventRelay(events: self).run() } }
      group.addTask { [hub, start] in await LiveEventReader(events: self, hub: hub).run(from: start) }
      group.addTask { await EventHousekeeping(events: self).run() }
    }
  }
}

/// Where a consumer begins that is new.
public enum EventStart: Sendable {
  /// With the first event that is published after it.
  case now
  /// With the oldest event that is still kept.
  case oldest
}

struct EventMetrics: Sendable {
  let appended: Family<Counter>
  let batches: Family<Counter>
  let lag: Family<Gauge>
  let age: Family<Gauge>
  let unpublished: Gauge
  let missed: Family<Counter>

  init(_ metrics: Metrics) {
    appended = metrics.counter("adjutant_events_total", help: "Domain events stored", labels: ["name"])
    batches = metrics.counter(
      "adjutant_event_batches_total", help: "Batches of events given to a consumer, by outcome",
      labels: ["consumer", "outcome"])
    lag = metrics.gauge(
      "adjutant_event_consumer_lag", help: "Published events that a consumer has not handled yet", labels: ["consumer"])
    age = metrics.gauge(
      "adjutant_event_consumer_lag_seconds", help: "Age of the oldest event that a consumer has not handled yet",
      labels: ["consumer"])
    unpublished = metrics.gauge("adjutant_events_unpublished", help: "Events stored that have no position yet")([])
    missed = metrics.counter(
      "adjutant_events_missed_total", help: "Events that were removed before a consumer handled them",
      labels: ["consumer"])
  }
}
