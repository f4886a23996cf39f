import Core
import Platform
import Storage

/// What the kill tracker keeps about a user: to be taken along, and to be deleted.
///
/// A kill is also the record of whoever was on its other side. So deleting takes the person out of it and leaves the
/// kill: the player becomes ``deletedName``, an account, a handle and a profile no longer lead to them, and they stand on
/// no leaderboard; every count, of others and of servers, stays exact. What is the user's alone goes: profile, sessions,
/// signs of death, proofs under way, reports of theirs and about them, and how these fared.
public final class TrackerData: PersonalDataKeeper {
  /// What stands in kills in place of a deleted player's name.
  public static let deletedName = "Deleted player"
  /// Takes the user out of kills that they only reported, from that kill's number on.
  static let sweep = JobKind<Sweep>("killtracker.erase")
  static let sweepSize: Int64 = 20_000
  static let page = 500

  struct Sweep: Codable, Sendable, Equatable {
    var user: String
    var from: Int64
    /// Kills recorded later are not theirs any more.
    var until: Int64
  }

  public let name = "killTracker"
  let kills: Kills
  let jobs: Jobs
  private let database: Database
  private let time: any TimeSource

  /// The tables (``KillTables``, ``ReportTables``) must exist.
  public init(kills: Kills, jobs: Jobs) {
    self.kills = kills
    self.jobs = jobs
    database = kills.database
    time = kills.time
  }

  // MARK: - How much

  struct Amount: Sendable, Equatable {
    var hasProfile = false
    var handle: String?
    var kills = 0
    var sessions = 0
    var reports = 0
    var deaths = 0

    var words: [String] {
      func counted(_ count: Int, _ one: String, _ many: String) -> String? {
        count == 0 ? nil : "\(count) \(count == 1 ? one : many)"
      }
      return [
        hasProfile ? "the profile" + (handle.map { " of \($0)" } ?? "") : nil, counted(kills, "kill", "kills"),
        counted(sessions, "session of play time", "sessions of play time"), counted(reports, "report", "reports"),
        counted(deaths, "sign of a death", "signs of deaths"),
      ].compactMap { $0 }
    }
  }

  public func summary(of user: UserID) async throws -> [String] { try await amount(of: user).words }

  func amount(of user: UserID) async throws -> Amount {
    try await database.read { transaction in
      func count(_ sql: String, _ parameters: any DatabaseValueConvertible...) throws -> Int {
        try transaction.query(sql, parameters: parameters) { try $0.value("count", as: Int.self) }.first ?? 0
      }
      var amount = Amount()
      let player = try transaction.queryOne("SELECT id, handle, claimed_handle FROM players WHERE user_id = $1", user) {
        row in
        let (handle, claimed): (String?, String?) = (try row["handle"], try row["claimed_handle"])
        return (id: try row.value("id", as: Int64.self), handle: handle ?? claimed)
      }
      if let player {
        amount.hasProfile = true
        amount.handle = player.handle
        amount.kills = try count(
          "SELECT CAST(COALESCE(SUM(entries), 0) AS BIGINT) AS count FROM kill_totals WHERE player_id = $1", player.id)
      }
      amount.sessions = try count("SELECT count(*) AS count FROM kill_log_sessions WHERE user_id = $1", user)
      amount.reports = try count(
        "SELECT count(*) AS count FROM kill_claims WHERE reporter = $1 OR victim_user = $1 OR witness = $1", user)
      amount.deaths = try count("SELECT count(*) AS count FROM kill_log_deaths WHERE uploader = $1", user)
      return amount
    }
  }

  // MARK: - Deleting

  public func erase(_ user: UserID) async throws -> [String] {
    let amount = try await amount(of: user)
    let now = time.timestamp
    try await database.write { [jobs] transaction in
      try transaction.lock(KillWriter.lockName)
      try Self.eraseReports(of: user, jobs: jobs, at: now, in: transaction)
      for statement in [
        "DELETE FROM kill_log_sessions WHERE user_id = $1", "DELETE FROM kill_log_deaths WHERE uploader = $1",
        "DELETE FROM handle_proofs WHERE user_id = $1", "DELETE FROM kill_claim_counts WHERE user_id = $1",
      ] {
        try transaction.execute(statement, user)
      }
      try Self.erasePlayer(user, at: now, in: transaction)
      let last = try transaction.queryOne("SELECT max(id) AS id FROM kills") { try $0.value("id", as: Int64?.self) }
      if let last = last ?? nil {
        try jobs.schedule(
          Self.sweep, Sweep(user: "\(user)", from: 0, until: last), at: now, key: "\(user)", in: transaction)
      }
      try AuditLog.append(
        AuditEntry(userID: user, guildID: nil, action: "kill_tracker_data_deleted", category: "user_action"), at: now,
        in: transaction)
    }
    return amount.words
  }

