import Platform

/// What the world tells the socket of a gateway connection.
enum GatewayOutput: Sendable {
  case payload(JSON)
  /// Nothing goes out for so long.
  case pause(Duration)
  case wire(WireFault)
  case close(GatewayCloseCode)
  case drop
}

extension World {
  struct Connection: Sendable {
    var machine: GatewayConnection
    let output: AsyncStream<GatewayOutput>.Continuation
  }

  struct DetachedSession: Sendable {
    var session: GatewaySession
    let since: ContinuousClock.Instant
  }

  /// A connection was opened. The stream carries what to send on it and ends with the connection.
  func openConnection(version: Int, encoding: String) -> (handle: Int, output: AsyncStream<GatewayOutput>) {
    let (stream, continuation) = AsyncStream.makeStream(
      of: GatewayOutput.self, bufferingPolicy: .bufferingOldest(10_000))
    let handle = makeHandle()
    let machine = GatewayConnection(heartbeatInterval: options.heartbeatInterval, now: time.now)
    connections[handle] = Connection(machine: machine, output: continuation)
    let fault = takeOpening() ?? ConnectFault()
    if fault.delay > .zero { continuation.yield(.pause(fault.delay)) }
    feed(.opened(version: version, encoding: encoding, fault: fault), to: handle)
    return (handle, stream)
  }

  /// - Parameter code: what the client closed with; nil when the connection broke.
  func closeConnection(_ handle: Int, code: UInt16?) {
    guard let connection = connections.removeValue(forKey: handle) else { return }
    connection.output.finish()
    guard let session = connection.machine.session else { return }
    // A client that closes with 1000 or 1001 gives its session up.
    if code != 1000 && code != 1001 { detach(session) }
    notifyWatchers(["type": "world"])
  }

  private func detach(_ session: GatewaySession) {
    detached[session.id] = DetachedSession(session: session, since: time.now)
    let limit = time.now.advanced(by: .zero - options.resumeWindow)
    for (id, entry) in detached where entry.since < limit { detached[id] = nil }
    while detached.count > 200, let oldest = detached.min(by: { $0.value.since < $1.value.since }) {
      detached[oldest.key] = nil
    }
  }

  /// When the connection's heartbeat is overdue; nil once it is closed.
  func deadline(of handle: Int) -> ContinuousClock.Instant? {
    feed(.tick, to: handle)
    return connections[handle]?.machine.deadline
  }

  func receive(_ bytes: [UInt8], on handle: Int) { feed(.payload(bytes), to: handle) }

  /// Gives one input to a connection and does what it asks for, until it asks for nothing more.
  func feed(_ input: GatewayConnection.Input, to handle: Int) {
    guard var connection = connections[handle] else { return }
    let hadSession = connection.machine.session?.id
    let actions = connection.machine.handle(input, at: time.now)
    connections[handle] = connection
    for action in actions { perform(action, on: handle) }
    if hadSession == nil, connection.machine.session != nil { notifyWatchers(["type": "world"]) }
  }

  private func perform(_ action: GatewayConnection.Action, on handle: Int) {
    guard let connection = connections[handle] else { return }
    switch action {
    case .send(let payload):
      if case .dropped = connection.output.yield(.payload(payload)) {
        log.warning("a client reads too slowly and is cut off", ["connection": .integer(Int64(handle))])
        closeConnection(handle, code: nil)
      }
    case .close(let code, let keepsSession):
      log.info("closing a gateway connection", ["code": .integer(Int64(code.code)), "reason": .string(code.reason)])
      connection.output.yield(.close(code))
      closeConnection(handle, code: keepsSession ? nil : 1000)
    case .say(let text): connection.output.yield(.wire(.say(text)))
    case .drop:
      connection.output.yield(.drop)
      closeConnection(handle, code: nil)
    case .authenticate(let identify): authenticate(identify, on: handle)
    case .resume(let id, let token, let sequence): resume(id: id, token: token, sequence: sequence, on: handle)
    case .requestMembers(let request): sendMembers(request, on: handle)
    case .updateVoiceState(let state): updateVoiceState(state, on: handle)
    case .requestSoundboard(let request):
      for id in (request["guild_ids"]?.array ?? []).prefix(100) {
        feed(.event(name: "SOUNDBOARD_SOUNDS", data: ["guild_id": id, "soundboard_sounds": []]), to: handle)
      }
    }
  }

  // MARK: - Identify and resume

