import Platform

extension RouteTable {
  static let commandPermissionRoutes: [APIRoute] = {
    let path = "/applications/:application_id/guilds/:guild_id/commands"
    return [
      APIRoute(.get, path + "/permissions") { world, call in
        let (application, guild) = try world.commandScope(call)
        let all = guild.flatMap { application.commandPermissions[$0] } ?? [:]
        return .ok(.array(all.keys.sorted().map { World.json(all[$0] ?? [], of: $0, application.id, guild) }))
      },
      APIRoute(.get, path + "/:command_id/permissions") { world, call in
        let (application, guild) = try world.commandScope(call)
        let id = try call.id("command_id")
        guard let list = guild.flatMap({ application.commandPermissions[$0]?[id] }) else {
          throw APIError(status: 404, code: 10066, message: "Unknown application command permissions")
        }
        return .ok(World.json(list, of: id, application.id, guild))
      },
      APIRoute(.put, path + "/:command_id/permissions", authentication: .user) { world, call in
        try world.putCommandPermissions(call)
      },
    ]
  }()
}

extension World {
  static func json(_ list: [JSON], of id: Snowflake, _ application: Snowflake, _ guild: Snowflake?) -> JSON {
    [
      "id": id.json, "application_id": application.json, "guild_id": guild?.json ?? .null,
      "permissions": .array(list),
    ]
  }

  /// For users only: bots cannot say who may use their commands.
  func putCommandPermissions(_ call: APICall) throws(APIError) -> APIResponse {
    guard let grant = call.grant else { throw .unauthorized }
    guard grant.scopes.contains("applications.commands.permissions.update") else { throw .missingScope }
    let guildID = try call.id("guild_id")
    let id = try call.id("command_id")
    guard grant.application == (try call.id("application_id")), var application = applications[grant.application]
    else { throw .missingAccess }
    guard let guild = guilds[guildID], guild.permissions(of: grant.user).isSuperset(of: [.manageGuild, .manageRoles])
    else { throw .missingPermissions }
    guard
      id == application.id
        || application.commands.contains(where: { $0.id == id && ($0.guildID == nil || $0.guildID == guildID) })
    else { throw .unknownCommand }
    var form = FormErrors()
    let list = form.list(call.body["permissions"], ["permissions"], limit: 100)
    for (index, entry) in list.enumerated() {
      let place = ["permissions", String(index)]
      if Snowflake(entry["id"]) == nil { form.required(place + ["id"]) }
      form.choice(entry["type"]?.integer ?? 0, place + ["type"], [1, 2, 3])
      if entry["permission"]?.bool == nil { form.required(place + ["permission"]) }
    }
    try form.check()
    application.commandPermissions[guildID, default: [:]][id] = list
    applications[application.id] = application
    let json = Self.json(list, of: id, application.id, guildID)
    emit(
      Event(
        name: "APPLICATION_COMMAND_PERMISSIONS_UPDATE", guildID: guildID, applicationID: application.id, data: json))
    audit(121, by: grant.user, on: id, in: guildID, call)
    return .ok(json)
  }

  /// Discord allows 200 new commands a day in each guild, and as many global ones.
  func countCommandCreates(_ count: Int, of application: Snowflake, guild: Snowflake?) throws(APIError) {
    guard var known = applications[application], count > 0 else { return }
    if time.now >= known.commandCreatesResetAt {
      known.commandCreates = [:]
      known.commandCreatesResetAt = time.now.advanced(by: .seconds(24 * 3_600))
    }
    let total = known.commandCreates[guild ?? application, default: 0] + count
    guard total <= 200 else {
      throw APIError(
        status: 400, code: 30034, message: "Max number of daily application command creates has been reached (200)")
    }
    known.commandCreates[guild ?? application] = total
    applications[application] = known
  }
}
