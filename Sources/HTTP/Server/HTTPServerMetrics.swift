import Platform
import Synchronization

/// What a server counts. The label `server` is the name in its configuration.
///
/// The peer can make no label: methods that are not known share one, and so do paths that lead to no route.
final class HTTPServerMetrics: Sendable {
  let connections: Gauge
  let refused: Counter
  let received: Counter
  let sent: Counter
  private let requests: Family<Counter>
  private let seconds: Family<Histogram>
  private let name: String
  /// The children of the families, found without hashing their labels again for every request.
  private let known = Mutex<[Key: (count: Counter, seconds: Histogram)]>([:])

  private struct Key: Hashable {
    let route: ObjectIdentifier?
    let method: Int
    let status: Int
  }

  init(_ metrics: Metrics, name: String) {
    self.name = name
    connections = metrics.gauge("http_server_connections", help: "Open connections.", labels: ["server"])(name)
    refused =
      metrics.counter(
        "http_server_refused_connections_total", help: "Connections refused because there were too many.",
        labels: ["server"])(name)
    received =
      metrics.counter("http_server_received_bytes_total", help: "Bytes from peers.", labels: ["server"])(name)
    sent = metrics.counter("http_server_sent_bytes_total", help: "Bytes to peers.", labels: ["server"])(name)
    requests = metrics.counter(
      "http_server_requests_total", help: "Requests answered.", labels: ["server", "method", "route", "status"])
    seconds = metrics.histogram(
      "http_server_request_seconds",
      help: "From the end of a request's head to the beginning of its answer, by the class of its status.",
      labels: ["server", "method", "route", "class"])
  }

  private static let methods: [HTTPMethod] = [.get, .post, .put, .patch, .delete, .head, .options]
  private static let none = methods.count
  private static let other = methods.count + 1

  private static func label(_ method: Int) -> String {
    method < methods.count ? methods[method].rawValue : method == other ? "other" : "none"
  }

  /// - Parameters:
  ///   - method: nil if what came was no request.
  ///   - route: nil if there was none.
  func answered(_ method: HTTPMethod?, route: MatchedRoute?, status: HTTPStatus, after duration: Duration) {
    let place = method.map { Self.methods.firstIndex(of: $0) ?? Self.other } ?? Self.none
    let key = Key(route: route.map(ObjectIdentifier.init), method: place, status: status.rawValue)
    let children = known.withLock { known in
      if let children = known[key] { return children }
      let pattern = route?.pattern.description ?? "none"
      let children = (
        requests(name, Self.label(place), pattern, status.description),
        seconds(name, Self.label(place), pattern, "\(status.rawValue / 100)xx")
      )
      known[key] = children
      return children
    }
    children.count.increment()
    children.seconds.observe(duration)
  }
}
