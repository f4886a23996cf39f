import Platform

/// Webhooks: with the bot's token to manage them, with their own to send. Each call throws ``DiscordError``.
extension RESTClient {
  public nonisolated func createWebhook(
    _ name: String, avatar: ImageData? = nil, in channel: Snowflake, reason: String? = nil
  )
    async throws -> Webhook
  {
    try await send(
      try Route(.post, "/channels/\(channel: channel)/webhooks")
        .with(WebhookBody(name: name, avatar: avatar.map { .set($0) })).with(auditReason: reason))
  }

  public nonisolated func webhooks(in channel: Snowflake) async throws -> [Webhook] {
    try await sendList(Route(.get, "/channels/\(channel: channel)/webhooks"))
  }

  public nonisolated func webhooks(of guild: Snowflake) async throws -> [Webhook] {
    try await sendList(Route(.get, "/guilds/\(guild: guild)/webhooks"))
  }

  public nonisolated func webhook(_ webhook: Snowflake) async throws -> Webhook {
    try await send(Route(.get, "/webhooks/\(webhook: webhook)"))
  }

  public nonisolated func editWebhook(_ webhook: Snowflake, to body: WebhookBody, reason: String? = nil) async throws
    -> Webhook
  {
    try await send(try Route(.patch, "/webhooks/\(webhook: webhook)").with(body).with(auditReason: reason))
  }

  public nonisolated func deleteWebhook(_ webhook: Snowflake, reason: String? = nil) async throws {
    try await send(try Route(.delete, "/webhooks/\(webhook: webhook)").with(auditReason: reason))
  }

  // MARK: Sending

  /// Sends a message and waits until it is there. Webhooks take no nonce: it is not sent again once it may have arrived.
  /// - Parameters:
  ///   - username: shown instead of the webhook's name.
  ///   - thread: of the webhook's channel, to send there.
  ///   - threadName: starts a thread of that name in a forum.
  public nonisolated func executeWebhook(
    _ webhook: Snowflake, token: Secret<String>, _ body: MessageBody, username: String? = nil,
    avatarURL: String? = nil, thread: Snowflake? = nil, threadName: String? = nil
  ) async throws -> Message {
    try await send(
      try execution(webhook, token, body, username, avatarURL, thread, threadName).with(query: "wait", "true"))
  }

  /// As ``executeWebhook(_:token:_:username:avatarURL:thread:threadName:)`` without waiting: Discord answers before it
  /// has stored the message, and does not tell if that fails.
  public nonisolated func executeWebhookWithoutWaiting(
    _ webhook: Snowflake, token: Secret<String>, _ body: MessageBody, username: String? = nil,
    avatarURL: String? = nil, thread: Snowflake? = nil, threadName: String? = nil
  ) async throws {
    try await send(try execution(webhook, token, body, username, avatarURL, thread, threadName))
  }

  private nonisolated func execution(
    _ webhook: Snowflake, _ token: Secret<String>, _ body: MessageBody, _ username: String?, _ avatarURL: String?,
    _ thread: Snowflake?, _ threadName: String?
  ) throws -> Route {
    let whole = WebhookMessageBody(message: body, username: username, avatarURL: avatarURL, threadName: threadName)
    return try Route(.post, "/webhooks/\(webhook: webhook)/\(token: token)").with(whole, files: body.files)
      .with(Route.Authentication.none).with(query: "thread_id", thread)
      // Without it components of webhooks that are not the application's own are left out.
      .with(flag: "with_components", body.components?.isEmpty == false)
  }

  public nonisolated func webhookMessage(
    _ message: Snowflake, of webhook: Snowflake, token: Secret<String>, thread: Snowflake? = nil
  ) async throws -> Message {
    try await send(
      Route(.get, "/webhooks/\(webhook: webhook)/\(token: token)/messages/\(message)").with(Route.Authentication.none)
        .with(query: "thread_id", thread))
  }

  public nonisolated func editWebhookMessage(
    _ message: Snowflake, of webhook: Snowflake, token: Secret<String>, to body: MessageBody, thread: Snowflake? = nil
  ) async throws -> Message {
    try await send(
      try Route(.patch, "/webhooks/\(webhook: webhook)/\(token: token)/messages/\(message)")
        .with(body, files: body.files).with(Route.Authentication.none).with(query: "thread_id", thread)
        .with(flag: "with_components", body.components?.isEmpty == false))
  }

  public nonisolated func deleteWebhookMessage(
    _ message: Snowflake, of webhook: Snowflake, token: Secret<String>, thread: Snowflake? = nil
  ) async throws {
    try await send(
      Route(.delete, "/webhooks/\(webhook: webhook)/\(token: token)/messages/\(message)")
        .with(Route.Authentication.none).with(query: "thread_id", thread))
  }
}
