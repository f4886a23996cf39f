import Platform
import Storage

/// What every part of the program shares: the database, opened and brought up to date, and the services over it.
public final class SharedState: Sendable {
  public let database: Database
  public let time: any TimeSource
  public let guilds: Guilds
  public let users: Users
  public let members: Members
  public let permissions: Permissions
  public let switches: PluginSwitches
  public let auditLog: AuditLog
  public let activity: AuditActivity
  public let state: KeyedState
  public let jobs: Jobs
  public let events: DomainEvents
  public let componentUses: ComponentUses
  public let maintenance: MaintenanceMode

  /// Migrates the core's tables, then those of `modules` in the order given, and loads what is kept in memory.
  ///
  /// The caller keeps the right to close `database`, after everything that uses this has ended.
  public static func open(
    _ database: Database, modules: [MigrationModule] = [], time: any TimeSource = SystemTime(), log: Log = .silent,
    metrics: Metrics? = nil
  ) async throws -> SharedState {
    let log = log.labelled("core")
    try await database.migrate(
      [CoreTables.module, Jobs.tables, AuditActivity.tables, DomainEvents.tables] + modules, time: time, log: log)
    let events = try await DomainEvents.open(database, time: time, log: log, metrics: metrics ?? Metrics())
    let shared = SharedState(database, events: events, time: time)
    try await shared.switches.reload()
    if let metrics {
      let count = metrics.gauge("adjutant_plugin_switches", help: "Choices that guilds made about plugins")([])
      metrics.onCollect { [switches = shared.switches] in count.set(Double(switches.count)) }
    }
    return shared
  }

  private init(_ database: Database, events: DomainEvents, time: any TimeSource) {
    self.database = database
    self.time = time
    guilds = Guilds(database: database, time: time)
    users = Users(database: database, time: time)
    members = Members(database: database, time: time)
    permissions = Permissions(database: database, time: time)
    auditLog = AuditLog(database: database, time: time)
    activity = AuditActivity(database: database, time: time)
    switches = PluginSwitches(database: database, events: events, time: time)
    state = KeyedState(database: database, time: time)
    jobs = Jobs(database: database, time: time)
    self.events = events
    componentUses = ComponentUses(database: database, time: time)
    maintenance = MaintenanceMode(database: database, state: state, events: events, time: time)
  }
}
