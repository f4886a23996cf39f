import HTTP
import Platform

/// Brings the parts of the sandbox under their addresses.
struct SandboxRouter: Sendable {
  let world: World
  let time: any TimeSource
  let log: Log
  let hostGuard: HostGuard

  /// Discord takes files up to 10 MiB each, up to ten per message.
  static let bodyLimit = 100 << 20

  private static let errors = HTTPErrorShape { error, _ in
    .json(
      ["message": .string("\(error.status.rawValue): \(error.message)"), "code": 0], status: error.status,
      headers: ["Via": "1.1 google"])
  }

  func router() -> Router {
    var router = Router(errors: Self.errors)
    for method in [HTTPMethod.get, .post, .put, .patch, .delete] {
      router.on(method, "/api/*rest", bodyLimit: Self.bodyLimit) { request in try await api(request) }
    }
    let gateway = GatewaySocket(world: world, time: time, log: log.labelled("gateway"))
    let options = WebSocketOptions(maximumMessageSize: 64 << 10, maximumPendingBytes: 64 << 20)
    // Some libraries keep the trailing slash that they put before the query.
    for path in ["/gateway", "/gateway/"] as [PathPattern] {
      router.webSocket(
        path, options: options,
        admit: { _ in
          guard let status = await world.takeRefusal() else { return nil }
          throw HTTPError(HTTPStatus(rawValue: status), "sandbox fault")
        }
      ) { request, socket in await gateway.serve(request, socket) }
    }
    router.on(.get, "/attachments/:channel/:id/:name") { request in
      try await file(request.parameters["id"], request.parameters["channel"])
    }
    var control = ControlAPI(world: world).router()
    let playground = Playground(world: world)
    control.webSocket("/live") { request, socket in try await playground.serve(request, socket) }
    let hostGuard = hostGuard
    var guarded = Router(errors: ControlAPI.errors)
    guarded.use { request, next in
      if let refusal = hostGuard.refusal(of: request) { throw refusal }
      return try await next(request)
    }
    guarded.mount("/sandbox", control)
    playground.add(to: &guarded)
    AuthorizePage(world: world).add(to: &guarded)
    router.mount("/", guarded)
    return router
  }

  // MARK: - Discord's API

  private func api(_ request: HTTPRequest) async throws -> HTTPResponse {
    var call = APIRequest(method: request.method, segments: Self.segments(request.path))
    for item in request.query where call.query[item.name] == nil { call.query[item.name] = item.value }
    call.authorization = request.headers["Authorization"]
    call.auditReason = request.headers["X-Audit-Log-Reason"].map {
      PercentEncoding.decode($0.utf8, plusIsSpace: false) ?? $0
    }
    if call.segments == ["oauth2", "authorize"], request.method == .get {
      let query = request.rawQuery.map { "?\($0)" } ?? ""
      return HTTPResponse(status: .found, headers: ["Location": "/oauth2/authorize\(query)"])
    }
    try await readBody(of: request, into: &call)
    let outcome = await world.respond(to: call)
    if outcome.delay > .zero { try await time.sleep(for: outcome.delay) }
    let answer = Self.answer(outcome.response)
    switch outcome.cut {
    case nil: return answer
    case .before, .after: throw HTTPConnectionLost()
    case .head: return HTTPResponse(body: .stream(length: 1) { _ in throw HTTPConnectionLost() })
    case .body:
      guard case .bytes(let bytes) = answer.body, !bytes.isEmpty else { throw HTTPConnectionLost() }
      return HTTPResponse(
        status: answer.status, headers: answer.headers,
        body: .stream(length: bytes.count) { writer in
          try await writer.write(Array(bytes.dropLast()))
          throw HTTPConnectionLost()
        })
    }
  }

  private static func answer(_ response: APIResponse) -> HTTPResponse {
    let status = HTTPStatus(rawValue: response.status)
    if let text = response.text {
      let type = response.headers["Content-Type"] ?? "text/html; charset=utf-8"
      var answer = HTTPResponse(status: status, headers: response.headers, bytes: Array(text.utf8), contentType: type)
      answer.headers["Content-Type"] = type
      return answer
    }
    guard let body = response.body else { return HTTPResponse(status: status, headers: response.headers) }
    return .json(body, status: status, headers: response.headers)
  }

  /// Without `api`, the version and a trailing slash.
  static func segments(_ path: HTTPPath) -> [String] {
    var segments = path.segments.dropFirst()
    if let first = segments.first, ["v9", "v10"].contains(first) { segments = segments.dropFirst() }
    if segments.last == "" { segments = segments.dropLast() }
    return Array(segments)
  }

  private func readBody(of request: HTTPRequest, into call: inout APIRequest) async throws {
    guard request.mediaType == "multipart/form-data" else {
      let bytes = try await request.bytes()
      guard !bytes.isEmpty else { return }
      if request.mediaType == "application/x-www-form-urlencoded" {
        let form = (try? HTTPQuery(bytes)) ?? .empty
        call.form = Dictionary(form.map { ($0.name, $0.value) }) { first, _ in first }
        return
      }
      guard request.mediaType == "application/json", let body = try? JSON(parsing: bytes) else {
        call.body = .invalid
        return
      }
      call.body = .json(body)
      return
    }
    let form = try await request.multipart()
    if let payload = form["payload_json"] {
      call.body = (try? JSON(parsing: payload.bytes)).map(APIRequest.Body.json) ?? .invalid
    }
    for part in form.files {
      // `files[0]`; the index ties the file to its entry in `attachments`.
      let index = Int(part.name.filter(\.isNumber)) ?? call.files.count
      call.files.append(
        APIRequest.File(
          index: index, filename: part.filename ?? "file", contentType: part.contentType ?? "application/octet-stream",
          bytes: part.bytes))
    }
  }

  private func file(_ id: String?, _ channel: String?) async throws -> HTTPResponse {
    guard let id = id.flatMap({ Snowflake($0) }), let file = await world.attachments[id],
      file.channelID.description == channel
    else { throw HTTPError(.notFound, kind: .notFound, "Not Found") }
    let isImage = ["image/png", "image/jpeg", "image/gif", "image/webp"].contains(file.contentType)
    return HTTPResponse(
      headers: [
        "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": isImage ? "inline" : "attachment",
      ], bytes: file.bytes, contentType: isImage ? file.contentType : "application/octet-stream")
  }
}
