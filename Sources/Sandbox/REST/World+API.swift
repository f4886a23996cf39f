import Platform

extension World {
  /// What the server does with a request: wait, then answer or cut the connection.
  struct APIOutcome: Sendable {
    var response: APIResponse
    var delay = Duration.zero
    /// The connection is cut instead of an answer.
    var isCut = false
  }

  /// Takes one request of the REST API from authentication to the answer.
  func respond(to request: APIRequest) -> APIOutcome {
    let fault = takeFault(for: request)
    let delay = fault?.delay ?? .zero
    if fault?.isCut == true { return APIOutcome(response: .noContent, delay: delay, isCut: true) }
    var response = fault?.response(at: time.timestamp) ?? answer(request)
    response.headers["Via"] = "1.1 google"
    requestLog.append(
      RequestLog.Entry(
        at: time.timestamp, method: request.method, path: "/" + request.segments.joined(separator: "/"),
        query: request.query, status: response.status, body: request.body, files: request.files.map(\.filename),
        auditReason: request.auditReason))
    return APIOutcome(response: response, delay: delay)
  }

  private func answer(_ request: APIRequest) -> APIResponse {
    func failure(_ error: APIError, _ headers: HTTPHeaders = [:]) -> APIResponse {
      APIResponse(status: error.status, headers: headers, body: error.body)
    }
    let route: APIRoute
    let parameters: [String: String]
    switch RouteTable.find(request.method, request.segments) {
    case .route(let found, let values): (route, parameters) = (found, values)
    case .methodNotAllowed: return failure(.methodNotAllowed)
    case .notFound: return failure(.routeNotFound)
    }
    var caller: Application?
    if let authorization = request.authorization, authorization.hasPrefix("Bot ") {
      caller = application(token: authorization)
    }
    if route.authentication == .bot, caller == nil { return failure(.unauthorized) }
    var headers: HTTPHeaders = [:]
    switch limiter.admit(
      token: caller?.token ?? "", bucket: route.bucket, major: route.major(parameters),
      countsGlobally: route.countsGlobally, now: time.now, timestamp: time.timestamp)
    {
    case .allowed(let limits): headers = limits
    case .refused(let limits, let wait, let isGlobal):
      return APIResponse(status: 429, headers: limits, body: Self.rateLimitBody(wait: wait, isGlobal: isGlobal))
    }
    guard request.body != .invalid else { return failure(.invalidJSON, headers) }
    do {
      var response = try route.handler(self, APICall(request: request, parameters: parameters, application: caller))
      for (name, value) in headers { response.headers.add(name, value) }
      return response
    } catch let error as APIError {
      return failure(error, headers)
    } catch {
      log.error("a handler failed", ["error": .error(error), "route": .string(route.template)])
      return APIResponse(status: 500, headers: headers, body: ["message": "500: Internal Server Error", "code": 0])
    }
  }

  static func rateLimitBody(wait: Duration, isGlobal: Bool) -> JSON {
    [
      "message": "You are being rate limited.",
      "retry_after": .double((wait.inMilliseconds.rounded(.up)) / 1_000), "global": .boolean(isGlobal),
    ]
  }

  /// Notes a request that never reached the API, so that it shows in the log.
  private func takeFault(for request: APIRequest) -> RESTFault? {
    let path = "/" + request.segments.joined(separator: "/")
    guard let index = faults.firstIndex(where: { $0.applies(to: request.method, path: path) }) else { return nil }
    faults[index].count -= 1
    let fault = faults[index]
    if fault.count <= 0 { faults.remove(at: index) }
    return fault
  }

  // MARK: - The bot itself

  func getGatewayBot(_ call: APICall) throws(APIError) -> APIResponse {
    let caller = try call.caller()
    let isOver = time.now >= caller.identifiesResetAt
    let used = isOver ? 0 : caller.identifies
    let wait = isOver ? Duration.zero : time.now.duration(to: caller.identifiesResetAt)
    return .ok([
      "url": .string(gatewayURL), "shards": .integer(Int64(max(1, options.shards))),
      "session_start_limit": [
        "total": .integer(Int64(options.sessionStartLimit)),
        "remaining": .integer(Int64(max(0, options.sessionStartLimit - used))),
        "reset_after": .integer(used == 0 ? 0 : Int64(wait.inMilliseconds)),
        "max_concurrency": .integer(Int64(max(1, options.maxConcurrency))),
      ],
    ])
  }

  func getOwnUser(_ call: APICall) throws(APIError) -> APIResponse {
    guard let user = users[try call.caller().id] else { throw .unknownUser }
    return .ok(user.ownJSON)
  }

  func modifyOwnUser(_ call: APICall) throws(APIError) -> APIResponse {
    let id = try call.caller().id
    var form = FormErrors()
    let name = form.text(call.body["username"], ["username"], 2...32)
    try form.check()
    if let name {
      users[id]?.username = name
      notifyWatchers(["type": "world"])
    }
    guard let user = users[id] else { throw .unknownUser }
    emit(Event(name: "USER_UPDATE", applicationID: id, data: user.ownJSON))
    return .ok(user.ownJSON)
  }

