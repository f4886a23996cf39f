import Platform

/// A request on its way through a handler.
struct APICall: Sendable {
  let request: APIRequest
  /// The values of the template's parameters by name.
  let parameters: [String: String]
  /// The calling application; for routes that a webhook token opens it is the one in the path.
  let application: World.Application?
  /// What a user allowed an application, for calls with an access token.
  var grant: AuthorizationServer.Grant?

  /// The body; an absent one reads as an empty object.
  var body: JSON {
    if case .json(let body) = request.body { return body }
    return [:]
  }

  func id(_ name: String) throws(APIError) -> Snowflake {
    let text = parameters[name] ?? ""
    guard let id = Snowflake(text) else {
      throw .form(name, "NUMBER_TYPE_COERCE", "Value \"\(text)\" is not snowflake.")
    }
    return id
  }

  func caller() throws(APIError) -> World.Application {
    guard let application else { throw .unauthorized }
    return application
  }

  /// Discord takes `true`, `True` and `1`.
  func flag(_ name: String) -> Bool { ["true", "1"].contains(request.query[name]?.lowercased()) }

  func integer(_ name: String, _ range: ClosedRange<Int64>, default fallback: Int64) throws(APIError) -> Int {
    guard let text = request.query[name] else { return Int(fallback) }
    var form = FormErrors()
    let value = form.integer(.string(text), [name], range)
    try form.check()
    return Int(value ?? fallback)
  }

  func snowflake(query name: String) throws(APIError) -> Snowflake? {
    guard let text = request.query[name] else { return nil }
    guard let id = Snowflake(text) else {
      throw .form(name, "NUMBER_TYPE_COERCE", "Value \"\(text)\" is not snowflake.")
    }
    return id
  }
}

struct APIRoute: Sendable {
  typealias Handler = @Sendable (isolated World, APICall) throws -> APIResponse

  enum Authentication: Sendable {
    case bot, none
    /// An access token that a user gave.
    case user
    case botOrUser
  }

  let method: HTTPMethod
  let template: String
  let segments: [Segment]
  let authentication: Authentication
  let bucket: RateLimiter.Bucket?
  let countsGlobally: Bool
  let handler: Handler

  enum Segment: Sendable, Equatable {
    case literal(String)
    case parameter(String)
  }

  init(
    _ method: HTTPMethod, _ template: String, _ limit: (count: Int, seconds: Int)? = (10, 10),
    authentication: Authentication = .bot, countsGlobally: Bool = true, bucket name: String? = nil,
    _ handler: @escaping Handler
  ) {
    self.method = method
    self.template = template
    segments = template.split(separator: "/").map {
      $0.hasPrefix(":") ? .parameter(String($0.dropFirst())) : .literal(String($0))
    }
    self.authentication = authentication
    bucket = limit.map {
      RateLimiter.Bucket(name: name ?? "\(method) \(template)", limit: $0.count, window: .seconds($0.seconds))
    }
    self.countsGlobally = countsGlobally
    self.handler = handler
  }

  /// The parameters' values if the path has this route's form.
  func match(_ path: [String]) -> [String: String]? {
    guard path.count == segments.count else { return nil }
    var values: [String: String] = [:]
    for (segment, text) in zip(segments, path) {
      switch segment {
      case .literal(let literal): if literal != text { return nil }
      case .parameter(let name): values[name] = text
      }
    }
    return values
  }

  /// The part of the path that has limits of its own: the first channel, guild or webhook with its token.
  func major(_ parameters: [String: String]) -> String {
    for name in ["channel_id", "guild_id"] {
      if let value = parameters[name] { return value }
    }
    if let webhook = parameters["webhook_id"] { return webhook + "/" + (parameters["token"] ?? "") }
    return ""
  }
}

/// All of the API. A literal segment counts before a parameter, so `@me` routes stand before `:user_id`.
enum RouteTable {
  static let routes =
    general + authorizationRoutes + reactionRoutes + threadRoutes + roleRoutes + memberRoutes + webhookRoutes
    + inviteRoutes + emojiRoutes + guildRoutes + channelRoutes + commandPermissionRoutes + commandRoutes
    + interactionRoutes

  enum Match {
    case route(APIRoute, [String: String])
    case methodNotAllowed
    case notFound
  }

  static func find(_ method: HTTPMethod, _ path: [String]) -> Match {
    var isKnown = false
    for route in routes {
      guard let parameters = route.match(path) else { continue }
      if route.method == method { return .route(route, parameters) }
      isKnown = true
    }
    return isKnown ? .methodNotAllowed : .notFound
  }

  static let general: [APIRoute] = [
    APIRoute(.get, "/gateway", nil, authentication: .none) { world, _ in .ok(["url": .string(world.gatewayURL)]) },
    APIRoute(.get, "/gateway/bot", (2, 5)) { world, call in try world.getGatewayBot(call) },
    APIRoute(.get, "/users/@me", authentication: .botOrUser) { world, call in try world.getOwnUser(call) },
    APIRoute(.patch, "/users/@me") { world, call in try world.modifyOwnUser(call) },
    APIRoute(.get, "/users/@me/guilds", authentication: .botOrUser) { world, call in try world.listOwnGuilds(call) },
    APIRoute(.post, "/users/@me/channels") { world, call in try world.createDirectMessage(call) },
    APIRoute(.delete, "/users/@me/guilds/:guild_id") { world, call in try world.leaveGuild(call) },
    APIRoute(.get, "/users/:user_id", (30, 30)) { world, call in try world.getUser(call) },
    APIRoute(.get, "/oauth2/applications/@me") { world, call in try world.getApplication(call) },
    APIRoute(.get, "/applications/@me") { world, call in try world.getApplication(call) },
  ]
}
