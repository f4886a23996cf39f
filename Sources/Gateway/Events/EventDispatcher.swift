import Platform
import Synchronization

/// Who wants which events. Subscribe before the shards start; they take the list as it is then.
///
/// Each subscription has a queue of its own, so a slow handler holds up neither the shard nor the others. A full queue
/// drops its oldest events, counts them in `gateway_events_dropped_total` and says so in the log once per flood: an old
/// interaction is worth less than a new one, and memory must be bounded.
public final class EventDispatcher: Sendable {
  /// How a subscription's events reach its handler.
  public enum Delivery: Sendable {
    /// All that wait, in order of arrival per shard; the next batch follows when the handler returns.
    case ordered
    /// One at a time, so many beside each other. For handlers that take long.
    case concurrent(limit: Int)
  }

  private let subscriptions = Mutex<[any AnySubscription]>([])
  private let log: Log
  private let dropped: Family<Counter>

  public init(log: Log, metrics: Metrics) {
    self.log = log.labelled("events")
    dropped = metrics.counter(
      "gateway_events_dropped_total", help: "Events that a full queue let go", labels: ["event"])
  }

  /// Calls `handler` with events of that type until ``finish()``. An event counts as handled when the handler returns;
  /// until then a restart would bring it again.
  /// - Parameter capacity: how many events may wait.
  public func subscribe<Payload>(
    _ type: EventType<Payload>, capacity: Int = 4096, delivery: Delivery = .ordered,
    handler: @escaping @Sendable ([Dispatched<Payload>]) async -> Void
  ) {
    let subscription = Subscription(
      type: type, queue: EventQueue(capacity: capacity), dropped: dropped(type.name), log: log)
    subscriptions.withLock { $0.append(subscription) }
    let queue = subscription.queue
    switch delivery {
    case .ordered:
      Task {
        while let batch = await queue.next() {
          await handler(batch)
          for event in batch { event.receipt.finish() }
        }
      }
    case .concurrent(let limit):
      Task {
        await withTaskGroup(of: Void.self) { group in
          var running = 0
          while let batch = await queue.next(maximum: 1), let event = batch.first {
            if running >= max(1, limit) {
              await group.next()
              running -= 1
            }
            running += 1
            group.addTask {
              await handler([event])
              event.receipt.finish()
            }
          }
        }
      }
    }
  }

  /// No more events come: handlers get what waits, and then their tasks end.
  public func finish() {
    for subscription in subscriptions.withLock({ $0 }) { subscription.finish() }
  }

  func feeds() -> [any AnyFeed] { subscriptions.withLock { $0 }.map { $0.makeFeed() } }
}

private protocol AnySubscription: Sendable {
  func makeFeed() -> any AnyFeed
  func finish()
}

/// The end of a subscription inside one shard: collects what one burst of the socket brings.
protocol AnyFeed: AnyObject {
  var name: String { get }
  func read(_ data: JSONView, shard: ShardID, sessionID: String, sequence: Int64, receipt: HandledTracker.Receipt)
    throws
  func flush()
}

private struct Subscription<Payload: Sendable>: AnySubscription {
  let type: EventType<Payload>
  let queue: EventQueue<Dispatched<Payload>>
  let dropped: Counter
  let log: Log

  func makeFeed() -> any AnyFeed { Feed(subscription: self) }
  func finish() { queue.finish() }
}

private final class Feed<Payload: Sendable>: AnyFeed {
  private let subscription: Subscription<Payload>
  private var batch: [Dispatched<Payload>] = []
  private var isFlooded = false

  init(subscription: Subscription<Payload>) { self.subscription = subscription }

  var name: String { subscription.type.name }

  func read(_ data: JSONView, shard: ShardID, sessionID: String, sequence: Int64, receipt: HandledTracker.Receipt)
    throws
  {
    let payload = try subscription.type.read(data)
    batch.append(
      Dispatched(payload: payload, shard: shard, sessionID: sessionID, sequence: sequence, receipt: receipt))
  }

  func flush() {
    guard !batch.isEmpty else { return }
    let lost = subscription.queue.push(&batch)
    guard !lost.isEmpty else {
      isFlooded = false
      return
    }
    for event in lost { event.receipt.finish() }
    subscription.dropped.increment(by: lost.count)
    if !isFlooded {
      isFlooded = true
      subscription.log.warning(
        "events come faster than they are handled: the oldest are dropped", ["event": .string(name)])
    }
  }
}

/// A bounded queue from shards to one consumer.
final class EventQueue<Element: Sendable>: Sendable {
  private struct State {
    var items: [Element] = []
    var isFinished = false
    var consumer: CheckedContinuation<Void, Never>?
  }
  private let capacity: Int
  private let state = Mutex(State())

  init(capacity: Int) { self.capacity = max(1, capacity) }

  /// Moves the elements over, leaving `batch` empty but with its memory.
  /// - Returns: the oldest, which had to make room.
  func push(_ batch: inout [Element]) -> [Element] {
    let (lost, consumer): ([Element], CheckedContinuation<Void, Never>?) = state.withLock { state in
      if state.isFinished { return (batch, nil) }
      state.items += batch
      let excess = state.items.count - capacity
      var lost: [Element] = []
      if excess > 0 {
        lost = Array(state.items.prefix(excess))
        state.items.removeFirst(excess)
      }
      defer { state.consumer = nil }
      return (lost, state.consumer)
    }
    batch.removeAll(keepingCapacity: true)
    consumer?.resume()
    return lost
  }

  /// What waits, at least one element; nil after ``finish()`` once all are taken. For one consumer.
  func next(maximum: Int = .max) async -> [Element]? {
    while true {
      let (taken, isFinished): ([Element], Bool) = state.withLock { state in
        guard state.items.count > maximum else {
          defer { state.items = [] }
          return (state.items, state.isFinished)
        }
        let taken = Array(state.items.prefix(maximum))
        state.items.removeFirst(maximum)
        return (taken, state.isFinished)
      }
      if !taken.isEmpty { return taken }
      if isFinished { return nil }
      await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        let mustWait = state.withLock { state in
          guard state.items.isEmpty, !state.isFinished else { return false }
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
      defer { state.consumer = nil }
      return state.consumer
    }
    consumer?.resume()
  }
}
