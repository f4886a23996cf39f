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
    /// Accepted, and on the way to their loop.
    var reserved = 0
    /// How many of both come from where, if that is limited.
    var perAddress: [NetworkBlock: Int] = [:]
    var waiters: [CheckedContinuation<Void, Never>] = []
    var date = (second: Int64.min, text: "")
  }
  private let state = Mutex(State())
  private let drains = Atomic(false)

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

  /// The answer to what is no request, or comes from one connection too many: no middleware is around it, and it says by
  /// itself that browsers should make nothing of it.
  func refusal(_ error: HTTPError) -> HTTPResponse {
    var response = router.errors.response(for: error, to: nil)
    SecurityHeaders().add(to: &response)
    return response
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

  /// Takes a place for a connection that was accepted, before anything is done for it.
  /// - Returns: false if it is one too many.
  func reserve(for peer: IPAddress) -> Bool {
    guard configuration.budget.take() else { return false }
    let hasRoom = state.withLock { state in
      guard state.hasRoom(for: peer, configuration) else { return false }
      state.reserved += 1
      if configuration.maximumConnectionsPerAddress != nil { state.perAddress[peer.site, default: 0] += 1 }
      return true
    }
    if !hasRoom { configuration.budget.giveBack() }
    return hasRoom
  }

  /// Gives back a place that no connection came to.
  func cancelReservation(for peer: IPAddress) {
    state.withLock { state in
      state.reserved -= 1
      state.leave(peer, configuration)
    }
    configuration.budget.giveBack()
  }

  /// Takes a connection to its place.
  /// - Returns: false if the server ends; the place is given back then.
  func add(_ connection: HTTPServerConnection) -> Bool {
    let isTaken = state.withLock { state in
      guard !isDraining else { return false }
      state.reserved -= 1
      state.connections[ObjectIdentifier(connection)] = connection
      measures.connections.set(Double(state.connections.count))
      return true
    }
    if !isTaken { cancelReservation(for: connection.peer) }
    return isTaken
  }

  func remove(_ connection: HTTPServerConnection) {
    let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>]? in
      guard state.connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return nil }
      state.leave(connection.peer, configuration)
      // Before anybody can hear that the last one is gone.
      configuration.budget.giveBack()
      measures.connections.set(Double(state.connections.count))
      guard state.connections.isEmpty else { return [] }
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters ?? [] { waiter.resume() }
  }

  /// Takes no more connections, and returns those that are left.
  func drain() -> [HTTPServerConnection] {
    drains.store(true, ordering: .sequentiallyConsistent)
    return connections
  }

  /// From the first moment of the end on, before any connection hears of it.
  var isDraining: Bool { drains.load(ordering: .sequentiallyConsistent) }

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
    guard connections.count + reserved < configuration.maximumConnections else { return false }
    guard let limit = configuration.maximumConnectionsPerAddress else { return true }
    return perAddress[peer.site, default: 0] < limit
  }

  fileprivate mutating func leave(_ peer: IPAddress, _ configuration: HTTPServerConfiguration) {
    guard configuration.maximumConnectionsPerAddress != nil else { return }
    let left = (perAddress[peer.site] ?? 1) - 1
    perAddress[peer.site] = left > 0 ? left : nil
  }
}
