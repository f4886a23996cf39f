import Platform

/// Bounds and sizes; the defaults suit a bot on a small machine.
public struct DatabaseOptions: Sendable {
  /// How many transactions may wait for a connection before `overloaded` is thrown.
  public var maximumWaiting = 10_000
  /// SQLite: threads that read, each with a connection. PostgreSQL has one pool for both.
  public var readers = 4
  /// PostgreSQL: the most connections open at once.
  public var poolSize = 8
  /// SQLite: how long a transaction waits while another process writes.
  public var busyTimeout: Duration = .seconds(5)
  /// SQLite: the most transactions in one commit.
  public var batchSize = 256
  /// SQLite: how long one commit gathers transactions.
  public var batchDuration: Duration = .milliseconds(20)
  /// PostgreSQL: how long a transaction waits for a server that is away before it fails.
  public var connectTimeout: Duration = .seconds(5)
  /// PostgreSQL: how long one statement may run, waiting for locks included.
  public var statementTimeout: Duration = .seconds(30)

  public init() {}
}

/// A database: SQLite in a file, or PostgreSQL.
///
/// Work is given as a synchronous closure that runs on one of the database's own threads, so no transaction is ever
/// held open across an `await` and no thread of the cooperative pool waits for a disk. A task that is cancelled while
/// its transaction waits gets a `CancellationError` and nothing happens; once begun, a transaction runs to its end.
///
/// ```swift
/// let name = try await database.write { transaction in
///   try transaction.execute("UPDATE users SET global_name = $2 WHERE id = $1", id, name)
/// }
/// ```
public final class Database: Sendable {
  private let driver: any DatabaseDriver
  private let hub: ChangeHub
  private let metrics: DatabaseMetrics?

  /// Opens the database, creating an SQLite file and its directory if they are missing.
  /// - Parameter url: `sqlite:data/adjutant.db`, `sqlite:///var/lib/adjutant.db`, `sqlite::memory:` (for tests), or
  ///   `postgres://user:password@host:5432/name?sslmode=verify-full` with the parameters of libpq.
  /// - Throws: ``DatabaseError``; it never shows the URL's password.
  public static func open(
    url: String, options: DatabaseOptions = DatabaseOptions(), log: Log = .silent, metrics: Metrics? = nil
  ) async throws -> Database {
    let hub = ChangeHub()
    let driver: any DatabaseDriver =
      switch try DatabaseURL(url) {
      case .sqlite(let path): try SQLiteDriver(path: path, options: options, log: log.labelled("sqlite"))
      case .postgreSQL(let url):
        try PostgreSQLDriver(url: url, options: options, hub: hub, log: log.labelled("postgresql"))
      }
    let database = Database(driver: driver, hub: hub, metrics: metrics)
    do {
      // A wrong path or password is told at the start, not by the first command. The write makes the file usable.
      try await database.write { _ in }
      try await database.read { _ = try $0.query("SELECT 1 AS one") { _ in } }
    } catch {
      await database.close()
      throw error
    }
    return database
  }

  private init(driver: any DatabaseDriver, hub: ChangeHub, metrics: Metrics?) {
    self.driver = driver
    self.hub = hub
    self.metrics = metrics.map { DatabaseMetrics($0, driver: driver) }
  }

  deinit {
    hub.close()
    driver.abandon()
  }

  public var engine: DatabaseEngine { driver.engine }

  /// How many transactions have been stored; nil where other processes store some too (PostgreSQL).
  ///
  /// What was read after looking at this number is what is there as long as the number is the same: it has changed before
  /// anybody hears that a transaction was stored. Looking costs nothing. An SQLite database belongs to one process: what
  /// a command beside it stores (`adjutant token`) is not counted.
  public var generation: UInt64? { driver.generation }

  /// How many transactions wait for a connection.
  public var waiting: Int { driver.waiting }

  /// For health reports.
  public var figures: PoolFigures { driver.figures }

  /// Runs `body` on one unchanging view of the database.
  public func read<Result: Sendable>(
    _ body: @escaping @Sendable (ReadTransaction) throws -> Result
  ) async throws -> Result {
    try await read(.read, body)
  }

  /// The same for one page of very much that is read page after page, as an export does. SQLite runs all of these on one
  /// connection that keeps little in memory: what others read again and again stays in theirs.
  public func scan<Result: Sendable>(
    _ body: @escaping @Sendable (ReadTransaction) throws -> Result
  ) async throws -> Result {
    try await read(.scan, body)
  }

  private func read<Result: Sendable>(
    _ access: Access, _ body: @escaping @Sendable (ReadTransaction) throws -> Result
  ) async throws -> Result {
    try await perform(access) { connection in
      let transaction = ReadTransaction(connection: connection)
      return (try body(transaction), transaction.failure, [], [])
    }
  }

  /// Runs `body` in a transaction. It is stored on disk when this returns, and has no effect when this throws (but see
  /// `commitUnknown`). What `body` throws arrives here unchanged.
  ///
  /// `body` may run more than once, when the engine had to undo it in favour of another transaction: it must have no
  /// effect but through the transaction.
  @discardableResult
  public func write<Result: Sendable>(
    _ body: @escaping @Sendable (Transaction) throws -> Result
  ) async throws -> Result {
    try await perform(.write) { connection in
      let transaction = Transaction(connection: connection)
      return (try body(transaction), transaction.failure, transaction.announced, transaction.effects)
    }
  }

  /// Copies an SQLite database, as it is at this moment, into a new file (mode 0600) while work goes on.
  /// - Throws: for PostgreSQL, whose own `pg_dump` does this; if the file exists.
  public func backup(to path: String) async throws { try await driver.backup(to: path) }

  /// An element whenever a transaction that announced `topic` was stored, by this process or, on PostgreSQL, by any
  /// other; also after a broken connection, when one may have been missed. Elements that nobody fetched yet become one,
  /// so look at everything that may have changed. Ends with ``close()``.
  public func changes(of topic: String) -> AsyncStream<Void> {
    let stream = hub.listen(to: topic)
    driver.listenToOtherProcesses()
    return stream
  }

  /// Finishes what waits and closes all connections. Later calls throw `closed`.
  public func close() async {
    hub.close()
    await driver.close()
  }

  /// What a body did: its result, the error of a statement even if the body swallowed it, topics to tell of, what to run.
  private typealias Outcome<Result> = (
    Result, failure: (any Error)?, announced: Set<String>, effects: [@Sendable () -> Void]
  )

  private func perform<Result: Sendable>(
    _ access: Access, _ body: @escaping @Sendable (any Connection) throws -> Outcome<Result>
  ) async throws -> Result {
    let start = ContinuousClock.now
    let cancellation = Cancellation()
    do {
      let result = try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Result, any Error>) in
          let job = Job(access: access, cancellation: cancellation) { [hub] connection in
            let (result, failure, announced, effects) = try body(connection)
            if let failure { throw failure }
            return {
              for effect in effects { effect() }
              hub.wake(announced)
              continuation.resume(returning: result)
            }
          } fail: {
            continuation.resume(throwing: $0)
          }
          driver.submit(job)
        }
      } onCancel: {
        cancellation.cancel()
      }
      metrics?.count(access, since: start)
      return result
    } catch {
      metrics?.count(access, error: error, since: start)
      throw error
    }
  }
}
