import Platform
import Synchronization

/// What all connections of one server share.
final class HTTPServerContext: Sendable {
  let configuration: HTTPServerConfiguration
  let router: CompiledRouter
  let log: Log
  let accessLog: AccessLog?
  let time: any TimeSource
  let random: any RandomSource
  let measures: HTTPServerMetrics
  /// Logs what a handler threw that is no ``HTTPError``. The caller gets the id that stands in the log.
  let onFailure: @Sendable (any Error, HTTPRequest) -> HTTPError

  fileprivate struct State {
    var connections: [ObjectIdentifier: HTTPServerConnection] = [:]
    /// How many of them come from where, if that is limited.
    var perAddress: [NetworkBlock: Int] = [:]
    var waiters: [CheckedContinuation<Void, Never>] = []
    var date = (second: Int64.min, text: "")
    var isDraining = false
  }
  private let state = Mutex(State())

  init(
    configuration: HTTPServerConfiguration, router: Router, log: Log, metrics: Metrics, time: any TimeSource,
    random: any RandomSource
  ) {
    self.configuration = configuration
    self.router = router.compiled()
    self.log = log
    self.time = time
    self.random = random
    accessLog = configuration.accessLog.map(AccessLog.init)
    onFailure = { error, request in
      log.error(
        "request failed",
        [
          "errorId": .string(request.id), "method": .of(request.method),
          "route": .string(request.route?.pattern.description ?? ""), "error": .error(error),
        ])
      return HTTPError(.internalServerError, kind: .internalError, "internal error \(request.id)")
    }
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
    guard configuration.budget.take() else { return false }
    let count = state.withLock { state -> Int? in
      guard !state.isDraining, state.hasRoom(for: connection.peer, configuration) else { return nil }
      state.connections[ObjectIdentifier(connection)] = connection
      if configuration.maximumConnectionsPerAddress != nil { state.perAddress[connection.peer.site, default: 0] += 1 }
      return state.connections.count
    }
    guard let count else {
      configuration.budget.giveBack()
      return false
    }
    measures.connections.set(Double(count))
    return true
  }

  /// Whether a connection from there would be one too many.
  func isFull(for peer: IPAddress) -> Bool {
    configuration.budget.isSpent || state.withLock { !$0.hasRoom(for: peer, configuration) }
  }

  func remove(_ connection: HTTPServerConnection) {
    let (count, waiters) = state.withLock { state -> (Int?, [CheckedContinuation<Void, Never>]) in
      guard state.connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return (nil, []) }
      if configuration.maximumConnectionsPerAddress != nil {
        let left = (state.perAddress[connection.peer.site] ?? 1) - 1
        state.perAddress[connection.peer.site] = left > 0 ? left : nil
      }
      guard state.connections.isEmpty else { return (state.connections.count, []) }
      defer { state.waiters = [] }
      return (0, state.waiters)
    }
    guard let count else { return }
    configuration.budget.giveBack()
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

  /// From the first moment of the end on, before any connection hears of it.
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

extension HTTPServerContext.State {
  fileprivate func hasRoom(for peer: IPAddress, _ configuration: HTTPServerConfiguration) -> Bool {
    guard connections.count < configuration.maximumConnections else { return false }
    guard let limit = configuration.maximumConnectionsPerAddress else { return true }
    return perAddress[peer.site, default: 0] < limit
  }
}

/// What a server counts. The label `server` is the name in its configuration.
final class HTTPServerMetrics: Sendable {
  let connections: Gauge
  let refused: Counter
  private let requests: Family<Counter>
  private let seconds: Histogram
  private let name: String
  /// The children of `requests`, found without hashing their labels again for every request.
  private let known = Mutex<[Key: Counter]>([:])

  private struct Key: Hashable {
    let route: ObjectIdentifier?
    let method: HTTPMethod?
    let status: HTTPStatus
  }

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
      labels: ["server"])(name)
  }

  /// The peer chooses the method's name: only the known ones may become labels.
  private static let knownMethods: Set<HTTPMethod> = [.get, .head, .post, .put, .patch, .delete, .options]

  /// - Parameter route: nil if there was none.
  func answered(_ method: HTTPMethod?, route: MatchedRoute?, status: HTTPStatus, after duration: Duration) {
    let method = method.flatMap { Self.knownMethods.contains($0) ? $0 : HTTPMethod(rawValue: "other") }
    let key = Key(route: route.map(ObjectIdentifier.init), method: method, status: status)
    let counter = known.withLock { known in
      if let counter = known[key] { return counter }
      let counter = requests(
        name, method?.rawValue ?? "none", route?.pattern.description ?? "none", status.description)
      known[key] = counter
      return counter
    }
    counter.increment()
    seconds.observe(duration)
  }
}
