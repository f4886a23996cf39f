import Platform

/// What answers which request. Built once, then given to a server.
///
/// ```swift
/// var router = Router()
/// router.route(.get, "/guilds/:id", "One guild", result: Guild.self) { request in
///   try await guilds.find(request.parameter("id"))
/// }
/// router.route(.post, "/guilds", "Make a guild", body: NewGuild.self, result: Guild.self, status: .created) {
///   request, body in try await guilds.make(body)
/// }
/// ```
public struct Router: Sendable {
  public private(set) var routes: [Route] = []
  /// How errors of this router look.
  public let errors: HTTPErrorShape
  private let bodyLimit: Int
  private var tree = RouteTree()
  private var middleware: [HTTPMiddleware] = []
  /// The routers mounted below, for paths of theirs that lead nowhere.
  private var mounts: [Mount] = []

  private struct Mount: Sendable {
    let prefix: [PathPattern.Part]
    let errors: HTTPErrorShape
    let middleware: [HTTPMiddleware]
  }

  /// - Parameter bodyLimit: of routes that state none, in bytes.
  public init(errors: HTTPErrorShape = .json, bodyLimit: Int = HTTPRequest.defaultBodyLimit) {
    self.errors = errors
    self.bodyLimit = bodyLimit
  }

  /// Adds middleware around every route of this router, also around its 404. The first added is the outermost.
  public mutating func use(_ middleware: @escaping HTTPMiddleware) { self.middleware.append(middleware) }

  // MARK: Routes

  /// A route whose handler makes the answer itself.
  public mutating func on(
    _ method: HTTPMethod, _ pattern: PathPattern, _ summary: String = "", bodyLimit: Int? = nil,
    handler: @escaping HTTPHandler
  ) {
    add(method, pattern, summary, bodyLimit: bodyLimit, target: .handler(handler))
  }

  /// A route that takes nothing but its path and answers with JSON.
  public mutating func route<Result: Encodable & Sendable>(
    _ method: HTTPMethod, _ pattern: PathPattern, _ summary: String, result: Result.Type,
    status: HTTPStatus? = nil, handler: @escaping @Sendable (HTTPRequest) async throws -> Result
  ) {
    let status = status ?? Self.status(for: result)
    add(
      method, pattern, summary, result: result, status: status,
      target: .handler { request in try Self.answer(try await handler(request), status) })
  }

  /// A route that takes a query and answers with JSON.
  public mutating func route<Query: Decodable & Sendable, Result: Encodable & Sendable>(
    _ method: HTTPMethod, _ pattern: PathPattern, _ summary: String, query: Query.Type, result: Result.Type,
    status: HTTPStatus? = nil, handler: @escaping @Sendable (HTTPRequest, Query) async throws -> Result
  ) {
    let status = status ?? Self.status(for: result)
    add(
      method, pattern, summary, query: query, result: result, status: status,
      target: .handler { request in
        try Self.answer(try await handler(request, try request.query.decode(query)), status)
      })
  }

  /// A route that takes a JSON body and answers with JSON.
  public mutating func route<Body: Decodable & Sendable, Result: Encodable & Sendable>(
    _ method: HTTPMethod, _ pattern: PathPattern, _ summary: String, body: Body.Type, result: Result.Type,
    status: HTTPStatus? = nil, bodyLimit: Int? = nil,
    handler: @escaping @Sendable (HTTPRequest, Body) async throws -> Result
  ) {
    let status = status ?? Self.status(for: result)
    add(
      method, pattern, summary, body: body, result: result, status: status, bodyLimit: bodyLimit,
      target: .handler { request in
        try Self.answer(try await handler(request, try await request.json(as: body)), status)
      })
  }

