import Platform

extension RouteTable {
  static let threadRoutes: [APIRoute] = [
    APIRoute(.post, "/channels/:channel_id/messages/:message_id/threads", (50, 300)) { world, call in
      try world.startThread(atMessage: call)
    },
    APIRoute(.post, "/channels/:channel_id/threads", (50, 300)) { world, call in try world.startThread(call) },
    APIRoute(.get, "/guilds/:guild_id/threads/active") { world, call in
      let caller = try world.guild(call).caller
      let threads = world.activeThreads(of: try call.id("guild_id"), for: caller.id)
      return .ok(world.threadList(threads, viewer: caller.id, hasMore: false))
    },
    APIRoute(.get, "/channels/:channel_id/threads/archived/public") { world, call in
      try world.listArchived(call, isPrivate: false, joined: false)
    },
    APIRoute(.get, "/channels/:channel_id/threads/archived/private") { world, call in
      try world.listArchived(call, isPrivate: true, joined: false)
    },
    APIRoute(.get, "/channels/:channel_id/users/@me/threads/archived/private") { world, call in
      try world.listArchived(call, isPrivate: true, joined: true)
    },
    APIRoute(.get, "/channels/:channel_id/thread-members") { world, call in try world.listThreadMembers(call) },
    APIRoute(.put, "/channels/:channel_id/thread-members/@me") { world, call in
      try world.changeThreadMember(call, try call.caller().id, adding: true)
    },
    APIRoute(.delete, "/channels/:channel_id/thread-members/@me") { world, call in
      try world.changeThreadMember(call, try call.caller().id, adding: false)
    },
    APIRoute(.get, "/channels/:channel_id/thread-members/:user_id") { world, call in
      let (channel, thread, _) = try world.thread(call)
      let id = try call.id("user_id")
      guard thread.members[id] != nil else { throw APIError.unknownMember }
      return .ok(world.threadMemberJSON(id, of: channel, withMember: call.flag("with_member")))
    },
    APIRoute(.put, "/channels/:channel_id/thread-members/:user_id") { world, call in
      try world.changeThreadMember(call, try call.id("user_id"), adding: true)
    },
    APIRoute(.delete, "/channels/:channel_id/thread-members/:user_id") { world, call in
      try world.changeThreadMember(call, try call.id("user_id"), adding: false)
    },
  ]
}

extension World {
  func addThread(_ thread: ThreadState, of channel: Channel, viewer: Snowflake?, to json: inout JSON) {
    json["owner_id"] = thread.ownerID.json
    json["rate_limit_per_user"] = .integer(Int64(channel.slowMode))
    json["message_count"] = .integer(thread.messageCount)
    json["total_message_sent"] = .integer(thread.messageCount)
    json["member_count"] = .integer(Int64(min(50, thread.members.count)))
    var metadata: JSON = [
      "archived": .boolean(thread.isArchived), "archive_timestamp": .string(thread.archivedAt.discord),
      "auto_archive_duration": .integer(thread.autoArchive), "locked": .boolean(thread.isLocked),
      "create_timestamp": .string(thread.createdAt.discord),
    ]
    if channel.kind == .privateThread { metadata["invitable"] = .boolean(thread.isInvitable) }
    json["thread_metadata"] = metadata
    if channel.parentID.flatMap({ channels[$0] })?.kind == .forum {
      json["applied_tags"] = .array(thread.appliedTags.map(\.json))
    }
    if let viewer, thread.members[viewer] != nil { json["member"] = threadMemberJSON(viewer, of: channel) }
  }

  func threadMemberJSON(_ user: Snowflake, of channel: Channel, withMember: Bool = false) -> JSON {
    let joined = channel.thread?.members[user] ?? time.timestamp
    var json: JSON = [
      "id": channel.id.json, "user_id": user.json, "join_timestamp": .string(joined.discord), "flags": 1,
    ]
    if withMember, let member = channel.guildID.flatMap({ guilds[$0] })?.members[user] {
      json["member"] = memberJSON(member)
    }
    return json
  }

