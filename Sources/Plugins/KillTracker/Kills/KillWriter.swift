import Core
import Platform
import Storage

/// Writes kills and their counts inside a transaction.
enum KillWriter {
  /// All writers of kills, in all processes, one after the other: what one finds missing nobody else adds meanwhile.
  static let lockName = "killtracker.kills"
  /// Two clients see one kill at times that differ by so much.
  static let duplicateWindow: Int64 = 3_000

  /// A report that was checked, and who made it.
  struct Entry: Sendable {
    var report: KillReport
    var reporter: KillReporter
    var now: Timestamp
    /// For the audit log, stored with the kill; not for a report that is refused.
    var audit: AuditEntry?
  }

  enum Outcome: Sendable {
    /// As its reporter may see it.
    case recorded(Kill, isNew: Bool)
    case refused(KillError)
  }

  /// What a batch of entries came to.
  struct Result: Sendable {
    var outcomes: [Outcome]
    var change: CountChange?
    /// Names of weapons and places that the batch looked up, which never change.
    var names: [String: Int64]
  }

  /// What changed in the counts, and the version from which that holds.
  struct CountChange: Sendable {
    var version: Int64
    var counts: KillCounts
  }

  /// - Parameter names: names of weapons and places that are known already.
  static func record(
    _ entries: [Entry], names: [String: Int64], events: KillEvents?, in transaction: Transaction
  ) throws -> Result {
    try transaction.lock(lockName)
    var batch = KillBatch(transaction: transaction, names: names)
    let outcomes = try batch.record(entries)
    let audited = zip(entries, outcomes).compactMap { entry, outcome -> AuditEntry? in
      if case .refused = outcome { return nil }
      return entry.audit
    }
    if let now = entries.last?.now, !audited.isEmpty { try AuditLog.append(audited, at: now, in: transaction) }
    guard !batch.new.isEmpty else { return Result(outcomes: outcomes, change: nil, names: batch.names) }
    try batch.counts.apply(in: transaction)
    let version = try raiseVersion(in: transaction)
    try events?.append(.created, batch.new, in: transaction)
    return Result(
      outcomes: outcomes, change: CountChange(version: version, counts: batch.counts), names: batch.names)
  }

  static func raiseVersion(in transaction: Transaction) throws -> Int64 {
    let version = try transaction.queryOne(
      "UPDATE kill_version SET version = version + 1 WHERE number = 1 RETURNING version"
    ) { try $0.value("version", as: Int64.self) }
    guard let version else { throw DatabaseError(.other, "kill_version must have one row") }
    return version
  }

  static func version(in transaction: ReadTransaction) throws -> Int64 {
    try transaction.queryOne("SELECT version FROM kill_version WHERE number = 1") { try $0["version"] } ?? 0
  }

  // MARK: - Changing what is there

  /// What is counted of a stored kill; nil if there is none.
  static func facts(of id: KillID, in transaction: ReadTransaction) throws -> KillFacts? {
    try transaction.queryOne(
      "SELECT server_id, occurred_at, killer_id, victim_id, weapon_id, location_id, kind FROM kills WHERE id = $1", id,
      row: facts(from:))
  }

  static func facts(from row: Row) throws -> KillFacts {
    KillFacts(
      serverID: try row["server_id"], day: Calendar.day(of: try row["occurred_at"]), killer: try row["killer_id"],
      victim: try row["victim_id"], weapon: try row["weapon_id"], location: try row["location_id"],
      kind: try row["kind"])
  }

  /// Takes the old facts out of the counts and puts the new ones in.
  static func recount(_ old: KillFacts, _ new: KillFacts?, in transaction: Transaction) throws -> CountChange {
    var counts = KillCounts()
    counts.add(old, sign: -1)
    if let new { counts.add(new, sign: 1) }
    try counts.apply(in: transaction)
    return CountChange(version: try raiseVersion(in: transaction), counts: counts)
  }

  /// Everything of one player becomes another's: kills, counts, tallies.
  static func move(from old: Int64, to new: Int64, in transaction: Transaction) throws {
    let kills = try transaction.query(
      """
      SELECT server_id, occurred_at, killer_id, victim_id, weapon_id, location_id, kind FROM kills
      WHERE killer_id = $1 UNION ALL
      SELECT server_id, occurred_at, killer_id, victim_id, weapon_id, location_id, kind FROM kills
      WHERE victim_id = $1 AND (killer_id IS NULL OR killer_id <> $1)
      """, old, row: facts(from:))
    var counts = KillCounts()
    for facts in kills {
      counts.add(facts, sign: -1)
      var moved = facts
      if moved.killer == old { moved.killer = new }
      if moved.victim == old { moved.victim = new }
      counts.add(moved, sign: 1)
    }
    try transaction.execute("UPDATE kills SET killer_id = $2 WHERE killer_id = $1", old, new)
    try transaction.execute("UPDATE kills SET victim_id = $2 WHERE victim_id = $1", old, new)
    try counts.apply(in: transaction)
    _ = try raiseVersion(in: transaction)
  }

  /// The number of a weapon's or a place's name.
  static func name(_ text: String, in transaction: Transaction) throws -> Int64 {
    if let known = try findName(text, in: transaction) { return known }
    let id = try transaction.queryOne("INSERT INTO kill_names (name) VALUES ($1) RETURNING id", text) {
      try $0.value("id", as: Int64.self)
    }
    guard let id else { throw DatabaseError(.other, "a new name has no number") }
    return id
  }

  static func findName(_ text: String, in transaction: ReadTransaction) throws -> Int64? {
    try transaction.queryOne("SELECT id FROM kill_names WHERE name = $1", text) { try $0["id"] }
  }
}
