import Platform

extension RouteTable {
  static let channelRoutes: [APIRoute] =
    [
      APIRoute(.get, "/channels/:channel_id") { world, call in
        let (channel, caller) = try world.channel(call)
        return .ok(world.channelJSON(channel, viewer: caller.id))
      },
      APIRoute(.patch, "/channels/:channel_id", (5, 15)) { world, call in try world.modifyChannel(call) },
      APIRoute(.delete, "/channels/:channel_id") { world, call in try world.deleteChannel(call) },
      APIRoute(.put, "/channels/:channel_id/permissions/:overwrite_id") { world, call in try world.putOverwrite(call) },
      APIRoute(.delete, "/channels/:channel_id/permissions/:overwrite_id") { world, call in
        try world.deleteOverwrite(call)
      },
      APIRoute(.post, "/channels/:channel_id/typing", (5, 5)) { world, call in
        try world.startTyping(call)
      },
    ] + messageRoutes
}

extension World {
  /// The channel of the path, if the caller sees it.
  func channel(_ call: APICall) throws(APIError) -> (channel: Channel, caller: Application) {
    let caller = try call.caller()
    guard let channel = channels[try call.id("channel_id")] else { throw .unknownChannel }
    guard let guildID = channel.guildID, let guild = guilds[guildID] else {
      guard channel.recipients.contains(caller.id) else { throw .unknownChannel }
      return (channel, caller)
    }
    guard guild.permissions(of: caller.id, in: governing(channel)).contains(.viewChannel),
      isOpen(channel, to: caller.id)
    else { throw .missingAccess }
    return (channel, caller)
  }

  /// The channel whose overwrites say what may be done: a thread's are those of its channel.
  func governing(_ channel: Channel) -> Channel {
    channel.thread == nil ? channel : channel.parentID.flatMap { channels[$0] } ?? channel
  }

  /// A private thread is for its members and for who manages threads.
  func isOpen(_ channel: Channel, to user: Snowflake) -> Bool {
    guard channel.kind == .privateThread, let thread = channel.thread, thread.members[user] == nil else { return true }
    return channel.guildID.flatMap { guilds[$0] }?.permissions(of: user, in: governing(channel))
      .contains(.manageThreads) ?? false
  }

  /// As ``channel(_:)``, for what only channels with messages can do.
  func textChannel(_ call: APICall) throws(APIError) -> (channel: Channel, caller: Application) {
    let found = try channel(call)
    guard found.channel.kind.hasMessages else { throw .wrongChannelKind }
    return found
  }

  func require(_ needed: Permissions, of caller: Application, in channel: Channel) throws(APIError) {
    guard let guild = channel.guildID.flatMap({ guilds[$0] }) else { return }
    guard guild.permissions(of: caller.id, in: governing(channel)).isSuperset(of: needed) else {
      throw .missingPermissions
    }
  }

  func requireMessageManagement(of caller: Application, in channel: Channel) throws(APIError) {
    guard channel.guildID != nil else { throw .wrongChannelKind }
    try require(.manageMessages, of: caller, in: channel)
  }

  func requireSending(of caller: Application, in channel: Channel) throws(APIError) {
    guard let thread = channel.thread else { return try require(.sendMessages, of: caller, in: channel) }
    try require(.sendInThreads, of: caller, in: channel)
    if thread.isLocked { try require(.manageThreads, of: caller, in: channel) }
  }

  private func readOverwrites(_ value: JSON?, _ form: inout FormErrors) -> [Channel.Overwrite] {
    form.list(value, ["permission_overwrites"], limit: 100).enumerated().compactMap { index, entry in
      guard let id = Snowflake(entry["id"]), let kind = entry["type"]?.integer, kind == 0 || kind == 1 else {
        form.required(["permission_overwrites", String(index), "id"])
        return nil
      }
      return Channel.Overwrite(
        id: id, isMember: kind == 1, allow: Permissions(entry["allow"]) ?? [], deny: Permissions(entry["deny"]) ?? [])
    }
  }

  private func apply(_ body: JSON, to channel: inout Channel, _ form: inout FormErrors) {
    if let name = form.text(body["name"], ["name"], 1...100) {
      channel.name =
        channel.kind == .text || channel.kind == .announcement ? name.lowercased().replacing(" ", with: "-") : name
    }
    if let topic = body["topic"] {
      channel.topic = form.text(topic, ["topic"], 0...(channel.kind == .forum ? 4_096 : 1_024))
    }
    if let position = form.integer(body["position"], ["position"], 0...1_000) { channel.position = Int(position) }
    if let pause = form.integer(body["rate_limit_per_user"], ["rate_limit_per_user"], 0...21_600) {
      channel.slowMode = Int(pause)
    }
    if let nsfw = body["nsfw"]?.bool { channel.isNSFW = nsfw }
    if let parent = body["parent_id"] {
      if parent.isNull {
        channel.parentID = nil
      } else if let id = Snowflake(parent), channels[id]?.kind == .category {
        channel.parentID = id
      } else {
        form.add(["parent_id"], "CHANNEL_PARENT_INVALID", "Category does not exist")
      }
    }
    if let overwrites = body["permission_overwrites"] { channel.overwrites = readOverwrites(overwrites, &form) }
  }

