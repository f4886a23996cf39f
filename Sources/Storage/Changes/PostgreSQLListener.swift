import CLinux
import Glibc
import Platform
import Synchronization

/// Hears what other processes on the same PostgreSQL database announce (`LISTEN`), on a thread and a connection of its
/// own. Whenever the connection was away, every listener is woken, because something may have been missed.
final class PostgreSQLListener: Sendable {
  private let url: Secret<String>
  private let timeout: Duration
  private let hub: ChangeHub
  private let log: Log
  private let random: any RandomSource = SystemRandom()
  private let threads = WorkerThreads()
  /// Written to in order to end the thread's wait. Owned: closed in `deinit`, which runs after the thread has ended.
  private let wakeup: Int32
  private let isClosed = Atomic<Bool>(false)
  private let isStarted = Atomic<Bool>(false)

  /// How long a connection may be silent before it is asked whether it is still there.
  private static let patience = Duration.seconds(30)

  init(url: Secret<String>, timeout: Duration, hub: ChangeHub, log: Log) throws {
    self.url = url
    self.timeout = timeout
    self.hub = hub
    self.log = log
    wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard wakeup >= 0 else {
      throw DatabaseError(.unavailable, "no descriptor to wait on: \(String(cString: strerror(errno)))")
    }
  }

  deinit { Glibc.close(wakeup) }

  /// Begins to listen, at the first call.
  func start() {
    guard !isClosed.load(ordering: .acquiring), !isStarted.exchange(true, ordering: .acquiringAndReleasing) else {
      return
    }
    do {
      try threads.start(name: "postgresql-ears") { [self] in loop() }
    } catch {
      isStarted.store(false, ordering: .releasing)
      log.error("cannot listen to other processes", ["error": .error(error)])
    }
  }

  /// Makes the thread end.
  func abandon() {
    isClosed.store(true, ordering: .releasing)
    var one: UInt64 = 1
    // Fails only if the counter is full, and then it wakes already.
    _ = write(wakeup, &one, MemoryLayout<UInt64>.size)
  }

  func close() async {
    abandon()
    await threads.join()
  }

  // MARK: - On the thread

  private func loop() {
    var pause = Duration.milliseconds(100)
    while !isClosed.load(ordering: .acquiring) {
      do {
        let connection = try PostgreSQLConnection(url: url, timeout: timeout, statementTimeout: timeout)
        try connection.listen()
        pause = .milliseconds(100)
        hub.wakeAll()
        while try hear(connection) {}
      } catch {
        log.warning(
          "cannot hear other processes, trying again", ["error": .error(error), "pause": .milliseconds(pause)])
        // Half of it is chance, so that processes do not come back all at once.
        wait(for: nil, atMost: pause / 2 + random.duration(upTo: pause / 2))
        pause = min(pause * 2, .seconds(30))
      }
    }
  }

  /// - Returns: false once the listener is closed.
  private func hear(_ connection: PostgreSQLConnection) throws -> Bool {
    let isSilent = !wait(for: connection.socket, atMost: Self.patience)
    guard !isClosed.load(ordering: .acquiring) else { return false }
    if isSilent { try connection.ping() }
    hub.wake(try connection.announcements())
    return true
  }

  /// Waits until the socket has something to read, or the listener is closed, or the time is over.
  /// - Returns: whether there is something to look at.
  @discardableResult
  private func wait(for socket: Int32?, atMost limit: Duration) -> Bool {
    // A negative descriptor is passed over.
    var descriptors = [
      pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0),
      pollfd(fd: socket ?? -1, events: Int16(POLLIN), revents: 0),
    ]
    // Interrupted by a signal it returns early, which costs one look more.
    return poll(&descriptors, 2, Int32(limit / .milliseconds(1))) != 0
  }
}
