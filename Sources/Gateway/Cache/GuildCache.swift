import Platform
import Synchronization

/// The guilds of all shards of this process as the gateway tells of them: names, counts, roles, channels, and the bot's
/// own member. Any thread may ask.
public final class GuildCache: Sendable {
  /// The events that tell of what is kept.
  enum Event: String, CaseIterable {
    case guildCreate = "GUILD_CREATE"
    case ready = "READY"
    case guildUpdate = "GUILD_UPDATE"
    case guildDelete = "GUILD_DELETE"
    case guildMemberAdd = "GUILD_MEMBER_ADD"
    case guildMemberRemove = "GUILD_MEMBER_REMOVE"
    case guildMemberUpdate = "GUILD_MEMBER_UPDATE"
    case guildRoleCreate = "GUILD_ROLE_CREATE"
    case guildRoleUpdate = "GUILD_ROLE_UPDATE"
    case guildRoleDelete = "GUILD_ROLE_DELETE"
    case channelCreate = "CHANNEL_CREATE"
    case channelUpdate = "CHANNEL_UPDATE"
    case channelDelete = "CHANNEL_DELETE"
    case threadCreate = "THREAD_CREATE"
    case threadUpdate = "THREAD_UPDATE"
    case threadDelete = "THREAD_DELETE"
  }

  /// Whether this cache keeps anything that the event tells of.
  func follows(_ event: Event) -> Bool { true }

  private struct State {
    var botID: Snowflake?
    var guilds: [Snowflake: Guild] = [:]
    var unavailable: Set<Snowflake> = []
  }
  private let state = Mutex(State())

  public init() {}

  /// The guild, with the bot as its only member in ``Guild/members``; nil if it is unknown or down.
  public func guild(_ id: Snowflake) -> Guild? { state.withLock { $0.guilds[id] } }

  public var guildIDs: [Snowflake] { state.withLock { Array($0.guilds.keys) } }

  /// Guilds that are up.
  public var guildCount: Int { state.withLock { $0.guilds.count } }

  /// Members over all guilds; whoever is in two counts twice.
  public var memberCount: Int { state.withLock { $0.guilds.values.reduce(0) { $0 + ($1.memberCount ?? 0) } } }

  /// The bot's own account.
  public var botID: Snowflake? { state.withLock { $0.botID } }

  public func role(_ role: Snowflake, in guild: Snowflake) -> Role? {
    state.withLock { $0.guilds[guild]?.roles.first { $0.id == role } }
  }

  public func channel(_ channel: Snowflake, in guild: Snowflake) -> Channel? {
    state.withLock { state in
      state.guilds[guild].flatMap { guild in
        guild.channels.first { $0.id == channel } ?? guild.threads.first { $0.id == channel }
      }
    }
  }

  /// Takes over what an event says. Does nothing for events that it does not follow.
  /// - Throws: ``DecodingFailure``
  func apply(_ event: Event, _ data: JSONView) throws {
    switch event {
    case .guildCreate:
      try guildCreated(data)
    case .ready:
      try ready(data)
    case .guildUpdate:
      try guildUpdated(data)
    case .guildDelete:
      try guildDeleted(data)
    case .guildMemberAdd:
      try countMembers(data, by: 1)
    case .guildMemberRemove:
      try countMembers(data, by: -1)
    case .guildMemberUpdate:
      try memberUpdated(data)
    case .guildRoleCreate, .guildRoleUpdate:
      let role: Role = try data.decode("role")
      try change(data) { Self.put(role, into: &$0.roles) }
    case .guildRoleDelete:
      let id: Snowflake = try data.decode("role_id")
      try change(data) { $0.roles.removeAll { $0.id == id } }
    case .channelCreate, .channelUpdate:
      let channel = try Channel(json: data)
      try change(data) { Self.put(channel, into: &$0.channels) }
    case .channelDelete:
      let id: Snowflake = try data.decode("id")
      try change(data) { $0.channels.removeAll { $0.id == id } }
    case .threadCreate, .threadUpdate:
      let thread = try Channel(json: data)
      let isArchived = data["thread_metadata"]?.flag("archived") ?? false
      try change(data) { guild in
        // Archived ones are told of no more, and there is no end to them.
        if isArchived {
          guild.threads.removeAll { $0.id == thread.id }
        } else {
          Self.put(thread, into: &guild.threads)
        }
      }
    case .threadDelete:
      let id: Snowflake = try data.decode("id")
      try change(data) { $0.threads.removeAll { $0.id == id } }
    }
  }

  private static func put<Value: Identifiable>(_ value: Value, into list: inout [Value]) {
    if let place = list.firstIndex(where: { $0.id == value.id }) { list[place] = value } else { list.append(value) }
  }

  /// Changes the guild that `guild_id` names, if it is known.
  private func change(_ data: JSONView, _ body: (inout Guild) -> Void) throws {
    guard let id: Snowflake = try data.decodeIfPresent("guild_id") else { return }
    state.withLock { state in
      guard let place = state.guilds.index(forKey: id) else { return }
      body(&state.guilds.values[place])
    }
  }

  private func ready(_ data: JSONView) throws {
    let ready = try Ready(json: data)
    state.withLock { state in
      state.botID = ready.user.id
      for guild in ready.guilds { state.unavailable.insert(guild.id) }
    }
  }

  private func guildCreated(_ data: JSONView) throws {
    let id: Snowflake = try data.decode("id")
    if data.flag("unavailable") {
      state.withLock { _ = $0.unavailable.insert(id) }
      return
    }
    let botID = self.botID
    let guild = try Guild(json: data) { member in member["user"]?["id"]?.uint64InString == botID?.rawValue }
    state.withLock { state in
      state.unavailable.remove(id)
      state.guilds[id] = guild
    }
  }

  private func guildUpdated(_ data: JSONView) throws {
    let update = try Guild(json: data)
    state.withLock { state in
      guard let place = state.guilds.index(forKey: update.id) else { return }
      state.guilds.values[place].name = update.name
      state.guilds.values[place].icon = update.icon
      state.guilds.values[place].ownerID = update.ownerID
      state.guilds.values[place].preferredLocale = update.preferredLocale
      state.guilds.values[place].features = update.features
      state.guilds.values[place].roles = update.roles
    }
  }

  private func guildDeleted(_ data: JSONView) throws {
    let guild = try UnavailableGuild(json: data)
    state.withLock { state in
      state.guilds[guild.id] = nil
      if guild.isUnavailable { state.unavailable.insert(guild.id) } else { state.unavailable.remove(guild.id) }
    }
  }

  private func countMembers(_ data: JSONView, by change: Int) throws {
    try self.change(data) { guild in
      if let count = guild.memberCount { guild.memberCount = max(0, count + change) }
    }
  }

  private func memberUpdated(_ data: JSONView) throws {
    guard let botID, data["user"]?["id"]?.uint64InString == botID.rawValue else { return }
    let member = try Member(json: data)
    try change(data) { $0.members = [member] }
  }
}
