import Platform
import Storage
import Synchronization

/// The most kills in a row, without a death between, that players ever made.
///
/// Nothing is written for it when a kill is recorded. Who is asked for is walked through once, in the order of time, by
/// the indexes of kills; from then on what came since is added, so that a read costs what happened after the last. Two
/// things make it begin anew: kills that were recorded late, of a time that was passed already (then fewer were counted
/// than there are), and a kill of theirs that was changed or deleted; anybody's, where another process did it (a number in
/// the database, which all processes see).
final class Streaks: Sendable {
  /// Players who are remembered, some 2 MB; then all are forgotten.
  static let playerLimit = 20_000
  /// Kills and deaths that one read walks through at most; the next goes on from there.
  static let stepLimit = 200_000
  private static let page = 2_000
  /// Its row of `kill_version`; missing as long as nothing was ever changed.
  static let versionNumber = 3

  struct Progress: Sendable {
    var generation: Int64
    /// Of the counts, when it was last looked at.
    var version: Int64
    /// Kills and deaths up to the place.
    var counted = 0
    var place: (time: Timestamp, id: Int64) = (Timestamp(milliseconds: Int64.min / 2), 0)
    var current = 0
    var best = 0
  }

  private let database: Database
  private let boards: Boards
  private let known = Mutex<[Int64: Progress]>([:])

  init(database: Database, boards: Boards) {
    self.database = database
    self.boards = boards
  }

  /// A kill that was counted was changed or is gone.
  static func forgetAll(in transaction: Transaction) throws {
    try transaction.execute(
      """
      INSERT INTO kill_version (number, version) VALUES ($1, 1)
      ON CONFLICT (number) DO UPDATE SET version = kill_version.version + 1
      """, versionNumber)
  }

  /// Of a player with more than ``stepLimit`` kills and deaths, the first reads may give the best of a part of them.
  func best(of player: Int64) async throws -> Int {
    var progress = known.withLock { $0[player] }
    for _ in 0..<(Self.stepLimit / Self.page) {
      let before = progress
      let (after, isEnd) = try await database.read { [self] in try step(player, before, in: $0) }
      progress = after
      if isEnd { break }
    }
    let last = progress
    known.withLock { known in
      if known.count >= Self.playerLimit, known[player] == nil { known = [:] }
      known[player] = last
    }
    return last?.best ?? 0
  }

  /// - Returns: how far it is, and whether nothing follows.
  private func step(
    _ player: Int64, _ known: Progress?, in transaction: ReadTransaction
  ) throws -> (Progress, isEnd: Bool) {
    let generation =
      try transaction.queryOne("SELECT version FROM kill_version WHERE number = $1", Self.versionNumber) {
        try $0.value("version", as: Int64.self)
      } ?? 0
    let version = try Boards.versions(in: transaction).counts
    let new = Progress(generation: generation, version: version)
    var progress = known ?? new
    if progress.generation != generation,
      boards.validity(of: .losses(player), since: progress.version, at: version, strictly: true) == nil
    {
      progress = new
    }
    (progress.generation, progress.version) = (generation, version)
    var isEnd = try Self.advance(&progress, player, in: transaction)
    if isEnd, try Self.total(of: player, in: transaction) != progress.counted {
      progress = new
      isEnd = try Self.advance(&progress, player, in: transaction)
    }
    return (progress, isEnd)
  }

  /// What happened behind the place: a page of either side, each in the order of its index, put together as far as both
  /// reach.
  /// - Returns: whether nothing follows.
  private static func advance(
    _ progress: inout Progress, _ player: Int64, in transaction: ReadTransaction
  ) throws -> Bool {
    struct Event {
      var time: Timestamp
      var id: Int64
      var isKill: Bool
      var isDeath: Bool
    }
    let place = progress.place
    func side(_ condition: String, isKiller: Bool) throws -> [Event] {
      try transaction.query(
        """
        SELECT id, occurred_at, kind, CASE WHEN victim_id = $1 THEN 1 ELSE 0 END AS died FROM kills
        WHERE \(condition) AND occurred_at >= $2 AND (occurred_at > $2 OR (occurred_at = $2 AND id > $3))
        ORDER BY occurred_at, id LIMIT \(page)
        """, player, place.time, place.id
      ) { row in
        let kind: KillKind = try row["kind"]
        let died = try row.value("died", as: Int.self) == 1
        return Event(
          time: try row["occurred_at"], id: try row["id"], isKill: isKiller && kind.isKill,
          isDeath: died && kind.isDeath)
      }
    }
    let sides = [
      try side("killer_id = $1", isKiller: true),
      try side("victim_id = $1 AND (killer_id IS NULL OR killer_id <> $1)", isKiller: false),
    ]
    // Behind the end of a full page there may be more of that side.
    let reach = sides.filter { $0.count == page }.compactMap(\.last).map { ($0.time, $0.id) }.min { $0 < $1 }
    let events = sides.flatMap { $0 }.filter { event in reach.map { (event.time, event.id) <= $0 } ?? true }
      .sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    for event in events {
      if event.isDeath {
        progress.current = 0
      } else if event.isKill {
        progress.current += 1
        progress.best = max(progress.best, progress.current)
      }
    }
    progress.counted += events.count
    if let last = events.last { progress.place = (last.time, last.id) }
    return reach == nil
  }

  private static func total(of player: Int64, in transaction: ReadTransaction) throws -> Int {
    try transaction.queryOne(
      "SELECT CAST(COALESCE(SUM(entries), 0) AS BIGINT) AS count FROM kill_totals WHERE player_id = $1", player
    ) { try $0.value("count", as: Int.self) } ?? 0
  }
}
