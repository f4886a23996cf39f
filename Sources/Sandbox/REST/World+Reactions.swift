import Platform

extension RouteTable {
  static let reactionRoutes: [APIRoute] = {
    let message = "/channels/:channel_id/messages/:message_id"
    let bucket = "reactions"
    return [
      APIRoute(.put, message + "/reactions/:emoji/@me", (4, 1), bucket: bucket) { world, call in
        try world.addReaction(call)
      },
      APIRoute(.delete, message + "/reactions/:emoji/@me", (4, 1), bucket: bucket) { world, call in
        try world.removeReaction(call, of: try call.caller().id)
      },
      APIRoute(.delete, message + "/reactions/:emoji/:user_id", (4, 1), bucket: bucket) { world, call in
        try world.removeReaction(call, of: try call.id("user_id"))
      },
      APIRoute(.get, message + "/reactions/:emoji") { world, call in try world.listReactions(call) },
      APIRoute(.delete, message + "/reactions/:emoji", (4, 1), bucket: bucket) { world, call in
        try world.clearReactions(call)
      },
      APIRoute(.delete, message + "/reactions", (4, 1), bucket: bucket) { world, call in
        try world.clearReactions(call)
      },
      APIRoute(.get, "/channels/:channel_id/messages/pins") { world, call in try world.listPins(call) },
      APIRoute(.put, "/channels/:channel_id/messages/pins/:message_id", (4, 4), bucket: "pins") { world, call in
        try world.pin(call, true)
      },
      APIRoute(.delete, "/channels/:channel_id/messages/pins/:message_id", (4, 4), bucket: "pins") { world, call in
        try world.pin(call, false)
      },
      // The forms before the paginated list, which libraries still use.
      APIRoute(.get, "/channels/:channel_id/pins") { world, call in
        let (channel, caller) = try world.textChannel(call)
        return .ok(.array(World.pinned(channel).map { world.messageJSON($0.message, viewer: caller.id) }))
      },
      APIRoute(.put, "/channels/:channel_id/pins/:message_id", (4, 4), bucket: "pins") { world, call in
        try world.pin(call, true)
      },
      APIRoute(.delete, "/channels/:channel_id/pins/:message_id", (4, 4), bucket: "pins") { world, call in
        try world.pin(call, false)
      },
      APIRoute(.post, message + "/crosspost", (10, 3_600)) { world, call in try world.crosspost(call) },
    ]
  }()
}

extension World {
  static func json(_ reaction: Message.Reaction, viewer: Snowflake?) -> JSON {
    let count = Int64(reaction.users.count)
    return [
      "emoji": reaction.emoji, "count": .integer(count), "count_details": ["burst": 0, "normal": .integer(count)],
      "burst_colors": [], "me_burst": false, "burst_me": false, "burst_count": 0,
      "me": .boolean(viewer.map(reaction.users.contains) ?? false),
    ]
  }

  /// The emoji of the path: a Unicode one, or `name:id` of one that exists.
  private func emoji(_ call: APICall) throws(APIError) -> (id: Snowflake?, name: String) {
    let text = call.parameters["emoji"] ?? ""
    if let colon = text.lastIndex(of: ":") {
      guard let id = Snowflake(text[text.index(after: colon)...]) else { throw .unknownEmoji }
      let known = guilds.values.flatMap(\.emojis) + applications.values.flatMap(\.emojis)
      guard let emoji = known.first(where: { $0.id == id }) else { throw .unknownEmoji }
      return (id, emoji.name)
    }
    guard text.unicodeScalars.count <= 12, text.unicodeScalars.contains(where: { $0.properties.isEmoji }),
      !text.unicodeScalars.allSatisfy(\.isASCII)
    else { throw .unknownEmoji }
    return (nil, text)
  }

  private func reactionEvent(_ name: String, _ message: Message, _ data: [(String, JSON)]) {
    var body: JSON = ["channel_id": message.channelID.json, "message_id": message.id.json]
    if let guild = message.guildID { body["guild_id"] = guild.json }
    for (key, value) in data { body[key] = value }
    emit(
      Event(
        name: name, guildID: message.guildID,
        intents: message.guildID == nil ? .directMessageReactions : .guildMessageReactions, data: body))
    notifyWatchers(["type": "update", "message": messageJSON(message)], channel: message.channelID)
  }

