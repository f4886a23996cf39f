import HTTP
import Platform

/// The Kill Tracker reference: bodies bare, as it prints them.
public struct KillTrackerReference: Surface {
  let services: KillTrackerServices
  let accounts: KillTrackerAccounts

  public var name: SurfaceName { .killtracker }
  public var title: String { "Kill Tracker API reference" }
  public var errors: HTTPErrorShape { .killTrackerReference }

  public init(_ services: KillTrackerServices) {
    self.services = services
    accounts = KillTrackerAccounts(services: services)
  }

  public func declare(in routes: inout SurfaceRoutes) {
    declareAuthentication(in: &routes)
    declareAPIKeys(in: &routes)
    declareUsers(in: &routes)
    declareKills(in: &routes)
    declareAnalytics(in: &routes)
    declarePlayTime(in: &routes)
    declareWebhooks(in: &routes)
    declareServers(in: &routes)
    declareGame(in: &routes)
    declareLogs(in: &routes)
    services.hub.declare(in: &routes, limit: .byAddress(.read))
  }

  public func run() async {
    await services.hub.run(
      services.events.live().map { [servers = services.servers] news in
        news.events.flatMap { KillTrackerNews.events(from: $0, isPrivate: servers.isPrivate) }
      })
  }
}
