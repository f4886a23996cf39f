import Platform

/// Users and what they authorize. Each call throws ``DiscordError``; nothing of it is recorded or logged but routes.
extension RESTClient {
  // MARK: Users

  public nonisolated func currentUser() async throws -> User { try await send(Route(.get, "/users/@me")) }

  /// The user who gave the access token; needs the scope `identify`.
  public nonisolated func user(of accessToken: Secret<String>) async throws -> User {
    try await send(Route(.get, "/users/@me").with(.bearer(accessToken)))
  }

  public nonisolated func user(_ user: Snowflake) async throws -> User {
    try await send(Route(.get, "/users/\(user)"))
  }

  /// - Parameter username: 2 to 32 characters; Discord allows two changes in an hour.
  public nonisolated func editCurrentUser(username: String, avatar: Edit<ImageData>? = nil) async throws -> User {
    try await send(try Route(.patch, "/users/@me").with(CurrentUserBody(username: username, avatar: avatar)))
  }

  private struct CurrentUserBody: Encodable, CheckedBody {
    let username: String
    let avatar: Edit<ImageData>?
    func check(_ checker: inout BodyChecker) { checker.text(username, "username", 2...32) }
  }

  /// The direct conversation with a user, opened if there is none.
  public nonisolated func createDirectChannel(with user: Snowflake) async throws -> Channel {
    try await send(try Route(.post, "/users/@me/channels").with(["recipient_id": user]).repeatable())
  }

  /// By id.
  /// - Parameters:
  ///   - accessToken: of a user who authorized the scope `guilds`; nil for the bot's own guilds.
  ///   - limit: 1 to 200; 200 unless told.
  public nonisolated func currentGuilds(of accessToken: Secret<String>? = nil, _ page: Page? = nil, limit: Int? = nil)
    async throws -> [PartialGuild]
  {
    let route = try Route(.get, "/users/@me/guilds").with(page).with(query: "limit", limit, in: 1...200)
    return try await sendList(accessToken.map { route.with(.bearer($0)) } ?? route)
  }

  public nonisolated func leaveGuild(_ guild: Snowflake) async throws {
    try await send(Route(.delete, "/users/@me/guilds/\(guild: guild)"))
  }

  // MARK: OAuth2

  /// Turns the code that came to the redirect address into tokens. A code works once and for ten minutes.
  /// - Parameter redirectURI: exactly the one that the authorization was asked with.
  public nonisolated func exchangeCode(
    _ code: Secret<String>, redirectURI: String, client: Snowflake, secret: Secret<String>
  ) async throws -> OAuth2Token {
    try await token(
      [
        ("grant_type", "authorization_code"), ("code", code.reveal()), ("redirect_uri", redirectURI),
      ], client, secret)
  }

  /// The refresh token is used up by it.
  public nonisolated func refresh(_ refreshToken: Secret<String>, client: Snowflake, secret: Secret<String>)
    async throws -> OAuth2Token
  {
    try await token([("grant_type", "refresh_token"), ("refresh_token", refreshToken.reveal())], client, secret)
  }

  /// A token for the application's owner, for tests.
  public nonisolated func clientCredentials(scopes: [String], client: Snowflake, secret: Secret<String>) async throws
    -> OAuth2Token
  {
    try await token([("grant_type", "client_credentials"), ("scope", scopes.joined(separator: " "))], client, secret)
  }

  private nonisolated func token(
    _ fields: [(name: String, value: String)], _ client: Snowflake, _ secret: Secret<String>
  ) async throws -> OAuth2Token {
    var route = Route(.post, "/oauth2/token").with(.client(id: client, secret: secret))
    route.body = .form(fields)
    return try await send(route)
  }

  /// Ends an access or refresh token and what belongs to it.
  public nonisolated func revoke(_ token: Secret<String>, client: Snowflake, secret: Secret<String>) async throws {
    var route = Route(.post, "/oauth2/token/revoke").with(.client(id: client, secret: secret)).repeatable()
    route.body = .form([("token", token.reveal())])
    try await send(route)
  }

  public nonisolated func authorization(of accessToken: Secret<String>) async throws -> OAuth2Authorization {
    try await send(Route(.get, "/oauth2/@me").with(.bearer(accessToken)))
  }
}
