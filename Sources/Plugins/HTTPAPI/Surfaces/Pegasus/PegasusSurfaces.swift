import Core
import HTTP
import Platform

/// The services behind the Pegasus document.
public struct PegasusServices: Sendable {
  public let health: HealthMonitor
  public let statistics: Statistics
  public let auditLog: AuditLog
  public let metrics: Metrics

  public init(health: HealthMonitor, statistics: Statistics, auditLog: AuditLog, metrics: Metrics) {
    self.health = health
    self.statistics = statistics
    self.auditLog = auditLog
    self.metrics = metrics
  }

  /// The measurements that the document prints, beside those of commands, which the router counts. Once for a program.
  public func addMetrics() {
    let guilds = metrics.gauge("pegasus_bot_guilds", help: "Total number of guilds")([])
    let users = metrics.gauge("pegasus_bot_users", help: "Total number of users")([])
    metrics.onCollect { [health] in
      let vitals = health.vitals
      guilds.set(Double(vitals.guilds))
      users.set(Double(vitals.users))
    }
  }
}

/// `/health`, `/ready` and `/metrics`, on port 3000 by default.
public struct HealthSurface: Surface {
  private let services: PegasusServices

  public init(_ services: PegasusServices) { self.services = services }

  public var name: SurfaceName { .health }
  public var title: String { "Health Check API" }
  public var errors: HTTPErrorShape { .pegasus }

  public func declare(in routes: inout SurfaceRoutes) {
    let health = services.health
    routes.read(
      "/health", access: .anyone, limit: .byAddress(.pegasus), .health("How the bot is doing"),
      returning: .reported(HealthReport.self)
    ) { _ in
      let report = await health.health()
      return .json(report.json, status: report.status.httpStatus)
    }
    routes.read(
      "/ready", access: .anyone, limit: .byAddress(.pegasus), .health("Whether the bot is ready to work"),
      returning: .reported(Readiness.self)
    ) { _ in
      let readiness = await health.readiness()
      return .json(readiness.json, status: readiness.ready ? .ok : .serviceUnavailable)
    }
    routes.readMetrics(services.metrics)
  }
}

/// `/metrics` alone, on port 9090 by default.
public struct MetricsSurface: Surface {
  private let metrics: Metrics

  public init(_ metrics: Metrics) { self.metrics = metrics }

  public var name: SurfaceName { .metrics }
  public var title: String { "Metrics API" }
  public var errors: HTTPErrorShape { .pegasus }

  public func declare(in routes: inout SurfaceRoutes) { routes.readMetrics(metrics) }
}

/// `/api/stats`, `/api/logs`, `/api/health` and the page at `/`, on port 3001 by default.
public struct MonitoringSurface: Surface {
  private let services: PegasusServices

  public init(_ services: PegasusServices) { self.services = services }

  public var name: SurfaceName { .monitoring }
  public var title: String { "Monitoring Dashboard API" }
  public var errors: HTTPErrorShape { .pegasus }

  public func declare(in routes: inout SurfaceRoutes) {
    let services = services
    routes.read(
      "/api/stats", access: .local, limit: .byAddress(.pegasus), "Statistics of the bot",
      returning: .printed(StatisticsReport.self)
    ) { _ in try await PegasusErrors.translating { try await services.statistics.report() } }
    routes.read(
      "/api/logs", access: .local, limit: .byAddress(.pegasus), "The latest entries of the audit log, newest first",
      .query(AuditQuery.self), returning: .printed([AuditLine].self)
    ) { request, query in
      try await PegasusErrors.translating {
        try await services.auditLog.lines(query, isForAdmin: request.caller.isAdmin)
      }
    }
    routes.read(
      "/api/health", access: .local, limit: .byAddress(.pegasus), .health("How the bot is doing, in short"),
      returning: .reported(HealthSummary.self)
    ) { _ in
      let summary = await services.health.summary()
      return .json(summary.json, status: summary.status.httpStatus)
    }
    MonitorPage(services).declare(in: &routes)
  }
}

extension SurfaceRoutes {
  fileprivate mutating func readMetrics(_ metrics: Metrics) {
    // Always the older format: its lines are those that the document prints.
    read(
      "/metrics", access: .anyone, limit: .byAddress(.pegasus), "Measurements for Prometheus",
      returning: .response(MetricsFormat.prometheus.contentType)
    ) { _ in .text(metrics.render(.prometheus), contentType: MetricsFormat.prometheus.contentType) }
  }
}

extension RouteNotes {
  /// 503 says the same in the same form.
  fileprivate static func health(_ summary: String) -> RouteNotes {
    var notes = RouteNotes(summary, tags: ["health"], errors: [.serviceUnavailable])
    notes.details = "503 where it does not work, with the same fields."
    return notes
  }
}

extension RouteOutput<HTTPResponse> {
  fileprivate static func reported<Document: PrintedDocument>(_ type: Document.Type) -> RouteOutput {
    .response("application/json", Schema.of(type))
  }
}

extension Array: PrintedDocument where Element: PrintedDocument {
  var json: JSON { .array(map(\.json)) }
}
