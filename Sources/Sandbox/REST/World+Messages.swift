import Platform

extension RouteTable {
  static let messageRoutes: [APIRoute] = [
    APIRoute(.get, "/channels/:channel_id/messages", (50, 10)) { world, call in try world.listMessages(call) },
    APIRoute(.post, "/channels/:channel_id/messages", (5, 5)) { world, call in try world.createMessage(call) },
    APIRoute(.post, "/channels/:channel_id/messages/bulk-delete", (1, 3)) { world, call in
      try world.bulkDelete(call)
    },
    APIRoute(.get, "/channels/:channel_id/messages/:message_id", (50, 10)) { world, call in
      let (message, _, caller) = try world.message(call)
      return .ok(world.messageJSON(message, viewer: caller.id))
    },
    APIRoute(.patch, "/channels/:channel_id/messages/:message_id", (5, 5)) { world, call in
      try world.editMessage(call)
    },
    APIRoute(.delete, "/channels/:channel_id/messages/:message_id", (5, 1)) { world, call in
      try world.deleteMessage(call)
    },
  ]
}

extension World {
  // MARK: - JSON

  func messageJSON(_ message: Message, viewer: Snowflake? = nil, withReference: Bool = true) -> JSON {
    var json: JSON = [
      "id": message.id.json, "channel_id": message.channelID.json, "type": .integer(message.kind),
      "author": message.webhook?.json ?? users[message.authorID]?.json ?? .null, "content": .string(message.content),
      "timestamp": .string(message.timestamp.discord),
      "edited_timestamp": message.editedAt.map { .string($0.discord) } ?? .null, "tts": .boolean(message.isTTS),
      "mention_everyone": .boolean(message.mentionsEveryone),
      "mentions": .array(message.mentions.compactMap { users[$0]?.json }),
      "mention_roles": .array(message.mentionedRoles.map(\.json)),
      "attachments": .array(message.attachments.map { $0.json(base: baseURL, channelID: message.channelID) }),
      "embeds": .array(message.embeds.map { resolveAttachments($0, of: message) }),
      "components": .array(message.components.map { resolveMedia($0, of: message) }),
      "pinned": .boolean(message.pinnedAt != nil),
      "flags": .integer(message.flags),
    ]
    if let nonce = message.nonce { json["nonce"] = nonce }
    if !message.reactions.isEmpty {
      json["reactions"] = .array(message.reactions.map { Self.json($0, viewer: viewer) })
    }
    if let webhook = message.webhook { json["webhook_id"] = webhook.id.json }
    if message.hasThread, let thread = channels[message.id] { json["thread"] = channelJSON(thread, viewer: viewer) }
    if let application = message.applicationID {
      json["application_id"] = application.json
      json["webhook_id"] = application.json
    }
    if let referenced = message.referencedID {
      var reference: JSON = ["type": 0, "message_id": referenced.json, "channel_id": message.channelID.json]
      if let guild = message.guildID { reference["guild_id"] = guild.json }
      json["message_reference"] = reference
      if withReference {
        let target = channels[message.channelID]?.messages.first { $0.id == referenced }
        json["referenced_message"] = target.map { messageJSON($0, viewer: viewer, withReference: false) } ?? .null
      }
    }
    if let cause = message.cause {
      var metadata: JSON = [
        "id": cause.interactionID.json, "type": .integer(cause.kind), "user": users[cause.userID]?.json ?? .null,
        "authorizing_integration_owners": ["0": message.guildID?.json ?? "0"],
      ]
      if let name = cause.commandName {
        metadata["name"] = .string(name)
        json["interaction"] = [
          "id": cause.interactionID.json, "type": .integer(cause.kind), "name": .string(name),
          "user": users[cause.userID]?.json ?? .null,
        ]
      }
      if let source = cause.sourceMessageID { metadata["interacted_message_id"] = source.json }
      json["interaction_metadata"] = metadata
    }
    return json
  }

