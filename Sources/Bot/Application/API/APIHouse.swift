import Commands
import Core
import Gateway
import HTTP
import HTTPAPI
import KillTracker
import Platform

/// The HTTP API of this process, wired: its services, and the surfaces over them.
struct APIHouse: Sendable {
  let authentication: Authentication
  let webhooks: Webhooks
  let server: APIServer

  /// - Parameter bot: empty for now; surfaces look when they are asked.
  /// - Throws: ``ConfigurationErrors`` for surfaces that cannot share a listener; what opening the keys throws.
  static func open(
    _ surroundings: Bot.Surroundings, tracker: TrackerServices, rest: RESTClient, bot: BotHandle,
    administration: BotAdministration
  ) async throws -> APIHouse {
    let (configuration, target) = (surroundings.configuration, surroundings.target)
    let log = Log(label: "", sink: surroundings.sink)
    var settings = Authentication.Settings(
      directory: target.stateDirectory(configuration), issuer: target.sandbox == nil ? .adjutant : .sandbox,
      owners: configuration.owners.map { UserID($0) }, uidLoginSecret: configuration.httpAPI.uidLoginSecret)
    settings.limitsRates = configuration.httpAPI.rateLimits
    settings.exemptAddresses = configuration.httpAPI.exemptAddresses.compactMap { NetworkBlock($0) }
    let authentication = try await Authentication.open(
      settings, database: surroundings.shared.database, handles: PlayerHandles(), time: surroundings.time, log: log)
    let authority = GuildManagers(rest: rest, time: surroundings.time) { bot.bot?.cache }
    let webhooks = try await openWebhooks(
      surroundings, WebhookCatalog(KillTrackerWebhookEvents(kills: tracker.kills, authority: authority).all))
    administration.add(.init(name: "guild managers") { authority.forget() })
    let services = APIServices(
      surroundings: surroundings, authentication: authentication, authority: authority, rest: rest,
      discordLogin: discordLogin(surroundings, rest, authentication), tracker: tracker, webhooks: webhooks, bot: bot,
      administration: administration,
      pegasus: .wired(surroundings, authentication: authentication, rest: rest, bot: bot))
    do {
      let server = try APIServer(
        try serverSettings(configuration), authentication: authentication, authority: authority,
        auditLog: surroundings.shared.auditLog, surfaces: services.surfaces, log: log, metrics: surroundings.metrics,
        time: surroundings.time)
      return APIHouse(authentication: authentication, webhooks: webhooks, server: server)
    } catch let clash as SurfaceClash {
      throw ConfigurationErrors(problems: [
        ConfigurationProblem(path: "plugins.httpapi.listeners.\(clash.listener).surfaces", reason: "\(clash)")
      ])
    }
  }

  private static func openWebhooks(
    _ surroundings: Bot.Surroundings, _ catalog: WebhookCatalog
  ) async throws -> Webhooks {
    var settings = Webhooks.Settings(
      directory: surroundings.target.stateDirectory(surroundings.configuration),
      allowsPrivateAddresses: surroundings.configuration.httpAPI.allowPrivateWebhookAddresses)
    settings.userAgent = "Adjutant/\(Version.current)"
    return try await Webhooks.open(
      settings, catalog: catalog, shared: surroundings.shared, log: Log(label: "", sink: surroundings.sink),
      metrics: surroundings.metrics)
  }

  private static func serverSettings(_ configuration: Configuration) throws -> APIServer.Settings {
    let api = configuration.httpAPI
    var settings = APIServer.Settings(
      listeners: try api.listeners.map { listener in
        ListenerSettings(
          name: listener.name, listen: try SocketAddress(parsing: listener.listen),
          surfaces: listener.surfaces.compactMap(SurfaceName.init), maximumConnections: listener.maximumConnections,
          maximumConnectionsPerAddress: listener.maximumConnectionsPerAddress)
      }, version: Version.current)
    settings.allowedHosts = api.allowedHosts
    settings.allowedOrigins = api.allowedOrigins
    settings.publicURL = api.publicURL
    settings.trustedProxies = TrustedProxies(api.trustedProxies.compactMap { NetworkBlock($0) })
    settings.logsRequests = api.accessLog
    return settings
  }

  /// Nil unless the application's id and secret and an address to come back to are known.
  private static func discordLogin(
    _ surroundings: Bot.Surroundings, _ rest: RESTClient, _ authentication: Authentication
  ) -> DiscordLogin? {
    let api = surroundings.configuration.httpAPI
    guard let (client, secret) = surroundings.target.oauthClient(surroundings.configuration),
      let redirect = api.oauthRedirectURI
        ?? api.publicURL.map({ ($0.hasSuffix("/") ? String($0.dropLast()) : $0) + "/auth/callback" })
    else { return nil }
    return authentication.discordLogin(
      oauth: DiscordAuthorization(rest: rest, client: client, secret: secret),
      authorizeURL: DiscordAuthorization.authorizeURL(apiBase: surroundings.target.apiBase),
      clientID: client.description, redirectURIs: [redirect])
  }

  /// Opens the ports.
  func start() async throws -> [APIServer.Opened] { try await server.start() }
}
