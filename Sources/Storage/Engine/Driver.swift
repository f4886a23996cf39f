import Synchronization

public enum DatabaseEngine: String, Sendable {
  case sqlite, postgreSQL
}

enum Access: String, Sendable, CaseIterable {
  case read, write
  /// Reads page after page of much; see ``Database/scan(_:)``.
  case scan
}

/// One connection to an engine, confined to the thread that opened it.
protocol Connection: AnyObject {
  var engine: DatabaseEngine { get }
  /// Runs one statement inside the transaction that is open.
  func run(_ sql: String, _ parameters: [Parameter], mayWrite: Bool) throws -> StatementResult
  /// Runs one statement and shows its rows one after the other.
  func each(_ sql: String, _ parameters: [Parameter], mayWrite: Bool, _ body: (any RowSource) throws -> Void) throws
  /// Inserts rows, whose values stand one behind the other; see ``RowInsert``.
  func insert(_ values: [DatabaseValue], by statement: RowInsert) throws
}

/// The row at which a statement stands.
protocol RowSource {
  func integer(_ column: Int) -> Int64?
  func bytes<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer?) throws -> Result) rethrows -> Result
}

/// A transaction that waits for a connection, runs there, and is answered when its fate is known.
final class Job: Sendable {
  let access: Access
  let enqueued = ContinuousClock.now
  private let cancellation: Cancellation
  /// Runs the body, possibly more than once, and gives what delivers its result: to be called after the commit.
  let work: @Sendable (any Connection) throws -> Delivery
  let fail: @Sendable (any Error) -> Void

  typealias Delivery = @Sendable () -> Void

  init(
    access: Access, cancellation: Cancellation, work: @escaping @Sendable (any Connection) throws -> Delivery,
    fail: @escaping @Sendable (any Error) -> Void
  ) {
    self.access = access
    self.cancellation = cancellation
    self.work = work
    self.fail = fail
  }

  /// Whether the caller gave up before the transaction began. Answers the caller if so.
  func wasCancelled() -> Bool {
    guard cancellation.isCancelled else { return false }
    fail(CancellationError())
    return true
  }
}

/// Set by the waiting task, looked at by the thread that takes the job.
final class Cancellation: Sendable {
  private let flag = Atomic<Bool>(false)
  var isCancelled: Bool { flag.load(ordering: .acquiring) }
  func cancel() { flag.store(true, ordering: .releasing) }
}

/// How many connections there are and what they do.
public struct PoolFigures: Sendable, Equatable {
  /// Running a transaction at this moment.
  public var active: Int
  /// Open and waiting for work.
  public var idle: Int
  public var total: Int { active + idle }

  public init(active: Int, idle: Int) {
    self.active = active
    self.idle = idle
  }
}

protocol DatabaseDriver: Sendable {
  var engine: DatabaseEngine { get }
  /// See ``Database/generation``.
  var generation: UInt64? { get }
  /// Takes a job; it is answered in every case, at once if it cannot be taken.
  func submit(_ job: Job)
  var figures: PoolFigures { get }
  /// How many jobs wait for a connection.
  var waiting: Int { get }
  func backup(to path: String) async throws
  /// Begins, if it did not yet, to hear what other processes announce.
  func listenToOtherProcesses()
  /// Refuses new jobs, finishes those that wait, closes all connections.
  func close() async
  /// The same without waiting, for an owner that is gone.
  func abandon()
}

extension DatabaseDriver {
  func submit(_ job: Job, to queue: WorkQueue<Job>) {
    switch queue.push(job) {
    case .accepted: break
    case .full:
      job.fail(DatabaseError(.overloaded, "too many transactions are waiting (\(queue.capacity))"))
    case .closed:
      job.fail(DatabaseError(.closed, "the database is closed"))
    }
  }
}

/// Counts connections for ``PoolFigures``.
final class PoolCounter: Sendable {
  private let state = Mutex((active: 0, open: 0))

  var figures: PoolFigures {
    state.withLock { PoolFigures(active: $0.active, idle: max(0, $0.open - $0.active)) }
  }
  func opened() { state.withLock { $0.open += 1 } }
  func closed() { state.withLock { $0.open -= 1 } }
  func began() { state.withLock { $0.active += 1 } }
  func ended() { state.withLock { $0.active -= 1 } }
}