  /// `attachment://name` inside an embed stands for the URL of that file.
  private func resolveAttachments(_ embed: JSON, of message: Message) -> JSON {
    guard !message.attachments.isEmpty else { return embed }
    var embed = embed
    for name in ["image", "thumbnail"] {
      guard let url = embed[name]?["url"]?.string, url.hasPrefix("attachment://"),
        let file = message.attachments.first(where: { $0.filename == url.dropFirst("attachment://".count) })
      else { continue }
      let resolved = file.json(base: baseURL, channelID: message.channelID)["url"] ?? .null
      embed[name]?["url"] = resolved
    }
    return embed
  }

  /// The files that components show, as Discord tells them: with address, name and size.
  private func resolveMedia(_ component: JSON, of message: Message) -> JSON {
    guard message.flags & Message.Flags.componentsV2 != 0, !message.attachments.isEmpty else { return component }
    var component = component
    func file(_ holder: JSON?) -> Attachment? {
      guard let url = holder?["url"]?.string, url.hasPrefix("attachment://") else { return nil }
      return message.attachments.first { $0.filename == url.dropFirst("attachment://".count) }
    }
    for name in ["media", "file"] {
      guard let file = file(component[name]) else { continue }
      let json = file.json(base: baseURL, channelID: message.channelID)
      for (target, source) in [
        ("url", "url"), ("proxy_url", "proxy_url"), ("content_type", "content_type"), ("attachment_id", "id"),
      ] {
        component[name]?[target] = json[source] ?? .null
      }
      if name == "file" {
        component["name"] = .string(file.filename)
        component["size"] = .integer(Int64(file.size))
      }
    }
    for name in ["components", "items"] {
      guard let children = component[name]?.array else { continue }
      component[name] = .array(children.map { resolveMedia($0, of: message) })
    }
    if let accessory = component["accessory"] { component["accessory"] = resolveMedia(accessory, of: message) }
    return component
  }

  /// The message as MESSAGE_CREATE and MESSAGE_UPDATE carry it: with its guild and the author's member.
  private func eventData(_ message: Message) -> JSON {
    var json = messageJSON(message)
    json["channel_type"] = .integer(message.guildID == nil ? 1 : 0)
    guard let guildID = message.guildID, let guild = guilds[guildID] else { return json }
    json["guild_id"] = guildID.json
    if message.webhook == nil, let member = guild.members[message.authorID] { json["member"] = member.bareJSON }
    json["mentions"] = .array(
      message.mentions.compactMap { id in
        var user = users[id]?.json
        user?["member"] = guild.members[id]?.bareJSON
        return user
      })
    return json
  }

  private func messageEvent(_ name: String, _ message: Message) -> Event {
    let recipients = channels[message.channelID]?.recipients ?? []
    return Event(
      name: name, guildID: message.guildID, intents: message.guildID == nil ? .directMessages : .guildMessages,
      data: eventData(message),
      content: Event.MessageContent(
        authorID: message.authorID, mentions: message.mentions, isDirect: message.guildID == nil,
        recipients: recipients))
  }

  // MARK: - Changes

  /// Stores a new message and tells everyone who may see it.
  func post(_ message: Message) {
    guard channels[message.channelID] != nil else { return }
    channels[message.channelID]?.messages.append(message)
    if channels[message.channelID]?.thread != nil { noteMessage(inThread: message.channelID, by: message.authorID) }
    let excess = (channels[message.channelID]?.messages.count ?? 0) - Self.messageLimit
    if excess > 0 { channels[message.channelID]?.messages.removeFirst(excess) }
    if message.ephemeralFor == nil { emit(messageEvent("MESSAGE_CREATE", message)) }
    notify(message, "message")
  }

  func update(_ message: Message) {
    guard let index = channels[message.channelID]?.messages.firstIndex(where: { $0.id == message.id }) else { return }
    channels[message.channelID]?.messages[index] = message
    if message.ephemeralFor == nil { emit(messageEvent("MESSAGE_UPDATE", message)) }
    notify(message, "update")
  }

