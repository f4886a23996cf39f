import FoundationEssentials
import Platform

/// What users send off in modals.
extension World {
  /// Sends a modal off: `{"user", "interaction", "fields": {custom_id: value}}`. A value is a text, a list of texts or
  /// ids, true or false, or for uploads a list of files as in command options.
  func submitModal(_ body: JSON) throws(ControlError) -> Interaction {
    let user = try player(body["user"])
    guard let id = Snowflake(body["interaction"]), let opener = interactions[id], opener.userID == user.id,
      let modal = opener.modal, let channel = channels[opener.channelID]
    else { throw .notFound("modal") }
    let fields = body["fields"]?.object ?? [:]
    var rows: [JSON] = []
    var resolved: JSON = [:]
    var known: Set<String> = []
    for (index, row) in (modal["components"]?.array ?? []).enumerated() {
      var copy: JSON = ["type": row["type"] ?? 1, "id": row["id"] ?? .integer(Int64(index + 1))]
      if let inner = row["component"] {
        copy["component"] = try fill(inner, from: fields, channel, &resolved, &known)
      } else if let inputs = row["components"]?.array {
        var filled: [JSON] = []
        for input in inputs { filled.append(try fill(input, from: fields, channel, &resolved, &known)) }
        copy["components"] = .array(filled)
      }
      rows.append(copy)
    }
    for name in fields.keys where !known.contains(name) { throw .bad("the modal has no field \(name)") }
    let message = opener.messageID.flatMap { id in channel.messages.first { $0.id == id } }
    var data: JSON = ["custom_id": modal["custom_id"] ?? "", "components": .array(rows)]
    if resolved.object?.isEmpty == false { data["resolved"] = resolved }
    let interaction = try begin(
      .modalSubmit, application: opener.applicationID, user: user, channel: channel, data: data, message: message)
    interactions[id]?.modal = nil
    return interaction
  }

  private func fill(
    _ input: JSON, from fields: JSON.Object, _ channel: Channel, _ resolved: inout JSON, _ known: inout Set<String>
  ) throws(ControlError) -> JSON {
    let name = input["custom_id"]?.string ?? ""
    known.insert(name)
    let kind = input["type"]?.integer ?? 4
    let given = fields[name].flatMap { $0.isNull ? nil : $0 }
    let isRequired = input["required"]?.bool ?? true
    var filled: JSON = ["type": .integer(kind), "custom_id": .string(name), "id": input["id"] ?? 0]
    switch kind {
    case 4: filled["value"] = .string(try text(input, given, name, isRequired))
    case 21:
      let allowed = options(of: input)
      let value = given ?? input["options"]?.array?.first { $0["default"] == true }?["value"]
      if let value, !allowed.contains(value) { throw .bad("\(value) is no option of the field \(name)") }
      if value == nil, isRequired { throw .bad("the field \(name) is required") }
      filled["value"] = value ?? .null
    case 23:
      guard let flag = given?.bool ?? (given == nil ? input["default"]?.bool ?? false : nil) else {
        throw .bad("the field \(name) is true or false")
      }
      filled["value"] = .boolean(flag)
    case 19: filled["values"] = .array(try files(input, given, name, isRequired, channel, &resolved))
    default: filled["values"] = .array(try chosen(input, kind, given, name, isRequired, channel, &resolved))
    }
    return filled
  }

  private func options(of input: JSON) -> [JSON] { (input["options"]?.array ?? []).compactMap { $0["value"] } }

  private func text(
    _ input: JSON, _ given: JSON?, _ name: String, _ isRequired: Bool
  ) throws(ControlError) -> String {
    let text = given?.string ?? input["value"]?.string ?? ""
    if text.isEmpty && isRequired { throw .bad("the field \(name) is required") }
    let length = Int64(text.unicodeScalars.count)
    if let least = input["min_length"]?.integer, !text.isEmpty, length < least {
      throw .bad("the field \(name) must have at least \(least) characters")
    }
    let most = input["max_length"]?.integer ?? 4_000
    if length > most { throw .bad("the field \(name) must have at most \(most) characters") }
    return text
  }

