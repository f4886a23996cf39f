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
        _ = try world.textChannel(call)
        return .noContent
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
    guard guild.permissions(of: caller.id, in: channel).contains(.viewChannel) else { throw .missingAccess }
    return (channel, caller)
  }

  /// As ``channel(_:)``, for what only channels with messages can do.
  func textChannel(_ call: APICall) throws(APIError) -> (channel: Channel, caller: Application) {
    let found = try channel(call)
    guard found.channel.kind != .category else { throw .wrongChannelKind }
    return found
  }

  private func require(
    _ needed: Permissions, of caller: Application, in channel: Channel
  ) throws(APIError) {
    guard let guild = channel.guildID.flatMap({ guilds[$0] }) else { return }
    guard guild.permissions(of: caller.id, in: channel).isSuperset(of: needed) else { throw .missingPermissions }
  }

  func requireMessageManagement(of caller: Application, in channel: Channel) throws(APIError) {
    guard channel.guildID != nil else { throw .wrongChannelKind }
    try require(.manageMessages, of: caller, in: channel)
  }

  func requireSending(of caller: Application, in channel: Channel) throws(APIError) {
    try require(.sendMessages, of: caller, in: channel)
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
      channel.name = channel.kind == .text ? name.lowercased().replacing(" ", with: "-") : name
    }
    if let topic = body["topic"] { channel.topic = form.text(topic, ["topic"], 0...1_024) }
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
    if kind == nil || kind == .dm { form.choice(number, ["type"], [0, 2, 4]) }
    var channel = Channel(
      id: makeID(), kind: kind ?? .text, guildID: guild.id, position: guild.channelIDs.count)
    apply(call.body, to: &channel, &form)
    try form.check()
    channels[channel.id] = channel
    guilds[guild.id]?.channelIDs.append(channel.id)
    announce("CHANNEL_CREATE", channel)
    return .created(channelJSON(channel))
  }

  func modifyChannel(_ call: APICall) throws(APIError) -> APIResponse {
    var (channel, caller) = try channel(call)
    guard channel.guildID != nil else { throw .wrongChannelKind }
    try require(.manageChannels, of: caller, in: channel)
    var form = FormErrors()
    apply(call.body, to: &channel, &form)
    try form.check()
    channels[channel.id] = channel
    announce("CHANNEL_UPDATE", channel)
    return .ok(channelJSON(channel))
  }

  func deleteChannel(_ call: APICall) throws(APIError) -> APIResponse {
    let (channel, caller) = try channel(call)
    guard let guildID = channel.guildID else { return .ok(channelJSON(channel, viewer: caller.id)) }
    try require(.manageChannels, of: caller, in: channel)
    announce("CHANNEL_DELETE", channel)
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
    channel.overwrites.removeAll { $0.id == id }
    channels[channel.id] = channel
    announce("CHANNEL_UPDATE", channel)
    return .noContent
  }

  private func announce(_ name: String, _ channel: Channel) {
    emit(Event(name: name, guildID: channel.guildID, intents: .guilds, data: channelJSON(channel)))
    notifyWatchers(["type": "world"])
  }
}