  func remove(_ message: Message) {
    channels[message.channelID]?.messages.removeAll { $0.id == message.id }
    if message.ephemeralFor == nil {
      var data: JSON = ["id": message.id.json, "channel_id": message.channelID.json]
      if let guild = message.guildID { data["guild_id"] = guild.json }
      emit(
        Event(
          name: "MESSAGE_DELETE", guildID: message.guildID,
          intents: message.guildID == nil ? .directMessages : .guildMessages, data: data))
    }
    notifyWatchers(
      ["type": "delete", "id": message.id.json, "channel_id": message.channelID.json], channel: message.channelID,
      only: message.ephemeralFor)
  }

  private func notify(_ message: Message, _ type: JSON) {
    notifyWatchers(
      ["type": type, "message": messageJSON(message)], channel: message.channelID, only: message.ephemeralFor)
  }

  /// Keeps uploaded files and returns what the message says about them.
  func store(_ files: [APIRequest.File], described: [JSON], channel: Snowflake) -> [Attachment] {
    files.map { file in
      let entry = described.first { $0["id"]?.integer == Int64(file.index) || $0["id"]?.string == String(file.index) }
      let name = entry?["filename"]?.string ?? file.filename
      let safe = String(
        name.unicodeScalars.filter { $0.value >= 0x20 && !"/\\\"".unicodeScalars.contains($0) }.prefix(200).map(
          Character.init))
      let attachment = Attachment(
        id: makeID(), filename: safe.isEmpty ? "file" : safe, contentType: file.contentType, size: file.bytes.count,
        description: entry?["description"]?.string)
      attachments[attachment.id] = StoredFile(
        channelID: channel, filename: attachment.filename, contentType: file.contentType, bytes: file.bytes)
      while attachments.all.reduce(0, { $0 + $1.bytes.count }) > Self.attachmentLimit { attachments.removeOldest() }
      return attachment
    }
  }

  /// Writes a checked form over a message; what the form does not mention stays.
  func apply(_ form: MessageForm, files: [APIRequest.File], to message: inout Message) {
    message.flags |= (form.flags ?? 0) & Message.Flags.componentsV2
    if let content = form.content { message.content = content }
    if let embeds = form.embeds { message.embeds = embeds }
    if let components = form.components {
      message.components = components.enumerated().map { Self.numbered($1, id: Int64($0 + 1)) }
    }
    if form.content != nil || form.allowedMentions != nil { message.readMentions(allowed: form.allowedMentions) }
    if let kept = form.attachments {
      let ids = Set(kept.compactMap { Snowflake($0["id"]) })
      message.attachments.removeAll { !ids.contains($0.id) }
    }
    message.attachments += store(files, described: form.attachments ?? [], channel: message.channelID)
  }

  /// Discord gives every component an `id`, and every button its default style's fields back.
  private static func numbered(_ component: JSON, id: Int64) -> JSON {
    var component = component
    if component["id"] == nil { component["id"] = .integer(id) }
    if let children = component["components"]?.array {
      component["components"] = .array(children.enumerated().map { numbered($1, id: id * 10 + Int64($0 + 1)) })
    }
    if let accessory = component["accessory"] { component["accessory"] = numbered(accessory, id: id * 10 + 9) }
    return component
  }

  // MARK: - Routes

  /// The message of the path, if the caller sees it.
  func message(_ call: APICall) throws(APIError) -> (message: Message, channel: Channel, caller: Application) {
    let (channel, caller) = try textChannel(call)
    let id = try call.id("message_id")
    guard let message = channel.messages.first(where: { $0.id == id && $0.ephemeralFor == nil }) else {
      throw .unknownMessage
    }
    return (message, channel, caller)
  }

  func listMessages(_ call: APICall) throws(APIError) -> APIResponse {
    let (channel, caller) = try textChannel(call)
    let limit = try call.integer("limit", 1...100, default: 50)
    let visible = channel.messages.filter { $0.ephemeralFor == nil }
    let chosen: [Message]
    if let before = try call.snowflake(query: "before") {
      chosen = visible.filter { $0.id < before }.suffix(limit)
    } else if let after = try call.snowflake(query: "after") {
      chosen = Array(visible.filter { $0.id > after }.prefix(limit))
    } else if let around = try call.snowflake(query: "around") {
      let earlier = visible.filter { $0.id < around }.suffix(limit / 2)
      chosen = Array((earlier + visible.filter { $0.id >= around }).prefix(limit))
    } else {
      chosen = visible.suffix(limit)
    }
    return .ok(.array(chosen.reversed().map { messageJSON($0, viewer: caller.id) }))
  }

