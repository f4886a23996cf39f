import Platform

extension RouteTable {
  static let webhookRoutes: [APIRoute] = [
    APIRoute(.post, "/channels/:channel_id/webhooks") { world, call in try world.createWebhook(call) },
    APIRoute(.get, "/channels/:channel_id/webhooks") { world, call in
      let (channel, caller) = try world.textChannel(call)
      try world.require(.manageWebhooks, of: caller, in: channel)
      return .ok(.array(world.webhooks(where: { $0.channelID == channel.id })))
    },
    APIRoute(.get, "/guilds/:guild_id/webhooks") { world, call in
      let (guild, caller) = try world.guild(call)
      try world.require(.manageWebhooks, of: caller, in: guild)
      return .ok(.array(world.webhooks(where: { $0.guildID == guild.id })))
    },
    APIRoute(.get, "/webhooks/:webhook_id") { world, call in
      .ok(world.webhookJSON(try world.managedWebhook(call).webhook))
    },
    APIRoute(.patch, "/webhooks/:webhook_id") { world, call in try world.modifyWebhook(call) },
    APIRoute(.delete, "/webhooks/:webhook_id") { world, call in
      let (webhook, caller) = try world.managedWebhook(call)
      world.webhooks[webhook.id] = nil
      world.audit(52, by: caller.id, on: webhook.id, in: webhook.guildID, call)
      world.announceWebhooks(webhook)
      return .noContent
    },
  ]
}

extension World {
  func webhookJSON(_ webhook: Webhook) -> JSON {
    [
      "id": webhook.id.json, "type": 1, "application_id": .null, "avatar": .null, "name": .string(webhook.name),
      "channel_id": webhook.channelID.json, "guild_id": webhook.guildID.json, "token": .string(webhook.token),
      "url": .string("\(baseURL)/api/webhooks/\(webhook.id)/\(webhook.token)"),
      "user": users[webhook.creatorID]?.json ?? .null,
    ]
  }

  func webhooks(where isWanted: (Webhook) -> Bool) -> [JSON] {
    webhooks.values.filter(isWanted).sorted { $0.id < $1.id }.map(webhookJSON)
  }

  func announceWebhooks(_ webhook: Webhook) {
    emit(
      Event(
        name: "WEBHOOKS_UPDATE", guildID: webhook.guildID, intents: .guildWebhooks,
        data: ["guild_id": webhook.guildID.json, "channel_id": webhook.channelID.json]))
  }

  func managedWebhook(_ call: APICall) throws(APIError) -> (webhook: Webhook, caller: Application) {
    let caller = try call.caller()
    guard let webhook = webhooks[try call.id("webhook_id")], let guild = guilds[webhook.guildID] else {
      throw .unknownWebhook
    }
    try require(.manageWebhooks, of: caller, in: guild)
    return (webhook, caller)
  }

  private func checkName(_ value: JSON?, required: Bool) throws(APIError) -> String? {
    var form = FormErrors()
    let name = form.text(value, ["name"], 1...80, required: required)
    for word in ["clyde", "discord"] where name?.lowercased().contains(word) == true {
      form.add(["name"], "USERNAME_INVALID_CONTAINS", "Username cannot contain \"\(word)\"")
    }
    try form.check()
    return name
  }

  func createWebhook(_ call: APICall) throws(APIError) -> APIResponse {
    let (channel, caller) = try channel(call)
    guard let guildID = channel.guildID, channel.thread == nil, channel.kind != .category else {
      throw .wrongChannelKind
    }
    try require(.manageWebhooks, of: caller, in: channel)
    guard webhooks.values.count(where: { $0.channelID == channel.id }) < 15 else {
      throw APIError(status: 400, code: 30007, message: "Maximum number of webhooks reached (15)")
    }
    let webhook = Webhook(
      id: makeID(), token: makeSecret(), guildID: guildID, channelID: channel.id,
      name: try checkName(call.body["name"], required: true) ?? "", creatorID: caller.id)
    webhooks[webhook.id] = webhook
    audit(50, by: caller.id, on: webhook.id, in: guildID, call)
    announceWebhooks(webhook)
    return .ok(webhookJSON(webhook))
  }

