import Synchronization

/// Lets a limited number of tasks through at a time; the others wait in the order in which they came.
final class Gate: Sendable {
  private struct State {
    var free: Int
    var waiting: [CheckedContinuation<Bool, Never>] = []
  }
  private let state: Mutex<State>
  private let queueLimit: Int

  init(limit: Int, queueLimit: Int) {
    state = Mutex(State(free: limit))
    self.queueLimit = queueLimit
  }

  /// Returns true once there is room: the caller must then ``leave()``. False at once if too many wait already.
  func enter() async -> Bool {
    await withCheckedContinuation { continuation in
      let answer: Bool? = state.withLock { state in
        if state.free > 0 {
          state.free -= 1
          return true
        }
        guard state.waiting.count < queueLimit else { return false }
        state.waiting.append(continuation)
        return nil
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  func leave() {
    let next: CheckedContinuation<Bool, Never>? = state.withLock { state in
      if state.waiting.isEmpty {
        state.free += 1
        return nil
      }
      return state.waiting.removeFirst()
    }
    next?.resume(returning: true)
  }
}
