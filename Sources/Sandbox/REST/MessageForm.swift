import Platform

/// A message body as a bot sends it, read and checked.
/// Source: Discord "Message": limits of content, embeds, components; "Components Reference".
struct MessageForm: Sendable {
  var content: String?
  var embeds: [JSON]?
  var components: [JSON]?
  var flags: Int64?
  var allowedMentions: JSON?
  var isTTS = false
  var nonce: JSON?
  var enforcesNonce = false
  var reference: Snowflake?
  var failsWithoutReference = true
  /// What the body says about files: new ones by index, those to keep by id. nil: nothing was said.
  var attachments: [JSON]?

  init(_ body: JSON, path: [String] = []) throws(APIError) {
    var form = FormErrors()
    content = form.text(body["content"], path + ["content"], 0...2_000)
    if body["content"]?.isNull == true { content = "" }
    if let list = body["embeds"] {
      embeds = form.list(list, path + ["embeds"], limit: 10)
    } else if let one = body["embed"], one.object != nil {
      embeds = [one]
    }
    if let embeds { self.embeds = Self.read(embeds, path + ["embeds"], &form) }
    if let list = body["components"] {
      let isV2 = (body["flags"]?.integer ?? 0) & Message.Flags.componentsV2 != 0
      let components = form.list(list, path + ["components"], limit: isV2 ? 40 : 5)
      var ids: Set<String> = []
      for (index, component) in components.enumerated() {
        ComponentForm.check(component, path + ["components", String(index)], isTop: true, isV2: isV2, &ids, &form)
      }
      self.components = components
    }
    flags = form.integer(body["flags"], path + ["flags"], 0...Int64(Int32.max))
    isTTS = body["tts"]?.bool ?? false
    if let nonce = body["nonce"], !nonce.isNull {
      if let text = nonce.string, text.unicodeScalars.count > 25 {
        form.add(path + ["nonce"], "NONCE_TYPE_TOO_LONG", "Must be 25 or fewer in length.")
      }
      self.nonce = nonce
    }
    enforcesNonce = body["enforce_nonce"]?.bool ?? false
    allowedMentions = body["allowed_mentions"].flatMap { $0.isNull ? nil : $0 }
    if let reference = body["message_reference"], !reference.isNull {
      self.reference = Snowflake(reference["message_id"])
      if self.reference == nil { form.required(path + ["message_reference", "message_id"]) }
      failsWithoutReference = reference["fail_if_not_exists"]?.bool ?? true
    }
    if let list = body["attachments"] { attachments = form.list(list, path + ["attachments"], limit: 10) }
    try form.check()
  }

  func isEmpty(files: Int) -> Bool {
    (content ?? "").isEmpty && (embeds ?? []).isEmpty && (components ?? []).isEmpty && files == 0
  }

  private static func read(_ embeds: [JSON], _ path: [String], _ form: inout FormErrors) -> [JSON] {
    var total = 0
    func count(_ text: String?) { total += text?.unicodeScalars.count ?? 0 }
    let result = embeds.enumerated().map { index, embed in
      let place = path + [String(index)]
      guard embed.object != nil else {
        form.add(place, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return embed
      }
      count(form.text(embed["title"], place + ["title"], 0...256))
      count(form.text(embed["description"], place + ["description"], 0...4_096))
      form.integer(embed["color"], place + ["color"], 0...0xFF_FFFF)
      if let footer = embed["footer"], !footer.isNull {
        count(form.text(footer["text"], place + ["footer", "text"], 0...2_048, required: true))
      }
      if let author = embed["author"], !author.isNull {
        count(form.text(author["name"], place + ["author", "name"], 0...256, required: true))
      }
      if let text = embed["timestamp"]?.string, Timestamp(iso8601: text) == nil {
        form.add(place + ["timestamp"], "DATE_TYPE_PARSE", "Could not parse \(text). Should be ISO8601.")
      }
      for name in ["image", "thumbnail"] {
        guard let url = embed[name]?["url"]?.string else { continue }
        checkURL(url, place + [name, "url"], &form)
      }
      if let url = embed["url"]?.string { checkURL(url, place + ["url"], &form) }
      for (number, field) in form.list(embed["fields"], place + ["fields"], limit: 25).enumerated() {
        let fieldPlace = place + ["fields", String(number)]
        count(form.text(field["name"], fieldPlace + ["name"], 1...256, required: true))
        count(form.text(field["value"], fieldPlace + ["value"], 1...1_024, required: true))
      }
      var stored = embed
      stored["type"] = "rich"
      if let fields = embed["fields"]?.array {
        stored["fields"] = .array(
          fields.map { field in
            var field = field
            if field["inline"] == nil { field["inline"] = false }
            return field
          })
      }
      if let time = embed["timestamp"]?.string.flatMap({ Timestamp(iso8601: $0) }) {
        stored["timestamp"] = .string(time.discord)
      }
      return stored
    }
    if total > 6_000 { form.add(path, "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000") }
    return result
  }

  private static func checkURL(_ url: String, _ path: [String], _ form: inout FormErrors) {
    let schemes = ["http://", "https://", "attachment://"]
    if !schemes.contains(where: { url.lowercased().hasPrefix($0) }) || url.unicodeScalars.count > 2_048 {
      form.add(
        path, "URL_TYPE_INVALID_SCHEME", "Scheme \"\(url.prefix { $0 != ":" })\" must be one of ('http', 'https').")
    }
  }
}

/// Checks components by their kind. Source: Discord "Components Reference".
enum ComponentForm {
  private static let actionRow: Int64 = 1
  private static let button: Int64 = 2
  private static let selects: Set<Int64> = [3, 5, 6, 7, 8]
  private static let textInput: Int64 = 4

