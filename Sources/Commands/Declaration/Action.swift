import Gateway

/// Something that a user can make the bot do, whatever it is called by: what has to be known before it runs.
public struct Action: Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    case command, userCommand, messageCommand, button, select, modal

    /// Whether it answers to a custom id.
    var isComponent: Bool {
      switch self {
      case .command, .userCommand, .messageCommand: false
      case .button, .select, .modal: true
      }
    }
  }

  public var kind: Kind
  /// `plugins enable`, `Report message`, `giveaway.claim`.
  public var name: String
  public var category: RateLimitCategory
  public var answer: AnswerStyle
  /// What a member needs, with what the groups above need.
  public var memberPermissions: Permissions
  /// What the bot itself needs in the channel.
  public var botPermissions: Permissions
  public var contexts: CommandContexts
  /// Only for those who run the bot.
  public var isOwnerOnly = false

  /// How a sentence names it.
  public var title: String {
    switch kind {
    case .command: "`/\(name)`"
    case .userCommand, .messageCommand: "**\(name)**"
    case .button, .select, .modal: "this"
    }
  }

  /// The names under which a guild can make an exception for a member, the most specific first: `plugins enable`, then
  /// `plugins`.
  public var permissionNames: [String] {
    guard kind == .command else { return [name] }
    var names: [String] = []
    var path = name.split(separator: " ")
    while !path.isEmpty {
      names.append(path.joined(separator: " "))
      path.removeLast()
    }
    return names
  }
}
