import Gateway

/// How a command ended.
public enum CommandOutcome: String, Sendable, CaseIterable {
  case succeeded
  /// A check said no; the command did not run.
  case refused
  /// The command said no to the user.
  case userError
  /// It failed, and the user got an error id.
  case failed
  /// The bot was stopped before it ended.
  case cancelled
}

/// Something that ended, for the audit log and whoever else wants to know. It carries no option values: those may be
/// private.
public struct CommandReport: Sendable {
  public let kind: Action.Kind
  /// `plugins enable`.
  public let command: String
  public let plugin: String
  public let userID: Snowflake
  public let guildID: Snowflake?
  public let channelID: Snowflake?
  public let outcome: CommandOutcome
  /// Why it was refused.
  public let refusal: Refusal?
  /// From the arrival of the interaction to the answer.
  public let duration: Duration
  /// The id that the user was shown.
  public let errorID: String?
  /// Why the answer did not reach the user; nil if it did.
  public let undelivered: ReplyFailure?
  /// Whose ``userID`` it is, as Discord showed them.
  public var user: User? = nil
}
