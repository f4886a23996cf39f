import Storage

/// What an API key may do: `read:kills`, `write:kills`, `read:stats` … A person's own login may do all of them.
public struct Permission: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: String

  /// Nil unless the text is `read:` or `write:` and a name of 1 … 32 lower-case letters, digits, `-` or `_`. A name that
  /// no endpoint asks for is taken, and opens nothing.
  public init?(rawValue: String) {
    let parts = rawValue.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "read" || parts[0] == "write", (1...32).contains(parts[1].utf8.count),
      parts[1].utf8.allSatisfy({ byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
          UInt8(ascii: "_"):
          true
        default: false
        }
      })
    else { return nil }
    self.rawValue = rawValue
  }

  private init(_ known: String) { rawValue = known }

  public static let readKills = Permission("read:kills")
  public static let writeKills = Permission("write:kills")
  public static let readStats = Permission("read:stats")
  public static let readUsers = Permission("read:users")
  public static let writeUsers = Permission("write:users")
  public static let readServers = Permission("read:servers")
  public static let writeServers = Permission("write:servers")
  public static let readWebhooks = Permission("read:webhooks")
  public static let writeWebhooks = Permission("write:webhooks")
  public static let readLogs = Permission("read:logs")
  public static let writeLogs = Permission("write:logs")
  public static let readBilling = Permission("read:billing")
  public static let writeBilling = Permission("write:billing")
  public static let readTickets = Permission("read:tickets")
  public static let writeTickets = Permission("write:tickets")

  /// A key created without any: reading kills and recording its own.
  public static let standard: Set<Permission> = [.readKills, .writeKills]

  public var description: String { rawValue }
}
