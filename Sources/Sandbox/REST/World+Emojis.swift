import Platform

extension RouteTable {
  static let emojiRoutes: [APIRoute] =
    emojiRoutes("/guilds/:guild_id/emojis") + emojiRoutes("/applications/:application_id/emojis")

  private static func emojiRoutes(_ path: String) -> [APIRoute] {
    [
      APIRoute(.get, path) { world, call in
        let list = JSON.array(try world.emojiPlace(call).emojis.map(\.json))
        return .ok(call.parameters["guild_id"] == nil ? ["items": list] : list)
      },
      APIRoute(.get, path + "/:emoji_id") { world, call in .ok(try world.emoji(call).json) },
      APIRoute(.post, path, (50, 3_600)) { world, call in try world.createEmoji(call) },
      APIRoute(.patch, path + "/:emoji_id") { world, call in try world.modifyEmoji(call) },
      APIRoute(.delete, path + "/:emoji_id") { world, call in
        let emoji = try world.emoji(call)
        return try world.changeEmojis(call, 62, emoji.id) { $0.removeAll { $0.id == emoji.id } }
      },
    ]
  }
}

extension World {
  /// The emojis of the path's guild or application.
  func emojiPlace(_ call: APICall) throws(APIError) -> (emojis: [Emoji], limit: Int, caller: Application) {
    guard call.parameters["guild_id"] != nil else {
      let caller = try commandScope(call).application
      return (caller.emojis, 2_000, caller)
    }
    let (guild, caller) = try guild(call)
    return (guild.emojis, 50, caller)
  }

  func emoji(_ call: APICall) throws(APIError) -> Emoji {
    let id = try call.id("emoji_id")
    guard let emoji = try emojiPlace(call).emojis.first(where: { $0.id == id }) else { throw .unknownEmoji }
    return emoji
  }

  func changeEmojis(_ call: APICall, _ action: Int64, _ id: Snowflake, _ change: (inout [Emoji]) -> Void)
    throws(APIError) -> APIResponse
  {
    var (emojis, _, caller) = try emojiPlace(call)
    guard call.parameters["guild_id"] != nil else {
      change(&emojis)
      applications[caller.id]?.emojis = emojis
      return .noContent
    }
    let guild = try guild(call).guild
    try require(action == 60 ? .createExpressions : .manageExpressions, of: caller, in: guild)
    change(&emojis)
    guilds[guild.id]?.emojis = emojis
    emit(
      Event(
        name: "GUILD_EMOJIS_UPDATE", guildID: guild.id, intents: .guildExpressions,
        data: ["guild_id": guild.id.json, "emojis": .array(emojis.map(\.json))]))
    audit(action, by: caller.id, on: id, in: guild.id, call)
    return .noContent
  }

  private func checkName(_ value: JSON?, required: Bool, _ form: inout FormErrors) -> String? {
    let name = form.text(value, ["name"], 2...32, required: required)
    let allowed = { (scalar: Unicode.Scalar) in
      scalar == "_" || scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
    }
    if let name, !name.unicodeScalars.allSatisfy(allowed) {
      form.add(["name"], "STRING_TYPE_REGEX", "String value did not match validation regex.")
    }
    return name
  }

  func createEmoji(_ call: APICall) throws(APIError) -> APIResponse {
    let (emojis, limit, caller) = try emojiPlace(call)
    guard emojis.count < limit else {
      throw APIError(status: 400, code: 30008, message: "Maximum number of emojis reached (\(limit))")
    }
    var form = FormErrors()
    let name = checkName(call.body["name"], required: true, &form)
    let image = call.body["image"]?.string ?? ""
    if !image.hasPrefix("data:image/") || !image.contains(";base64,") {
      form.add(["image"], "IMAGE_INVALID", "Invalid image data")
    }
    // Base64 writes four characters for three bytes.
    if image.utf8.count / 4 * 3 > 256 << 10 {
      form.add(["image"], "BINARY_TYPE_MAX_SIZE", "File cannot be larger than 256.0 kb.")
    }
    try form.check()
    let emoji = Emoji(
      id: makeID(), name: name ?? "", roles: (call.body["roles"]?.array ?? []).compactMap { Snowflake($0) },
      isAnimated: image.hasPrefix("data:image/gif"), creator: users[caller.id])
    _ = try changeEmojis(call, 60, emoji.id) { $0.append(emoji) }
    return .created(emoji.json)
  }

  func modifyEmoji(_ call: APICall) throws(APIError) -> APIResponse {
    var emoji = try emoji(call)
    var form = FormErrors()
    if let name = checkName(call.body["name"], required: false, &form) { emoji.name = name }
    try form.check()
    if let roles = call.body["roles"] { emoji.roles = (roles.array ?? []).compactMap { Snowflake($0) } }
    let changed = emoji
    _ = try changeEmojis(call, 61, emoji.id) { $0 = $0.map { $0.id == changed.id ? changed : $0 } }
    return .ok(emoji.json)
  }
}
