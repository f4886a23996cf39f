import Core
import HTTP
import Platform

/// The Kill Tracker's WebSocket at `/ws` of its listener.
public struct KillTrackerHub: Sendable {
  public let hub: Hub<KillTrackerSession>

  /// - Parameter identify: whose token it is: ``identification(by:managedGuilds:log:)``, or a test's.
  public init(
    limits: HubLimits = HubLimits(), metrics: Metrics, time: any TimeSource = SystemTime(),
    identify: @escaping @Sendable (Secret<String>) async -> KillTrackerSession.Answer
  ) {
    hub = Hub(
      name: "killtracker", limits: limits, metrics: metrics, time: time,
      makeSession: { _ in KillTrackerSession(at: HubMoment(time)) }, answer: identify)
  }

  private static let notes = RouteNotes(
    "Events as they happen; the first message is {\"type\": \"auth\", \"token\": \"…\"}", tags: ["WebSocket"],
    errors: [.tooManyRequests, .serviceUnavailable])

  public func declare(in router: inout Router) { hub.declare(at: "/ws", Self.notes, in: &router) }

  /// - Parameter access: anyone's: who listens is proved by the first message.
  public func declare(in routes: inout SurfaceRoutes, access: RouteAccess = .anyone, limit: RouteLimit) {
    hub.declare(at: "/ws", access: access, limit: limit, Self.notes, in: &routes)
  }

  /// Keeps deadlines and sends what comes, until cancelled.
  public func run(_ events: some AsyncSequence<[KillTrackerEvent], Never> & Sendable) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await hub.run() }
      group.addTask { for await batch in events { hub.publish(batch) } }
    }
  }

  /// Asks the API's own authentication.
  /// - Parameter managedGuilds: the guilds that a user manages; asked at every check, twice a minute and listener.
  public static func identification(
    by authenticator: Authenticator, managedGuilds: @escaping @Sendable (UserID) async throws -> Set<GuildID>,
    log: Log = .silent
  ) -> @Sendable (Secret<String>) async -> KillTrackerSession.Answer {
    { token in
      do {
        let principal = try await authenticator.principal(bearing: token)
        if case .apiKey(let grant) = principal.credential, !grant.permissions.contains(.readKills) {
          return .forbidden("the API key lacks \(Permission.readKills.rawValue)")
        }
        var guilds: Set<GuildID> = []
        if let user = principal.user, !principal.isLimited, !principal.isAdmin {
          guilds = try await managedGuilds(user)
        }
        guard let viewer = HubViewer(principal, managedGuilds: guilds) else {
          return .forbidden("an OAuth client sees no kills")
        }
        return .viewer(viewer)
      } catch is Authenticator.Failure {
        return .refused
      } catch {
        if !Task.isCancelled { log.warning("a listener's token cannot be checked", ["error": .error(error)]) }
        return .unavailable
      }
    }
  }
}
