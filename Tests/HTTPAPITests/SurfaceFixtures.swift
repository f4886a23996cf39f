import Core
import HTTP
import Platform
import Storage
import StorageTestSupport
import Synchronization

@testable import HTTPAPI

/// One user manages one guild.
struct OneManager: GuildAuthority {
  var manager: UserID
  var guild: GuildID
  var members: Set<UserID> = [Cast.user]

  func isMember(_ user: UserID, of guild: GuildID) async throws -> Bool {
    (user == manager || members.contains(user)) && guild == self.guild
  }
  func isManager(_ user: UserID, of guild: GuildID) async throws -> Bool { user == manager && guild == self.guild }
}

struct NoOwners: HandleOwnership {
  func owner(of handle: String, in transaction: ReadTransaction) throws -> UserID? { nil }
}

/// Every kind of caller that there is, each with credentials that work.
struct Cast: Sendable {
  enum Role: String, CaseIterable, Sendable {
    /// From another machine, and from this one.
    case stranger, local
    case user, limitedUser, keyWith, keyWithout, manager, limitedManager, admin, account, panelAdmin, client,
      clientWithout
  }

  static let user = UserID(100_000_000_000_000_002)
  static let manager = UserID(100_000_000_000_000_003)
  static let owner = UserID(100_000_000_000_000_001)
  static let guild = GuildID(900_000_000_000_000_001)

  private(set) var credentials: [Role: String] = [:]

  /// - Parameters:
  ///   - permissions: what the key holds that has all it needs.
  ///   - scopes: what the client was given that has all it needs.
  init(_ house: Authentication, permissions: Set<Permission>, scopes: [String]) async throws {
    func token(_ subject: Subject, isAdmin: Bool = false, isLimited: Bool = false, scopes: [String] = []) async throws
      -> String
    {
      try await house.tokens.issue(for: subject, isAdmin: isAdmin, isLimited: isLimited, scopes: scopes).text.reveal()
    }
    credentials[.user] = try await token(.user(Self.user))
    credentials[.limitedUser] = try await token(.user(Self.user), isLimited: true)
    credentials[.manager] = try await token(.user(Self.manager))
    credentials[.limitedManager] = try await token(.user(Self.manager), isLimited: true)
    credentials[.admin] = try await token(.user(Self.owner))
    let account = try await house.accounts.create(email: "a@b.cd", name: "A", password: Secret("a password"))
    credentials[.account] = try await token(.account(account.id))
    let chief = try await house.accounts.create(email: "c@b.cd", name: "C", password: Secret("a password"))
    _ = try await house.accounts.update(chief.id, role: .admin)
    credentials[.panelAdmin] = try await token(.account(chief.id))
    let (client, _) = try await house.clients.create(name: "program")
    credentials[.client] = try await token(.client(client.id), scopes: scopes)
    credentials[.clientWithout] = try await token(.client(client.id))
    credentials[.keyWith] = try await house.keys.create(
      APIKeyRequest(name: "with", permissions: permissions), for: Self.user
    ).text.reveal()
    // A permission that no route asks for: none at all would mean the standard ones.
    let other = Permission(rawValue: "read:nothing").map { Set([$0]) } ?? []
    credentials[.keyWithout] = try await house.keys.create(
      APIKeyRequest(name: "without", permissions: other), for: Self.user
    ).text.reveal()
  }

  func headers(of role: Role) -> HTTPHeaders {
    var headers: HTTPHeaders = ["Host": "127.0.0.1:3000"]
    if role != .local { headers["X-Forwarded-For"] = "192.0.2.7" }
    if let credential = credentials[role] { headers["Authorization"] = "Bearer \(credential)" }
    return headers
  }

  /// What becomes of that role's request, told apart from the code that decides it: 200 for whatever passes.
  static func expected(_ access: RouteAccess, _ role: Role) -> Int {
    if access.words == "anyone" { return 200 }
    if access.words == "local, elsewhere admin", role == .local { return 200 }
    if role == .stranger || role == .local { return 401 }
    switch role {
    case .keyWith, .keyWithout:
      if access.proof == .loginOnly || access.permission == nil { return 403 }
      if role == .keyWithout { return 403 }
    default: if access.proof == .apiKeyOnly { return 401 }
    }
    if role == .admin { return 200 }
    let isUsers: Set<Role> = [.user, .limitedUser, .keyWith, .manager, .limitedManager]
    let allowed: Set<Role> =
      switch access.words {
      case "person": isUsers.union([.account, .panelAdmin])
      case "user": isUsers
      case let words where words.hasPrefix("own "): [.user, .limitedUser, .keyWith]
      case let words where words.hasPrefix("manager of "): [.manager]
      case let words where words.hasPrefix("member of "): isUsers
      case "panel admin": [.panelAdmin]
      case let words where words.hasPrefix("scope "): isUsers.union([.account, .panelAdmin, .client])
      default: []
      }
    return allowed.contains(role) ? 200 : 403
  }
}

extension HTTPRequest {
  /// As a server on 127.0.0.1:3000 gets it.
  static func sample(
    _ method: HTTPMethod, _ target: String, _ headers: HTTPHeaders = ["Host": "127.0.0.1:3000"], body: String = ""
  ) throws -> HTTPRequest {
    let parts = target.split(separator: "?", maxSplits: 1)
    return try HTTPRequest(
      method: method, path: try HTTPPath(String(parts[0])), rawQuery: parts.count > 1 ? String(parts[1]) : nil,
      headers: headers, remoteAddress: try SocketAddress(parsing: "127.0.0.1:40000"),
      localAddress: try SocketAddress(parsing: "127.0.0.1:3000"), body: HTTPRequestBody(Array(body.utf8)))
  }
}

extension HTTPResponse {
  var bytes: [UInt8] { content }
  var json: JSON? { try? JSON(parsing: bytes) }
}
