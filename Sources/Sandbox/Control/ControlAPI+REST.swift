import HTTP
import Platform

/// What a script does to the REST API's world: limits, reactions, OAuth2.
extension ControlAPI {
  func rest(_ router: inout Router) {
    let world = world
    router.on(.post, "/reactions") { request in
      let body = try await Self.body(request)
      return try await Self.reply { try await world.addReaction(body) }
    }
    router.on(.post, "/limits") { request in
      let body = try await Self.body(request)
      return try await Self.reply { try await world.changeLimit(body) }
    }
    router.on(.delete, "/limits") { _ in
      await world.forgetLimits()
      return .noContent
    }
    router.on(.post, "/applications") { request in
      let body = try await Self.body(request)
      return try await Self.reply { try await world.changeApplication(body) }
    }
    router.on(.post, "/oauth2/authorize") { request in
      let body = try await Self.body(request)
      return try await Self.reply { try await world.authorize(body) }
    }
    router.on(.post, "/oauth2/expire") { request in
      let body = try await Self.body(request)
      return try await Self.reply { try await world.expireTokens(body) }
    }
  }
}

extension World {
  /// `{"user", "channel"?, "message", "emoji"}`: a Unicode emoji.
  func addReaction(_ body: JSON) throws(ControlError) -> JSON {
    let user = try player(body["user"])
    let channel = try place(body["channel"], for: user)
    guard let id = Snowflake(body["message"]), let message = channel.messages.first(where: { $0.id == id }) else {
      throw .notFound("message")
    }
    guard let emoji = body["emoji"]?.string, !emoji.isEmpty, emoji.unicodeScalars.count <= 12 else {
      throw .bad("emoji must be a Unicode emoji")
    }
    do { try react(nil, emoji, of: user.id, to: message) } catch { throw .conflict(error.message) }
    return [:]
  }

  /// `{"method", "path", "limit", "window", "sliding"?, "fields"?}`: the path with the names of the route's parameters, as
  /// `/channels/:channel_id`; the window in milliseconds. With fields, a limit within the bucket.
  func changeLimit(_ body: JSON) throws(ControlError) -> JSON {
    guard let method = body["method"]?.string, let path = body["path"]?.string,
      let route = RouteTable.routes.first(where: {
        $0.method.rawValue == method.uppercased() && $0.template == path
      })
    else { throw .notFound("route") }
    guard let limit = body["limit"]?.integer, (1...1_000).contains(limit), let window = body["window"]?.integer,
      (1...86_400_000).contains(window)
    else { throw .bad("limit must be 1 to 1000, window 1 to 86400000 milliseconds") }
    guard limiter.changes < 1_000 else { throw .conflict("too many limits were changed") }
    if let fields = body["fields"]?.array?.compactMap(\.string), !fields.isEmpty {
      limiter.add(
        RateLimiter.SubLimit(
          method: route.method, template: route.template, fields: fields, limit: Int(limit),
          window: .milliseconds(window)))
      return [:]
    }
    guard var bucket = route.bucket else { throw .bad("this route has no bucket") }
    bucket.limit = Int(limit)
    bucket.window = .milliseconds(window)
    bucket.isSliding = body["sliding"]?.bool ?? false
    limiter.override(bucket)
    return ["bucket": .string(bucket.hash)]
  }

  func forgetLimits() { limiter.forgetChanges() }

  private func application(_ body: JSON) throws(ControlError) -> Application {
    guard let id = Snowflake(body["application"]), let application = applications[id] else {
      throw .notFound("application")
    }
    return application
  }

  /// `{"application", "redirectURIs"?, "secret"?}`: what OAuth2 takes from then on.
  func changeApplication(_ body: JSON) throws(ControlError) -> JSON {
    var application = try application(body)
    if let list = body["redirectURIs"]?.array { application.redirectURIs = list.compactMap(\.string) }
    if let secret = body["secret"]?.string { application.clientSecret = secret.isEmpty ? nil : secret }
    applications[application.id] = application
    return ["redirectURIs": .array(application.redirectURIs.map(JSON.string))]
  }

  /// A user agrees, as on the page: `{"user", "application", "redirectURI", "scope", "state"?}`.
  func authorize(_ body: JSON) throws(ControlError) -> JSON {
    let user = try player(body["user"])
    let request = AuthorizationRequest { name in
      switch name {
      case "client_id": body["application"]?.string
      case "redirect_uri": body["redirectURI"]?.string
      default: body[name]?.string
      }
    }
    if let refusal = refusal(of: request) { throw .bad(refusal) }
    guard let code = authorize(request, by: user.id) else { throw .bad("this user cannot agree") }
    return ["code": .string(code), "location": .string(request.location([("code", code)]))]
  }

  /// `{"application"}`: its access tokens end now.
  func expireTokens(_ body: JSON) throws(ControlError) -> JSON {
    authorizations.expire(application: try application(body).id, now: time.now)
    return [:]
  }
}
