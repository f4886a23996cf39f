import Platform

/// The bot itself and its answers to interactions. Each call throws ``DiscordError``.
extension RESTClient {
  // MARK: The bot itself

  /// See `developers/events/gateway`, "Get Gateway Bot".
  public nonisolated func gatewayInformation() async throws -> GatewayInformation {
    try await send(Route(.get, "/gateway/bot"))
  }

  public nonisolated func currentApplication() async throws -> Application {
    try await send(Route(.get, "/applications/@me"))
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
