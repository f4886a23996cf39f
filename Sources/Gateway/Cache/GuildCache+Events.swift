import Platform

extension GuildCache {
  /// The events that tell of what can be kept.
  ///
  /// The members inside messages and interactions are left alone: what they say comes as events of its own, and to look
  /// for them every message would have to be read, also where nobody wants it.
  enum Event: String, CaseIterable {
    case ready = "READY"
    case guildCreate = "GUILD_CREATE"
    case guildUpdate = "GUILD_UPDATE"
    case guildDelete = "GUILD_DELETE"
    case memberAdd = "GUILD_MEMBER_ADD"
    case memberRemove = "GUILD_MEMBER_REMOVE"
    case memberUpdate = "GUILD_MEMBER_UPDATE"
    case membersChunk = "GUILD_MEMBERS_CHUNK"
    case roleCreate = "GUILD_ROLE_CREATE"
    case roleUpdate = "GUILD_ROLE_UPDATE"
    case roleDelete = "GUILD_ROLE_DELETE"
    case channelCreate = "CHANNEL_CREATE"
    case channelUpdate = "CHANNEL_UPDATE"
    case channelDelete = "CHANNEL_DELETE"
    case threadCreate = "THREAD_CREATE"
    case threadUpdate = "THREAD_UPDATE"
    case threadDelete = "THREAD_DELETE"
    case threadListSync = "THREAD_LIST_SYNC"
    case voiceStateUpdate = "VOICE_STATE_UPDATE"
    case presenceUpdate = "PRESENCE_UPDATE"
  }

  /// Whether this cache keeps anything that the event tells of.
  func follows(_ event: Event) -> Bool {
    switch event {
    case .ready, .guildCreate, .guildUpdate, .guildDelete, .memberAdd, .memberRemove, .memberUpdate: true
    case .membersChunk: !kinds.isDisjoint(with: [.members, .presences])
    case .roleCreate, .roleUpdate, .roleDelete: kinds.contains(.roles)
    case .channelCreate, .channelUpdate, .channelDelete, .threadCreate, .threadUpdate, .threadDelete, .threadListSync:
      kinds.contains(.channels)
    case .voiceStateUpdate: kinds.contains(.voiceStates)
    case .presenceUpdate: kinds.contains(.presences)
    }
  }

  /// Takes over what an event says: all of it or, if it throws, nothing.
  /// - Parameter shard: which it came from.
  /// - Throws: ``DecodingFailure``
  func apply(_ event: Event, _ data: JSONView, shard: ShardID) throws {
    guard follows(event) else { return }
    switch event {
    case .ready: try ready(data, shard)
    case .guildCreate: try guildCreated(data)
    case .guildUpdate: try guildUpdated(data)
    case .guildDelete: try guildDeleted(data)
    case .memberAdd: try memberAdded(data)
    case .memberRemove: try memberRemoved(data)
    case .memberUpdate: try memberUpdated(data)
    case .membersChunk: try membersChunk(data)
    case .roleCreate, .roleUpdate:
      let role: Role = try data.decode("role")
      try change(data) { $0.roles.put(CachedRole(role)) }
    case .roleDelete:
      let id: Snowflake = try data.decode("role_id")
      try change(data) { $0.roles.remove(id) }
    case .channelCreate, .channelUpdate:
      let channel = try Channel(json: data)
      try change(data) { $0.channels.put(CachedChannel(channel)) }
    case .channelDelete:
      let id: Snowflake = try data.decode("id")
      try change(data) { guild in
        guild.channels.remove(id)
        guild.threads.removeAll { $0.parentID == id.rawValue }
      }
    case .threadCreate, .threadUpdate:
      let thread = try Channel(json: data)
      let isArchived = data["thread_metadata"]?.flag("archived") ?? false
      // Archived ones are told of no more, and there is no end to them.
      try change(data) { isArchived ? $0.threads.remove(thread.id) : $0.threads.put(CachedChannel(thread)) }
    case .threadDelete:
      let id: Snowflake = try data.decode("id")
      try change(data) { $0.threads.remove(id) }
    case .threadListSync: try threadListSync(data)
    case .voiceStateUpdate:
      let state = try VoiceState(json: data)
      try change(data) { state.channelID == nil ? $0.voiceStates.remove(state.id) : $0.voiceStates.put(state) }
    case .presenceUpdate:
      let presence = try Self.presence(data)
      try change(data) { Self.put(presence, into: &$0) }
    }
  }

  /// Changes the guild that `guild_id` names, if it is known.
  private func change(_ data: JSONView, _ body: (inout CachedGuild) -> Void) throws {
    guard let id: Snowflake = try data.decodeIfPresent("guild_id") else { return }
    state.withLock { state in
      guard let place = state.guilds.index(forKey: id) else { return }
      body(&state.guilds.values[place])
    }
  }

  /// A new session: what it does not name is gone, whenever that happened.
  private func ready(_ data: JSONView, _ shard: ShardID) throws {
    let ready = try Ready(json: data)
    let named = Set(ready.guilds.map(\.id))
    func isLeft(_ guild: Snowflake) -> Bool {
      ShardID.shard(of: guild, count: shard.count) == shard.id && !named.contains(guild)
    }
    state.withLock { state in
      state.botID = ready.user.id
      state.guilds = state.guilds.filter { !isLeft($0.key) }
      state.unavailable = state.unavailable.filter { !isLeft($0) }.union(named.filter { state.guilds[$0] == nil })
    }
  }

