import Platform

extension RouteTable {
  static let memberRoutes: [APIRoute] = [
    APIRoute(.get, "/guilds/:guild_id/audit-logs") { world, call in try world.listAuditLog(call) }
  ]
}

extension World {
  func modifyGuild(_ call: APICall) throws(APIError) -> APIResponse {
    var (guild, caller) = try guild(call)
    try require(.manageGuild, of: caller, in: guild)
    var form = FormErrors()
    if let name = form.text(call.body["name"], ["name"], 2...100) { guild.name = name }
    if let description = call.body["description"] {
      guild.description = form.text(description, ["description"], 0...300)
    }
    for (name, path) in [
      ("system_channel_id", \Guild.systemChannelID), ("afk_channel_id", \Guild.afkChannelID),
    ] {
      guard let value = call.body[name] else { continue }
      let id = Snowflake(value)
      if !value.isNull, id.map({ !guild.channelIDs.contains($0) }) ?? true {
        form.add([name], "CHANNEL_INVALID", "Channel does not exist")
      }
      guild[keyPath: path] = id
    }
    try form.check()
    guilds[guild.id] = guild
    emit(Event(name: "GUILD_UPDATE", guildID: guild.id, intents: .guilds, data: guild.json))
    audit(1, by: caller.id, on: guild.id, in: guild.id, call)
    notifyWatchers(["type": "world"])
    return .ok(guild.json)
  }

  func modifyMember(_ call: APICall, own: Bool) throws(APIError) -> APIResponse {
    var (guild, caller) = try guild(call)
    let id = own ? caller.id : try call.id("user_id")
    guard var member = guild.members[id] else { throw .unknownMember }
    let body = call.body
    let isAbove = own || id == caller.id || guild.rank(of: caller.id) > guild.rank(of: id)
    var form = FormErrors()
    if let nick = body["nick"] {
      try require(own ? .changeNickname : .manageNicknames, of: caller, in: guild)
      guard isAbove else { throw .missingPermissions }
      let text = form.text(nick, ["nick"], 0...32)
      member.nickname = text?.isEmpty == false ? text : nil
    }
    if !own, let roles = body["roles"] {
      try require(.manageRoles, of: caller, in: guild)
      let wanted = try form.list(roles, ["roles"], limit: 250).map { value throws(APIError) in
        guard let role = Snowflake(value), guild.roles.contains(where: { $0.id == role }) else { throw .unknownRole }
        return role
      }
      // Only roles below one's own can be given or taken.
      for changed in Set(wanted).symmetricDifference(member.roles) {
        guard let role = guild.roles.first(where: { $0.id == changed }), role.botID == nil, role.id != guild.id else {
          throw .invalidRole
        }
        guard guild.rank(of: caller.id) > role.position else { throw .missingPermissions }
      }
      member.roles = wanted
    }
    if !own, let until = body["communication_disabled_until"] {
      try require(.moderateMembers, of: caller, in: guild)
      guard isAbove, id != guild.ownerID, !guild.permissions(of: id).contains(.administrator) else {
        throw .missingPermissions
      }
      if until.isNull {
        member.timeoutUntil = nil
      } else if let end = until.string.flatMap({ Timestamp(iso8601: $0) }),
        end - time.timestamp <= .seconds(28 * 86_400)
      {
        member.timeoutUntil = end
      } else {
        form.add(["communication_disabled_until"], "DATE_TYPE_PARSE", "Could not parse \(until). Should be ISO8601.")
      }
    }
    if !own {
      // Nobody is in a voice channel here, so this is refused as Discord refuses it for whoever is in none.
      for (name, needed) in [
        ("mute", Permissions.muteMembers), ("deaf", .deafenMembers), ("channel_id", .moveMembers),
      ] where body[name] != nil {
        try require(needed, of: caller, in: guild)
        if name == "channel_id", body[name]?.isNull == true { continue }
        throw APIError(status: 400, code: 40032, message: "Target user is not connected to voice.")
      }
    }
    try form.check()
    guild.members[id] = member
    guilds[guild.id] = guild
    announceUpdate(member, in: guild.id)
    if !own { audit(24, by: caller.id, on: id, in: guild.id, call) }
    return .ok(memberJSON(member))
  }

  // MARK: - Bans

  func listBans(_ call: APICall) throws(APIError) -> APIResponse {
    let (guild, caller) = try guild(call)
    try require(.banMembers, of: caller, in: guild)
    let limit = try call.integer("limit", 1...1_000, default: 1_000)
    let ids = guild.bans.keys.sorted()
    let chosen: [Snowflake]
    if let before = try call.snowflake(query: "before") {
      chosen = ids.filter { $0 < before }.suffix(limit)
    } else {
      let after = try call.snowflake(query: "after") ?? Snowflake(0)
      chosen = Array(ids.filter { $0 > after }.prefix(limit))
    }
    return .ok(.array(chosen.compactMap { banJSON($0, in: guild) }))
  }

  /// - Returns: whether the user could be banned.
  private func ban(_ id: Snowflake, in guildID: Snowflake, _ seconds: Int64, _ call: APICall, by caller: Application)
    throws(APIError)
  {
    guard let guild = guilds[guildID], let user = users[id] else { throw .unknownUser }
    guard guild.rank(of: caller.id) > guild.rank(of: id), id != caller.id else { throw .missingPermissions }
    guilds[guildID]?.bans[id] = call.request.auditReason ?? ""
    leave(user: id, guild: guildID)
    emit(
      Event(
        name: "GUILD_BAN_ADD", guildID: guildID, intents: .guildModeration,
        data: ["guild_id": guildID.json, "user": user.json]))
    audit(22, by: caller.id, on: id, in: guildID, call)
    guard seconds > 0 else { return }
    let since = time.timestamp + .seconds(-seconds)
    for channel in channels.values where channel.guildID == guildID {
      for message in channel.messages where message.authorID == id && message.timestamp >= since { remove(message) }
    }
  }

  private func seconds(_ call: APICall) throws(APIError) -> Int64 {
    var form = FormErrors()
    // discord.py still writes it into the query, and Discord takes it from there.
    let value = call.body["delete_message_seconds"] ?? call.request.query["delete_message_seconds"].map(JSON.string)
    let seconds = form.integer(value, ["delete_message_seconds"], 0...604_800)
    try form.check()
    return seconds ?? 0
  }

  func ban(_ call: APICall) throws(APIError) -> APIResponse {
    let (guild, caller) = try guild(call)
    try require(.banMembers, of: caller, in: guild)
    try ban(try call.id("user_id"), in: guild.id, try seconds(call), call, by: caller)
    return .noContent
  }

  func bulkBan(_ call: APICall) throws(APIError) -> APIResponse {
    let (guild, caller) = try guild(call)
    try require([.banMembers, .manageGuild], of: caller, in: guild)
    let seconds = try seconds(call)
    var form = FormErrors()
    let ids = form.list(call.body["user_ids"], ["user_ids"], limit: 200).compactMap { Snowflake($0) }
    if ids.isEmpty { form.required(["user_ids"]) }
    try form.check()
    var banned: [Snowflake] = []
    var failed: [Snowflake] = []
    for id in ids {
      guard guilds[guild.id]?.bans[id] == nil else {
        failed.append(id)
        continue
      }
      do {
        try ban(id, in: guild.id, seconds, call, by: caller)
        banned.append(id)
      } catch { failed.append(id) }
    }
    guard !banned.isEmpty else { throw APIError(status: 400, code: 500000, message: "Failed to ban users") }
    return .ok(["banned_users": .array(banned.map(\.json)), "failed_users": .array(failed.map(\.json))])
  }
}
