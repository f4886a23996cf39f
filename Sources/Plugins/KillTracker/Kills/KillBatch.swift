import Core
import Platform
import Storage

/// Reports that are stored in one transaction: what they refer to is looked up for all of them at once.
struct KillBatch {
  private let transaction: Transaction
  private(set) var counts = KillCounts()
  private(set) var new: [KillEvents.Subject] = []
  private(set) var names: [String: Int64]
  private var users: [UserID: PlayerRow] = [:]
  private var handles: [String: PlayerRow] = [:]
  /// Stored kills between the same names, by hash of the names.
  private var known: [Int64: [KnownKill]] = [:]
  private var keys: [ReportKey: KillID] = [:]
  /// Numbers for the kills that are new, the last one first.
  private var ids: [Int64] = []
  /// New kills that are not written yet: they go to the database together.
  private var rows: [DatabaseValue] = []

  init(transaction: Transaction, names: [String: Int64]) {
    self.transaction = transaction
    self.names = names
  }

  private struct ReportKey: Hashable {
    var reporter: UserID
    var key: String
  }

  /// A side of a kill as it is stored.
  private struct Side {
    var player: PlayerRow?
    var name: String

    var id: Int64? { player?.id }
    var key: String { name.lowercased() }

    func party(isShown: Bool) -> KillParty {
      if player?.privacy == .private, !isShown { return .hidden }
      return KillParty(playerID: id, user: player?.user, name: name, avatarURL: player?.avatarURL, isHidden: false)
    }
  }

  private struct KnownKill {
    var id: KillID
    var time: Timestamp
    var reporter: UserID
    var killer: String
    var victim: String
    var source: KillSource
    var isConfirmed: Bool
  }

  private struct Prepared {
    var entry: KillWriter.Entry
    var killer: Side
    var victim: Side
    var pair: Int64
    var time: Timestamp
  }

  // MARK: - In order

  mutating func record(_ entries: [KillWriter.Entry]) throws -> [KillWriter.Outcome] {
    try findPlayers(of: entries)
    try findNames(of: entries)
    let prepared = try entries.map { entry in
      do { return Result<Prepared, KillError>.success(try prepare(entry)) } catch let error as KillError {
        return .failure(error)
      }
    }
    try findKnown(prepared.compactMap { try? $0.get() })
    ids = try transaction.identities(of: "kills", count: prepared.count).reversed()
    let outcomes = try prepared.map { item -> KillWriter.Outcome in
      switch item {
      case .failure(let error): .refused(error)
      case .success(let report): try store(report)
      }
    }
    try writeRows()
    return outcomes
  }

  private static let insertion = RowInsert(
    into: "kills",
    [
      "id": .integer, "occurred_at": .integer, "recorded_at": .integer, "updated_at": .integer, "server_id": .text,
      "killer_id": .integer, "killer_name": .text, "victim_id": .integer, "victim_name": .text, "pair": .integer,
      "weapon_id": .integer, "location_id": .integer, "kind": .text, "confidence": .integer, "source": .text,
      "reporter": .text, "idempotency_key": .text, "details": .json,
    ])

  private mutating func writeRows() throws {
    try transaction.insert(rows, by: Self.insertion)
    rows.removeAll(keepingCapacity: true)
  }

  private mutating func prepare(_ entry: KillWriter.Entry) throws -> Prepared {
    try checkName(of: entry.reporter)
    let killer = try side(entry.report.killer, entry)
    let victim = try side(entry.report.victim, entry)
    try Self.check(entry.report.kind, killer: killer, victim: victim)
    return Prepared(
      entry: entry, killer: killer, victim: victim, pair: Self.pair(killer.key, victim.key),
      time: entry.report.occurredAt ?? entry.now)
  }

  /// A key may not speak for a name that is proved to be somebody else's.
  private func checkName(of reporter: KillReporter) throws {
    guard let name = reporter.playerName, let player = handles[name.lowercased()] else { return }
    if let owner = player.user, owner != reporter.user { throw KillError.handleTaken }
  }

  private static func check(_ kind: KillKind, killer: Side, victim: Side) throws {
    let isSame = killer.id != nil && killer.id == victim.id
    if kind == .suicide, !isSame, killer.key != victim.key {
      throw KillError.invalid(field: "victimId", reason: "a suicide's victim is whoever did it")
    }
    if kind == .pvp, isSame {
      throw KillError.invalid(field: "victimId", reason: "nobody kills themselves in PvP: that is a suicide")
    }
  }

