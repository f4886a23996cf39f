import Platform

/// An emoji of a guild or an application, or a Unicode one. See `developers/resources/emoji`.
public struct Emoji: Sendable, Hashable, JSONDecodable {
  /// Nil for a Unicode emoji, whose ``name`` is the character itself.
  public let id: Snowflake?
  /// Nil in a reaction whose emoji was deleted.
  public let name: String?
  public let roles: [Snowflake]
  public let user: User?
  public let isManaged: Bool
  public let isAnimated: Bool
  /// False when the guild lost the boosts for it.
  public let isAvailable: Bool

  public init(json: JSONView) throws {
    id = try json.decodeIfPresent("id")
    name = try json.decodeIfPresent("name")
    roles = try json.decodeList("roles")
    user = try json.decodeIfPresent("user")
    isManaged = json.flag("managed")
    isAnimated = json.flag("animated")
    isAvailable = try json.decodeIfPresent("available") ?? true
  }
}

/// An emoji as it is named in the path of a reaction.
public struct ReactionEmoji: Sendable, Hashable {
  let text: String

  /// A Unicode emoji, as `👍`.
  public static func unicode(_ character: String) -> ReactionEmoji { ReactionEmoji(text: character) }
  public static func custom(_ id: Snowflake, name: String) -> ReactionEmoji { ReactionEmoji(text: "\(name):\(id)") }
}

struct EmojiBody: CheckedBody, Encodable {
  var name: String?
  var image: ImageData?
  var roles: [Snowflake]?

  func check(_ checker: inout BodyChecker) { checker.text(name, "name", 2...32) }
}
