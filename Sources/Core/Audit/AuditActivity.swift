import FoundationEssentials
import Platform
import Storage
import Synchronization

/// How much is done: counted from the audit log, exact at every moment, and as quick to read with ten million entries as
/// with ten.
///
/// Counting at once would make every transaction that writes an entry wait for the one row of its day, and deadlock with
/// others that hold more. So an entry comes with a narrow row in `audit_uncounted`, in the same transaction; every few
/// seconds one process moves these rows into the totals (``count()``), and who asks adds what is not counted yet.
/// Distinct users and guilds of a day are rows of (day, id), kept for ``keptDays``; a day's and a command's total stay
/// for good: 365 rows a year, and one for each command.
public final class AuditActivity: Sendable {
  public struct Figures: Sendable, Equatable {
    /// On this UTC day.
    public var dailyActions: Int
    /// Since Monday.
    public var weeklyActions: Int
    public var dailyActiveUsers: Int
    public var dailyActiveGuilds: Int
    /// Since the first entry; the most used first.
    public var topCommands: [CommandTotal]
  }

  public struct CommandTotal: Sendable, Equatable {
    /// Without its subcommand.
    public var command: String
    public var count: Int
  }

  /// How the log is kept; set before ``run()``.
  public struct Settings: Sendable {
    /// Entries older than this are removed. Nil keeps them for ever.
    public var retention: Duration?
    /// Whether entries wait in ``AuditNews`` to be told to somebody.
    public var tellsNews = false

    public init(retention: Duration? = nil, tellsNews: Bool = false) {
      self.retention = retention
      self.tellsNews = tellsNews
    }
  }

  static let interval = Duration.seconds(2)
  static let batchSize = 1_000
  static let keptDays: Int64 = 8
  /// The action of a command that ran; its `details` name it under `command` (Pegasus document, "GET /api/logs").
  public static let commandAction = "command_executed"

  private let database: Database
  private let time: any TimeSource
  private let settings = Mutex(Settings())

  init(database: Database, time: any TimeSource) {
    self.database = database
    self.time = time
  }

  public func configure(_ settings: Settings) { self.settings.withLock { $0 = settings } }

  /// Called with all new entries.
  static func note(_ entries: [(id: UUID, entry: AuditEntry)], at now: Timestamp, in transaction: Transaction) throws {
    let day = day(of: now)
    var values: [DatabaseValue] = []
    values.reserveCapacity(5 * entries.count)
    for (id, entry) in entries {
      let command = entry.action == commandAction ? entry.details["command"]?.string : nil
      values += [
        id.databaseValue, .integer(day), entry.userID.databaseValue,
        .text(entry.guildID?.description ?? AuditLog.noGuild), command.databaseValue,
      ]
    }
    try transaction.insert(values, by: uncounted)
  }

  private static let uncounted = RowInsert(
    into: "audit_uncounted",
    ["audit_id": .uuid, "day": .integer, "user_id": .text, "guild_id": .text, "command": .text])

  static func day(of time: Timestamp) -> Int64 {
    let (day, rest) = time.milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
    return rest < 0 ? day - 1 : day
  }

  /// The Monday of that day's week. The first day of 1970 was a Thursday.
  static func monday(of day: Int64) -> Int64 {
    let sinceMonday = (day + 3) % 7
    return day - (sinceMonday < 0 ? sinceMonday + 7 : sinceMonday)
  }

  // MARK: - Reading

