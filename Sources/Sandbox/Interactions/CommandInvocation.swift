import FoundationEssentials
import Platform

/// Why the sandbox refuses what a script or the playground wants, in plain words.
struct ControlError: Error, Sendable, Equatable {
  let status: Int
  let message: String

  static func bad(_ message: String) -> ControlError { ControlError(status: 400, message: message) }
  static func notFound(_ what: String) -> ControlError {
    ControlError(status: 404, message: "there is no such \(what)")
  }
  static func conflict(_ message: String) -> ControlError { ControlError(status: 409, message: message) }
}

/// Turns what a user typed or a script gave into the `data` of a command interaction, by the command's declaration.
struct CommandInvocation {
  let command: ApplicationCommand
  /// Sub-command (group) names that follow the command's own.
  let path: [String]
  let guild: Guild?
  /// Which option the user is typing in, for autocomplete: nothing is required then.
  var focused: String?

  /// What the interaction's `resolved` must describe.
  private(set) var users: [Snowflake] = []
  private(set) var roles: [Snowflake] = []
  private(set) var channels: [Snowflake] = []
  private(set) var files: [(id: Snowflake, file: APIRequest.File)] = []

  init(command: ApplicationCommand, path: [String], guild: Guild?, focused: String? = nil) {
    self.command = command
    self.path = path
    self.guild = guild
    self.focused = focused
  }

  var fullName: String { ([command.name] + path).joined(separator: " ") }

  /// The options that can be filled in at the end of the path.
  func declaredOptions() throws(ControlError) -> [JSON] {
    var level = command.options
    for name in path {
      guard let inner = level.first(where: { $0["name"]?.string == name && ($0["type"]?.integer ?? 3) <= 2 }) else {
        throw .bad("/\(command.name) has no sub-command \(name)")
      }
      level = inner["options"]?.array ?? []
    }
    if let first = level.first, (first["type"]?.integer ?? 3) <= 2 {
      let names = level.compactMap { $0["name"]?.string }.joined(separator: ", ")
      throw .bad("/\(fullName) needs a sub-command: \(names)")
    }
    return level
  }

  /// Splits `amount:5 reason:two words` at the declared names.
  static func split(_ text: String, names: [String]) throws(ControlError) -> [String: JSON] {
    var values: [String: JSON] = [:]
    var name: String?
    var words: [Substring] = []
    func finish() {
      if let name { values[name] = .string(words.joined(separator: " ")) }
    }
    for word in text.split(separator: " ") {
      if let colon = word.firstIndex(of: ":"), names.contains(String(word[..<colon])) {
        finish()
        name = String(word[..<colon])
        let rest = word[word.index(after: colon)...]
        words = rest.isEmpty ? [] : [rest]
      } else if name != nil {
        words.append(word)
      } else {
        throw .bad("\"\(word)\" belongs to no option; write name:value, with one of: \(names.joined(separator: ", "))")
      }
    }
    finish()
    return values
  }

  /// The `options` of the interaction, nested as deep as the path.
  mutating func options(from values: JSON.Object, world: isolated World) throws(ControlError) -> [JSON] {
    let declared = try declaredOptions()
    for name in values.keys where !declared.contains(where: { $0["name"]?.string == name }) {
      throw .bad("/\(fullName) has no option \(name)")
    }
    var result: [JSON] = []
    for option in declared {
      let name = option["name"]?.string ?? ""
      guard let given = values[name], !given.isNull else {
        if option["required"]?.bool == true && focused == nil { throw .bad("the option \(name) is required") }
        continue
      }
      let isFocused = focused == name
      let kind = option["type"]?.integer ?? 3
      let value = isFocused ? given : try self.value(given, of: option, kind, name, world)
      var entry: JSON = ["name": .string(name), "type": .integer(kind), "value": value]
      if isFocused { entry["focused"] = true }
      result.append(entry)
    }
    for (index, name) in path.enumerated().reversed() {
      let kind: JSON = path.count == 2 && index == 0 ? 2 : 1
      result = [["name": .string(name), "type": kind, "options": .array(result)]]
    }
    return result
  }