  private func guildCreated(_ data: JSONView) throws {
    let id: Snowflake = try data.decode("id")
    if data.flag("unavailable") {
      state.withLock { state in
        state.guilds[id] = nil
        state.unavailable.insert(id)
      }
      return
    }
    let botID = self.botID?.rawValue
    let keepsMembers = kinds.contains(.members)
    let decoded = try Guild(json: data) { member in
      keepsMembers || member["user"]?["id"]?.uint64InString == botID
    }
    var guild = CachedGuild(decoded)
    guild.ownMember = decoded.members.first { $0.user?.id.rawValue == botID }
    if keepsMembers { guild.members.put(decoded.members) }
    if kinds.contains(.roles) { guild.roles = SortedList(decoded.roles.map(CachedRole.init)) }
    if kinds.contains(.channels) {
      guild.channels = SortedList(decoded.channels.map(CachedChannel.init))
      guild.threads = SortedList(decoded.threads.map(CachedChannel.init))
    }
    if kinds.contains(.voiceStates) {
      guild.voiceStates = SortedList(try data.decodeList("voice_states").filter { $0.channelID != nil })
    }
    if kinds.contains(.presences) {
      guild.presences = SortedList(try Self.presences(data).compactMap(\.presence))
    }
    let finished = guild
    state.withLock { state in
      var guild = finished
      guild.features = guild.features.map { state.features.shared($0) }
      state.unavailable.remove(id)
      state.guilds[id] = guild
    }
  }

  private func guildUpdated(_ data: JSONView) throws {
    let update = try Guild(json: data) { _ in false }
    state.withLock { state in
      guard let place = state.guilds.index(forKey: update.id) else { return }
      let features = update.features.map { state.features.shared($0) }
      func change(_ guild: inout CachedGuild) {
        guild.name = update.name
        guild.icon = update.icon
        guild.ownerID = update.ownerID
        guild.preferredLocale = update.preferredLocale
        guild.features = features
        if kinds.contains(.roles) { guild.roles = SortedList(update.roles.map(CachedRole.init)) }
      }
      change(&state.guilds.values[place])
    }
  }

  private func guildDeleted(_ data: JSONView) throws {
    let guild = try UnavailableGuild(json: data)
    state.withLock { state in
      state.guilds[guild.id] = nil
      if guild.isUnavailable { state.unavailable.insert(guild.id) } else { state.unavailable.remove(guild.id) }
    }
  }

  // MARK: People

  private func memberAdded(_ data: JSONView) throws {
    let member = kinds.contains(.members) ? try Member(json: data) : nil
    try change(data) { guild in
      if let count = guild.memberCount { guild.memberCount = count + 1 }
      if let member { guild.members.put([member]) }
    }
  }

  private func memberRemoved(_ data: JSONView) throws {
    guard let user = data["user"] else { throw DecodingFailure(path: ["user"], reason: "missing") }
    let id: Snowflake = try user.decode("id")
    try change(data) { guild in
      if let count = guild.memberCount { guild.memberCount = max(0, count - 1) }
      guild.members.remove(id)
      guild.voiceStates.remove(id)
      guild.presences.remove(id)
    }
  }

  private func memberUpdated(_ data: JSONView) throws {
    let isOwn = botID.map { data["user"]?["id"]?.uint64InString == $0.rawValue } ?? false
    guard isOwn || kinds.contains(.members) else { return }
    let member = try Member(json: data)
    let keepsMembers = kinds.contains(.members)
    try change(data) { guild in
      if isOwn { guild.ownMember = member }
      if keepsMembers { guild.members.put([member]) }
    }
  }

  private func membersChunk(_ data: JSONView) throws {
    let members: [Member] = kinds.contains(.members) ? try data.decodeList("members") : []
    let presences = kinds.contains(.presences) ? try Self.presences(data) : []
    try change(data) { guild in
      guild.members.put(members)
      for presence in presences { Self.put(presence, into: &guild) }
    }
  }

  private func threadListSync(_ data: JSONView) throws {
    let threads: [Channel] = try data.decodeList("threads")
    // Without a list of channels it speaks for the whole guild.
    let parents: [Snowflake]? = try data["channel_ids"]?.decodeElements()
    let synced = parents.map { Set($0.map(\.rawValue)) }
    try change(data) { guild in
      guild.threads.removeAll { synced?.contains($0.parentID) ?? true }
      for thread in threads { guild.threads.put(CachedChannel(thread)) }
    }
  }

  /// Somebody's status; none if they are offline.
  private typealias Status = (user: Snowflake, presence: CachedPresence?)

  private static func presence(_ data: JSONView) throws -> Status {
    guard let user = data["user"] else { throw DecodingFailure(path: ["user"], reason: "missing") }
    let id: Snowflake = try user.decode("id")
    // "offline", and whatever Discord may come to say, is no status that can be shown.
    let status = data["status"]?.string.flatMap(OnlineStatus.init)
    return (id, status.map { CachedPresence(id: id, status: $0) })
  }

  private static func presences(_ data: JSONView) throws -> [Status] {
    guard let list = data["presences"] else { return [] }
    return try list.elements.map(presence)
  }

  private static func put(_ status: Status, into guild: inout CachedGuild) {
    if let presence = status.presence { guild.presences.put(presence) } else { guild.presences.remove(status.user) }
  }
}
