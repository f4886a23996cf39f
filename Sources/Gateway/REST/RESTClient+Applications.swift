import Platform

/// The application's commands, their permissions and its emojis. Each call throws ``DiscordError``.
extension RESTClient {
  /// The path of an application's commands, global or of one guild.
  private nonisolated func commandsPath(_ application: Snowflake, _ guild: Snowflake?) -> RoutePath {
    guard let guild else { return "/applications/\(application)/commands" }
    return "/applications/\(application)/guilds/\(guild: guild)/commands"
  }

  private nonisolated func commandPath(_ application: Snowflake, _ guild: Snowflake?, _ command: Snowflake) -> RoutePath
  {
    guard let guild else { return "/applications/\(application)/commands/\(command)" }
    return "/applications/\(application)/guilds/\(guild: guild)/commands/\(command)"
  }

  /// - Parameter guild: nil for the global commands.
  public nonisolated func commands(of application: Snowflake, guild: Snowflake? = nil) async throws
    -> [ApplicationCommand]
  {
    // Without it the localizations are left out, and no stored command would equal its definition.
    try await sendList(
      Route(.get, commandsPath(application, guild)).with(query: "with_localizations", "true"))
  }

  /// Replaces all commands of that scope.
  public nonisolated func overwriteCommands(
    _ commands: [ApplicationCommandDefinition], of application: Snowflake, guild: Snowflake? = nil
  ) async throws -> [ApplicationCommand] {
    try await sendList(try Route(.put, commandsPath(application, guild)).with(commands))
  }

  /// Creates the command or replaces the one of that name.
  public nonisolated func createCommand(
    _ command: ApplicationCommandDefinition, of application: Snowflake, guild: Snowflake? = nil
  ) async throws -> ApplicationCommand {
    var route = try Route(.post, commandsPath(application, guild)).with(command)
    route.isRepeatable = true  // the second time it replaces the first
    return try await send(route)
  }

  public nonisolated func editCommand(
    _ command: Snowflake, to definition: ApplicationCommandDefinition, of application: Snowflake,
    guild: Snowflake? = nil
  ) async throws -> ApplicationCommand {
    try await send(try Route(.patch, commandPath(application, guild, command)).with(definition))
  }

  public nonisolated func deleteCommand(_ command: Snowflake, of application: Snowflake, guild: Snowflake? = nil)
    async throws
  {
    try await send(Route(.delete, commandPath(application, guild, command)))
  }

  // MARK: Command permissions

  /// Of all commands of a guild that have any.
  public nonisolated func commandPermissions(of application: Snowflake, guild: Snowflake) async throws
    -> [CommandPermissions]
  {
    try await sendList(Route(.get, "/applications/\(application)/guilds/\(guild: guild)/commands/permissions"))
  }

  /// - Parameter command: the application's id for what applies to all of its commands.
  public nonisolated func commandPermissions(of application: Snowflake, guild: Snowflake, command: Snowflake)
    async throws -> CommandPermissions
  {
    try await send(
      Route(.get, "/applications/\(application)/guilds/\(guild: guild)/commands/\(command)/permissions"))
  }

  /// Bots may not do that: it takes the access token of a user who manages the guild and its roles, and who authorized
  /// the scope `applications.commands.permissions.update`.
  /// - Parameter permissions: up to 100; they replace those that were there.
  public nonisolated func setCommandPermissions(
    _ permissions: [CommandPermissions.Entry], of application: Snowflake, guild: Snowflake, command: Snowflake,
    accessToken: Secret<String>
  ) async throws -> CommandPermissions {
    try await send(
      try Route(.put, "/applications/\(application)/guilds/\(guild: guild)/commands/\(command)/permissions")
        .with(CommandPermissionsBody(permissions: permissions)).with(.bearer(accessToken)))
  }

  private struct CommandPermissionsBody: Encodable, CheckedBody {
    let permissions: [CommandPermissions.Entry]
    func check(_ checker: inout BodyChecker) { checker.count(permissions.count, "permissions", 0...100) }
  }

  // MARK: Emojis

  public nonisolated func emojis(ofApplication application: Snowflake) async throws -> [Emoji] {
    let route = Route(.get, "/applications/\(application)/emojis")
    return try Self.read(try await perform(route), of: route) { try $0.decodeList("items") }
  }

  public nonisolated func emoji(_ emoji: Snowflake, ofApplication application: Snowflake) async throws -> Emoji {
    try await send(Route(.get, "/applications/\(application)/emojis/\(emoji)"))
  }

  public nonisolated func createEmoji(_ name: String, _ image: ImageData, forApplication application: Snowflake)
    async throws -> Emoji
  {
    try await send(
      try Route(.post, "/applications/\(application)/emojis").with(EmojiBody(name: name, image: image)))
  }

  public nonisolated func editEmoji(_ emoji: Snowflake, ofApplication application: Snowflake, name: String)
    async throws -> Emoji
  {
    try await send(
      try Route(.patch, "/applications/\(application)/emojis/\(emoji)").with(EmojiBody(name: name)))
  }

  public nonisolated func deleteEmoji(_ emoji: Snowflake, ofApplication application: Snowflake) async throws {
    try await send(Route(.delete, "/applications/\(application)/emojis/\(emoji)"))
  }
}
