import Platform
import Storage

/// Refresh tokens as SkyPANEL hands them out: chance alone, good once, stored as SHA-256.
enum RefreshTokens {
  static let life = Duration.seconds(30 * 86_400)
  /// More logins of one subject end the oldest ones.
  static let maximumPerSubject = 100
  private static let byteCount = 32

  struct Record: Equatable {
    var subject: Subject
    var family: String
    var generation: Int64
    var authenticatedAt: Timestamp
    var expiresAt: Timestamp
    var isUsed: Bool
  }

  static func make() throws -> Secret<String> { Secret(try Crypto.randomToken(byteCount: byteCount)) }

  /// Nil for what cannot be one of ours.
  static func hash(_ token: Secret<String>) throws -> [UInt8]? {
    let text = token.reveal()
    guard Base64.decode(text, .url)?.count == byteCount else { return nil }
    return try Crypto.sha256(text.utf8)
  }

  static func store(_ token: Secret<String>, _ record: Record, at now: Timestamp, in transaction: Transaction) throws {
    try transaction.execute(
      """
      INSERT INTO refresh_tokens (hash, subject, family, generation, authenticated_at, created_at, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7)
      """, try Crypto.sha256(token.reveal().utf8), record.subject, record.family, record.generation,
      record.authenticatedAt, now, record.expiresAt)
    try transaction.execute(
      """
      DELETE FROM refresh_tokens WHERE subject = $1 AND hash NOT IN (
        SELECT newest.hash FROM refresh_tokens AS newest WHERE newest.subject = $1
        ORDER BY newest.created_at DESC, newest.hash LIMIT $2
      )
      """, record.subject, maximumPerSubject)
  }

  static func find(_ hash: [UInt8], in transaction: ReadTransaction) throws -> Record? {
    try transaction.queryOne(
      """
      SELECT subject, family, generation, authenticated_at, expires_at, used_at FROM refresh_tokens WHERE hash = $1
      """, hash
    ) { row in
      Record(
        subject: try row["subject"], family: try row["family"], generation: try row["generation"],
        authenticatedAt: try row["authenticated_at"], expiresAt: try row["expires_at"],
        isUsed: try row.value("used_at", as: Timestamp?.self) != nil)
    }
  }

  /// - Returns: false if somebody else was faster.
  static func use(_ hash: [UInt8], at now: Timestamp, in transaction: Transaction) throws -> Bool {
    try transaction.execute("UPDATE refresh_tokens SET used_at = $2 WHERE hash = $1 AND used_at IS NULL", hash, now)
      == 1
  }
}
