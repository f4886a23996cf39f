import Core
import Platform
import Storage
import Synchronization

/// The settings of servers: one record, whichever document or command asks for it.
///
/// All of them are in memory, because every kill and every leaderboard asks: a small row for each server that ever
/// changed something. What another process stores is heard of by ``run()``.
public final class ServerSettings: Sendable {
  /// The plugin's name among Core's switches.
  public static let plugin = "killtracker"

  /// What is stored here; the switch of the plugin itself is Core's.
  private struct Stored: Equatable {
    var record: ServerRecord
    /// Counts the changes of one server, so that a late answer never replaces a newer one.
    var version: Int64
  }

  private let database: Database
  private let events: DomainEvents
  private let jobs: Jobs
  private let switches: PluginSwitches
  private let time: any TimeSource
  private let log: Log
  private let isTracking: @Sendable (GuildID) -> Bool
  private let onSwitch: @Sendable (GuildID) async -> Void
  private let known = Mutex<[GuildID: Stored]>([:])

  /// Knows nothing before the first ``reload(_:)``.
  /// - Parameters:
  ///   - isTracking: whether the plugin is on there: Core's switch over the configuration's default.
  ///   - onSwitch: after the plugin's switch was changed here: brings the server's commands in order.
  public init(
    _ shared: SharedState, isTracking: @escaping @Sendable (GuildID) -> Bool,
    onSwitch: @escaping @Sendable (GuildID) async -> Void = { _ in }, log: Log = .silent
  ) {
    database = shared.database
    events = shared.events
    jobs = shared.jobs
    switches = shared.switches
    time = shared.time
    self.isTracking = isTracking
    self.onSwitch = onSwitch
    self.log = log
  }

  // MARK: - Reading

  public func record(of guild: GuildID) -> ServerRecord {
    var record = known.withLock { $0[guild]?.record } ?? ServerRecord()
    if !isTracking(guild) { record.features.remove(.killTracker) }
    return record
  }

  /// Whether that part works there. No part does while the plugin is off.
  public func isOn(_ feature: ServerFeature, in guild: GuildID) -> Bool {
    isTracking(guild) && (feature == .killTracker || known.withLock { $0[guild]?.record.isOn(feature) } ?? true)
  }

  /// The same for a server as kills name it. Kills of no server are switched off by nobody.
  public func isOn(_ feature: ServerFeature, inServer serverID: String?) -> Bool {
    guard let guild = serverID.flatMap({ GuildID($0) }) else { return true }
    return isOn(feature, in: guild)
  }

  public func isPrivate(_ guild: GuildID) -> Bool { known.withLock { $0[guild]?.record.privacy } == .private }

  /// For whatever is about one server.
  /// - Throws: ``KillError``: `off` where the part is switched off; `forbidden` if the server is private and the viewer
  ///   is neither a member nor an admin.
  public func check(_ feature: ServerFeature? = nil, of serverID: String?, for viewer: KillViewer) async throws {
    guard let guild = serverID.flatMap({ GuildID($0) }) else { return }
    if let feature, !isOn(feature, in: guild) { throw KillError.off(feature) }
    guard isPrivate(guild), !viewer.isAdmin else { return }
    guard viewer.user != nil, await viewer.belongs(guild) else { throw KillError.forbidden }
  }

  // MARK: - Changing

  /// Changes what is given and keeps the rest, with a line in the audit log and the domain event `server.updated`, in one
  /// transaction. Who may is the caller's to check.
  /// - Throws: ``KillError``: `invalid`.
  @discardableResult
  public func update(_ guild: GuildID, _ changes: ServerChanges, by user: UserID) async throws -> ServerRecord {
    let changes = try changes.checked()
    let now = time.timestamp
    let wasSwitched = try await database.write { [self] transaction in
      try transaction.lock("killtracker_servers.\(guild)")
      let old = try Self.find(guild, in: transaction)?.record ?? ServerRecord()
      let new = old.applying(changes)
      let wanted = changes.features[.killTracker]
      let isTracked = try switches.choice(of: guild, for: Self.plugin, in: transaction) ?? isTracking(guild)
      let isSwitched = wanted != nil && wanted != isTracked
      guard new != old || isSwitched else { return false }
      if new != old {
        let version = try Self.store(new, of: guild, by: user, at: now, in: transaction)
        transaction.afterCommit { [self] in keep(Stored(record: new, version: version), of: guild) }
        try WeeklyPost.follow(new, of: guild, jobs: jobs, at: now, in: transaction)
      }
      if let wanted, isSwitched {
        try switches.set(Self.plugin, enabled: wanted, in: guild, by: user, at: now, in: transaction)
        try AuditLog.append(
          PluginSwitches.auditEntry(Self.plugin, enabled: wanted, in: guild, by: user), at: now, in: transaction)
      }
      var seen = new
      if !(wanted ?? isTracked) { seen.features.remove(.killTracker) }
      try AuditLog.append(
        AuditEntry(
          userID: user, guildID: guild, action: "server_settings_updated", category: "admin_action",
          details: seen.json.object ?? [:]), at: now, in: transaction)
      try events.append(
        .init(
          "server.updated", guild: guild, subjects: [.user(user)],
          data: ["id": .string(guild.description), "settings": seen.json]), in: transaction)
      return isSwitched
    }
    if wasSwitched { await onSwitch(guild) }
    return record(of: guild)
  }

