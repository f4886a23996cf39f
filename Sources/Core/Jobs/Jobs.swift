import FoundationEssentials
import Platform
import Storage

/// Work that must happen later, whatever happens to this process: stored in the database, done at least once.
///
/// A job is scheduled in the transaction that makes it necessary. ``JobRunner`` does it; with several processes on one
/// database they share the work.
public struct Jobs: Sendable {
  /// What ``JobRunner`` looks at again when it is announced.
  static let topic = "jobs"

  let database: Database
  let time: any TimeSource

  /// Stores a job as part of a transaction: either both are stored or none.
  /// - Parameters:
  ///   - due: the earliest moment at which it runs.
  ///   - key: one job of a kind and key exists at most: scheduling it again replaces payload and time, also of one that
  ///     was given up. One that is running goes on to its end, never beside itself, and runs again at the new time.
  public func schedule<Payload>(
    _ kind: JobKind<Payload>, _ payload: Payload, at due: Timestamp, key: String? = nil, in transaction: Transaction
  ) throws {
    try transaction.execute(
      """
      INSERT INTO jobs (kind, key, payload, due_at, wake_at, created_at) VALUES ($1, $2, $3, $4, $4, $5)
      ON CONFLICT (kind, key) DO UPDATE
      SET payload = excluded.payload, due_at = excluded.due_at, version = jobs.version + 1,
          wake_at = CASE WHEN jobs.lease IS NULL THEN excluded.wake_at ELSE jobs.wake_at END,
          attempts = 0, last_error = NULL, given_up_at = NULL
      """, kind.name, key, try JSON(encoding: payload), due, time.timestamp)
    try transaction.announce(Self.topic)
  }

  /// The same in a transaction of its own.
  public func schedule<Payload>(
    _ kind: JobKind<Payload>, _ payload: Payload, at due: Timestamp, key: String? = nil
  ) async throws {
    try await database.write { try schedule(kind, payload, at: due, key: key, in: $0) }
  }

  /// Withdraws a job. One that is running is not stopped, but cannot ``JobRun/finish(in:)``.
  /// - Returns: whether there was one.
  @discardableResult
  public func withdraw<Payload>(_ kind: JobKind<Payload>, key: String, in transaction: Transaction) throws -> Bool {
    try transaction.execute("DELETE FROM jobs WHERE kind = $1 AND key = $2", kind.name, key) > 0
  }

  /// Whether there is a job of that kind and key that was not given up: one that waits, or runs.
  public func isScheduled<Payload>(
    _ kind: JobKind<Payload>, key: String, in transaction: ReadTransaction
  ) throws -> Bool {
    try transaction.queryOne(
      "SELECT id FROM jobs WHERE kind = $1 AND key = $2 AND given_up_at IS NULL", kind.name, key, row: { _ in true })
      ?? false
  }

  // MARK: - For the runner

  /// A job that this process has taken on, until its lease ends.
  struct Claim: Sendable {
    var id: Int64
    var lease: String
    /// Counts how often the job was scheduled again.
    var version: Int64
    var kind: String
    var payload: JSON
    var dueAt: Timestamp
    var attempt: Int
  }

  /// When the next job of each kind wants to be looked at.
  func nextWakes(of kinds: [String]) async throws -> [String: Timestamp] {
    try await database.read { transaction in
      var wakes: [String: Timestamp] = [:]
      for kind in kinds {
        wakes[kind] = try transaction.queryOne(
          "SELECT wake_at FROM jobs WHERE kind = $1 AND given_up_at IS NULL ORDER BY wake_at LIMIT 1", kind
        ) { try $0.value("wake_at", as: Timestamp.self) }
      }
      return wakes
    }
  }

  /// Takes on jobs that are due, the earliest first: at most so many of each kind. Nobody else gets them until `until`.
  func claim(_ limits: [String: Int], until: Timestamp) async throws -> [Claim] {
    let now = time.timestamp
    let claims = try await database.write { transaction in
      try limits.sorted { $0.key < $1.key }.flatMap { kind, limit in
        let lease = UUID().uuidString
        return try transaction.query(
          """
          UPDATE jobs SET lease = $1, wake_at = $2, attempts = attempts + 1
          WHERE id IN (
            SELECT id FROM jobs WHERE kind = $3 AND given_up_at IS NULL AND wake_at <= $4
            ORDER BY wake_at, id LIMIT $5 \(transaction.skippingHeldRows))
          RETURNING id, version, payload, due_at, attempts
          """, lease, until, kind, now, limit
        ) { row in
          Claim(
            id: try row["id"], lease: lease, version: try row["version"], kind: kind, payload: try row["payload"],
            dueAt: try row["due_at"], attempt: try row["attempts"])
        }
      }
    }
    return claims.sorted { ($0.dueAt, $0.id) < ($1.dueAt, $1.id) }
  }