  func activeThreads(of guild: Snowflake, for user: Snowflake) -> [Channel] {
    channels.values.filter { $0.guildID == guild && $0.thread?.isArchived == false && canSee($0, user) }
      .sorted { $0.id > $1.id }
  }

  func threadList(_ threads: [Channel], viewer: Snowflake, hasMore: Bool) -> JSON {
    [
      "threads": .array(threads.map { channelJSON($0, viewer: viewer) }),
      "members": .array(
        threads.filter { $0.thread?.members[viewer] != nil }.map { threadMemberJSON(viewer, of: $0) }),
      "has_more": .boolean(hasMore),
    ]
  }

  /// The thread of the path, if the caller sees it.
  func thread(_ call: APICall) throws(APIError) -> (channel: Channel, thread: ThreadState, caller: Application) {
    let (channel, caller) = try channel(call)
    guard let thread = channel.thread else { throw .wrongChannelKind }
    return (channel, thread, caller)
  }

  // MARK: - Starting

  private func makeThread(
    _ call: APICall, id: Snowflake, _ kind: Channel.Kind, in parent: Channel, by caller: Application
  ) throws(APIError) -> Channel {
    var form = FormErrors()
    let name = form.text(call.body["name"], ["name"], 1...100, required: true)
    let duration = form.integer(call.body["auto_archive_duration"], ["auto_archive_duration"], 0...100_000)
    if let duration { form.choice(duration, ["auto_archive_duration"], [60, 1_440, 4_320, 10_080]) }
    let pause = form.integer(call.body["rate_limit_per_user"], ["rate_limit_per_user"], 0...21_600)
    try form.check()
    var thread = ThreadState(ownerID: caller.id, createdAt: time.timestamp, archivedAt: time.timestamp)
    thread.autoArchive = duration ?? 4_320
    thread.isInvitable = call.body["invitable"]?.bool ?? true
    thread.members[caller.id] = time.timestamp
    thread.appliedTags = (call.body["applied_tags"]?.array ?? []).compactMap { Snowflake($0) }
    return Channel(
      id: id, kind: kind, guildID: parent.guildID, name: name ?? "", parentID: parent.id, slowMode: Int(pause ?? 0),
      thread: thread)
  }

  private func open(_ channel: Channel, _ call: APICall) {
    channels[channel.id] = channel
    announceThread("THREAD_CREATE", channel, isNew: true)
    audit(110, by: channel.thread?.ownerID ?? channel.id, on: channel.id, in: channel.guildID, call)
  }

  private func announceThread(_ name: String, _ channel: Channel, isNew: Bool = false) {
    var data = channelJSON(channel)
    if isNew { data["newly_created"] = true }
    emit(Event(name: name, guildID: channel.guildID, intents: .guilds, data: data))
    notifyWatchers(["type": "world"])
  }

  func startThread(atMessage call: APICall) throws(APIError) -> APIResponse {
    var (message, channel, caller) = try message(call)
    guard channel.kind == .text || channel.kind == .announcement else { throw .wrongChannelKind }
    try require(.createPublicThreads, of: caller, in: channel)
    guard channels[message.id] == nil else {
      throw APIError(status: 400, code: 160004, message: "A thread has already been created for this message")
    }
    let kind = channel.kind == .announcement ? Channel.Kind.announcementThread : .publicThread
    let thread = try makeThread(call, id: message.id, kind, in: channel, by: caller)
    open(thread, call)
    message.hasThread = true
    update(message)
    return .created(channelJSON(thread, viewer: caller.id))
  }

