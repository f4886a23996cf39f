import Platform
import Storage

/// A token as it is handed out, once.
public struct IssuedToken: Sendable, Equatable {
  public let text: Secret<String>
  public let claims: TokenClaims
}

/// An access token with what renews it.
public struct TokenPair: Sendable, Equatable {
  public let access: IssuedToken
  public let refresh: Secret<String>
}

/// Issues, checks, renews and ends tokens.
///
/// Two ways of renewing, as the documents have them: Kill Tracker hands in the token itself, SkyPANEL a refresh token.
/// Either is good once; a second use means that two parties hold it, and ends the whole family (RFC 9700 section 4.14.2).
public final class TokenService: Sendable {
  /// What Kill Tracker prints: `expiresIn: 86400`.
  public static let standardLife = Duration.seconds(86_400)
  /// What SkyPANEL prints: `expires_in: 3600`.
  public static let shortLife = Duration.seconds(3_600)
  /// How long after its end a token can be handed in for a new one.
  public static let refreshWindow = Duration.seconds(7 * 86_400)
  /// A login is renewed so long; then the user logs in again.
  public static let longestSession = Duration.seconds(90 * 86_400)

  private let database: Database
  private let keys: KeyStore
  private let revocations: Revocations
  let verified = VerifiedTokens()
  private let time: any TimeSource
  private let log: Log

  /// Opens the signing keys, making them at the first start, and loads what was revoked. The tables must exist.
  /// - Parameters:
  ///   - directory: where the keys are: the data directory.
  ///   - issuer: tells this installation's tokens from a sandbox's.
  /// - Throws: ``KeyFileError``; `DatabaseError`.
  public static func open(
    database: Database, directory: String, issuer: TokenIssuer, time: any TimeSource = SystemTime(), log: Log = .silent
  ) async throws -> TokenService {
    let keys = try await KeyStore.open(directory: directory, issuer: issuer.rawValue, time: time)
    let revocations = Revocations(database: database, time: time)
    try await revocations.refresh()
    return TokenService(
      database: database, keys: keys, revocations: revocations, time: time, log: log.labelled("tokens"))
  }

  init(database: Database, keys: KeyStore, revocations: Revocations, time: any TimeSource, log: Log) {
    self.database = database
    self.keys = keys
    self.revocations = revocations
    self.time = time
    self.log = log
  }

  // MARK: - Issuing

  /// A new login.
  /// - Parameters:
  ///   - life: at most ``TokenClaims/longestLife``.
  ///   - isAdmin: gives the admin role for that life, to whoever bears the token.
  ///   - isLimited: see ``TokenClaims/isLimited``.
  public func issue(
    for subject: Subject, life: Duration = standardLife, isAdmin: Bool = false, isLimited: Bool = false,
    scopes: [String] = []
  ) async throws -> IssuedToken {
    let generation = try await database.read { try Revocations.generation(of: subject, in: $0) }
    var claims = try newLogin(of: subject, generation: generation, life: life, scopes: scopes)
    claims.adminUntil = isAdmin ? claims.expiresAt : nil
    claims.isLimited = isLimited
    return try sign(claims)
  }

  /// A new login with a refresh token.
  public func issuePair(for subject: Subject, life: Duration = shortLife) async throws -> TokenPair {
    let refresh = try RefreshTokens.make()
    let now = time.timestamp
    let claims = try await database.write { [self] transaction in
      let generation = try Revocations.generation(of: subject, in: transaction)
      let claims = try newLogin(of: subject, generation: generation, life: life, scopes: [])
      try RefreshTokens.store(refresh, record(claims, at: now, authenticatedAt: now), at: now, in: transaction)
      return claims
    }
    return TokenPair(access: try sign(claims), refresh: refresh)
  }

  private func newLogin(
    of subject: Subject, generation: Int64, life: Duration, scopes: [String]
  ) throws -> TokenClaims {
    let now = seconds(time.timestamp)
    let life = min(max(life, .seconds(1)), TokenClaims.longestLife)
    let expiry = now + life.components.seconds
    return TokenClaims(
      subject: subject, id: try Crypto.randomToken(byteCount: 16), family: try Crypto.randomToken(byteCount: 16),
      generation: generation, issuedAt: now, expiresAt: expiry, authenticatedAt: now,
      scopes: scopes)
  }