  /// Changes a stored message without telling that it was edited.
  private func store(_ message: Message) {
    guard let index = channels[message.channelID]?.messages.firstIndex(where: { $0.id == message.id }) else { return }
    channels[message.channelID]?.messages[index] = message
  }

  func addReaction(_ call: APICall) throws(APIError) -> APIResponse {
    let (message, channel, caller) = try message(call)
    try require(.readHistory, of: caller, in: channel)
    let (id, name) = try emoji(call)
    if !message.reactions.contains(where: { $0.emojiID == id && $0.name == name }) {
      try require(.addReactions, of: caller, in: channel)
    }
    try react(id, name, of: caller.id, to: message)
    return .noContent
  }

  /// A user or a bot reacts; a second time nothing happens.
  func react(_ id: Snowflake?, _ name: String, of user: Snowflake, to message: Message) throws(APIError) {
    var message = message
    if let index = message.reactions.firstIndex(where: { $0.emojiID == id && $0.name == name }) {
      guard !message.reactions[index].users.contains(user) else { return }
      message.reactions[index].users.append(user)
    } else {
      guard message.reactions.count < 20 else {
        throw APIError(status: 400, code: 30010, message: "Maximum number of reactions reached (20)")
      }
      message.reactions.append(Message.Reaction(emojiID: id, name: name, users: [user]))
    }
    store(message)
    var data: [(String, JSON)] = [
      ("user_id", user.json), ("emoji", ["id": id?.json ?? .null, "name": .string(name)]), ("burst", false),
      ("type", 0), ("message_author_id", message.authorID.json),
    ]
    if let guild = message.guildID, let member = guilds[guild]?.members[user] {
      data.append(("member", memberJSON(member)))
    }
    reactionEvent("MESSAGE_REACTION_ADD", message, data)
  }

  func removeReaction(_ call: APICall, of user: Snowflake) throws(APIError) -> APIResponse {
    var (message, channel, caller) = try message(call)
    if user != caller.id { try requireMessageManagement(of: caller, in: channel) }
    let (id, name) = try emoji(call)
    guard let index = message.reactions.firstIndex(where: { $0.emojiID == id && $0.name == name }),
      message.reactions[index].users.contains(user)
    else { return .noContent }
    message.reactions[index].users.removeAll { $0 == user }
    if message.reactions[index].users.isEmpty { message.reactions.remove(at: index) }
    store(message)
    reactionEvent(
      "MESSAGE_REACTION_REMOVE", message,
      [
        ("user_id", user.json), ("emoji", ["id": id?.json ?? .null, "name": .string(name)]), ("burst", false),
        ("type", 0),
      ])
    return .noContent
  }

  func clearReactions(_ call: APICall) throws(APIError) -> APIResponse {
    var (message, channel, caller) = try message(call)
    try requireMessageManagement(of: caller, in: channel)
    guard call.parameters["emoji"] != nil else {
      message.reactions = []
      store(message)
      reactionEvent("MESSAGE_REACTION_REMOVE_ALL", message, [])
      return .noContent
    }
    let (id, name) = try emoji(call)
    message.reactions.removeAll { $0.emojiID == id && $0.name == name }
    store(message)
    reactionEvent(
      "MESSAGE_REACTION_REMOVE_EMOJI", message, [("emoji", ["id": id?.json ?? .null, "name": .string(name)])])
    return .noContent
  }

  func listReactions(_ call: APICall) throws(APIError) -> APIResponse {
    let (message, _, _) = try message(call)
    let (id, name) = try emoji(call)
    let limit = try call.integer("limit", 1...100, default: 25)
    let after = try call.snowflake(query: "after") ?? Snowflake(0)
    let reaction = message.reactions.first { $0.emojiID == id && $0.name == name }
    let chosen = (reaction?.users ?? []).filter { $0 > after }.sorted().prefix(limit)
    return .ok(.array(chosen.compactMap { users[$0]?.json }))
  }

  // MARK: - Pins