  /// Sees to it that every server with a channel for leaderboards has its weekly job: one that chose it before there were
  /// such jobs, or whose job was given up.
  func resumeWeeklyPosts() async throws {
    let now = time.timestamp
    let wanting = known.withLock { known in known.filter { $0.value.record.leaderboardChannel != nil }.map(\.key) }
    for guild in wanting {
      try await database.write { [jobs] transaction in
        guard let record = try Self.find(guild, in: transaction)?.record else { return }
        try WeeklyPost.follow(record, of: guild, jobs: jobs, at: now, in: transaction)
      }
    }
  }

  // MARK: - Other processes

  /// Follows what other processes store, until cancelled.
  public func run() async {
    for await news in events.live() {
      let changed = Set(news.events.filter { $0.name == "server.updated" }.compactMap(\.guildID))
      guard news.missed > 0 || !changed.isEmpty else { continue }
      do {
        try await reload(news.missed > 0 ? nil : changed)
      } catch {
        log.error("settings of servers were not read again", ["error": .error(error)])
      }
    }
  }

  /// Reads everything again, or what those servers chose.
  public func reload(_ guilds: Set<GuildID>? = nil) async throws {
    let stored = try await database.read { transaction in
      guard let guilds else {
        return try transaction.query("SELECT \(Self.columns) FROM killtracker_servers", row: Self.row)
      }
      return try guilds.compactMap { guild in
        try transaction.queryOne(
          "SELECT \(Self.columns) FROM killtracker_servers WHERE server_id = $1", guild, row: Self.row)
      }
    }
    for (guild, stored) in stored { keep(stored, of: guild) }
  }

  private func keep(_ stored: Stored, of guild: GuildID) {
    known.withLock { known in
      if let old = known[guild], old.version >= stored.version { return }
      known[guild] = stored
    }
  }

  // MARK: - Rows

  /// One row for a server that changed something.
  public static let tables = MigrationModule(
    "killtracker-servers",
    [
      Migration(
        1, "settings of servers",
        [
          """
          CREATE TABLE killtracker_servers (
            server_id \(.varchar(20)) NOT NULL PRIMARY KEY,
            prefix \(.text) NOT NULL,
            language \(.text) NOT NULL,
            privacy \(.varchar(10)) NOT NULL,
            kill_notifications \(.boolean) NOT NULL,
            leaderboard_channel \(.text),
            leaderboard \(.boolean) NOT NULL,
            notifications \(.boolean) NOT NULL,
            version \(.integer) NOT NULL,
            changed_by \(.varchar(20)) NOT NULL,
            changed_at \(.timestamp) NOT NULL
          )
          """
        ])
    ])

  private static let columns =
    "server_id, prefix, language, privacy, kill_notifications, leaderboard_channel, leaderboard, notifications, version"

  private static func find(_ guild: GuildID, in transaction: ReadTransaction) throws -> Stored? {
    try transaction.queryOne("SELECT \(columns) FROM killtracker_servers WHERE server_id = $1", guild, row: row)?.1
  }

  private static func row(_ row: Row) throws -> (GuildID, Stored) {
    var record = ServerRecord()
    record.prefix = try row["prefix"]
    record.language = try row["language"]
    record.privacy = try row["privacy"]
    record.killNotifications = try row["kill_notifications"]
    record.leaderboardChannel = try row["leaderboard_channel"]
    for feature in [ServerFeature.leaderboard, .notifications] where try !row.value(feature.rawValue, as: Bool.self) {
      record.features.remove(feature)
    }
    return (try row["server_id"], Stored(record: record, version: try row["version"]))
  }

  /// - Returns: the version.
  private static func store(
    _ record: ServerRecord, of guild: GuildID, by user: UserID, at now: Timestamp, in transaction: Transaction
  ) throws -> Int64 {
    let version = try transaction.queryOne(
      """
      INSERT INTO killtracker_servers (server_id, prefix, language, privacy, kill_notifications, leaderboard_channel,
        leaderboard, notifications, version, changed_by, changed_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10)
      ON CONFLICT (server_id) DO UPDATE
      SET prefix = excluded.prefix, language = excluded.language, privacy = excluded.privacy,
          kill_notifications = excluded.kill_notifications, leaderboard_channel = excluded.leaderboard_channel,
          leaderboard = excluded.leaderboard, notifications = excluded.notifications,
          version = killtracker_servers.version + 1, changed_by = excluded.changed_by, changed_at = excluded.changed_at
      RETURNING version
      """, guild, record.prefix, record.language, record.privacy, record.killNotifications, record.leaderboardChannel,
      record.isOn(.leaderboard), record.isOn(.notifications), user, now
    ) { try $0.value("version", as: Int64.self) }
    guard let version else { throw DatabaseError(.other, "the database returned no version of a server's settings") }
    return version
  }
}

extension ServerRecord {
  /// The features without the plugin's own switch, which is not kept here.
  fileprivate func applying(_ changes: ServerChanges) -> ServerRecord {
    var new = self
    if let prefix = changes.prefix { new.prefix = prefix }
    if let language = changes.language { new.language = language }
    if let privacy = changes.privacy { new.privacy = privacy }
    if let told = changes.killNotifications { new.killNotifications = told }
    if let channel = changes.leaderboardChannel { new.leaderboardChannel = channel }
    for (feature, isOn) in changes.features where feature != .killTracker {
      if isOn { new.features.insert(feature) } else { new.features.remove(feature) }
    }
    return new
  }

  /// As the documents print it.
  public var json: JSON {
    var features = JSON.Object()
    for feature in ServerFeature.allCases { features[feature.rawValue] = .boolean(isOn(feature)) }
    return [
      "prefix": .string(prefix), "language": .string(language), "features": .object(features),
      "privacyLevel": .string(privacy.rawValue), "killNotifications": .boolean(killNotifications),
      "leaderboardChannel": leaderboardChannel.map { .string($0) } ?? .null,
    ]
  }
}