  func startThread(_ call: APICall) throws(APIError) -> APIResponse {
    let (channel, caller) = try channel(call)
    if channel.kind == .forum { return try startPost(call, channel, caller) }
    guard channel.kind == .text || channel.kind == .announcement else { throw .wrongChannelKind }
    var form = FormErrors()
    let number = form.integer(call.body["type"], ["type"], 0...16) ?? 12
    form.choice(number, ["type"], channel.kind == .announcement ? [10] : [11, 12])
    try form.check()
    let kind = Channel.Kind(rawValue: Int(number)) ?? .privateThread
    try require(kind == .privateThread ? .createPrivateThreads : .createPublicThreads, of: caller, in: channel)
    let thread = try makeThread(call, id: makeID(), kind, in: channel, by: caller)
    open(thread, call)
    return .created(channelJSON(thread, viewer: caller.id))
  }

  /// A thread in a forum comes with its first message, which has the thread's id.
  private func startPost(_ call: APICall, _ forum: Channel, _ caller: Application) throws(APIError) -> APIResponse {
    try require(.sendMessages, of: caller, in: forum)
    guard let body = call.body["message"], body.object != nil else {
      throw .form("message", "BASE_TYPE_REQUIRED", "This field is required")
    }
    let form = try MessageForm(body, path: ["message"])
    guard !form.isEmpty(files: call.request.files.count) else { throw .emptyMessage }
    let thread = try makeThread(call, id: makeID(), .publicThread, in: forum, by: caller)
    open(thread, call)
    var message = Message(
      id: thread.id, channelID: thread.id, guildID: thread.guildID, authorID: caller.id, timestamp: time.timestamp)
    apply(form, files: call.request.files, to: &message)
    post(message)
    var json = channelJSON(channels[thread.id] ?? thread, viewer: caller.id)
    json["message"] = messageJSON(message, viewer: caller.id)
    return .created(json)
  }

  // MARK: - Changes

  func modifyThread(_ call: APICall, _ channel: Channel, _ caller: Application) throws(APIError) -> APIResponse {
    var channel = channel
    guard var thread = channel.thread else { throw .wrongChannelKind }
    // Whoever may write can open an archived thread; its owner can change it; the rest is for moderators.
    let body = call.body
    let onlyOpens = body.object?.keys == ["archived"] && body["archived"]?.bool == false && !thread.isLocked
    if onlyOpens {
      try require(.sendInThreads, of: caller, in: channel)
    } else if thread.ownerID != caller.id || body["locked"] != nil {
      try require(.manageThreads, of: caller, in: channel)
    }
    var form = FormErrors()
    if let name = form.text(body["name"], ["name"], 1...100) { channel.name = name }
    if let pause = form.integer(body["rate_limit_per_user"], ["rate_limit_per_user"], 0...21_600) {
      channel.slowMode = Int(pause)
    }
    if let duration = form.integer(body["auto_archive_duration"], ["auto_archive_duration"], 0...100_000) {
      form.choice(duration, ["auto_archive_duration"], [60, 1_440, 4_320, 10_080])
      thread.autoArchive = duration
    }
    try form.check()
    if let isLocked = body["locked"]?.bool { thread.isLocked = isLocked }
    if let isInvitable = body["invitable"]?.bool { thread.isInvitable = isInvitable }
    if let tags = body["applied_tags"]?.array { thread.appliedTags = tags.compactMap { Snowflake($0) } }
    if let isArchived = body["archived"]?.bool, isArchived != thread.isArchived {
      thread.isArchived = isArchived
      thread.archivedAt = time.timestamp
    } else if thread.isArchived {
      throw APIError(status: 400, code: 50083, message: "Thread is archived")
    }
    channel.thread = thread
    channels[channel.id] = channel
    announceThread("THREAD_UPDATE", channel)
    audit(111, by: caller.id, on: channel.id, in: channel.guildID, call)
    return .ok(channelJSON(channel, viewer: caller.id))
  }

  func deleteThread(_ call: APICall, _ channel: Channel, _ caller: Application) throws(APIError) -> APIResponse {
    try require(.manageThreads, of: caller, in: channel)
    channels[channel.id] = nil
    emit(
      Event(
        name: "THREAD_DELETE", guildID: channel.guildID, intents: .guilds,
        data: [
          "id": channel.id.json, "guild_id": channel.guildID?.json ?? .null,
          "parent_id": channel.parentID?.json ?? .null, "type": .integer(Int64(channel.kind.rawValue)),
        ]))
    audit(112, by: caller.id, on: channel.id, in: channel.guildID, call)
    notifyWatchers(["type": "world"])
    return .ok(channelJSON(channel, viewer: caller.id))
  }

