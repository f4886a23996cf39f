import Core
import HTTP
import Platform

/// The page at `/` for people who look after the bot, and the one document that it asks for every five seconds.
///
/// Page, style and program are open to anyone: nothing in them is secret. What they show is not: that is served like the
/// rest of the surface.
struct MonitorPage: Sendable {
  private let services: PegasusServices

  init(_ services: PegasusServices) { self.services = services }

  /// Nothing from elsewhere runs or loads, nothing is written into the page, and no other page may frame this one.
  static let policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  func declare(in routes: inout SurfaceRoutes) {
    asset("/", PackageResources.monitor_html, "text/html; charset=utf-8", in: &routes)
    asset("/monitor.css", PackageResources.monitor_css, "text/css; charset=utf-8", in: &routes)
    asset("/monitor.js", PackageResources.monitor_js, "text/javascript; charset=utf-8", in: &routes)
    let services = services
    routes.read(
      "/monitor/live", access: .local, limit: .byAddress(.pegasus), "What the monitoring page shows",
      returning: .response("application/json")
    ) { request in
      .json(try await live(services, isForAdmin: request.caller.isAdmin))
    }
  }

  private func asset(
    _ path: PathPattern, _ bytes: [UInt8], _ contentType: String, in routes: inout SurfaceRoutes
  ) {
    var notes = RouteNotes("The monitoring page")
    notes.isHidden = true
    notes.usesEntityTag = true
    routes.read(path, access: .anyone, limit: .none, notes, returning: .response(contentType)) { _ in
      HTTPResponse(
        headers: [
          "Content-Security-Policy": Self.policy, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache",
          "Referrer-Policy": "no-referrer",
        ], bytes: bytes, contentType: contentType)
    }
  }

  static let lines = 20

  /// Health, shards, and, as long as the database answers, statistics and the latest entries of the audit log. A part
  /// that cannot be had is null: the page says so and goes on.
  private func live(_ services: PegasusServices, isForAdmin: Bool) async throws -> JSON {
    let health = await services.health.health()
    let shards: [JSON] = services.health.vitals.shards.map { shard in
      [
        "id": .of(shard.id), "total": .of(shard.total), "state": .string(shard.state),
        "ready": .boolean(shard.isReady),
        "latency": shard.latency.map { .of(Int($0.inMilliseconds.rounded())) } ?? .null,
        "disconnections": .of(shard.disconnections),
      ]
    }
    var document: JSON = [
      "health": health.json, "shards": .array(shards), "stats": .null, "logs": .null,
    ]
    guard health.checks.database.status != .unhealthy else { return document }
    do {
      let query = AuditQuery(limit: Self.lines)
      document["logs"] = try await services.auditLog.lines(query, isForAdmin: isForAdmin).json
      document["stats"] = try await services.statistics.report().json
    } catch {
      guard let known = PegasusErrors.httpError(for: error) else { throw error }
      document["error"] = .string(known.message)
    }
    return document
  }
}