  private mutating func store(_ prepared: Prepared) throws -> KillWriter.Outcome {
    let (entry, report) = (prepared.entry, prepared.entry.report)
    let key = report.idempotencyKey.map { ReportKey(reporter: entry.reporter.user, key: $0) }
    if let key, let id = try keys[key] ?? find(key) { return try stored(id, for: entry) }
    if let id = try duplicate(of: prepared) { return try stored(id, for: entry) }

    let serverID = report.serverID ?? Kill.defaultServer
    // Somebody of the game has no row, and no death that counts.
    let facts = KillFacts(
      serverID: serverID, day: Calendar.day(of: prepared.time), killer: prepared.killer.id, victim: prepared.victim.id,
      weapon: try report.weapon.map { try name($0) }, location: try report.location.map { try name($0) },
      kind: report.kind)
    let confidence = Int((report.confidence * 100).rounded())
    guard let number = ids.popLast() else { throw DatabaseError(.other, "a new kill has no id") }
    let id = KillID(rawValue: number)
    rows += [
      .integer(number), prepared.time.databaseValue, entry.now.databaseValue, entry.now.databaseValue, .text(serverID),
      prepared.killer.id.databaseValue, .text(prepared.killer.name), prepared.victim.id.databaseValue,
      .text(prepared.victim.name), .integer(prepared.pair), facts.weapon.databaseValue, facts.location.databaseValue,
      report.kind.databaseValue, .integer(Int64(confidence)), report.source.databaseValue,
      entry.reporter.user.databaseValue, report.idempotencyKey.databaseValue, report.details.databaseValue,
    ]
    counts.add(facts, sign: 1)
    if let key { keys[key] = id }
    known[prepared.pair, default: []].append(
      KnownKill(
        id: id, time: prepared.time, reporter: entry.reporter.user, killer: prepared.killer.key,
        victim: prepared.victim.key, source: report.source, isConfirmed: false))
    // Its reporter knows who was there.
    let kill = Kill(
      id: id, killer: prepared.killer.party(isShown: true), victim: prepared.victim.party(isShown: true),
      serverID: serverID, weapon: report.weapon, location: report.location, occurredAt: prepared.time,
      recordedAt: entry.now, updatedAt: entry.now, kind: report.kind, confidence: Double(confidence) / 100,
      source: report.source, isConfirmed: false, reporter: entry.reporter.user, details: report.details)
    new.append(
      KillEvents.Subject(
        kill: kill, killerIsPrivate: prepared.killer.player?.privacy == .private,
        victimIsPrivate: prepared.victim.player?.privacy == .private))
    return .recorded(kill, isNew: true)
  }

  /// A kill that was known before this report.
  private mutating func stored(_ id: KillID, for entry: KillWriter.Entry) throws -> KillWriter.Outcome {
    try writeRows()  // it may be of this very batch
    let kill = try Kill.find(id, for: KillViewer(user: entry.reporter.user), in: transaction)
    guard let kill else { throw DatabaseError(.other, "a known kill cannot be read") }
    return .recorded(kill, isNew: false)
  }

  private func find(_ key: ReportKey) throws -> KillID? {
    try transaction.queryOne(
      "SELECT id FROM kills WHERE reporter = $1 AND idempotency_key = $2", key.reporter, key.key
    ) { try $0["id"] }
  }

  // MARK: - Players

  private mutating func findPlayers(of entries: [KillWriter.Entry]) throws {
    var users: Set<UserID> = []
    var handles: Set<String> = []
    for entry in entries {
      users.insert(entry.reporter.user)
      if let name = entry.reporter.playerName { handles.insert(name.lowercased()) }
      for party in [entry.report.killer, entry.report.victim] {
        switch party {
        case .user(let user): users.insert(user)
        case .handle(let handle), .logged(let handle): handles.insert(handle.lowercased())
        case .caller, .character: break
        }
      }
    }
    for player in try PlayerRow.all("user_id", users.map { "\($0)" }, in: transaction) {
      if let user = player.user { self.users[user] = player }
    }
    for player in try PlayerRow.all("handle_key", Array(handles), in: transaction) {
      if let handle = player.handle { self.handles[handle.lowercased()] = player }
    }
  }