  func changeThreadMember(_ call: APICall, _ user: Snowflake, adding: Bool) throws(APIError) -> APIResponse {
    var (channel, thread, caller) = try thread(call)
    guard !thread.isArchived else { throw APIError(status: 400, code: 50083, message: "Thread is archived") }
    guard let guildID = channel.guildID, guilds[guildID]?.members[user] != nil else { throw .unknownMember }
    if user != caller.id {
      if adding {
        try require(.sendInThreads, of: caller, in: channel)
        if channel.kind == .privateThread, !thread.isInvitable {
          try require(.manageThreads, of: caller, in: channel)
        }
      } else if thread.ownerID != caller.id || channel.kind != .privateThread {
        try require(.manageThreads, of: caller, in: channel)
      }
    }
    guard (thread.members[user] != nil) != adding else { return .noContent }
    thread.members[user] = adding ? time.timestamp : nil
    channel.thread = thread
    channels[channel.id] = channel
    var data: JSON = [
      "id": channel.id.json, "guild_id": guildID.json, "member_count": .integer(Int64(min(50, thread.members.count))),
    ]
    if adding {
      data["added_members"] = [threadMemberJSON(user, of: channel, withMember: true)]
    } else {
      data["removed_member_ids"] = [user.json]
    }
    emit(Event(name: "THREAD_MEMBERS_UPDATE", guildID: guildID, intents: .guilds, data: data))
    return .noContent
  }

  /// A message opens an archived thread and makes its author a member.
  func noteMessage(inThread id: Snowflake, by author: Snowflake) {
    guard var channel = channels[id], var thread = channel.thread else { return }
    thread.messageCount += 1
    if thread.members[author] == nil, users[author] != nil { thread.members[author] = time.timestamp }
    let wasArchived = thread.isArchived
    thread.isArchived = false
    channel.thread = thread
    channels[id] = channel
    if wasArchived { announceThread("THREAD_UPDATE", channel) }
  }

  // MARK: - Lists

  func listThreadMembers(_ call: APICall) throws(APIError) -> APIResponse {
    let (channel, thread, _) = try thread(call)
    let limit = try call.integer("limit", 1...100, default: 100)
    let after = try call.snowflake(query: "after") ?? Snowflake(0)
    let chosen = thread.members.keys.filter { $0 > after }.sorted().prefix(limit)
    let withMember = call.flag("with_member")
    return .ok(.array(chosen.map { threadMemberJSON($0, of: channel, withMember: withMember) }))
  }

  func listArchived(_ call: APICall, isPrivate: Bool, joined: Bool) throws(APIError) -> APIResponse {
    let (channel, caller) = try channel(call)
    try require(.readHistory, of: caller, in: channel)
    if isPrivate, !joined { try require(.manageThreads, of: caller, in: channel) }
    let limit = try call.integer("limit", 2...100, default: 50)
    let beforeTime = joined ? nil : try call.time(query: "before")
    let beforeID = joined ? try call.snowflake(query: "before") : nil
    let matching = channels.values.filter { candidate in
      guard candidate.parentID == channel.id, let thread = candidate.thread, thread.isArchived else { return false }
      return (candidate.kind == .privateThread) == isPrivate && (!joined || thread.members[caller.id] != nil)
        && (beforeTime.map { thread.archivedAt < $0 } ?? true) && (beforeID.map { candidate.id < $0 } ?? true)
    }
    let sorted = matching.sorted { left, right in
      guard !joined, let one = left.thread?.archivedAt, let other = right.thread?.archivedAt, one != other else {
        return left.id > right.id
      }
      return one > other
    }
    return .ok(threadList(Array(sorted.prefix(limit)), viewer: caller.id, hasMore: sorted.count > limit))
  }
}
