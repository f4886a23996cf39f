import HTTP
import Platform
import Storage
import Synchronization

/// Guards logins against guessing, by account and by address.
///
/// The count of an account is stored, shared by all processes and kept over restarts; whether the account exists makes no
/// difference. That of an address is this process's alone. From an address where the account was used successfully in
/// the last 30 days attempts are counted apart: a stranger who keeps guessing does not keep the owner out.
public final class LoginAttempts: Sendable {
  public enum Verdict: Sendable, Equatable {
    /// It was counted: tell ``succeeded(account:address:)`` if it succeeds.
    case allowed
    case wait(Duration)
  }

  static let familiarity = Duration.seconds(30 * 86_400)
  private static let policy = LoginThrottle.Policy.account

  private let database: Database
  private let time: any TimeSource
  private let maximumStored: Int
  private let addresses: Mutex<AddressThrottles>

  /// - Parameters:
  ///   - addressCapacity: how many addresses are kept in memory.
  ///   - maximumStored: stored counts beyond it are removed, oldest first, whenever there is cleaned.
  public init(
    database: Database, time: any TimeSource, addressCapacity: Int = 10_000, maximumStored: Int = 100_000
  ) {
    self.maximumStored = maximumStored
    self.database = database
    self.time = time
    addresses = Mutex(AddressThrottles(capacity: addressCapacity))
  }

  /// - Parameter account: what names it, whether it exists or not.
  public func begin(account: String, address: NetworkBlock) async throws -> Verdict {
    let now = time.timestamp
    // Checked and counted in one step, so that of many at once not all find the last free place.
    let wait = addresses.withLock { addresses in
      let wait = addresses.wait(of: address, at: now)
      if wait == .zero { addresses.begin(address, at: now) }
      return wait
    }
    guard wait == .zero else { return .wait(wait) }
    let (accountKey, pairKey) = try keys(account, address)
    let accountWait = try await database.write { transaction in
      try transaction.lock("httpapi.login.\(Hex.encode(accountKey))")
      let isFamiliar = try Self.isFamiliar(pairKey, at: now, in: transaction)
      let key = isFamiliar ? pairKey : accountKey
      var throttle = try Self.throttle(key, in: transaction)
      let wait = throttle.wait(at: now, Self.policy)
      guard wait == .zero else { return wait }
      throttle.begin(at: now, Self.policy)
      try Self.store(throttle, key, in: transaction)
      return .zero
    }
    guard accountWait == .zero else {
      addresses.withLock { $0.takeBack(address) }
      return .wait(accountWait)
    }
    return .allowed
  }

  /// The attempt was the owner's: the account's count is forgotten, and this address is known to be theirs.
  public func succeeded(account: String, address: NetworkBlock) async throws {
    let now = time.timestamp
    // Taken back, not forgotten: an attacker's own account must not wash their address clean.
    addresses.withLock { $0.takeBack(address) }
    let (accountKey, pairKey) = try keys(account, address)
    try await database.write { transaction in
      try transaction.lock("httpapi.login.\(Hex.encode(accountKey))")
      try transaction.execute("DELETE FROM login_attempts WHERE key = $1", accountKey)
      try Self.store(LoginThrottle(attempts: 0, lastAt: now), pairKey, in: transaction)
      try transaction.execute(
        "UPDATE login_attempts SET familiar_until = $2 WHERE key = $1", pairKey, now + Self.familiarity)
    }
  }

  /// Removes what is forgotten, and the oldest of too many.
  public func clean() async throws {
    let now = time.timestamp
    let maximumStored = maximumStored
    let limit = Timestamp(milliseconds: now.milliseconds - Self.policy.memory.components.seconds * 1_000)
    try await database.write { transaction in
      try transaction.execute(
        "DELETE FROM login_attempts WHERE last_at <= $1 AND (familiar_until IS NULL OR familiar_until <= $2)", limit,
        now)
      try transaction.execute(
        """
        DELETE FROM login_attempts WHERE key IN (
          SELECT old.key FROM login_attempts AS old ORDER BY old.last_at DESC, old.key LIMIT $1 OFFSET $2
        )
        """, maximumStored, maximumStored)
    }
  }

  // MARK: - Rows

  /// Hashes, so that what strangers type is not stored.
  private func keys(_ account: String, _ address: NetworkBlock) throws -> (account: [UInt8], pair: [UInt8]) {
    let name = try Crypto.sha256(account.utf8)
    return (
      try Crypto.sha256(Array("account".utf8) + name),
      try Crypto.sha256(Array("pair".utf8) + name + Array(address.description.utf8))
    )
  }

  private static func isFamiliar(_ pair: [UInt8], at now: Timestamp, in transaction: ReadTransaction) throws -> Bool {
    let until = try transaction.queryOne("SELECT familiar_until FROM login_attempts WHERE key = $1", pair) {
      try $0.value("familiar_until", as: Timestamp?.self)
    }
    return (until ?? nil).map { now < $0 } ?? false
  }

  private static func throttle(_ key: [UInt8], in transaction: ReadTransaction) throws -> LoginThrottle {
    try transaction.queryOne("SELECT attempts, last_at FROM login_attempts WHERE key = $1", key) { row in
      LoginThrottle(attempts: try row["attempts"], lastAt: try row["last_at"])
    } ?? LoginThrottle()
  }

  private static func store(_ throttle: LoginThrottle, _ key: [UInt8], in transaction: Transaction) throws {
    try transaction.execute(
      """
      INSERT INTO login_attempts (key, attempts, last_at) VALUES ($1, $2, $3)
      ON CONFLICT (key) DO UPDATE SET attempts = excluded.attempts, last_at = excluded.last_at
      """, key, throttle.attempts, throttle.lastAt)
  }
}
