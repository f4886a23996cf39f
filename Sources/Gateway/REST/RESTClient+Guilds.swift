import Platform

/// Guilds, members, bans, roles, emojis. Each call throws ``DiscordError``.
extension RESTClient {
  public nonisolated func guild(_ guild: Snowflake, withCounts: Bool = false) async throws -> Guild {
    try await send(Route(.get, "/guilds/\(guild: guild)").with(flag: "with_counts", withCounts))
  }

  public nonisolated func editGuild(_ guild: Snowflake, to body: GuildBody, reason: String? = nil) async throws -> Guild
  {
    try await send(try Route(.patch, "/guilds/\(guild: guild)").with(body).with(auditReason: reason))
  }

  /// Newest first.
  /// - Parameters:
  ///   - actionType: only such events, for example 22 for bans.
  ///   - limit: 1 to 100; 50 unless told.
  public nonisolated func auditLog(
    of guild: Snowflake, user: Snowflake? = nil, actionType: Int? = nil, _ page: Page? = nil, limit: Int? = nil
  ) async throws -> GuildAuditLog {
    try await send(
      try Route(.get, "/guilds/\(guild: guild)/audit-logs").with(query: "user_id", user)
        .with(query: "action_type", actionType).with(page).with(query: "limit", limit, in: 1...100))
  }

  // MARK: Members

  public nonisolated func member(_ user: Snowflake, of guild: Snowflake) async throws -> Member {
    try await send(Route(.get, "/guilds/\(guild: guild)/members/\(user)"))
  }

  /// By id. Needs the GUILD_MEMBERS intent.
  /// - Parameter limit: 1 to 1000; 1 unless told.
  public nonisolated func members(of guild: Snowflake, after: Snowflake? = nil, limit: Int? = nil) async throws
    -> [Member]
  {
    try await sendList(
      try Route(.get, "/guilds/\(guild: guild)/members").with(query: "after", after)
        .with(query: "limit", limit, in: 1...1_000))
  }

  /// Members whose user name or nickname begins so.
  /// - Parameter limit: 1 to 1000; 1 unless told.
  public nonisolated func searchMembers(of guild: Snowflake, _ query: String, limit: Int? = nil) async throws
    -> [Member]
  {
    try await sendList(
      try Route(.get, "/guilds/\(guild: guild)/members/search").with(query: "query", query)
        .with(query: "limit", limit, in: 1...1_000))
  }

  public nonisolated func editMember(
    _ user: Snowflake, of guild: Snowflake, to body: MemberBody, reason: String? = nil
  ) async throws -> Member {
    if case .set(let end) = body.timeoutUntil, end - time.timestamp > Self.longestTimeout {
      throw DiscordError.invalid(
        route: "PATCH /guilds/{}/members/{}",
        fields: [.init(path: "communication_disabled_until", message: "must be at most 28 days ahead")])
    }
    return try await send(
      try Route(.patch, "/guilds/\(guild: guild)/members/\(user)").with(body).with(auditReason: reason))
  }

  static let longestTimeout = Duration.seconds(28 * 86_400)

  /// Changes the bot's own nickname.
  public nonisolated func editOwnNick(_ nick: Edit<String>, in guild: Snowflake, reason: String? = nil) async throws
    -> Member
  {
    try await send(
      try Route(.patch, "/guilds/\(guild: guild)/members/@me").with(MemberBody(nick: nick)).with(auditReason: reason))
  }

  public nonisolated func addRole(
    _ role: Snowflake, to user: Snowflake, of guild: Snowflake, reason: String? = nil
  ) async throws {
    try await send(
      try Route(.put, "/guilds/\(guild: guild)/members/\(user)/roles/\(role)").with(auditReason: reason))
  }

  public nonisolated func removeRole(
    _ role: Snowflake, from user: Snowflake, of guild: Snowflake, reason: String? = nil
  ) async throws {
    try await send(
      try Route(.delete, "/guilds/\(guild: guild)/members/\(user)/roles/\(role)").with(auditReason: reason))
  }

  public nonisolated func kickMember(_ user: Snowflake, from guild: Snowflake, reason: String? = nil) async throws {
    try await send(try Route(.delete, "/guilds/\(guild: guild)/members/\(user)").with(auditReason: reason))
  }

  // MARK: Bans

  /// By id.
  /// - Parameter limit: 1 to 1000; 1000 unless told.
  public nonisolated func bans(of guild: Snowflake, _ page: Page? = nil, limit: Int? = nil) async throws -> [Ban] {
    try await sendList(
      try Route(.get, "/guilds/\(guild: guild)/bans").with(page).with(query: "limit", limit, in: 1...1_000))
  }

