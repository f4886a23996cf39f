import Platform

/// The codes and tokens that OAuth2 has given out. Source: Discord "OAuth2", RFC 6749.
struct AuthorizationServer: Sendable {
  /// What a user allowed an application.
  struct Grant: Sendable {
    let id: Int
    let application: Snowflake
    let user: Snowflake
    let scopes: [String]
    var accessToken = ""
    /// Empty for client credentials.
    var refreshToken = ""
    /// When the access token ends.
    var expiresAt: ContinuousClock.Instant
    var expires: Timestamp
  }

  struct Code: Sendable {
    let application: Snowflake
    let user: Snowflake
    let scopes: [String]
    let redirectURI: String
    let expiresAt: ContinuousClock.Instant
  }

  static let codeLife = Duration.seconds(600)
  static let tokenLife = Duration.seconds(604_800)

  private var nextID = 0
  private var codes = BoundedStore<String, Code>(limit: 1_000)
  private var grants = BoundedStore<Int, Grant>(limit: 1_000)

  mutating func add(_ code: Code, as text: String) { codes[text] = code }

  /// A code works once, whatever comes of it.
  mutating func take(code text: String, now: ContinuousClock.Instant) -> Code? {
    guard let code = codes[text] else { return nil }
    codes[text] = nil
    return code.expiresAt > now ? code : nil
  }

  mutating func issue(
    application: Snowflake, user: Snowflake, scopes: [String], accessToken: String, refreshToken: String,
    now: ContinuousClock.Instant, timestamp: Timestamp
  ) -> Grant {
    nextID += 1
    let grant = Grant(
      id: nextID, application: application, user: user, scopes: scopes, accessToken: accessToken,
      refreshToken: refreshToken, expiresAt: now.advanced(by: Self.tokenLife), expires: timestamp + Self.tokenLife)
    grants[grant.id] = grant
    return grant
  }

  func grant(accessToken: String, now: ContinuousClock.Instant) -> Grant? {
    grants.all.first { $0.accessToken == accessToken && $0.expiresAt > now }
  }

  /// Uses a refresh token up, and with it the access token that came with it.
  mutating func take(refreshToken: String, application: Snowflake) -> Grant? {
    guard !refreshToken.isEmpty,
      let grant = grants.all.first(where: { $0.refreshToken == refreshToken && $0.application == application })
    else { return nil }
    grants[grant.id] = nil
    return grant
  }

  /// Ends everything that the user of this token has given the application.
  mutating func revoke(token: String, application: Snowflake) {
    guard
      let grant = grants.all.first(where: {
        $0.application == application && ($0.accessToken == token || $0.refreshToken == token)
      })
    else { return }
    for other in grants.all where other.application == application && other.user == grant.user {
      grants[other.id] = nil
    }
  }

  /// Moves the end of an application's access tokens to now, for scripts that test what happens then.
  mutating func expire(application: Snowflake, now: ContinuousClock.Instant) {
    for var grant in grants.all where grant.application == application {
      grant.expiresAt = now
      grants[grant.id] = grant
    }
  }
}
