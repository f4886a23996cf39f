import CLinux
import Glibc
import Synchronization

/// Threads of our own for calls that wait for a disk or a server, so that no thread of the cooperative pool does.
final class WorkerThreads: Sendable {
  private struct State {
    var running = 0
    var waiters: [CheckedContinuation<Void, Never>] = []
  }
  private let state = Mutex(State())

  /// - Throws: ``DatabaseError`` if the system gives no thread.
  func start(name: String, _ body: @escaping @Sendable () -> Void) throws {
    state.withLock { $0.running += 1 }
    do {
      try startThread(name: name) { [self] in
        body()
        ended()
      }
    } catch {
      ended()
      throw error
    }
  }

  /// Returns when all have ended.
  func join() async {
    await withCheckedContinuation { continuation in
      let done = state.withLock { state in
        if state.running > 0 { state.waiters.append(continuation) }
        return state.running == 0
      }
      if done { continuation.resume() }
    }
  }

  private func ended() {
    let waiters = state.withLock { state in
      state.running -= 1
      guard state.running == 0 else { return [CheckedContinuation<Void, Never>]() }
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }
}

private final class ThreadBody: Sendable {
  let name: String
  let run: @Sendable () -> Void
  init(name: String, run: @escaping @Sendable () -> Void) {
    self.name = name
    self.run = run
  }
}

private func startThread(name: String, _ body: @escaping @Sendable () -> Void) throws {
  // Signals belong to the main thread: a new thread inherits the mask of the one that makes it.
  var all = sigset_t()
  var before = sigset_t()
  sigfillset(&all)
  pthread_sigmask(SIG_BLOCK, &all, &before)
  defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

  let context = Unmanaged.passRetained(ThreadBody(name: name, run: body))  // released by threadMain
  var thread = pthread_t()
  let status = pthread_create(&thread, nil, threadMain, context.toOpaque())
  guard status == 0 else {
    context.release()
    throw DatabaseError(.unavailable, "cannot start a thread: \(String(cString: strerror(status)))")
  }
  pthread_detach(thread)
}

private func threadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { return nil }
  let body = Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue()
  adj_name_thread(body.name)
  body.run()
  return nil
}

/// Sleeps on a thread of our own; never called on the cooperative pool.
func threadSleep(_ duration: Duration) {
  let (seconds, attoseconds) = max(duration, .zero).components
  var left = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
  var rest = timespec()
  while nanosleep(&left, &rest) == -1, errno == EINTR { left = rest }
}
