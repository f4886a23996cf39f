import Commands
import Core
import HTTPAPI
import Platform

/// What surfaces are made of, and the list of them: the place where a new one is added.
struct APIServices: Sendable {
  let surroundings: Bot.Surroundings
  let authentication: Authentication
  let authority: any GuildAuthority
  /// Nil where nothing is configured for it.
  let discordLogin: DiscordLogin?
  let webhooks: Webhooks
  /// Empty until Discord has answered.
  let bot: BotHandle
  /// For surfaces with actions for admins; also where they add what can be cleared.
  let administration: BotAdministration
  let pegasus: PegasusServices

  var shared: SharedState { surroundings.shared }

  /// What webhooks can subscribe to: the place where a domain's events are added.
  static var webhookEvents: [WebhookEvent] { [] }

  var surfaces: [any Surface] {
    var surfaces: [any Surface] = []
    if surroundings.configuration.discord.publicKey != nil {
      surfaces.append(InteractionsSurface { [bot] in bot.bot?.interactions })
    }
    let tracker = KillTrackerServices(
      authentication: authentication, discordLogin: discordLogin,
      guilds: CachedGuilds { [bot] in bot.bot?.cache }, shared: shared, version: Version.current)
    surfaces += [KillTrackerV1(tracker), KillTrackerReference(tracker)]
    surfaces += [HealthSurface(pegasus), MonitoringSurface(pegasus), MetricsSurface(surroundings.metrics)]
    return surfaces
  }
}
