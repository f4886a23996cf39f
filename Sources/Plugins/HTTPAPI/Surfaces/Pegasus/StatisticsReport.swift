import HTTP
import Platform

/// `GET /api/stats` (Pegasus document).
public struct StatisticsReport: PrintedDocument, Equatable {
  public struct Bot: Codable, Sendable, Equatable {
    public struct Memory: Codable, Sendable, Equatable {
      public var heapUsed: Int
      public var heapTotal: Int
    }
    public var guilds: Int
    public var users: Int
    public var channels: Int
    /// Seconds.
    public var uptime: Int
    public var memory: Memory
  }

  public struct Database: Codable, Sendable, Equatable {
    /// That the bot is in.
    public var guilds: Int
    /// That the bot has met.
    public var users: Int
    /// Guilds in which kills are tracked.
    public var trackedGuilds: Int
    /// Who has money, or had some.
    public var economyUsers: Int
    public var openTickets: Int
    public var activeGiveaways: Int

    enum CodingKeys: String, CodingKey {
      case guilds, users
      case trackedGuilds = "tracked_guilds"
      case economyUsers = "economy_users"
      case openTickets = "open_tickets"
      case activeGiveaways = "active_giveaways"
    }
  }

  /// Of the audit log, in UTC: a day from midnight, a week from Monday.
  public struct Activity: Codable, Sendable, Equatable {
    public var dailyActions: Int
    public var weeklyActions: Int
    public var dailyActiveUsers: Int
    public var dailyActiveGuilds: Int

    enum CodingKeys: String, CodingKey {
      case dailyActions = "daily_actions"
      case weeklyActions = "weekly_actions"
      case dailyActiveUsers = "daily_active_users"
      case dailyActiveGuilds = "daily_active_guilds"
    }
  }

  public struct Command: Codable, Sendable, Equatable {
    public var command: String
    public var count: Int
  }

  /// Of commands and of the HTTP APIs together.
  public struct RateLimit: Codable, Sendable, Equatable {
    public struct Offender: Codable, Sendable, Equatable {
      /// A user's id, an address, or an API key's id.
      public var id: String
      /// `commands`, or the class of requests.
      public var category: String
      /// How often they were refused.
      public var count: Int
    }
    /// Who is watched.
    public var totalEntries: Int
    /// Of these, who is held back at this moment.
    public var blacklistedCount: Int
    public var topOffenders: [Offender]
  }

  public var bot: Bot
  public var database: Database
  public var activity: Activity
  public var topCommands: [Command]
  public var rateLimit: RateLimit

  var json: JSON {
    [
      "bot": [
        "guilds": .of(bot.guilds), "users": .of(bot.users), "channels": .of(bot.channels), "uptime": .of(bot.uptime),
        "memory": ["heapUsed": .of(bot.memory.heapUsed), "heapTotal": .of(bot.memory.heapTotal)],
      ],
      "database": [
        "guilds": .of(database.guilds), "users": .of(database.users), "tracked_guilds": .of(database.trackedGuilds),
        "economy_users": .of(database.economyUsers), "open_tickets": .of(database.openTickets),
        "active_giveaways": .of(database.activeGiveaways),
      ],
      "activity": [
        "daily_actions": .of(activity.dailyActions), "weekly_actions": .of(activity.weeklyActions),
        "daily_active_users": .of(activity.dailyActiveUsers), "daily_active_guilds": .of(activity.dailyActiveGuilds),
      ],
      "topCommands": .array(topCommands.map { ["command": .string($0.command), "count": .of($0.count)] }),
      "rateLimit": [
        "totalEntries": .of(rateLimit.totalEntries), "blacklistedCount": .of(rateLimit.blacklistedCount),
        "topOffenders": .array(
          rateLimit.topOffenders.map {
            ["id": .string($0.id), "category": .string($0.category), "count": .of($0.count)]
          }),
      ],
    ]
  }
}