  static func check(
    _ component: JSON, _ path: [String], isTop: Bool, isV2: Bool, _ ids: inout Set<String>, _ form: inout FormErrors
  ) {
    guard let kind = component["type"]?.integer else { return form.required(path + ["type"]) }
    if isTop && !isV2 { form.choice(kind, path + ["type"], [actionRow]) }
    switch kind {
    case actionRow:
      let children = form.list(component["components"], path + ["components"], limit: 5)
      if children.isEmpty {
        form.add(path + ["components"], "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
      }
      for (index, child) in children.enumerated() {
        let place = path + ["components", String(index)]
        form.choice(child["type"]?.integer ?? -1, place + ["type"], [2, 3, 5, 6, 7, 8])
        check(child, place, isTop: false, isV2: isV2, &ids, &form)
      }
    case button: checkButton(component, path, &ids, &form)
    case _ where selects.contains(kind): checkSelect(component, kind, path, &ids, &form)
    case 9...17 where isV2:
      for (index, child) in (component["components"]?.array ?? []).enumerated() {
        check(child, path + ["components", String(index)], isTop: false, isV2: true, &ids, &form)
      }
      if let accessory = component["accessory"] {
        check(accessory, path + ["accessory"], isTop: false, isV2: true, &ids, &form)
      }
    default: form.choice(kind, path + ["type"], [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17])
    }
  }

  private static func checkID(
    _ component: JSON, _ path: [String], _ ids: inout Set<String>, _ form: inout FormErrors
  ) {
    guard let id = form.text(component["custom_id"], path + ["custom_id"], 1...100, required: true) else { return }
    if !ids.insert(id).inserted {
      form.add(
        path + ["custom_id"], "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
    }
  }

  private static func checkButton(
    _ button: JSON, _ path: [String], _ ids: inout Set<String>, _ form: inout FormErrors
  ) {
    let style = form.integer(button["style"], path + ["style"], 1...6, required: true)
    form.text(button["label"], path + ["label"], 0...80)
    switch style {
    case 5: form.text(button["url"], path + ["url"], 1...512, required: true)
    case 6: form.text(button["sku_id"], path + ["sku_id"], 1...20, required: true)
    default:
      checkID(button, path, &ids, &form)
      if button["label"]?.string?.isEmpty ?? true, button["emoji"]?.object == nil { form.required(path + ["label"]) }
    }
  }

  private static func checkSelect(
    _ select: JSON, _ kind: Int64, _ path: [String], _ ids: inout Set<String>, _ form: inout FormErrors
  ) {
    checkID(select, path, &ids, &form)
    form.text(select["placeholder"], path + ["placeholder"], 0...150)
    form.integer(select["min_values"], path + ["min_values"], 0...25)
    form.integer(select["max_values"], path + ["max_values"], 1...25)
    guard kind == 3 else { return }
    let options = form.list(select["options"], path + ["options"], limit: 25)
    if options.isEmpty {
      form.add(path + ["options"], "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 25 in length.")
    }
    var values: Set<String> = []
    for (index, option) in options.enumerated() {
      let place = path + ["options", String(index)]
      form.text(option["label"], place + ["label"], 1...100, required: true)
      let value = form.text(option["value"], place + ["value"], 1...100, required: true)
      form.text(option["description"], place + ["description"], 0...100)
      if let value, !values.insert(value).inserted {
        form.add(
          place + ["value"], "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
          "The specified option value is already used")
      }
    }
  }

  /// The body of a modal: `custom_id`, `title`, 1 to 5 components.
  static func checkModal(_ data: JSON) throws(APIError) {
    var form = FormErrors()
    form.text(data["custom_id"], ["data", "custom_id"], 1...100, required: true)
    form.text(data["title"], ["data", "title"], 1...45, required: true)
    let rows = form.list(data["components"], ["data", "components"], limit: 5)
    if rows.isEmpty {
      form.add(["data", "components"], "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    }
    var ids: Set<String> = []
    for (index, row) in rows.enumerated() {
      let place = ["data", "components", String(index)]
      switch row["type"]?.integer {
      case 1:
        let inputs = form.list(row["components"], place + ["components"], limit: 1)
        guard let input = inputs.first else {
          form.add(place + ["components"], "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 1 in length.")
          continue
        }
        form.choice(input["type"]?.integer ?? -1, place + ["components", "0", "type"], [textInput])
        checkInput(input, place + ["components", "0"], needsLabel: true, &ids, &form)
      case 10: form.text(row["content"], place + ["content"], 1...2_000, required: true)
      case 18:
        form.text(row["label"], place + ["label"], 1...45, required: true)
        guard let inner = row["component"] else {
          form.required(place + ["component"])
          continue
        }
        if inner["type"]?.integer == textInput {
          checkInput(inner, place + ["component"], needsLabel: false, &ids, &form)
        } else {
          checkSelect(inner, inner["type"]?.integer ?? 0, place + ["component"], &ids, &form)
        }
      default: form.choice(row["type"]?.integer ?? -1, place + ["type"], [1, 10, 18])
      }
    }
    try form.check()
  }

  private static func checkInput(
    _ input: JSON, _ path: [String], needsLabel: Bool, _ ids: inout Set<String>, _ form: inout FormErrors
  ) {
    checkID(input, path, &ids, &form)
    let style = form.integer(input["style"], path + ["style"], 1...2, required: true)
    if style != nil, needsLabel { form.text(input["label"], path + ["label"], 1...45, required: true) }
    form.integer(input["min_length"], path + ["min_length"], 0...4_000)
    form.integer(input["max_length"], path + ["max_length"], 1...4_000)
    form.text(input["value"], path + ["value"], 0...4_000)
    form.text(input["placeholder"], path + ["placeholder"], 0...100)
  }
}
