import Core
import Platform
import Storage

public struct APIKeyID: NumberedID {
  public static let prefix = "key_"
  public let number: Int64
  public init(number: Int64) { self.number = number }
}

/// An API key as its owner sees it: everything but the key itself.
public struct APIKey: Sendable, Equatable {
  public enum Kind: String, Sendable, DatabaseValueConvertible {
    case standard
    /// The one of the Kill Tracker application; each user has at most one.
    case primary
    /// Of a Discord bot.
    case bot
  }

  public var id: APIKeyID
  public var userID: UserID
  public var kind: Kind
  public var name: String
  /// Whose kills it records.
  public var playerName: String?
  public var botName: String?
  public var permissions: Set<Permission>
  /// Made in a login that is a plain user's whatever its user is elsewhere; so is the key.
  public var isLimited: Bool
  public var isActive: Bool
  public var createdAt: Timestamp
  public var expiresAt: Timestamp?
  /// Up to a minute late after a crash.
  public var lastUsedAt: Timestamp?

  func isExpired(at now: Timestamp) -> Bool { expiresAt.map { now >= $0 } ?? false }
}

/// A key that was just made. Its text is shown now and never again.
public struct NewAPIKey: Sendable, Equatable {
  public let key: APIKey
  public let text: Secret<String>
}

/// What somebody wants of a new key.
public struct APIKeyRequest: Sendable, Equatable {
  public var kind: APIKey.Kind
  public var name: String
  public var playerName: String?
  public var botName: String?
  /// Empty: ``Permission/standard``.
  public var permissions: Set<Permission>
  public var expiresAt: Timestamp?
  public var isLimited: Bool

  public init(
    kind: APIKey.Kind = .standard, name: String, playerName: String? = nil, botName: String? = nil,
    permissions: Set<Permission> = [], expiresAt: Timestamp? = nil, isLimited: Bool = false
  ) {
    self.kind = kind
    self.name = name
    self.playerName = playerName
    self.botName = botName
    self.permissions = permissions
    self.expiresAt = expiresAt
    self.isLimited = isLimited
  }
}

/// What may be changed of a key. Nil leaves as it is.
public struct APIKeyChanges: Sendable, Equatable {
  public var name: String?
  public var isActive: Bool?
  public var permissions: Set<Permission>?

  public init(name: String? = nil, isActive: Bool? = nil, permissions: Set<Permission>? = nil) {
    self.name = name
    self.isActive = isActive
    self.permissions = permissions
  }
}

public enum APIKeyError: Error, Equatable, Sendable {
  /// A field that cannot be taken, and why, in the user's terms.
  case invalid(field: String, reason: String)
  /// The handle is verified as somebody else's.
  case handleTaken
  /// The user has ``APIKeys/maximumPerUser`` keys.
  case tooMany
  /// No such key of this user.
  case notFound
}

/// Tells whose a player's handle is. Only a verified handle is anybody's.
public protocol HandleOwnership: Sendable {
  /// - Parameter handle: in any case.
  func owner(of handle: String, in transaction: ReadTransaction) throws -> UserID?
  /// A number that is another one as soon as a handle may have another owner, before anybody hears of that; nil where
  /// nobody knows.
  var changes: UInt64? { get }
}

extension HandleOwnership {
  public var changes: UInt64? { nil }
}
