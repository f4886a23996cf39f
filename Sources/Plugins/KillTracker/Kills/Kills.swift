import Core
import Platform
import Storage

/// The kill tracker's service: what commands, HTTP surfaces and imports call. Who may what is decided here.
public final class Kills: Sendable {
  public static let pageLimit = 100
  /// How deep pages go by number; deeper by ``KillCursor``, or by narrower dates.
  public static let depthLimit = 100_000
  static let exportPage = 2_000

  public let players: Players
  /// What servers switched off or keep to their members; nil: nothing.
  public let servers: ServerSettings?
  let database: Database
  let time: any TimeSource
  let boards: Boards
  let streaks: Streaks
  let memory: StatisticsMemory
  let events: KillEvents?
  private let recorder: KillRecorder
  private let pages: KillPageCache

  /// The tables (``KillTables``) and those of Core must exist.
  public init(
    database: Database, events: KillEvents? = nil, servers: ServerSettings? = nil, time: any TimeSource = SystemTime()
  ) {
    self.servers = servers
    self.database = database
    self.events = events
    self.time = time
    players = Players(database: database, time: time)
    boards = Boards(database: database)
    streaks = Streaks(database: database, boards: boards)
    memory = StatisticsMemory(boards)
    pages = KillPageCache(database: database)
    recorder = KillRecorder(database: database, events: events, boards: boards)
  }

  // MARK: - Recording

  /// Records a kill, or finds that it is known already.
  /// - Parameter audit: what the audit log says of it: stored with the kill, or not at all.
  /// - Throws: ``KillError``; `DatabaseError`.
  public func record(
    _ report: KillReport, by reporter: KillReporter, audit: AuditEntry? = nil
  ) async throws -> RecordedKill {
    let now = time.timestamp
    let report = try report.checked(at: now)
    if let name = reporter.playerName { _ = try KillReport.handle(name, field: "playerName") }
    try checkTracking(report.serverID)
    switch try await recorder.record(
      KillWriter.Entry(report: report, reporter: reporter, now: now, audit: audit))
    {
    case .refused(let error): throw error
    case .recorded(let kill, let isNew): return RecordedKill(kill: kill, isNew: isNew)
    }
  }

  /// - Throws: ``KillError``: `off` where nothing is recorded.
  func checkTracking(_ serverID: String?) throws {
    if let servers, !servers.isOn(.killTracker, inServer: serverID) { throw KillError.off(.killTracker) }
  }

  /// Prepares leaderboards before anybody asks for them, until cancelled.
  public func keepBoardsWarm(log: Log) async { await boards.keepWarm(time: time, log: log) }

