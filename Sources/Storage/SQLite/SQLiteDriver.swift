import Glibc
import Platform
import Synchronization

/// SQLite with one writer thread, several reader threads and one that scans, each with a connection of its own.
///
/// The writer puts the transactions that wait at the same time into one commit, since a commit costs a flush of the
/// disk however much is in it. An error takes back only its own changes: the others are run again without it. Nobody is
/// answered before the commit. Another process may use the file at the same time (a backup, `adjutant token`): both
/// wait for each other up to the busy timeout and then fail with `busy`.
///
/// `:memory:` has no readers: what one connection holds no other can see, so the writer reads too.
final class SQLiteDriver: DatabaseDriver {
  let engine = DatabaseEngine.sqlite
  private let path: String
  private let options: DatabaseOptions
  private let log: Log
  private let writes: WorkQueue<Job>
  private let reads: WorkQueue<Job>
  private let scans: WorkQueue<Job>
  private let writerThread = WorkerThreads()
  private let readerThreads = WorkerThreads()
  private let counter = PoolCounter()
  private let commits = Atomic<UInt64>(0)

  var generation: UInt64? { commits.load(ordering: .acquiring) }

  private var isInMemory: Bool { path == ":memory:" }

  init(path: String, options: DatabaseOptions, log: Log) throws {
    self.path = path
    self.options = options
    self.log = log
    writes = WorkQueue(capacity: options.maximumWaiting)
    reads = WorkQueue(capacity: options.maximumWaiting)
    scans = WorkQueue(capacity: options.maximumWaiting)
    if !isInMemory { try Self.prepareFile(path) }
    do {
      try writerThread.start(name: "sqlite-writer") { [self] in writeLoop() }
      guard !isInMemory else { return }
      for number in 1...max(1, options.readers) {
        try readerThreads.start(name: "sqlite-reader-\(number)") { [self] in readLoop(reads, .reader) }
      }
      try readerThreads.start(name: "sqlite-scanner") { [self] in readLoop(scans, .scanner) }
    } catch {
      abandon()
      throw error
    }
  }

