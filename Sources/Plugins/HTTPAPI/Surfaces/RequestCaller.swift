import Core
import HTTP
import Platform

/// What the gate in front of the surfaces found out about a request.
struct RequestStanding: Sendable {
  let caller: Principal
  let isLocal: Bool
  let gatekeeper: Gatekeeper
  let policy: RoutePolicy
}

extension HTTPRequest {
  /// Who asks. Anonymous on routes that are open to anyone, and outside of surfaces.
  public var caller: Principal { self[RequestStanding.self]?.caller ?? .anonymous }

  /// Whether it is served because it certainly comes from this machine (see ``PeerTrust``); looked at only on routes
  /// whose rule asks for it.
  public var isTrustedLocally: Bool { self[RequestStanding.self]?.isLocal ?? false }

  /// Where it comes from, as far as trusted proxies tell.
  public var clientAddress: IPAddress { client.address }

  /// What the audit log is to say of this request, for a service that writes it in the transaction of the change
  /// (``RouteAudit/byService``); nil outside of surfaces.
  /// - Parameters:
  ///   - action: `kill.create`; at most 100 characters.
  ///   - targets: path parameters that say what is changed; none that is a secret.
  public func auditEntry(_ action: String, targets: String...) -> AuditEntry? {
    self[RequestStanding.self].map { standing in
      standing.gatekeeper.auditEntry(action, targets, standing.caller, self, standing.policy)
    }
  }

  /// Holds the caller against a further rule: of a body that names a user or a guild.
  /// - Throws: ``HTTPError`` 401 or 403 in the surface's terms; what asking about a guild throws.
  public func authorize(_ rule: AccessRule) async throws {
    guard let standing = self[RequestStanding.self] else {
      throw AccessRule.Refusal.unauthenticated.httpError(code: nil, proof: rule.proof)
    }
    try await standing.gatekeeper.check(rule, standing.caller, isLocal: standing.isLocal, missingCredentialCode: nil)
  }
}

extension HTTPRequest {
  /// Whether the caller is a member of that guild, whatever else they may. Who cannot be asked about is none for now.
  func isFromMember(of guild: GuildID) async -> Bool {
    guard let standing = self[RequestStanding.self], let user = standing.caller.user else { return false }
    do { return try await standing.gatekeeper.authority.isMember(user, of: guild) } catch { return false }
  }
}

extension AccessRule.Refusal {
  /// The answer, in words for the caller.
  func httpError(code: String?, proof: AccessRule.Proof) -> HTTPError {
    switch self {
    case .unauthenticated:
      HTTPError(
        .unauthorized, kind: .unauthenticated, code: code, "authentication is required",
        headers: ["WWW-Authenticate": "Bearer"])
    case .wrongProof where proof == .apiKeyOnly:
      HTTPError(
        .unauthorized, kind: .unauthenticated, code: code, "this takes an API key, not a login",
        headers: ["WWW-Authenticate": "Bearer"])
    case .wrongProof:
      HTTPError(.forbidden, kind: .missingPermission, "this takes a login, not an API key")
    case .missingPermission(let permission):
      HTTPError(.forbidden, kind: .missingPermission, "the permission \(permission) is missing")
    case .forbidden: HTTPError(.forbidden, kind: .forbidden, "this is not yours to see or change")
    }
  }
}
