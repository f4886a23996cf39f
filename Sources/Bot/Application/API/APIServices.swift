import Commands
import Core
import Gateway
import HTTPAPI
import KillTracker
import Platform

/// What surfaces are made of, and the list of them: the place where a new one is added.
struct APIServices: Sendable {
  let surroundings: Bot.Surroundings
  let authentication: Authentication
  let authority: any GuildAuthority
  let rest: RESTClient
  /// Nil where nothing is configured for it.
  let discordLogin: DiscordLogin?
  let tracker: TrackerServices
  let webhooks: Webhooks
  /// Empty until Discord has answered.
  let bot: BotHandle
  /// For surfaces with actions for admins; also where they add what can be cleared.
  let administration: BotAdministration
  let pegasus: PegasusServices

  var shared: SharedState { surroundings.shared }

  var surfaces: [any Surface] {
    var surfaces: [any Surface] = []
    if surroundings.configuration.discord.publicKey != nil {
      surfaces.append(InteractionsSurface { [bot] in bot.bot?.interactions })
    }
    let killTracker = killTracker
    surfaces += [KillTrackerV1(killTracker), KillTrackerReference(killTracker)]
    surfaces += [HealthSurface(pegasus), MonitoringSurface(pegasus), MetricsSurface(surroundings.metrics)]
    surfaces.append(
      AuroraSurface(
        statistics: pegasus.statistics, shared: shared, control: administration, metrics: surroundings.metrics,
        log: Log(label: "", sink: surroundings.sink)))
    return surfaces
  }

  private var killTracker: KillTrackerServices {
    let log = Log(label: "killtracker", sink: surroundings.sink)
    let guilds = CachedGuilds(
      cache: { [bot] in bot.bot?.cache }, isPresent: { [bot] in bot.bot?.isIn($0) }, authority: authority, rest: rest)
    let hub = KillTrackerHub(
      metrics: surroundings.metrics, time: surroundings.time,
      identify: KillTrackerHub.identification(
        by: authentication.authenticator,
        // Those that a user owns: to ask Discord about all others, twice a minute and listener, would be too much.
        managedGuilds: { user in Set(guilds.guilds(ownedBy: user).map(\.id)) }, log: log))
    return KillTrackerServices(
      authentication: authentication, discordLogin: discordLogin, guilds: guilds,
      tracker: tracker, webhooks: webhooks, hub: hub, pegasus: pegasus, control: administration,
      version: Version.current)
  }
}
