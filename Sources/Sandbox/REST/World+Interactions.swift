import Platform

extension RouteTable {
  static let interactionRoutes: [APIRoute] = [
    // Without a bucket: Discord sends no limit headers here, and hikari logs an error when there are some.
    APIRoute(
      .post, "/interactions/:interaction_id/:token/callback", nil, authentication: .none, countsGlobally: false
    ) { world, call in try world.answerInteraction(call) },
    APIRoute(.post, webhook, (5, 5), authentication: .none, countsGlobally: false) { world, call in
      try world.executeWebhook(call)
    },
    APIRoute(
      .get, webhook + "/messages/:message_id", (5, 5), authentication: .none, countsGlobally: false
    ) { world, call in
      try world.getWebhookMessage(call)
    },
    APIRoute(
      .patch, webhook + "/messages/:message_id", (5, 5), authentication: .none, countsGlobally: false
    ) { world, call in try world.editMessage(ofWebhook: call) },
    APIRoute(
      .delete, webhook + "/messages/:message_id", (5, 5), authentication: .none, countsGlobally: false
    ) { world, call in
      try world.deleteMessage(ofWebhook: call)
    },
  ]

  private static let webhook = "/webhooks/:webhook_id/:token"
}

extension World {
  func answerInteraction(_ call: APICall) throws(APIError) -> APIResponse {
    let id = try call.id("interaction_id")
    guard var interaction = interactions[id], interaction.token == call.parameters["token"],
      !interaction.isExpired(at: time.now), interaction.state != .lost
    else { throw .unknownInteraction }
    guard interaction.state == .waiting else { throw .alreadyAcknowledged }
    guard time.now <= interaction.createdAt.advanced(by: options.firstAnswerLimit) else {
      throw .unknownInteraction
    }
    var form = FormErrors()
    let kind = form.integer(call.body["type"], ["type"], 1...12, required: true) ?? 0
    let allowed: [Int64] =
      switch interaction.kind {
      case .command: [4, 5, 9]
      case .component: [4, 5, 6, 7, 9]
      case .autocomplete: [8]
      // A modal that a component opened may also change the component's message.
      case .modalSubmit: interaction.messageID == nil ? [4, 5] : [4, 5, 6, 7]
      }
    form.choice(kind, ["type"], allowed)
    try form.check()
    let data = call.body["data"] ?? [:]
    var answer: Message?
    switch kind {
    case 4: answer = try firstAnswer(to: &interaction, data, files: call.request.files)
    case 5:
      var message = newAnswer(
        to: interaction, isEphemeral: (data["flags"]?.integer ?? 0) & Message.Flags.ephemeral != 0)
      message.flags |= Message.Flags.loading
      post(message)
      interaction.state = .deferred(message: message.id)
      interaction.messages.append(message.id)
      answer = message
    case 6: interaction.state = .deferred(message: interaction.messageID)
    case 7: answer = try changeSource(of: &interaction, data, files: call.request.files)
    case 8:
      interaction.choices = try Self.readChoices(data)
      interaction.state = .answered(message: nil)
    default:
      try ComponentForm.checkModal(data)
      interaction.modal = data
      interaction.state = .answered(message: nil)
    }
    save(interaction)
    guard call.flag("with_response") else { return .noContent }
    var callback: JSON = [
      "id": id.json, "type": .integer(interaction.kind.rawValue), "response_message_loading": .boolean(kind == 5),
      "response_message_ephemeral": .boolean(answer?.ephemeralFor != nil),
    ]
    if let answer { callback["response_message_id"] = answer.id.json }
    var body: JSON = ["interaction": callback]
    if kind != 8 && kind != 9 {
      var resource: JSON = ["type": .integer(kind)]
      if let answer { resource["message"] = messageJSON(answer) }
      body["resource"] = resource
    }
    return .ok(body)
  }

  /// Stores the interaction and wakes whoever waits for its answer.
  private func save(_ interaction: Interaction) {
    interactions[interaction.id] = interaction
    wakeWaiters(of: interaction.id)
    notifyWatchers(
      [
        "type": "interaction", "id": interaction.id.json, "state": .string(interaction.stateName),
        "modal": interaction.modal ?? .null, "command": interaction.commandName.map(JSON.string) ?? .null,
        "application_id": interaction.applicationID.json,
      ], channel: interaction.channelID, only: interaction.userID)
  }

  /// Nobody answered in three seconds.
  func loseInteraction(_ id: Snowflake) {
    guard var interaction = interactions[id], interaction.state == .waiting else { return }
    interaction.state = .lost
    save(interaction)
  }

  private func newAnswer(to interaction: Interaction, isEphemeral: Bool) -> Message {
    var message = Message(
      id: makeID(), channelID: interaction.channelID, guildID: interaction.guildID,
      authorID: interaction.applicationID, timestamp: time.timestamp)
    message.kind = interaction.commandName != nil && interaction.kind == .command ? 20 : 0
    if message.kind == 0, let source = interaction.messageID {
      message.kind = 19
      message.referencedID = source
    }
    message.applicationID = interaction.applicationID
    message.cause = Message.Cause(
      interactionID: interaction.id, kind: interaction.kind.rawValue, userID: interaction.userID,
      commandName: interaction.kind == .command ? interaction.commandName : nil,
      sourceMessageID: interaction.messageID)
    if isEphemeral {
      message.ephemeralFor = interaction.userID
      message.flags |= Message.Flags.ephemeral
    }
    return message
  }

