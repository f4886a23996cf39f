import Core
import HTTP
import Platform

/// Stands in front of every route of the surfaces on one listener: finds out who asks, holds them to the limit, and
/// holds the route's rule against them; afterwards it writes down who changed what.
///
/// In this order, cheapest first: limits by address; a caller whose credentials were worthless too often; the
/// credentials; limits by caller; the rule, which may have to ask Discord.
final class Gatekeeper: Sendable {
  let authenticator: Authenticator
  let limits: RateLimits
  let authority: any GuildAuthority
  let auditLog: AuditLog
  let trust: PeerTrust
  /// What the listener is bound to. Its port may be chosen by the system: then the connection tells.
  private let listener: SocketAddress
  private let log: Log

  init(
    authenticator: Authenticator, limits: RateLimits, authority: any GuildAuthority, auditLog: AuditLog,
    trust: PeerTrust, listener: SocketAddress, log: Log
  ) {
    self.authenticator = authenticator
    self.limits = limits
    self.authority = authority
    self.auditLog = auditLog
    self.trust = trust
    self.listener = listener
    self.log = log
  }

  var middleware: HTTPMiddleware {
    { [self] request, next in
      guard let policy = request.route?[RoutePolicy.self] else { return try await next(request) }
      return try await pass(request, policy, next)
    }
  }

  private func pass(_ request: HTTPRequest, _ policy: RoutePolicy, _ next: HTTPHandler) async throws -> HTTPResponse {
    var verdict: RateLimitVerdict?
    do {
      var request = request
      let caller = try await identify(request, policy, &verdict)
      let isLocal = policy.asksForLocality && isLocal(request)
      guard let rule = policy.access.rule(for: request) else {
        // Strangers learn nothing, not even that this cannot exist.
        let stranger = AccessRule(.person, permission: policy.access.permission, proof: policy.access.proof)
        try await check(
          stranger, caller, isLocal: isLocal, missingCredentialCode: policy.access.missingCredentialCode)
        throw HTTPError(.notFound, kind: .notFound, "there is nothing at this path")
      }
      try await check(rule, caller, isLocal: isLocal, missingCredentialCode: policy.access.missingCredentialCode)
      request[RequestStanding.self] = RequestStanding(
        caller: caller, isLocal: isLocal, gatekeeper: self, policy: policy)
      var response = try await next(request)
      if let verdict { Self.add(verdict, to: &response.headers) }
      if case .action(let action, let targets) = policy.audit.form, response.status.rawValue < 400 {
        await record(auditEntry(action, targets, caller, request, policy))
      }
      return response
    } catch var error as HTTPError {
      if let verdict { Self.add(verdict, to: &error.headers) }
      throw error
    }
  }

  // MARK: Who, and how often

  private func identify(
    _ request: HTTPRequest, _ policy: RoutePolicy, _ verdict: inout RateLimitVerdict?
  ) async throws -> Principal {
    let address = request.client.address
    let site = RateLimitCaller.address(address.site)
    let showsKey = if case .key = policy.limit.basis { Self.showsAPIKey(request) } else { false }
    switch policy.limit.basis {
    case .address(let rateClass): try take(rateClass, site, address, &verdict)
    case .key(_, let other) where !showsKey: try take(other, site, address, &verdict)
    case .none, .caller, .key: break
    }
    let caller = policy.access.isOpen ? .anonymous : try await principal(request, policy, &verdict)
    switch policy.limit.basis {
    case .caller(let rateClass): try take(rateClass, caller.countedAs ?? site, address, &verdict)
    case .key(let rateClass, let other) where showsKey:
      if case .apiKey(let grant) = caller.credential {
        try take(rateClass, .apiKey(grant.id), address, &verdict)
      } else {
        try take(other, site, address, &verdict)
      }
    case .none, .address, .key: break
    }
    return caller
  }

