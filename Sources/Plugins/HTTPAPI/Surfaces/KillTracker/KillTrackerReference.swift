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
  }
}