  private mutating func side(_ party: ReportedParty, _ entry: KillWriter.Entry) throws -> Side {
    switch party {
    case .character(let name): return Side(player: nil, name: name)
    case .caller: return try caller(entry)
    case .user(let user):
      if user == entry.reporter.user { return try caller(entry) }
      let player = try player(of: user, at: entry.now)
      // Who names an account need not know its handle; of somebody private, recording a kill must not tell it.
      return Side(player: player, name: player.privacy == .private ? player.nameAtDiscord : player.name)
    case .logged(let handle): return Side(player: try player(named: handle, at: entry.now), name: handle)
    case .handle(let handle):
      // Under their own name, proved or not, a reporter speaks for themselves.
      let own = try caller(entry)
      if own.key == handle.lowercased() { return own }
      // A kill of the game's: its victim is somebody of the game, whatever they are called.
      if entry.report.kind == .pve, party == entry.report.victim { return Side(player: nil, name: handle) }
      return Side(player: try player(named: handle, at: entry.now), name: handle)
    }
  }

  private mutating func caller(_ entry: KillWriter.Entry) throws -> Side {
    var player = try player(of: entry.reporter.user, at: entry.now)
    if let name = entry.reporter.playerName, player.claimedHandle == nil {
      try Players.claim(name, for: player.id, in: transaction)
      player.claimedHandle = name
      users[entry.reporter.user] = player
    }
    return Side(player: player, name: entry.reporter.playerName ?? player.name)
  }

  private mutating func player(of user: UserID, at now: Timestamp) throws -> PlayerRow {
    if let known = users[user] { return known }
    _ = try Players.insert(user: user, handle: nil, at: now, in: transaction)
    guard let player = try PlayerRow.all("user_id", ["\(user)"], in: transaction).first else {
      throw DatabaseError(.other, "a new player cannot be read")
    }
    users[user] = player
    return player
  }

  private mutating func player(named handle: String, at now: Timestamp) throws -> PlayerRow {
    let key = handle.lowercased()
    if let known = handles[key] { return known }
    let id = try Players.insert(user: nil, handle: handle, at: now, in: transaction)
    let player = PlayerRow(id: id, handle: handle, privacy: .public)
    handles[key] = player
    return player
  }

  // MARK: - Weapons and places

  private mutating func findNames(of entries: [KillWriter.Entry]) throws {
    let missing = Set(entries.flatMap { [$0.report.weapon, $0.report.location].compactMap { $0 } })
      .filter { names[$0] == nil }
    try transaction.inChunks(Array(missing)) { list, values in
      for (id, name) in try transaction.query(
        "SELECT id, name FROM kill_names WHERE name IN (\(list))", parameters: values,
        row: { (try $0.value("id", as: Int64.self), try $0.value("name", as: String.self)) })
      {
        names[name] = id
      }
    }
  }

  private mutating func name(_ text: String) throws -> Int64 {
    if let known = names[text] { return known }
    let id = try KillWriter.name(text, in: transaction)
    names[text] = id
    return id
  }

  // MARK: - Duplicates

