import HTTP

/// The groups of endpoints that a listener can serve, by the names that the configuration uses.
public enum SurfaceName: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
  case aurora, killtracker, monitoring, health, metrics, skypanel, dashboard
  /// Discord's interactions over HTTP.
  case interactions

  public var description: String { rawValue }
}

/// One documented API: its routes, and how it looks where it is not a route's own doing.
///
/// A surface holds the services that it calls, and nothing of the game's rules. Several surfaces may share a name, where
/// one entry of the configuration stands for several documents; each has its own prefix and its own look.
///
/// ```swift
/// struct ProfileSurface: Surface {
///   let users: APIUsers
///   var name: SurfaceName { .killtracker }
///   var title: String { "Kill Tracker API v1" }
///   var prefixes: [PathPattern] { ["/api/v1"] }
///   var errors: HTTPErrorShape { .killTrackerV1 }
///
///   func declare(in routes: inout SurfaceRoutes) {
///     routes.read(
///       "/users/me", access: .user(.readUsers), limit: .byCaller(.read), "The caller's profile",
///       returning: .json(Profile.self)
///     ) { request in try await profile(of: request.caller) }
///     routes.change(
///       .patch, "/users/me", access: .user(.writeUsers), limit: .byCaller(.write), audit: "user.update",
///       "Changes the caller's profile", .body(ProfileChange.self), returning: .json(Profile.self)
///     ) { request, change in … }
///   }
/// }
/// ```
public protocol Surface: Sendable {
  var name: SurfaceName { get }
  /// For the description.
  var title: String { get }
  /// Markdown, for the description.
  var summary: String? { get }
  /// Where its routes are; each of them answers under all of these.
  var prefixes: [PathPattern] { get }
  /// The form of its errors, those before the handlers included.
  var errors: HTTPErrorShape { get }
  func declare(in routes: inout SurfaceRoutes)
  /// What goes on beside the requests while the listeners are open, until cancelled.
  func run() async
}

extension Surface {
  public var summary: String? { nil }
  public var prefixes: [PathPattern] { ["/"] }
  public func run() async {}
}
