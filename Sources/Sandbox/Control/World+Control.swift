import Platform

/// What the control API reads and orders.
extension World {
  func worldJSON() -> JSON {
    let guildList = guilds.values.sorted { $0.id < $1.id }
    let direct = channels.values.filter { $0.kind == .dm }.sorted { $0.id < $1.id }
    return [
      "guilds": .array(
        guildList.map { guild in
          [
            "id": guild.id.json, "name": .string(guild.name), "owner_id": guild.ownerID.json,
            "roles": .array(guild.roles.map(\.json)),
            "channels": .array(guild.channelIDs.compactMap { channels[$0] }.map { channelJSON($0) }),
            "members": .array(
              guild.members.values.sorted { $0.userID < $1.userID }.map { member in
                var json = memberJSON(member)
                json["permissions"] = guild.permissions(of: member.userID).json
                return json
              }),
          ]
        }),
      "direct": .array(direct.map { channelJSON($0) }),
      "applications": .array(
        applications.values.sorted { $0.id < $1.id }.map { application in
          [
            "id": application.id.json, "name": .string(users[application.id]?.username ?? ""),
            "connected": .boolean(connections.values.contains { $0.machine.session?.applicationID == application.id }),
            "identifies": .integer(Int64(application.identifies)),
          ]
        }),
    ]
  }

  /// The messages of a channel as one user sees them: ephemeral ones of others left out.
  func visibleMessages(_ query: JSON) throws(ControlError) -> JSON {
    let user = try player(query["user"] ?? Self.ownerID.json)
    let channel = try place(query["channel"], for: user)
    let visible = channel.messages.filter { $0.ephemeralFor == nil || $0.ephemeralFor == user.id }
    return .array(visible.suffix(200).map { messageJSON($0, viewer: user.id) })
  }

  /// With `user` the commands that this user is offered in `channel`; without, all that are registered.
  func commandsJSON(_ query: JSON) throws(ControlError) -> JSON {
    guard query["user"] != nil else {
      return .array(applications.values.sorted { $0.id < $1.id }.flatMap(\.commands).map(\.json))
    }
    let user = try player(query["user"])
    let channel = try place(query["channel"], for: user)
    return .array(
      offeredCommands(to: user.id, in: channel).map { command in
        var json = command.json
        json["application_name"] = .string(users[command.applicationID]?.username ?? "")
        return json
      })
  }

  func sessionsJSON() -> JSON {
    func json(_ session: GatewaySession, by machine: GatewayConnection?) -> JSON {
      [
        "id": .string(session.id), "application": session.applicationID.json,
        "shard": [.integer(Int64(session.shard.id)), .integer(Int64(session.shard.count))],
        "intents": .integer(Int64(session.intents.rawValue)), "sequence": .integer(session.sequence),
        "connected": .boolean(machine != nil), "presence": machine?.presence ?? .null,
        "acknowledged": machine?.acknowledged.map(JSON.integer) ?? .null,
      ]
    }
    return .array(
      connections.values.compactMap { connection in
        connection.machine.session.map { json($0, by: connection.machine) }
      } + detached.values.map { json($0.session, by: nil) })
  }

  func requestsJSON(path: String?, withResponses: Bool) -> JSON {
    .array(
      requestLog.entries.filter { path.map($0.path.hasPrefix) ?? true }.map { entry in
        var json = entry.json
        if withResponses, let response = entry.response { json["response"] = response }
        return json
      })
  }

  func clearRequests() { requestLog.removeAll() }

  func interactionJSON(id: String?) throws(ControlError) -> JSON {
    guard let id = id.flatMap({ Snowflake($0) }), let interaction = interactions[id] else {
      throw .notFound("interaction")
    }
    return interactionJSON(interaction)
  }

  /// Starts an interaction and, with `"wait": milliseconds`, stays until it is answered.
  func act(
    _ body: JSON, _ start: @Sendable (isolated World) throws(ControlError) -> Interaction
  ) async throws(ControlError) -> JSON {
    let wait = body["wait"]?.integer ?? 0
    guard (0...60_000).contains(wait) else { throw .bad("wait must be 0 to 60000 milliseconds") }
    let interaction = try start(self)
    guard wait > 0 else { return interactionJSON(interaction) }
    let answered = await waitForAnswer(interaction.id, limit: .milliseconds(wait))
    return interactionJSON(answered ?? interaction)
  }

  // MARK: - Coming and going

  /// Lets a user join: `{"guild"?, "user"}` for a known one, `{"guild"?, "name"}` for a new one.
  func join(_ body: JSON) throws(ControlError) -> JSON {
    let guildID = body["guild"] == nil ? Self.guildID : Snowflake(body["guild"])
    guard let guildID, guilds[guildID] != nil else { throw .notFound("guild") }
    let user: User
    if body["user"] != nil {
      user = try player(body["user"])
      guard guilds[guildID]?.members[user.id] == nil else { throw .conflict("\(user.username) is a member already") }
      guard guilds[guildID]?.bans[user.id] == nil else { throw .conflict("\(user.username) is banned") }
    } else {
      guard let name = body["name"]?.string, (2...32).contains(name.unicodeScalars.count) else {
        throw .bad("user, or a name of 2 to 32 characters, is needed")
      }
      guard users.count < 100_000 else { throw .conflict("there are too many users") }
      user = User(id: makeID(), username: name)
      users[user.id] = user
    }
    join(user: user.id, guild: guildID)
    return user.json
  }

  func leave(_ body: JSON) throws(ControlError) -> JSON {
    let guildID = body["guild"] == nil ? Self.guildID : Snowflake(body["guild"])
    guard let guildID, let guild = guilds[guildID] else { throw .notFound("guild") }
    let user = try player(body["user"])
    guard guild.members[user.id] != nil else { throw .notFound("member") }
    guard guild.ownerID != user.id else { throw .conflict("the owner cannot leave") }
    leave(user: user.id, guild: guildID)
    return user.json
  }

  /// Opens the direct messages between a user and an application's bot.
  func openDirect(_ body: JSON) throws(ControlError) -> JSON {
    let user = try player(body["user"])
    guard let id = Snowflake(body["application"]), applications[id] != nil else { throw .notFound("application") }
    return channelJSON(directChannel(bot: id, user: user.id), viewer: user.id)
  }

  // MARK: - Settings

  /// `{"shards"?, "maxConcurrency"?, "guildsPerShard"?, "sessionStartLimit"?}`: what Discord may change at any time.
  func changeSettings(_ body: JSON) throws(ControlError) -> JSON {
    let settings: [(String, WritableKeyPath<SandboxOptions, Int>)] = [
      ("shards", \.shards), ("maxConcurrency", \.maxConcurrency), ("guildsPerShard", \.guildsPerShard),
      ("sessionStartLimit", \.sessionStartLimit),
    ]
    var changed = options
    for (name, path) in settings {
      guard let value = body[name] else { continue }
      guard let number = value.integer, (1...1_000_000).contains(number) else {
        throw .bad("\(name) must be 1 to 1000000")
      }
      changed[keyPath: path] = Int(number)
    }
    options = changed
    return .object(JSON.Object(settings.map { ($0.0, .integer(Int64(options[keyPath: $0.1]))) }))
  }
}
