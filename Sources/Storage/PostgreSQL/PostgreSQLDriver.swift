import Platform

/// PostgreSQL through a pool of connections, each with a thread of its own that waits for the server.
///
/// A connection is opened when the first transaction needs it. When the server goes away, transactions that had begun
/// fail (`unavailable`, or `commitUnknown` if they were committing); those that wait are held back until the server is
/// there again, each for at most ``DatabaseOptions/connectTimeout``.
final class PostgreSQLDriver: DatabaseDriver {
  let engine = DatabaseEngine.postgreSQL
  var generation: UInt64? { nil }
  private let url: Secret<String>
  private let options: DatabaseOptions
  private let log: Log
  private let random: any RandomSource = SystemRandom()
  private let queue: WorkQueue<Job>
  private let threads = WorkerThreads()
  private let counter = PoolCounter()
  private let listener: PostgreSQLListener

  /// How often a transaction is run again that the server undid in favour of another.
  private static let maximumAttempts = 12

  init(url: Secret<String>, options: DatabaseOptions, hub: ChangeHub, log: Log) throws {
    self.url = url
    self.options = options
    self.log = log
    listener = try PostgreSQLListener(url: url, timeout: options.connectTimeout, hub: hub, log: log)
    queue = WorkQueue(capacity: options.maximumWaiting)
    do {
      for number in 1...max(1, options.poolSize) {
        try threads.start(name: "postgresql-\(number)") { [self] in loop() }
      }
    } catch {
      abandon()
      throw error
    }
  }

  func submit(_ job: Job) { submit(job, to: queue) }
  var figures: PoolFigures { counter.figures }
  var waiting: Int { queue.count }

  func backup(to path: String) async throws {
    throw DatabaseError(.configuration, "back up PostgreSQL with its own tool: pg_dump --format=custom --file=FILE URL")
  }

  func listenToOtherProcesses() { listener.start() }

  func close() async {
    queue.close()
    await listener.close()
    await threads.join()
  }

  func abandon() {
    queue.close()
    listener.abandon()
  }

  // MARK: - One thread, one connection

  private func loop() {
    var connection: PostgreSQLConnection?
    while let job = queue.pop() {
      if job.wasCancelled() { continue }
      counter.began()
      run(job, on: &connection)
      counter.ended()
      if connection?.isBroken == true { drop(&connection) }
    }
    if connection != nil { drop(&connection) }
  }

  private func run(_ job: Job, on slot: inout PostgreSQLConnection?) {
    var attempt = 0
    while true {
      attempt += 1
      do {
        let connection = try begin(job, on: &slot)
        do {
          let deliver = try job.work(connection)
          try connection.commit()
          return deliver()
        } catch {
          if !connection.isBroken, connection.isInTransaction { try connection.rollback() }
          guard connection.mustRetry, !connection.isBroken, attempt < Self.maximumAttempts else { throw error }
        }
        // Two that collided must not meet again at the same moment.
        threadSleep(random.duration(upTo: min(.milliseconds(4) * (1 << attempt), .milliseconds(500))))
      } catch {
        return job.fail(error)
      }
    }
  }

  /// Begins a transaction on the connection, or on a new one if the server closed it while it was idle.
  private func begin(_ job: Job, on slot: inout PostgreSQLConnection?) throws -> PostgreSQLConnection {
    if let idle = slot {
      do {
        try idle.tidy()
        try idle.begin(job.access)
        return idle
      } catch {
        guard idle.isBroken else { throw error }
        log.warning("lost the connection", ["error": .error(error)])
        drop(&slot)
      }
    }
    let fresh = try connect(until: job.enqueued + options.connectTimeout)
    counter.opened()
    slot = fresh
    try fresh.begin(job.access)
    return fresh
  }

  /// Tries again with growing, jittered pauses until the deadline.
  private func connect(until deadline: ContinuousClock.Instant) throws -> PostgreSQLConnection {
    var pause = Duration.milliseconds(50)
    while true {
      do {
        return try PostgreSQLConnection(
          url: url, timeout: options.connectTimeout, statementTimeout: options.statementTimeout)
      } catch {
        let wait = pause / 2 + random.duration(upTo: pause / 2)
        guard ContinuousClock.now + wait < deadline else { throw error }
        log.warning("cannot connect, trying again", ["error": .error(error), "pause": .milliseconds(wait)])
        threadSleep(wait)
        pause = min(pause * 2, .seconds(1))
      }
    }
  }

  private func drop(_ slot: inout PostgreSQLConnection?) {
    slot = nil
    counter.closed()
  }
}
