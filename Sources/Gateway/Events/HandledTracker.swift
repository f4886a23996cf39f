import Synchronization

/// Knows which events of a shard's session handlers are still busy with, so that a saved session never skips one.
final class HandledTracker: Sendable {
  /// Names one event of one session.
  struct Receipt: Sendable {
    fileprivate let tracker: HandledTracker
    fileprivate let generation: Int
    fileprivate let sequence: Int64

    /// One of the event's receivers is done with it.
    func finish() { tracker.finish(self) }
  }

  private struct State {
    var generation = 0
    /// The last sequence that was received.
    var received: Int64 = 0
    /// Events with receivers that are not done, in order.
    var open: [(sequence: Int64, receivers: Int)] = []
    var firstOpen = 0
  }
  private let state = Mutex(State())

  /// A session begins or is taken up; what still runs belongs to the past.
  func begin(at sequence: Int64) {
    state.withLock { state in
      state = State(generation: state.generation + 1, received: sequence)
    }
  }

  /// An event was received and goes to so many handlers.
  func open(_ sequence: Int64, receivers: Int) -> Receipt {
    state.withLock { state in
      state.received = max(state.received, sequence)
      if receivers > 0 { state.open.append((sequence, receivers)) }
      return Receipt(tracker: self, generation: state.generation, sequence: sequence)
    }
  }

  private func finish(_ receipt: Receipt) {
    state.withLock { state in
      guard receipt.generation == state.generation else { return }
      var low = state.firstOpen
      var high = state.open.count
      while low < high {
        let middle = (low + high) / 2
        if state.open[middle].sequence < receipt.sequence { low = middle + 1 } else { high = middle }
      }
      guard low < state.open.count, state.open[low].sequence == receipt.sequence else { return }
      state.open[low].receivers -= 1
      while state.firstOpen < state.open.count, state.open[state.firstOpen].receivers <= 0 { state.firstOpen += 1 }
      if state.firstOpen == state.open.count {
        state.open.removeAll(keepingCapacity: state.firstOpen <= 4096)
        state.firstOpen = 0
      } else if state.firstOpen > 1024, state.firstOpen > state.open.count / 2 {
        state.open.removeSubrange(..<state.firstOpen)
        state.firstOpen = 0
      }
    }
  }

  /// Everything up to here is handled.
  var handledSequence: Int64 {
    state.withLock { state in
      state.firstOpen < state.open.count ? state.open[state.firstOpen].sequence - 1 : state.received
    }
  }

  var isIdle: Bool { state.withLock { $0.firstOpen == $0.open.count } }
}
