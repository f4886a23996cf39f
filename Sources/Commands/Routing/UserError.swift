/// An error whose text is meant for the person who gave the command. Every other error is shown as an error id.
public protocol UserFacingError: Error {
  /// Whole sentences in Discord's markdown, at most a few lines.
  var userMessage: String { get }
}

/// Tells the user what is wrong and, where possible, what to do.
public struct UserError: UserFacingError, Equatable {
  public let userMessage: String

  public init(_ message: String) {
    userMessage = message
  }
}
