import Synchronization

/// Events of one subscription that came together, of one session of one shard.
struct EventBurst<Payload: Sendable>: Sendable {
  let origin: EventOrigin
  var events: [Dispatched<Payload>]
  /// Those of `events`.
  var sequences: [Int64]

  var count: Int { sequences.count }

  /// Their receiver is done with them, or never gets them.
  func finish() { origin.finish(sequences) }

  mutating func append(_ other: EventBurst) {
    events += other.events
    sequences += other.sequences
  }

  /// Takes out the oldest.
  mutating func split(_ number: Int) -> EventBurst {
    let result = EventBurst(
      origin: origin, events: Array(events.prefix(number)), sequences: Array(sequences.prefix(number)))
    events.removeFirst(number)
    sequences.removeFirst(number)
    return result
  }
}

/// A bounded queue from shards to one consumer.
///
/// What came together stays together, so that events, which are large, are moved to the consumer and not copied.
final class EventQueue<Payload: Sendable>: Sendable {
  /// Bursts are joined up to this size, so that a slow consumer does not get one event at a time.
  private static var joinedSize: Int { 64 }

  fileprivate struct State {
    /// None is empty.
    var bursts: [EventBurst<Payload>] = []
    var count = 0
    var isFinished = false
    var consumer: CheckedContinuation<Void, Never>?
  }
  private let capacity: Int
  private let state = Mutex(State())

  init(capacity: Int) { self.capacity = max(1, capacity) }

  var waitingCount: Int { state.withLock { $0.count } }

  /// - Returns: the oldest, which had to make room; after ``finish()`` what was given.
  func push(_ burst: consuming EventBurst<Payload>) -> [EventBurst<Payload>] {
    // Given away for good: whoever drops the last reference destroys the events, and that should be the consumer.
    var given = Optional(consume burst)
    let (lost, consumer): ([EventBurst<Payload>], CheckedContinuation<Void, Never>?) = state.withLock { state in
      guard let burst = given.take() else { return ([], nil) }
      if state.isFinished { return ([burst], nil) }
      state.append(burst, joiningUpTo: Self.joinedSize)
      var lost: [EventBurst<Payload>] = []
      while state.count > capacity { lost.append(state.take(state.count - capacity)) }
      return (lost, state.consumer.take())
    }
    consumer?.resume()
    return lost
  }

  /// Some of what waits, the oldest first, at least one event; nil after ``finish()`` once all are taken. For one
  /// consumer.
  func next(maximum: Int = .max) async -> EventBurst<Payload>? {
    while true {
      let (taken, isFinished): (EventBurst<Payload>?, Bool) = state.withLock { state in
        (state.count > 0 ? state.take(maximum) : nil, state.isFinished)
      }
      if let taken { return taken }
      if isFinished { return nil }
      await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        let mustWait = state.withLock { state in
          guard state.count == 0, !state.isFinished else { return false }
          state.consumer = continuation
          return true
        }
        if !mustWait { continuation.resume() }
      }
    }
  }

  func finish() {
    let consumer = state.withLock { state in
      state.isFinished = true
      return state.consumer.take()
    }
    consumer?.resume()
  }
}

extension EventQueue.State {
  fileprivate mutating func append(_ burst: EventBurst<Payload>, joiningUpTo size: Int) {
    guard burst.count > 0 else { return }
    count += burst.count
    if let last = bursts.indices.last, bursts[last].origin === burst.origin, bursts[last].count + burst.count <= size {
      bursts[last].append(burst)
    } else {
      bursts.append(burst)
    }
  }

  /// Up to so many of the oldest burst, which there must be.
  fileprivate mutating func take(_ maximum: Int) -> EventBurst<Payload> {
    let taken = bursts[0].count > maximum ? bursts[0].split(maximum) : bursts.removeFirst()
    count -= taken.count
    return taken
  }
}
