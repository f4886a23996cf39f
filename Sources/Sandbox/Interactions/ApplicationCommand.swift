import Platform

/// A registered command. Source: Discord "Application Commands".
struct ApplicationCommand: Sendable {
  enum Kind: Int64, Sendable { case chatInput = 1, user = 2, message = 3, entryPoint = 4 }

  let id: Snowflake
  let applicationID: Snowflake
  /// nil for a global command.
  let guildID: Snowflake?
  let kind: Kind
  var version: Snowflake
  /// What the application declared, checked, in Discord's form: without ids, defaults filled in.
  var declaration: JSON

  var name: String { declaration["name"]?.string ?? "" }
  var options: [JSON] { declaration["options"]?.array ?? [] }

  /// Who sees it by default: nil for everyone, an empty set for administrators only.
  var defaultPermissions: Permissions? { Permissions(declaration["default_member_permissions"]) }

  /// Whether it is offered in direct messages.
  var isUsableInDirectMessages: Bool {
    guard guildID == nil else { return false }
    if let contexts = declaration["contexts"]?.array { return contexts.contains(1) }
    return declaration["dm_permission"]?.bool ?? true
  }

  var json: JSON {
    var json: JSON = [
      "id": id.json, "application_id": applicationID.json, "version": version.json,
    ]
    if let guildID { json["guild_id"] = guildID.json }
    for (name, value) in declaration.object ?? [:] { json[name] = value }
    return json
  }

  static func isOffered(_ command: ApplicationCommand, to permissions: Permissions) -> Bool {
    guard permissions.contains(.useApplicationCommands) else { return false }
    guard let needed = command.defaultPermissions else { return true }
    if permissions.contains(.administrator) { return true }
    return !needed.isEmpty && permissions.isSuperset(of: needed)
  }
}

/// Checks a command's declaration and brings it into the form in which Discord gives it back.
struct CommandForm {
  private var form = FormErrors()
  private var size = 0

  static let sizeLimit = 8_000
  static let optionLimit = 25

  /// - Parameter previous: the declaration that a PATCH changes; nil for a whole new one.
  static func read(
    _ body: JSON, path: [String] = [], previous: JSON? = nil, isGlobal: Bool
  ) throws(APIError) -> (kind: ApplicationCommand.Kind, declaration: JSON) {
    var reader = CommandForm()
    let result = reader.command(body, path, previous, isGlobal)
    try reader.form.check()
    return result
  }