  /// Prepares the leaderboards that everybody asks for, before anybody can.
  /// - Parameter limit: after that, what is missing waits for ``keepBoardsWarm(log:)`` or for who asks first.
  public func prepareBoards(limit: Duration, log: Log) async {
    await withTaskGroup(of: Void.self) { [boards, time] group in
      group.addTask {
        do { try await boards.warm(at: time.timestamp) } catch is CancellationError {} catch {
          log.warning("leaderboards were not prepared; trying again soon", ["error": .error(error)])
        }
      }
      group.addTask { try? await time.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
  }

  // MARK: - Reading

  /// - Throws: ``KillError``: `notFound`.
  public func find(_ id: KillID, for viewer: KillViewer) async throws -> Kill {
    let kill = try await database.read { try Kill.find(id, for: viewer, in: $0) }
    guard let kill else { throw KillError.notFound }
    return kill
  }

  /// The player that a text of a request means: a user's Discord id, else a handle, else the name under which a user
  /// records kills. Nil if nobody is known by it.
  public func player(_ text: String) async throws -> Int64? {
    try await database.read { transaction in
      switch ReportedParty(text: text) {
      case .user(let user): try Players.find(user: user, in: transaction)
      default:
        try Players.player(named: text, in: transaction) ?? Players.player(claiming: text, in: transaction)
      }
    }
  }

  /// A page by its number.
  /// - Parameters:
  ///   - page: from 1.
  ///   - limit: 1 … ``pageLimit``.
  /// - Throws: ``KillError``: `invalid` for page and limit; `forbidden` if the filter is for a player who is private.
  public func list(
    _ filter: KillFilter = KillFilter(), page: Int = 1, limit: Int = 20, for viewer: KillViewer
  ) async throws -> KillPage {
    try await keptList(filter, page: page, limit: limit, for: viewer).page
  }

  /// The same for who makes an answer of it that is worth keeping.
  public func keptList(
    _ filter: KillFilter = KillFilter(), page: Int = 1, limit: Int = 20, for viewer: KillViewer
  ) async throws -> KeptKillPage {
    try Self.check(limit: limit)
    guard page >= 1 else { throw KillError.invalid(field: "page", reason: "begins with 1") }
    let (depth, overflowed) = page.multipliedReportingOverflow(by: limit)
    guard !overflowed, depth <= Self.depthLimit else {
      throw KillError.invalid(
        field: "page", reason: "page times limit goes to \(Self.depthLimit): narrow the dates to see more")
    }
    return try await list(filter, after: nil, offset: depth - limit, limit: limit, for: viewer)
  }

  /// The page behind a cursor; the first without one.
  public func list(
    _ filter: KillFilter = KillFilter(), after cursor: KillCursor?, limit: Int = 20, for viewer: KillViewer
  ) async throws -> KillPage {
    try Self.check(limit: limit)
    return try await list(filter, after: cursor, offset: 0, limit: limit, for: viewer).page
  }

  private static func check(limit: Int) throws {
    guard (1...pageLimit).contains(limit) else {
      throw KillError.invalid(field: "limit", reason: "must lie between 1 and \(pageLimit)")
    }
  }

  private func list(
    _ filter: KillFilter, after cursor: KillCursor?, offset: Int, limit: Int, for viewer: KillViewer
  ) async throws -> KeptKillPage {
    try await servers?.check(of: filter.serverID, for: viewer)
    let key = KillPageCache.Key(filter: filter, cursor: cursor, offset: offset, limit: limit)
    return try await pages.page(key, for: viewer) {
      try await read(filter, after: cursor, offset: offset, limit: limit, for: viewer)
    }
  }

  private func read(
    _ filter: KillFilter, after cursor: KillCursor?, offset: Int, limit: Int, for viewer: KillViewer
  ) async throws -> KeptKillPage {
    try await database.read { transaction in
      try Self.checkPrivacy(of: filter.player, for: viewer, in: transaction)
      var (kills, involved) = try KillList.page(
        filter, after: cursor, offset: offset, limit: limit + 1, for: viewer, in: transaction)
      let hasMore = kills.count > limit
      if hasMore { kills.removeLast() }
      let total = try KillList.total(filter, in: transaction)
      let page = KillPage(
        kills: kills, total: total.count, totalIsEstimate: total.isEstimate,
        next: hasMore ? kills.last.map { KillCursor(occurredAt: $0.occurredAt, id: $0.id) } : nil)
      return KeptKillPage(page, involved: involved)
    }
  }

  /// - Throws: ``KillError``: `forbidden` if the player is private and the viewer is somebody else.
  static func checkPrivacy(
    of player: Int64?, for viewer: KillViewer, in transaction: ReadTransaction
  ) throws {
    guard let player, !viewer.isAdmin else { return }
    let owner = try transaction.queryOne(
      "SELECT user_id FROM players WHERE id = $1 AND privacy = 'PRIVATE'", player
    ) { try $0.value("user_id", as: UserID?.self) }
    guard let owner else { return }
    guard let user = viewer.user, owner == user else { throw KillError.forbidden }
  }

  /// Everything that matches, the oldest first, page by page: what is in memory does not grow with it.
  /// - Throws: what `handle` throws, which ends it.
  public func export(
    _ filter: KillFilter = KillFilter(), for viewer: KillViewer, handle: ([Kill]) async throws -> Void
  ) async throws {
    var cursor: KillCursor?
    while true {
      let after = cursor
      let kills = try await database.scan { transaction in
        try Self.checkPrivacy(of: filter.player, for: viewer, in: transaction)
        return try KillList.page(
          filter, after: after, offset: 0, limit: Self.exportPage, backwards: true, for: viewer, in: transaction
        ).kills
      }
      guard let last = kills.last else { return }
      try await handle(kills)
      guard kills.count == Self.exportPage else { return }
      cursor = KillCursor(occurredAt: last.occurredAt, id: last.id)
    }
  }

  // MARK: - Changing

  /// What can be changed of a kill; nil leaves it.
  public struct Changes: Sendable, Equatable {
    public var weapon: String?
    public var location: String?
    public var kind: KillKind?

    public init(weapon: String? = nil, location: String? = nil, kind: KillKind? = nil) {
      self.weapon = weapon
      self.location = location
      self.kind = kind
    }
  }

  /// Changes a kill: its reporter or killer may, who manages its server, and admins.
  /// - Throws: ``KillError``.
  public func update(_ id: KillID, _ changes: Changes, by viewer: KillViewer) async throws -> Kill {
    let weapon = try KillReport.name(changes.weapon, field: "weapon")
    let location = try KillReport.name(changes.location, field: "location")
    let now = time.timestamp
    try await change(id, by: viewer) { [events] old, transaction in
      var new = old
      if let weapon { new.weapon = try KillWriter.name(weapon, in: transaction) }
      if let location { new.location = try KillWriter.name(location, in: transaction) }
      if let kind = changes.kind {
        if kind == .suicide, old.killer != old.victim || old.killer == nil {
          throw KillError.invalid(field: "isSuicide", reason: "killer and victim differ")
        }
        if kind == .pvp, old.killer == nil || old.victim == nil || old.killer == old.victim {
          throw KillError.invalid(field: "isPvP", reason: "PvP needs two players")
        }
        new.kind = kind
      }
      try transaction.execute(
        "UPDATE kills SET weapon_id = $2, location_id = $3, kind = $4, updated_at = $5 WHERE id = $1", id, new.weapon,
        new.location, new.kind, now)
      try events?.append(.updated, id, in: transaction)
      return new
    }
    return try await find(id, for: viewer)
  }

  /// Deletes a kill, and takes it out of every count. Who may: as with ``update(_:_:by:)``.
  public func delete(_ id: KillID, by viewer: KillViewer) async throws {
    try await change(id, by: viewer) { [events] _, transaction in
      try events?.append(.deleted, id, in: transaction)
      try transaction.execute("DELETE FROM kills WHERE id = $1", id)
      return nil
    }
  }

  private func change(
    _ id: KillID, by viewer: KillViewer,
    _ body: @escaping @Sendable (KillFacts, Transaction) throws -> KillFacts?
  ) async throws {
    // Who manages the server is asked outside of the transaction, as it may ask Discord; a kill never changes its server.
    let current = try await find(id, for: KillViewer(user: nil, isAdmin: true))
    var mayChange = viewer.isAdmin
    if let user = viewer.user, user == current.reporter || user == current.killer.user { mayChange = true }
    if !mayChange, viewer.user != nil, let guild = current.guildID { mayChange = await viewer.manages(guild) }
    guard mayChange else { throw KillError.forbidden }
    try await boards.writing { [database] in
      let change = try await database.write { transaction in
        try transaction.lock(KillWriter.lockName)
        guard let old = try KillWriter.facts(of: id, in: transaction) else { throw KillError.notFound }
        let new = try body(old, transaction)
        return try KillWriter.recount(old, new, in: transaction)
      }
      return ((), change)
    }
  }
}