  func createChannel(_ call: APICall) throws(APIError) -> APIResponse {
    let (guild, caller) = try guild(call)
    try require(.manageChannels, of: caller, in: guild)
    guard guild.channelIDs.count < 500 else {
      throw APIError(status: 400, code: 30013, message: "Maximum number of guild channels reached (500)")
    }
    var form = FormErrors()
    form.text(call.body["name"], ["name"], 1...100, required: true)
    let number = form.integer(call.body["type"], ["type"], 0...16) ?? 0
    let kind = Channel.Kind(rawValue: Int(number))
    form.choice(number, ["type"], [0, 2, 4, 5, 15])
    var channel = Channel(
      id: makeID(), kind: kind ?? .text, guildID: guild.id, position: guild.channelIDs.count)
    apply(call.body, to: &channel, &form)
    try form.check()
    channels[channel.id] = channel
    guilds[guild.id]?.channelIDs.append(channel.id)
    announce("CHANNEL_CREATE", channel)
    audit(10, by: caller.id, on: channel.id, in: guild.id, call)
    return .created(channelJSON(channel))
  }

  func modifyChannel(_ call: APICall) throws(APIError) -> APIResponse {
    var (channel, caller) = try channel(call)
    guard channel.guildID != nil else { throw .wrongChannelKind }
    if channel.thread != nil { return try modifyThread(call, channel, caller) }
    try require(.manageChannels, of: caller, in: channel)
    var form = FormErrors()
    apply(call.body, to: &channel, &form)
    try form.check()
    let before = channels[channel.id]
    channels[channel.id] = channel
    announce("CHANNEL_UPDATE", channel)
    let changes: [JSON] =
      before?.name == channel.name
      ? []
      : [["key": "name", "old_value": .string(before?.name ?? ""), "new_value": .string(channel.name)]]
    audit(11, by: caller.id, on: channel.id, in: channel.guildID, call, changes: changes)
    return .ok(channelJSON(channel))
  }

  func deleteChannel(_ call: APICall) throws(APIError) -> APIResponse {
    let (channel, caller) = try channel(call)
    guard let guildID = channel.guildID else { return .ok(channelJSON(channel, viewer: caller.id)) }
    if channel.thread != nil { return try deleteThread(call, channel, caller) }
    try require(.manageChannels, of: caller, in: channel)
    announce("CHANNEL_DELETE", channel)
    audit(12, by: caller.id, on: channel.id, in: guildID, call)
    for thread in channels.values where thread.thread != nil && thread.parentID == channel.id {
      channels[thread.id] = nil
    }
    webhooks = webhooks.filter { $0.value.channelID != channel.id }
    channels[channel.id] = nil
    guilds[guildID]?.channelIDs.removeAll { $0 == channel.id }
    for id in channels.keys where channels[id]?.parentID == channel.id { channels[id]?.parentID = nil }
    return .ok(channelJSON(channel))
  }

  func putOverwrite(_ call: APICall) throws(APIError) -> APIResponse {
    var (channel, caller) = try channel(call)
    guard channel.guildID != nil else { throw .wrongChannelKind }
    try require(.manageRoles, of: caller, in: channel)
    let id = try call.id("overwrite_id")
    var form = FormErrors()
    let kind = form.integer(call.body["type"], ["type"], 0...1, required: true)
    try form.check()
    if let guild = channel.guildID.flatMap({ guilds[$0] }) {
      if kind == 0, !guild.roles.contains(where: { $0.id == id }) { throw .unknownRole }
      if kind == 1, guild.members[id] == nil { throw .unknownMember }
    }
    audit(13, by: caller.id, on: channel.id, in: channel.guildID, call)
    channel.overwrites.removeAll { $0.id == id }
    channel.overwrites.append(
      Channel.Overwrite(
        id: id, isMember: kind == 1, allow: Permissions(call.body["allow"]) ?? [],
        deny: Permissions(call.body["deny"]) ?? []))
    channels[channel.id] = channel
    announce("CHANNEL_UPDATE", channel)
    return .noContent
  }

  func deleteOverwrite(_ call: APICall) throws(APIError) -> APIResponse {
    var (channel, caller) = try channel(call)
    guard channel.guildID != nil else { throw .wrongChannelKind }
    try require(.manageRoles, of: caller, in: channel)
    let id = try call.id("overwrite_id")
    guard channel.overwrites.contains(where: { $0.id == id }) else {
      throw APIError(status: 404, code: 10009, message: "Unknown permission overwrite")
    }
    audit(15, by: caller.id, on: channel.id, in: channel.guildID, call)
    channel.overwrites.removeAll { $0.id == id }
    channels[channel.id] = channel
    announce("CHANNEL_UPDATE", channel)
    return .noContent
  }

  func announce(_ name: String, _ channel: Channel) {
    emit(Event(name: name, guildID: channel.guildID, intents: .guilds, data: channelJSON(channel)))
    notifyWatchers(["type": "world"])
  }
}
