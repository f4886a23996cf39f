import Platform

extension RouteTable {
  static let commandRoutes: [APIRoute] =
    scope("/applications/:application_id/commands")
    + scope("/applications/:application_id/guilds/:guild_id/commands")

  private static func scope(_ path: String) -> [APIRoute] {
    [
      APIRoute(.get, path, (20, 10)) { world, call in
        let (application, guild) = try world.commandScope(call)
        let withTexts = call.flag("with_localizations")
        let commands = application.commands.filter { $0.guildID == guild }
        return .ok(.array(commands.map { withTexts ? $0.json : $0.json.withoutLocalizations }))
      },
      APIRoute(.post, path, (5, 20)) { world, call in try world.createCommand(call) },
      APIRoute(.put, path, (5, 20)) { world, call in try world.overwriteCommands(call) },
      APIRoute(.get, path + "/:command_id") { world, call in .ok(try world.command(call).json) },
      APIRoute(.patch, path + "/:command_id", (5, 20)) { world, call in try world.editCommand(call) },
      APIRoute(.delete, path + "/:command_id", (5, 20)) { world, call in
        let command = try world.command(call)
        world.applications[command.applicationID]?.commands.removeAll { $0.id == command.id }
        world.notifyWatchers(["type": "commands"])
        return .noContent
      },
    ]
  }
}

extension JSON {
  /// Lists of commands leave the localizations out unless they are asked for.
  fileprivate var withoutLocalizations: JSON {
    switch self {
    case .array(let elements): return .array(elements.map(\.withoutLocalizations))
    case .object(let object):
      return .object(
        JSON.Object(
          object.filter { !$0.key.hasSuffix("_localizations") }.map { ($0.key, $0.value.withoutLocalizations) }))
    default: return self
    }
  }
}

extension World {
  static let commandLimits: [ApplicationCommand.Kind: Int] = [.chatInput: 100, .user: 15, .message: 15, .entryPoint: 1]

  /// The application of the path, which must be the caller's own, and the guild, which it must be in.
  func commandScope(_ call: APICall) throws(APIError) -> (application: Application, guild: Snowflake?) {
    let caller = try call.caller()
    let id = try call.id("application_id")
    guard id == caller.id else {
      throw applications[id] == nil
        ? .unknownApplication
        : APIError(
          status: 403, code: 20012, message: "You are not authorized to perform this action on this application")
    }
    guard call.parameters["guild_id"] != nil else { return (caller, nil) }
    let guildID = try call.id("guild_id")
    guard guilds[guildID]?.members[caller.id] != nil else { throw .missingAccess }
    return (caller, guildID)
  }

  func command(_ call: APICall) throws(APIError) -> ApplicationCommand {
    let (application, guild) = try commandScope(call)
    let id = try call.id("command_id")
    guard let command = application.commands.first(where: { $0.id == id && $0.guildID == guild }) else {
      throw .unknownCommand
    }
    return command
  }

  func createCommand(_ call: APICall) throws(APIError) -> APIResponse {
    let (application, guild) = try commandScope(call)
    let (kind, declaration) = try CommandForm.read(call.body, isGlobal: guild == nil)
    let name = declaration["name"]?.string
    if let known = application.commands.first(where: { $0.guildID == guild && $0.kind == kind && $0.name == name }) {
      return .ok(store(declaration, over: known).json)
    }
    let count = application.commands.count { $0.guildID == guild && $0.kind == kind }
    guard count < Self.commandLimits[kind] ?? 0 else { throw .tooManyCommands }
    try countCommandCreates(1, of: application.id, guild: guild)
    let id = makeID()
    let command = ApplicationCommand(
      id: id, applicationID: application.id, guildID: guild, kind: kind, version: makeID(), declaration: declaration)
    applications[application.id]?.commands.append(command)
    notifyWatchers(["type": "commands"])
    return .created(command.json)
  }

  func editCommand(_ call: APICall) throws(APIError) -> APIResponse {
    let known = try command(call)
    let (kind, declaration) = try CommandForm.read(
      call.body, previous: known.declaration, isGlobal: known.guildID == nil)
    guard kind == known.kind else { throw .form("type", "BASE_TYPE_CHOICES", "The type of a command cannot change") }
    let siblings = applications[known.applicationID]?.commands ?? []
    let name = declaration["name"]?.string
    if siblings.contains(where: {
      $0.id != known.id && $0.guildID == known.guildID && $0.kind == kind && $0.name == name
    }) {
      throw .form("name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
    }
    return .ok(store(declaration, over: known).json)
  }

  /// A new version only where something changed.
  private func store(_ declaration: JSON, over known: ApplicationCommand) -> ApplicationCommand {
    guard declaration != known.declaration,
      let index = applications[known.applicationID]?.commands.firstIndex(where: { $0.id == known.id })
    else { return known }
    var command = known
    command.declaration = declaration
    command.version = makeID()
    applications[known.applicationID]?.commands[index] = command
    notifyWatchers(["type": "commands"])
    return command
  }

  func overwriteCommands(_ call: APICall) throws(APIError) -> APIResponse {
    let (application, guild) = try commandScope(call)
    guard let list = call.body.array else {
      throw .form("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    }
    var wanted: [ApplicationCommand] = []
    var counts: [ApplicationCommand.Kind: Int] = [:]
    for (index, body) in list.enumerated() {
      let place = [String(index)]
      let (kind, declaration) = try CommandForm.read(body, path: place, isGlobal: guild == nil)
      let name = declaration["name"]?.string ?? ""
      if wanted.contains(where: { $0.kind == kind && $0.name == name }) {
        throw .form(
          "\(index).name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
      }
      counts[kind, default: 0] += 1
      guard counts[kind, default: 0] <= Self.commandLimits[kind] ?? 0 else { throw .tooManyCommands }
      let known = application.commands.first { $0.guildID == guild && $0.kind == kind && $0.name == name }
      let isSame = known?.declaration == declaration
      wanted.append(
        ApplicationCommand(
          id: known?.id ?? makeID(), applicationID: application.id, guildID: guild, kind: kind,
          version: isSame ? known?.version ?? makeID() : makeID(), declaration: declaration))
    }
    let hasEntryPoint = application.commands.contains { $0.guildID == guild && $0.kind == .entryPoint }
    if hasEntryPoint, !wanted.contains(where: { $0.kind == .entryPoint }) { throw .entryPointMissing }
    let known = Set(application.commands.map(\.id))
    try countCommandCreates(wanted.count { !known.contains($0.id) }, of: application.id, guild: guild)
    let others = application.commands.filter { $0.guildID != guild }
    applications[application.id]?.commands = others + wanted
    notifyWatchers(["type": "commands"])
    return .ok(.array(wanted.map(\.json)))
  }
}
