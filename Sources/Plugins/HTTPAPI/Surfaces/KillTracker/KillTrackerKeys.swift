import Core
import HTTP
import Platform

/// API keys, for both Kill Tracker documents. Whoever manages keys is logged in: a key cannot make another.
struct KillTrackerKeys: Sendable {
  static let access = RouteAccess.user(proof: .loginOnly)

  let keys: APIKeys

  init(_ services: KillTrackerServices) { keys = services.authentication.keys }

  /// The caller, of whom the gate has made sure.
  func user(of request: HTTPRequest) throws -> UserID {
    guard let user = request.caller.user else {
      throw HTTPError(.forbidden, kind: .forbidden, "keys belong to users of Discord")
    }
    return user
  }

  /// Carries out `body`; its refusals become the caller's errors.
  func perform<Result>(_ body: (APIKeys) async throws -> Result) async throws -> Result {
    do {
      return try await body(keys)
    } catch let error as APIKeyError {
      throw error.httpError
    }
  }

  /// - Throws: 422 naming the permission that cannot be one.
  static func permissions(_ names: [String]?) throws -> Set<Permission>? {
    guard let names else { return nil }
    return Set(
      try names.enumerated().map { index, name in
        guard let permission = Permission(rawValue: name) else {
          throw HTTPError.invalid(
            .invalidBody,
            [
              .init(
                path: "permissions[\(index)]", message: "must be read: or write: and a name, for example read:kills")
            ])
        }
        return permission
      })
  }

  /// - Throws: 404 for a text that cannot be an id: no such key exists.
  static func id(_ text: String) throws -> APIKeyID {
    guard let id = APIKeyID(text) else { throw APIKeyError.notFound.httpError }
    return id
  }
}

extension APIKeyError {
  var httpError: HTTPError {
    switch self {
    case .invalid(let field, let reason): .invalid(.invalidBody, [.init(path: field, message: reason)])
    case .handleTaken:
      .invalid(.invalidBody, [.init(path: "playerName", message: "is verified as somebody else's handle")])
    case .tooMany:
      HTTPError(
        .unprocessableContent, kind: .invalidBody,
        "a user has at most \(APIKeys.maximumPerUser) keys; delete one first")
    case .notFound: HTTPError(.notFound, kind: .notFound, "there is no such key")
    }
  }
}

/// A key as lists show it.
struct KeyAnswer: Codable, Sendable {
  let id: String
  let name: String
  @Nullable var playerName: String?
  let permissions: [String]
  let isActive: Bool
  @Nullable var lastUsedAt: Timestamp?
  @Nullable var expiresAt: Timestamp?
  let createdAt: Timestamp

  init(_ key: APIKey) {
    id = key.id.description
    name = key.name
    playerName = key.playerName
    permissions = key.permissions.map(\.rawValue).sorted()
    isActive = key.isActive
    lastUsedAt = key.lastUsedAt
    expiresAt = key.expiresAt
    createdAt = key.createdAt
  }
}

/// A key that was just made. `key` is its text, told this once; null where it was made before.
struct NewKeyAnswer: Codable, Sendable {
  let id: String
  @Nullable var key: String?
  let name: String
  @Nullable var playerName: String?
  @Nullable var botName: String?
  let permissions: [String]
  @Nullable var expiresAt: Timestamp?
  let createdAt: Timestamp

  init(_ key: APIKey, text: Secret<String>?) {
    id = key.id.description
    self.key = text?.reveal()
    name = key.name
    playerName = key.playerName
    botName = key.botName
    permissions = key.permissions.map(\.rawValue).sorted()
    expiresAt = key.expiresAt
    createdAt = key.createdAt
  }
}