  /// Latest pinned first.
  static func pinned(_ channel: Channel) -> [(message: Message, at: Timestamp)] {
    channel.messages.compactMap { message in message.pinnedAt.map { (message, $0) } }.sorted { $0.1 > $1.1 }
  }

  func listPins(_ call: APICall) throws(APIError) -> APIResponse {
    let (channel, caller) = try textChannel(call)
    try require(.readHistory, of: caller, in: channel)
    let limit = try call.integer("limit", 1...50, default: 50)
    let before = try call.time(query: "before")
    let matching = Self.pinned(channel).filter { pin in before.map { pin.at < $0 } ?? true }
    return .ok([
      "items": .array(
        matching.prefix(limit).map {
          ["pinned_at": .string($0.at.discord), "message": messageJSON($0.message, viewer: caller.id)]
        }), "has_more": .boolean(matching.count > limit),
    ])
  }

  func pin(_ call: APICall, _ isPinned: Bool) throws(APIError) -> APIResponse {
    var (message, channel, caller) = try message(call)
    if channel.guildID != nil { try require(.pinMessages, of: caller, in: channel) }
    guard (message.pinnedAt != nil) != isPinned else { return .noContent }
    if isPinned, channel.messages.count(where: { $0.pinnedAt != nil }) >= 250 {
      throw APIError(status: 400, code: 30003, message: "Maximum number of pinned messages reached (250)")
    }
    message.pinnedAt = isPinned ? time.timestamp : nil
    update(message)
    if isPinned { channels[channel.id]?.lastPinAt = time.timestamp }
    audit(isPinned ? 74 : 75, by: caller.id, on: message.authorID, in: channel.guildID, call)
    var data: JSON = ["channel_id": channel.id.json]
    data["last_pin_timestamp"] = channels[channel.id]?.lastPinAt.map { .string($0.discord) } ?? .null
    if let guild = channel.guildID { data["guild_id"] = guild.json }
    emit(
      Event(
        name: "CHANNEL_PINS_UPDATE", guildID: channel.guildID,
        intents: channel.guildID == nil ? .directMessages : .guilds, data: data))
    guard isPinned else { return .noContent }
    var notice = Message(
      id: makeID(), channelID: channel.id, guildID: channel.guildID, authorID: caller.id, timestamp: time.timestamp)
    notice.kind = 6
    notice.referencedID = message.id
    post(notice)
    return .noContent
  }

  // MARK: - Other

  func crosspost(_ call: APICall) throws(APIError) -> APIResponse {
    var (message, channel, caller) = try message(call)
    guard channel.kind == .announcement else { throw .wrongChannelKind }
    if message.authorID != caller.id { try requireMessageManagement(of: caller, in: channel) }
    guard message.flags & Message.Flags.crossposted == 0 else {
      throw APIError(status: 400, code: 40033, message: "This message has already been crossposted")
    }
    message.flags |= Message.Flags.crossposted
    update(message)
    return .ok(messageJSON(message, viewer: caller.id))
  }

  func startTyping(_ call: APICall) throws(APIError) -> APIResponse {
    let (channel, caller) = try textChannel(call)
    try requireSending(of: caller, in: channel)
    var data: JSON = [
      "channel_id": channel.id.json, "user_id": caller.id.json,
      "timestamp": .integer(time.timestamp.milliseconds / 1_000),
    ]
    if let guild = channel.guildID {
      data["guild_id"] = guild.json
      if let member = guilds[guild]?.members[caller.id] { data["member"] = memberJSON(member) }
    }
    emit(
      Event(
        name: "TYPING_START", guildID: channel.guildID,
        intents: channel.guildID == nil ? .directMessageTyping : .guildMessageTyping, data: data))
    return .noContent
  }
}

extension APICall {
  func time(query name: String) throws(APIError) -> Timestamp? {
    guard let text = request.query[name] else { return nil }
    // Discord writes an offset and microseconds, clients write `Z`.
    guard let time = Timestamp(iso8601: text) else {
      throw .form(name, "DATE_TYPE_PARSE", "Could not parse \(text). Should be ISO8601.")
    }
    return time
  }
}
