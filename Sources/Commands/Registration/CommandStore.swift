import Gateway

/// The commands that Discord holds for this application, one list per scope.
public protocol CommandStore: Sendable {
  /// All commands, with all their localizations (`with_localizations=true`).
  func commands(in scope: CommandScope) async throws -> [ApplicationCommandDefinition]
  /// Replaces the whole list in one request.
  func overwrite(_ commands: [ApplicationCommandDefinition], in scope: CommandScope) async throws
}
