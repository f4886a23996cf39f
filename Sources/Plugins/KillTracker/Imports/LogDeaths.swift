import Core
import Platform
import Storage

/// Deaths of which a log tells no killer: kept apart, and counted as a death by the environment for as long as no kill
/// tells more of the same death.
enum LogDeaths {
  struct Sign: Sendable {
    var victim: String
    var at: Timestamp
    var source: LoggedDeath.Source
    var confidence: Double
    /// As people call them.
    var place: String?
    var vehicle: String?
    var collidedWith: String?
    /// What else its program knows of it, and the name that it keeps there.
    var details: JSON.Object = [:]
    var idempotencyKey: String?

    init(victim: String, _ death: LoggedDeath, at time: Timestamp) {
      self.victim = victim
      at = time
      source = death.source
      confidence = death.confidence
      place = death.place.map(GameNames.place)
      vehicle = death.vehicle.map(GameNames.vehicle)
      collidedWith = death.collidedWith
    }

    /// What a program has from the log of that player.
    init(victim: String, _ report: KillReport, at time: Timestamp) {
      self.victim = victim
      at = time
      let told = report.details?.object ?? [:]
      func name(_ key: String) -> String? { told[key]?.string.map { String($0.prefix(KillReport.nameLimit)) } }
      details = told
      source = name("signal").flatMap(LoggedDeath.Source.init) ?? .corpse
      confidence = report.confidence
      place = report.location
      vehicle = name("vehicle")
      collidedWith = name("collidedWith")
      idempotencyKey = report.idempotencyKey
    }

    /// As it was stored.
    init(_ row: Storage.Row) throws {
      victim = try row["victim_handle"]
      at = try row["occurred_at"]
      source = LoggedDeath.Source(rawValue: try row["source"]) ?? .corpse
      confidence = Double(try row.value("confidence", as: Int.self)) / 100
      place = try row["location"]
      vehicle = try row["vehicle"]
    }
  }

  /// What became of a sign.
  enum Outcome: Sendable, Equatable {
    case recorded(KillID)
    /// The same sign was known, or a kill of that time tells of the death.
    case known(KillID?)

    var isNew: Bool { if case .recorded = self { true } else { false } }
    /// What stands for the death among the kills.
    var kill: KillID? {
      switch self {
      case .recorded(let kill): kill
      case .known(let kill): kill
      }
    }
  }

  /// Records those that are new; the kills of the same log come first.
  static func record(
    _ signs: [Sign], by uploader: UserID, serverID: String, at now: Timestamp, into changes: inout KillChanges,
    in transaction: Transaction
  ) throws -> [Outcome] {
    var outcomes: [Outcome] = []
    for sign in signs {
      guard let id = try insert(sign, by: uploader, serverID: serverID, in: transaction) else {
        let standing = try find(of: [sign.victim], at: sign.at, in: transaction)
        outcomes.append(.known(try standing?.kill ?? telling(of: sign, in: transaction)))
        continue
      }
      if let kill = try telling(of: sign, in: transaction) {
        outcomes.append(.known(kill))
      } else {
        outcomes.append(
          try stand(id, sign, by: uploader, serverID: serverID, at: now, into: &changes, in: transaction))
      }
    }
    return outcomes
  }

  private static func insert(
    _ sign: Sign, by uploader: UserID, serverID: String, in transaction: Transaction
  ) throws -> Int64? {
    try transaction.queryOne(
      """
      INSERT INTO kill_log_deaths (victim_key, victim_handle, occurred_at, source, confidence, location, vehicle,
        server_id, uploader)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (victim_key, occurred_at) DO NOTHING RETURNING id
      """, sign.victim.lowercased(), sign.victim, sign.at, sign.source.rawValue,
      Int((sign.confidence * 100).rounded()), sign.place, sign.vehicle, serverID, uploader
    ) { try $0.value("id", as: Int64.self) }
  }

  /// The kill that tells of the death.
  private static func telling(of sign: Sign, in transaction: ReadTransaction) throws -> KillID? {
    guard let victim = try Players.player(named: sign.victim, in: transaction) else { return nil }
    let (from, until) = window(sign.at)
    return try transaction.queryOne(
      """
      SELECT id FROM kills WHERE victim_id = $1 AND occurred_at BETWEEN $2 AND $3 AND kind <> 'pve' LIMIT 1
      """, victim, from, until
    ) { try $0["id"] }
  }

  private static func window(_ time: Timestamp) -> (Timestamp, Timestamp) {
    (time + (.zero - ClaimRules.deathTolerance), time + ClaimRules.deathTolerance)
  }

