import Commands
import Core
import Gateway
import Platform

/// The kill tracker in Discord. Its services work without it, for the HTTP API; its tables are made before it
/// (``KillTables``), as they are the same for both.
public struct KillTrackerPlugin: Plugin {
  /// What the plugin uses of Discord.
  public struct Surroundings: Sendable {
    let rest: RESTClient
    /// Whether the plugin is on in that guild.
    let isOn: @Sendable (Snowflake) -> Bool
    /// What the gateway knows of the guilds; nil where nothing is kept, or before the first connection.
    let cache: @Sendable () -> GuildCache?
    /// Fetches what people attach; nil: no logs can be uploaded.
    let attachments: AttachmentSource?

    /// - Parameters:
    ///   - http: fetches what people attach.
    ///   - apiBase: of the Discord that hands it out.
    public init(
      rest: RESTClient, isOn: @escaping @Sendable (Snowflake) -> Bool, cache: @escaping @Sendable () -> GuildCache?,
      http: HTTPClient? = nil, apiBase: String = "https://discord.com/api/v10"
    ) {
      attachments = http.map { AttachmentSource(client: $0, apiBase: apiBase) }
      self.rest = rest
      self.isOn = isOn
      self.cache = cache
    }
  }

  /// Names it in the configuration, in the database and in `/plugins`.
  public static let id = "killtracker"

  public let name = KillTrackerPlugin.id
  public let title = "Kill tracker"
  public let summary = "Kills in Star Citizen: statistics, leaderboards, logs."
  let services: TrackerServices
  private let attachments: AttachmentSource?
  private let outlet: DiscordFeedOutlet
  private let feed: KillFeedService
  private let weekly: WeeklyLeaderboard
  private let work = BackgroundWork()

  public init(_ services: TrackerServices, in surroundings: Surroundings) {
    var services = services
    services.claimMessages = ClaimMessages(services, rest: surroundings.rest)
    self.services = services
    attachments = surroundings.attachments
    outlet = DiscordFeedOutlet(rest: surroundings.rest, time: services.time, cache: surroundings.cache)
    let isOn: @Sendable (GuildID) -> Bool = { [isOn = surroundings.isOn] in isOn(Snowflake(rawValue: $0.rawValue)) }
    feed = KillFeedService(services, outlet: outlet, isOn: isOn)
    weekly = WeeklyLeaderboard(services, rest: surroundings.rest, isOn: isOn)
  }

  public func commands(among plugins: [PluginDescription]) throws -> [Command] {
    try KillTrackerCommands.commands(services)
      + [
        KillFeedGroup.command(
          services: KillFeedCommands(feeds: services.feeds, servers: services.servers, outlet: outlet))
      ]
      + (attachments.map { [try LogsGroup.command(services: LogCommands(services: services, attachments: $0))] } ?? [])
  }

  public func components() throws -> [ComponentRoute] { try KillTrackerCommands.components(services) }

  public func registerJobs(with runner: JobRunner) async {
    await feed.register(on: runner)
    await weekly.register(on: runner)
    await services.claims.register(on: runner)
    await services.claimMessages?.register(on: runner)
    await services.data.register(on: runner)
  }

  public func start() async throws {
    try await services.servers.resumeWeeklyPosts()
    work.begin { [feed] in await feed.run() }
  }

  public func stop() async { await work.end() }
}
