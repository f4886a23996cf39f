import Platform

/// What users do: the control API and the playground call these.
extension World {
  /// Any member may be played but a bot.
  func player(_ value: JSON?) throws(ControlError) -> User {
    guard let id = Snowflake(value) else { throw .bad("user must be the id of a user, as a string") }
    guard let user = users[id] else { throw .notFound("user") }
    guard !user.isBot else { throw .bad("bots act by themselves") }
    return user
  }

  /// The channel, if the user sees it.
  func place(_ value: JSON?, for user: User) throws(ControlError) -> Channel {
    let id = value == nil ? Self.generalID : Snowflake(value)
    guard let id else { throw .bad("channel must be the id of a channel, as a string") }
    guard let channel = channels[id] else { throw .notFound("channel") }
    guard channel.kind.hasMessages else { throw .bad("a category or forum has no messages") }
    guard canSee(channel, user.id) else {
      throw ControlError(status: 403, message: "\(user.username) cannot see that channel")
    }
    return channel
  }

  func canSee(_ channel: Channel, _ user: Snowflake) -> Bool {
    guard let guildID = channel.guildID else { return channel.recipients.contains(user) }
    guard isOpen(channel, to: user) else { return false }
    return guilds[guildID]?.permissions(of: user, in: governing(channel)).contains(.viewChannel) ?? false
  }

  func sendMessage(_ body: JSON) throws(ControlError) -> Message {
    let user = try player(body["user"])
    let channel = try place(body["channel"], for: user)
    guard let content = body["content"]?.string, !content.isEmpty, content.unicodeScalars.count <= 2_000 else {
      throw .bad("content must have 1 to 2000 characters")
    }
    if let guild = channel.guildID.flatMap({ guilds[$0] }) {
      guard guild.permissions(of: user.id, in: channel).contains(.sendMessages) else {
        throw ControlError(status: 403, message: "\(user.username) may not write there")
      }
      if let until = guild.members[user.id]?.timeoutUntil, until > time.timestamp {
        throw ControlError(status: 403, message: "\(user.username) is timed out until \(until)")
      }
    }
    var message = Message(
      id: makeID(), channelID: channel.id, guildID: channel.guildID, authorID: user.id, timestamp: time.timestamp)
    message.content = content
    message.readMentions(allowed: nil)
    if let reference = Snowflake(body["reply"]) {
      guard channel.messages.contains(where: { $0.id == reference }) else { throw .notFound("message to reply to") }
      message.referencedID = reference
      message.kind = 19
    }
    post(message)
    return message
  }

  /// The commands that a user is offered in a channel, guild commands before global ones.
  func offeredCommands(to user: Snowflake, in channel: Channel) -> [ApplicationCommand] {
    let all = applications.values.sorted { $0.id < $1.id }.flatMap(\.commands)
    guard let guild = channel.guildID.flatMap({ guilds[$0] }) else {
      return all.filter { $0.isUsableInDirectMessages && channel.recipients.contains($0.applicationID) }
    }
    let permissions = guild.permissions(of: user, in: channel)
    let offered = all.filter { command in
      guard guild.members[command.applicationID] != nil else { return false }
      guard command.guildID == guild.id || command.guildID == nil && command.isUsableInGuilds else { return false }
      return ApplicationCommand.isOffered(command, to: permissions)
    }
    return offered.filter { $0.guildID != nil } + offered.filter { $0.guildID == nil }
  }

