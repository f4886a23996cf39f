import HTTP
import Platform

extension RouteTable {
  static let authorizationRoutes: [APIRoute] = [
    APIRoute(.post, "/oauth2/token", (10, 10), authentication: .none, countsGlobally: false) { world, call in
      world.token(call)
    },
    APIRoute(.post, "/oauth2/token/revoke", (10, 10), authentication: .none, countsGlobally: false) { world, call in
      guard let application = world.client(call) else { return World.invalidClient }
      world.authorizations.revoke(token: call.request.form["token"] ?? "", application: application.id)
      return .ok([:])
    },
    APIRoute(.get, "/oauth2/@me", authentication: .user) { world, call in try world.getAuthorization(call) },
  ]
}

/// What an application asks of a user, as the query of `/oauth2/authorize` says it.
struct AuthorizationRequest: Sendable {
  var clientID = ""
  var redirectURI = ""
  var responseType = "code"
  var scope = ""
  var state: String?

  init(_ field: (String) -> String?) {
    clientID = field("client_id") ?? ""
    redirectURI = field("redirect_uri") ?? ""
    responseType = field("response_type") ?? "code"
    scope = field("scope") ?? ""
    state = field("state")
  }

  var scopes: [String] { scope.split(separator: " ").map(String.init) }

  /// Where the user is sent back to.
  func location(_ fields: [(String, String)]) -> String {
    var fields = fields
    if let state { fields.append(("state", state)) }
    let query = fields.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
    return redirectURI + (redirectURI.contains("?") ? "&" : "?") + query
  }
}

extension World {
  static let scopes: Set<String> = [
    "identify", "email", "guilds", "guilds.join", "guilds.members.read", "connections", "bot", "applications.commands",
    "applications.commands.permissions.update", "role_connections.write", "webhook.incoming", "openid",
  ]

  // MARK: - Consent

  /// Nil if the request is one that a user may be asked about; otherwise what is wrong with it.
  func refusal(of request: AuthorizationRequest) -> String? {
    guard let id = Snowflake(request.clientID), let application = applications[id] else {
      return "client_id: no such application; it appears when its bot uses its token for the first time"
    }
    guard request.responseType == "code" else { return "response_type: only code is taken here" }
    let uri = request.redirectURI
    guard uri.hasPrefix("http://") || uri.hasPrefix("https://"), !uri.contains("#"),
      uri.unicodeScalars.allSatisfy({ $0.isASCII && $0.value > 0x20 })
    else { return "redirect_uri: must be an absolute http or https address without a fragment" }
    guard application.redirectURIs.isEmpty || application.redirectURIs.contains(uri) else {
      return "redirect_uri: is none of the application's"
    }
    guard !request.scopes.isEmpty, request.scopes.allSatisfy(Self.scopes.contains) else {
      return "scope: invalid_scope"
    }
    return nil
  }

  /// The user agrees. The code works once, for ten minutes, with exactly this redirect address.
  func authorize(_ request: AuthorizationRequest, by user: Snowflake) -> String? {
    guard refusal(of: request) == nil, let application = Snowflake(request.clientID), let known = users[user],
      !known.isBot
    else { return nil }
    let code = makeSecret()
    authorizations.add(
      AuthorizationServer.Code(
        application: application, user: user, scopes: request.scopes, redirectURI: request.redirectURI,
        expiresAt: time.now.advanced(by: AuthorizationServer.codeLife)), as: code)
    return code
  }

  var people: [User] { users.values.filter { !$0.isBot }.sorted { $0.id < $1.id } }

  // MARK: - Tokens

  private static func error(_ name: String, _ description: String? = nil, status: Int = 400) -> APIResponse {
    var body: JSON = ["error": .string(name)]
    if let description { body["error_description"] = .string(description) }
    return APIResponse(status: status, body: body)
  }

  static let invalidClient = error("invalid_client", status: 401)

  /// The application that authenticates itself, in the header or in the form.
  func client(_ call: APICall) -> Application? {
    var id = call.request.form["client_id"]
    var secret = call.request.form["client_secret"]
    if let header = call.request.authorization, header.hasPrefix("Basic "),
      let bytes = Base64.decode(String(header.dropFirst(6)))
    {
      let text = String(decoding: bytes, as: UTF8.self)
      guard let colon = text.firstIndex(of: ":") else { return nil }
      id = String(text[..<colon])
      secret = String(text[text.index(after: colon)...])
    }
    guard let application = id.flatMap({ Snowflake($0) }).flatMap({ applications[$0] }), let secret, !secret.isEmpty,
      application.clientSecret.map({ $0 == secret }) ?? true
    else { return nil }
    return application
  }

  func token(_ call: APICall) -> APIResponse {
    let form = call.request.form
    guard let application = client(call) else { return Self.invalidClient }
    let user: Snowflake
    let scopes: [String]
    var isRefreshable = true
    switch form["grant_type"] {
    case "authorization_code":
      guard let code = authorizations.take(code: form["code"] ?? "", now: time.now),
        code.application == application.id
      else { return Self.error("invalid_grant", "Invalid \"code\" in request.") }
      guard code.redirectURI == form["redirect_uri"] else {
        return Self.error("invalid_grant", "Invalid \"redirect_uri\" in request.")
      }
      (user, scopes) = (code.user, code.scopes)
    case "refresh_token":
      guard
        let grant = authorizations.take(refreshToken: form["refresh_token"] ?? "", application: application.id)
      else { return Self.error("invalid_grant", "Invalid \"refresh_token\" in request.") }
      (user, scopes) = (grant.user, grant.scopes)
    case "client_credentials":
      scopes = (form["scope"] ?? "").split(separator: " ").map(String.init)
      guard !scopes.isEmpty, scopes.allSatisfy(Self.scopes.contains) else { return Self.error("invalid_scope") }
      (user, isRefreshable) = (Self.ownerID, false)
    default: return Self.error("unsupported_grant_type")
    }
    let grant = authorizations.issue(
      application: application.id, user: user, scopes: scopes, accessToken: makeSecret(),
      refreshToken: isRefreshable ? makeSecret() : "", now: time.now, timestamp: time.timestamp)
    var body: JSON = [
      "token_type": "Bearer", "access_token": .string(grant.accessToken),
      "expires_in": .integer(Int64(AuthorizationServer.tokenLife.inSeconds)),
      "scope": .string(scopes.joined(separator: " ")),
    ]
    if isRefreshable { body["refresh_token"] = .string(grant.refreshToken) }
    return .ok(body)
  }

  // MARK: - What a token opens

  func getAuthorization(_ call: APICall) throws(APIError) -> APIResponse {
    guard let grant = call.grant else { throw .unauthorized }
    var body: JSON = [
      "application": publicApplicationJSON(grant.application), "scopes": .array(grant.scopes.map(JSON.string)),
      "expires": .string(grant.expires.discord),
    ]
    if grant.scopes.contains("identify"), let user = users[grant.user] { body["user"] = user.json }
    return .ok(body)
  }

  func user(of grant: AuthorizationServer.Grant) throws(APIError) -> APIResponse {
    guard grant.scopes.contains("identify") else { throw .missingScope }
    guard let user = users[grant.user] else { throw .unknownUser }
    var json = user.ownJSON
    if grant.scopes.contains("email") {
      json["email"] = .string("\(user.username)@sandbox.invalid")
    } else {
      json["email"] = nil
    }
    return .ok(json)
  }
}

extension APIError {
  static let missingScope = APIError(status: 403, code: 50026, message: "Missing required OAuth2 scope")
}