  /// - Parameter top: how many commands.
  public func figures(top: Int = 10) async throws -> Figures {
    let today = Self.day(of: time.timestamp)
    let monday = Self.monday(of: today)
    return try await database.read { transaction in
      var figures = Figures(
        dailyActions: 0, weeklyActions: 0, dailyActiveUsers: 0, dailyActiveGuilds: 0, topCommands: [])
      _ = try transaction.query(
        "SELECT day, actions, users, guilds FROM audit_days WHERE day BETWEEN $1 AND $2", monday, today
      ) { row in
        figures.weeklyActions += try row.value("actions", as: Int.self)
        guard try row.value("day", as: Int64.self) == today else { return }
        figures.dailyActions += try row.value("actions", as: Int.self)
        figures.dailyActiveUsers = try row["users"]
        figures.dailyActiveGuilds = try row["guilds"]
      }
      _ = try transaction.query(
        "SELECT day, count(*) AS actions FROM audit_uncounted WHERE day BETWEEN $1 AND $2 GROUP BY day", monday, today
      ) { row in
        figures.weeklyActions += try row.value("actions", as: Int.self)
        guard try row.value("day", as: Int64.self) == today else { return }
        figures.dailyActions += try row.value("actions", as: Int.self)
      }
      for (table, column) in Self.daily {
        let fresh = try transaction.count(
          """
          SELECT count(*) AS count FROM (
            SELECT DISTINCT \(column) FROM audit_uncounted
            WHERE day = $1 AND \(column) <> '0' AND NOT EXISTS (
              SELECT 1 FROM \(table) WHERE \(table).day = $1 AND \(table).\(column) = audit_uncounted.\(column))
          ) AS fresh
          """, today)
        if column == "user_id" { figures.dailyActiveUsers += fresh } else { figures.dailyActiveGuilds += fresh }
      }
      figures.topCommands = try transaction.query(
        """
        SELECT command, CAST(sum(uses) AS bigint) AS uses FROM (
          SELECT command, uses FROM command_totals
          UNION ALL
          SELECT command, count(*) FROM audit_uncounted WHERE command IS NOT NULL GROUP BY command
        ) AS commands
        GROUP BY command ORDER BY 2 DESC, command LIMIT $1
        """, top
      ) { row in CommandTotal(command: try row["command"], count: try row["uses"]) }
      return figures
    }
  }

  /// The table of each day's distinct users and guilds, and its column.
  private static let daily = [("audit_day_users", "user_id"), ("audit_day_guilds", "guild_id")]

  // MARK: - Counting

  /// Counts, and removes what is too old, until cancelled. Every process on a database may do this.
  public func run(log: Log) async {
    let log = log.labelled("audit")
    var isFailing = false
    repeat {
      do {
        while try await count() == Self.batchSize {}
        while try await removeOld() == Self.batchSize {}
        isFailing = false
      } catch is CancellationError {
        return
      } catch {
        // What waits is counted later, and is part of every answer until then.
        if !isFailing { log.warning("the audit log cannot be counted for now", ["error": .error(error)]) }
        isFailing = true
      }
    } while (try? await time.sleep(for: Self.interval)) != nil
  }

  private struct Uncounted: Sendable {
    var auditID: UUID
    var day: Int64
    var user: String
    var guild: String
    var command: String?
  }

  /// Moves one batch into the totals.
  /// - Returns: how many entries it had.
  @discardableResult
  func count() async throws -> Int {
    let isNeeded = try await database.read { transaction in
      try transaction.queryOne("SELECT number FROM audit_uncounted LIMIT 1") { _ in true } ?? false
    }
    guard isNeeded else { return 0 }
    let today = Self.day(of: time.timestamp)
    let tellsNews = settings.withLock { $0.tellsNews }
    return try await database.write { transaction in
      // One at a time: the rows of totals are then changed in no order that could matter.
      try transaction.lock("audit.count")
      let entries = try transaction.query(
        """
        DELETE FROM audit_uncounted
        WHERE number IN (SELECT number FROM audit_uncounted ORDER BY number LIMIT $1)
        RETURNING number, audit_id, day, user_id, guild_id, command
        """, Self.batchSize
      ) { row in
        (
          try row.value("number", as: Int64.self),
          Uncounted(
            auditID: try row["audit_id"], day: try row["day"], user: try row["user_id"], guild: try row["guild_id"],
            command: try row["command"])
        )
      }.sorted { $0.0 < $1.0 }.map(\.1)
      try Self.add(entries, in: transaction)
      if tellsNews {
        // Those of long ago are no news: they were there before somebody wanted to be told.
        try AuditNews.add(entries.filter { $0.day >= today - 1 }.map(\.auditID), in: transaction)
      }
      try transaction.execute("DELETE FROM audit_day_users WHERE day <= $1", today - Self.keptDays)
      try transaction.execute("DELETE FROM audit_day_guilds WHERE day <= $1", today - Self.keptDays)
      return entries.count
    }
  }

