import Core
import FoundationEssentials
import Platform
import Storage

/// Discord's side of a login: gives the code of an authorization for who authorized.
///
/// Backed by the REST client's OAuth2 methods, which drop the access token once the user is known.
public protocol DiscordOAuth: Sendable {
  /// - Throws: ``DiscordLogin/Refusal/code`` if Discord does not take the code; anything else when it cannot be asked.
  func identity(forCode code: Secret<String>, redirectURI: String) async throws -> DiscordIdentity
}

/// Logging in with Discord (OAuth2 authorization code grant).
///
/// A page of ours begins with ``begin(redirectURI:)`` and finishes with state and cookie: a stranger's code cannot be
/// slipped into somebody's browser. A program that runs its own flow posts only a code, with a state of its own that it
/// alone can judge; what it gets back is a token in the answer to itself, no cookie.
public struct DiscordLogin: Sendable {
  /// How long a person may take at Discord.
  public static let stateLife = Duration.seconds(600)
  private static let statePrefix = "adjs_"

  public enum Refusal: Error, Equatable, Sendable {
    /// Not one of the allowed addresses.
    case redirect
    /// Unknown, used, too old, or begun in another browser.
    case state
    /// Discord does not take the code.
    case code
    /// No address to come back to is configured.
    case notConfigured
  }

  /// What the browser gets at the start.
  public struct Start: Sendable, Equatable {
    /// Where to send the browser.
    public let authorizationURL: String
    public let state: String
    /// For a cookie: HttpOnly, SameSite=Lax, ten minutes.
    public let nonce: Secret<String>
  }

  private let oauth: any DiscordOAuth
  private let database: Database
  private let tokens: TokenService
  private let users: APIUsers
  private let time: any TimeSource
  private let authorizeURL: String
  private let clientID: String
  private let redirectURIs: [String]

  /// - Parameters:
  ///   - authorizeURL: `https://discord.com/oauth2/authorize`, or the sandbox's.
  ///   - redirectURIs: the only addresses that Discord may send people back to; the first is the default.
  public init(
    oauth: any DiscordOAuth, database: Database, tokens: TokenService, users: APIUsers, authorizeURL: String,
    clientID: String, redirectURIs: [String], time: any TimeSource
  ) {
    self.oauth = oauth
    self.database = database
    self.tokens = tokens
    self.users = users
    self.authorizeURL = authorizeURL
    self.clientID = clientID
    self.redirectURIs = redirectURIs
    self.time = time
  }

  /// - Parameter redirectURI: nil means the default.
  public func begin(redirectURI: String? = nil) async throws -> Start {
    let redirectURI = try allowed(redirectURI)
    let state = Self.statePrefix + (try Crypto.randomToken())
    let nonce = Secret(try Crypto.randomToken())
    let expiry = time.timestamp + Self.stateLife
    let mark = try Self.mark(state: state, nonce: nonce, redirectURI: redirectURI)
    try await database.write {
      try $0.execute("INSERT INTO login_marks (mark, expires_at) VALUES ($1, $2)", mark, expiry)
    }
    let query = [
      ("response_type", "code"), ("client_id", clientID), ("scope", "identify"), ("state", state),
      ("redirect_uri", redirectURI), ("prompt", "none"),
    ]
    let encoded = query.map { "\($0.0)=\(Self.percentEncoded($0.1))" }.joined(separator: "&")
    return Start(authorizationURL: "\(authorizeURL)?\(encoded)", state: state, nonce: nonce)
  }

  /// - Parameters:
  ///   - state: as it came back. One of ours must fit the cookie; others are their makers' to check.
  ///   - nonce: from the cookie.
  ///   - requiresState: for our own pages, which always begin with ``begin(redirectURI:)``.
  public func logIn(
    code: Secret<String>, state: String?, nonce: Secret<String>?, redirectURI: String? = nil, requiresState: Bool
  ) async throws -> (token: IssuedToken, user: APIUser) {
    let redirectURI = try allowed(redirectURI)
    if requiresState || state?.hasPrefix(Self.statePrefix) == true {
      guard let state, let nonce,
        try await take(try Self.mark(state: state, nonce: nonce, redirectURI: redirectURI))
      else { throw Refusal.state }
    }
    let identity = try await oauth.identity(forCode: code, redirectURI: redirectURI)
    let user = try await users.loggedIn(identity)
    return (try await tokens.issue(for: .user(identity.id)), user)
  }

  private func allowed(_ redirectURI: String?) throws -> String {
    guard let first = redirectURIs.first else { throw Refusal.notConfigured }
    let wanted = redirectURI ?? first
    // As a whole: a prefix would let people be sent to a page that an attacker can write.
    guard redirectURIs.contains(wanted) else { throw Refusal.redirect }
    return wanted
  }

  /// Uses up the state: true once.
  private func take(_ mark: [UInt8]) async throws -> Bool {
    let now = time.timestamp
    let expiries = try await database.write {
      try $0.query("DELETE FROM login_marks WHERE mark = $1 RETURNING expires_at", mark) {
        try $0.value("expires_at", as: Timestamp.self)
      }
    }
    return expiries.contains { now < $0 }
  }

  /// State, browser and address belong together; none of them is stored itself.
  private static func mark(state: String, nonce: Secret<String>, redirectURI: String) throws -> [UInt8] {
    // Hashed one by one: no text can move from one part to the next.
    let parts = try [state, nonce.reveal(), redirectURI].map { try Crypto.sha256($0.utf8) }
    return Array("oauth:".utf8) + (try Crypto.sha256(parts.flatMap(\.self)))
  }

  private static func percentEncoded(_ text: String) -> String {
    text.utf8.map { byte in
      if Base62.isDigit(byte) || "-._~".utf8.contains(byte) { return String(UnicodeScalar(byte)) }
      return "%" + Hex.encode([byte]).uppercased()
    }.joined()
  }
}

/// Removes marks of logins that are over, both `uid:` and `oauth:`.
enum LoginMarks {
  static func clean(_ database: Database, at now: Timestamp) async throws {
    try await database.write { try $0.execute("DELETE FROM login_marks WHERE expires_at <= $1", now) }
  }
}