  /// Runs a command: `{"user", "channel", "text": "/pay member:@nadia amount:5"}`, or `{"command": "config set",
  /// "options": {…}}`; for context menus `target`. `focused` makes it an autocomplete request.
  func runCommand(_ body: JSON) throws(ControlError) -> Interaction {
    let user = try player(body["user"])
    let channel = try place(body["channel"], for: user)
    let focused = body["focused"]?.string
    var line = body["command"]?.string ?? ""
    var rest: String?
    if let text = body["text"]?.string {
      guard text.hasPrefix("/") else { throw .bad("text must begin with a slash") }
      line = String(text.dropFirst())
    }
    let words = line.split(separator: " ").map(String.init)
    guard !words.isEmpty else { throw .bad("text or command is needed") }
    let applicationID = Snowflake(body["application"])
    let offered = offeredCommands(to: user.id, in: channel).filter {
      applicationID == nil || $0.applicationID == applicationID
    }
    let target = Snowflake(body["target"])
    // The name of a context menu command may have spaces.
    guard
      let command = offered.first(where: {
        $0.kind == .chatInput ? target == nil && $0.name == words[0] : target != nil && $0.name == line
      })
    else {
      let exists = applications.values.contains { $0.commands.contains { $0.name == words[0] } }
      throw exists
        ? ControlError(status: 403, message: "\(user.username) may not use /\(words[0]) here")
        : .bad("no bot has registered /\(words[0])")
    }
    var path: [String] = []
    if command.kind == .chatInput {
      var level = command.options
      for word in words.dropFirst() {
        guard let inner = level.first(where: { $0["name"]?.string == word && ($0["type"]?.integer ?? 3) <= 2 }) else {
          break
        }
        path.append(word)
        level = inner["options"]?.array ?? []
      }
      rest = words.dropFirst(1 + path.count).joined(separator: " ")
    }
    let guild = channel.guildID.flatMap { guilds[$0] }
    var invocation = CommandInvocation(command: command, path: path, guild: guild, focused: focused)
    var values = body["options"]?.object ?? [:]
    if let rest, !rest.isEmpty {
      let names = try invocation.declaredOptions().compactMap { $0["name"]?.string }
      for (name, value) in try CommandInvocation.split(rest, names: names) { values[name] = value }
    }
    var data: JSON = [
      "id": command.id.json, "name": .string(command.name), "type": .integer(command.kind.rawValue),
    ]
    if let guildID = command.guildID { data["guild_id"] = guildID.json }
    if command.kind == .chatInput {
      let options = try invocation.options(from: values, world: self)
      if !options.isEmpty { data["options"] = .array(options) }
      let resolved = resolve(invocation, guild: guild, channel: channel)
      if resolved.object?.isEmpty == false { data["resolved"] = resolved }
    } else {
      guard let target else { throw .bad("target is needed") }
      data["target_id"] = target.json
      data["resolved"] = try resolveTarget(target, command, guild: guild, channel: channel)
    }
    return try begin(
      focused == nil ? .command : .autocomplete, application: command.applicationID, user: user, channel: channel,
      data: data, commandName: invocation.fullName)
  }

  private func resolve(_ invocation: CommandInvocation, guild: Guild?, channel: Channel) -> JSON {
    var resolved: JSON = [:]
    if !invocation.users.isEmpty { describe(invocation.users, in: guild, channel, &resolved) }
    let roles = (guild?.roles ?? []).filter { invocation.roles.contains($0.id) }
    if !roles.isEmpty { resolved["roles"] = .object(JSON.Object(roles.map { ($0.id.description, $0.json) })) }
    if !invocation.channels.isEmpty {
      resolved["channels"] = .object(
        JSON.Object(
          invocation.channels.compactMap { channels[$0] }.map { known in
            var json = channelJSON(known)
            json["permissions"] = Permissions.everyone.json
            return (known.id.description, json)
          }))
    }
    if !invocation.files.isEmpty {
      resolved["attachments"] = .object(
        JSON.Object(
          invocation.files.map { id, file in
            attachments[id] = StoredFile(
              channelID: channel.id, filename: file.filename, contentType: file.contentType, bytes: file.bytes)
            let attachment = Attachment(
              id: id, filename: file.filename, contentType: file.contentType, size: file.bytes.count)
            var json = attachment.json(base: baseURL, channelID: channel.id)
            json["ephemeral"] = true
            return (id.description, json)
          }))
    }
    return resolved
  }

  func describe(_ ids: [Snowflake], in guild: Guild?, _ channel: Channel, _ resolved: inout JSON) {
    resolved["users"] = .object(
      JSON.Object(ids.compactMap { id in users[id].map { (id.description, $0.json) } }))
    guard let guild else { return }
    let members = ids.compactMap { id in
      guild.members[id].map { member -> (String, JSON) in
        var json = member.bareJSON
        json["permissions"] = guild.permissions(of: id, in: channel).json
        return (id.description, json)
      }
    }
    if !members.isEmpty { resolved["members"] = .object(JSON.Object(members)) }
  }

