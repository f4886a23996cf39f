/// What a route that changes something writes into the audit log when it succeeded.
///
/// The line holds the action, the surface, the route's pattern, the caller and its kind of credential, the guild of a
/// rule about one, the address, and the path parameters that are named here: no query, no body, no header.
public struct RouteAudit: Sendable, Equatable, ExpressibleByStringLiteral {
  enum Form: Sendable, Equatable {
    case action(String, targets: [String])
    case service
    case nothing
  }

  let form: Form

  /// - Parameter text: the action.
  public init(stringLiteral text: String) { self = .action(text) }

  /// A line after the handler succeeded.
  /// - Parameters:
  ///   - name: `webhook.create`; at most 100 characters.
  ///   - targets: path parameters that say what was changed; none that is a secret.
  public static func action(_ name: String, targets: String...) -> RouteAudit {
    precondition((1...100).contains(name.utf8.count), "the name of an action has 1 to 100 bytes: \(name)")
    return RouteAudit(form: .action(name, targets: targets))
  }

  /// The service writes its line in the very transaction of the change.
  public static let byService = RouteAudit(form: .service)

  /// The route only looks as if it changed something: it computes, or tries.
  public static let changesNothing = RouteAudit(form: .nothing)

  private init(form: Form) { self.form = form }
}
