import Platform

extension World {
  /// What the server does with a request: wait, then answer or cut the connection.
  struct APIOutcome: Sendable {
    var response: APIResponse
    var delay = Duration.zero
    /// The connection is cut, there.
    var cut: RESTFault.Cut?
  }

  /// Takes one request of the REST API from authentication to the answer.
  func respond(to request: APIRequest) -> APIOutcome {
    let fault = takeFault(for: request)
    let delay = fault?.delay ?? .zero
    if let cut = fault?.cut, !cut.hasEffect { return APIOutcome(response: .noContent, delay: delay, cut: cut) }
    var response = fault?.response(at: time.timestamp) ?? answer(request)
    response.headers["Via"] = "1.1 google"
    fault?.spoil(&response, at: time.timestamp)
    requestLog.append(
      RequestLog.Entry(
        at: time.timestamp, method: request.method, path: "/" + request.segments.joined(separator: "/"),
        query: request.query, status: response.status, body: request.body, files: request.files.map(\.filename),
        auditReason: request.auditReason, response: response.body))
    return APIOutcome(response: response, delay: delay, cut: fault?.cut)
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
    var grant: AuthorizationServer.Grant?
    if let authorization = request.authorization, authorization.hasPrefix("Bearer ") {
      grant = authorizations.grant(accessToken: String(authorization.dropFirst(7)), now: time.now)
    }
    let isAllowed =
      switch route.authentication {
      case .none: true
      case .bot: caller != nil
      case .user: grant != nil
      case .botOrUser: caller != nil || grant != nil
      }
    guard isAllowed else {
      // A bot's token where only a user's will do.
      return failure(
        caller == nil ? .unauthorized : APIError(status: 403, code: 20001, message: "Bots cannot use this endpoint"))
    }
    var headers: HTTPHeaders = [:]
    switch limiter.admit(
      token: caller?.token ?? grant.map { "Bearer \($0.accessToken)" } ?? "", bucket: route.bucket,
      route: (route.method, route.template, fields: request.fields), major: route.major(parameters),
      countsGlobally: route.countsGlobally, now: time.now, timestamp: time.timestamp)
    {
    case .allowed(let limits): headers = limits
    case .refused(let limits, let wait, let isGlobal):
      return APIResponse(status: 429, headers: limits, body: Self.rateLimitBody(wait: wait, isGlobal: isGlobal))
    }
    guard request.body != .invalid else { return failure(.invalidJSON, headers) }
    do {
      var response = try route.handler(
        self, APICall(request: request, parameters: parameters, application: caller, grant: grant))
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
    if call.application == nil, let grant = call.grant { return try user(of: grant) }
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
    if let grant = call.grant, !grant.scopes.contains("guilds") { throw .missingScope }
    guard let id = call.application?.id ?? call.grant?.user else { throw .unauthorized }
    let limit = try call.integer("limit", 1...200, default: 200)
    let after = try call.snowflake(query: "after")
    let before = try call.snowflake(query: "before")
    let own = guilds.values.filter { guild in
      guild.members[id] != nil && (after.map { guild.id > $0 } ?? true) && (before.map { guild.id < $0 } ?? true)
    }
    let sorted = own.sorted { $0.id < $1.id }
    return .ok(
      .array(
        sorted.prefix(limit).map { guild in
          var json: JSON = [
            "id": guild.id.json, "name": .string(guild.name), "icon": .null, "banner": .null,
            "owner": .boolean(guild.ownerID == id), "permissions": guild.permissions(of: id).json,
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

  func publicApplicationJSON(_ id: Snowflake) -> JSON {
    [
      "id": id.json, "name": .string(users[id]?.username ?? ""), "icon": .null,
      "description": .string(applications[id]?.description ?? ""), "type": .null, "summary": "", "bot_public": true,
      "bot_require_code_grant": false, "verify_key": .string(String(repeating: "0", count: 64)),
      "flags": .integer(Self.applicationFlags), "flags_new": .string(String(Self.applicationFlags)),
      "bot": users[id]?.json ?? .null, "rpc_origins": [],
      "integration_types_config": [
        "0": ["oauth2_install_params": ["scopes": ["applications.commands", "bot"], "permissions": "8"]]
      ],
    ]
  }

  func getApplication(_ call: APICall) throws(APIError) -> APIResponse {
    let caller = try call.caller()
    var json = publicApplicationJSON(caller.id)
    json["hook"] = true
    json["is_monetized"] = false
    json["redirect_uris"] = .array(caller.redirectURIs.map(JSON.string))
    for name in ["interactions_endpoint_url", "role_connections_verification_url", "team"] { json[name] = .null }
    json["owner"] = users[Self.ownerID]?.json ?? .null
    json["approximate_guild_count"] = .integer(Int64(guilds.count))
    json["approximate_user_install_count"] = 0
    json["approximate_user_authorization_count"] = 0
    json["explicit_content_filter"] = 0
    json["eligible_oauth2_scopes"] = .array(Self.scopes.sorted().map(JSON.string))
    return .ok(json)
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
    /// Kept for the latest only.
    var response: JSON?

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

  /// How many of the latest entries keep what was answered.
  static let responseLimit = 250

  let limit: Int
  private(set) var entries: [Entry] = []

  init(limit: Int) { self.limit = limit }

  mutating func append(_ entry: Entry) {
    entries.append(entry)
    if entries.count > Self.responseLimit { entries[entries.count - 1 - Self.responseLimit].response = nil }
    if entries.count > limit { entries.removeFirst(entries.count - limit) }
  }

  mutating func removeAll() { entries = [] }
}
