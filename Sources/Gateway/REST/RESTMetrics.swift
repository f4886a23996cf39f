import Platform

/// What is measured of the requests to Discord. Routes are templates, `POST /channels/{}/messages`, so there are as many
/// as the client has methods.
struct RESTMetrics: Sendable {
  /// Calls whose turn has not come.
  let waiting: Gauge
  private let requests: Family<Counter>
  private let seconds: Family<Histogram>
  private let waits: Family<Histogram>
  private let rateLimits: Family<Counter>

  init(_ metrics: Metrics) {
    waiting = metrics.gauge("discord_rest_waiting", help: "Requests that wait for a rate limit")()
    requests = metrics.counter(
      "discord_rest_requests_total",
      help: "Requests to Discord's REST API, by route and status; status none: no answer came",
      labels: ["route", "status"])
    seconds = metrics.histogram(
      "discord_rest_request_seconds", help: "From sending a request to its answer", labels: ["route"])
    waits = metrics.histogram(
      "discord_rest_wait_seconds", help: "How long requests waited for their rate limits", labels: ["route"],
      buckets: [0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300])
    rateLimits = metrics.counter(
      "discord_rest_rate_limits_total", help: "Requests that Discord refused with 429, by scope", labels: ["scope"])
  }

  func answered(_ route: String, _ status: Int, after duration: Duration) {
    requests(route, String(status)).increment()
    seconds(route).observe(duration)
  }

  func unanswered(_ route: String) { requests(route, "none").increment() }
  func waited(_ route: String, _ duration: Duration) { waits(route).observe(duration) }
  func refused(_ scope: RateLimitScope) { rateLimits("\(scope)").increment() }
}
