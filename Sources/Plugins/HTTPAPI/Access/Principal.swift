import Core

/// Who sends a request, as far as the credentials prove it.
public struct Principal: Sendable, Equatable {
  public enum Identity: Sendable, Hashable {
    case anonymous
    case user(UserID)
    /// A SkyPANEL account, and the Discord user that it is linked to.
    case account(AccountID, linked: UserID?)
    case client(ClientID)
  }

  public enum Credential: Sendable, Equatable {
    case none
    case token(TokenClaims)
    case apiKey(APIKeyGrant)
  }

  public let identity: Identity
  public let credential: Credential
  /// An owner's login, or a token made as an admin's. Never an API key: what leaks from a program's settings must not
  /// open everything. Never a limited login.
  public let isAdmin: Bool
  /// A SkyPANEL account that has the role there; nothing elsewhere.
  public let isPanelAdmin: Bool

  public static let anonymous = Principal(identity: .anonymous, credential: .none, isAdmin: false)

  public init(identity: Identity, credential: Credential, isAdmin: Bool, isPanelAdmin: Bool = false) {
    self.identity = identity
    self.credential = credential
    let mayBeAdmin =
      switch credential {
      case .token(let claims): !claims.isLimited
      case .none, .apiKey: false
      }
    self.isAdmin = mayBeAdmin && isAdmin
    self.isPanelAdmin = mayBeAdmin && isPanelAdmin
  }

  /// Whether this is a plain user's login (or key) whatever the user is elsewhere: somebody else vouched for them.
  public var isLimited: Bool {
    switch credential {
    case .none: false
    case .token(let claims): claims.isLimited
    case .apiKey(let grant): grant.isLimited
    }
  }

  /// The Discord user that this is, or is linked to.
  public var user: UserID? {
    switch identity {
    case .user(let id): id
    case .account(_, let linked): linked
    case .anonymous, .client: nil
    }
  }

  public var account: AccountID? {
    guard case .account(let id, _) = identity else { return nil }
    return id
  }

  public var isAnonymous: Bool { identity == .anonymous }

  func isSame(as subject: Subject) -> Bool {
    switch subject {
    case .user(let id): user == id
    case .account(let id): account == id
    case .client(let id): identity == .client(id)
    }
  }
}

/// What an API key that was presented is good for.
public struct APIKeyGrant: Sendable, Equatable {
  public let id: APIKeyID
  public let permissions: Set<Permission>
  /// Whose kills it records; nil for a key of no player, or when the handle turned out to be somebody else's.
  public let playerName: String?
  /// Made in a limited login.
  public let isLimited: Bool

  public init(id: APIKeyID, permissions: Set<Permission>, playerName: String?, isLimited: Bool = false) {
    self.id = id
    self.permissions = permissions
    self.playerName = playerName
    self.isLimited = isLimited
  }
}