  private mutating func command(
    _ change: JSON, _ path: [String], _ previous: JSON?, _ isGlobal: Bool
  ) -> (ApplicationCommand.Kind, JSON) {
    var body = previous ?? [:]
    for (name, value) in change.object ?? [:] { body[name] = value }
    guard change.object != nil else {
      form.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
      return (.chatInput, body)
    }
    let number = form.integer(body["type"], path + ["type"], 1...4) ?? 1
    let kind = ApplicationCommand.Kind(rawValue: number) ?? .chatInput
    let isChat = kind == .chatInput
    name(body["name"], path + ["name"], isChat: isChat)
    var result: JSON = [
      "type": .integer(number), "name": body["name"] ?? .null,
      "name_localizations": localizations(body["name_localizations"], path + ["name_localizations"], 1...32),
      "description": "", "description_localizations": .null,
      "default_member_permissions": .null, "nsfw": .boolean(body["nsfw"]?.bool ?? false), "default_permission": true,
      "integration_types": [0], "contexts": .null,
    ]
    if kind == .entryPoint {
      result["handler"] = .integer(form.integer(body["handler"], path + ["handler"], 1...2, required: true) ?? 1)
      result["description"] = .string(form.text(body["description"], path + ["description"], 0...100) ?? "")
    } else if body["handler"].map({ !$0.isNull }) ?? false {
      form.add(path + ["handler"], "APPLICATION_COMMAND_INVALID_HANDLER", "Only Entry Point commands have a handler")
    }
    if isChat {
      let text = form.text(body["description"], path + ["description"], 1...100, required: true)
      size += text?.unicodeScalars.count ?? 0
      result["description"] = .string(text ?? "")
      result["description_localizations"] = localizations(
        body["description_localizations"], path + ["description_localizations"], 1...100)
    } else if kind != .entryPoint, let text = body["description"]?.string, !text.isEmpty {
      form.add(
        path + ["description"], "APPLICATION_COMMAND_INVALID_DESCRIPTION",
        "Context menu commands cannot have description")
    }
    if let value = body["default_member_permissions"], !value.isNull {
      if let permissions = Permissions(value) {
        result["default_member_permissions"] = permissions.json
      } else {
        form.add(
          path + ["default_member_permissions"], "NUMBER_TYPE_COERCE",
          "Value \"\(value.string ?? value.serialized())\" is not int.")
      }
    }
    if isGlobal {
      result["dm_permission"] = .boolean(body["dm_permission"]?.bool ?? true)
      if let contexts = body["contexts"], !contexts.isNull {
        let list = form.list(contexts, path + ["contexts"], limit: 3)
        for (index, value) in list.enumerated() {
          form.choice(value.integer ?? -1, path + ["contexts", String(index)], [0, 1, 2])
        }
        result["contexts"] = .array(list)
        result["dm_permission"] = .boolean(list.contains(1))
      }
      if let types = body["integration_types"], !types.isNull {
        let list = form.list(types, path + ["integration_types"], limit: 2)
        for (index, value) in list.enumerated() {
          form.choice(value.integer ?? -1, path + ["integration_types", String(index)], [0, 1])
        }
        result["integration_types"] = .array(list)
      }
    }
    let options = self.options(body["options"], path + ["options"], depth: 0, allowed: isChat)
    if !options.isEmpty { result["options"] = .array(options) }
    if size > Self.sizeLimit {
      form.add(
        path, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (\(Self.sizeLimit))")
    }
    return (kind, result)
  }

  private mutating func name(_ value: JSON?, _ path: [String], isChat: Bool) {
    guard let text = form.text(value, path, 1...32, required: true) else { return }
    size += text.unicodeScalars.count
    guard isChat, (1...32).contains(text.unicodeScalars.count) else { return }
    if !Self.isCommandName(text) {
      form.add(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    }
  }

  /// `^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$`, in lower case where there is one.
  static func isCommandName(_ text: String) -> Bool {
    text == text.lowercased()
      && text.unicodeScalars.allSatisfy { scalar in
        if "-_'".unicodeScalars.contains(scalar) { return true }
        if (0x0900...0x097F).contains(scalar.value) || (0x0E00...0x0E7F).contains(scalar.value) { return true }
        switch scalar.properties.generalCategory {
        case .lowercaseLetter, .uppercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
          .letterNumber, .otherNumber:
          return true
        default: return false
        }
      }
  }

  private mutating func localizations(_ value: JSON?, _ path: [String], _ range: ClosedRange<Int>) -> JSON {
    guard let value, !value.isNull else { return .null }
    guard let texts = value.object else {
      form.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
      return .null
    }
    for (locale, text) in texts {
      if !Self.locales.contains(locale) {
        form.add(path + [locale], "BASE_TYPE_CHOICES", "Locale \"\(locale)\" is not supported.")
      }
      form.text(text, path + [locale], range, required: true)
    }
    return texts.isEmpty ? .null : value
  }

  /// Source: Discord "Reference", section Locales.
  private static let locales: Set<String> = [
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl", "pt-BR",
    "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja", "zh-TW", "ko", "ar",
    "he",
  ]

  // MARK: - Options

  private mutating func options(_ value: JSON?, _ path: [String], depth: Int, allowed: Bool) -> [JSON] {
    let list = form.list(value, path, limit: Self.optionLimit)
    if !list.isEmpty && !allowed {
      form.add(path, "APPLICATION_COMMAND_INVALID_OPTIONS", "Context menu commands cannot have options")
      return []
    }
    var names: Set<String> = []
    var hasOptional = false
    var groups = 0
    var result: [JSON] = []
    for (index, option) in list.enumerated() {
      let place = path + [String(index)]
      guard option.object != nil else {
        form.add(place, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        continue
      }
      if let name = option["name"]?.string, !names.insert(name).inserted {
        form.add(
          path, "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name \"\(name)\" already exists")
      }
      let kind = form.integer(option["type"], place + ["type"], 1...11, required: true) ?? 3
      if kind <= 2 {
        groups += 1
        if depth + Int(kind) > 2 {
          form.add(
            place + ["type"], "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Sub-command and sub-command group option types can not be nested deeper")
        }
      } else if option["required"]?.bool == true {
        if hasOptional {
          form.add(
            path, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
            "Required options must be placed before non-required options")
        }
      } else {
        hasOptional = true
      }
      result.append(self.option(option, kind, place, depth: depth))
    }
    if groups != 0 && groups != list.count {
      form.add(
        path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
        "Sub-command and sub-command group option types are mutually exclusive to all other types")
    }
    return result
  }

  private mutating func option(_ option: JSON, _ kind: Int64, _ path: [String], depth: Int) -> JSON {
    name(option["name"], path + ["name"], isChat: true)
    let description = form.text(option["description"], path + ["description"], 1...100, required: true)
    size += description?.unicodeScalars.count ?? 0
    var result: JSON = [
      "type": .integer(kind), "name": option["name"] ?? .null, "description": option["description"] ?? .null,
    ]
    for (key, range) in [("name_localizations", 1...32), ("description_localizations", 1...100)] {
      let texts = localizations(option[key], path + [key], range)
      if !texts.isNull { result[key] = texts }
    }
    if kind <= 2 {
      let inner = options(option["options"], path + ["options"], depth: depth + Int(kind == 2 ? 1 : 2), allowed: true)
      if !inner.isEmpty { result["options"] = .array(inner) }
      return result
    }
    // Discord leaves out what has its default value.
    if option["required"]?.bool == true { result["required"] = true }
    if option["autocomplete"]?.bool == true {
      result["autocomplete"] = true
      if option["choices"]?.array?.isEmpty == false {
        form.add(
          path + ["autocomplete"], "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES",
          "Autocomplete options cannot have choices")
      }
    }
    let choices = self.choices(option["choices"], kind, path + ["choices"])
    if !choices.isEmpty { result["choices"] = .array(choices) }
    bounds(option, kind, path, &result)
    if kind == 7, let types = option["channel_types"], !types.isNull {
      result["channel_types"] = .array(form.list(types, path + ["channel_types"], limit: 20))
    }
    return result
  }

  private mutating func bounds(_ option: JSON, _ kind: Int64, _ path: [String], _ result: inout JSON) {
    switch kind {
    case 3:
      for (name, range) in [("min_length", Int64(0)...6_000), ("max_length", 1...6_000)] {
        if let value = form.integer(option[name], path + [name], range) { result[name] = .integer(value) }
      }
    case 4, 10:
      for name in ["min_value", "max_value"] {
        guard let value = option[name], !value.isNull else { continue }
        if kind == 4 ? value.integer != nil : value.double != nil {
          result[name] = value
        } else {
          form.add(
            path + [name], "NUMBER_TYPE_COERCE", "Value \"\(value)\" is not \(kind == 4 ? "int" : "float").")
        }
      }
    default: break
    }
  }

  private mutating func choices(_ value: JSON?, _ kind: Int64, _ path: [String]) -> [JSON] {
    let list = form.list(value, path, limit: Self.optionLimit)
    if !list.isEmpty, ![3, 4, 10].contains(kind) {
      form.add(path, "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", "Choices are not valid for this option type")
    }
    var names: Set<String> = []
    return list.enumerated().map { index, choice in
      let place = path + [String(index)]
      if let name = form.text(choice["name"], place + ["name"], 1...100, required: true) {
        size += name.unicodeScalars.count
        if !names.insert(name).inserted {
          form.add(
            path, "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS", "Option choice name already exists")
        }
      }
      let texts = localizations(choice["name_localizations"], place + ["name_localizations"], 1...100)
      switch kind {
      case 3:
        let text = form.text(choice["value"], place + ["value"], 0...100, required: true)
        size += text?.unicodeScalars.count ?? 0
      case 4: form.integer(choice["value"], place + ["value"], -(1 << 53)...(1 << 53), required: true)
      default: if choice["value"]?.double == nil { form.required(place + ["value"]) }
      }
      var result: JSON = ["name": choice["name"] ?? .null, "value": choice["value"] ?? .null]
      if !texts.isNull { result["name_localizations"] = texts }
      return result
    }
  }
}
