import Platform

/// What answers which request. Built once, then given to a server.
///
/// ```swift
/// var router = Router()
/// router.route(.get, "/guilds/:id", "One guild", .path("id", Snowflake.self), returning: .json(Guild.self)) {
///   request, id in try await guilds.find(id)
/// }
/// router.route(
///   .post, "/guilds", RouteNotes("Make a guild", status: .created).with(Access.admin), .body(NewGuild.self),
///   returning: .json(Guild.self)
/// ) { request, guild in try await guilds.make(guild) }
/// ```
///
/// The order around a request: the server gives it an id and finds out who asks; then the middleware of the outermost
/// router, in the order of ``use(_:)``; then that of the mounted router; then the route's inputs in the order of their
/// declaration; then the handler. Errors travel the other way, and become answers where they are thrown, in the shape of
/// the router that declared the route.
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

  /// A route whose handler reads what it needs and makes the answer itself.
  public mutating func on(
    _ method: HTTPMethod, _ pattern: PathPattern, _ notes: RouteNotes = "", bodyLimit: Int? = nil,
    handler: @escaping HTTPHandler
  ) {
    var notes = notes
    notes.bodyLimit = bodyLimit ?? notes.bodyLimit
    add(method, pattern, notes, inputs: [], output: nil, target: .handler(handler))
  }

  /// A route whose handler gets its inputs read and checked, and whose result is written for it.
  public mutating func route<each Input: Sendable, Output: Sendable>(
    _ method: HTTPMethod, _ pattern: PathPattern, _ notes: RouteNotes, _ inputs: repeat RouteInput<each Input>,
    returning output: RouteOutput<Output>,
    handler: @escaping @Sendable (HTTPRequest, repeat each Input) async throws -> Output
  ) {
    var descriptions: [RouteInputDescription] = []
    for description in repeat (each inputs).description {
      if case .path(let name, _) = description {
        precondition(pattern.parameterNames.contains(name), "\(pattern) has no part named \(name)")
      }
      descriptions.append(description)
    }
    var description = output.description
    description.status = notes.status ?? description.status
    let status = description.status
    add(
      method, pattern, notes, inputs: descriptions, output: description,
      target: .handler { request in
        let values = (repeat try await (each inputs).read(request))
        return try output.write(try await handler(request, repeat each values), status)
      })
  }

  /// A route that becomes a WebSocket. The socket is closed with 1000 when `handler` returns and with 1011 when it
  /// throws, unless it is closed by then.
  /// - Parameter admit: looks at the opening request; what it returns or throws is answered instead of upgrading.
  public mutating func webSocket(
    _ pattern: PathPattern, _ notes: RouteNotes = "", options: WebSocketOptions = WebSocketOptions(),
    admit: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse? = { _ in nil },
    handler: @escaping WebSocketRoute.Handler
  ) {
    addWebSocket(pattern, notes, WebSocketRoute(options: options, admit: admit, service: .task(handler)))
  }

  /// A route that becomes a WebSocket without a task of its own, for many that mostly wait. Of the options
  /// ``WebSocketOptions/maximumPendingBytes`` and ``WebSocketOptions/maximumReceivedBytes`` have no meaning here: messages
  /// are handed over as they come, and the listener watches over what waits to be sent.
  /// - Parameter listen: looks at the opening request. What it throws is answered instead of upgrading; what it returns
  ///   makes the listener on the loop, unless the peer has gone by then.
  public mutating func webSocket(
    _ pattern: PathPattern, _ notes: RouteNotes = "", options: WebSocketOptions = WebSocketOptions(),
    listen: @escaping @Sendable (HTTPRequest) async throws -> WebSocketRoute.MakeListener
  ) {
    let admit: @Sendable (HTTPRequest) async throws -> HTTPResponse? = { request in
      let make = try await listen(request)
      request[WebSocketAcceptance.self]?.put(make)
      return nil
    }
    addWebSocket(pattern, notes, WebSocketRoute(options: options, admit: admit, service: .listener))
  }

  private mutating func addWebSocket(_ pattern: PathPattern, _ notes: RouteNotes, _ route: WebSocketRoute) {
    add(
      .get, pattern, notes, inputs: [],
      output: RouteOutputDescription(status: .switchingProtocols, mediaType: nil, schema: nil),
      target: .webSocket(route))
  }

  /// Adds all routes of another router below a prefix; they keep its middleware and the look of its errors.
  public mutating func mount(_ prefix: PathPattern, _ router: Router) {
    for route in router.routes {
      var mounted = route
      mounted.pattern = route.pattern.prefixed(by: prefix)
      mounted.target = router.wrapped(route.target, errors: route.errors)
      insert(mounted)
    }
    mounts.append(Mount(prefix: prefix.parts, errors: router.errors, middleware: router.middleware))
    mounts += router.mounts.map {
      Mount(prefix: prefix.parts + $0.prefix, errors: $0.errors, middleware: router.middleware + $0.middleware)
    }
  }

  private mutating func add(
    _ method: HTTPMethod, _ pattern: PathPattern, _ notes: RouteNotes, inputs: [RouteInputDescription],
    output: RouteOutputDescription?, target: Route.Target
  ) {
    var target = target
    if notes.usesEntityTag, case .handler(let handler) = target { target = .handler(EntityTag.around(handler)) }
    insert(
      Route(
        method: method, pattern: pattern, notes: notes, inputs: inputs, output: output,
        bodyLimit: notes.bodyLimit ?? bodyLimit, target: target, errors: errors))
  }

  private mutating func insert(_ route: Route) {
    let isNew = tree.insert(routes.count, method: route.method, pattern: route.pattern)
    precondition(isNew, "two routes answer \(route.method) \(route.pattern)")
    routes.append(route)
  }

  // MARK: Answering

  /// Answers without a server, for tests of handlers. A route that becomes a WebSocket answers 426.
  public func respond(to request: HTTPRequest) async throws -> HTTPResponse {
    let plan = compiled().plan(request.method, request.path)
    var request = request
    request.parameters = plan.parameters
    request.bodyLimit = plan.bodyLimit
    request.route = plan.route
    guard case .handler(let handler) = plan.target else {
      return plan.errors.response(for: WebSocketHandshake.upgradeRequired, to: request)
    }
    return try await handler(request)
  }

  /// The form in which a server uses it: what is around each handler is put together once.
  func compiled() -> CompiledRouter {
    CompiledRouter(
      tree: tree, errors: errors, bodyLimit: bodyLimit,
      routes: routes.map { route in
        CompiledRouter.Entry(
          target: wrapped(route.target, errors: route.errors), bodyLimit: route.bodyLimit,
          names: route.pattern.parameterNames, errors: route.errors, route: MatchedRoute(route))
      },
      fallback: { path in
        let mount = mounts.filter { Self.matches($0.prefix, path.segments) }.max { $0.prefix.count < $1.prefix.count }
        return (mount?.errors ?? errors, middleware + (mount?.middleware ?? []))
      })
  }

  private static func matches(_ prefix: [PathPattern.Part], _ segments: [String]) -> Bool {
    guard prefix.count <= segments.count else { return false }
    return zip(prefix, segments).allSatisfy { part, segment in
      if case .literal(let text) = part { text == segment } else { true }
    }
  }

  private func wrapped(_ target: Route.Target, errors: HTTPErrorShape) -> Route.Target {
    switch target {
    case .handler(let handler): return .handler(Self.wrap(handler, in: middleware, errors: errors))
    case .webSocket(var socket):
      // The admission runs inside the middleware: 101 means that the connection may be upgraded.
      let admit = socket.admit
      let handler = Self.wrap(
        { request in
          let refusal = try await admit(request)
          request[WebSocketAcceptance.self]?.admit(request)
          return refusal ?? HTTPResponse(status: .switchingProtocols)
        }, in: middleware, errors: errors)
      socket.admit = { request in
        let response = try await handler(request)
        return response.status == .switchingProtocols ? nil : response
      }
      return .webSocket(socket)
    }
  }

  static func wrap(
    _ handler: @escaping HTTPHandler, in layers: [HTTPMiddleware], errors: HTTPErrorShape
  ) -> HTTPHandler {
    let innermost = answering(errors) { request in
      // Known before, but answered here, so that middleware is around it as around every answer.
      if let rejection = request.rejection { throw rejection }
      return try await handler(request)
    }
    return layers.reversed().reduce(innermost) { next, layer in
      answering(errors) { request in try await layer(request, next) }
    }
  }

  /// Turns errors into answers, all but those that mean that nobody waits for one.
  private static func answering(_ errors: HTTPErrorShape, _ handler: @escaping HTTPHandler) -> HTTPHandler {
    { request in
      do {
        return try await handler(request)
      } catch let error as HTTPError {
        return errors.response(for: error, to: request)
      } catch let error as HTTPConnectionLost {
        throw error
      } catch let error as CancellationError where Task.isCancelled {
        throw error
      } catch {
        var answer = request.report(error)
        if var meant = errors.meaning(error) {
          if !request.id.isEmpty { meant.message += " (\(request.id))" }
          answer = meant
        }
        return errors.response(for: answer, to: request)
      }
    }
  }
}

