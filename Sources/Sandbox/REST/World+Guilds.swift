import Platform

extension RouteTable {
  static let guildRoutes: [APIRoute] = [
    APIRoute(.get, "/guilds/:guild_id") { world, call in
      let guild = try world.guild(call).guild
      var json = guild.json
      if call.flag("with_counts") {
        json["approximate_member_count"] = .integer(Int64(guild.members.count))
        json["approximate_presence_count"] = .integer(Int64(guild.members.count))
      }
      return .ok(json)
    },
    APIRoute(.get, "/guilds/:guild_id/channels") { world, call in
      let guild = try world.guild(call).guild
      return .ok(.array(guild.channelIDs.compactMap { world.channels[$0] }.map { world.channelJSON($0) }))
    },
    APIRoute(.post, "/guilds/:guild_id/channels") { world, call in try world.createChannel(call) },
    APIRoute(.patch, "/guilds/:guild_id") { world, call in try world.modifyGuild(call) },
    APIRoute(.get, "/guilds/:guild_id/members") { world, call in try world.listMembers(call) },
    APIRoute(.get, "/guilds/:guild_id/members/search") { world, call in try world.searchMembers(call) },
    APIRoute(.patch, "/guilds/:guild_id/members/@me") { world, call in try world.modifyMember(call, own: true) },
    APIRoute(.get, "/guilds/:guild_id/members/:user_id") { world, call in
      .ok(world.memberJSON(try world.member(call).member))
    },
    APIRoute(.patch, "/guilds/:guild_id/members/:user_id") { world, call in try world.modifyMember(call, own: false) },
    APIRoute(.delete, "/guilds/:guild_id/members/:user_id") { world, call in try world.kickMember(call) },
    APIRoute(.put, "/guilds/:guild_id/members/:user_id/roles/:role_id") { world, call in
      try world.changeRole(call, adding: true)
    },
    APIRoute(.delete, "/guilds/:guild_id/members/:user_id/roles/:role_id") { world, call in
      try world.changeRole(call, adding: false)
    },
    APIRoute(.get, "/guilds/:guild_id/bans") { world, call in try world.listBans(call) },
    APIRoute(.post, "/guilds/:guild_id/bulk-ban") { world, call in try world.bulkBan(call) },
    APIRoute(.get, "/guilds/:guild_id/bans/:user_id") { world, call in
      let (guild, caller) = try world.guild(call)
      try world.require(.banMembers, of: caller, in: guild)
      guard let ban = world.banJSON(try call.id("user_id"), in: guild) else { throw APIError.unknownBan }
      return .ok(ban)
    },
    APIRoute(.put, "/guilds/:guild_id/bans/:user_id") { world, call in try world.ban(call) },
    APIRoute(.delete, "/guilds/:guild_id/bans/:user_id") { world, call in try world.unban(call) },
  ]
}

extension World {
  /// The guild of the path, if the caller is in it.
  func guild(_ call: APICall) throws(APIError) -> (guild: Guild, caller: Application) {
    let caller = try call.caller()
    guard let guild = guilds[try call.id("guild_id")] else { throw .unknownGuild }
    guard guild.members[caller.id] != nil else { throw .missingAccess }
    return (guild, caller)
  }

  func member(_ call: APICall) throws(APIError) -> (member: Member, guild: Guild, caller: Application) {
    let (guild, caller) = try guild(call)
    let id = try call.id("user_id")
    guard users[id] != nil else { throw .unknownUser }
    guard let member = guild.members[id] else { throw .unknownMember }
    return (member, guild, caller)
  }

  func require(_ needed: Permissions, of caller: Application, in guild: Guild) throws(APIError) {
    guard guild.permissions(of: caller.id).isSuperset(of: needed) else { throw .missingPermissions }
  }

  func banJSON(_ id: Snowflake, in guild: Guild) -> JSON? {
    guard let reason = guild.bans[id], let user = users[id] else { return nil }
    return ["reason": reason.isEmpty ? .null : .string(reason), "user": user.json]
  }

  func listMembers(_ call: APICall) throws(APIError) -> APIResponse {
    let guild = try guild(call).guild
    let limit = try call.integer("limit", 1...1_000, default: 1)
    let after = try call.snowflake(query: "after") ?? Snowflake(0)
    let members = guild.members.values.filter { $0.userID > after }.sorted { $0.userID < $1.userID }
    return .ok(.array(members.prefix(limit).map(memberJSON)))
  }

  func searchMembers(_ call: APICall) throws(APIError) -> APIResponse {
    let guild = try guild(call).guild
    let limit = try call.integer("limit", 1...1_000, default: 1)
    guard let query = call.request.query["query"]?.lowercased(), !query.isEmpty else {
      throw .form("query", "BASE_TYPE_REQUIRED", "This field is required")
    }
    let members = guild.members.values.sorted { $0.userID < $1.userID }.filter { member in
      [member.nickname, users[member.userID]?.username, users[member.userID]?.globalName]
        .contains { $0?.lowercased().hasPrefix(query) == true }
    }
    return .ok(.array(members.prefix(limit).map(memberJSON)))
  }

  func announceUpdate(_ member: Member, in guildID: Snowflake) {
    var data = memberJSON(member)
    data["guild_id"] = guildID.json
    emit(Event(name: "GUILD_MEMBER_UPDATE", guildID: guildID, intents: .guildMembers, data: data))
    notifyWatchers(["type": "world"])
  }

  func changeRole(_ call: APICall, adding: Bool) throws(APIError) -> APIResponse {
    var (member, guild, caller) = try member(call)
    let id = try call.id("role_id")
    guard let role = guild.roles.first(where: { $0.id == id }) else { throw .unknownRole }
    try require(.manageRoles, of: caller, in: guild)
    guard role.id != guild.id, role.botID == nil else { throw .invalidRole }
    guard guild.rank(of: caller.id) > role.position else { throw .missingPermissions }
    member.roles.removeAll { $0 == id }
    if adding { member.roles.append(id) }
    audit(
      25, by: caller.id, on: member.userID, in: guild.id, call,
      changes: [["key": adding ? "$add" : "$remove", "new_value": [["id": id.json, "name": .string(role.name)]]]])
    guild.members[member.userID] = member
    guilds[guild.id] = guild
    announceUpdate(member, in: guild.id)
    return .noContent
  }

  func kickMember(_ call: APICall) throws(APIError) -> APIResponse {
    let (member, guild, caller) = try member(call)
    try require(.kickMembers, of: caller, in: guild)
    guard guild.rank(of: caller.id) > guild.rank(of: member.userID) else { throw .missingPermissions }
    audit(20, by: caller.id, on: member.userID, in: guild.id, call)
    leave(user: member.userID, guild: guild.id)
    return .noContent
  }

  func unban(_ call: APICall) throws(APIError) -> APIResponse {
    let (guild, caller) = try guild(call)
    let id = try call.id("user_id")
    try require(.banMembers, of: caller, in: guild)
    guard guilds[guild.id]?.bans.removeValue(forKey: id) != nil else { throw .unknownBan }
    audit(23, by: caller.id, on: id, in: guild.id, call)
    emit(
      Event(
        name: "GUILD_BAN_REMOVE", guildID: guild.id, intents: .guildModeration,
        data: ["guild_id": guild.id.json, "user": users[id]?.json ?? .null]))
    return .noContent
  }
}
