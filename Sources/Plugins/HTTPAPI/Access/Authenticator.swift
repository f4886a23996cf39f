import Core
import Platform
import Storage

/// Turns the `Authorization` of a request into who sends it.
public struct Authenticator: Sendable {
  /// Why a request's credentials are refused. All of them are answered alike: 401, `INVALID_TOKEN`.
  public enum Failure: Error, Equatable, Sendable {
    /// Not exactly one `Bearer` and one token.
    case header
    case token(TokenError)
    /// Unknown, switched off or expired.
    case apiKey
    /// The account or client that the token speaks for is gone.
    case subjectGone
  }

  private let tokens: TokenService
  private let keys: APIKeys
  private let accounts: Accounts
  private let clients: OAuthClients
  private let owners: Set<UserID>
  private let time: any TimeSource

  /// - Parameter owners: users with the admin role.
  public init(
    tokens: TokenService, keys: APIKeys, accounts: Accounts, clients: OAuthClients, owners: some Sequence<UserID>,
    time: any TimeSource
  ) {
    self.tokens = tokens
    self.keys = keys
    self.accounts = accounts
    self.clients = clients
    self.owners = Set(owners)
    self.time = time
  }

  /// Whether a full login of that user has the admin role.
  public func isOwner(_ user: UserID) -> Bool { owners.contains(user) }

  /// - Returns: ``Principal/anonymous`` if there is no such header.
  /// - Throws: ``Failure``; what the database throws.
  public func principal(of headers: HTTPHeaders) async throws -> Principal {
    let values = headers.all("Authorization")
    guard let value = values.first else { return .anonymous }
    guard values.count == 1, let credential = Self.bearer(value) else { throw Failure.header }
    return try await principal(bearing: credential)
  }

  /// All letters: a bit makes capitals small, and nothing else becomes one of them.
  private static let scheme = Array("bearer".utf8)

  /// What follows `Bearer`, in any case, and one space or more (RFC 9110 section 11.4).
  static func bearer(_ value: String) -> Secret<String>? {
    var value = value
    return value.withUTF8 { bytes -> Secret<String>? in
      guard bytes.count > 7, bytes[6] == UInt8(ascii: " "),
        zip(bytes[..<6], scheme).allSatisfy({ $0 | 0x20 == $1 }),
        let start = bytes[7...].firstIndex(where: { $0 != UInt8(ascii: " ") })
      else { return nil }
      let credential = UnsafeBufferPointer(rebasing: bytes[start...])
      guard credential.allSatisfy({ $0 >= 0x21 && $0 <= 0x7E }) else { return nil }
      return Secret(String(decoding: credential, as: UTF8.self))
    }
  }

  /// The bearer of a token or an API key: for `Authorization` and for a WebSocket's first message.
  public func principal(bearing credential: Secret<String>) async throws -> Principal {
    if credential.reveal().hasPrefix(APIKeyText.prefix) {
      guard let key = try await keys.authenticate(credential) else { throw Failure.apiKey }
      let grant = APIKeyGrant(
        id: key.id, permissions: key.permissions, playerName: key.playerName, isLimited: key.isLimited)
      return Principal(identity: .user(key.userID), credential: .apiKey(grant), isAdmin: false)
    }
    let claims: TokenClaims
    do { claims = try await tokens.verify(credential) } catch let error as TokenError { throw Failure.token(error) }
    let hasAdminToken = claims.adminUntil.map { time.timestamp < Timestamp(seconds: $0) } ?? false
    switch claims.subject {
    case .user(let id):
      return Principal(
        identity: .user(id), credential: .token(claims), isAdmin: hasAdminToken || owners.contains(id))
    case .account(let id):
      guard let account = try await accounts.find(id) else { throw Failure.subjectGone }
      return Principal(
        identity: .account(id, linked: account.userID), credential: .token(claims),
        isAdmin: hasAdminToken || account.userID.map(owners.contains) ?? false,
        isPanelAdmin: account.role == .admin)
    case .client(let id):
      guard try await clients.isActive(id) else { throw Failure.subjectGone }
      return Principal(identity: .client(id), credential: .token(claims), isAdmin: false)
    }
  }
}
