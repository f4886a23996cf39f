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
    let waiting = metrics.gauge(
      "gateway_events_waiting", help: "Events received that their handlers have not taken yet", labels: ["event"])
    metrics.onCollect { [weak self] in
      guard let subscriptions = self?.subscriptions.withLock({ $0 }) else { return }
      for (event, group) in Dictionary(grouping: subscriptions, by: \.name) {
        waiting(event).set(Double(group.reduce(0) { $0 + $1.waitingCount }))
      }
    }
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
        while let burst = await queue.next() {
          await handler(burst.events)
          burst.finish()
        }
      }
    case .concurrent(let limit):
      Task {
        await withTaskGroup(of: Void.self) { group in
          var running = 0
          while let burst = await queue.next(maximum: 1) {
            if running >= max(1, limit) {
              await group.next()
              running -= 1
            }
            running += 1
            group.addTask {
              await handler(burst.events)
              burst.finish()
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
  /// Of the event.
  var name: String { get }
  var waitingCount: Int { get }
  func makeFeed() -> any AnyFeed
  func finish()
}

/// The end of a subscription inside one shard: collects what one burst of the socket brings.
protocol AnyFeed: AnyObject {
  var name: String { get }
  /// - Throws: if the payload cannot be read; the event is then not this feed's any more.
  func read(_ data: JSONView, sequence: Int64, origin: EventOrigin) throws
  func flush()
}

private struct Subscription<Payload: Sendable>: AnySubscription {
  let type: EventType<Payload>
  let queue: EventQueue<Payload>
  let dropped: Counter
  let log: Log

  var name: String { type.name }
  var waitingCount: Int { queue.waitingCount }

  func makeFeed() -> any AnyFeed { Feed(subscription: self) }
  func finish() { queue.finish() }
}

private final class Feed<Payload: Sendable>: AnyFeed {
  private let subscription: Subscription<Payload>
  /// What came since the last flush, all of one session.
  private var events: [Dispatched<Payload>] = []
  private var sequences: [Int64] = []
  private var origin: EventOrigin?
  /// How many the last burst held: the next is probably about as large.
  private var usualCount = 0
  private var isFlooded = false

  init(subscription: Subscription<Payload>) { self.subscription = subscription }

  var name: String { subscription.type.name }

  func read(_ data: JSONView, sequence: Int64, origin: EventOrigin) throws {
    if self.origin !== origin {
      flush()
      self.origin = origin
    }
    if sequences.isEmpty {
      events.reserveCapacity(usualCount)
      sequences.reserveCapacity(usualCount)
    }
    try subscription.type.append(data, sequence, origin, &events)
    sequences.append(sequence)
  }

  func flush() {
    guard !sequences.isEmpty, let origin else { return }
    usualCount = sequences.count
    let burst = EventBurst(origin: origin, events: events, sequences: sequences)
    events = []
    sequences = []
    let lost = subscription.queue.push(consume burst)
    guard !lost.isEmpty else {
      isFlooded = false
      return
    }
    for burst in lost {
      burst.finish()
      subscription.dropped.increment(by: burst.count)
    }
    if !isFlooded {
      isFlooded = true
      subscription.log.warning(
        "events come faster than they are handled: the oldest are dropped", ["event": .string(name)])
    }
  }
}
