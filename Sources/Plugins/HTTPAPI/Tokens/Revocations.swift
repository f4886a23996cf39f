import Platform
import Storage
import Synchronization

/// Tokens that ended before their time: stored in the database, asked in memory.
///
/// What this process revokes is refused by it from the next request on. Other processes on the same PostgreSQL hear of
/// it by `NOTIFY`, in milliseconds, and look again every ``pollInterval`` in any case; on SQLite, where no other process
/// hears anything, within that interval.
final class Revocations: Sendable {
  /// Followed by every process.
  static let topic = "httpapi.revocations"
  static let pollInterval = Duration.seconds(15)
  private static let pageSize = 10_000

  private struct State {
    /// Tokens and families, with the time after which nobody needs to know.
    var ids: [String: Timestamp] = [:]
    var generations: [String: Int64] = [:]
    /// The highest numbers read from the two tables.
    var lastRevocation: Int64 = 0
    var lastGeneration: Int64 = 0
    /// More was stored than is kept here: what is not found must be looked up.
    var isPartial = false
  }

  private let database: Database
  private let time: any TimeSource
  private let capacity: Int
  private let state = Mutex(State())

  /// - Parameter capacity: how many entries are kept in memory (about 100 bytes each). Beyond it every token that is not
  ///   found here costs a look at the database.
  init(database: Database, time: any TimeSource, capacity: Int = 200_000) {
    self.database = database
    self.time = time
    self.capacity = capacity
  }

  var count: Int { state.withLock { $0.ids.count + $0.generations.count } }

  func isRevoked(_ claims: TokenClaims) async throws -> Bool {
    let (isRevoked, isPartial) = state.withLock { state in
      let isRevoked =
        state.ids[claims.id] != nil || state.ids[claims.family] != nil
        || claims.generation < state.generations[claims.subject.description] ?? 0
      return (isRevoked, state.isPartial)
    }
    guard !isRevoked, isPartial else { return isRevoked }
    return try await database.read { try Self.isRevoked(claims, in: $0) }
  }

  /// The same from the database itself, as part of a transaction that depends on it.
  static func isRevoked(_ claims: TokenClaims, in transaction: ReadTransaction) throws -> Bool {
    let found = try transaction.query(
      "SELECT id FROM token_revocations WHERE id = $1 OR id = $2 LIMIT 1", claims.id, claims.family
    ) { try $0.value("id", as: String.self) }
    guard found.isEmpty else { return true }
    return claims.generation < (try generation(of: claims.subject, in: transaction))
  }

  /// How often all sessions of the subject were ended.
  static func generation(of subject: Subject, in transaction: ReadTransaction) throws -> Int64 {
    try transaction.queryOne("SELECT generation FROM token_generations WHERE subject = $1", subject) {
      try $0["generation"]
    } ?? 0
  }

  // MARK: Changing

  /// Whoever adds to the tables holds this lock until the end of the transaction, so that numbers become visible in their
  /// order: a reader that has seen 7 never misses 6.
  static func begin(in transaction: Transaction) throws {
    try transaction.lock(topic)
  }

  /// - Parameter id: a token's or a family's.
  /// - Returns: false if it was revoked already.
  static func revoke(_ id: String, until expiry: Timestamp, in transaction: Transaction) throws -> Bool {
    try transaction.execute(
      "INSERT INTO token_revocations (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", id, expiry) == 1
  }

  static func revokeAll(of subject: Subject, in transaction: Transaction) throws {
    let next = try generation(of: subject, in: transaction) + 1
    // Not updated in place: the row needs a new number.
    try transaction.execute("DELETE FROM token_generations WHERE subject = $1", subject)
    try transaction.execute(
      "INSERT INTO token_generations (subject, generation) VALUES ($1, $2)", subject, next)
  }

  // MARK: Following

  /// Takes in what was stored since the last time.
  func refresh() async throws {
    while try await refreshPage() {}
    prune()
  }

  /// - Returns: whether there may be more.
  private func refreshPage() async throws -> Bool {
    let (lastRevocation, lastGeneration) = state.withLock { ($0.lastRevocation, $0.lastGeneration) }
    let now = time.timestamp
    let (revocations, generations) = try await database.read { transaction in
      (
        try transaction.query(
          """
          SELECT number, id, expires_at FROM token_revocations WHERE number > $1 AND expires_at > $2
          ORDER BY number LIMIT $3
          """, lastRevocation, now, Self.pageSize
        ) { row in
          (
            number: try row.value("number", as: Int64.self), id: try row.value("id", as: String.self),
            expiry: try row.value("expires_at", as: Timestamp.self)
          )
        },
        try transaction.query(
          "SELECT number, subject, generation FROM token_generations WHERE number > $1 ORDER BY number LIMIT $2",
          lastGeneration, Self.pageSize
        ) { row in
          (
            number: try row.value("number", as: Int64.self), subject: try row.value("subject", as: String.self),
            generation: try row.value("generation", as: Int64.self)
          )
        }
      )
    }
    state.withLock { state in
      for entry in revocations {
        state.lastRevocation = max(state.lastRevocation, entry.number)
        if hasRoom(&state) { state.ids[entry.id] = entry.expiry }
      }
      for entry in generations {
        state.lastGeneration = max(state.lastGeneration, entry.number)
        let known = state.generations[entry.subject]
        if known != nil || hasRoom(&state) {
          state.generations[entry.subject] = max(known ?? 0, entry.generation)
        }
      }
    }
    return revocations.count == Self.pageSize || generations.count == Self.pageSize
  }

  private func hasRoom(_ state: inout State) -> Bool {
    if state.ids.count + state.generations.count < capacity { return true }
    state.isPartial = true
    return false
  }

  private func prune() {
    let now = time.timestamp
    state.withLock { state in
      state.ids = state.ids.filter { $0.value > now }
    }
  }

  /// Removes from the database what nobody needs to know any more.
  func clean() async throws {
    let now = time.timestamp
    try await database.write { transaction in
      try transaction.execute("DELETE FROM token_revocations WHERE expires_at <= $1", now)
      try transaction.execute("DELETE FROM refresh_tokens WHERE expires_at <= $1", now)
    }
  }
}
