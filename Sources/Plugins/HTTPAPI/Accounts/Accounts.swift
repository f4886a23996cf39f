import Core
import Platform
import Storage

/// A SkyPANEL account.
public struct Account: Sendable, Equatable {
  public enum Role: String, Sendable, CaseIterable, DatabaseValueConvertible { case user, admin }

  public var id: AccountID
  /// In lower case.
  public var email: String
  public var name: String
  public var role: Role
  /// The Discord user that it is linked to.
  public var userID: UserID?
  public var createdAt: Timestamp
  public var updatedAt: Timestamp
}

public enum AccountError: Error, Equatable, Sendable {
  case invalid(field: String, reason: String)
  case emailTaken
  /// The Discord user has another account already.
  case userTaken
  case notFound
}

/// The SkyPANEL accounts. Passwords come in here and are hashed; nothing gives them, or the hashes, back.
public struct Accounts: Sendable {
  static let passwordLength = 8...1_024

  let database: Database
  let hasher: PasswordHasher
  let time: any TimeSource

  public init(database: Database, hasher: PasswordHasher, time: any TimeSource) {
    self.database = database
    self.hasher = hasher
    self.time = time
  }

  /// - Parameter password: 8 … 1024 bytes of UTF-8; nil makes an account that nobody can log in to until one is set.
  /// - Throws: ``AccountError``; `CryptoError.overloaded`.
  public func create(
    email: String, name: String, password: Secret<String>?, role: Account.Role = .user
  ) async throws -> Account {
    let email = try EmailAddress.normalized(email)
    let name = try checkedName(name)
    let hash = try await password.asyncMap { try await self.hash($0) }
    let now = time.timestamp
    return try await database.write { transaction in
      let id = try transaction.queryOne(
        """
        INSERT INTO accounts (email, name, role, password_hash, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (email) DO NOTHING RETURNING id
        """, email, name, role, hash, now
      ) { try $0.value("id", as: AccountID.self) }
      guard let id else { throw AccountError.emailTaken }
      return Account(id: id, email: email, name: name, role: role, userID: nil, createdAt: now, updatedAt: now)
    }
  }

  public func find(_ id: AccountID) async throws -> Account? {
    try await database.read { try Self.select("WHERE id = $1", [id], in: $0).first }
  }

  public func find(email: String) async throws -> Account? {
    guard let email = try? EmailAddress.normalized(email) else { return nil }
    return try await database.read { try Self.select("WHERE email = $1", [email], in: $0).first }
  }

  public func find(linkedTo user: UserID) async throws -> Account? {
    try await database.read { try Self.select("WHERE user_id = $1", [user], in: $0).first }
  }

  /// By id, `limit` behind the first `offset`, with the number of all.
  public func page(limit: Int, offset: Int) async throws -> (accounts: [Account], total: Int) {
    try await database.read { transaction in
      let total = try transaction.queryOne("SELECT count(*) AS count FROM accounts") {
        try $0.value("count", as: Int.self)
      }
      let accounts = try Self.select(
        "ORDER BY id LIMIT $1 OFFSET $2", [max(0, min(limit, 1_000)), max(0, offset)], in: transaction)
      return (accounts, total ?? 0)
    }
  }

  /// Nil leaves as it is.
  public func update(
    _ id: AccountID, email: String? = nil, name: String? = nil, role: Account.Role? = nil
  ) async throws -> Account {
    let email = try email.map(EmailAddress.normalized)
    let name = try name.map(checkedName)
    let now = time.timestamp
    return try await unless(AccountError.emailTaken) { transaction in
      guard var account = try Self.select("WHERE id = $1", [id], in: transaction).first else {
        throw AccountError.notFound
      }
      account.email = email ?? account.email
      account.name = name ?? account.name
      account.role = role ?? account.role
      account.updatedAt = now
      try transaction.execute(
        "UPDATE accounts SET email = $2, name = $3, role = $4, updated_at = $5 WHERE id = $1", id, account.email,
        account.name, account.role, now)
      return account
    }
  }

  /// Links the account to a Discord user, who proved by a command at Discord that it is theirs; nil unlinks.
  public func link(_ id: AccountID, to user: UserID?) async throws {
    let now = time.timestamp
    try await unless(AccountError.userTaken) { transaction in
      let count = try transaction.execute(
        "UPDATE accounts SET user_id = $2, updated_at = $3 WHERE id = $1", id, user, now)
      guard count == 1 else { throw AccountError.notFound }
    }
  }

  /// The caller ends the account's sessions afterwards (``TokenService/endAllSessions(of:)``).
  public func setPassword(_ password: Secret<String>, of id: AccountID) async throws {
    let hash = try await hash(password)
    let now = time.timestamp
    let count = try await database.write {
      try $0.execute("UPDATE accounts SET password_hash = $2, updated_at = $3 WHERE id = $1", id, hash, now)
    }
    guard count == 1 else { throw AccountError.notFound }
  }

  /// A write that throws `taken` where another account has the value that must be unique.
  private func unless<Result: Sendable>(
    _ taken: AccountError, _ body: @escaping @Sendable (Transaction) throws -> Result
  ) async throws -> Result {
    do { return try await database.write(body) } catch let error as DatabaseError where error.isUniqueViolation {
      throw taken
    }
  }

  private func hash(_ password: Secret<String>) async throws -> String {
    guard Self.passwordLength.contains(password.reveal().utf8.count) else {
      throw AccountError.invalid(field: "password", reason: "must have 8 to 1024 bytes")
    }
    return try await hasher.hash(password.reveal())
  }

  private func checkedName(_ name: String) throws -> String {
    do { return try PlainText.check(name, field: "name", limit: 100) } catch APIKeyError.invalid(let field, let reason)
    {
      throw AccountError.invalid(field: field, reason: reason)
    }
  }

  // MARK: - For logging in

  /// What a password is checked against.
  struct Credential: Sendable {
    var id: AccountID
    var hash: String?
  }

  func credential(email: String) async throws -> Credential? {
    try await database.read { transaction in
      try transaction.queryOne("SELECT id, password_hash FROM accounts WHERE email = $1", email) { row in
        Credential(id: try row["id"], hash: try row["password_hash"])
      }
    }
  }

  /// Hashes the password, which was just found right, with today's parameters; unless it was changed meanwhile.
  func rehash(_ password: Secret<String>, of credential: Credential) async throws {
    let hash = try await hasher.hash(password.reveal())
    try await database.write {
      try $0.execute(
        "UPDATE accounts SET password_hash = $2 WHERE id = $1 AND password_hash = $3", credential.id, hash,
        credential.hash)
    }
  }

  private static func select(
    _ condition: String, _ parameters: [any DatabaseValueConvertible], in transaction: ReadTransaction
  ) throws -> [Account] {
    try transaction.query(
      "SELECT id, email, name, role, user_id, created_at, updated_at FROM accounts \(condition)",
      parameters: parameters
    ) { row in
      Account(
        id: try row["id"], email: try row["email"], name: try row["name"], role: try row["role"],
        userID: try row["user_id"], createdAt: try row["created_at"], updatedAt: try row["updated_at"])
    }
  }
}

extension Optional where Wrapped: Sendable {
  fileprivate func asyncMap<Result>(_ body: (Wrapped) async throws -> Result) async rethrows -> Result? {
    guard let self else { return nil }
    return try await body(self)
  }
}