  private func principal(
    _ request: HTTPRequest, _ policy: RoutePolicy, _ verdict: inout RateLimitVerdict?
  ) async throws -> Principal {
    guard request.headers["Authorization"] != nil else { return .anonymous }
    let address = request.client.address
    let site = RateLimitCaller.address(address.site)
    if let refusal = limits.refusal(.worthlessCredentials, for: site, from: address) {
      verdict = refusal
      throw Self.tooMany
    }
    do {
      return try await authenticator.principal(of: request.headers)
    } catch is Authenticator.Failure {
      _ = limits.take(.worthlessCredentials, for: site, from: address)
      switch policy.limit.basis {
      case .caller(let rateClass): try take(rateClass, site, address, &verdict)
      case .key(_, let other) where Self.showsAPIKey(request): try take(other, site, address, &verdict)
      case .none, .address, .key: break
      }
      throw HTTPError(
        .unauthorized, kind: .invalidCredentials, "the token or API key is not valid",
        headers: ["WWW-Authenticate": "Bearer error=\"invalid_token\""])
    }
  }

  private func take(
    _ rateClass: RateLimitClass, _ caller: RateLimitCaller, _ address: IPAddress, _ verdict: inout RateLimitVerdict?
  ) throws {
    verdict = limits.take(rateClass, for: caller, from: address)
    if verdict?.isAllowed == false { throw Self.tooMany }
  }

  private static let tooMany = HTTPError(.tooManyRequests, kind: .rateLimited, "too many requests; try again later")

  private static func add(_ verdict: RateLimitVerdict, to headers: inout HTTPHeaders) {
    headers["X-RateLimit-Limit"] = String(verdict.limit)
    headers["X-RateLimit-Remaining"] = String(verdict.remaining)
    headers["X-RateLimit-Reset"] = String(verdict.resetAt)
    if let retryAfter = verdict.retryAfter { headers["Retry-After"] = String(retryAfter) }
  }

  private static func showsAPIKey(_ request: HTTPRequest) -> Bool {
    guard let value = request.headers["Authorization"] else { return false }
    return Authenticator.bearer(value)?.reveal().hasPrefix(APIKeyText.prefix) ?? false
  }

  // MARK: Whether they may

  private func isLocal(_ request: HTTPRequest) -> Bool {
    // Bound to one loopback address, the connection's own end is that address; a wildcard is never loopback.
    let listener = listener.isLoopback ? request.localAddress : listener
    return trust.doubt(listener: listener, peer: request.remoteAddress, headers: request.headers) == nil
  }

  func check(
    _ rule: AccessRule, _ caller: Principal, isLocal: Bool, missingCredentialCode: String?
  ) async throws {
    guard let refusal = try await rule.refusal(of: caller, isLocal: isLocal, authority: authority) else { return }
    throw refusal.httpError(code: missingCredentialCode, proof: rule.proof)
  }

  // MARK: What was done

  /// What the audit log says of a request.
  func auditEntry(
    _ action: String, _ targets: [String], _ caller: Principal, _ request: HTTPRequest, _ policy: RoutePolicy
  ) -> AuditEntry {
    var details: JSON.Object = [
      "surface": .string(policy.surface.rawValue),
      "route": .string("\(request.method) \(request.route?.pattern.description ?? "")"),
      "as": .string(caller.auditWords), "request": .string(request.id),
    ]
    for target in targets {
      if let value = request.parameters[target] { details[target] = .string(String(value.prefix(100))) }
    }
    if case .apiKey(let grant) = caller.credential { details["key"] = .string(grant.id.description) }
    var guild: GuildID?
    if case .serverManager(let asked)? = policy.access.rule(for: request)?.who { guild = asked }
    return AuditEntry(
      userID: caller.user ?? UserID(0), guildID: guild, action: action, category: "api_action", details: details,
      ip: request.client.address.description)
  }

  private func record(_ entry: AuditEntry) async {
    do { try await auditLog.append(entry) } catch {
      // The change is made: the caller must not be told that it failed.
      log.error("a change is missing in the audit log", ["action": .string(entry.action), "error": .error(error)])
    }
  }
}

extension Principal {
  /// Whom the limits by caller count; nil for strangers.
  var countedAs: RateLimitCaller? {
    switch identity {
    case .anonymous: nil
    case .user(let id): .subject(.user(id))
    case .account(let id, _): .subject(.account(id))
    case .client(let id): .subject(.client(id))
    }
  }

  /// For the audit log, which has a column for users of Discord alone.
  var auditWords: String {
    switch identity {
    case .anonymous: "local"
    case .user(let id): Subject.user(id).description
    case .account(let id, _): Subject.account(id).description
    case .client(let id): Subject.client(id).description
    }
  }
}
