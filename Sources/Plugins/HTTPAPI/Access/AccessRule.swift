import Core

/// Who may use an endpoint: a value that can be printed in the API's description and checked by a table.
public struct AccessRule: Sendable, Equatable {
  public enum Who: Sendable, Hashable {
    /// Health, readiness and metrics.
    case anyone
    /// The documents without authentication: whoever sits at this machine (see ``PeerTrust``), elsewhere an admin.
    case local
    /// Any person who logged in, or a key of one.
    case person
    /// The same, but a user of Discord or an account that is linked to one.
    case user
    /// That one, or an admin.
    case own(Subject)
    /// Who manages that guild, or an admin.
    case serverManager(of: GuildID)
    /// Who is a member of that guild, or an admin.
    case serverMember(of: GuildID)
    case admin
    /// An admin of SkyPANEL.
    case panelAdmin
    /// A client that was given that scope; persons need none.
    case scope(String)
  }

  /// Which kinds of proof count.
  public enum Proof: Sendable, Hashable, CaseIterable {
    case any
    /// Managing keys takes a login: a key cannot make another.
    case loginOnly
    /// `POST /api/kills` "requires API key authentication".
    case apiKeyOnly
  }

  public var who: Who
  /// What an API key must hold. Nil: no API key is enough, however many permissions it has.
  public var permission: Permission?
  public var proof: Proof

  public init(_ who: Who, permission: Permission? = nil, proof: Proof = .any) {
    self.who = who
    self.permission = permission
    self.proof = proof
  }

  public enum Refusal: Error, Sendable, Equatable {
    /// Nobody is logged in (401).
    case unauthenticated
    /// Somebody is, but not with the kind of proof that is asked for (401 where a key is asked for, else 403).
    case wrongProof
    /// The API key, or the client, lacks this (403).
    case missingPermission(String)
    /// Somebody else's, or a role that the caller does not have (403).
    case forbidden
  }

  /// What is known about the request beside its credentials.
  public struct Circumstances: Sendable, Equatable {
    /// Whether it certainly comes from a person at this machine.
    public var isLocal: Bool
    /// Whether the caller manages the guild that the rule is about; asked for only where ``AccessRule/guildToAsk(for:)``
    /// says so.
    public var managesGuild: Bool
    /// Whether the caller is a member of that guild; asked for likewise.
    public var isInGuild: Bool

    public init(isLocal: Bool = false, managesGuild: Bool = false, isInGuild: Bool = false) {
      self.isLocal = isLocal
      self.managesGuild = managesGuild
      self.isInGuild = isInGuild
    }
  }

  /// The guild and user whose relation decides; nil if the answer does not depend on one.
  public func guildToAsk(for principal: Principal) -> (guild: GuildID, user: UserID)? {
    let asked: GuildID
    switch who {
    case .serverManager(let guild), .serverMember(let guild): asked = guild
    default: return nil
    }
    guard !principal.isAdmin, let user = principal.user,
      refusal(of: principal, in: Circumstances(managesGuild: true, isInGuild: true)) == nil
    else { return nil }
    return (asked, user)
  }

  /// Nil if the request may pass.
  public func refusal(of principal: Principal, in circumstances: Circumstances = Circumstances()) -> Refusal? {
    switch who {
    case .anyone: return nil
    case .local where circumstances.isLocal: return nil
    default: break
    }
    guard !principal.isAnonymous else { return .unauthenticated }
    if let refusal = refusalOfCredential(principal) { return refusal }
    return isRight(principal, in: circumstances) ? nil : refusalOfIdentity(principal)
  }

  private func refusalOfCredential(_ principal: Principal) -> Refusal? {
    switch principal.credential {
    case .none: return .unauthenticated
    case .token: return proof == .apiKeyOnly ? .wrongProof : nil
    case .apiKey(let grant):
      guard proof != .loginOnly else { return .wrongProof }
      guard let permission else { return .forbidden }
      return grant.permissions.contains(permission) ? nil : .missingPermission(permission.rawValue)
    }
  }

  private func isRight(_ principal: Principal, in circumstances: Circumstances) -> Bool {
    if principal.isAdmin { return true }
    switch who {
    case .anyone: return true
    case .local, .admin: return false
    case .panelAdmin: return principal.isPanelAdmin
    case .person: return principal.user != nil || principal.account != nil
    case .user: return principal.user != nil
    case .own(let subject): return principal.isSame(as: subject)
    case .serverManager: return principal.user != nil && !principal.isLimited && circumstances.managesGuild
    case .serverMember: return principal.user != nil && circumstances.isInGuild
    case .scope(let scope):
      guard case .client = principal.identity else { return true }
      guard case .token(let claims) = principal.credential else { return false }
      return claims.scopes.contains(scope)
    }
  }

  private func refusalOfIdentity(_ principal: Principal) -> Refusal {
    if case .scope(let scope) = who { return .missingPermission(scope) }
    return .forbidden
  }
}
