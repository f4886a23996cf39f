import Core
import Platform
import Storage

/// What the HTTP API keeps about a user: keys, webhooks, and what Discord said at their logins. Deleting it ends all of
/// their programs' access at once.
public struct HTTPAPIData: PersonalDataKeeper {
  public let name = "httpAPI"
  private let keys: APIKeys
  private let webhooks: Webhooks
  private let users: APIUsers
  private let tokens: TokenService

  public init(_ authentication: Authentication, webhooks: Webhooks) {
    keys = authentication.keys
    users = authentication.users
    tokens = authentication.tokens
    self.webhooks = webhooks
  }

  public func summary(of user: UserID) async throws -> [String] {
    Self.words(
      keys: try await keys.list(of: user).count, webhooks: try await webhooks.list(of: .user(user)).count,
      hasLoggedIn: try await users.find(user) != nil)
  }

  private static func words(keys: Int, webhooks: Int, hasLoggedIn: Bool) -> [String] {
    [
      keys == 0 ? nil : "\(keys) API \(keys == 1 ? "key" : "keys")",
      webhooks == 0 ? nil : "\(webhooks) \(webhooks == 1 ? "webhook" : "webhooks")",
      hasLoggedIn ? "logins to the HTTP API" : nil,
    ].compactMap { $0 }
  }

  /// Without secrets: neither keys nor what signs deliveries, and of a webhook's address the host alone, for whoever
  /// knows the rest of some may write there.
  public func export(of user: UserID, write: ([UInt8]) async throws -> Void) async throws {
    var object: JSON.Object = [
      "apiKeys": .array(try await keys.list(of: user).map(\.exported)),
      "webhooks": .array(try await webhooks.list(of: .user(user)).map(\.exported)),
    ]
    object["login"] = try await users.find(user).map { login in
      var object: JSON.Object = [
        "username": .string(login.username), "discriminator": .string(login.discriminator),
        "firstAt": .string(login.createdAt.iso8601), "lastAt": .string(login.lastLoginAt.iso8601),
      ]
      object["avatar"] = login.avatarURL.map { .string($0) }
      return .object(object)
    }
    try await write(Array(JSON.object(object).serialized().utf8))
  }

  public func erase(_ user: UserID) async throws -> [String] {
    let deleted = try await keys.deleteAll(of: user)
    let hasLoggedIn = try await users.forget(user)
    // Whoever never logged in has no token that could end.
    if hasLoggedIn { try await tokens.endAllSessions(of: .user(user)) }
    return Self.words(
      keys: deleted, webhooks: try await webhooks.deleteAll(of: .user(user)), hasLoggedIn: hasLoggedIn)
  }
}

extension APIKey {
  fileprivate var exported: JSON {
    var object: JSON.Object = [
      "id": .string("\(id)"), "name": .string(name), "kind": .string(kind.rawValue),
      "permissions": .array(permissions.map(\.rawValue).sorted().map(JSON.string)), "isActive": .boolean(isActive),
      "createdAt": .string(createdAt.iso8601),
    ]
    object["playerName"] = playerName.map { .string($0) }
    object["botName"] = botName.map { .string($0) }
    object["expiresAt"] = expiresAt.map { .string($0.iso8601) }
    object["lastUsedAt"] = lastUsedAt.map { .string($0.iso8601) }
    return .object(object)
  }
}

extension Webhook {
  fileprivate var exported: JSON {
    var object: JSON.Object = [
      "id": .string("\(id)"), "name": .string(name), "events": .array(events.map(JSON.string)),
      "isActive": .boolean(isActive), "createdAt": .string(createdAt.iso8601),
    ]
    object["host"] = host.map { .string($0) }
    object["serverId"] = guildID.map { .string("\($0)") }
    return .object(object)
  }

  /// Of its address.
  private var host: String? {
    guard let start = url.firstRange(of: "://")?.upperBound else { return nil }
    return String(url[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" })
  }
}
