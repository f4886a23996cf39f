import HTTP
import Platform

/// The page on which a user of the world allows an application what it asks for.
struct AuthorizePage: Sendable {
  let world: World

  func add(to router: inout Router) {
    let world = world
    router.on(.get, "/oauth2/authorize") { request in
      let query = request.query
      return await Self.page(AuthorizationRequest { query[$0] }, world)
    }
    router.on(.post, "/oauth2/authorize", bodyLimit: 64 << 10) { request in
      let form = try HTTPQuery(try await request.bytes())
      return await Self.decide(AuthorizationRequest { form[$0] }, user: form["user"], decision: form["decision"], world)
    }
  }

  private static func decide(_ request: AuthorizationRequest, user: String?, decision: String?, _ world: World) async
    -> HTTPResponse
  {
    if let refusal = await world.refusal(of: request) { return failure(refusal) }
    guard decision == "authorize" else {
      return redirect(
        request.location([
          ("error", "access_denied"),
          ("error_description", "The resource owner or authorization server denied the request"),
        ]))
    }
    guard let id = user.flatMap({ Snowflake($0) }), let code = await world.authorize(request, by: id) else {
      return failure("user: no such user")
    }
    return redirect(request.location([("code", code)]))
  }

  private static func redirect(_ location: String) -> HTTPResponse {
    HTTPResponse(status: .found, headers: ["Location": location, "Referrer-Policy": "no-referrer"])
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }

  private static func html(_ status: HTTPStatus, _ body: String, formTarget: String? = nil) -> HTTPResponse {
    let page = """
      <!doctype html><html lang="en"><meta charset="utf-8"><title>Authorize</title>
      <meta name="viewport" content="width=device-width"><main>\(body)</main></html>
      """
    // Browsers also hold the address after the redirect against form-action.
    let targets = formTarget.map { "'self' \($0)" } ?? "'none'"
    return HTTPResponse(
      status: status,
      headers: [
        "Content-Security-Policy":
          "default-src 'none'; form-action \(targets); base-uri 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
      ], bytes: Array(page.utf8), contentType: "text/html; charset=utf-8")
  }

  private static func failure(_ text: String) -> HTTPResponse {
    html(.badRequest, "<h1>This cannot be authorized</h1><p role=\"alert\">\(escaped(text))</p>")
  }

  private static func page(_ request: AuthorizationRequest, _ world: World) async -> HTTPResponse {
    if let refusal = await world.refusal(of: request) { return failure(refusal) }
    let name = await world.users[Snowflake(request.clientID) ?? Snowflake(0)]?.username ?? request.clientID
    var hidden = [
      ("client_id", request.clientID), ("redirect_uri", request.redirectURI), ("response_type", request.responseType),
      ("scope", request.scope),
    ]
    if let state = request.state { hidden.append(("state", state)) }
    let inputs = hidden.map { "<input type=\"hidden\" name=\"\($0.0)\" value=\"\(escaped($0.1))\">" }.joined()
    let people = await world.people.prefix(200).map {
      "<option value=\"\($0.id)\">\(escaped($0.globalName ?? $0.username))</option>"
    }.joined()
    let scopes = request.scopes.map { "<li><code>\(escaped($0))</code></li>" }.joined()
    // Scheme, host and port.
    let target = request.redirectURI.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3)
      .joined(separator: "/").prefix { $0 != "?" && $0 != ";" && $0 != "," && $0 != "'" }
    return html(
      .ok,
      """
      <h1>\(escaped(name)) asks for</h1><ul>\(scopes)</ul>
      <form method="post" action="/oauth2/authorize">\(inputs)
      <p><label>as <select name="user">\(people)</select></label></p>
      <p><button name="decision" value="authorize">Authorize</button>
      <button name="decision" value="cancel">Cancel</button></p></form>
      <p>You will be sent to \(escaped(String(target))).</p>
      """, formTarget: String(target))
  }
}
