import Platform

/// The endpoints by name. Each throws ``DiscordError``.
extension RESTClient {
  // MARK: The bot itself

  /// See `developers/events/gateway`, "Get Gateway Bot".
  public nonisolated func gatewayInformation() async throws -> GatewayInformation {
    try await send(Route(.get, "/gateway/bot"))
  }

  public nonisolated func currentUser() async throws -> User { try await send(Route(.get, "/users/@me")) }

  public nonisolated func currentApplication() async throws -> Application {
    try await send(Route(.get, "/applications/@me"))
  }

  // MARK: Commands

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

  // MARK: Interactions
  //
  // None of these waits long for a rate limit: they throw ``DiscordError/rateLimited(route:retryAfter:)`` when the first
  // answer would have to wait more than 2.5 s, anything later more than 10 s. The user then sees "The application did
  // not respond" at once, or an answer that stays as it is, instead of one that comes when nobody expects it any more.

  /// The first answer, due within three seconds.
  public nonisolated func respond(
    to interaction: Snowflake, token: Secret<String>, with response: InteractionResponse
  ) async throws {
    try await send(try callback(interaction, token, response))
  }

  /// As ``respond(to:token:with:)``, returning the message that the answer made or changed, if it did.
  public nonisolated func respondReturningMessage(
    to interaction: Snowflake, token: Secret<String>, with response: InteractionResponse
  ) async throws -> Message? {
    let route = try callback(interaction, token, response).with(query: "with_response", "true")
    return try Self.read(try await perform(route), of: route) { try $0["resource"]?.decodeIfPresent("message") }
  }

  private nonisolated func callback(
    _ interaction: Snowflake, _ token: Secret<String>, _ response: InteractionResponse
  ) throws -> Route {
    try Route(.post, "/interactions/\(interaction: interaction)/\(token: token)/callback")
      .with(response, files: response.files).forInteraction(maximumWait: Route.callbackWait)
  }

  public nonisolated func originalResponse(application: Snowflake, token: Secret<String>) async throws -> Message {
    try await send(
      Route(.get, "/webhooks/\(webhook: application)/\(token: token)/messages/@original").forInteraction())
  }

  public nonisolated func editOriginalResponse(
    _ body: MessageBody, application: Snowflake, token: Secret<String>
  ) async throws -> Message {
    try await send(
      try Route(.patch, "/webhooks/\(webhook: application)/\(token: token)/messages/@original")
        .with(body, files: body.files).forInteraction())
  }

  public nonisolated func deleteOriginalResponse(application: Snowflake, token: Secret<String>) async throws {
    try await send(
      Route(.delete, "/webhooks/\(webhook: application)/\(token: token)/messages/@original").forInteraction())
  }

  public nonisolated func createFollowUp(_ body: MessageBody, application: Snowflake, token: Secret<String>)
    async throws -> Message
  {
    try await send(
      try Route(.post, "/webhooks/\(webhook: application)/\(token: token)").with(body, files: body.files)
        .with(query: "wait", "true").forInteraction())
  }

  public nonisolated func editFollowUp(
    _ message: Snowflake, to body: MessageBody, application: Snowflake, token: Secret<String>
  ) async throws -> Message {
    try await send(
      try Route(.patch, "/webhooks/\(webhook: application)/\(token: token)/messages/\(message)")
        .with(body, files: body.files).forInteraction())
  }

  public nonisolated func deleteFollowUp(_ message: Snowflake, application: Snowflake, token: Secret<String>)
    async throws
  {
    try await send(
      Route(.delete, "/webhooks/\(webhook: application)/\(token: token)/messages/\(message)").forInteraction())
  }

  // MARK: Messages, channels, guilds

  /// A nonce is added unless the body has one, so that the call can be repeated when its answer got lost.
  public nonisolated func createMessage(_ body: MessageBody, in channel: Snowflake) async throws -> Message {
    var body = body
    if body.nonce == nil { body.nonce = makeNonce() }
    var route = try Route(.post, "/channels/\(channel: channel)/messages").with(body, files: body.files)
    route.isRepeatable = true
    return try await send(route)
  }

  public nonisolated func message(_ message: Snowflake, in channel: Snowflake) async throws -> Message {
    try await send(Route(.get, "/channels/\(channel: channel)/messages/\(message)"))
  }

  public nonisolated func editMessage(_ message: Snowflake, in channel: Snowflake, to body: MessageBody) async throws
    -> Message
  {
    try await send(
      try Route(.patch, "/channels/\(channel: channel)/messages/\(message)").with(body, files: body.files))
  }

  public nonisolated func deleteMessage(_ message: Snowflake, in channel: Snowflake, reason: String? = nil) async throws
  {
    try await send(deletion(of: message, in: channel).with(auditReason: reason))
  }

  /// Discord limits the deletion of very young and of old messages apart from that of others.
  private nonisolated func deletion(of message: Snowflake, in channel: Snowflake) -> Route {
    var route = Route(.delete, "/channels/\(channel: channel)/messages/\(message)")
    let age = time.timestamp - message.timestamp
    if age < .seconds(10) { route.variant = "young" }
    if age > .seconds(14 * 86_400) { route.variant = "old" }
    return route
  }

  public nonisolated func channel(_ channel: Snowflake) async throws -> Channel {
    try await send(Route(.get, "/channels/\(channel: channel)"))
  }

  public nonisolated func guild(_ guild: Snowflake, withCounts: Bool = false) async throws -> Guild {
    try await send(Route(.get, "/guilds/\(guild: guild)").with(query: "with_counts", withCounts ? "true" : nil))
  }

  /// Without threads.
  public nonisolated func channels(of guild: Snowflake) async throws -> [Channel] {
    try await sendList(Route(.get, "/guilds/\(guild: guild)/channels"))
  }

  public nonisolated func member(_ user: Snowflake, of guild: Snowflake) async throws -> Member {
    try await send(Route(.get, "/guilds/\(guild: guild)/members/\(user)"))
  }
}

/// Where to connect, how many shards Discord recommends, and how many sessions may be started.
public struct GatewayInformation: Sendable, Hashable, JSONDecodable {
  public let url: String
  public let shards: Int
  public let sessionStartLimit: SessionStartLimit

  public init(url: String, shards: Int, sessionStartLimit: SessionStartLimit) {
    self.url = url
    self.shards = shards
    self.sessionStartLimit = sessionStartLimit
  }

  public init(json: JSONView) throws {
    url = try json.decode("url")
    shards = try json.decode("shards")
    sessionStartLimit = try json.decode("session_start_limit")
  }
}

/// The application behind the bot.
public struct Application: Sendable, Hashable, Identifiable, JSONDecodable {
  public let id: Snowflake
  public let name: String
  /// Verifies interactions that come over HTTP; hexadecimal.
  public let verifyKey: String?
  public let flags: Int

  public init(json: JSONView) throws {
    id = try json.decode("id")
    name = try json.decodeIfPresent("name") ?? ""
    verifyKey = try json.decodeIfPresent("verify_key")
    flags = try json.decodeIfPresent("flags") ?? 0
  }
}