  /// Makes the directory (0700) and the file (0600) if they are missing; SQLite gives its own files the same mode.
  private static func prepareFile(_ path: String) throws {
    func refused(_ what: String) -> DatabaseError {
      DatabaseError(.unavailable, "cannot create \(what): \(String(cString: strerror(errno)))")
    }
    var isDirectory = stat()
    var place = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
      place += part + "/"
      if stat(place, &isDirectory) == 0 { continue }
      guard mkdir(place, 0o700) == 0 || errno == EEXIST else { throw refused("the directory \(place)") }
    }
    try createFile(path, flags: 0)
  }

  private static func createFile(_ path: String, flags: Int32) throws {
    let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC | flags, 0o600)
    guard descriptor >= 0 else {
      throw DatabaseError(.unavailable, "cannot create \(path): \(String(cString: strerror(errno)))")
    }
    Glibc.close(descriptor)
  }

  func submit(_ job: Job) {
    switch job.access {
    case _ where isInMemory: submit(job, to: writes)
    case .write: submit(job, to: writes)
    case .read: submit(job, to: reads)
    case .scan: submit(job, to: scans)
    }
  }

  var figures: PoolFigures { counter.figures }
  var waiting: Int { writes.count + reads.count + scans.count }

  /// An SQLite database belongs to one process; what else opens it for a moment announces nothing.
  func listenToOtherProcesses() {}

  // MARK: - Reading

  private func readLoop(_ queue: WorkQueue<Job>, _ role: SQLiteConnection.Role) {
    serve(queue, role: role) { [self] job, connection in read(job, on: connection) }
  }

  private func read(_ job: Job, on connection: SQLiteConnection) {
    do {
      try connection.control("BEGIN")
      let deliver = try job.work(connection)
      try connection.control("COMMIT")
      deliver()
    } catch {
      connection.rollBack()
      job.fail(error)
    }
  }

  /// Takes jobs until the queue ends, on a connection that is opened for the first one, and anew when it became useless.
  private func serve(
    _ queue: WorkQueue<Job>, role: SQLiteConnection.Role, _ handle: (Job, SQLiteConnection) -> Void
  ) {
    var connection: SQLiteConnection?
    while let job = queue.pop() {
      if job.wasCancelled() { continue }
      counter.began()
      do {
        let open = try connection ?? connect(role)
        connection = open
        handle(job, open)
      } catch {
        job.fail(error)
      }
      counter.ended()
      if connection?.isUnusable == true {
        log.error("an SQLite connection is unusable and will be opened again")
        connection = nil
        counter.closed()
      }
    }
    if connection != nil { counter.closed() }
  }

  private func connect(_ role: SQLiteConnection.Role) throws -> SQLiteConnection {
    let connection = try SQLiteConnection(path: path, role: role, busyTimeout: options.busyTimeout)
    counter.opened()
    return connection
  }

  // MARK: - Writing

  /// Batches that run in savepoints after a transaction failed among others: failures come together.
  private static let cautiousBatches = 64

  private func writeLoop() {
    var caution = 0
    serve(writes, role: .writer) { [self] job, connection in
      writeBatch(startingWith: job, caution: &caution, on: connection)
    }
  }

  private typealias Done = (job: Job, deliver: Job.Delivery)

  /// Runs `first` and those that wait behind it, commits, and answers them.
  private func writeBatch(startingWith first: Job, caution: inout Int, on connection: SQLiteConnection) {
    var done: [Done] = []
    let deadline = ContinuousClock.now + options.batchDuration
    var inSavepoints = caution > 0
    caution = max(0, caution - 1)
    var next: Job? = first
    while let job = next {
      if !job.wasCancelled() {
        let was = inSavepoints
        guard run(job, after: &done, inSavepoints: &inSavepoints, on: connection) else { return }
        if inSavepoints != was { caution = Self.cautiousBatches }
      }
      let hasRoom = done.count < options.batchSize && ContinuousClock.now < deadline
      next = hasRoom ? writes.popIfAny() : nil
    }
    guard !done.isEmpty else { return }

    do {
      try commit(on: connection)
      for entry in done { entry.deliver() }
    } catch {
      connection.rollBack()
      // A deferred foreign key is checked here. One transaction's mistake must not cost the others theirs.
      let isConstraint = if case .constraint = (error as? DatabaseError)?.kind { true } else { false }
      for entry in done {
        if isConstraint, !connection.isUnusable { writeAlone(entry.job, on: connection) } else { entry.job.fail(error) }
      }
    }
  }

  /// Runs a job in the open transaction, behind those that are done.
  ///
  /// Without a savepoint, for which SQLite would copy every page that the job changes. Should it fail after it changed
  /// something, the transaction is taken back and what was done is done again, each in a savepoint.
  /// - Returns: false if the transaction is gone, and all of it answered.
  private func run(
    _ job: Job, after done: inout [Done], inSavepoints: inout Bool, on connection: SQLiteConnection
  ) -> Bool {
    let writes = connection.writes
    do {
      let deliver =
        if done.isEmpty { try begin(with: job, on: connection) } else if inSavepoints {
          try runInSavepoint(job, on: connection)
        } else { try job.work(connection) }
      done.append((job, deliver))
      return true
    } catch {
      job.fail(error)
      if done.isEmpty { return !connection.isUnusable }
      // A full disk or a damaged page ends the whole transaction: with it goes what the others did.
      guard !connection.isUnusable, connection.isInTransaction else {
        for entry in done { entry.job.fail(error) }
        return false
      }
      guard !inSavepoints, connection.writes != writes else { return true }
      connection.rollBack()
      guard !connection.isUnusable else {
        for entry in done { entry.job.fail(error) }
        return false
      }
      inSavepoints = true
      let again = done
      done = []
      for (place, entry) in again.enumerated() {
        guard run(entry.job, after: &done, inSavepoints: &inSavepoints, on: connection) else {
          for rest in again[(place + 1)...] { rest.job.fail(error) }
          return false
        }
      }
      return true
    }
  }

  /// Counted even if it fails: what an error left on the disk is not known.
  private func commit(on connection: SQLiteConnection) throws {
    defer { commits.add(1, ordering: .releasing) }
    try connection.control("COMMIT")
  }

  /// Runs the job that a transaction begins with. If it fails there is nothing else to keep, so it needs no savepoint,
  /// for which SQLite would copy every page that it changes.
  private func begin(with job: Job, on connection: SQLiteConnection) throws -> Job.Delivery {
    try connection.control("BEGIN IMMEDIATE")
    do { return try job.work(connection) } catch {
      connection.rollBack()
      throw error
    }
  }

  private func writeAlone(_ job: Job, on connection: SQLiteConnection) {
    do {
      let deliver = try begin(with: job, on: connection)
      try commit(on: connection)
      deliver()
    } catch {
      connection.rollBack()
      job.fail(error)
    }
  }

  private func runInSavepoint(_ job: Job, on connection: SQLiteConnection) throws -> Job.Delivery {
    try connection.control("SAVEPOINT job")
    do {
      let deliver = try job.work(connection)
      try connection.control("RELEASE job")
      return deliver
    } catch {
      do {
        if connection.isInTransaction {
          try connection.control("ROLLBACK TO job")
          try connection.control("RELEASE job")
        }
      } catch {
        connection.rollBack()  // rather all than half of this one
      }
      throw error
    }
  }

  // MARK: - Backup, end

  func backup(to target: String) async throws {
    guard !isInMemory else { throw DatabaseError(.configuration, "a database in memory has no backup") }
    let thread = WorkerThreads()
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      do {
        try thread.start(name: "sqlite-backup") { [self] in
          continuation.resume(with: Result { try copy(to: target) })
        }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  /// Copies beside the target and renames, so that a file of that name is always a whole backup.
  private func copy(to target: String) throws {
    var known = stat()
    guard stat(target, &known) != 0 else {
      throw DatabaseError(.other, "\(target) exists already: a backup does not replace a file")
    }
    let partial = target + ".partial"
    unlink(partial)  // what an interrupted backup left
    try Self.createFile(partial, flags: O_EXCL)
    do {
      try SQLiteConnection(path: path, role: .copier, busyTimeout: options.busyTimeout).copy(to: partial)
      // link() refuses where rename() would replace what came in between.
      guard link(partial, target) == 0 else {
        throw DatabaseError(.unavailable, "cannot create \(target): \(String(cString: strerror(errno)))")
      }
      unlink(partial)
    } catch {
      unlink(partial)
      throw error
    }
  }

  func close() async {
    // Readers first: the last connection to close writes the log back into the file, which a reader cannot.
    reads.close()
    scans.close()
    await readerThreads.join()
    writes.close()
    await writerThread.join()
  }

  func abandon() {
    reads.close()
    scans.close()
    writes.close()
  }
}
