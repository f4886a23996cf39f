import Glibc

/// A bounded queue from tasks to dedicated threads: tasks never wait for it, threads sleep on it.
///
/// `@unchecked Sendable`: `outgoing`, `incoming` and `isClosed` are touched only under `mutex`.
final class WorkQueue<Element: Sendable>: @unchecked Sendable {
  enum Admission { case accepted, full, closed }

  let capacity: Int
  /// First out is last in `outgoing`; when that is empty, `incoming` is turned over. Both ends cost O(1).
  private var outgoing: [Element] = []
  private var incoming: [Element] = []
  private var isClosed = false
  // Owned: pthread objects must not move in memory.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init(capacity: Int) {
    self.capacity = capacity
    mutex.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  var count: Int { locked { outgoing.count + incoming.count } }

  func push(_ item: Element) -> Admission {
    let admission: Admission = locked {
      if isClosed { return .closed }
      if outgoing.count + incoming.count >= capacity { return .full }
      incoming.append(item)
      return .accepted
    }
    if admission == .accepted { pthread_cond_signal(condition) }
    return admission
  }

  /// The next item; waits for one. Nil once the queue is closed and empty.
  func pop() -> Element? {
    locked {
      while true {
        if let item = takeFirst() { return item }
        if isClosed { return nil }
        pthread_cond_wait(condition, mutex)
      }
    }
  }

  /// The next item if there is one.
  func popIfAny() -> Element? { locked { takeFirst() } }

  private func takeFirst() -> Element? {
    if outgoing.isEmpty {
      swap(&outgoing, &incoming)
      outgoing.reverse()
    }
    return outgoing.popLast()
  }

  /// No further items; those inside are still handed out.
  func close() {
    locked { isClosed = true }
    pthread_cond_broadcast(condition)
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }
}