  /// Keeps claims for longer.
  /// - Returns: the ids of those that are no longer ours.
  func extend(_ claims: [Claim], until: Timestamp) async throws -> Set<Int64> {
    try await database.write { transaction in
      var lost: Set<Int64> = []
      // In one order everywhere, so that two processes cannot hold rows crosswise.
      for claim in claims.sorted(by: { $0.id < $1.id }) {
        let count = try transaction.execute(
          "UPDATE jobs SET wake_at = $3 WHERE id = $1 AND lease = $2", claim.id, claim.lease, until)
        if count == 0 { lost.insert(claim.id) }
      }
      return lost
    }
  }

  enum Settlement: Sendable {
    case done
    /// Gave a result that asks for another run.
    case again(at: Timestamp)
    case failed(String, retryAt: Timestamp)
    case givenUp(String)
    /// Was told to stop in the middle: as if it had not begun.
    case interrupted
    /// Found that it was changed or withdrawn meanwhile.
    case lost
  }

  /// Writes down what became of a claim; nothing happens if it is no longer ours. A job that was scheduled again while it
  /// ran waits for its new time, whatever the old run came to.
  func settle(_ claim: Claim, _ settlement: Settlement) async throws {
    let now = time.timestamp
    try await database.write { transaction in
      if try !Self.apply(settlement, to: claim, at: now, in: transaction) {
        try transaction.execute(
          "UPDATE jobs SET lease = NULL, wake_at = due_at WHERE id = $1 AND lease = $2", claim.id, claim.lease)
      }
      try transaction.announce(Self.topic)
    }
  }

  /// - Returns: false if the job was changed or taken by another.
  private static func apply(
    _ settlement: Settlement, to claim: Claim, at now: Timestamp, in transaction: Transaction
  ) throws -> Bool {
    func update(_ changes: String, _ values: any DatabaseValueConvertible...) throws -> Bool {
      try transaction.execute(
        "UPDATE jobs SET lease = NULL, \(changes) WHERE id = $1 AND lease = $2 AND version = $3",
        parameters: [claim.id, claim.lease, claim.version] + values) > 0
    }
    switch settlement {
    case .done: return try remove(claim, in: transaction)
    case .again(let due):
      return try update("due_at = $4, wake_at = $4, attempts = 0, last_error = NULL", due)
    case .failed(let reason, let retry): return try update("wake_at = $4, last_error = $5", retry, shortened(reason))
    case .givenUp(let reason): return try update("given_up_at = $4, last_error = $5", now, shortened(reason))
    case .interrupted: return try update("wake_at = due_at, attempts = attempts - 1")
    case .lost: return false
    }
  }

  static func remove(_ claim: Claim, in transaction: Transaction) throws -> Bool {
    try transaction.execute(
      "DELETE FROM jobs WHERE id = $1 AND lease = $2 AND version = $3", claim.id, claim.lease, claim.version) > 0
  }

  /// Forgets jobs that were given up before that time.
  func forgetGivenUp(before limit: Timestamp) async throws {
    try await database.write { transaction in
      try transaction.execute("DELETE FROM jobs WHERE given_up_at < $1", limit)
    }
  }

  private static func shortened(_ reason: String) -> String { String(reason.prefix(1000)) }

  // MARK: - For people

  /// How many jobs wait or run, and how many were given up, by kind.
  public func counts() async throws -> [String: (open: Int, givenUp: Int)] {
    let rows = try await database.read { transaction in
      try transaction.query(
        """
        SELECT kind, count(*) AS total, count(given_up_at) AS given_up FROM jobs GROUP BY kind ORDER BY kind
        """
      ) { row in
        (
          kind: try row.value("kind", as: String.self), total: try row.value("total", as: Int.self),
          givenUp: try row.value("given_up", as: Int.self)
        )
      }
    }
    return Dictionary(uniqueKeysWithValues: rows.map { ($0.kind, ($0.total - $0.givenUp, $0.givenUp)) })
  }
}

extension JSON {
  /// The value that a type's `Codable` writes.
  init(encoding value: some Encodable) throws { self = try JSON(parsing: [UInt8](JSONEncoder().encode(value))) }

  /// The value that a type's `Codable` reads.
  func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
    try JSONDecoder().decode(type, from: Data(serialized().utf8))
  }
}