  private mutating func value(
    _ given: JSON, of option: JSON, _ kind: Int64, _ name: String, _ world: isolated World
  ) throws(ControlError) -> JSON {
    let text = given.string ?? given.serialized()
    if let choices = option["choices"]?.array, !choices.isEmpty {
      let choice = choices.first {
        $0["value"] == given || $0["name"]?.string == text || $0["value"]?.serialized() == text
      }
      guard let value = choice?["value"] else {
        let names = choices.compactMap { $0["name"]?.string }.joined(separator: ", ")
        throw .bad("\(name) must be one of: \(names)")
      }
      return value
    }
    switch kind {
    case 3:
      let length = Int64(text.unicodeScalars.count)
      if let least = option["min_length"]?.integer, length < least {
        throw .bad("\(name) must have at least \(least) characters")
      }
      if length > option["max_length"]?.integer ?? 6_000 {
        throw .bad("\(name) must have at most \(option["max_length"]?.integer ?? 6_000) characters")
      }
      return .string(text)
    case 4:
      guard let number = given.integer ?? Int64(text) else { throw .bad("\(name) must be a whole number") }
      try checkRange(Double(number), option, name)
      return .integer(number)
    case 10:
      guard let number = given.double ?? Double(text), number.isFinite else { throw .bad("\(name) must be a number") }
      try checkRange(number, option, name)
      return .double(number)
    case 5:
      if let flag = given.bool { return .boolean(flag) }
      switch text.lowercased() {
      case "true", "yes": return true
      case "false", "no": return false
      default: throw .bad("\(name) must be true or false")
      }
    case 6: return try user(text, name, world).json
    case 7: return try channel(text, option, name, world).json
    case 8: return try role(text, name).json
    case 9:
      if let id = try? role(text, name) { return id.json }
      return try user(text, name, world).json
    case 11: return try file(given, name, world).json
    default: throw .bad("\(name) has a type that the sandbox does not know")
    }
  }

  private func checkRange(_ number: Double, _ option: JSON, _ name: String) throws(ControlError) {
    if let least = option["min_value"], let limit = least.double, number < limit {
      throw .bad("\(name) must be at least \(least)")
    }
    if let most = option["max_value"], let limit = most.double, number > limit {
      throw .bad("\(name) must be at most \(most)")
    }
  }

  private static func bare(_ text: String, _ marks: String) -> String {
    String(text.drop { marks.contains($0) }.prefix { $0 != ">" })
  }

  private mutating func user(_ text: String, _ name: String, _ world: isolated World) throws(ControlError) -> Snowflake
  {
    let bare = Self.bare(text, "<@!")
    let wanted = bare.lowercased()
    let known =
      Snowflake(bare).flatMap { world.users[$0] }
      ?? world.users.values.sorted { $0.id < $1.id }.first {
        $0.username.lowercased() == wanted || $0.globalName?.lowercased() == wanted
      }
    guard let known else { throw .bad("\(name): there is no user \(text)") }
    if !users.contains(known.id) { users.append(known.id) }
    return known.id
  }

  private mutating func role(_ text: String, _ name: String) throws(ControlError) -> Snowflake {
    let bare = Self.bare(text, "<@&")
    let known = guild?.roles.first { $0.id == Snowflake(bare) || $0.name.lowercased() == bare.lowercased() }
    guard let known else { throw .bad("\(name): there is no role \(text)") }
    if !roles.contains(known.id) { roles.append(known.id) }
    return known.id
  }

  private mutating func channel(
    _ text: String, _ option: JSON, _ name: String, _ world: isolated World
  ) throws(ControlError) -> Snowflake {
    let bare = Self.bare(text, "<#")
    let candidates = (guild?.channelIDs ?? []).compactMap { world.channels[$0] }
    guard let known = candidates.first(where: { $0.id == Snowflake(bare) || $0.name == bare.lowercased() }) else {
      throw .bad("\(name): there is no channel \(text)")
    }
    if let kinds = option["channel_types"]?.array, !kinds.isEmpty,
      !kinds.contains(.integer(Int64(known.kind.rawValue)))
    {
      throw .bad("\(name): a channel of that type is not allowed")
    }
    if !channels.contains(known.id) { channels.append(known.id) }
    return known.id
  }

  private mutating func file(_ given: JSON, _ name: String, _ world: isolated World) throws(ControlError) -> Snowflake {
    let (filename, contentType, bytes) = try Self.upload(given, name)
    let id = world.makeID()
    files.append((id, APIRequest.File(index: 0, filename: filename, contentType: contentType, bytes: bytes)))
    return id
  }

  /// A file that a user picked: `{"filename", "contentType"?, "text"}`, or `base64` for `text`.
  static func upload(
    _ given: JSON, _ name: String
  ) throws(ControlError) -> (filename: String, contentType: String, bytes: [UInt8]) {
    guard let filename = given["filename"]?.string, !filename.isEmpty else {
      throw .bad("\(name) must be an object with filename and text or base64")
    }
    let contentType = given["contentType"]?.string ?? "application/octet-stream"
    if let text = given["text"]?.string { return (filename, contentType, Array(text.utf8)) }
    guard let data = given["base64"]?.string.flatMap({ Data(base64Encoded: $0) }) else {
      throw .bad("\(name) needs the file's content as text or base64")
    }
    return (filename, contentType, Array(data))
  }
}
