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

  /// - Parameter edited: The flags of the message that is edited: components version 2 stays once it is there.
  init(_ body: JSON, path: [String] = [], edited: Int64? = nil) throws(APIError) {
    var form = FormErrors()
    content = form.text(body["content"], path + ["content"], 0...2_000)
    if body["content"]?.isNull == true { content = "" }
    if let list = body["embeds"] {
      embeds = form.list(list, path + ["embeds"], limit: 10)
    } else if let one = body["embed"], one.object != nil {
      embeds = [one]
    }
    if let embeds { self.embeds = Self.read(embeds, path + ["embeds"], &form) }
    let isV2 =
      (edited ?? 0) & Message.Flags.componentsV2 != 0
      || (body["flags"]?.integer ?? 0) & Message.Flags.componentsV2 != 0
    if let list = body["components"] {
      components = ComponentForm.checkMessage(list, isV2: isV2, path + ["components"], &form)
    }
    if isV2 {
      // Such a message is made of components alone.
      for name in ["content", "embeds", "poll", "sticker_ids"] {
        guard let value = body[name], !value.isNull, value.string?.isEmpty != true, value.array?.isEmpty != true else {
          continue
        }
        form.add(
          path + [name], "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
          "The '\(name)' field cannot be used when using MessageFlags.IS_COMPONENTS_V2")
      }
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
