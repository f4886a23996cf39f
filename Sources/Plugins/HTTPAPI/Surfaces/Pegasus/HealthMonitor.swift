import Core
import Platform
import Storage

/// Where health begins and ends.
///
/// - Discord: unhealthy while no shard is ready, degraded while some are not or heartbeats take longer than
///   ``slowLatency``.
/// - Database: unhealthy if it does not answer within ``databaseLimit``, degraded if it takes longer than
///   ``slowDatabase``; the question waits in the line in which everybody's wait.
/// - Memory: of what the process may use, degraded above 80 %, unhealthy above 95 %.
/// - The whole is as its worst part, and degraded during maintenance.
enum HealthRules {
  static let slowLatency = 1_000
  static let databaseLimit = Duration.seconds(2)
  static let slowDatabase = Duration.milliseconds(500)

  static func discord(_ vitals: BotVitals) -> HealthStatus {
    guard vitals.shards.contains(where: \.isReady) else { return .unhealthy }
    return vitals.isReady && vitals.latencyMilliseconds <= slowLatency ? .healthy : .degraded
  }

  /// - Parameter answer: how long the database took; nil if it did not answer.
  static func database(_ answer: Duration?) -> HealthStatus {
    guard let answer else { return .unhealthy }
    return answer > slowDatabase ? .degraded : .healthy
  }

  static func memory(_ resident: Int, of limit: Int?) -> HealthStatus {
    guard let limit, limit > 0 else { return .healthy }
    let share = Double(resident) / Double(limit)
    return share > 0.95 ? .unhealthy : share > 0.8 ? .degraded : .healthy
  }
}

/// Tells how the bot is doing, to whoever asks and however often: the database is asked at most once a second.
public final class HealthMonitor: Sendable {
  /// How long an answer of the database stands for the next.
  static let freshness = Duration.seconds(1)

  /// What the database answered.
  struct Probe: Sendable {
    /// Nil: nothing in time.
    var answered: Duration?
    var maintenance: Maintenance?
  }

  private let source: any BotVitalsSource
  private let database: Database
  private let probe: SharedAnswer<Probe>
  private let version: String
  private let time: any TimeSource
  private let started: ContinuousClock.Instant
  /// When the program started.
  public let startedAt: Timestamp
  private let memoryLimit: Int?

  /// - Parameter version: of the program.
  public init(
    source: any BotVitalsSource, database: Database, maintenance: MaintenanceMode, version: String,
    time: any TimeSource = SystemTime()
  ) {
    self.source = source
    self.database = database
    self.version = version
    self.time = time
    started = time.now
    startedAt = time.timestamp
    memoryLimit = ProcessMemory.limit
    probe = SharedAnswer(maximumAge: Self.freshness, time: time) { [time] in
      let start = time.now
      do {
        return try await withTimeLimit(HealthRules.databaseLimit, time: time) {
          try await database.read { _ = try $0.query("SELECT 1 AS one") { _ in } }
          let answered = start.duration(to: time.now)
          return Probe(answered: answered, maintenance: try await maintenance.current())
        }
      } catch {
        // Why is in the log of whoever needs the database; here it only counts that it does not answer.
        return Probe()
      }
    }
  }

  /// What asks turns every error into "no answer"; so only a cancelled caller, who reads no answer, comes to the second half.
  private func probed() async -> Probe { (try? await probe.get()) ?? Probe() }

  public var vitals: BotVitals { source.vitals }

  /// Whole seconds since the start.
  public var uptime: Int { Int(started.duration(to: time.now).components.seconds) }

  public func health() async -> HealthReport {
    let probe = await probed()
    let vitals = source.vitals
    let memory = ProcessMemory.current
    let figures = database.figures
    let checks = HealthReport.Checks(
      discord: .init(
        status: HealthRules.discord(vitals), latency: vitals.latencyMilliseconds, guilds: vitals.guilds,
        users: vitals.users),
      database: .init(
        status: HealthRules.database(probe.answered),
        connections: .init(active: figures.active, idle: figures.idle, total: figures.total)),
      memory: .init(
        status: HealthRules.memory(memory.resident, of: memoryLimit),
        usage: .init(
          heapUsed: memory.heapUsed, heapTotal: memory.heapTotal, rss: memory.resident, external: memory.mapped)))
    let worst = max(checks.discord.status, checks.database.status, checks.memory.status)
    return HealthReport(
      status: probe.maintenance == nil ? worst : max(worst, .degraded), timestamp: time.timestamp, uptime: uptime,
      version: version, checks: checks,
      maintenance: probe.maintenance.map { .init(reason: $0.reason, since: $0.since) })
  }

  /// Ready to work: every shard is, and the database answers.
  public func readiness() async -> Readiness {
    let isReady = source.vitals.isReady
    return Readiness(ready: await probed().answered != nil && isReady, timestamp: time.timestamp)
  }

  public func summary() async -> HealthSummary {
    let health = await health()
    let checks = health.checks
    return HealthSummary(
      status: health.status,
      checks: .init(
        bot: checks.discord.status != .unhealthy, database: checks.database.status != .unhealthy,
        memory: checks.memory.status != .unhealthy), timestamp: health.timestamp)
  }
}
