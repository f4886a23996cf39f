import Gateway

/// The commands of an application as Discord's REST API holds them.
public struct DiscordCommandStore: CommandStore {
  private let client: RESTClient
  private let application: Snowflake

  public init(client: RESTClient, application: Snowflake) {
    self.client = client
    self.application = application
  }

  public func commands(in scope: CommandScope) async throws -> [ApplicationCommandDefinition] {
    try await client.commands(of: application, guild: scope.guildID).map(\.definition)
  }

  public func overwrite(_ commands: [ApplicationCommandDefinition], in scope: CommandScope) async throws {
    _ = try await client.overwriteCommands(commands, of: application, guild: scope.guildID)
  }
}

extension CommandScope {
  fileprivate var guildID: Snowflake? {
    switch self {
    case .global: nil
    case .guild(let id): id
    }
  }
}
