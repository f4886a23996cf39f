import Core
import HTTP
import Platform

/// Logging in, staying so and logging out, for both Kill Tracker documents: they differ in their answers alone.
struct KillTrackerAccounts: Sendable {
  /// Whom the answers describe.
  struct Person: Sendable {
    let id: UserID
    var username: String
    var discriminator: String
    var avatarURL: String?
    /// Nil for users who never logged in with Discord.
    var createdAt: Timestamp?
    var lastLoginAt: Timestamp?
  }

  let services: KillTrackerServices

  // MARK: Logging in

  /// - Parameter state: v1 sends it. One that a page of ours began is good only with that page's cookie.
  func logIn(code: String, state: String?, from request: HTTPRequest) async throws -> (IssuedToken, Person) {
    guard let login = services.discordLogin else {
      throw HTTPError(.forbidden, kind: .forbidden, "logging in with Discord is not configured here")
    }
    do {
      let (token, user) = try await login.logIn(
        code: Secret(code), state: state, nonce: request.cookie(named: Self.nonceCookie).map { Secret($0) },
        requiresState: false)
      try await note("login", of: user.id, "discord", request)
      return (token, Self.person(user))
    } catch let refusal as DiscordLogin.Refusal {
      throw Self.httpError(refusal)
    }
  }

  /// Set by the page that sends people to Discord.
  static let nonceCookie = "adjutant_login"

  func logIn(uid: String, signature: String, timestamp: Int64, from request: HTTPRequest) async throws
    -> (IssuedToken, Person)
  {
    do {
      let token = try await services.authentication.uidLogin.logIn(
        uid: uid, signature: signature, timestamp: timestamp)
      guard case .user(let id) = token.claims.subject else { throw UIDLogin.Refusal.invalidSignature }
      try await note("login", of: id, "uid", request)
      return (token, try await person(id))
    } catch let refusal as UIDLogin.Refusal {
      throw switch refusal {
      case .off: HTTPError(.forbidden, kind: .forbidden, "logging in with a uid is switched off here")
      case .invalidSignature:
        HTTPError(
          .unauthorized, kind: .invalidCredentials, code: "INVALID_SIGNATURE",
          "the signature does not fit, or was used before")
      case .timestampTooOld:
        HTTPError(
          .unauthorized, kind: .invalidCredentials, code: "TIMESTAMP_TOO_OLD",
          "the timestamp is more than five minutes off")
      }
    }
  }

  /// A new token for one that is valid or has ended within a week; the old one ends.
  /// - Throws: ``TokenError``
  func renew(_ token: Secret<String>) async throws -> IssuedToken {
    try await services.authentication.tokens.refresh(token)
  }

  /// Ends the caller's login.
  func logOut(_ request: HTTPRequest) async throws {
    guard case .token(let claims) = request.caller.credential else { return }
    try await services.authentication.tokens.logOut(claims)
    if let user = request.caller.user { try await note("logout", of: user, "token", request) }
  }

  private func note(_ action: String, of user: UserID, _ means: String, _ request: HTTPRequest) async throws {
    try await services.auditLog.append(
      AuditEntry(
        userID: user, guildID: nil, action: action, category: "authentication",
        details: ["by": .string(means), "request": .string(request.id)], ip: request.clientAddress.description))
  }

  private static func httpError(_ refusal: DiscordLogin.Refusal) -> HTTPError {
    switch refusal {
    case .code: HTTPError(.unauthorized, kind: .invalidCredentials, "Discord does not take this code")
    case .state:
      HTTPError(
        .unauthorized, kind: .invalidCredentials, "the state is unknown, used, too old, or of another browser")
    case .redirect, .notConfigured:
      HTTPError(.forbidden, kind: .forbidden, "logging in with Discord is not configured here")
    }
  }

  // MARK: People

  /// What is known of a user, at least the id.
  func person(_ id: UserID) async throws -> Person {
    if let user = try await services.authentication.users.find(id) { return Self.person(user) }
    // Seen in a guild, or in a signed login only.
    let seen = try await services.users.find(id)
    return Person(
      id: id, username: seen?.globalName ?? id.description, discriminator: "0", avatarURL: seen?.avatarURL,
      createdAt: seen?.createdAt)
  }

  private static func person(_ user: APIUser) -> Person {
    Person(
      id: user.id, username: user.username, discriminator: user.discriminator, avatarURL: user.avatarURL,
      createdAt: user.createdAt, lastLoginAt: user.lastLoginAt)
  }
}

extension HTTPRequest {
  /// The first cookie of that name (RFC 6265 section 5.4).
  func cookie(named name: String) -> String? {
    for header in headers.all("Cookie") {
      for pair in header.split(separator: ";") {
        let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, parts[0] == name { return String(parts[1]) }
      }
    }
    return nil
  }

  /// The token or key that the request bears, unchecked; nil if there is none.
  var bearer: Secret<String>? {
    let values = headers.all("Authorization")
    return values.count == 1 ? values.first.flatMap(Authenticator.bearer) : nil
  }
}
