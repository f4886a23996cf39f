import Core
import Platform
import Storage

/// A SkyPANEL account; `usr_123` on the wire.
public struct AccountID: NumberedID {
  public static let prefix = "usr_"
  public let number: Int64
  public init(number: Int64) { self.number = number }
}

/// A program that speaks for itself, made by an admin (RFC 6749 section 4.4).
public struct ClientID: Hashable, Sendable, LosslessStringConvertible, DatabaseValueConvertible {
  public let text: String

  private static let prefix = "client_"

  /// A new one that nobody has.
  public init() throws { text = Self.prefix + Base62.encode(try Crypto.randomBytes(16), length: 22) }

  public init?(_ text: String) {
    guard text.hasPrefix(Self.prefix), text.utf8.count == Self.prefix.utf8.count + 22,
      text.utf8.dropFirst(Self.prefix.utf8.count).allSatisfy(Base62.isDigit)
    else { return nil }
    self.text = text
  }

  public var description: String { text }

  public static var databaseType: DatabaseType { .text }
  public var databaseValue: DatabaseValue { .text(text) }
  public init?(databaseValue: DatabaseValue) {
    guard case .text(let text) = databaseValue else { return nil }
    self.init(text)
  }
}

/// Whom a token speaks for.
public enum Subject: Hashable, Sendable, LosslessStringConvertible {
  /// A user of Discord, known to the bot or not.
  case user(UserID)
  case account(AccountID)
  case client(ClientID)

  public init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let rest = String(parts[1])
    switch parts[0] {
    case "user":
      // One value has one text: no leading zero.
      guard let id = UserID(rest), id.description == rest else { return nil }
      self = .user(id)
    case "account":
      guard let id = AccountID(rest) else { return nil }
      self = .account(id)
    case "client":
      guard let id = ClientID(rest) else { return nil }
      self = .client(id)
    default: return nil
    }
  }

  public var description: String {
    switch self {
    case .user(let id): "user:\(id)"
    case .account(let id): "account:\(id)"
    case .client(let id): "client:\(id)"
    }
  }
}

extension Subject: DatabaseValueConvertible {
  public static var databaseType: DatabaseType { .text }
  public var databaseValue: DatabaseValue { .text(description) }
  public init?(databaseValue: DatabaseValue) {
    guard case .text(let text) = databaseValue else { return nil }
    self.init(text)
  }
}
