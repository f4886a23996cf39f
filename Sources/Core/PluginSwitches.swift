import Platform
import Storage
import Synchronization

/// Which plugins each guild switched on or off.
///
/// Kept in memory, because every command asks; written through to the database. With several processes on one database
/// a choice made in another one is heard of by ``run()``, and seen after ``reload(_:)``.
public final class PluginSwitches: Sendable {
  private struct Choice: Equatable {
    var enabled: Bool
    /// Counts the changes of one switch, so that a late answer never replaces a newer choice.
    var version: Int64
  }
  private struct Place: Hashable {
    var guild: GuildID
    var plugin: String
  }

  private let database: Database
  private let events: DomainEvents
  private let time: any TimeSource
  private let choices = Mutex<[Place: Choice]>([:])

  init(database: Database, events: DomainEvents, time: any TimeSource) {
    self.database = database
    self.events = events
    self.time = time
  }

  /// What the guild chose, nil if it chose nothing: then the configuration's default counts.
  public func choice(of guild: GuildID, for plugin: String) -> Bool? {
    choices.withLock { $0[Place(guild: guild, plugin: plugin)]?.enabled }
  }

  public func isEnabled(_ plugin: String, in guild: GuildID, default standard: Bool) -> Bool {
    choice(of: guild, for: plugin) ?? standard
  }

  /// All that the guild chose, by plugin.
  public func choices(of guild: GuildID) -> [String: Bool] {
    choices.withLock { choices in
      Dictionary(
        uniqueKeysWithValues: choices.filter { $0.key.guild == guild }.map { ($0.key.plugin, $0.value.enabled) })
    }
  }

  var count: Int { choices.withLock { $0.count } }

  /// What the audit log says of a switch.
  public static func auditEntry(_ plugin: String, enabled: Bool, in guild: GuildID, by user: UserID) -> AuditEntry {
    AuditEntry(
      userID: user, guildID: guild, action: enabled ? "plugin_enabled" : "plugin_disabled", category: "admin_action",
      details: ["plugin": .string(plugin)])
  }

  /// Stores a guild's choice, what the audit log should say about it, and the domain event `server.updated`, in one
  /// transaction.
  public func set(
    _ plugin: String, enabled: Bool, in guild: GuildID, by user: UserID, audit entry: AuditEntry? = nil
  ) async throws {
    let now = time.timestamp
    try await database.write { [self] transaction in
      if let entry { try AuditLog.append(entry, at: now, in: transaction) }
      try set(plugin, enabled: enabled, in: guild, by: user, at: now, in: transaction)
      try events.append(
        .init(
          "server.updated", guild: guild, subjects: [.user(user)],
          data: ["id": .string(guild.description), "plugin": .string(plugin), "enabled": .boolean(enabled)]),
        in: transaction)
    }
  }

  /// Stores a guild's choice with other changes, whose author tells of it in the event `server.updated`.
  public func set(
    _ plugin: String, enabled: Bool, in guild: GuildID, by user: UserID, at now: Timestamp, in transaction: Transaction
  ) throws {
    let version = try transaction.queryOne(
      """
      INSERT INTO plugin_switches (guild_id, plugin, enabled, version, changed_by, changed_at)
      VALUES ($1, $2, $3, 1, $4, $5)
      ON CONFLICT (guild_id, plugin) DO UPDATE
      SET enabled = excluded.enabled, version = plugin_switches.version + 1, changed_by = excluded.changed_by,
          changed_at = excluded.changed_at
      RETURNING version
      """, guild, plugin, enabled, user, now
    ) { try $0.value("version", as: Int64.self) }
    guard let version else { throw DatabaseError(.other, "the database returned no version of a plugin's switch") }
    transaction.afterCommit { [self] in
      keep(Choice(enabled: enabled, version: version), at: Place(guild: guild, plugin: plugin))
    }
  }

  /// What the guild chose, as it is stored now, whatever this process has heard of.
  public func choice(of guild: GuildID, for plugin: String, in transaction: ReadTransaction) throws -> Bool? {
    try transaction.queryOne(
      "SELECT enabled FROM plugin_switches WHERE guild_id = $1 AND plugin = $2", guild, plugin
    ) { try $0["enabled"] }
  }

  /// Follows the choices that other processes store, until cancelled.
  public func run(log: Log) async {
    for await news in events.live() {
      let changed = Set(news.events.filter { $0.name == "server.updated" }.compactMap(\.guildID))
      guard news.missed > 0 || !changed.isEmpty else { continue }
      do {
        try await reload(news.missed > 0 ? nil : changed)
      } catch {
        log.error("switches of plugins were not read again", ["error": .error(error)])
      }
    }
  }

  /// Reads all choices again, or those of some guilds.
  public func reload(_ guilds: Set<GuildID>? = nil) async throws {
    let stored = try await database.read { transaction in
      guard let guilds else {
        return try transaction.query("SELECT guild_id, plugin, enabled, version FROM plugin_switches", row: Self.row)
      }
      return try guilds.flatMap { guild in
        try transaction.query(
          "SELECT guild_id, plugin, enabled, version FROM plugin_switches WHERE guild_id = $1", guild, row: Self.row)
      }
    }
    for (place, choice) in stored { keep(choice, at: place) }
  }

  private static func row(_ row: Row) throws -> (Place, Choice) {
    (
      Place(guild: try row["guild_id"], plugin: try row["plugin"]),
      Choice(enabled: try row["enabled"], version: try row["version"])
    )
  }

  private func keep(_ choice: Choice, at place: Place) {
    choices.withLock { choices in
      if let known = choices[place], known.version >= choice.version { return }
      choices[place] = choice
    }
  }
}
