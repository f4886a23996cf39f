import HTTP
import Platform

/// What a route declares beside what it takes and gives. Middleware finds it with the route; made once per route.
final class RoutePolicy: Sendable {
  let surface: SurfaceName
  let access: RouteAccess
  let limit: RouteLimit
  let audit: RouteAudit
  let asksForLocality: Bool

  init(surface: SurfaceName, access: RouteAccess, limit: RouteLimit, audit: RouteAudit) {
    self.surface = surface
    self.access = access
    self.limit = limit
    self.audit = audit
    if case .fixed(let rule) = access.form { asksForLocality = rule.who == .local } else { asksForLocality = true }
  }
}

/// Where a surface declares its routes. Each of them says who may use it and which limit binds it, and each that
/// changes something what the audit log says about it.
public struct SurfaceRoutes: Sendable {
  let surface: SurfaceName
  private(set) var router: Router

  init(surface: SurfaceName, errors: HTTPErrorShape) {
    self.surface = surface
    router = Router(errors: errors)
  }

  /// GET, and HEAD with it: changes nothing.
  public mutating func read<each Input: Sendable, Output: Sendable>(
    _ pattern: PathPattern, access: RouteAccess, limit: RouteLimit, _ notes: RouteNotes,
    _ inputs: repeat RouteInput<each Input>, returning output: RouteOutput<Output>,
    handler: @escaping @Sendable (HTTPRequest, repeat each Input) async throws -> Output
  ) {
    router.route(
      .get, pattern, with(access, limit, .changesNothing, notes), repeat each inputs, returning: output,
      handler: handler)
  }

  /// POST, PUT, PATCH, DELETE.
  public mutating func change<each Input: Sendable, Output: Sendable>(
    _ method: HTTPMethod, _ pattern: PathPattern, access: RouteAccess, limit: RouteLimit, audit: RouteAudit,
    _ notes: RouteNotes, _ inputs: repeat RouteInput<each Input>, returning output: RouteOutput<Output>,
    handler: @escaping @Sendable (HTTPRequest, repeat each Input) async throws -> Output
  ) {
    precondition(
      method != .get && method != .head && method != .options, "\(method) changes nothing: declare it with read")
    router.route(
      method, pattern, with(access, limit, audit, notes), repeat each inputs, returning: output, handler: handler)
  }

  /// A WebSocket. The handler's request knows the caller of the opening request; what is sent inside the socket (a
  /// token in the first message) is the handler's to check.
  public mutating func webSocket(
    _ pattern: PathPattern, access: RouteAccess, limit: RouteLimit, _ notes: RouteNotes,
    options: WebSocketOptions = WebSocketOptions(),
    admit: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse? = { _ in nil },
    handler: @escaping WebSocketRoute.Handler
  ) {
    router.webSocket(
      pattern, with(access, limit, .changesNothing, notes), options: options, admit: admit, handler: handler)
  }

  /// A WebSocket without a task of its own, for many that mostly wait; see `Router.webSocket(_:_:options:listen:)`. The
  /// request that `listen` is given knows its caller.
  public mutating func webSocket(
    _ pattern: PathPattern, access: RouteAccess, limit: RouteLimit, _ notes: RouteNotes,
    options: WebSocketOptions = WebSocketOptions(),
    listen: @escaping @Sendable (HTTPRequest) async throws -> WebSocketRoute.MakeListener
  ) {
    router.webSocket(pattern, with(access, limit, .changesNothing, notes), options: options, listen: listen)
  }

  private func with(
    _ access: RouteAccess, _ limit: RouteLimit, _ audit: RouteAudit, _ notes: RouteNotes
  ) -> RouteNotes {
    notes.with(RoutePolicy(surface: surface, access: access, limit: limit, audit: audit))
  }
}
