import Platform
import Storage

/// A part of the kill tracker that a server switches on and off.
public enum ServerFeature: String, Sendable, CaseIterable {
  /// The plugin as a whole: its commands, and recording kills of that server. The same switch as `/plugins`.
  case killTracker
  /// Leaderboards of that server.
  case leaderboard
  /// Messages of the bot about kills: kill feed and direct messages.
  case notifications
}

/// Who may see what a server's kills add up to.
public enum ServerPrivacy: String, Sendable, CaseIterable, DatabaseValueConvertible {
  case `public`
  /// Its members, and admins.
  case `private`
}

/// What a server chose, or the defaults.
public struct ServerRecord: Sendable, Equatable {
  /// For programs that answer to text; the bot's own commands are slash commands.
  public var prefix = "!"
  /// A language tag: `en`, `pt-BR`.
  public var language = "en"
  public var privacy = ServerPrivacy.public
  /// Whether kills of the server are told in its channels, where notifications are on.
  public var killNotifications = true
  /// The name or id of the channel that is told who led each week; nil: none.
  public var leaderboardChannel: String?
  /// What is on. A part is off while the plugin is.
  public var features = Set(ServerFeature.allCases)

  public init() {}

  public func isOn(_ feature: ServerFeature) -> Bool { features.contains(feature) }
}

/// What somebody wants to change; nil leaves it as it is.
public struct ServerChanges: Sendable, Equatable {
  public var prefix: String?
  public var language: String?
  public var privacy: ServerPrivacy?
  public var killNotifications: Bool?
  /// `.some(nil)`: none.
  public var leaderboardChannel: String??
  public var features: [ServerFeature: Bool]

  public init(
    prefix: String? = nil, language: String? = nil, privacy: ServerPrivacy? = nil, killNotifications: Bool? = nil,
    leaderboardChannel: String?? = nil, features: [ServerFeature: Bool] = [:]
  ) {
    self.prefix = prefix
    self.language = language
    self.privacy = privacy
    self.killNotifications = killNotifications
    self.leaderboardChannel = leaderboardChannel
    self.features = features
  }

  /// Without blanks around the texts, and checked.
  /// - Throws: ``KillError``: `invalid` with the documents' name of the field.
  func checked() throws -> ServerChanges {
    var changes = self
    if let prefix {
      guard (1...10).contains(prefix.count), prefix.utf8.count <= 40,
        prefix.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F && !$0.properties.isWhitespace })
      else { throw KillError.invalid(field: "prefix", reason: "has 1 to 10 characters and no blanks") }
    }
    if let language {
      guard Self.isLanguage(language) else {
        throw KillError.invalid(field: "language", reason: "is a language tag such as en or pt-BR")
      }
    }
    if let channel = leaderboardChannel, let channel {
      let name = try KillReport.name(
        channel.hasPrefix("#") ? String(channel.dropFirst()) : channel, field: "leaderboardChannel")
      guard let name else { throw KillError.invalid(field: "leaderboardChannel", reason: "must not be empty") }
      changes.leaderboardChannel = name
    }
    return changes
  }

  /// Two or three letters, and perhaps a region or script of two to eight letters or digits (BCP 47 in short).
  private static func isLanguage(_ text: String) -> Bool {
    let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard let first = parts.first, (2...3).contains(first.count), parts.count <= 2 else { return false }
    let isLetter: (UInt8) -> Bool = { (0x61...0x7A).contains($0 | 0x20) }
    guard first.allSatisfy(isLetter) else { return false }
    return parts.dropFirst().allSatisfy { part in
      (2...8).contains(part.count) && part.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) }
    }
  }
}