  private func resolveTarget(
    _ target: Snowflake, _ command: ApplicationCommand, guild: Guild?, channel: Channel
  ) throws(ControlError) -> JSON {
    var resolved: JSON = [:]
    if command.kind == .message {
      guard let message = channel.messages.first(where: { $0.id == target }) else { throw .notFound("message") }
      resolved["messages"] = .object([target.description: messageJSON(message)])
    } else {
      guard users[target] != nil else { throw .notFound("user") }
      describe([target], in: guild, channel, &resolved)
    }
    return resolved
  }

  /// Clicks a button or picks in a select: `{"user", "message", "customID", "values"?}`.
  func useComponent(_ body: JSON) throws(ControlError) -> Interaction {
    let user = try player(body["user"])
    guard let id = Snowflake(body["message"]) else { throw .bad("message must be the id of a message, as a string") }
    guard
      let channel = channels.values.first(where: { $0.messages.contains { $0.id == id } }),
      let message = channel.messages.first(where: { $0.id == id }), canSee(channel, user.id),
      message.ephemeralFor == nil || message.ephemeralFor == user.id
    else { throw .notFound("message") }
    guard let customID = body["customID"]?.string else { throw .bad("customID is needed") }
    guard let component = Self.find(customID, in: message.components) else { throw .notFound("component") }
    guard component["disabled"]?.bool != true else { throw .conflict("that component is disabled") }
    let kind = component["type"]?.integer ?? 2
    var data: JSON = [
      "custom_id": .string(customID), "component_type": .integer(kind), "id": component["id"] ?? 0,
    ]
    if kind != 2 {
      guard let values = body["values"]?.array, values.allSatisfy({ $0.string != nil }) else {
        throw .bad("values must be a list of strings")
      }
      let least = component["min_values"]?.integer ?? 1
      let most = component["max_values"]?.integer ?? 1
      guard (least...max(least, most)).contains(Int64(values.count)) else {
        throw .bad("between \(least) and \(most) values are needed")
      }
      if kind == 3 {
        let allowed = (component["options"]?.array ?? []).compactMap { $0["value"] }
        guard values.allSatisfy(allowed.contains) else { throw .bad("one of the values is no option of the select") }
      } else if let problem = entityProblem(values, kind, component, channel) {
        throw .bad(problem)
      }
      data["values"] = .array(values)
      // A string select resolves nothing; discord.py takes a `resolved`, even an empty one, for all that was selected.
      if kind != 3 { data["resolved"] = resolveSelected(values, kind, channel) }
    }
    return try begin(
      .component, application: message.authorID, user: user, channel: channel, data: data, message: message)
  }

  func resolveSelected(_ values: [JSON], _ kind: Int64, _ channel: Channel) -> JSON {
    let guild = channel.guildID.flatMap { guilds[$0] }
    let ids = values.compactMap { Snowflake($0) }
    var resolved: JSON = [:]
    if kind == 5 || kind == 7 {
      let people = ids.filter { users[$0] != nil }
      if !people.isEmpty { describe(people, in: guild, channel, &resolved) }
    }
    if kind == 6 || kind == 7 {
      let roles = (guild?.roles ?? []).filter { ids.contains($0.id) }
      if !roles.isEmpty { resolved["roles"] = .object(JSON.Object(roles.map { ($0.id.description, $0.json) })) }
    }
    if kind == 8 {
      resolved["channels"] = .object(
        JSON.Object(ids.compactMap { channels[$0] }.map { ($0.id.description, channelJSON($0)) }))
    }
    return resolved
  }

  private static func find(_ customID: String, in components: [JSON]) -> JSON? {
    for component in components {
      if component["custom_id"]?.string == customID { return component }
      if let found = find(customID, in: component["components"]?.array ?? []) { return found }
      if let accessory = component["accessory"], let found = find(customID, in: [accessory]) { return found }
    }
    return nil
  }

  // MARK: - The interaction itself