  private func authenticate(_ identify: GatewayConnection.Identify, on handle: Int) {
    guard var application = application(token: identify.token) else {
      return feed(.identifyRefused(.authenticationFailed), to: handle)
    }
    if identify.intents.rawValue & options.disallowedIntents != 0 {
      return feed(.identifyRefused(.disallowedIntents), to: handle)
    }
    let carried = guilds.values.count { guild in
      guild.members[application.id] != nil && identify.shard.covers(guild: guild.id)
    }
    if carried > options.guildsPerShard {
      return feed(.identifyRefused(.shardingRequired), to: handle)
    }
    let key = identify.shard.id % max(1, options.maxConcurrency)
    if let free = application.identifySlots[key], time.now < free {
      return feed(.invalidSession(resumable: false), to: handle)
    }
    if time.now >= application.identifiesResetAt {
      application.identifies = 0
      application.identifiesResetAt = time.now.advanced(by: .seconds(24 * 3_600))
    }
    application.identifies += 1
    application.identifySlots[key] = time.now.advanced(by: .seconds(5))
    applications[application.id] = application
    guard application.identifies <= options.sessionStartLimit else {
      log.warning("session start limit exceeded: the token is reset", ["application": .of(application.id)])
      feed(.identifyRefused(.authenticationFailed), to: handle)
      return revoke(token: identify.token)
    }
    let session = GatewaySession(
      id: makeSecret(), token: identify.token, applicationID: application.id, intents: identify.intents,
      shard: identify.shard, largeThreshold: identify.largeThreshold, bufferLimit: options.resumeBuffer)
    let own = ownGuilds(of: session)
    let ready: JSON = [
      "v": 10, "user": users[application.id]?.ownJSON ?? .null, "user_settings": [:], "session_type": "normal",
      "session_id": .string(session.id), "resume_gateway_url": .string(gatewayURL), "relationships": [],
      "private_channels": [], "presences": [], "geo_ordered_rtc_regions": ["local"], "auth": [:],
      "guilds": .array(own.map { ["id": $0.id.json, "unavailable": true] }),
      "shard": [.integer(Int64(session.shard.id)), .integer(Int64(session.shard.count))],
      "application": ["id": application.id.json, "flags": .integer(Self.applicationFlags)],
      "guild_join_requests": [], "_trace": ["sandbox"],
    ]
    feed(.identifyAccepted(session, ready: ready), to: handle)
    guard session.intents.contains(.guilds) else { return }
    for guild in own {
      feed(.event(name: "GUILD_CREATE", data: guildCreateJSON(guild, for: session)), to: handle)
    }
  }

  /// All privileged intents of an application in fewer than 100 guilds, and "has registered commands".
  static let applicationFlags: Int64 = 1 << 13 | 1 << 15 | 1 << 19 | 1 << 23

  func ownGuilds(of session: GatewaySession) -> [Guild] {
    guilds.values.filter { $0.members[session.applicationID] != nil && session.covers(guild: $0.id) }
      .sorted { $0.id < $1.id }
  }

  private func resume(id: String, token: String, sequence: Int64, on handle: Int) {
    guard application(token: token) != nil else {
      return feed(.identifyRefused(.authenticationFailed), to: handle)
    }
    if let other = connections.first(where: { $0.value.machine.session?.id == id })?.key {
      // The old connection is dead and nobody has noticed yet.
      feed(.fault(.drop), to: other)
    }
    guard let entry = detached.removeValue(forKey: id), entry.session.token == token,
      entry.since.advanced(by: options.resumeWindow) > time.now
    else { return feed(.invalidSession(resumable: false), to: handle) }
    feed(.resumeAccepted(entry.session, after: sequence), to: handle)
  }

  // MARK: - Requests of a session

  struct MemberRequestKey: Hashable, Sendable {
    let application: Snowflake
    let guild: Snowflake
  }

  /// Discord takes a request for all members once in 30 seconds per guild and bot.
  /// Source: Discord's change log, "Introducing Rate Limit When Requesting All Guild Members".
  private static let allMembersPause = Duration.seconds(30)

  /// Answers RATE_LIMITED if that guild's members were asked for a moment ago.
  private func refusesAllMembers(_ request: JSON, of guild: Snowflake, for session: GatewaySession, on handle: Int)
    -> Bool
  {
    let key = MemberRequestKey(application: session.applicationID, guild: guild)
    memberRequestsFree = memberRequestsFree.filter { $0.value > time.now }
    guard let free = memberRequestsFree[key] else {
      memberRequestsFree[key] = time.now.advanced(by: Self.allMembersPause)
      return false
    }
    var meta: JSON = ["guild_id": guild.json]
    if let nonce = request["nonce"]?.string, nonce.utf8.count <= 32 { meta["nonce"] = .string(nonce) }
    let data: JSON = ["opcode": 8, "retry_after": .double(time.now.duration(to: free).inSeconds), "meta": meta]
    feed(.event(name: "RATE_LIMITED", data: data), to: handle)
    return true
  }

