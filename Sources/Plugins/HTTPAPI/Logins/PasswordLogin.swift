import HTTP
import Platform
import Storage

/// Logging in with e-mail and password.
///
/// Wrong password, unknown account, account without a password: the same answer after the same work.
public struct PasswordLogin: Sendable {
  public enum Refusal: Error, Equatable, Sendable {
    case invalidCredentials
    /// Too many failures: not even looked at.
    case tooManyAttempts(retryAfter: Duration)
  }

  private let accounts: Accounts
  private let hasher: PasswordHasher
  private let tokens: TokenService
  private let attempts: LoginAttempts
  private let log: Log

  public init(
    accounts: Accounts, hasher: PasswordHasher, tokens: TokenService, attempts: LoginAttempts, log: Log = .silent
  ) {
    self.accounts = accounts
    self.hasher = hasher
    self.tokens = tokens
    self.attempts = attempts
    self.log = log.labelled("login")
  }

  /// - Parameter address: who asks (see ``HTTP/IPAddress/site``).
  /// - Throws: ``Refusal``; `CryptoError.overloaded` when too many passwords are being checked (answer 503).
  public func logIn(email: String, password: Secret<String>, from address: NetworkBlock) async throws -> TokenPair {
    let normalized = try? EmailAddress.normalized(email)
    // What is no address cannot have an account; it counts against the caller all the same.
    let name = normalized ?? "not an address: " + String(decoding: EmailAddress.lowercased(email), as: UTF8.self)
    switch try await attempts.begin(account: name, address: address) {
    case .wait(let duration): throw Refusal.tooManyAttempts(retryAfter: duration)
    case .allowed: break
    }
    let credential = try await normalized.asyncFlatMap { try await accounts.credential(email: $0) }
    let isTooLong = password.reveal().utf8.count > Accounts.passwordLength.upperBound
    let isRight = try await hasher.verify(
      isTooLong ? "" : password.reveal(), against: isTooLong ? nil : credential?.hash)
    guard isRight, let credential, let hash = credential.hash else { throw Refusal.invalidCredentials }
    try await attempts.succeeded(account: name, address: address)
    if hasher.isOutdated(hash) {
      do { try await accounts.rehash(password, of: credential) } catch is CryptoError {
        // Too busy now; the next login tries again.
        log.info("a password stays with its old parameters for now", ["account": "\(credential.id)"])
      }
    }
    return try await tokens.issuePair(for: .account(credential.id))
  }
}

extension Optional where Wrapped: Sendable {
  fileprivate func asyncFlatMap<Result>(_ body: (Wrapped) async throws -> Result?) async rethrows -> Result? {
    guard let self else { return nil }
    return try await body(self)
  }
}