  /// The row stays, as kills and counts lead to it, but leads to nobody; private, so that it stands on no board.
  private static func erasePlayer(_ user: UserID, at now: Timestamp, in transaction: Transaction) throws {
    guard let player = try Players.find(user: user, in: transaction) else { return }
    Players.ownershipChanges(in: transaction)
    try transaction.execute(
      """
      UPDATE players SET user_id = NULL, handle = NULL, handle_key = NULL, claimed_handle = NULL, claimed_key = NULL,
        privacy = 'PRIVATE', play_seconds = 0, updated_at = $2
      WHERE id = $1
      """, player, now)
    try transaction.execute(
      "UPDATE kills SET killer_name = $2, updated_at = $3 WHERE killer_id = $1", player, deletedName, now)
    try transaction.execute(
      "UPDATE kills SET victim_name = $2, updated_at = $3 WHERE victim_id = $1", player, deletedName, now)
    // Boards leave private players out.
    try transaction.execute("UPDATE kill_version SET version = version + 1 WHERE number = 2")
  }

  /// Reports of theirs and about them go; the kills that came of them stay. Under others' reports their name goes.
  /// Messages at Discord follow.
  private static func eraseReports(
    of user: UserID, jobs: Jobs, at now: Timestamp, in transaction: Transaction
  ) throws {
    let handle = try KillClaims.verifiedHandle(of: user, in: transaction)
    let own = try transaction.query(
      "SELECT id FROM kill_claims WHERE reporter = $1 OR victim_user = $1 OR victim_key = $2", user,
      handle?.lowercased()
    ) { try $0.value("id", as: ClaimID.self) }
    for id in own {
      try transaction.execute("DELETE FROM kill_claims WHERE id = $1", id)
      try jobs.withdraw(KillClaims.wake, key: id.description, in: transaction)
      try ClaimMessage.follow(id, jobs: jobs, at: now, in: transaction)
    }
    let others = try transaction.query(
      "SELECT id FROM kill_claims WHERE witness = $1 OR confirmed_by = $1 OR disputed_by = $1 OR decided_by = $1", user
    ) { try $0.value("id", as: ClaimID.self) }
    for id in others { try ClaimMessage.follow(id, jobs: jobs, at: now, in: transaction) }
    try transaction.execute("UPDATE kill_claims SET witness = NULL WHERE witness = $1", user)
    for column in ["confirmed_by", "disputed_by", "decided_by"] {
      try transaction.execute("UPDATE kill_claims SET \(column) = $2 WHERE \(column) = $1", user, nobody)
    }
  }

  /// Stands for whoever was deleted where a user must stand.
  static let nobody = UserID(0)

  /// Names who takes users out of kills that they reported for others.
  public func register(on runner: JobRunner) async {
    await runner.handle(Self.sweep) { [self] sweep, _ in
      var sweep = sweep
      while sweep.from < sweep.until { sweep.from = try await step(sweep) }
      return .done
    }
  }

  /// One stretch of kills, so that no transaction is long; twice is as good as once.
  private func step(_ sweep: Sweep) async throws -> Int64 {
    let end = min(sweep.from + Self.sweepSize, sweep.until)
    let now = time.timestamp
    try await database.write { transaction in
      try transaction.execute(
        """
        UPDATE kills SET reporter = $4, idempotency_key = NULL, details = NULL, updated_at = $5
        WHERE id > $1 AND id <= $2 AND reporter = $3
        """, sweep.from, end, sweep.user, Self.nobody, now)
      try transaction.execute(
        "UPDATE kills SET confirmed_by = $4 WHERE id > $1 AND id <= $2 AND confirmed_by = $3", sweep.from, end,
        sweep.user, Self.nobody)
    }
    return end
  }
}