  private func sign(_ claims: TokenClaims) throws -> IssuedToken {
    let key = keys.current
    let text = try JSONWebToken.encode(
      claims.payload(issuer: keys.issuer), keyID: key.id, secret: key.secret.reveal())
    return IssuedToken(text: Secret(text), claims: claims)
  }

  // MARK: - Checking

  /// What a valid token says.
  /// - Throws: ``TokenError``; `DatabaseError` where more is revoked than memory holds.
  public func verify(_ token: Secret<String>) async throws -> TokenClaims {
    let claims = try await signed(token)
    guard try await !revocations.isRevoked(claims) else {
      verified.remove(token.reveal())
      throw TokenError.revoked
    }
    return claims
  }

  /// What a token says whose time it is, from memory if the signature was found right before.
  private func signed(_ token: Secret<String>) async throws -> TokenClaims {
    let text = token.reveal()
    if let known = verified.find(text), keys.secret(for: known.keyID) == known.secret {
      try known.claims.check(now: time.timestamp, notBefore: known.notBefore)
      return known.claims
    }
    let entry = try await read(token, grace: .zero)
    verified.insert(entry, for: text)
    return entry.claims
  }

  private func read(_ token: Secret<String>, grace: Duration) async throws -> VerifiedTokens.Entry {
    do {
      return try decode(token, grace: grace)
    } catch TokenError.unknownKey {
      guard try await keys.refresh() else { throw TokenError.unknownKey }
      return try decode(token, grace: grace)
    }
  }

  private func decode(_ token: Secret<String>, grace: Duration) throws -> VerifiedTokens.Entry {
    var key = (id: "", secret: [UInt8]())
    let payload = try JSONWebToken.decode(token.reveal()) { id in
      guard let secret = keys.secret(for: id) else { return nil }
      key = (id, secret)
      return secret
    }
    let claims = try TokenClaims(payload, issuer: keys.issuer, now: time.timestamp, grace: grace)
    return VerifiedTokens.Entry(
      claims: claims, notBefore: payload["nbf"]?.integer ?? claims.issuedAt, keyID: key.id, secret: key.secret)
  }

  // MARK: - Renewing

  /// A new token for the current one, or one that ended less than ``refreshWindow`` ago; the old one ends.
  /// - Throws: ``TokenError``; `reused` if it had been handed in before.
  public func refresh(_ token: Secret<String>, life: Duration = standardLife) async throws -> IssuedToken {
    let old = try await read(token, grace: Self.refreshWindow).claims
    let now = time.timestamp
    let claims = try successor(of: old, life: life)
    let outcome: Result<Void, TokenError> = try await database.write { [self] transaction in
      try Revocations.begin(in: transaction)
      guard try !isEnded(old, in: transaction) else { return .failure(.revoked) }
      try transaction.announce(Revocations.topic)
      if try Revocations.revoke(old.id, until: memory(of: old, at: now), in: transaction) { return .success(()) }
      _ = try Revocations.revoke(old.family, until: memory(of: old, at: now), in: transaction)
      return .failure(.reused)
    }
    try await takeIn()
    if case .failure(let error) = outcome {
      reportReuse(error, of: old.subject)
      throw error
    }
    return try sign(claims)
  }

  /// A new pair for a refresh token, which ends. The access token that came with it lives out its hour.
  public func refreshPair(_ token: Secret<String>, life: Duration = shortLife) async throws -> TokenPair {
    guard let hash = try RefreshTokens.hash(token) else { throw TokenError.malformed }
    let next = try RefreshTokens.make()
    let now = time.timestamp
    let outcome: Result<TokenClaims, TokenError> = try await database.write { [self] transaction in
      try Revocations.begin(in: transaction)
      guard let old = try RefreshTokens.find(hash, in: transaction) else { return .failure(.malformed) }
      guard now < old.expiresAt else { return .failure(.expired) }
      guard now < old.authenticatedAt + Self.longestSession else { return .failure(.tooOld) }
      let claims = TokenClaims(
        subject: old.subject, id: try Crypto.randomToken(byteCount: 16), family: old.family,
        generation: old.generation, issuedAt: seconds(now), expiresAt: seconds(now) + life.components.seconds,
        authenticatedAt: seconds(old.authenticatedAt))
      guard try !Revocations.isRevoked(claims, in: transaction) else { return .failure(.revoked) }
      guard try !old.isUsed && RefreshTokens.use(hash, at: now, in: transaction) else {
        _ = try Revocations.revoke(old.family, until: memory(of: claims, at: now), in: transaction)
        try transaction.announce(Revocations.topic)
        return .failure(.reused)
      }
      try RefreshTokens.store(
        next, record(claims, at: now, authenticatedAt: old.authenticatedAt), at: now, in: transaction)
      return .success(claims)
    }
    switch outcome {
    case .success(let claims): return TokenPair(access: try sign(claims), refresh: next)
    case .failure(let error):
      try await takeIn()
      reportReuse(error, of: nil)
      throw error
    }
  }

