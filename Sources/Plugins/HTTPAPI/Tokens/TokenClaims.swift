import Platform

/// What one of our tokens says.
public struct TokenClaims: Sendable, Equatable {
  /// Whom it speaks for (`sub`).
  public var subject: Subject
  /// Names this one token (`jti`).
  public var id: String
  /// Names the login that it comes from (`fam`): all tokens that were made from each other by refreshing.
  public var family: String
  /// How often all sessions of the subject had been ended when it was issued (`gen`).
  public var generation: Int64
  /// Seconds since 1970, as all times here (`iat`).
  public var issuedAt: Int64
  /// `exp`
  public var expiresAt: Int64
  /// When the login was (`auth_time`).
  public var authenticatedAt: Int64
  /// Until when the bearer has the admin role although no owner (`adm`); refreshing does not prolong it.
  public var adminUntil: Int64?
  /// A plain user's, whatever the user is elsewhere (`lim`): neither admin nor server manager.
  public var isLimited: Bool
  /// What a client asked for (`scope`), separated by spaces on the wire.
  public var scopes: [String]

  public init(
    subject: Subject, id: String, family: String, generation: Int64, issuedAt: Int64, expiresAt: Int64,
    authenticatedAt: Int64, adminUntil: Int64? = nil, isLimited: Bool = false, scopes: [String] = []
  ) {
    self.subject = subject
    self.id = id
    self.family = family
    self.generation = generation
    self.issuedAt = issuedAt
    self.expiresAt = expiresAt
    self.authenticatedAt = authenticatedAt
    self.adminUntil = adminUntil
    self.isLimited = isLimited
    self.scopes = scopes
  }

  public var expiry: Timestamp { Timestamp(seconds: expiresAt) }
}

extension TokenClaims {
  static let audience = "adjutant"
  /// No token lives longer, whoever asks for it.
  public static let longestLife = Duration.seconds(365 * 86_400)
  /// How far the clocks of several machines may be apart.
  static let leeway: Int64 = 5
  /// 16 bytes in base64url.
  static let identifierLength = 22

  func payload(issuer: String) -> JSON.Object {
    var payload: JSON.Object = [
      "iss": .string(issuer), "aud": .string(Self.audience), "sub": .string(subject.description), "jti": .string(id),
      "fam": .string(family), "gen": .integer(generation), "iat": .integer(issuedAt), "nbf": .integer(issuedAt),
      "exp": .integer(expiresAt), "auth_time": .integer(authenticatedAt),
    ]
    if let adminUntil { payload["adm"] = .integer(adminUntil) }
    if isLimited { payload["lim"] = true }
    if !scopes.isEmpty { payload["scope"] = .string(scopes.joined(separator: " ")) }
    return payload
  }

  /// Reads a payload whose signature was checked.
  /// - Parameter grace: how long after its end the token is still taken: for refreshing.
  /// - Throws: ``TokenError``
  init(_ payload: JSON.Object, issuer: String, now: Timestamp, grace: Duration = .zero) throws {
    guard payload["iss"]?.string == issuer else { throw TokenError.wrongIssuer }
    guard payload["aud"]?.string == Self.audience else { throw TokenError.wrongAudience }
    guard let subject = payload["sub"]?.string.flatMap(Subject.init), let id = Self.identifier(payload["jti"]),
      let family = Self.identifier(payload["fam"]), let generation = Self.number(payload["gen"]),
      let issuedAt = Self.number(payload["iat"]), let notBefore = Self.number(payload["nbf"]),
      let expiresAt = Self.number(payload["exp"]), let authenticatedAt = Self.number(payload["auth_time"]),
      authenticatedAt <= issuedAt, issuedAt < expiresAt,
      .seconds(expiresAt - issuedAt) <= Self.longestLife
    else { throw TokenError.malformed }
    self.init(
      subject: subject, id: id, family: family, generation: generation, issuedAt: issuedAt, expiresAt: expiresAt,
      authenticatedAt: authenticatedAt)
    if let value = payload["adm"] {
      guard let until = Self.number(value) else { throw TokenError.malformed }
      adminUntil = until
    }
    if let value = payload["lim"] {
      guard let flag = value.bool else { throw TokenError.malformed }
      isLimited = flag
    }
    if let value = payload["scope"] {
      guard let text = value.string else { throw TokenError.malformed }
      scopes = text.split(separator: " ").map(String.init)
    }
    try check(now: now, notBefore: notBefore, grace: grace)
  }

  /// - Parameters:
  ///   - notBefore: seconds since 1970 (`nbf`).
  ///   - grace: how long after its end the token is still taken.
  /// - Throws: ``TokenError`` if it is not the token's time.
  func check(now: Timestamp, notBefore: Int64, grace: Duration = .zero) throws {
    guard now < expiry + grace else { throw TokenError.expired }
    guard Timestamp(seconds: max(issuedAt, notBefore) - Self.leeway) <= now else { throw TokenError.notYetValid }
  }

  private static func identifier(_ value: JSON?) -> String? {
    value?.string.flatMap { $0.utf8.count == identifierLength ? $0 : nil }
  }

  /// A whole number that is no nonsense as a time: below the year 5000, so that nothing computed from it overflows.
  private static func number(_ value: JSON?) -> Int64? {
    guard case .integer(let number)? = value, (0..<100_000_000_000).contains(number) else { return nil }
    return number
  }
}
