import Core
import Gateway
import HTTPAPI
import Platform
import Storage

/// How the bot is doing, from the gateway and its cache; nothing before there is a bot.
struct GatewayVitals: BotVitalsSource {
  let bot: BotHandle
  let rest: RESTClient

  var vitals: BotVitals {
    let bot = bot.bot
    let cache = bot?.cache
    return BotVitals(
      // Without a cache the guilds are counted by their comings and goings, and nobody counts the rest.
      guilds: cache?.guildCount ?? bot?.guildCount ?? 0, users: cache?.memberCount ?? 0,
      channels: cache?.channelCount ?? 0,
      shards: (bot?.shardStatus ?? []).map { status in
        .init(
          id: status.shard.id, total: status.shard.count, state: status.state.rawValue, isReady: status.isReady,
          latency: status.latency, disconnections: status.disconnections)
      }, requestLatency: rest.lastLatency)
  }
}

extension PegasusServices {
  /// Once for a program: it adds measurements.
  static func wired(
    _ surroundings: Bot.Surroundings, authentication: Authentication, rest: RESTClient, bot: BotHandle
  ) -> PegasusServices {
    let (shared, time) = (surroundings.shared, surroundings.time)
    let health = HealthMonitor(
      source: GatewayVitals(bot: bot, rest: rest), database: shared.database, maintenance: shared.maintenance,
      version: Version.current, time: time)
    let statistics = Statistics(
      health: health, shared: shared, limits: authentication.limits,
      cooldowns: { bot.bot?.cooldowns.figures(top: Statistics.top) },
      tracksKills: { bot.bot?.isOn("killtracker", in: $0) ?? false }, time: time)
    let services = PegasusServices(
      health: health, statistics: statistics, auditLog: shared.auditLog, metrics: surroundings.metrics)
    services.addMetrics()
    return services
  }
}
