import HTTP
import Platform

/// The Kill Tracker API v1: every answer `{"success": true, "data": …}`.
public struct KillTrackerV1: Surface {
  let services: KillTrackerServices
  let accounts: KillTrackerAccounts

  public var name: SurfaceName { .killtracker }
  public var title: String { "Kill Tracker API v1" }
  public var prefixes: [PathPattern] { ["/api/v1"] }
  public var errors: HTTPErrorShape { .killTrackerV1 }

  public init(_ services: KillTrackerServices) {
    self.services = services
    accounts = KillTrackerAccounts(services: services)
  }

  public func run() async { await services.kills.keepBoardsWarm(log: services.tracker.log) }

  public func declare(in routes: inout SurfaceRoutes) {
    declareHealth(in: &routes)
    declareAuthentication(in: &routes)
    declareAPIKeys(in: &routes)
    declareUsers(in: &routes)
    declareKills(in: &routes)
    declareStatistics(in: &routes)
    declareAnalytics(in: &routes)
    declareWebhooks(in: &routes)
    declareServers(in: &routes)
    declareBot(in: &routes)
  }

  private func declareHealth(in routes: inout SurfaceRoutes) {
    routes.read(
      "/health", access: .anyone, limit: .byAddress(.read),
      RouteNotes("Whether the API answers", tags: ["Status"]).immediate(),
      returning: .succeeded(Health.self)
    ) { [services] _ in Health(status: "healthy", version: services.version, timestamp: services.time.timestamp) }
  }

  private struct Health: Codable, Sendable {
    let status: String
    let version: String
    let timestamp: Timestamp
  }
}

/// v1's envelope.
struct Succeeded<Value: Codable & Sendable>: Codable, Sendable {
  var success = true
  let data: Value

  init(_ data: Value) { self.data = data }
}

/// Where there is nothing to tell but that it is done.
struct Done: Codable, Sendable {
  let message: String

  init(_ message: String) { self.message = message }
}

extension RouteOutput where Value: Codable {
  /// v1's envelope around the result.
  static func succeeded(_ type: Value.Type = Value.self) -> RouteOutput {
    let inner = RouteOutput<Succeeded<Value>>.json()
    return RouteOutput(inner.description) { value, status in try .json(Succeeded(value), status: status) }
  }
}