  public nonisolated func ban(of user: Snowflake, in guild: Snowflake) async throws -> Ban {
    try await send(Route(.get, "/guilds/\(guild: guild)/bans/\(user)"))
  }

  /// - Parameter deleteMessageSeconds: how far back the user's messages go as well, up to 604800 (a week).
  public nonisolated func createBan(
    of user: Snowflake, in guild: Snowflake, deleteMessageSeconds: Int? = nil, reason: String? = nil
  ) async throws {
    try await send(
      try Route(.put, "/guilds/\(guild: guild)/bans/\(user)")
        .with(BanBody(deleteMessageSeconds: deleteMessageSeconds)).with(auditReason: reason))
  }

  public nonisolated func deleteBan(of user: Snowflake, in guild: Snowflake, reason: String? = nil) async throws {
    try await send(try Route(.delete, "/guilds/\(guild: guild)/bans/\(user)").with(auditReason: reason))
  }

  /// - Parameter users: up to 200.
  public nonisolated func bulkBan(
    _ users: [Snowflake], in guild: Snowflake, deleteMessageSeconds: Int? = nil, reason: String? = nil
  ) async throws -> BulkBanResult {
    try await send(
      try Route(.post, "/guilds/\(guild: guild)/bulk-ban")
        .with(BanBody(users: users, deleteMessageSeconds: deleteMessageSeconds)).with(auditReason: reason))
  }

  // MARK: Roles

  public nonisolated func roles(of guild: Snowflake) async throws -> [Role] {
    try await sendList(Route(.get, "/guilds/\(guild: guild)/roles"))
  }

  public nonisolated func createRole(_ body: RoleBody, in guild: Snowflake, reason: String? = nil) async throws -> Role
  {
    try await send(try Route(.post, "/guilds/\(guild: guild)/roles").with(body).with(auditReason: reason))
  }

  public nonisolated func editRole(
    _ role: Snowflake, of guild: Snowflake, to body: RoleBody, reason: String? = nil
  ) async throws -> Role {
    try await send(
      try Route(.patch, "/guilds/\(guild: guild)/roles/\(role)").with(body).with(auditReason: reason))
  }

  /// Moves roles; a higher position stands above a lower one.
  /// - Returns: all of the guild's roles.
  public nonisolated func moveRoles(
    _ positions: [(role: Snowflake, position: Int)], of guild: Snowflake, reason: String? = nil
  ) async throws -> [Role] {
    try await sendList(
      try Route(.patch, "/guilds/\(guild: guild)/roles")
        .with(positions.map { RolePosition(id: $0.role, position: $0.position) }).with(auditReason: reason))
  }

  private struct RolePosition: Encodable {
    let id: Snowflake
    let position: Int
  }

  public nonisolated func deleteRole(_ role: Snowflake, of guild: Snowflake, reason: String? = nil) async throws {
    try await send(try Route(.delete, "/guilds/\(guild: guild)/roles/\(role)").with(auditReason: reason))
  }

  // MARK: Emojis

  public nonisolated func emojis(of guild: Snowflake) async throws -> [Emoji] {
    try await sendList(Route(.get, "/guilds/\(guild: guild)/emojis"))
  }

  public nonisolated func emoji(_ emoji: Snowflake, of guild: Snowflake) async throws -> Emoji {
    try await send(Route(.get, "/guilds/\(guild: guild)/emojis/\(emoji)"))
  }

  /// - Parameter roles: who may use it; empty for everyone.
  public nonisolated func createEmoji(
    _ name: String, _ image: ImageData, roles: [Snowflake] = [], in guild: Snowflake, reason: String? = nil
  ) async throws -> Emoji {
    try await send(
      try Route(.post, "/guilds/\(guild: guild)/emojis").with(EmojiBody(name: name, image: image, roles: roles))
        .with(auditReason: reason))
  }

  public nonisolated func editEmoji(
    _ emoji: Snowflake, of guild: Snowflake, name: String? = nil, roles: [Snowflake]? = nil, reason: String? = nil
  ) async throws -> Emoji {
    try await send(
      try Route(.patch, "/guilds/\(guild: guild)/emojis/\(emoji)").with(EmojiBody(name: name, roles: roles))
        .with(auditReason: reason))
  }

  public nonisolated func deleteEmoji(_ emoji: Snowflake, of guild: Snowflake, reason: String? = nil) async throws {
    try await send(try Route(.delete, "/guilds/\(guild: guild)/emojis/\(emoji)").with(auditReason: reason))
  }
}