  private func firstAnswer(
    to interaction: inout Interaction, _ data: JSON, files: [APIRequest.File]
  ) throws(APIError) -> Message {
    let form = try MessageForm(data, path: ["data"])
    guard !form.isEmpty(files: files.count) else { throw .emptyMessage }
    let flags = form.flags ?? 0
    var message = newAnswer(to: interaction, isEphemeral: flags & Message.Flags.ephemeral != 0)
    message.flags |= flags & Message.Flags.settable
    message.isTTS = form.isTTS
    apply(form, files: files, to: &message)
    post(message)
    interaction.state = .answered(message: message.id)
    interaction.messages.append(message.id)
    return message
  }

  private func changeSource(
    of interaction: inout Interaction, _ data: JSON, files: [APIRequest.File]
  ) throws(APIError) -> Message {
    guard let id = interaction.messageID, var message = stored(id, in: interaction.channelID) else {
      throw .unknownMessage
    }
    apply(try MessageForm(data, path: ["data"], edited: message.flags), files: files, to: &message)
    guard !message.isBare else { throw .emptyMessage }
    message.editedAt = time.timestamp
    update(message)
    interaction.state = .answered(message: id)
    return message
  }

  private static func readChoices(_ data: JSON) throws(APIError) -> [JSON] {
    var form = FormErrors()
    guard data["choices"] != nil else { throw .form("data.choices", "BASE_TYPE_REQUIRED", "This field is required") }
    let choices = form.list(data["choices"], ["data", "choices"], limit: 25)
    for (index, choice) in choices.enumerated() {
      let place = ["data", "choices", String(index)]
      form.text(choice["name"], place + ["name"], 1...100, required: true)
      if choice["value"]?.double == nil { form.text(choice["value"], place + ["value"], 0...100, required: true) }
    }
    try form.check()
    return choices
  }

  private func stored(_ id: Snowflake, in channel: Snowflake) -> Message? {
    channels[channel]?.messages.first { $0.id == id }
  }

  // MARK: - Follow-ups

  /// The interaction whose token is in the path.
  private func webhookInteraction(_ call: APICall) throws(APIError) -> Interaction {
    let application = try call.id("webhook_id")
    guard applications[application] != nil else { throw .unknownWebhook }
    guard
      let interaction = interactions.all.first(where: {
        $0.applicationID == application && $0.token == call.parameters["token"]
      })
    else { throw .unknownWebhook }
    guard !interaction.isExpired(at: time.now) else { throw .invalidWebhookToken }
    return interaction
  }

  func webhookMessage(_ call: APICall) throws(APIError) -> (message: Message, interaction: Interaction) {
    let interaction = try webhookInteraction(call)
    var id = interaction.originalID
    if call.parameters["message_id"] != "@original" {
      id = try call.id("message_id")
      let isOwn = id.map { interaction.messages.contains($0) || $0 == interaction.messageID } ?? false
      guard isOwn else { throw .unknownMessage }
    }
    guard let id else {
      throw interaction.state == .waiting || interaction.state == .lost ? .unknownWebhook : .unknownMessage
    }
    guard let message = stored(id, in: interaction.channelID) else { throw .unknownMessage }
    return (message, interaction)
  }

  func createFollowUp(_ call: APICall) throws(APIError) -> APIResponse {
    var interaction = try webhookInteraction(call)
    guard interaction.state != .waiting, interaction.state != .lost else { throw .unknownWebhook }
    let form = try MessageForm(call.body)
    guard !form.isEmpty(files: call.request.files.count) else { throw .emptyMessage }
    let flags = form.flags ?? 0
    // The first follow-up to a deferred answer becomes that answer, and is seen by whom the defer said.
    if case .deferred(let id?) = interaction.state, id != interaction.messageID,
      let waiting = stored(id, in: interaction.channelID)
    {
      return .ok(messageJSON(fulfil(waiting, of: interaction, form, files: call.request.files)))
    }
    var message = newAnswer(to: interaction, isEphemeral: flags & Message.Flags.ephemeral != 0)
    message.flags |= flags & Message.Flags.settable
    message.isTTS = form.isTTS
    if let original = interaction.originalID {
      message.kind = 19
      message.referencedID = original
    }
    apply(form, files: call.request.files, to: &message)
    post(message)
    interaction.messages.append(message.id)
    save(interaction)
    return .ok(messageJSON(message))
  }

  func editWebhookMessage(_ call: APICall) throws(APIError) -> APIResponse {
    let (message, interaction) = try webhookMessage(call)
    let form = try MessageForm(call.body, edited: message.flags)
    if message.flags & Message.Flags.loading != 0 {
      guard !form.isEmpty(files: call.request.files.count) else { throw .emptyMessage }
      return .ok(messageJSON(fulfil(message, of: interaction, form, files: call.request.files)))
    }
    var changed = message
    apply(form, files: call.request.files, to: &changed)
    guard !changed.isBare else { throw .emptyMessage }
    changed.editedAt = time.timestamp
    update(changed)
    if case .deferred(let id) = interaction.state, id == message.id {
      var interaction = interaction
      interaction.state = .answered(message: id)
      save(interaction)
    }
    return .ok(messageJSON(changed))
  }

  /// Puts the real answer in the place of "thinking…".
  private func fulfil(
    _ waiting: Message, of interaction: Interaction, _ form: MessageForm, files: [APIRequest.File]
  ) -> Message {
    var message = waiting
    apply(form, files: files, to: &message)
    message.flags &= ~Message.Flags.loading
    message.flags |= (form.flags ?? 0) & Message.Flags.settable & ~Message.Flags.ephemeral
    update(message)
    var interaction = interaction
    interaction.state = .answered(message: message.id)
    save(interaction)
    return message
  }
}
