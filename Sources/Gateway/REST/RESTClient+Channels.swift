import Platform

/// Channels, threads and invites. Each call throws ``DiscordError``.
extension RESTClient {
  public nonisolated func channel(_ channel: Snowflake) async throws -> Channel {
    try await send(Route(.get, "/channels/\(channel: channel)"))
  }

  /// Without threads.
  public nonisolated func channels(of guild: Snowflake) async throws -> [Channel] {
    try await sendList(Route(.get, "/guilds/\(guild: guild)/channels"))
  }

  /// - Parameter body: its name is needed.
  public nonisolated func createChannel(_ body: ChannelBody, in guild: Snowflake, reason: String? = nil) async throws
    -> Channel
  {
    let route = Route(.post, "/guilds/\(guild: guild)/channels")
    guard body.name != nil else {
      throw DiscordError.invalid(route: route.limitKey.route, fields: [.init(path: "name", message: "is needed")])
    }
    return try await send(try route.with(body).with(auditReason: reason))
  }

  /// Also closes, opens and locks threads.
  public nonisolated func editChannel(_ channel: Snowflake, to body: ChannelBody, reason: String? = nil) async throws
    -> Channel
  {
    var route = try Route(.patch, "/channels/\(channel: channel)").with(body).with(auditReason: reason)
    route.part = body.part
    return try await send(route)
  }

  /// Deletes a channel or a thread, closes a direct conversation.
  public nonisolated func deleteChannel(_ channel: Snowflake, reason: String? = nil) async throws {
    try await send(try Route(.delete, "/channels/\(channel: channel)").with(auditReason: reason))
  }

  /// Sets what a role or a member may do in the channel beyond their roles' permissions.
  public nonisolated func setPermissions(
    _ overwrite: PermissionOverwrite, in channel: Snowflake, reason: String? = nil
  ) async throws {
    try await send(
      try Route(.put, "/channels/\(channel: channel)/permissions/\(overwrite.id)").with(OverwriteBody(overwrite))
        .with(auditReason: reason))
  }

  /// - Parameter target: the role or member.
  public nonisolated func deletePermissions(of target: Snowflake, in channel: Snowflake, reason: String? = nil)
    async throws
  {
    try await send(
      try Route(.delete, "/channels/\(channel: channel)/permissions/\(target)").with(auditReason: reason))
  }

  // MARK: Threads

  /// Starts a thread at a message.
  public nonisolated func startThread(
    _ body: ThreadBody, at message: Snowflake, in channel: Snowflake, reason: String? = nil
  ) async throws -> DiscordThread {
    try await send(
      try Route(.post, "/channels/\(channel: channel)/messages/\(message)/threads").with(body)
        .with(auditReason: reason))
  }

  /// Starts a thread without a message, or in a forum with its first one.
  public nonisolated func startThread(_ body: ThreadBody, in channel: Snowflake, reason: String? = nil) async throws
    -> DiscordThread
  {
    try await send(
      try Route(.post, "/channels/\(channel: channel)/threads").with(body, files: body.message?.files ?? [])
        .with(auditReason: reason))
  }

  public nonisolated func joinThread(_ thread: Snowflake) async throws {
    try await send(Route(.put, "/channels/\(channel: thread)/thread-members/@me"))
  }

  public nonisolated func leaveThread(_ thread: Snowflake) async throws {
    try await send(Route(.delete, "/channels/\(channel: thread)/thread-members/@me"))
  }

  public nonisolated func addMember(_ user: Snowflake, toThread thread: Snowflake) async throws {
    try await send(Route(.put, "/channels/\(channel: thread)/thread-members/\(user)"))
  }

  public nonisolated func removeMember(_ user: Snowflake, fromThread thread: Snowflake) async throws {
    try await send(Route(.delete, "/channels/\(channel: thread)/thread-members/\(user)"))
  }

  public nonisolated func threadMember(_ user: Snowflake, of thread: Snowflake) async throws -> ThreadMember {
    try await send(
      Route(.get, "/channels/\(channel: thread)/thread-members/\(user)").with(query: "with_member", "true"))
  }

  /// By id. Needs the GUILD_MEMBERS intent.
  /// - Parameter limit: 1 to 100; 100 unless told.
  public nonisolated func threadMembers(of thread: Snowflake, after: Snowflake? = nil, limit: Int? = nil) async throws
    -> [ThreadMember]
  {
    try await sendList(
      try Route(.get, "/channels/\(channel: thread)/thread-members").with(query: "with_member", "true")
        .with(query: "after", after).with(query: "limit", limit, in: 1...100))
  }

  public nonisolated func activeThreads(of guild: Snowflake) async throws -> ThreadList {
    try await send(Route(.get, "/guilds/\(guild: guild)/threads/active"))
  }

  /// Latest archived first.
  /// - Parameters:
  ///   - isPrivate: the private ones instead of the public ones; needs the permission to manage threads.
  ///   - before: archived before that time, for the next page.
  public nonisolated func archivedThreads(
    of channel: Snowflake, isPrivate: Bool = false, before: Timestamp? = nil, limit: Int? = nil
  ) async throws -> ThreadList {
    let path: RoutePath =
      if isPrivate {
        "/channels/\(channel: channel)/threads/archived/private"
      } else {
        "/channels/\(channel: channel)/threads/archived/public"
      }
    return try await send(
      try Route(.get, path).with(query: "before", before?.iso8601).with(query: "limit", limit, in: 2...100))
  }

  /// The private archived threads that the bot is in, newest first.
  public nonisolated func joinedArchivedThreads(of channel: Snowflake, before: Snowflake? = nil, limit: Int? = nil)
    async throws -> ThreadList
  {
    try await send(
      try Route(.get, "/channels/\(channel: channel)/users/@me/threads/archived/private").with(query: "before", before)
        .with(query: "limit", limit, in: 2...100))
  }

  // MARK: Invites

  public nonisolated func createInvite(_ body: InviteBody = InviteBody(), to channel: Snowflake, reason: String? = nil)
    async throws -> Invite
  {
    try await send(
      try Route(.post, "/channels/\(channel: channel)/invites").with(body).with(auditReason: reason))
  }

  public nonisolated func invites(to channel: Snowflake) async throws -> [Invite] {
    try await sendList(Route(.get, "/channels/\(channel: channel)/invites"))
  }

  public nonisolated func invites(of guild: Snowflake) async throws -> [Invite] {
    try await sendList(Route(.get, "/guilds/\(guild: guild)/invites"))
  }

  public nonisolated func invite(_ code: String, withCounts: Bool = false) async throws -> Invite {
    try await send(Route(.get, "/invites/\(text: code)").with(flag: "with_counts", withCounts))
  }

  public nonisolated func deleteInvite(_ code: String, reason: String? = nil) async throws {
    try await send(try Route(.delete, "/invites/\(text: code)").with(auditReason: reason))
  }
}
