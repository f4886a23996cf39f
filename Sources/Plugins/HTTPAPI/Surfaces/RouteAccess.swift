import Core
import HTTP

/// Who may use a route: a rule that is the same for every request, or one that is made from the request's path.
public struct RouteAccess: Sendable {
  enum Form: Sendable {
    case fixed(AccessRule)
    /// Nil: what the path names cannot exist. Whoever is logged in gets a 404 for it.
    case made(@Sendable (HTTPRequest) -> AccessRule?)
  }

  let form: Form
  /// For the description: `own userId`, `manager of serverId`.
  public let words: String
  /// What an API key must hold.
  public let permission: Permission?
  public let proof: AccessRule.Proof
  /// The code of the answer to a request without credentials, where the document has another one than elsewhere.
  public var missingCredentialCode: String?

  /// The same rule for every request.
  public static func rule(_ rule: AccessRule) -> RouteAccess {
    RouteAccess(form: .fixed(rule), words: rule.who.words, permission: rule.permission, proof: rule.proof)
  }

  /// A rule made from path and query; not from the body, which nobody reads for strangers. What the body says is
  /// checked by the handler, with ``HTTP/HTTPRequest/authorize(_:)``.
  /// - Parameters:
  ///   - words: whose it is, for the description.
  ///   - make: nil where the path names what cannot exist.
  public static func made(
    _ words: String, permission: Permission? = nil, proof: AccessRule.Proof = .any,
    _ make: @escaping @Sendable (HTTPRequest) -> AccessRule.Who?
  ) -> RouteAccess {
    RouteAccess(
      form: .made { request in make(request).map { AccessRule($0, permission: permission, proof: proof) } },
      words: words, permission: permission, proof: proof)
  }

  /// Anyone, without a look at credentials: the handler's caller is anonymous, whatever was sent.
  public static let anyone = rule(AccessRule(.anyone))
  /// Whoever sits at this machine, elsewhere an admin.
  public static let local = rule(AccessRule(.local))
  public static let admin = rule(AccessRule(.admin))
  public static let panelAdmin = rule(AccessRule(.panelAdmin))

  /// Any person who logged in.
  /// - Parameter permission: what an API key must hold; nil: no key is enough.
  public static func person(_ permission: Permission? = nil, proof: AccessRule.Proof = .any) -> RouteAccess {
    rule(AccessRule(.person, permission: permission, proof: proof))
  }

  /// A user of Discord.
  public static func user(_ permission: Permission? = nil, proof: AccessRule.Proof = .any) -> RouteAccess {
    rule(AccessRule(.user, permission: permission, proof: proof))
  }

  /// A client that was given that scope; persons need none.
  public static func scope(_ scope: String, _ permission: Permission? = nil) -> RouteAccess {
    rule(AccessRule(.scope(scope), permission: permission))
  }

  /// The user whose id is that part of the path.
  public static func own(
    user parameter: String, _ permission: Permission? = nil, proof: AccessRule.Proof = .any
  ) -> RouteAccess {
    made("own \(parameter)", permission: permission, proof: proof) { request in
      request.parameters[parameter].flatMap { UserID($0) }.map { .own(.user($0)) }
    }
  }

  /// Who manages the guild whose id is that part of the path.
  public static func serverManager(
    of parameter: String, _ permission: Permission? = nil, proof: AccessRule.Proof = .any
  ) -> RouteAccess {
    made("manager of \(parameter)", permission: permission, proof: proof) { request in
      request.parameters[parameter].flatMap { GuildID($0) }.map { .serverManager(of: $0) }
    }
  }

  /// The same with another code for a request without credentials.
  public func withoutCredentials(code: String) -> RouteAccess {
    var access = self
    access.missingCredentialCode = code
    return access
  }

  /// The rule for this request; nil if its path names what cannot exist.
  public func rule(for request: HTTPRequest) -> AccessRule? {
    switch form {
    case .fixed(let rule): rule
    case .made(let make): make(request)
    }
  }

  /// Nobody is asked who they are.
  var isOpen: Bool {
    if case .fixed(let rule) = form { rule.who == .anyone } else { false }
  }
}

extension AccessRule.Who {
  /// For descriptions.
  var words: String {
    switch self {
    case .anyone: "anyone"
    case .local: "local, elsewhere admin"
    case .person: "person"
    case .user: "user"
    case .own(let subject): "own \(subject)"
    case .serverManager(let guild): "manager of \(guild)"
    case .serverMember(let guild): "member of \(guild)"
    case .admin: "admin"
    case .panelAdmin: "panel admin"
    case .scope(let scope): "scope \(scope)"
    }
  }
}
