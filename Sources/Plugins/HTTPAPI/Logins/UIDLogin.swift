import Core
import Platform
import Storage

/// Logging in by a shared secret, for Kill Tracker applications: `signature` is the HMAC-SHA256 over `uid:timestamp`.
///
/// Whoever has the secret can be any user, therefore: role user, never more (``TokenClaims/isLimited``), off without a
/// secret, each pair good once.
public struct UIDLogin: Sendable {
  /// How far the application's clock may be off.
  public static let window = Duration.seconds(300)

  public enum Refusal: Error, Equatable, Sendable {
    /// No secret is configured.
    case off
    case invalidSignature
    /// More than ``window`` ago, or ahead.
    case timestampTooOld
  }

  private let secret: Secret<String>?
  private let database: Database
  private let tokens: TokenService
  private let time: any TimeSource

  /// - Parameter secret: `plugins.httpapi.uidLoginSecret`; nil or empty turns this login off.
  public init(secret: Secret<String>?, database: Database, tokens: TokenService, time: any TimeSource) {
    self.secret = secret.flatMap { $0.reveal().isEmpty ? nil : $0 }
    self.database = database
    self.tokens = tokens
    self.time = time
  }

  /// - Parameters:
  ///   - uid: a Discord user's id.
  ///   - signature: 64 hexadecimal digits in lower case.
  ///   - timestamp: in milliseconds since 1970.
  /// - Throws: ``Refusal``
  public func logIn(uid: String, signature: String, timestamp: Int64) async throws -> IssuedToken {
    guard let secret else { throw Refusal.off }
    let expected = Hex.encode(try Crypto.hmacSHA256("\(uid):\(timestamp)".utf8, key: secret.reveal().utf8))
    // The signature first: who cannot sign learns nothing about our clock.
    guard Crypto.isEqualInConstantTime(expected.utf8, signature.utf8), let user = UserID(uid), user.description == uid
    else { throw Refusal.invalidSignature }
    let now = time.timestamp
    guard Self.isFresh(timestamp, at: now) else { throw Refusal.timestampTooOld }
    // Kept until its timestamp is too old by itself.
    let expiry = Timestamp(milliseconds: timestamp) + Self.window + .milliseconds(1)
    let mark = Array("uid:".utf8) + (try Crypto.sha256(signature.utf8))
    let isNew = try await database.write {
      try $0.execute(
        "INSERT INTO login_marks (mark, expires_at) VALUES ($1, $2) ON CONFLICT (mark) DO NOTHING", mark, expiry) == 1
    }
    guard isNew else { throw Refusal.invalidSignature }
    return try await tokens.issue(for: .user(user), isLimited: true)
  }

  private static func isFresh(_ timestamp: Int64, at now: Timestamp) -> Bool {
    // Modulo 2^64 a difference is small only if it is small.
    (timestamp &- now.milliseconds).magnitude <= UInt64(window.inMilliseconds)
  }
}