  func createMessage(_ call: APICall) throws(APIError) -> APIResponse {
    let (channel, caller) = try textChannel(call)
    try requireSending(of: caller, in: channel)
    let form = try MessageForm(call.body)
    guard !form.isEmpty(files: call.request.files.count) else { throw .emptyMessage }
    if form.enforcesNonce, let nonce = form.nonce,
      let earlier = channel.messages.last(where: { $0.authorID == caller.id && $0.nonce == nonce }),
      time.timestamp - earlier.timestamp < .seconds(300)
    {
      return .ok(messageJSON(earlier, viewer: caller.id))
    }
    var message = Message(
      id: makeID(), channelID: channel.id, guildID: channel.guildID, authorID: caller.id, timestamp: time.timestamp)
    if let reference = form.reference {
      if channel.messages.contains(where: { $0.id == reference }) {
        message.referencedID = reference
        message.kind = 19
      } else if form.failsWithoutReference {
        throw .form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
      }
    }
    message.nonce = form.nonce
    message.isTTS = form.isTTS
    message.flags = (form.flags ?? 0) & Message.Flags.settable & ~Message.Flags.ephemeral
    apply(form, files: call.request.files, to: &message)
    post(message)
    return .ok(messageJSON(message, viewer: caller.id))
  }

  func editMessage(_ call: APICall) throws(APIError) -> APIResponse {
    var (message, _, caller) = try message(call)
    guard message.authorID == caller.id else { throw .notTheAuthor }
    let form = try MessageForm(call.body, edited: message.flags)
    apply(form, files: call.request.files, to: &message)
    guard !message.isBare else { throw .emptyMessage }
    message.editedAt = time.timestamp
    update(message)
    return .ok(messageJSON(message, viewer: caller.id))
  }

  func deleteMessage(_ call: APICall) throws(APIError) -> APIResponse {
    let (message, channel, caller) = try message(call)
    if message.authorID != caller.id {
      try requireMessageManagement(of: caller, in: channel)
      audit(72, by: caller.id, on: message.authorID, in: channel.guildID, call)
    }
    remove(message)
    return .noContent
  }

  func bulkDelete(_ call: APICall) throws(APIError) -> APIResponse {
    let (channel, caller) = try textChannel(call)
    try requireMessageManagement(of: caller, in: channel)
    let ids = (call.body["messages"]?.array ?? []).compactMap { Snowflake($0) }
    guard (2...100).contains(ids.count), Set(ids).count == ids.count else {
      throw .form("messages", "BASE_TYPE_BAD_LENGTH", "Must be between 2 and 100 in length.")
    }
    let limit = time.timestamp + .seconds(-14 * 86_400)
    guard ids.allSatisfy({ $0.timestamp >= limit }) else { throw .bulkDeleteTooOld }
    let gone = channel.messages.filter { ids.contains($0.id) && $0.ephemeralFor == nil }
    audit(73, by: caller.id, on: channel.id, in: channel.guildID, call)
    channels[channel.id]?.messages.removeAll { ids.contains($0.id) && $0.ephemeralFor == nil }
    emit(
      Event(
        name: "MESSAGE_DELETE_BULK", guildID: channel.guildID, intents: .guildMessages,
        data: [
          "ids": .array(gone.map(\.id.json)), "channel_id": channel.id.json,
          "guild_id": channel.guildID?.json ?? .null,
        ]))
    for message in gone {
      notifyWatchers(
        ["type": "delete", "id": message.id.json, "channel_id": channel.id.json], channel: channel.id)
    }
    return .noContent
  }
}

extension Message {
  /// Nothing in it that could be shown.
  var isBare: Bool { content.isEmpty && embeds.isEmpty && components.isEmpty && attachments.isEmpty }
}