  func listOwnGuilds(_ call: APICall) throws(APIError) -> APIResponse {
    let caller = try call.caller()
    let limit = try call.integer("limit", 1...200, default: 200)
    let after = try call.snowflake(query: "after")
    let before = try call.snowflake(query: "before")
    let own = guilds.values.filter { guild in
      guild.members[caller.id] != nil && (after.map { guild.id > $0 } ?? true) && (before.map { guild.id < $0 } ?? true)
    }
    let sorted = own.sorted { $0.id < $1.id }
    return .ok(
      .array(
        sorted.prefix(limit).map { guild in
          var json: JSON = [
            "id": guild.id.json, "name": .string(guild.name), "icon": .null, "banner": .null,
            "owner": .boolean(guild.ownerID == caller.id), "permissions": guild.permissions(of: caller.id).json,
            "features": [],
          ]
          if call.flag("with_counts") {
            json["approximate_member_count"] = .integer(Int64(guild.members.count))
            json["approximate_presence_count"] = .integer(Int64(guild.members.count))
          }
          return json
        }))
  }

  func leaveGuild(_ call: APICall) throws(APIError) -> APIResponse {
    let (guild, caller) = try guild(call)
    leave(user: caller.id, guild: guild.id)
    return .noContent
  }

  func createDirectMessage(_ call: APICall) throws(APIError) -> APIResponse {
    let caller = try call.caller()
    guard let id = Snowflake(call.body["recipient_id"]) else {
      throw .form("recipient_id", "BASE_TYPE_REQUIRED", "This field is required")
    }
    guard let user = users[id] else { throw .unknownUser }
    guard !user.isBot else { throw .cannotMessageUser }
    return .ok(channelJSON(directChannel(bot: caller.id, user: id), viewer: caller.id))
  }

  func getUser(_ call: APICall) throws(APIError) -> APIResponse {
    guard let user = users[try call.id("user_id")] else { throw .unknownUser }
    return .ok(user.json)
  }

  func getApplication(_ call: APICall) throws(APIError) -> APIResponse {
    let caller = try call.caller()
    let name = users[caller.id]?.username ?? ""
    return .ok([
      "id": caller.id.json, "name": .string(name), "icon": .null, "description": .string(caller.description),
      "type": .null, "bot": users[caller.id]?.json ?? .null, "summary": "", "bot_public": true,
      "bot_require_code_grant": false, "verify_key": .string(String(repeating: "0", count: 64)),
      "flags": .integer(Self.applicationFlags), "hook": true, "is_monetized": false, "redirect_uris": [],
      "interactions_endpoint_url": .null, "role_connections_verification_url": .null,
      "owner": users[Self.ownerID]?.json ?? .null, "approximate_guild_count": .integer(Int64(guilds.count)),
      "approximate_user_install_count": 0, "team": .null, "rpc_origins": [],
      "integration_types_config": [
        "0": ["oauth2_install_params": ["scopes": ["applications.commands", "bot"], "permissions": "8"]]
      ],
    ])
  }
}

/// What a script ordered for coming requests.
struct RESTFault: Sendable {
  /// How many requests it still meets.
  var count: Int
  var method: HTTPMethod?
  /// Only paths that begin so, `/api/v10` taken off; empty for all.
  var pathPrefix = ""
  /// nil lets the request through after the delay.
  var status: Int?
  var delay = Duration.zero
  var retryAfter = Duration.seconds(1)
  /// `user`, `global` or `shared`, for 429.
  var scope = "user"
  var isCut = false

  func applies(to method: HTTPMethod, path: String) -> Bool {
    count > 0 && (self.method == nil || self.method == method) && path.hasPrefix(pathPrefix)
  }

  func response(at timestamp: Timestamp) -> APIResponse? {
    guard let status else { return nil }
    guard status == 429 else {
      let message = "\(status): sandbox fault"
      return APIResponse(status: status, body: ["message": .string(message), "code": 0])
    }
    let isGlobal = scope == "global"
    var headers: HTTPHeaders = [
      "Retry-After": RateLimiter.wholeSeconds(retryAfter), "X-RateLimit-Scope": scope,
    ]
    if isGlobal {
      headers["X-RateLimit-Global"] = "true"
    } else {
      headers["X-RateLimit-Limit"] = "5"
      headers["X-RateLimit-Remaining"] = "0"
      headers["X-RateLimit-Reset"] = RateLimiter.decimal(milliseconds: (timestamp + retryAfter).milliseconds)
      headers["X-RateLimit-Reset-After"] = RateLimiter.decimal(milliseconds: Int64(retryAfter.inMilliseconds))
      headers["X-RateLimit-Bucket"] = "sandboxfault5a17b0c5"
    }
    return APIResponse(
      status: 429, headers: headers, body: World.rateLimitBody(wait: retryAfter, isGlobal: isGlobal))
  }
}

/// The newest requests, so that a script can see what a bot did.
struct RequestLog: Sendable {
  struct Entry: Sendable {
    let at: Timestamp
    let method: HTTPMethod
    let path: String
    let query: [String: String]
    let status: Int
    let body: APIRequest.Body
    let files: [String]
    let auditReason: String?

    var json: JSON {
      var json: JSON = [
        "at": .string(at.iso8601), "method": .string(method.rawValue), "path": .string(path),
        "status": .integer(Int64(status)), "query": .object(JSON.Object(query.map { ($0.key, .string($0.value)) })),
      ]
      if case .json(let body) = body { json["body"] = body }
      if !files.isEmpty { json["files"] = .array(files.map(JSON.string)) }
      if let auditReason { json["auditReason"] = .string(auditReason) }
      return json
    }
  }

  let limit: Int
  private(set) var entries: [Entry] = []

  init(limit: Int) { self.limit = limit }

  mutating func append(_ entry: Entry) {
    entries.append(entry)
    if entries.count > limit { entries.removeFirst(entries.count - limit) }
  }

  mutating func removeAll() { entries = [] }
}
