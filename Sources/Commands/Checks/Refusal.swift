import Gateway
import Platform

/// Why something did not run, in words for the user, and in one word for those who count.
public struct Refusal: Error, Sendable, Equatable, UserFacingError {
  public enum Reason: String, Sendable, CaseIterable {
    /// Used where it is not offered.
    case place
    case pluginOff
    case maintenance
    case permission
    /// The bot itself may not.
    case botPermission
    case rateLimit
    case busy
    case component
    /// A check of the application's own.
    case other
  }

  public let reason: Reason
  public let userMessage: String
  /// False for what would only repeat itself in the audit log: further refusals of one rate limit.
  public let isNoteworthy: Bool

  public init(_ reason: Reason, _ userMessage: String, isNoteworthy: Bool = true) {
    self.reason = reason
    self.userMessage = userMessage
    self.isNoteworthy = isNoteworthy
  }
}

/// A condition on everything that runs, beyond those of ``Admission``.
public protocol CommandCheck: Sendable {
  /// - Throws: a ``UserFacingError`` to refuse; anything else counts as a failure.
  func check(_ request: CommandRequest) async throws
}

/// Something that is about to run.
public struct CommandRequest: Sendable {
  public let plugin: PluginDescription
  public let action: Action
  public let interaction: Interaction
  public let user: User
}