  /// A route that takes a query and a JSON body and answers with JSON.
  public mutating func route<
    Query: Decodable & Sendable, Body: Decodable & Sendable, Result: Encodable & Sendable
  >(
    _ method: HTTPMethod, _ pattern: PathPattern, _ summary: String, query: Query.Type, body: Body.Type,
    result: Result.Type, status: HTTPStatus? = nil, bodyLimit: Int? = nil,
    handler: @escaping @Sendable (HTTPRequest, Query, Body) async throws -> Result
  ) {
    let status = status ?? Self.status(for: result)
    add(
      method, pattern, summary, query: query, body: body, result: result, status: status, bodyLimit: bodyLimit,
      target: .handler { request in
        let query = try request.query.decode(query)
        return try Self.answer(try await handler(request, query, try await request.json(as: body)), status)
      })
  }

  /// A route that becomes a WebSocket. The socket is closed with 1000 when `handler` returns and with 1011 when it
  /// throws, unless it is closed by then.
  /// - Parameter admit: looks at the opening request; what it returns or throws is answered instead of upgrading.
  public mutating func webSocket(
    _ pattern: PathPattern, _ summary: String = "", options: WebSocketOptions = WebSocketOptions(),
    admit: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse? = { _ in nil },
    handler: @escaping WebSocketRoute.Handler
  ) {
    add(
      .get, pattern, summary, status: .switchingProtocols,
      target: .webSocket(WebSocketRoute(options: options, admit: admit, handler: handler)))
  }

  /// Adds all routes of another router below a prefix; they keep its middleware and the look of its errors.
  public mutating func mount(_ prefix: PathPattern, _ router: Router) {
    for route in router.routes {
      var target = route.target
      switch target {
      case .handler(let handler): target = .handler(router.wrapped(handler, errors: route.errors))
      case .webSocket(var socket):
        let admit = socket.admit
        socket.admit = { request in try await router.admitted(request, by: admit, errors: route.errors) }
        target = .webSocket(socket)
      }
      insert(
        Route(
          method: route.method, pattern: route.pattern.prefixed(by: prefix), summary: route.summary,
          queryType: route.queryType, bodyType: route.bodyType, resultType: route.resultType, status: route.status,
          bodyLimit: route.bodyLimit, target: target, errors: route.errors))
    }
    mounts.append(Mount(prefix: prefix.parts, errors: router.errors, middleware: router.middleware))
    mounts += router.mounts.map {
      Mount(prefix: prefix.parts + $0.prefix, errors: $0.errors, middleware: router.middleware + $0.middleware)
    }
  }

  private mutating func add(
    _ method: HTTPMethod, _ pattern: PathPattern, _ summary: String, query: Any.Type? = nil, body: Any.Type? = nil,
    result: Any.Type? = nil, status: HTTPStatus = .ok, bodyLimit: Int? = nil, target: Route.Target
  ) {
    insert(
      Route(
        method: method, pattern: pattern, summary: summary, queryType: query, bodyType: body, resultType: result,
        status: status, bodyLimit: bodyLimit ?? self.bodyLimit, target: target, errors: errors))
  }

  private mutating func insert(_ route: Route) {
    let isNew = tree.insert(routes.count, method: route.method, pattern: route.pattern)
    precondition(isNew, "two routes answer \(route.method) \(route.pattern)")
    routes.append(route)
  }

  private static func status(for result: Any.Type) -> HTTPStatus { result == NoContent.self ? .noContent : .ok }

  private static func answer(_ result: some Encodable, _ status: HTTPStatus) throws -> HTTPResponse {
    result is NoContent ? HTTPResponse(status: status) : try .json(result, status: status)
  }

  // MARK: Answering

  /// What a request leads to, known from its head alone.
  struct Plan: Sendable {
    enum Target: Sendable {
      case handler(HTTPHandler)
      case webSocket(WebSocketRoute)
    }
    let target: Target
    let bodyLimit: Int
    let parameters: [String: String]
    let errors: HTTPErrorShape
    /// The pattern of the route, for metrics; nil if there is none.
    let pattern: String?
  }

