import Core
import Platform
import Storage

extension TrackerData {
  /// One object: `profile`, `sessions`, `deaths`, `reports`, `kills`, the last four as arrays, oldest first. Kills are those
  /// in which the user took part, then those that they only reported.
  public func export(of user: UserID, write: ([UInt8]) async throws -> Void) async throws {
    let profile = try await kills.players.profile(of: user)
    var head: JSON.Object = ["user": .string("\(user)")]
    head["handle"] = profile.handle.map { .string($0) }
    head["isVerified"] = .boolean(profile.isVerified)
    head["privacy"] = .string(profile.privacy.rawValue)
    head["playSeconds"] = .integer(profile.playTime.components.seconds)
    head["updatedAt"] = profile.updatedAt.map { .string($0.iso8601) }
    try await write(Array("{\"profile\":\(JSON.object(head).serialized())".utf8))
    try await list("sessions", write) { after, transaction in try Self.sessions(of: user, after: after, transaction) }
    try await list("deaths", write) { after, transaction in try Self.deaths(of: user, after: after, transaction) }
    try await list("reports", write) { after, transaction in try Self.reports(of: user, after: after, transaction) }
    try await write(Array(",\"kills\":[".utf8))
    try await exportKills(of: user, write)
    try await write(Array("]}".utf8))
  }

  private func list(
    _ name: String, _ write: ([UInt8]) async throws -> Void,
    _ page: @escaping @Sendable (Int64, ReadTransaction) throws -> [(Int64, JSON)]
  ) async throws {
    try await write(Array(",\"\(name)\":[".utf8))
    var after = Int64.min
    var isFirst = true
    while true {
      let from = after
      let rows = try await kills.database.read { try page(from, $0) }
      try await Self.write(rows.map(\.1), isFirst: &isFirst, write)
      guard rows.count == Self.page, let last = rows.last else { break }
      after = last.0
    }
    try await write(Array("]".utf8))
  }

  private static func write(
    _ values: [JSON], isFirst: inout Bool, _ write: ([UInt8]) async throws -> Void
  ) async throws {
    guard !values.isEmpty else { return }
    var text = ""
    for value in values {
      text += (isFirst ? "" : ",") + value.serialized()
      isFirst = false
    }
    try await write(Array(text.utf8))
  }

  // MARK: - Rows

  private static func sessions(
    of user: UserID, after: Int64, _ transaction: ReadTransaction
  ) throws -> [(Int64, JSON)] {
    try transaction.query(
      """
      SELECT began_at, ended_at, played_seconds, session FROM kill_log_sessions
      WHERE user_id = $1 AND began_at > $2 ORDER BY began_at LIMIT $3
      """, user, Timestamp(milliseconds: after), page
    ) { row in
      let began: Timestamp = try row["began_at"]
      return (
        began.milliseconds,
        [
          "session": .string(try row["session"]), "began": .string(began.iso8601),
          "ended": .string(try row.value("ended_at", as: Timestamp.self).iso8601),
          "playedSeconds": .integer(try row["played_seconds"]),
        ]
      )
    }
  }

  private static func deaths(
    of user: UserID, after: Int64, _ transaction: ReadTransaction
  ) throws -> [(Int64, JSON)] {
    try transaction.query(
      """
      SELECT id, victim_handle, occurred_at, source, confidence, location, vehicle FROM kill_log_deaths
      WHERE uploader = $1 AND id > $2 ORDER BY id LIMIT $3
      """, user, after, page
    ) { row in
      var object: JSON.Object = [
        "handle": .string(try row["victim_handle"]),
        "timestamp": .string(try row.value("occurred_at", as: Timestamp.self).iso8601),
        "sign": .string(try row["source"]),
        "confidence": .double(Double(try row.value("confidence", as: Int.self)) / 100),
      ]
      object["location"] = try row.value("location", as: String?.self).map { .string($0) }
      object["vehicle"] = try row.value("vehicle", as: String?.self).map { .string($0) }
      return (try row["id"], .object(object))
    }
  }

  private static func reports(
    of user: UserID, after: Int64, _ transaction: ReadTransaction
  ) throws -> [(Int64, JSON)] {
    try ClaimStore.all(
      "(c.reporter = $1 OR c.victim_user = $1 OR c.witness = $1 OR c.confirmed_by = $1) AND c.id > $2 ORDER BY c.id LIMIT $3",
      [user, after, page], in: transaction
    ).map { claim in (claim.id.rawValue, claim.json(for: user)) }
  }

  // MARK: - Kills

  private func exportKills(of user: UserID, _ write: ([UInt8]) async throws -> Void) async throws {
    var isFirst = true
    let viewer = KillViewer(user: user)
    let player = try await kills.database.read { try Players.find(user: user, in: $0) }
    if let player {
      try await kills.export(KillFilter(player: player), for: viewer) { page in
        try await Self.write(page.map(\.exported), isFirst: &isFirst, write)
      }
    }
    // Who reported a kill is in no index: all of them are looked through, a stretch at a time.
    let last = try await kills.database.read { transaction in
      try transaction.queryOne("SELECT max(id) AS id FROM kills") { try $0.value("id", as: Int64?.self) } ?? nil
    }
    var from: Int64 = 0
    while from < last ?? 0 {
      let start = from
      let found = try await kills.database.read { transaction in
        try transaction.query(
          """
          SELECT \(Kill.columns) FROM kills k \(Kill.joins)
          WHERE k.id > $1 AND k.id <= $2 AND k.reporter = $3
            AND (k.killer_id IS NULL OR k.killer_id <> $4) AND (k.victim_id IS NULL OR k.victim_id <> $4) ORDER BY k.id
          """, start, start + Self.sweepSize, user, player ?? 0
        ) { try Kill($0, for: viewer) }
      }
      try await Self.write(found.map(\.exported), isFirst: &isFirst, write)
      from += Self.sweepSize
    }
  }
}

extension Claim {
  /// The report as its reporter, its victim and its witnesses may have it.
  func json(for user: UserID) -> JSON {
    var object: JSON.Object = [
      "id": .string("\(id)"), "serverId": .string("\(facts.guild)"), "victim": .string(facts.victimName),
      "timestamp": .string(facts.occurredAt.iso8601), "state": .string(state.rawValue),
      "reportedAt": .string(createdAt.iso8601),
      "role": facts.reporter == user ? "reporter" : facts.victim == user ? "victim" : "witness",
    ]
    object["weapon"] = facts.weapon.map { .string($0) }
    object["location"] = facts.location.map { .string($0) }
    object["proof"] = proof.map { .string($0.rawValue) }
    object["kill"] = kill.map { .string("\($0)") }
    return .object(object)
  }
}

extension Kill {
  var exported: JSON {
    var object: JSON.Object = [
      "id": .string("\(id)"), "timestamp": .string(occurredAt.iso8601), "killer": .string(killer.name),
      "victim": .string(victim.name), "serverId": .string(serverID), "kind": .string(kind.rawValue),
      "confidence": .double(confidence), "source": .string(source.rawValue), "recordedAt": .string(recordedAt.iso8601),
    ]
    object["weapon"] = weapon.map { .string($0) }
    object["location"] = location.map { .string($0) }
    object["details"] = reporter == nil ? nil : details
    return .object(object)
  }
}
