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
  }

  enum Outcome: Sendable {
    case recorded(KillID, isNew: Bool)
    case refused(KillError)
  }

  /// What a batch of entries came to.
  struct Result: Sendable {
    var outcomes: [Outcome]
    var change: CountChange?
  }

  /// What changed in the counts, and the version from which that holds.
  struct CountChange: Sendable {
    var version: Int64
    var counts: KillCounts
  }

  static func record(_ entries: [Entry], events: KillEvents?, in transaction: Transaction) throws -> Result {
    try transaction.lock(lockName)
    var batch = Batch(transaction: transaction)
    var outcomes: [Outcome] = []
    var new: [KillID] = []
    for entry in entries {
      let outcome = try batch.record(entry)
      if case .recorded(let id, isNew: true) = outcome { new.append(id) }
      outcomes.append(outcome)
    }
    guard !new.isEmpty else { return Result(outcomes: outcomes, change: nil) }
    try batch.counts.apply(in: transaction)
    let version = try raiseVersion(in: transaction)
    try events?.append(.created, new, in: transaction)
    return Result(outcomes: outcomes, change: CountChange(version: version, counts: batch.counts))
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

  // MARK: - One batch

  private struct Batch {
    let transaction: Transaction
    var counts = KillCounts()
    private var users: [UserID: Int64] = [:]
    private var handles: [String: (id: Int64, user: UserID?)] = [:]
    private var names: [String: Int64] = [:]
    private var reporters: [UserID: String?] = [:]

    init(transaction: Transaction) { self.transaction = transaction }

    /// A side of a kill as it is stored.
    private struct Side {
      var id: Int64?
      var name: String
    }

    mutating func record(_ entry: Entry) throws -> Outcome {
      let report = entry.report
      if let key = report.idempotencyKey, let known = try find(key, of: entry.reporter.user) {
        return .recorded(known, isNew: false)
      }
      if let name = entry.reporter.playerName, let owner = try Players.owner(of: name, in: transaction),
        owner != entry.reporter.user
      {
        return .refused(.handleTaken)
      }
      let killer = try side(report.killer, entry)
      let victim = try side(report.victim, entry)
      if report.kind == .suicide, killer.name.lowercased() != victim.name.lowercased(), killer.id != victim.id {
        return .refused(.invalid(field: "victimId", reason: "a suicide's victim is whoever did it"))
      }
      if report.kind == .pvp, killer.id != nil, killer.id == victim.id {
        return .refused(.invalid(field: "victimId", reason: "nobody kills themselves in PvP: that is a suicide"))
      }
      let time = report.occurredAt ?? entry.now
      let pair = Self.pair(killer.name, victim.name)
      if let known = try duplicate(of: entry, pair: pair, killer: killer, victim: victim, at: time) {
        return .recorded(known, isNew: false)
      }
      let weapon = try report.weapon.map { try name($0) }
      let location = try report.location.map { try name($0) }
      let serverID = report.serverID ?? Kill.defaultServer
      // Somebody of the game has no row, and no death that counts.
      let facts = KillFacts(
        serverID: serverID, day: Calendar.day(of: time), killer: killer.id, victim: victim.id, weapon: weapon,
        location: location, kind: report.kind)
      let id = try transaction.queryOne(
        """
        INSERT INTO kills (occurred_at, recorded_at, updated_at, server_id, killer_id, killer_name, victim_id,
          victim_name, pair, weapon_id, location_id, kind, confidence, source, reporter, idempotency_key, details)
        VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING id
        """, time, entry.now, serverID, killer.id, killer.name, victim.id, victim.name, pair, weapon, location,
        report.kind, Int((report.confidence * 100).rounded()), report.source, entry.reporter.user,
        report.idempotencyKey,
        report.details
      ) { try $0.value("id", as: KillID.self) }
      guard let id else { throw DatabaseError(.other, "a new kill has no id") }
      counts.add(facts, sign: 1)
      return .recorded(id, isNew: true)
    }

    private func find(_ key: String, of reporter: UserID) throws -> KillID? {
      try transaction.queryOne(
        "SELECT id FROM kills WHERE reporter = $1 AND idempotency_key = $2", reporter, key
      ) { try $0["id"] }
    }

    // MARK: Sides

    private mutating func side(_ party: ReportedParty, _ entry: Entry) throws -> Side {
      switch party {
      case .character(let name): return Side(id: nil, name: name)
      case .caller: return try caller(entry)
      case .user(let user):
        if user == entry.reporter.user { return try caller(entry) }
        return Side(id: try player(of: user, at: entry.now), name: try displayName(of: user))
      case .handle(let handle):
        // Under their own name, proved or not, a reporter speaks for themselves.
        let own = try caller(entry)
        if own.name.lowercased() == handle.lowercased() { return own }
        // A kill of the game's: its victim is somebody of the game, whatever they are called.
        if entry.report.kind == .pve, party == entry.report.victim { return Side(id: nil, name: handle) }
        return Side(id: try player(named: handle, at: entry.now), name: handle)
      }
    }

    private mutating func caller(_ entry: Entry) throws -> Side {
      let name = try entry.reporter.playerName ?? displayName(of: entry.reporter.user)
      return Side(id: try player(of: entry.reporter.user, at: entry.now), name: name)
    }

    private mutating func player(of user: UserID, at now: Timestamp) throws -> Int64 {
      if let known = users[user] { return known }
      let id = try Players.player(of: user, at: now, in: transaction)
      users[user] = id
      return id
    }

    private mutating func player(named handle: String, at now: Timestamp) throws -> Int64 {
      let key = handle.lowercased()
      if let known = handles[key] { return known.id }
      let id =
        try Players.player(named: handle, in: transaction)
        ?? Players.insert(user: nil, handle: handle, at: now, in: transaction)
      handles[key] = (id, nil)
      return id
    }

    /// What a user is called in a kill: the handle, else the name at Discord, else the id.
    private mutating func displayName(of user: UserID) throws -> String {
      if let known = reporters[user] { return known ?? "\(user)" }
      let name = try transaction.queryOne(
        """
        SELECT p.handle, p.claimed_handle FROM players p WHERE p.user_id = $1
        """, user
      ) { row in try row.value("handle", as: String?.self) ?? row.value("claimed_handle", as: String?.self) }
      let found =
        try name
        ?? transaction.queryOne("SELECT global_name FROM users WHERE id = $1", user) {
          try $0.value("global_name", as: String?.self)
        }
      reporters[user] = found ?? nil
      return (found ?? nil) ?? "\(user)"
    }

    private mutating func name(_ text: String) throws -> Int64 {
      if let known = names[text] { return known }
      let id = try KillWriter.name(text, in: transaction)
      names[text] = id
      return id
    }

    // MARK: Duplicates

    /// FNV-1a over both names in lower case.
    private static func pair(_ killer: String, _ victim: String) -> Int64 {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for byte in killer.lowercased().utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      hash = hash &* 0x100_0000_01b3
      for byte in victim.lowercased().utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      return Int64(bitPattern: hash)
    }

    /// The kill that this report tells of again: the same reporter's at the very same time that it gave, or another
    /// reporter's within three seconds. Nobody dies twice in that time; somebody of the game can, under one name, unless
    /// it is a log's, where each has its own.
    private func duplicate(
      of entry: Entry, pair: Int64, killer: Side, victim: Side, at time: Timestamp
    ) throws -> KillID? {
      let known = try transaction.query(
        """
        SELECT id, occurred_at, reporter, killer_name, victim_name, confirmed_by, source FROM kills
        WHERE pair = $1 AND occurred_at BETWEEN $2 AND $3 ORDER BY occurred_at, id
        """, pair, Timestamp(milliseconds: time.milliseconds - duplicateWindow),
        Timestamp(milliseconds: time.milliseconds + duplicateWindow)
      ) { row in
        (
          id: try row.value("id", as: KillID.self), time: try row.value("occurred_at", as: Timestamp.self),
          reporter: try row.value("reporter", as: UserID.self), killer: try row.value("killer_name", as: String.self),
          victim: try row.value("victim_name", as: String.self),
          confirmedBy: try row.value("confirmed_by", as: UserID?.self),
          source: try row.value("source", as: KillSource.self)
        )
      }.filter {
        $0.killer.lowercased() == killer.name.lowercased() && $0.victim.lowercased() == victim.name.lowercased()
      }
      if entry.report.occurredAt != nil,
        let same = known.first(where: { $0.reporter == entry.reporter.user && $0.time == time })
      {
        return same.id
      }
      guard
        let other = known.first(where: {
          $0.reporter != entry.reporter.user && (victim.id != nil || ($0.source == .log && entry.report.source == .log))
        })
      else { return nil }
      if other.confirmedBy == nil {
        try transaction.execute(
          """
          UPDATE kills SET confirmed_by = $2, updated_at = $3, confidence = CASE WHEN confidence < 97 THEN 97
            ELSE confidence END
          WHERE id = $1
          """, other.id, entry.reporter.user, entry.now)
      }
      return other.id
    }
  }
}
