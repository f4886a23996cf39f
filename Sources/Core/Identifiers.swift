import Platform
import Storage

/// The id of something at Discord: 64 bits, written as a decimal string in JSON and in the database (Discord API
/// Reference, "Snowflakes"). Each kind of thing has its own type, so that a user cannot stand where a guild should.
public protocol DiscordIdentifier: RawRepresentable<UInt64>, Hashable, Sendable, Codable, LosslessStringConvertible,
  DatabaseValueConvertible
{
  init(rawValue: UInt64)
}

extension DiscordIdentifier {
  public init(_ value: UInt64) { self.init(rawValue: value) }

  /// Nil unless the text is a decimal number of at most 64 bits.
  public init?(_ text: String) {
    guard let value = UInt64(text), text.utf8.first != UInt8(ascii: "+") else { return nil }
    self.init(rawValue: value)
  }

  public var description: String { String(rawValue) }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let value = Self(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a Discord id")
    }
    self = value
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  // The documented columns are VARCHAR(20). Order by another column: as text, 9 comes after 10.
  public static var databaseType: DatabaseType { .text }
  public var databaseValue: DatabaseValue { .text(description) }
  public init?(databaseValue: DatabaseValue) {
    guard case .text(let text) = databaseValue else { return nil }
    self.init(text)
  }
}

public struct GuildID: DiscordIdentifier {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

extension DiscordIdentifier {
  /// When Discord made it (Discord Reference, "Snowflakes").
  public var createdAt: Timestamp { Timestamp(milliseconds: Int64(rawValue >> 22) + 1_420_070_400_000) }
}

public struct UserID: DiscordIdentifier {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}
