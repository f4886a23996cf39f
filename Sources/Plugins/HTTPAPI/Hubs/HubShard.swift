import HTTP
import Platform

/// The listeners of a hub whose connections live on one event loop.
actor HubShard<Session: HubSession> {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  private let metrics: HubMetrics
  private var listeners: [HubListener<Session>] = []
  /// What is to be sent, the oldest first, and to whom of those that listened when it came.
  private var work: [(events: [Session.Event], to: [HubListener<Session>])] = []
  private var next = 0
  private var isWorking = false

  /// How many listeners are served before the loop looks at its sockets again.
  private static var listenersPerTurn: Int { 256 }

  init(loop: EventLoop, metrics: HubMetrics) {
    self.loop = loop
    self.metrics = metrics
  }

  /// - Returns: its place, which may change.
  func add(_ listener: HubListener<Session>) -> Int {
    listeners.append(listener)
    return listeners.count - 1
  }

  func remove(at place: Int) {
    let last = listeners.removeLast()
    guard place < listeners.count else { return }
    listeners[place] = last
    last.assumeIsolated { $0.place = place }
  }

  func publish(_ events: [Session.Event]) {
    work.append((events, listeners))
    guard !isWorking else { return }
    isWorking = true
    goOn()
  }

  private func goOn() {
    guard let batch = work.first else {
      isWorking = false
      return
    }
    let end = min(next + Self.listenersPerTurn, batch.to.count)
    var sent = 0
    for listener in batch.to[next..<end] { sent += listener.assumeIsolated { $0.offer(batch.events) } }
    metrics.messages.increment(by: sent)
    next = end
    if end == batch.to.count {
      work.removeFirst()
      next = 0
    }
    loop.execute { self.assumeIsolated { $0.goOn() } }
  }

  func keepDeadlines(_ moment: HubMoment) {
    // A copy: whoever closes leaves the list.
    for listener in listeners { listener.assumeIsolated { $0.keepDeadline(moment) } }
  }
}