/// A router as a server uses it.
final class CompiledRouter: Sendable {
  struct Entry: Sendable {
    let target: Route.Target
    let bodyLimit: Int
    let names: [String]
    let errors: HTTPErrorShape
    let route: MatchedRoute
  }

  /// What a request leads to, known from its head alone.
  struct Plan: Sendable {
    let target: Route.Target
    let bodyLimit: Int
    let parameters: [String: String]
    let errors: HTTPErrorShape
    /// Nil where the answer is 404 or 405.
    let route: MatchedRoute?
  }

  let errors: HTTPErrorShape
  private let tree: RouteTree
  private let bodyLimit: Int
  private let entries: [Entry]
  private let fallback: @Sendable (HTTPPath) -> (HTTPErrorShape, [HTTPMiddleware])

  init(
    tree: RouteTree, errors: HTTPErrorShape, bodyLimit: Int, routes: [Entry],
    fallback: @escaping @Sendable (HTTPPath) -> (HTTPErrorShape, [HTTPMiddleware])
  ) {
    self.tree = tree
    self.errors = errors
    self.bodyLimit = bodyLimit
    entries = routes
    self.fallback = fallback
  }

  func plan(_ method: HTTPMethod, _ path: HTTPPath) -> Plan {
    if path.raw == "*" {
      let allowed: Set<HTTPMethod> = Set(entries.map(\.route.method))
      return failing(path) { HTTPResponse(status: .noContent, headers: ["Allow": Self.allow(allowed)]) }
    }
    switch tree.find(method, path.segments) {
    case .found(let match):
      let entry = entries[match.route]
      let parameters = entry.names.isEmpty ? [:] : Dictionary(zip(entry.names, match.values)) { $1 }
      return Plan(
        target: entry.target, bodyLimit: entry.bodyLimit, parameters: parameters, errors: entry.errors,
        route: entry.route)
    case .otherMethods(let methods, let route):
      let allowed = Self.allow(methods)
      if method == .options { return failing(path) { HTTPResponse(status: .noContent, headers: ["Allow": allowed]) } }
      let error = HTTPError(
        .methodNotAllowed, kind: .methodNotAllowed, "\(method) is not possible here", headers: ["Allow": allowed])
      // Several surfaces may share a prefix: the one that has the path answers.
      return failing(path, as: entries[route].errors) { throw error }
    case .nothing:
      return failing(path) { throw HTTPError(.notFound, kind: .notFound, "there is nothing at this path") }
    }
  }

  private func failing(
    _ path: HTTPPath, as shape: HTTPErrorShape? = nil, _ answer: @escaping @Sendable () throws -> HTTPResponse
  ) -> Plan {
    let (fallbackErrors, layers) = fallback(path)
    let errors = shape ?? fallbackErrors
    let handler = Router.wrap({ _ in try answer() }, in: layers, errors: errors)
    return Plan(target: .handler(handler), bodyLimit: bodyLimit, parameters: [:], errors: errors, route: nil)
  }

  private static func allow(_ methods: Set<HTTPMethod>) -> String {
    var names = Set(methods.map(\.rawValue))
    if names.contains("GET") { names.insert("HEAD") }
    names.insert("OPTIONS")
    return names.sorted().joined(separator: ", ")
  }
}
