import Synchronization

/// Knows which events of a shard's session handlers are still busy with, so that a saved session never skips one.
final class HandledTracker: Sendable {
  fileprivate struct State {
    /// Counts sessions: what still runs for an earlier one belongs to the past.
    var generation = 0
    /// The last sequence that was received.
    var received: Int64 = 0
    /// Events with receivers that are not done, in order.
    var open: [(sequence: Int64, receivers: Int)] = []
    var firstOpen = 0
  }
  private let state = Mutex(State())

  /// A session begins or is taken up.
  /// - Returns: its number, by which its events are reported as done.
  @discardableResult
  func begin(at sequence: Int64) -> Int {
    state.withLock { state in
      state = State(generation: state.generation + 1, received: sequence)
      return state.generation
    }
  }

  /// An event was received and goes to so many handlers.
  func open(_ sequence: Int64, receivers: Int) {
    state.withLock { state in
      state.received = max(state.received, sequence)
      if receivers > 0 { state.open.append((sequence, receivers)) }
    }
  }

  /// One of the receivers of each of these events is done with it.
  func finish(_ sequences: [Int64], generation: Int) {
    state.withLock { state in
      guard generation == state.generation else { return }
      for sequence in sequences { state.finish(sequence) }
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

extension HandledTracker.State {
  fileprivate mutating func finish(_ sequence: Int64) {
    guard let place = place(of: sequence) else { return }
    open[place].receivers -= 1
    while firstOpen < open.count, open[firstOpen].receivers <= 0 { firstOpen += 1 }
    if firstOpen == open.count {
      open.removeAll(keepingCapacity: firstOpen <= 4096)
      firstOpen = 0
    } else if firstOpen > 1024, firstOpen > open.count / 2 {
      open.removeSubrange(..<firstOpen)
      firstOpen = 0
    }
  }

  private func place(of sequence: Int64) -> Int? {
    // Most are done in the order in which they came.
    if firstOpen < open.count, open[firstOpen].sequence == sequence { return firstOpen }
    var low = firstOpen
    var high = open.count
    while low < high {
      let middle = (low + high) / 2
      if open[middle].sequence < sequence { low = middle + 1 } else { high = middle }
    }
    return low < open.count && open[low].sequence == sequence ? low : nil
  }
}

/// One session of one shard, as its events know it.
final class EventOrigin: Sendable {
  let shard: ShardID
  let sessionID: String
  fileprivate let tracker: HandledTracker
  fileprivate let generation: Int

  init(shard: ShardID, sessionID: String, tracker: HandledTracker, generation: Int) {
    self.shard = shard
    self.sessionID = sessionID
    self.tracker = tracker
    self.generation = generation
  }

  /// One of the receivers of each of these events is done with it, or never got it.
  func finish(_ sequences: [Int64]) { tracker.finish(sequences, generation: generation) }
}
