import Platform

/// What the database tells Prometheus.
struct DatabaseMetrics: Sendable {
  private let transactions: Family<Counter>
  private let seconds: [Access: Histogram]

  init(_ metrics: Metrics, driver: any DatabaseDriver) {
    transactions = metrics.counter(
      "adjutant_database_transactions_total", help: "Transactions by access and outcome",
      labels: ["access", "outcome"])
    let histogram = metrics.histogram(
      "adjutant_database_transaction_seconds", help: "From asking for a transaction to its answer", labels: ["access"])
    seconds = Dictionary(uniqueKeysWithValues: Access.allCases.map { ($0, histogram([$0.rawValue])) })

    let waiting = metrics.gauge("adjutant_database_waiting", help: "Transactions waiting for a connection")([])
    let connections = metrics.gauge(
      "adjutant_database_connections", help: "Open connections by state", labels: ["state"])
    metrics.onCollect {
      let figures = driver.figures
      waiting.set(Double(driver.waiting))
      connections(["active"]).set(Double(figures.active))
      connections(["idle"]).set(Double(figures.idle))
    }
  }

  /// - Parameter error: what ended it. What its own body threw, or a rule of the schema refused, is no fault of the
  ///   database.
  func count(_ access: Access, error: (any Error)? = nil, since start: ContinuousClock.Instant) {
    let outcome =
      switch error {
      case nil: "ok"
      case is CancellationError: "cancelled"
      case let error as DatabaseError where !error.isConstraint: "error"
      default: "withdrawn"
      }
    transactions([access.rawValue, outcome]).increment()
    seconds[access]?.observe(ContinuousClock.now - start)
  }
}
