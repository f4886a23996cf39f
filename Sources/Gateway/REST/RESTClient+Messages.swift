import Platform

/// Which part of a list to return, by id.
public enum Page: Sendable, Hashable {
  case before(Snowflake)
  case after(Snowflake)
  /// Half of them before, half after; messages only.
  case around(Snowflake)

  func add(to route: Route) -> Route {
    switch self {
    case .before(let id): route.with(query: "before", id)
    case .after(let id): route.with(query: "after", id)
    case .around(let id): route.with(query: "around", id)
    }
  }
}

extension Route {
  func with(_ page: Page?) -> Route { page?.add(to: self) ?? self }
}

/// A pinned message. See `developers/resources/message`, "Message Pin Object".
public struct PinnedMessage: Sendable, JSONDecodable {
  public let pinnedAt: Timestamp
  public let message: Message

  public init(json: JSONView) throws {
    pinnedAt = try json.decode("pinned_at")
    message = try json.decode("message")
  }
}

/// A page of a channel's pins, newest first.
public struct PinnedMessages: Sendable, JSONDecodable {
  public let items: [PinnedMessage]
  public let hasMore: Bool

  public init(json: JSONView) throws {
    items = try json.decodeList("items")
    hasMore = json.flag("has_more")
  }
}

/// Messages, reactions and pins. Each call throws ``DiscordError``.
extension RESTClient {
  /// A nonce is added unless the body has one, so that the call can be repeated when its answer got lost.
  public nonisolated func createMessage(_ body: MessageBody, in channel: Snowflake) async throws -> Message {
    var body = body
    if body.nonce == nil { body.nonce = makeNonce() }
    return try await send(
      try Route(.post, "/channels/\(channel: channel)/messages").with(body, files: body.files).repeatable())
  }

  public nonisolated func message(_ message: Snowflake, in channel: Snowflake) async throws -> Message {
    try await send(Route(.get, "/channels/\(channel: channel)/messages/\(message)"))
  }

  /// Newest first.
  /// - Parameter limit: 1 to 100; 50 unless told.
  public nonisolated func messages(in channel: Snowflake, _ page: Page? = nil, limit: Int? = nil) async throws
    -> [Message]
  {
    try await sendList(
      try Route(.get, "/channels/\(channel: channel)/messages").with(page).with(query: "limit", limit, in: 1...100))
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
    if age > Self.bulkDeleteAge { route.variant = "old" }
    return route
  }

  /// Older messages can only be deleted one by one.
  static let bulkDeleteAge = Duration.seconds(14 * 86_400)

  /// - Parameter messages: 2 to 100, none older than 14 days.
  public nonisolated func deleteMessages(_ messages: [Snowflake], in channel: Snowflake, reason: String? = nil)
    async throws
  {
    let body = BulkDeleteBody(
      messages: messages, oldest: Snowflake(timestamp: time.timestamp + (.zero - Self.bulkDeleteAge)))
    try await send(
      try Route(.post, "/channels/\(channel: channel)/messages/bulk-delete").with(body).with(auditReason: reason)
        .repeatable())
  }

  private struct BulkDeleteBody: Encodable, CheckedBody {
    let messages: [Snowflake]
    let oldest: Snowflake
    enum CodingKeys: CodingKey { case messages }

    func check(_ checker: inout BodyChecker) {
      checker.count(messages.count, "messages", 2...100)
      if Set(messages).count < messages.count { checker.add("messages", "must not name one twice") }
      for (index, message) in messages.enumerated() where message < oldest {
        checker.add("messages[\(index)]", "must not be older than 14 days")
      }
    }
  }

  /// Publishes a message of an announcement channel to the channels that follow it.
  public nonisolated func crosspostMessage(_ message: Snowflake, in channel: Snowflake) async throws -> Message {
    try await send(Route(.post, "/channels/\(channel: channel)/messages/\(message)/crosspost"))
  }

  /// "… is typing" for ten seconds or until the next message.
  public nonisolated func startTyping(in channel: Snowflake) async throws {
    try await send(Route(.post, "/channels/\(channel: channel)/typing").repeatable())
  }

  // MARK: Reactions

  public nonisolated func addReaction(_ emoji: ReactionEmoji, to message: Snowflake, in channel: Snowflake) async throws
  {
    try await send(
      Route(.put, "/channels/\(channel: channel)/messages/\(message)/reactions/\(text: emoji.text)/@me"))
  }

  /// - Parameter user: nil for the bot's own.
  public nonisolated func removeReaction(
    _ emoji: ReactionEmoji, of user: Snowflake? = nil, from message: Snowflake, in channel: Snowflake
  ) async throws {
    let path: RoutePath =
      if let user {
        "/channels/\(channel: channel)/messages/\(message)/reactions/\(text: emoji.text)/\(user)"
      } else {
        "/channels/\(channel: channel)/messages/\(message)/reactions/\(text: emoji.text)/@me"
      }
    try await send(Route(.delete, path))
  }

  /// - Parameter emoji: nil for all of them.
  public nonisolated func removeReactions(
    _ emoji: ReactionEmoji? = nil, from message: Snowflake, in channel: Snowflake
  ) async throws {
    let path: RoutePath =
      if let emoji {
        "/channels/\(channel: channel)/messages/\(message)/reactions/\(text: emoji.text)"
      } else {
        "/channels/\(channel: channel)/messages/\(message)/reactions"
      }
    try await send(Route(.delete, path))
  }

  /// Who reacted so, by id.
  /// - Parameter limit: 1 to 100; 25 unless told.
  public nonisolated func reactions(
    _ emoji: ReactionEmoji, to message: Snowflake, in channel: Snowflake, after: Snowflake? = nil, limit: Int? = nil
  ) async throws -> [User] {
    try await sendList(
      try Route(.get, "/channels/\(channel: channel)/messages/\(message)/reactions/\(text: emoji.text)")
        .with(query: "after", after).with(query: "limit", limit, in: 1...100))
  }

  // MARK: Pins

  /// - Parameters:
  ///   - before: pinned before that time, for the next page: the last one's ``PinnedMessage/pinnedAt``.
  ///   - limit: 1 to 50; 50 unless told.
  public nonisolated func pins(in channel: Snowflake, before: Timestamp? = nil, limit: Int? = nil) async throws
    -> PinnedMessages
  {
    try await send(
      try Route(.get, "/channels/\(channel: channel)/messages/pins").with(query: "before", before?.iso8601)
        .with(query: "limit", limit, in: 1...50))
  }

  public nonisolated func pinMessage(_ message: Snowflake, in channel: Snowflake, reason: String? = nil) async throws {
    try await send(
      try Route(.put, "/channels/\(channel: channel)/messages/pins/\(message)").with(auditReason: reason))
  }

  public nonisolated func unpinMessage(_ message: Snowflake, in channel: Snowflake, reason: String? = nil) async throws
  {
    try await send(
      try Route(.delete, "/channels/\(channel: channel)/messages/pins/\(message)").with(auditReason: reason))
  }
}
