import Platform

/// A consistent view of the database as it was when the transaction began.
///
/// Lives only inside the body given to ``Database/read(_:)`` or ``Database/write(_:)`` and cannot leave it: it is not
/// `Sendable`, and what the body returns is. Statements are written once for both engines: `$1`, `$2` … parameters,
/// `ON CONFLICT`, `RETURNING`, explicit `NULLS FIRST|LAST`, qualified columns in `ON CONFLICT … DO UPDATE`.
///
/// After a statement failed, the transaction is lost on PostgreSQL; so it is on SQLite too. Every later statement
/// throws, and the first error is thrown to the caller even if the body swallowed it.
public class ReadTransaction {
  let connection: any Connection
  private(set) var failure: (any Error)?

  init(connection: any Connection) { self.connection = connection }

  /// Which engine runs this; for the few places where the two cannot share a statement.
  public var engine: DatabaseEngine { connection.engine }

  /// All rows of the result, each turned into a value by `row`. The whole result is in memory: give it a `LIMIT`.
  public func query<Value>(
    _ sql: String, _ parameters: any DatabaseValueConvertible..., row: (Row) throws -> Value
  ) throws -> [Value] {
    try query(sql, parameters: parameters, row: row)
  }

  /// The same with the parameters in an array, for statements that are put together.
  public func query<Value>(
    _ sql: String, parameters: [any DatabaseValueConvertible], row: (Row) throws -> Value
  ) throws -> [Value] {
    let result = try run(sql, parameters)
    return try result.rows.map { try row(Row(columns: result.columns, values: $0)) }
  }

  /// The first row of the result, nil if there is none.
  public func queryOne<Value>(
    _ sql: String, _ parameters: any DatabaseValueConvertible..., row: (Row) throws -> Value
  ) throws -> Value? {
    let result = try run(sql, parameters)
    return try result.rows.first.map { try row(Row(columns: result.columns, values: $0)) }
  }

  func run(_ sql: String, _ values: [any DatabaseValueConvertible]) throws -> StatementResult {
    try attempt(sql) { try connection.run(sql, parameters(values, sql), mayWrite: mayWrite) }
  }

  func parameters(_ values: [any DatabaseValueConvertible], _ sql: String) throws -> [Parameter] {
    let parameters = values.map { Parameter($0) }
    for (index, parameter) in parameters.enumerated() {
      try parameter.validate(position: index + 1, sql: sql)
    }
    return parameters
  }

  /// Runs what belongs to one statement, and remembers if it failed.
  /// - Parameter harmless: an error that is none of the statement's.
  func attempt<Result>(
    _ sql: String, ignoring harmless: (any Error.Type)? = nil, _ body: () throws -> Result
  ) throws -> Result {
    if failure != nil {
      throw DatabaseError(.other, "an earlier statement of this transaction failed: nothing more can be done", sql: sql)
    }
    do { return try body() } catch {
      if harmless == nil || type(of: error) != harmless { failure = error }
      throw error
    }
  }

  var mayWrite: Bool { false }
}

/// A transaction that changes the database: all of it is stored, or nothing.
public final class Transaction: ReadTransaction {
  /// Runs one statement that returns no rows (or whose rows do not matter).
  /// - Returns: how many rows were inserted, updated or deleted.
  @discardableResult
  public func execute(_ sql: String, _ parameters: any DatabaseValueConvertible...) throws -> Int {
    try run(sql, parameters).changes
  }

  @discardableResult
  public func execute(_ sql: String, parameters: [any DatabaseValueConvertible]) throws -> Int {
    try run(sql, parameters).changes
  }

  /// Waits until no other transaction, in any process on this database, holds the lock of that name, and holds it until
  /// this transaction ends. Take several always in the same order.
  ///
  /// PostgreSQL: an advisory lock. SQLite has one writer, so every write transaction holds every lock already.
  public func lock(_ name: String) throws {
    switch engine {
    case .sqlite: break
    case .postgreSQL: _ = try run("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [name])
    }
  }

  /// The time by a clock that all processes on this database share.
  ///
  /// PostgreSQL: the server's, as its clients may run on several machines. SQLite: `local`, as they run on one.
  public func sharedTime(or local: any TimeSource) throws -> Timestamp {
    switch engine {
    case .sqlite: return local.timestamp
    case .postgreSQL:
      let milliseconds = try queryOne(
        "SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint) AS milliseconds"
      ) { try $0.value("milliseconds", as: Int64.self) }
      guard let milliseconds else { throw DatabaseError(.other, "the server did not tell the time") }
      return Timestamp(milliseconds: milliseconds)
    }
  }

  /// What follows a `SELECT` to pass over rows that another transaction holds at this moment, and to hold those found:
  /// how several processes share out one table's work. Empty on SQLite, whose one writer holds everything.
  public var skippingHeldRows: String { engine == .postgreSQL ? "FOR UPDATE SKIP LOCKED" : "" }

  /// Tells everyone who follows ``Database/changes(of:)``, in every process on this database, once this transaction is
  /// stored; nobody if it is not.
  /// - Parameter topic: at most 200 bytes.
  public func announce(_ topic: String) throws {
    precondition(topic.utf8.count <= 200, "a topic is a short name")
    switch engine {
    case .sqlite: announced.insert(topic)
    case .postgreSQL: _ = try run(PostgreSQLConnection.announcement, [topic])
    }
  }

  /// SQLite: topics to tell of after the commit. Other processes do not hear of them.
  private(set) var announced: Set<String> = []

  /// Runs `body` once this transaction is stored, on the database's thread and before the caller hears of it: for
  /// counting and the like, so it must be short. Not at all if the transaction is taken back, or its fate is unknown.
  public func afterCommit(_ body: @escaping @Sendable () -> Void) { effects.append(body) }

  private(set) var effects: [@Sendable () -> Void] = []

  override var mayWrite: Bool { true }
}
