/// Why a component did nothing. Each is counted under its name.
enum ComponentRefusal: String, Sendable, CaseIterable {
  /// No custom id of this bot, or changed on the way.
  case forged
  /// Its plugin is gone, or the handler has another name.
  case unknown
  /// Made by another version, or for another kind of component.
  case outdated
  case expired
  case otherUser
  case otherGuild
  case otherMessage
  case used

  var userMessage: String {
    switch self {
    case .forged: "This does not come from me, or was changed on the way: nothing was done."
    case .unknown, .outdated: "This is from an older version of the bot and does nothing any more."
    case .expired: "This has expired."
    case .otherUser: "This is not for you."
    case .otherGuild, .otherMessage: "This belongs elsewhere: nothing was done."
    case .used: "Someone was faster: this has been used already."
    }
  }
}