  /// Refuses a number of values that the field does not take; nothing at all is fine where it is not required.
  private func checkCount(
    _ count: Int, _ input: JSON, _ name: String, _ isRequired: Bool, most: Int64
  ) throws(ControlError) {
    if count == 0, !isRequired { return }
    let least = max(input["min_values"]?.integer ?? 1, isRequired ? 1 : 0)
    guard (least...max(least, most)).contains(Int64(count)) else {
      throw .bad("the field \(name) takes between \(least) and \(most) values")
    }
  }

  private func chosen(
    _ input: JSON, _ kind: Int64, _ given: JSON?, _ name: String, _ isRequired: Bool, _ channel: Channel,
    _ resolved: inout JSON
  ) throws(ControlError) -> [JSON] {
    let preset =
      (input["default_values"]?.array ?? []).compactMap { $0["id"] }
      + (input["options"]?.array ?? []).filter { $0["default"] == true }.compactMap { $0["value"] }
    let values = given.map { $0.array ?? [$0] } ?? preset
    guard values.allSatisfy({ $0.string != nil }) else { throw .bad("the field \(name) takes a list of texts") }
    let most = input["max_values"]?.integer ?? (kind == 22 ? Int64(options(of: input).count) : 1)
    try checkCount(values.count, input, name, isRequired, most: most)
    if kind == 3 || kind == 22 {
      let allowed = options(of: input)
      if let other = values.first(where: { !allowed.contains($0) }) {
        throw .bad("\(other) is no option of the field \(name)")
      }
    } else {
      if let problem = entityProblem(values, kind, input, channel) { throw .bad("the field \(name): \(problem)") }
      for (table, entries) in resolveSelected(values, kind, channel).object ?? [:] {
        for (id, entry) in entries.object ?? [:] {
          if resolved[table] == nil { resolved[table] = [:] }
          resolved[table]?[id] = entry
        }
      }
    }
    return values
  }

  /// Why something that Discord's client would not offer was chosen; nil if it would.
  func entityProblem(_ values: [JSON], _ kind: Int64, _ select: JSON, _ channel: Channel) -> String? {
    let guild = channel.guildID.flatMap { guilds[$0] }
    for value in values {
      guard let id = Snowflake(value) else { return "\(value) is no id" }
      let isUser = users[id] != nil && (guild == nil || guild?.members[id] != nil)
      let isRole = guild?.roles.contains { $0.id == id } ?? false
      let isKnown =
        switch kind {
        case 5: isUser
        case 6: isRole
        case 7: isUser || isRole
        default: guild?.channelIDs.contains(id) ?? false
        }
      if !isKnown { return "there is no \(id) to choose" }
      if kind == 8, let kinds = select["channel_types"]?.array, !kinds.isEmpty, let target = channels[id],
        !kinds.contains(.integer(Int64(target.kind.rawValue)))
      {
        return "a channel of that type is not offered"
      }
    }
    return nil
  }

  private func files(
    _ input: JSON, _ given: JSON?, _ name: String, _ isRequired: Bool, _ channel: Channel, _ resolved: inout JSON
  ) throws(ControlError) -> [JSON] {
    let list = given.map { $0.array ?? [$0] } ?? []
    try checkCount(list.count, input, name, isRequired, most: input["max_values"]?.integer ?? 1)
    var ids: [JSON] = []
    for entry in list {
      let (filename, contentType, bytes) = try CommandInvocation.upload(entry, name)
      let endings = (input["file_types"]?.array ?? []).compactMap(\.string).filter { $0.hasPrefix(".") }
      let kinds = (input["file_types"]?.array ?? []).compactMap(\.string).filter { !$0.hasPrefix(".") }
      if !(endings + kinds).isEmpty, !endings.contains(where: filename.lowercased().hasSuffix),
        !kinds.contains(where: contentType.hasPrefix)
      {
        throw .bad("the field \(name) does not take \(filename)")
      }
      let id = makeID()
      attachments[id] = StoredFile(
        channelID: channel.id, filename: filename, contentType: contentType, bytes: bytes)
      var json = Attachment(id: id, filename: filename, contentType: contentType, size: bytes.count)
        .json(base: baseURL, channelID: channel.id)
      json["ephemeral"] = true
      if resolved["attachments"] == nil { resolved["attachments"] = [:] }
      resolved["attachments"]?[id.description] = json
      ids.append(id.json)
    }
    return ids
  }
}
