import Commands
import Core
import HTTP
import KillTracker
import Platform

/// The bot itself, as v1 tells of it.
struct KillTrackerBot: Sendable {
  let services: KillTrackerServices

  struct Status: Codable, Sendable, SchemaRuled {
    let isOnline: Bool
    let uptime: String
    let serverCount: Int
    let userCount: Int
    let totalKills: Int
    let version: String
    let lastRestart: Timestamp

    static let schemaRules: SchemaRules = [
      "uptime": .text("Days, hours and minutes since the program started", example: "5d 12h 30m"),
      "userCount": .about("Members of its servers; whoever is in two counts twice"),
    ]
  }

  func status() async throws -> Status {
    let vitals = services.health.vitals
    return Status(
      isOnline: vitals.isReady, uptime: Self.text(services.health.uptime), serverCount: vitals.guilds,
      userCount: vitals.users, totalKills: try await services.kills.count(), version: services.version,
      lastRestart: services.health.startedAt)
  }

  /// `5d 12h 30m`.
  static func text(_ seconds: Int) -> String {
    "\(seconds / 86_400)d \(seconds / 3_600 % 24)h \(seconds / 60 % 60)m"
  }

  struct Figures: Codable, Sendable, SchemaRuled {
    struct Servers: Codable, Sendable {
      let total: Int
      let tracking: Int
    }
    struct Kills: Codable, Sendable, SchemaRuled {
      let total: Int
      let today: Int
      let thisWeek: Int
      let thisMonth: Int
      static let schemaRules: SchemaRules = ["thisWeek": .about("From Monday, UTC")]
    }
    struct Activity: Codable, Sendable {
      let dailyActions: Int
      let weeklyActions: Int
      let dailyActiveUsers: Int
      let dailyActiveServers: Int
    }
    struct Command: Codable, Sendable {
      let command: String
      let count: Int
    }
    struct Shard: Codable, Sendable {
      let id: Int
      let status: String
      @Nullable var latency: Int?
    }
    struct Memory: Codable, Sendable {
      let heapUsed: Int
      let heapTotal: Int
    }
    let isOnline: Bool
    let uptime: String
    let uptimeSeconds: Int
    let version: String
    let latency: Int
    let userCount: Int
    let channelCount: Int
    let servers: Servers
    let kills: Kills
    let activity: Activity
    let topCommands: [Command]
    let shards: [Shard]
    let memory: Memory

    static let schemaRules: SchemaRules = [
      "latency": .about("Of the gateway in milliseconds; 0 before the first heartbeat"),
      "activity": .about("Deeds in the audit log, commands among them"),
      "shards": .list("Of this process"),
    ]
  }

  func statistics() async throws -> Figures {
    let report = try await services.statistics.report()
    let counts = try await services.kills.figures()
    let vitals = services.health.vitals
    return Figures(
      isOnline: vitals.isReady, uptime: Self.text(report.bot.uptime), uptimeSeconds: report.bot.uptime,
      version: services.version, latency: vitals.latencyMilliseconds, userCount: report.bot.users,
      channelCount: report.bot.channels,
      servers: .init(total: report.bot.guilds, tracking: report.database.trackedGuilds),
      kills: .init(
        total: counts.total, today: counts.today, thisWeek: counts.thisWeek, thisMonth: counts.thisMonth),
      activity: .init(
        dailyActions: report.activity.dailyActions, weeklyActions: report.activity.weeklyActions,
        dailyActiveUsers: report.activity.dailyActiveUsers, dailyActiveServers: report.activity.dailyActiveGuilds),
      topCommands: report.topCommands.map { .init(command: $0.command, count: $0.count) },
      shards: vitals.shards.map { shard in
        .init(id: shard.id, status: shard.state, latency: shard.latency.map { Int($0.inMilliseconds.rounded()) })
      },
      memory: .init(heapUsed: report.bot.memory.heapUsed, heapTotal: report.bot.memory.heapTotal))
  }
}

extension KillTrackerV1 {
  func declareBot(in routes: inout SurfaceRoutes) {
    let bot = KillTrackerBot(services: services)
    let tags = ["Bot"]
    routes.read(
      "/bot/status", access: .user(.readStats), limit: .byCaller(.read),
      RouteNotes("Whether the bot is there, and since when", tags: tags),
      returning: .succeeded(KillTrackerBot.Status.self)
    ) { _ in try await bot.status() }
    routes.read(
      "/bot/statistics", access: .user(.readStats), limit: .byCaller(.read),
      RouteNotes("What the bot does", tags: tags), returning: .succeeded(KillTrackerBot.Figures.self)
    ) { _ in try await bot.statistics() }
    routes.change(
      .post, "/bot/restart", access: .admin, limit: .byCaller(.admin), audit: .byService,
      RouteNotes("Ends the program in order and starts it again; it resumes where it was", tags: tags),
      returning: .succeeded(Done.self)
    ) { [control = services.control] request in
      let user = try KillTrackerKills.user(of: request)
      try await control.restart(
        by: BotOperator(user, through: SurfaceName.killtracker.rawValue, ip: request.clientAddress.description))
      return Done("The bot restarts")
    }
  }
}
