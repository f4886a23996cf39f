/// Why a gateway connection was closed. See `developers/topics/opcodes-and-status-codes`.
public struct GatewayCloseCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// What to do after a close by the other side.
  public enum Consequence: Sendable, Hashable {
    /// Connect again and take the session up where it stopped.
    case resume
    /// The session is gone; connect again and identify.
    case identify
    /// No attempt can succeed until somebody changes something.
    case fatal
  }

  public static let unknownError = GatewayCloseCode(rawValue: 4000)
  public static let unknownOpcode = GatewayCloseCode(rawValue: 4001)
  public static let decodeError = GatewayCloseCode(rawValue: 4002)
  public static let notAuthenticated = GatewayCloseCode(rawValue: 4003)
  public static let authenticationFailed = GatewayCloseCode(rawValue: 4004)
  public static let alreadyAuthenticated = GatewayCloseCode(rawValue: 4005)
  public static let invalidSequence = GatewayCloseCode(rawValue: 4007)
  public static let rateLimited = GatewayCloseCode(rawValue: 4008)
  public static let sessionTimedOut = GatewayCloseCode(rawValue: 4009)
  public static let invalidShard = GatewayCloseCode(rawValue: 4010)
  public static let shardingRequired = GatewayCloseCode(rawValue: 4011)
  public static let invalidAPIVersion = GatewayCloseCode(rawValue: 4012)
  public static let invalidIntents = GatewayCloseCode(rawValue: 4013)
  public static let disallowedIntents = GatewayCloseCode(rawValue: 4014)

  /// Sent by us to end the session as well. Discord drops the session on 1000 and 1001 alone.
  public static let endSession = GatewayCloseCode(rawValue: 1000)
  /// Sent by us to leave and come back: any code but 1000 and 1001 keeps the session for some minutes. This one is
  /// outside the range that Discord uses, so that it cannot be mistaken for one of its own.
  public static let keepSession = GatewayCloseCode(rawValue: 4900)

  /// For a code sent by Discord. A connection that broke without any code is resumed as well.
  ///
  /// The document says which codes are final, but not which of the others keep the session; that is taken from
  /// discord-api-docs pull request 7172, whose author tried them. A code nobody knows is worth a resume: if the
  /// session is gone Discord says so, and nothing is spent of the daily identifies.
  public var consequence: Consequence {
    switch self {
    case .authenticationFailed, .invalidShard, .shardingRequired, .invalidAPIVersion, .invalidIntents,
      .disallowedIntents:
      .fatal
    case .unknownOpcode, .notAuthenticated, .alreadyAuthenticated, .invalidSequence, .sessionTimedOut: .identify
    default: .resume
    }
  }

  public var description: String { String(rawValue) }
}

/// The gateway refused this bot for good; the message says what to change.
public struct GatewayFatalError: Error, Sendable, Hashable, CustomStringConvertible {
  public let code: GatewayCloseCode
  public let shard: ShardID
  public let message: String

  /// What to say when the token is refused, here or by the REST API.
  public static let refusedToken =
    "Discord refused the token: copy a new one from the Developer Portal (Bot, Reset Token) into DISCORD_TOKEN"

  init(code: GatewayCloseCode, shard: ShardID, intents: Intents, recommendedShards: Int?) {
    self.code = code
    self.shard = shard
    let privileged = intents.intersection(.privileged)
    message =
      switch code {
      case .authenticationFailed:
        Self.refusedToken
      case .invalidShard:
        "Discord refused shard \(shard): set discord.shards to \"auto\", or to ids below the total"
      case .shardingRequired:
        recommendedShards.map {
          "the bot is in too many guilds for \(shard.count) shard(s): set discord.shards to \"auto\" or to a total of \($0)"
        } ?? "the bot is in too many guilds for \(shard.count) shard(s): set discord.shards to \"auto\""
      case .invalidAPIVersion:
        "Discord no longer speaks gateway version \(GatewayProtocol.apiVersion): update to a newer release"
      case .invalidIntents:
        "Discord does not know the intents \(intents) (\(intents.rawValue)): correct discord.intents"
      case .disallowedIntents:
        "the intents \(privileged) are not enabled: switch them on in the Developer Portal (Bot, Privileged Gateway "
          + "Intents) or take them out of discord.intents"
      default: "the gateway closed with \(code)"
      }
  }

  public var description: String { "gateway close \(code) on shard \(shard): \(message)" }
}

/// Facts of the protocol as a whole.
public enum GatewayProtocol {
  /// The version of gateway and REST that this module speaks.
  public static let apiVersion = 10
  /// A payload that we send may have this many bytes; Discord closes with 4002 on more.
  public static let maximumPayloadSize = 4096
}
