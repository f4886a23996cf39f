import Platform

/// All state of the sandbox: the people and places, the applications, the gateway's sessions, the faults on order.
///
/// What happens over REST, over the gateway and through the control API meets here, one thing at a time.
actor World {
  static let guildID = Snowflake(900_000_000_000_000_001)
  static let ownerID = Snowflake(100_000_000_000_000_001)
  static let memberIDs = [Snowflake(100_000_000_000_000_002), Snowflake(100_000_000_000_000_003)]
  static let categoryID = Snowflake(900_000_000_000_000_010)
  static let generalID = Snowflake(900_000_000_000_000_011)
  static let botChannelID = Snowflake(900_000_000_000_000_012)
  static let moderatorRoleID = Snowflake(900_000_000_000_000_021)
  static let memberRoleID = Snowflake(900_000_000_000_000_022)

  /// Messages kept per channel.
  static let messageLimit = 1_000
  /// Bytes of attachments kept in all.
  static let attachmentLimit = 64 << 20

  /// Entries of the audit log kept per guild.
  static let auditLimit = 500

  /// What a script may change is in ``changeSettings(_:)``.
  var options: SandboxOptions
  let log: Log
  let time: any TimeSource
  let random: any RandomSource

  var ids = SnowflakeGenerator()
  var guilds: [Snowflake: Guild] = [:]
  var channels: [Snowflake: Channel] = [:]
  var users: [Snowflake: User] = [:]
  var applications: [Snowflake: Application] = [:]
  var revokedTokens: Set<String> = []
  var interactions = BoundedStore<Snowflake, Interaction>(limit: 2_000)
  var attachments = BoundedStore<Snowflake, StoredFile>(limit: 500)
  var webhooks: [Snowflake: Webhook] = [:]
  var invites = BoundedStore<String, Invite>(limit: 2_000)
  var authorizations = AuthorizationServer()

  var connections: [Int: Connection] = [:]
  /// Sessions without a connection, until they are resumed or too old.
  var detached: [String: DetachedSession] = [:]
  var watchers: [Int: Watcher] = [:]
  /// Scripts that wait for the answer to an interaction.
  var waiters: [Snowflake: [CheckedContinuation<Void, Never>]] = [:]
  var nextHandle = 0

  /// When all members of a guild may be asked for again, by application and guild.
  var memberRequestsFree: [MemberRequestKey: ContinuousClock.Instant] = [:]

  var limiter: RateLimiter
  var faults: [RESTFault] = []
  var connectFaults: [ConnectFault] = []
  var requestLog = RequestLog(limit: 1_000)

  /// Where the sandbox is reached: `http://127.0.0.1:3080`, set once it listens.
  var baseURL = "http://127.0.0.1:3080"
  var gatewayURL = "ws://127.0.0.1:3080/gateway"

  struct Application: Sendable {
    let id: Snowflake
    var token: String
    /// By command id, in the order of their making. The key's first half is the guild, nil for global.
    var commands: [ApplicationCommand] = []
    /// Identifies made since `identifiesResetAt` minus 24 hours.
    var identifies = 0
    var identifiesResetAt: ContinuousClock.Instant
    /// When each key of max_concurrency may identify again.
    var identifySlots: [Int: ContinuousClock.Instant] = [:]
    var description = ""
    var emojis: [Emoji] = []
    /// Who may use which command, by guild and command (or the application for all).
    var commandPermissions: [Snowflake: [Snowflake: [JSON]]] = [:]
    /// Commands made since the day began, by guild; the application's id stands for the global ones.
    var commandCreates: [Snowflake: Int] = [:]
    var commandCreatesResetAt: ContinuousClock.Instant
    /// Where OAuth2 may send users back to; empty for anywhere.
    var redirectURIs: [String] = []
    /// Nil takes any.
    var clientSecret: String?
  }

  struct StoredFile: Sendable {
    let channelID: Snowflake
    let filename: String
    let contentType: String
    let bytes: [UInt8]
  }

  init(options: SandboxOptions, log: Log, time: any TimeSource, random: any RandomSource) {
    self.options = options
    self.log = log
    self.time = time
    self.random = random
    limiter = RateLimiter(isEnabled: options.rateLimits)
    let joined = Timestamp(iso8601: "2024-01-01T00:00:00Z") ?? time.timestamp
    let people = Self.people(extra: options.extraMembers)
    for user in people { users[user.id] = user }
    for index in 0...max(0, options.extraGuilds) {
      let (guild, places) = Self.guild(at: index, people: people, joined: joined)
      guilds[guild.id] = guild
      for channel in places { channels[channel.id] = channel }
    }
  }

  private static func people(extra: Int) -> [User] {
    var people = [
      User(id: ownerID, username: "olivia", globalName: "Olivia (owner)"),
      User(id: memberIDs[0], username: "marcus", globalName: "Marcus"),
      User(id: memberIDs[1], username: "nadia", globalName: "Nadia"),
    ]
    for number in 0..<max(0, extra) {
      let id = Snowflake(100_000_000_000_001_000 + UInt64(number))
      people.append(User(id: id, username: "member\(number + 1)", globalName: "Member \(number + 1)"))
    }
    return people
  }

  /// The fixed guild for index 0. Further ones differ above bit 22, so that they spread over the shards; inside a guild
  /// the ids of its places follow its own.
  private static func guild(at index: Int, people: [User], joined: Timestamp) -> (Guild, [Channel]) {
    func id(_ fixed: Snowflake) -> Snowflake { Snowflake(fixed.value + UInt64(index) << 22) }
    let everyone = Role(id: id(guildID), name: "@everyone", permissions: .everyone)
    let member = Role(
      id: id(memberRoleID), name: "Member", color: 0x57_F287, position: 1, permissions: .everyone, isMentionable: true)
    let moderator = Role(
      id: id(moderatorRoleID), name: "Moderator", color: 0x58_65F2, position: 2,
      permissions: Permissions.everyone.union([.kickMembers, .banMembers, .manageMessages, .moderateMembers]),
      isHoisted: true, isMentionable: true)
    let name = index == 0 ? "Sandbox" : "Sandbox \(index + 1)"
    var guild = Guild(id: id(guildID), name: name, ownerID: ownerID, roles: [everyone, member, moderator])
    for person in people {
      var roles = [id(memberRoleID)]
      if person.id == memberIDs[0] { roles.append(id(moderatorRoleID)) }
      guild.members[person.id] = Member(userID: person.id, roles: roles, joinedAt: joined)
    }
    let channels = [
      Channel(id: id(categoryID), kind: .category, guildID: guild.id, name: "Text channels"),
      Channel(
        id: id(generalID), kind: .text, guildID: guild.id, name: "general", topic: "Talk about anything",
        parentID: id(categoryID), position: 0),
      Channel(
        id: id(botChannelID), kind: .text, guildID: guild.id, name: "bot-commands", topic: "Try the bot here",
        parentID: id(categoryID), position: 1),
    ]
    guild.channelIDs = channels.map(\.id)
    return (guild, channels)
  }

  func setAddresses(base: String, gateway: String) {
    baseURL = base
    gatewayURL = gateway
  }

  func makeID() -> Snowflake { ids.next(at: time.timestamp) }

  func makeHandle() -> Int {
    nextHandle += 1
    return nextHandle
  }

  /// 128 random bits in hexadecimal.
  func makeSecret() -> String {
    [random.next(), random.next()].map { value in
      let digits = String(value, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  // MARK: - Applications

  /// The application of a token, made at first sight together with its bot, which joins every guild.
  /// Returns nil for a token that is not well formed or was reset.
  func application(token: String) -> Application? {
    guard BotToken.isWellFormed(token) else { return nil }
    let token = BotToken.bare(token)
    guard !revokedTokens.contains(token) else { return nil }
    let id = BotToken.applicationID(of: token)
    if let known = applications[id] {
      if known.token != token { applications[id]?.token = token }
      return applications[id]
    }
    guard users[id] == nil, applications.count < 100 else { return nil }
    let number = applications.count + 1
    let name = number == 1 ? options.botName : "\(options.botName) \(number)"
    users[id] = User(id: id, username: name, isBot: true)
    let application = Application(
      id: id, token: token, identifiesResetAt: time.now.advanced(by: .seconds(24 * 3_600)),
      commandCreatesResetAt: time.now.advanced(by: .seconds(24 * 3_600)))
    applications[id] = application
    for guildID in guilds.keys.sorted() {
      let role = Role(
        id: makeID(), name: name, position: (guilds[guildID]?.roles.map(\.position).max() ?? 0) + 1,
        permissions: [.administrator], botID: id)
      guilds[guildID]?.roles.append(role)
      join(user: id, guild: guildID, roles: [role.id])
      emit(
        Event(
          name: "GUILD_ROLE_CREATE", guildID: guildID, intents: .guilds,
          data: ["guild_id": guildID.json, "role": role.json]))
    }
    log.info("application appeared", ["application": .of(id), "name": .string(name)])
    notifyWatchers(["type": "world"])
    return application
  }

  /// What Discord does to a token that identified too often, and a script may do at will.
  func revoke(token: String) {
    let token = BotToken.bare(token)
    revokedTokens.insert(token)
    for (handle, connection) in connections where connection.machine.session?.token == token {
      feed(.fault(.close(.authenticationFailed)), to: handle)
    }
    for (id, entry) in detached where entry.session.token == token { detached[id] = nil }
  }

  // MARK: - Members

  func join(user: Snowflake, guild guildID: Snowflake, roles: [Snowflake] = []) {
    guard var guild = guilds[guildID], guild.members[user] == nil, users[user] != nil else { return }
    let member = Member(userID: user, roles: roles, joinedAt: time.timestamp)
    guild.members[user] = member
    guilds[guildID] = guild
    var data = memberJSON(member)
    data["guild_id"] = guildID.json
    emit(Event(name: "GUILD_MEMBER_ADD", guildID: guildID, intents: .guildMembers, data: data))
    notifyWatchers(["type": "world"])
  }

  func leave(user: Snowflake, guild guildID: Snowflake) {
    guard guilds[guildID]?.members.removeValue(forKey: user) != nil, let leaver = users[user] else { return }
    emit(
      Event(
        name: "GUILD_MEMBER_REMOVE", guildID: guildID, intents: .guildMembers,
        data: ["guild_id": guildID.json, "user": leaver.json]))
    if leaver.isBot {
      emit(
        Event(name: "GUILD_DELETE", guildID: guildID, intents: .guilds, applicationID: user, data: ["id": guildID.json])
      )
    }
    notifyWatchers(["type": "world"])
  }

  func memberJSON(_ member: Member) -> JSON {
    var json = member.bareJSON
    json["user"] = users[member.userID]?.json ?? .null
    return json
  }

  /// The direct message channel between a bot and a user, made when there is none.
  func directChannel(bot: Snowflake, user: Snowflake) -> Channel {
    if let known = channels.values.first(where: { $0.kind == .dm && Set($0.recipients) == [bot, user] }) {
      return known
    }
    let channel = Channel(id: makeID(), kind: .dm, guildID: nil, recipients: [user, bot])
    channels[channel.id] = channel
    emit(
      Event(
        name: "CHANNEL_CREATE", intents: .directMessages, applicationID: bot,
        data: channelJSON(channel, viewer: bot)))
    notifyWatchers(["type": "world"])
    return channel
  }

  func channelJSON(_ channel: Channel, viewer: Snowflake? = nil) -> JSON {
    var json: JSON = [
      "id": channel.id.json, "type": .integer(Int64(channel.kind.rawValue)), "flags": 0,
      "last_message_id": channel.lastMessageID?.json ?? .null,
    ]
    guard let guildID = channel.guildID else {
      let others = channel.recipients.filter { $0 != viewer }.compactMap { users[$0]?.json }
      json["recipients"] = .array(others)
      return json
    }
    json["guild_id"] = guildID.json
    json["name"] = .string(channel.name)
    json["position"] = .integer(Int64(channel.position))
    json["parent_id"] = channel.parentID?.json ?? .null
    json["permission_overwrites"] = .array(channel.overwrites.map(\.json))
    json["nsfw"] = .boolean(channel.isNSFW)
    if let thread = channel.thread {
      for name in ["position", "permission_overwrites", "nsfw"] { json[name] = nil }
      addThread(thread, of: channel, viewer: viewer, to: &json)
      return json
    }
    switch channel.kind {
    case .text, .announcement, .forum:
      json["topic"] = channel.topic.map(JSON.string) ?? .null
      json["rate_limit_per_user"] = .integer(Int64(channel.slowMode))
      json["last_pin_timestamp"] = channel.lastPinAt.map { .string($0.discord) } ?? .null
      if channel.kind == .forum {
        json["available_tags"] = []
        json["default_sort_order"] = .null
        json["default_reaction_emoji"] = .null
        json["default_forum_layout"] = 0
      }
    case .voice:
      json["bitrate"] = 64_000
      json["user_limit"] = 0
      json["rtc_region"] = .null
      json["rate_limit_per_user"] = 0
    default: json["last_message_id"] = nil
    }
    return json
  }

  /// The guild as GUILD_CREATE sends it to one session.
  func guildCreateJSON(_ guild: Guild, for session: GatewaySession) -> JSON {
    var json = guild.json
    let own = guild.members[session.applicationID]
    let isLarge = guild.members.count > session.largeThreshold
    // Without the presence intent only the bot itself and whoever is in voice are listed.
    var members = own.map { [$0] } ?? []
    if session.intents.contains(.guildPresences) {
      let others = guild.members.values.filter { $0.userID != session.applicationID }.sorted { $0.userID < $1.userID }
      members += others.prefix(isLarge ? session.largeThreshold : others.count)
    }
    json["joined_at"] = .string((own?.joinedAt ?? time.timestamp).discord)
    json["large"] = .boolean(isLarge)
    json["unavailable"] = false
    json["member_count"] = .integer(Int64(guild.members.count))
    json["members"] = .array(members.map(memberJSON))
    json["channels"] = .array(
      guild.channelIDs.compactMap { channels[$0] }.map {
        var channel = channelJSON($0)
        channel["guild_id"] = nil
        return channel
      })
    let presences = session.intents.contains(.guildPresences) ? members.map { presence(of: $0.userID) } : []
    json["presences"] = .array(presences)
    json["threads"] = .array(
      activeThreads(of: guild.id, for: session.applicationID).map { channelJSON($0, viewer: session.applicationID) })
    for name in ["voice_states", "stage_instances", "guild_scheduled_events", "soundboard_sounds"] {
      json[name] = []
    }
    return json
  }

  func presence(of user: Snowflake) -> JSON {
    ["user": ["id": user.json], "status": "online", "activities": [], "client_status": ["desktop": "online"]]
  }
}

/// A dictionary that forgets its oldest entries beyond a limit.
struct BoundedStore<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  let limit: Int
  private var values: [Key: Value] = [:]
  private var order: [Key] = []

  init(limit: Int) { self.limit = limit }

  var all: some Collection<Value> { values.values }

  subscript(key: Key) -> Value? {
    get { values[key] }
    set {
      guard let newValue else {
        if values.removeValue(forKey: key) != nil { order.removeAll { $0 == key } }
        return
      }
      if values.updateValue(newValue, forKey: key) == nil { order.append(key) }
      while order.count > limit { values[order.removeFirst()] = nil }
    }
  }

  mutating func removeOldest() {
    if let key = order.first { self[key] = nil }
  }
}