  private static func add(_ entries: [Uncounted], in transaction: Transaction) throws {
    for (day, entries) in Dictionary(grouping: entries, by: \.day).sorted(by: { $0.key < $1.key }) {
      let users = Set(entries.map(\.user)).subtracting([AuditLog.noGuild])
      let guilds = Set(entries.map(\.guild)).subtracting([AuditLog.noGuild])
      let newUsers = try insert(users, of: day, into: "audit_day_users", "user_id", in: transaction)
      let newGuilds = try insert(guilds, of: day, into: "audit_day_guilds", "guild_id", in: transaction)
      try transaction.execute(
        """
        INSERT INTO audit_days (day, actions, users, guilds) VALUES ($1, $2, $3, $4)
        ON CONFLICT (day) DO UPDATE
        SET actions = audit_days.actions + excluded.actions, users = audit_days.users + excluded.users,
            guilds = audit_days.guilds + excluded.guilds
        """, day, entries.count, newUsers, newGuilds)
    }
    for (command, uses) in Dictionary(grouping: entries.compactMap(\.command), by: \.self).sorted(by: {
      $0.key < $1.key
    }) {
      try transaction.execute(
        """
        INSERT INTO command_totals (command, uses) VALUES ($1, $2)
        ON CONFLICT (command) DO UPDATE SET uses = command_totals.uses + excluded.uses
        """, command, uses.count)
    }
  }

  /// - Returns: how many were new.
  private static func insert(
    _ ids: Set<String>, of day: Int64, into table: String, _ column: String, in transaction: Transaction
  ) throws -> Int {
    try ids.sorted().inEqualChunks(of: 50).reduce(0) { sum, chunk in
      let rows = chunk.indices.map { "($1, $\($0 + 2))" }.joined(separator: ", ")
      return try sum
        + transaction.execute(
          "INSERT INTO \(table) (day, \(column)) VALUES \(rows) ON CONFLICT (day, \(column)) DO NOTHING",
          parameters: [day] + chunk)
    }
  }

  /// - Returns: how many entries were removed.
  private func removeOld() async throws -> Int {
    guard let retention = settings.withLock({ $0.retention }) else { return 0 }
    let oldest = DateTime(Timestamp(milliseconds: time.timestamp.milliseconds - Int64(retention.inMilliseconds)))
    let isNeeded = try await database.read { transaction in
      try transaction.queryOne("SELECT id FROM audit_logs WHERE created_at < $1 LIMIT 1", oldest) { _ in true } ?? false
    }
    guard isNeeded else { return 0 }
    return try await database.write { transaction in
      try transaction.execute(
        """
        DELETE FROM audit_logs WHERE id IN (
          SELECT id FROM audit_logs WHERE created_at < $1 ORDER BY created_at, id LIMIT $2)
        """, oldest, Self.batchSize)
    }
  }
}

extension Array {
  /// Pieces of exactly that size, the last filled up with its last element: one statement of that many rows serves all.
  func inEqualChunks(of size: Int) -> [[Element]] {
    stride(from: 0, to: count, by: size).map { start in
      var chunk = Array(self[start..<Swift.min(start + size, count)])
      if let last = chunk.last { chunk += Array(repeating: last, count: size - chunk.count) }
      return chunk
    }
  }
}