  private func sendMembers(_ request: JSON, on handle: Int) {
    guard let session = connections[handle]?.machine.session, let guildID = Snowflake(request["guild_id"]),
      let guild = guilds[guildID], guild.members[session.applicationID] != nil, session.covers(guild: guildID)
    else { return }
    let sorted = guild.members.values.sorted { $0.userID < $1.userID }
    var chosen: [Member] = []
    var missing: [JSON] = []
    if let wanted = request["user_ids"], !wanted.isNull {
      let ids = (wanted.array ?? [wanted]).prefix(100)
      for id in ids {
        if let known = Snowflake(id).flatMap({ guild.members[$0] }) { chosen.append(known) } else { missing.append(id) }
      }
    } else if let query = request["query"]?.string {
      let limit = Int(request["limit"]?.integer ?? 0)
      if query.isEmpty && limit == 0 {
        guard session.intents.contains(.guildMembers) else {
          return log.warning("all members were asked for without the GUILD_MEMBERS intent: no answer")
        }
        if refusesAllMembers(request, of: guildID, for: session, on: handle) { return }
        chosen = sorted
      } else {
        let prefix = query.lowercased()
        let matching = sorted.filter {
          let names = [$0.nickname, users[$0.userID]?.username, users[$0.userID]?.globalName].compactMap { $0 }
          return prefix.isEmpty || names.contains { $0.lowercased().hasPrefix(prefix) }
        }
        chosen = Array(matching.prefix(limit <= 0 ? 100 : min(limit, 100)))
      }
    }
    let count = max(1, (chosen.count + 999) / 1_000)
    for index in 0..<count {
      let part = chosen.dropFirst(index * 1_000).prefix(1_000)
      var data: JSON = [
        "guild_id": guildID.json, "members": .array(part.map(memberJSON)), "chunk_index": .integer(Int64(index)),
        "chunk_count": .integer(Int64(count)), "not_found": .array(missing),
      ]
      if request["presences"]?.bool == true, session.intents.contains(.guildPresences) {
        data["presences"] = .array(part.map { presence(of: $0.userID) })
      }
      if let nonce = request["nonce"]?.string, nonce.utf8.count <= 32 { data["nonce"] = .string(nonce) }
      feed(.event(name: "GUILD_MEMBERS_CHUNK", data: data), to: handle)
    }
  }

  private func updateVoiceState(_ state: JSON, on handle: Int) {
    guard let session = connections[handle]?.machine.session, let guildID = Snowflake(state["guild_id"]),
      let member = guilds[guildID]?.members[session.applicationID]
    else { return }
    let data: JSON = [
      "guild_id": guildID.json, "channel_id": state["channel_id"] ?? .null, "user_id": session.applicationID.json,
      "member": memberJSON(member), "session_id": .string(session.id), "deaf": false, "mute": false,
      "self_deaf": state["self_deaf"] ?? false, "self_mute": state["self_mute"] ?? false, "self_video": false,
      "suppress": false, "request_to_speak_timestamp": .null,
    ]
    feed(.event(name: "VOICE_STATE_UPDATE", data: data), to: handle)
  }

  // MARK: - Events

  /// Tells every session that may hear of it, also those that wait to be resumed.
  func emit(_ event: Event) {
    for handle in connections.keys.sorted() {
      guard let session = connections[handle]?.machine.session, isInside(session, event),
        let data = event.data(for: session)
      else { continue }
      feed(.event(name: event.name, data: data), to: handle)
    }
    for id in detached.keys {
      guard let session = detached[id]?.session, isInside(session, event), let data = event.data(for: session)
      else { continue }
      _ = detached[id]?.session.dispatch(event.name, data)
    }
  }

  private func isInside(_ session: GatewaySession, _ event: Event) -> Bool {
    guard let guildID = event.guildID else { return true }
    return guilds[guildID]?.members[session.applicationID] != nil || event.applicationID == session.applicationID
  }

  /// Whether anything of this application listens to that guild (shard 0 for direct messages).
  func hasListener(application: Snowflake, guild: Snowflake?) -> Bool {
    let sessions = connections.values.compactMap(\.machine.session) + detached.values.map(\.session)
    return sessions.contains { session in
      session.applicationID == application && (guild.map(session.covers(guild:)) ?? (session.shard.id == 0))
    }
  }
}
