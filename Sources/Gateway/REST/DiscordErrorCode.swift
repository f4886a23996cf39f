/// Why Discord refused a request. See `opcodes-and-status-codes`, "JSON Error Codes". Codes unknown to this code are kept.
public struct DiscordErrorCode: RawRepresentable, Hashable, Sendable, ExpressibleByIntegerLiteral {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  public init(integerLiteral value: Int) { rawValue = value }

  /// Discord gave none.
  public static let general: DiscordErrorCode = 0

  // There is no such thing.
  public static let unknownApplication: DiscordErrorCode = 10_002
  public static let unknownChannel: DiscordErrorCode = 10_003
  public static let unknownGuild: DiscordErrorCode = 10_004
  public static let unknownInvite: DiscordErrorCode = 10_006
  public static let unknownMember: DiscordErrorCode = 10_007
  public static let unknownMessage: DiscordErrorCode = 10_008
  public static let unknownPermissionOverwrite: DiscordErrorCode = 10_009
  public static let unknownRole: DiscordErrorCode = 10_011
  public static let unknownUser: DiscordErrorCode = 10_013
  public static let unknownEmoji: DiscordErrorCode = 10_014
  public static let unknownWebhook: DiscordErrorCode = 10_015
  public static let unknownBan: DiscordErrorCode = 10_026
  public static let unknownInteraction: DiscordErrorCode = 10_062
  public static let unknownApplicationCommand: DiscordErrorCode = 10_063
  public static let unknownCommandPermissions: DiscordErrorCode = 10_066

  // Not for bots, or not for this one.
  public static let usersOnly: DiscordErrorCode = 20_001
  public static let botsOnly: DiscordErrorCode = 20_002
  public static let notAuthorizedForApplication: DiscordErrorCode = 20_012
  public static let slowmode: DiscordErrorCode = 20_016
  public static let channelWriteRateLimit: DiscordErrorCode = 20_028

  // There are too many.
  public static let tooManyPins: DiscordErrorCode = 30_003
  public static let tooManyRoles: DiscordErrorCode = 30_005
  public static let tooManyWebhooks: DiscordErrorCode = 30_007
  public static let tooManyEmojis: DiscordErrorCode = 30_008
  public static let tooManyReactions: DiscordErrorCode = 30_010
  public static let tooManyChannels: DiscordErrorCode = 30_013
  public static let tooManyInvites: DiscordErrorCode = 30_016
  public static let tooManyCommands: DiscordErrorCode = 30_032
  public static let tooManyThreadMembers: DiscordErrorCode = 30_033
  public static let tooManyCommandCreates: DiscordErrorCode = 30_034
  public static let tooManyOverwrites: DiscordErrorCode = 30_060

  // It cannot be done, or not any more.
  public static let unauthorized: DiscordErrorCode = 40_001
  public static let requestTooLarge: DiscordErrorCode = 40_005
  public static let userBanned: DiscordErrorCode = 40_007
  public static let alreadyCrossposted: DiscordErrorCode = 40_033
  public static let alreadyAcknowledged: DiscordErrorCode = 40_060
  public static let tagRequired: DiscordErrorCode = 40_067

  public static let missingAccess: DiscordErrorCode = 50_001
  public static let cannotExecuteOnDM: DiscordErrorCode = 50_003
  public static let notTheAuthor: DiscordErrorCode = 50_005
  public static let emptyMessage: DiscordErrorCode = 50_006
  public static let cannotMessageUser: DiscordErrorCode = 50_007
  public static let missingPermissions: DiscordErrorCode = 50_013
  public static let invalidToken: DiscordErrorCode = 50_014
  public static let bulkDeleteCount: DiscordErrorCode = 50_016
  public static let systemMessage: DiscordErrorCode = 50_021
  public static let wrongChannelType: DiscordErrorCode = 50_024
  public static let invalidOAuth2Token: DiscordErrorCode = 50_025
  public static let missingOAuth2Scope: DiscordErrorCode = 50_026
  public static let invalidWebhookToken: DiscordErrorCode = 50_027
  public static let invalidRole: DiscordErrorCode = 50_028
  public static let bulkDeleteTooOld: DiscordErrorCode = 50_034
  public static let invalidFormBody: DiscordErrorCode = 50_035
  public static let threadArchived: DiscordErrorCode = 50_083

  public static let reactionBlocked: DiscordErrorCode = 90_001
  public static let overloaded: DiscordErrorCode = 130_000
  public static let threadAlreadyCreated: DiscordErrorCode = 160_004
  public static let threadLocked: DiscordErrorCode = 160_005
}
