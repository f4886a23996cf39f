import Platform
import Synchronization

/// What all connections of one server share.
final class HTTPServerContext: Sendable {
  let configuration: HTTPServerConfiguration
  let router: Router
  let log: Log
  let time: any TimeSource
  let measures: HTTPServerMetrics
  let maximumConnections: Int

  private struct State {
    var connections: [ObjectIdentifier: HTTPServerConnection] = [:]
    var waiters: [CheckedContinuation<Void, Never>] = []
    var date = (second: Int64.min, text: "")
    var isDraining = false
  }
  private let state = Mutex(State())

  init(
    configuration: HTTPServerConfiguration, router: Router, log: Log, metrics: Metrics, time: any TimeSource,
    maximumConnections: Int
  ) {
    self.configuration = configuration
    self.router = router
    self.log = log
    self.time = time
    self.maximumConnections = maximumConnections
    measures = HTTPServerMetrics(metrics, name: configuration.name)
  }

  /// The `Date` field, made once a second.
  var date: String {
    let now = time.timestamp
    let second = now.milliseconds / 1_000
    return state.withLock { state in
      if state.date.second != second { state.date = (second, HTTPDate.text(now)) }
      return state.date.text
    }
  }

  /// - Returns: false if there are too many, or the server ends.
  func add(_ connection: HTTPServerConnection) -> Bool {
    let count = state.withLock { state -> Int? in
      guard state.connections.count < maximumConnections, !state.isDraining else { return nil }
      state.connections[ObjectIdentifier(connection)] = connection
      return state.connections.count
    }
    guard let count else { return false }
    measures.connections.set(Double(count))
    return true
  }

  var isFull: Bool { state.withLock { $0.connections.count >= maximumConnections } }

  func remove(_ connection: HTTPServerConnection) {
    let (count, waiters) = state.withLock { state in
      state.connections[ObjectIdentifier(connection)] = nil
      guard state.connections.isEmpty else { return (state.connections.count, [CheckedContinuation<Void, Never>]()) }
      defer { state.waiters = [] }
      return (0, state.waiters)
    }
    measures.connections.set(Double(count))
    for waiter in waiters { waiter.resume() }
  }

  /// Takes no more connections, and returns those that are left.
  func drain() -> [HTTPServerConnection] {
    state.withLock { state in
      state.isDraining = true
      return Array(state.connections.values)
    }
  }

  var isDraining: Bool { state.withLock { $0.isDraining } }

  var connections: [HTTPServerConnection] { state.withLock { Array($0.connections.values) } }

  func waitUntilEmpty() async {
    await withCheckedContinuation { continuation in
      let isEmpty = state.withLock { state in
        if state.connections.isEmpty { return true }
        state.waiters.append(continuation)
        return false
      }
      if isEmpty { continuation.resume() }
    }
  }
}

/// What a server counts. The label `server` is the name in its configuration.
struct HTTPServerMetrics: Sendable {
  let connections: Gauge
  let refused: Counter
  private let requests: Family<Counter>
  private let seconds: Family<Histogram>
  private let name: String

  init(_ metrics: Metrics, name: String) {
    self.name = name
    connections = metrics.gauge("http_server_connections", help: "Open connections.", labels: ["server"])(name)
    refused =
      metrics.counter(
        "http_server_refused_connections_total", help: "Connections refused because there were too many.",
        labels: ["server"])(name)
    requests = metrics.counter(
      "http_server_requests_total", help: "Requests answered.", labels: ["server", "method", "route", "status"])
    seconds = metrics.histogram(
      "http_server_request_seconds", help: "From the end of a request's head to the beginning of its answer.",
      labels: ["server"])
  }

  /// - Parameter route: the pattern; nil if there was none.
  func answered(_ method: HTTPMethod?, route: String?, status: HTTPStatus, after duration: Duration) {
    // The peer chooses the method's name: only the known ones may become labels.
    let known: Set<HTTPMethod> = [.get, .head, .post, .put, .patch, .delete, .options]
    let methodName = method.map { known.contains($0) ? $0.rawValue : "other" } ?? "none"
    requests(name, methodName, route ?? "none", status.description).increment()
    seconds(name).observe(duration)
  }
}