  private func successor(of old: TokenClaims, life: Duration) throws -> TokenClaims {
    let now = seconds(time.timestamp)
    guard .seconds(now - old.authenticatedAt) < Self.longestSession else { throw TokenError.tooOld }
    var claims = old
    claims.id = try Crypto.randomToken(byteCount: 16)
    claims.issuedAt = now
    claims.expiresAt = now + life.components.seconds
    return claims
  }

  /// Whether more than this one token has ended: its family, or all sessions.
  private func isEnded(_ claims: TokenClaims, in transaction: ReadTransaction) throws -> Bool {
    var family = claims
    family.id = claims.family
    return try Revocations.isRevoked(family, in: transaction)
  }

  private func record(_ claims: TokenClaims, at now: Timestamp, authenticatedAt: Timestamp) -> RefreshTokens.Record {
    RefreshTokens.Record(
      subject: claims.subject, family: claims.family, generation: claims.generation, authenticatedAt: authenticatedAt,
      expiresAt: now + RefreshTokens.life, isUsed: false)
  }

  private func reportReuse(_ error: TokenError, of subject: Subject?) {
    guard error == .reused else { return }
    log.warning(
      "a refresh token was used twice: all tokens of that login are ended",
      ["subject": "\(subject?.description ?? "?")"])
  }

  // MARK: - Ending

  /// Ends this token and everything that was or will be made from its login.
  public func logOut(_ claims: TokenClaims) async throws {
    let now = time.timestamp
    try await database.write { [self] transaction in
      try Revocations.begin(in: transaction)
      _ = try Revocations.revoke(claims.family, until: memory(of: claims, at: now), in: transaction)
      try transaction.announce(Revocations.topic)
    }
    try await takeIn()
  }

  /// Ends every session of the subject, in all processes.
  public func endAllSessions(of subject: Subject) async throws {
    try await database.write { transaction in
      try Revocations.begin(in: transaction)
      try Revocations.revokeAll(of: subject, in: transaction)
      try transaction.announce(Revocations.topic)
    }
    try await takeIn()
  }

  /// How long a revocation is remembered: until neither the token nor any that its family could have can be renewed.
  private func memory(of claims: TokenClaims, at now: Timestamp) -> Timestamp {
    max(max(claims.expiry, now + Self.standardLife) + Self.refreshWindow, now + RefreshTokens.life)
  }

  private func takeIn() async throws { try await revocations.refresh() }

  // MARK: - Keys and housekeeping

  /// Signs with a new key from now on; what the old one signed stays valid.
  public func rotateKeys() async throws { try await keys.rotate() }

  /// Follows what other processes revoke and removes what nobody needs any more, until cancelled.
  public func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [self] in
        let changes = database.changes(of: Revocations.topic)
        // What was stored before anybody listened.
        await attempt { try await self.takeIn() }
        for await _ in changes { await attempt { try await self.takeIn() } }
      }
      group.addTask { [self] in
        while (try? await time.sleep(for: Revocations.pollInterval)) != nil {
          await attempt { try await self.takeIn() }
        }
      }
      group.addTask { [self] in
        repeat {
          await attempt { try await self.revocations.clean() }
        } while (try? await time.sleep(for: .seconds(3_600))) != nil
      }
    }
  }

  private func attempt(_ body: () async throws -> Void) async {
    do { try await body() } catch is CancellationError {} catch {
      log.warning("revoked tokens could not be read; trying again soon", ["error": "\(error)"])
    }
  }

  private func seconds(_ time: Timestamp) -> Int64 { time.milliseconds / 1_000 }
}

/// Who signed a token: nothing that a sandbox hands out is good for a real bot, and the other way round.
public enum TokenIssuer: String, Sendable {
  case adjutant
  case sandbox = "adjutant-sandbox"
}