  /// FNV-1a over both names, which are in lower case.
  private static func pair(_ killer: String, _ victim: String) -> Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in killer.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash = hash &* 0x100_0000_01b3
    for byte in victim.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int64(bitPattern: hash)
  }

  /// Reads the stored kills between the same names in the time that any of the reports is about.
  private mutating func findKnown(_ reports: [Prepared]) throws {
    // One range for many reports of about the same time; a report of long ago has its own, so that none is wide.
    let sorted = reports.sorted { $0.time < $1.time }
    var rest = sorted[...]
    while let first = rest.first {
      let group = rest.prefix { $0.time - first.time <= .seconds(3_600) }
      rest = rest.dropFirst(group.count)
      guard let last = group.last else { return }
      let from = Timestamp(milliseconds: first.time.milliseconds - KillWriter.duplicateWindow)
      let until = Timestamp(milliseconds: last.time.milliseconds + KillWriter.duplicateWindow)
      try transaction.inChunks(Array(Set(group.map(\.pair))), after: [from, until]) { list, values in
        let rows = try transaction.query(
          """
          SELECT id, pair, occurred_at, reporter, killer_name, victim_name, confirmed_by, source FROM kills
          WHERE occurred_at BETWEEN $1 AND $2 AND pair IN (\(list))
          """, parameters: values
        ) { row in
          (
            pair: try row.value("pair", as: Int64.self),
            kill: KnownKill(
              id: try row["id"], time: try row["occurred_at"], reporter: try row["reporter"],
              killer: try row.value("killer_name", as: String.self).lowercased(),
              victim: try row.value("victim_name", as: String.self).lowercased(), source: try row["source"],
              isConfirmed: try row.value("confirmed_by", as: String?.self) != nil)
          )
        }
        for row in rows { known[row.pair, default: []].append(row.kill) }
      }
    }
    for pair in known.keys { known[pair]?.sort { ($0.time, $0.id.rawValue) < ($1.time, $1.id.rawValue) } }
  }

  /// The kill that this report tells of again: the same reporter's at the very same time that it gave, or another
  /// reporter's within three seconds. Nobody dies twice in that time; somebody of the game can, under one name, unless
  /// it is a log's, where each has its own.
  private mutating func duplicate(of report: Prepared) throws -> KillID? {
    let user = report.entry.reporter.user
    let near = (known[report.pair] ?? []).enumerated().filter { _, kill in
      Self.isSame(kill.killer, report.killer.key) && Self.isSame(kill.victim, report.victim.key)
        && abs(kill.time.milliseconds - report.time.milliseconds) <= KillWriter.duplicateWindow
    }
    if report.entry.report.occurredAt != nil,
      let same = near.first(where: { $0.element.reporter == user && $0.element.time == report.time })
    {
      return same.element.id
    }
    let isLog = report.entry.report.source == .log
    guard
      let other = near.first(where: {
        $0.element.reporter != user && (report.victim.id != nil || ($0.element.source == .log && isLog))
      })
    else { return nil }
    if !other.element.isConfirmed {
      try writeRows()  // it may be of this very batch
      try transaction.execute(
        """
        UPDATE kills SET confirmed_by = $2, updated_at = $3, confidence = CASE WHEN confidence < 97 THEN 97
          ELSE confidence END
        WHERE id = $1
        """, other.element.id, user, report.entry.now)
      known[report.pair]?[other.offset].isConfirmed = true
    }
    return other.element.id
  }
}

extension KillBatch {
  /// Both names in lower case. A player who had their data deleted is called otherwise in what is stored; that it is the
  /// same one says the hash of both names, by which the kill was found.
  fileprivate static func isSame(_ stored: String, _ told: String) -> Bool {
    stored == told || stored == TrackerData.deletedName.lowercased()
  }
}

/// A player as kills need to know them.
struct PlayerRow: Sendable {
  var id: Int64
  var user: UserID?
  /// Verified where there is a user.
  var handle: String?
  var claimedHandle: String?
  var globalName: String?
  var avatarURL: String?
  var privacy: Privacy

  /// What the player is called: the handle, else the name at Discord, else the id.
  var name: String { handle ?? claimedHandle ?? nameAtDiscord }
  /// What everybody at Discord sees: the name there, else the id.
  var nameAtDiscord: String { globalName ?? user.map { "\($0)" } ?? "Unknown" }

  /// - Parameter column: `user_id`, `handle_key` or `id`.
  static func all(
    _ column: String, _ values: [any DatabaseValueConvertible], in transaction: ReadTransaction
  ) throws -> [PlayerRow] {
    var players: [PlayerRow] = []
    try transaction.inChunks(values) { list, values in
      players += try transaction.query(
        """
        SELECT p.id, p.user_id, p.handle, p.claimed_handle, p.privacy, u.global_name, u.avatar_url FROM players p
        LEFT JOIN users u ON u.id = p.user_id WHERE p.\(column) IN (\(list))
        """, parameters: values
      ) { row in
        PlayerRow(
          id: try row["id"], user: try row["user_id"], handle: try row["handle"],
          claimedHandle: try row["claimed_handle"],
          globalName: try row["global_name"], avatarURL: try row["avatar_url"], privacy: try row["privacy"])
      }
    }
    return players
  }
}

extension ReadTransaction {
  /// Gives values for a list `IN (…)` in few sizes, filled up with the last, so that few statements are prepared.
  /// - Parameter first: parameters that stand before the list.
  func inChunks(
    _ values: [any DatabaseValueConvertible], after first: [any DatabaseValueConvertible] = [],
    _ body: (_ list: String, _ parameters: [any DatabaseValueConvertible]) throws -> Void
  ) throws {
    var rest = values[...]
    while let filler = rest.last {
      let size = [1, 4, 16, 32, 64, 128].first { $0 >= rest.count } ?? 128
      let chunk = Array(rest.prefix(size))
      rest = rest.dropFirst(size)
      let list = (1...size).map { "$\(first.count + $0)" }.joined(separator: ", ")
      try body(list, first + chunk + Array(repeating: filler, count: size - chunk.count))
    }
  }
}
