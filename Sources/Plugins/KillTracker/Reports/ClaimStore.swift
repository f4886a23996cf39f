import Core
import Platform
import Storage

/// Claims as rows. Everything inside a transaction of the caller's.
enum ClaimStore {
  private static let columns = """
    c.id, c.guild_id, c.reporter, c.victim_user, c.victim_handle, c.victim_name, c.weapon, c.location, c.occurred_at,
    c.witness, c.state, c.proof, c.confirmed_by, c.confirmed_at, c.disputed_by, c.decided_by, c.deadline, c.created_at,
    c.kill_id, c.owns_kill, t.confirmed AS trust_confirmed, t.rejected AS trust_rejected
    """
  private static let source = "kill_claims c LEFT JOIN kill_claim_counts t ON t.user_id = c.reporter"

  static func find(_ id: ClaimID, in transaction: ReadTransaction) throws -> Claim? {
    try transaction.queryOne("SELECT \(columns) FROM \(source) WHERE c.id = $1", id, row: claim)
  }

  /// - Parameter condition: what stands behind WHERE, over `c`.
  static func all(
    _ condition: String, _ parameters: [any DatabaseValueConvertible], in transaction: ReadTransaction
  ) throws -> [Claim] {
    try transaction.query("SELECT \(columns) FROM \(source) WHERE \(condition)", parameters: parameters, row: claim)
  }

  private static func claim(_ row: Row) throws -> Claim {
    Claim(
      id: try row["id"],
      facts: Claim.Facts(
        guild: try row["guild_id"], reporter: try row["reporter"], victim: try row["victim_user"],
        victimHandle: try row["victim_handle"], victimName: try row["victim_name"], weapon: try row["weapon"],
        location: try row["location"], occurredAt: try row["occurred_at"], witness: try row["witness"]),
      state: try row["state"], proof: try row["proof"], confirmedBy: try row["confirmed_by"],
      confirmedAt: try row["confirmed_at"], disputedBy: try row["disputed_by"], decidedBy: try row["decided_by"],
      deadline: try row["deadline"], createdAt: try row["created_at"], kill: try row["kill_id"],
      ownsKill: try row["owns_kill"],
      trust: ClaimTrust(
        confirmed: try row.value("trust_confirmed", as: Int?.self) ?? 0,
        rejected: try row.value("trust_rejected", as: Int?.self) ?? 0))
  }

  static func insert(
    _ facts: Claim.Facts, request: String?, deadline: Timestamp, at now: Timestamp, in transaction: Transaction
  ) throws -> ClaimID {
    let id = try transaction.queryOne(
      """
      INSERT INTO kill_claims (guild_id, reporter, victim_user, victim_handle, victim_key, victim_name, weapon, location,
        occurred_at, witness, state, deadline, created_at, updated_at, owns_kill, request)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', $11, $12, $12, $13, $14) RETURNING id
      """, facts.guild, facts.reporter, facts.victim, facts.victimHandle, facts.victimHandle?.lowercased(),
      facts.victimName, facts.weapon, facts.location, facts.occurredAt, facts.witness, deadline, now, false, request
    ) { try $0.value("id", as: ClaimID.self) }
    guard let id else { throw DatabaseError(.other, "a new claim has no id") }
    return id
  }

  static func save(_ claim: Claim, at now: Timestamp, in transaction: Transaction) throws {
    try transaction.execute(
      """
      UPDATE kill_claims SET state = $2, proof = $3, confirmed_by = $4, confirmed_at = $5, disputed_by = $6,
        decided_by = $7, deadline = $8, kill_id = $9, owns_kill = $10, updated_at = $11
      WHERE id = $1
      """, claim.id, claim.state, claim.proof, claim.confirmedBy, claim.confirmedAt, claim.disputedBy, claim.decidedBy,
      claim.deadline, claim.kill, claim.ownsKill, now)
  }

  // MARK: - Trust

  static func trust(of user: UserID, in transaction: ReadTransaction) throws -> ClaimTrust {
    try transaction.queryOne("SELECT confirmed, rejected FROM kill_claim_counts WHERE user_id = $1", user) {
      ClaimTrust(confirmed: try $0["confirmed"], rejected: try $0["rejected"])
    } ?? ClaimTrust()
  }

  static func count(confirmed: Int, rejected: Int, of user: UserID, in transaction: Transaction) throws {
    try transaction.execute(
      """
      INSERT INTO kill_claim_counts (user_id, confirmed, rejected) VALUES ($1, $2, $3)
      ON CONFLICT (user_id) DO UPDATE SET confirmed = kill_claim_counts.confirmed + excluded.confirmed,
        rejected = kill_claim_counts.rejected + excluded.rejected
      """, user, confirmed, rejected)
  }

  /// How often those two vouched for each other since then, either way.
  static func vouched(
    _ one: UserID, _ other: UserID, since: Timestamp, in transaction: ReadTransaction
  ) throws -> Int {
    try transaction.queryOne(
      """
      SELECT count(*) AS count FROM kill_claims WHERE proof = 'witness' AND confirmed_at > $3
        AND ((confirmed_by = $1 AND reporter = $2) OR (confirmed_by = $2 AND reporter = $1))
      """, one, other, since
    ) { try $0.value("count", as: Int.self) } ?? 0
  }

  // MARK: - Messages

  /// Remembers where a claim is shown; of many messages the latest.
  static func note(_ message: ClaimMessage, of claim: ClaimID, in transaction: Transaction) throws {
    try transaction.execute(
      """
      INSERT INTO kill_claim_messages (message_id, channel_id, claim_id, guild_id) VALUES ($1, $2, $3, $4)
      ON CONFLICT (message_id) DO NOTHING
      """, "\(message.id)", "\(message.channel)", claim, message.guild)
    // Discord's ids grow with time, and have the same length.
    for old in try messages(of: claim, in: transaction).dropFirst(ClaimRules.messages) {
      try forget(old, in: transaction)
    }
  }

  /// The latest first.
  static func messages(of claim: ClaimID, in transaction: ReadTransaction) throws -> [ClaimMessage] {
    try transaction.query(
      """
      SELECT message_id, channel_id, guild_id FROM kill_claim_messages WHERE claim_id = $1 ORDER BY message_id DESC
      """, claim
    ) { row in
      let (id, channel): (String, String) = (try row["message_id"], try row["channel_id"])
      guard let id = UInt64(id), let channel = UInt64(channel) else {
        throw DatabaseError(.decoding, "a report's message has no id")
      }
      return ClaimMessage(id: id, channel: channel, guild: try row["guild_id"])
    }
  }

  static func forget(_ message: ClaimMessage, in transaction: Transaction) throws {
    try transaction.execute("DELETE FROM kill_claim_messages WHERE message_id = $1", "\(message.id)")
  }

  // MARK: - Looking for others

  /// Claims about that victim whose time is close, the oldest first.
  static func about(
    user: UserID?, handle: String?, near time: Timestamp, within tolerance: Duration, in transaction: ReadTransaction
  ) throws -> [Claim] {
    let (from, until) = (time + (.zero - tolerance), time + tolerance)
    return try all(
      """
      ((c.victim_user = $1 AND c.occurred_at BETWEEN $3 AND $4) OR (c.victim_key = $2 AND c.occurred_at BETWEEN $3 AND $4))
      ORDER BY c.id LIMIT 100
      """, [user, handle?.lowercased(), from, until], in: transaction)
  }
}