  func begin(
    _ kind: Interaction.Kind, application: Snowflake, user: User, channel: Channel, data: JSON,
    commandName: String? = nil, message: Message? = nil
  ) throws(ControlError) -> Interaction {
    guard applications[application] != nil else { throw .conflict("that message was not made by a bot") }
    guard hasListener(application: application, guild: channel.guildID) else {
      throw .conflict("the application did not respond: it is not connected to the gateway")
    }
    let interaction = Interaction(
      id: makeID(), token: "sandbox" + makeSecret() + makeSecret(), applicationID: application, kind: kind,
      userID: user.id, channelID: channel.id, guildID: channel.guildID, createdAt: time.now, commandName: commandName,
      messageID: message?.id)
    interactions[interaction.id] = interaction
    var json: JSON = [
      "id": interaction.id.json, "application_id": application.json, "type": .integer(kind.rawValue), "data": data,
      "channel_id": channel.id.json, "channel": channelJSON(channel, viewer: application),
      "token": .string(interaction.token), "version": 1, "locale": "en-US", "entitlements": [],
      "entitlement_sku_ids": [], "attachment_size_limit": 10_485_760,
      "authorizing_integration_owners": ["0": channel.guildID?.json ?? "0"],
      "app_permissions": Permissions.all.json, "context": channel.guildID == nil ? 1 : 0,
    ]
    if let message { json["message"] = messageJSON(message) }
    if let guild = channel.guildID.flatMap({ guilds[$0] }), let member = guild.members[user.id] {
      var memberData = memberJSON(member)
      memberData["permissions"] = guild.permissions(of: user.id, in: channel).json
      json["member"] = memberData
      json["guild_id"] = guild.id.json
      json["guild"] = ["id": guild.id.json, "locale": "en-US", "features": []]
      json["guild_locale"] = "en-US"
      json["app_permissions"] = guild.permissions(of: application, in: channel).json
      json["channel"]?["permissions"] = guild.permissions(of: user.id, in: channel).json
    } else {
      json["user"] = user.json
    }
    emit(Event(name: "INTERACTION_CREATE", guildID: channel.guildID, applicationID: application, data: json))
    let id = interaction.id
    Task { [time] in
      try await time.sleep(for: options.firstAnswerLimit)
      self.loseInteraction(id)
    }
    return interaction
  }

  /// Returns once the interaction has its answer (a deferred one: the real answer), is lost, or `limit` has passed.
  func waitForAnswer(_ id: Snowflake, limit: Duration) async -> Interaction? {
    let deadline = time.now.advanced(by: limit)
    let alarm = Task { [time] in
      try await time.sleep(until: deadline)
      self.wakeWaiters(of: id)
    }
    defer { alarm.cancel() }
    while let interaction = interactions[id], interaction.isPending, time.now < deadline {
      await withCheckedContinuation { waiters[id, default: []].append($0) }
    }
    return interactions[id]
  }

  func wakeWaiters(of id: Snowflake) {
    for waiter in waiters.removeValue(forKey: id) ?? [] { waiter.resume() }
  }

  /// The interaction as the control API tells it, with every message that answers it.
  func interactionJSON(_ interaction: Interaction) -> JSON {
    let all = channels[interaction.channelID]?.messages ?? []
    var json: JSON = [
      "id": interaction.id.json, "state": .string(interaction.stateName), "type": .integer(interaction.kind.rawValue),
      "application": interaction.applicationID.json, "user": interaction.userID.json,
      "messages": .array(all.filter { interaction.messages.contains($0.id) }.map { messageJSON($0) }),
    ]
    if let modal = interaction.modal { json["modal"] = modal }
    if let choices = interaction.choices { json["choices"] = .array(choices) }
    if let source = interaction.messageID, let message = all.first(where: { $0.id == source }) {
      json["source"] = messageJSON(message)
    }
    return json
  }
}

extension ApplicationCommand {
  fileprivate var isUsableInGuilds: Bool { declaration["contexts"]?.array.map { $0.contains(0) } ?? true }
}

extension Interaction {
  /// Whether something is still to come: no answer yet, or only "thinking…".
  fileprivate var isPending: Bool {
    switch state {
    case .waiting: true
    case .deferred(let message): message != nil && message != messageID
    case .answered, .lost: false
    }
  }
}