  @discardableResult
  private static func stand(
    _ id: Int64, _ sign: Sign, by uploader: UserID, serverID: String, at now: Timestamp,
    into changes: inout KillChanges, in transaction: Transaction
  ) throws -> Outcome {
    var details = sign.details
    details["signal"] = .string(sign.source.rawValue)
    details["vehicle"] = sign.vehicle.map { .string($0) }
    details["collidedWith"] = sign.collidedWith.map { .string($0) }
    let report = KillReport(
      killer: .character("unknown"), victim: .logged(sign.victim), kind: .environment, occurredAt: sign.at,
      serverID: serverID, location: sign.place, source: .log,
      confidence: sign.confidence, idempotencyKey: sign.idempotencyKey, details: .object(details))
    let entry = KillWriter.Entry(
      report: try report.checked(at: now), reporter: KillReporter(user: uploader), now: now)
    guard case .recorded(let kill, let isNew) = try changes.record([entry]).first else { return .known(nil) }
    try transaction.execute("UPDATE kill_log_deaths SET kill_id = $2 WHERE id = $1", id, kill.id)
    return isNew ? .recorded(kill.id) : .known(kill.id)
  }

  // MARK: - Beside kills that tell more

  private struct Row {
    var id: Int64
    var kill: KillID?
    var sign: Sign
    var serverID: String
    var uploader: UserID
  }

  private static func find(
    of handles: [String], at time: Timestamp, in transaction: ReadTransaction
  ) throws -> Row? {
    try find(of: handles, from: time, until: time, in: transaction).first
  }

  private static func find(
    of handles: [String], near time: Timestamp, in transaction: ReadTransaction
  ) throws -> [Row] {
    let (from, until) = window(time)
    return try find(of: handles, from: from, until: until, in: transaction)
  }

  private static func find(
    of handles: [String], from: Timestamp, until: Timestamp, in transaction: ReadTransaction
  ) throws -> [Row] {
    try handles.flatMap { handle in
      try transaction.query(
        """
        SELECT id, kill_id, victim_handle, occurred_at, source, confidence, location, vehicle, server_id, uploader
        FROM kill_log_deaths WHERE victim_key = $1 AND occurred_at BETWEEN $2 AND $3 ORDER BY occurred_at LIMIT 10
        """, handle.lowercased(), from, until
      ) { row in
        Row(
          id: try row["id"], kill: try row["kill_id"], sign: try Sign(row), serverID: try row["server_id"],
          uploader: try row["uploader"])
      }
    }
  }

  /// A kill is about to be recorded that tells more: what stands for the same death goes.
  static func giveWay(
    of handles: [String], near time: Timestamp, from changes: inout KillChanges, in transaction: Transaction
  ) throws {
    for handle in handles { try adopt(handle, near: time, in: transaction) }
    for row in try find(of: handles, near: time, in: transaction) {
      guard let kill = row.kill else { continue }
      try changes.remove(kill)
      try transaction.execute("UPDATE kill_log_deaths SET kill_id = NULL WHERE id = $1", row.id)
    }
  }

  /// A program that watches a log sends such deaths as kills by the environment: they become signs like those of uploads.
  private static func adopt(_ handle: String, near time: Timestamp, in transaction: Transaction) throws {
    guard let victim = try Players.player(named: handle, in: transaction) else { return }
    let (from, until) = window(time)
    let deaths = try transaction.query(
      """
      SELECT k.id, k.victim_name, k.occurred_at, k.confidence, k.server_id, k.reporter, k.details, l.name AS location
      FROM kills k LEFT JOIN kill_names l ON l.id = k.location_id
      WHERE k.victim_id = $1 AND k.occurred_at BETWEEN $2 AND $3 AND k.kind = 'environment' AND k.source = 'log'
        AND (k.killer_id IS NULL OR k.killer_id = k.victim_id)
        AND NOT EXISTS (SELECT 1 FROM kill_log_deaths d WHERE d.kill_id = k.id)
      ORDER BY k.occurred_at LIMIT 10
      """, victim, from, until
    ) { row in
      let details: JSON? = try row["details"]
      let values: [any DatabaseValueConvertible] = [
        handle.lowercased(), try row.value("victim_name", as: String.self),
        try row.value("occurred_at", as: Timestamp.self),
        details?["signal"]?.string.flatMap(LoggedDeath.Source.init)?.rawValue ?? LoggedDeath.Source.corpse.rawValue,
        try row.value("confidence", as: Int.self), try row.value("location", as: String?.self),
        details?["vehicle"]?.string.map { String($0.prefix(KillReport.nameLimit)) },
        try row.value("server_id", as: String.self), try row.value("reporter", as: UserID.self),
        try row.value("id", as: KillID.self),
      ]
      return values
    }
    for values in deaths {
      try transaction.execute(
        """
        INSERT INTO kill_log_deaths (victim_key, victim_handle, occurred_at, source, confidence, location, vehicle,
          server_id, uploader, kill_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (victim_key, occurred_at) DO UPDATE SET kill_id = excluded.kill_id
        """, parameters: values)
    }
  }

  /// The kill that told more was taken back: the signs stand again.
  static func restore(
    of handles: [String], near time: Timestamp, at now: Timestamp, into changes: inout KillChanges,
    in transaction: Transaction
  ) throws {
    for row in try find(of: handles, near: time, in: transaction) where row.kill == nil {
      guard try telling(of: row.sign, in: transaction) == nil else { continue }
      try stand(
        row.id, row.sign, by: row.uploader, serverID: row.serverID, at: now, into: &changes, in: transaction)
    }
  }
}