  func plan(_ method: HTTPMethod, _ path: HTTPPath) -> Plan {
    switch tree.find(method, path.segments) {
    case .found(let match):
      let route = routes[match.route]
      let names = route.pattern.parts.compactMap { part -> String? in
        switch part {
        case .literal: nil
        case .parameter(let name), .rest(let name): name
        }
      }
      let parameters = Dictionary(zip(names, match.values)) { $1 }
      let target: Plan.Target =
        switch route.target {
        case .handler(let handler): .handler(wrapped(handler, errors: route.errors))
        case .webSocket(var socket):
          {
            let admit = socket.admit
            socket.admit = { request in try await admitted(request, by: admit, errors: route.errors) }
            return .webSocket(socket)
          }()
        }
      return Plan(
        target: target, bodyLimit: route.bodyLimit, parameters: parameters, errors: route.errors,
        pattern: route.pattern.description)
    case .otherMethods(let methods):
      let allowed = Self.allow(methods)
      if method == .options { return failing(path) { HTTPResponse(status: .noContent, headers: ["Allow": allowed]) } }
      let error = HTTPError(
        .methodNotAllowed, kind: .methodNotAllowed, "\(method) is not possible here", headers: ["Allow": allowed])
      return failing(path) { throw error }
    case .nothing:
      return failing(path) { throw HTTPError(.notFound, kind: .notFound, "there is nothing at this path") }
    }
  }

  /// Answers without a server, for tests of handlers. A route that becomes a WebSocket answers 426.
  public func respond(to request: HTTPRequest) async throws -> HTTPResponse {
    let plan = plan(request.method, request.path)
    var request = request
    request.parameters = plan.parameters
    request.bodyLimit = plan.bodyLimit
    guard case .handler(let handler) = plan.target else {
      return plan.errors.response(for: WebSocketHandshake.upgradeRequired, to: request)
    }
    return try await handler(request)
  }

  private static func allow(_ methods: Set<HTTPMethod>) -> String {
    var names = Set(methods.map(\.rawValue))
    if names.contains("GET") { names.insert("HEAD") }
    names.insert("OPTIONS")
    return names.sorted().joined(separator: ", ")
  }

  private func failing(_ path: HTTPPath, _ answer: @escaping @Sendable () throws -> HTTPResponse) -> Plan {
    let mount = mounts.filter { Self.matches($0.prefix, path.segments) }.max { $0.prefix.count < $1.prefix.count }
    let errors = mount?.errors ?? self.errors
    let layers = middleware + (mount?.middleware ?? [])
    let handler = Self.wrap({ _ in try answer() }, in: layers, errors: errors)
    return Plan(target: .handler(handler), bodyLimit: bodyLimit, parameters: [:], errors: errors, pattern: nil)
  }

  private static func matches(_ prefix: [PathPattern.Part], _ segments: [String]) -> Bool {
    guard prefix.count <= segments.count else { return false }
    return zip(prefix, segments).allSatisfy { part, segment in
      if case .literal(let text) = part { text == segment } else { true }
    }
  }

  private func wrapped(_ handler: @escaping HTTPHandler, errors: HTTPErrorShape) -> HTTPHandler {
    Self.wrap(handler, in: middleware, errors: errors)
  }

  private static func wrap(
    _ handler: @escaping HTTPHandler, in layers: [HTTPMiddleware], errors: HTTPErrorShape
  ) -> HTTPHandler {
    let innermost: HTTPHandler = { request in
      do {
        return try await handler(request)
      } catch let error as HTTPError {
        return errors.response(for: error, to: request)
      }
    }
    return layers.reversed().reduce(innermost) { next, layer in
      { request in
        do {
          return try await layer(request, next)
        } catch let error as HTTPError {
          return errors.response(for: error, to: request)
        }
      }
    }
  }

  /// Runs the admission of a WebSocket inside the middleware: nil means that it may be upgraded.
  private func admitted(
    _ request: HTTPRequest, by admit: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse?,
    errors: HTTPErrorShape
  ) async throws -> HTTPResponse? {
    let response = try await wrapped(
      { request in try await admit(request) ?? HTTPResponse(status: .switchingProtocols) }, errors: errors)(request)
    return response.status == .switchingProtocols ? nil : response
  }
}
