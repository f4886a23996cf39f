import Platform

extension RouteTable {
  static let roleRoutes: [APIRoute] = [
    APIRoute(.get, "/guilds/:guild_id/roles") { world, call in
      .ok(.array(try world.guild(call).guild.roles.map(\.json)))
    },
    APIRoute(.get, "/guilds/:guild_id/roles/:role_id") { world, call in .ok(try world.role(call).role.json) },
    APIRoute(.post, "/guilds/:guild_id/roles") { world, call in try world.createRole(call) },
    APIRoute(.patch, "/guilds/:guild_id/roles") { world, call in try world.moveRoles(call) },
    APIRoute(.patch, "/guilds/:guild_id/roles/:role_id") { world, call in try world.modifyRole(call) },
    APIRoute(.delete, "/guilds/:guild_id/roles/:role_id") { world, call in try world.deleteRole(call) },
  ]
}

extension World {
  func role(_ call: APICall) throws(APIError) -> (role: Role, guild: Guild, caller: Application) {
    let (guild, caller) = try guild(call)
    let id = try call.id("role_id")
    guard let role = guild.roles.first(where: { $0.id == id }) else { throw .unknownRole }
    return (role, guild, caller)
  }

  /// Nobody gives what they do not have themselves.
  private func apply(_ body: JSON, to role: inout Role, by caller: Application, in guild: Guild) throws(APIError) {
    var form = FormErrors()
    if let name = form.text(body["name"], ["name"], 0...100) { role.name = name.isEmpty ? "new role" : name }
    if let color = form.integer(body["color"], ["color"], 0...0xFF_FFFF) { role.color = Int(color) }
    if let color = form.integer(body["colors"]?["primary_color"], ["colors", "primary_color"], 0...0xFF_FFFF) {
      role.color = Int(color)
    }
    if let permissions = Permissions(body["permissions"]) {
      let own = guild.permissions(of: caller.id)
      guard own.isSuperset(of: permissions.subtracting(role.permissions)) else { throw .missingPermissions }
      role.permissions = permissions
    } else if let value = body["permissions"], !value.isNull {
      form.add(["permissions"], "NUMBER_TYPE_COERCE", "Value \"\(value)\" is not int.")
    }
    if let isHoisted = body["hoist"]?.bool { role.isHoisted = isHoisted }
    if let isMentionable = body["mentionable"]?.bool { role.isMentionable = isMentionable }
    try form.check()
  }

  private func announce(_ name: String, _ role: Role, in guild: Snowflake) {
    emit(Event(name: name, guildID: guild, intents: .guilds, data: ["guild_id": guild.json, "role": role.json]))
    notifyWatchers(["type": "world"])
  }

  func createRole(_ call: APICall) throws(APIError) -> APIResponse {
    let (guild, caller) = try guild(call)
    try require(.manageRoles, of: caller, in: guild)
    guard guild.roles.count < 250 else {
      throw APIError(status: 400, code: 30005, message: "Maximum number of guild roles reached (250)")
    }
    let everyone = guild.roles.first { $0.id == guild.id }?.permissions ?? []
    var role = Role(id: makeID(), name: "new role", position: 1, permissions: everyone)
    try apply(call.body, to: &role, by: caller, in: guild)
    guilds[guild.id]?.roles.append(role)
    announce("GUILD_ROLE_CREATE", role, in: guild.id)
    audit(30, by: caller.id, on: role.id, in: guild.id, call)
    return .ok(role.json)
  }

  func modifyRole(_ call: APICall) throws(APIError) -> APIResponse {
    var (role, guild, caller) = try role(call)
    try require(.manageRoles, of: caller, in: guild)
    guard guild.rank(of: caller.id) > role.position else { throw .missingPermissions }
    try apply(call.body, to: &role, by: caller, in: guild)
    guilds[guild.id]?.roles = guild.roles.map { $0.id == role.id ? role : $0 }
    announce("GUILD_ROLE_UPDATE", role, in: guild.id)
    audit(31, by: caller.id, on: role.id, in: guild.id, call)
    return .ok(role.json)
  }

  func moveRoles(_ call: APICall) throws(APIError) -> APIResponse {
    var (guild, caller) = try guild(call)
    try require(.manageRoles, of: caller, in: guild)
    guard let moves = call.body.array else {
      throw .form("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    }
    let rank = guild.rank(of: caller.id)
    var changed: [Role] = []
    for (index, move) in moves.enumerated() {
      guard let id = Snowflake(move["id"]), let place = guild.roles.firstIndex(where: { $0.id == id }) else {
        throw .unknownRole
      }
      guard let position = move["position"]?.integer else { continue }
      guard (1...1_000).contains(position), id != guild.id else {
        throw .form("\(index).position", "NUMBER_TYPE_MIN", "int value should be greater than or equal to 1.")
      }
      guard rank > guild.roles[place].position, rank > position else { throw .missingPermissions }
      guild.roles[place].position = Int(position)
      changed.append(guild.roles[place])
    }
    guilds[guild.id] = guild
    for role in changed { announce("GUILD_ROLE_UPDATE", role, in: guild.id) }
    return .ok(.array(guild.roles.map(\.json)))
  }

  func deleteRole(_ call: APICall) throws(APIError) -> APIResponse {
    let (role, guild, caller) = try role(call)
    try require(.manageRoles, of: caller, in: guild)
    guard role.id != guild.id, role.botID == nil else { throw .invalidRole }
    guard guild.rank(of: caller.id) > role.position else { throw .missingPermissions }
    guilds[guild.id]?.roles.removeAll { $0.id == role.id }
    for id in guild.members.keys where guild.members[id]?.roles.contains(role.id) == true {
      guilds[guild.id]?.members[id]?.roles.removeAll { $0 == role.id }
    }
    for id in guild.channelIDs { channels[id]?.overwrites.removeAll { $0.id == role.id } }
    emit(
      Event(
        name: "GUILD_ROLE_DELETE", guildID: guild.id, intents: .guilds,
        data: ["guild_id": guild.id.json, "role_id": role.id.json]))
    audit(32, by: caller.id, on: role.id, in: guild.id, call)
    notifyWatchers(["type": "world"])
    return .noContent
  }
}