  func modifyWebhook(_ call: APICall) throws(APIError) -> APIResponse {
    var (webhook, caller) = try managedWebhook(call)
    if let name = try checkName(call.body["name"], required: false) { webhook.name = name }
    if let id = Snowflake(call.body["channel_id"]) {
      guard channels[id]?.guildID == webhook.guildID else { throw .unknownChannel }
      webhook.channelID = id
    }
    webhooks[webhook.id] = webhook
    audit(51, by: caller.id, on: webhook.id, in: webhook.guildID, call)
    announceWebhooks(webhook)
    return .ok(webhookJSON(webhook))
  }

  // MARK: - Sending

  /// The webhook whose token is in the path; nil if the path is an interaction's.
  private func webhook(_ call: APICall) throws(APIError) -> Webhook? {
    guard let webhook = webhooks[try call.id("webhook_id")] else { return nil }
    guard webhook.token == call.parameters["token"] else { throw .invalidWebhookToken }
    return webhook
  }

  /// Where it sends: its channel, or the thread of it that the query names.
  private func destination(_ webhook: Webhook, _ call: APICall) throws(APIError) -> Channel {
    guard let channel = channels[webhook.channelID] else { throw .unknownChannel }
    guard let id = try call.snowflake(query: "thread_id") else { return channel }
    guard let thread = channels[id], thread.parentID == channel.id, thread.thread != nil else { throw .unknownChannel }
    return thread
  }

  func executeWebhook(_ call: APICall) throws(APIError) -> APIResponse {
    guard let webhook = try webhook(call) else { return try createFollowUp(call) }
    var channel = try destination(webhook, call)
    let form = try MessageForm(call.body)
    guard !form.isEmpty(files: call.request.files.count) else { throw .emptyMessage }
    var errors = FormErrors()
    let username = errors.text(call.body["username"], ["username"], 1...80)
    let threadName = errors.text(call.body["thread_name"], ["thread_name"], 1...100)
    try errors.check()
    if channel.kind == .forum {
      guard let threadName else {
        throw APIError(
          status: 400, code: 220001,
          message: "Webhooks posted to forum channels must have a thread_name or thread_id")
      }
      var thread = ThreadState(ownerID: webhook.id, createdAt: time.timestamp, archivedAt: time.timestamp)
      thread.messageCount = 0
      channel = Channel(
        id: makeID(), kind: .publicThread, guildID: webhook.guildID, name: threadName, parentID: channel.id,
        thread: thread)
      channels[channel.id] = channel
      announce("THREAD_CREATE", channel)
    }
    var message = Message(
      id: makeID(), channelID: channel.id, guildID: channel.guildID, authorID: webhook.id, timestamp: time.timestamp)
    message.webhook = Message.WebhookAuthor(id: webhook.id, name: username ?? webhook.name)
    message.isTTS = form.isTTS
    message.flags = (form.flags ?? 0) & Message.Flags.settable & ~Message.Flags.ephemeral
    apply(form, files: call.request.files, to: &message)
    post(message)
    return call.flag("wait") ? .ok(messageJSON(message)) : .noContent
  }

  private func ownMessage(_ webhook: Webhook, _ call: APICall) throws(APIError) -> Message {
    let channel = try destination(webhook, call)
    let id = try call.id("message_id")
    guard let message = channel.messages.first(where: { $0.id == id && $0.webhook?.id == webhook.id }) else {
      throw .unknownMessage
    }
    return message
  }

  func getWebhookMessage(_ call: APICall) throws(APIError) -> APIResponse {
    guard let webhook = try webhook(call) else { return .ok(messageJSON(try webhookMessage(call).message)) }
    return .ok(messageJSON(try ownMessage(webhook, call)))
  }

  func editMessage(ofWebhook call: APICall) throws(APIError) -> APIResponse {
    guard let webhook = try webhook(call) else { return try editWebhookMessage(call) }
    var message = try ownMessage(webhook, call)
    apply(try MessageForm(call.body), files: call.request.files, to: &message)
    guard !message.isBare else { throw .emptyMessage }
    message.editedAt = time.timestamp
    update(message)
    return .ok(messageJSON(message))
  }

  func deleteMessage(ofWebhook call: APICall) throws(APIError) -> APIResponse {
    if let webhook = try webhook(call) {
      remove(try ownMessage(webhook, call))
    } else {
      remove(try webhookMessage(call).message)
    }
    return .noContent
  }
}
