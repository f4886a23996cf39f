import Commands
import Core
import HTTP
import Platform

/// The part of the Aurora document that is about the bot itself: health, statistics, actions, and the WebSocket.
public struct AuroraSurface: Surface {
  private let hub: AuroraHub
  private let statistics: AuroraStatistics
  private let events: DomainEvents
  private let control: any BotControl
  private let time: any TimeSource

  public var name: SurfaceName { .aurora }
  public var title: String { "Aurora API" }
  public var errors: HTTPErrorShape { .aurora }

  public init(
    statistics: Statistics, shared: SharedState, control: any BotControl, metrics: Metrics, log: Log
  ) {
    let statistics = AuroraStatistics(statistics, shared: shared)
    self.statistics = statistics
    self.control = control
    events = shared.events
    time = shared.time
    hub = AuroraHub(metrics: metrics, time: shared.time, log: log.labelled("aurora")) { try await statistics.report() }
  }

  public func declare(in routes: inout SurfaceRoutes) {
    let limit = RouteLimit.byAddress(.aurora)
    routes.read(
      "/api/health", access: .local, limit: limit, RouteNotes("Whether the API answers", tags: ["Health"]).immediate(),
      returning: .json(Health.self)
    ) { [time] _ in Health(status: "ok", timestamp: time.timestamp.milliseconds / 1_000) }
    routes.read(
      "/api/stats", access: .local, limit: limit, RouteNotes("What a dashboard shows", tags: ["Stats"]),
      returning: .response("application/json")
    ) { [statistics] _ in .json(try await statistics.report()) }
    routes.read(
      "/api/stats/activity", access: .local, limit: limit,
      RouteNotes("How much is going on; at most five minutes old", tags: ["Stats"]),
      returning: .response("application/json")
    ) { [statistics] _ in .json(try await statistics.activity()) }
    declareActions(in: &routes, limit)
    hub.declare(in: &routes, access: .local, limit: limit)
  }

  private func declareActions(in routes: inout SurfaceRoutes, _ limit: RouteLimit) {
    routes.change(
      .post, "/api/actions/reload-commands", access: .local, limit: limit, audit: .byService,
      RouteNotes("Holds all commands against what Discord has", tags: ["Admin Actions"], errors: [.serviceUnavailable]),
      returning: .json(Reloaded.self)
    ) { [control] request in
      let reload = try await Self.performing { try await control.reloadCommands(by: Self.operator(of: request)) }
      return Reloaded(commands: .init(changed: reload.differences, guilds: reload.guilds))
    }
    routes.change(
      .post, "/api/actions/clear-cache", access: .local, limit: limit, audit: .byService,
      RouteNotes("Forgets what is only kept to save time", tags: ["Admin Actions"]), returning: .json(Cleared.self)
    ) { [control] request in
      Cleared(caches: try await control.clearCaches(by: Self.operator(of: request)))
    }
    routes.change(
      .post, "/api/actions/maintenance-mode", access: .local, limit: limit, audit: .byService,
      RouteNotes("Begins or ends maintenance: commands then answer with the reason", tags: ["Admin Actions"]),
      .body(Wish.self), returning: .json(Maintained.self)
    ) { [control] request, body in
      _ = try await control.setMaintenance(body.enabled, reason: body.reason, by: Self.operator(of: request))
      return Maintained(maintenance: .init(enabled: body.enabled, reason: body.enabled ? body.reason : nil))
    }
  }

  public func run() async {
    await hub.run(
      events.live().map { news in
        news.events.map { event in AuroraStatistics.line(event) }
      })
  }

  /// Whoever sits at the machine is nobody at Discord.
  private static func `operator`(of request: HTTPRequest) -> BotOperator {
    BotOperator(
      request.caller.user ?? UserID(0), through: SurfaceName.aurora.rawValue, ip: request.clientAddress.description)
  }

  private static func performing<Result>(_ body: () async throws -> Result) async throws -> Result {
    do { return try await body() } catch let error as BotControlError {
      throw HTTPError(.serviceUnavailable, "\(error)")
    }
  }

  private struct Health: Codable, Sendable {
    let status: String
    /// Seconds since 1970.
    let timestamp: Int64
  }

  private struct Reloaded: Codable, Sendable {
    struct Commands: Codable, Sendable {
      /// Global commands that were different.
      let changed: Int
      /// Whose commands are looked at behind the answer.
      let guilds: Int
    }
    var success = true
    let commands: Commands

    init(commands: Commands) { self.commands = commands }
  }

  private struct Cleared: Codable, Sendable {
    var success = true
    let caches: [String]

    init(caches: [String]) { self.caches = caches }
  }

  private struct Wish: Codable, Sendable, SchemaRuled {
    let enabled: Bool
    let reason: String?
    static let schemaRules: SchemaRules = [
      "reason": .text("What users are told", length: 0...500, example: "Updating...")
    ]
  }

  private struct Maintained: Codable, Sendable {
    struct Maintenance: Codable, Sendable {
      let enabled: Bool
      @Nullable var reason: String?
    }
    var success = true
    let maintenance: Maintenance

    init(maintenance: Maintenance) { self.maintenance = maintenance }
  }
}
