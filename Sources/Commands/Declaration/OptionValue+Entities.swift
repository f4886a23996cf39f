import Gateway

// An id alone is no value: the object must have come with the interaction.

extension User: OptionValue {
  public static var optionType: ApplicationCommandOptionType { .user }
  public init?(_ input: OptionInput) {
    guard let id = input.id, let user = input.resolved.users[id] else { return nil }
    self = user
  }
}

/// A user of this guild. Someone who is not a member is refused.
extension Member: OptionValue {
  public static var optionType: ApplicationCommandOptionType { .user }
  public init?(_ input: OptionInput) {
    guard let id = input.id, let user = input.resolved.users[id], var member = input.resolved.members[id] else {
      return nil
    }
    member.user = user
    self = member
  }
}

/// A channel, or nothing, whose types can be limited.
public protocol ChannelOptionValue: OptionValue {}

extension Channel: ChannelOptionValue {
  public static var optionType: ApplicationCommandOptionType { .channel }
  public init?(_ input: OptionInput) {
    guard let id = input.id, let channel = input.resolved.channels[id] else { return nil }
    self = channel
  }
}

extension Optional: ChannelOptionValue where Wrapped: ChannelOptionValue {}

extension Role: OptionValue {
  public static var optionType: ApplicationCommandOptionType { .role }
  public init?(_ input: OptionInput) {
    guard let id = input.id, let role = input.resolved.roles[id] else { return nil }
    self = role
  }
}

extension Attachment: OptionValue {
  public static var optionType: ApplicationCommandOptionType { .attachment }
  public init?(_ input: OptionInput) {
    guard let id = input.id, let attachment = input.resolved.attachments[id] else { return nil }
    self = attachment
  }
}

/// A user or a role.
public enum Mentionable: Sendable, Hashable, OptionValue {
  /// The member is nil for someone who is not in this guild.
  case user(User, Member?)
  case role(Role)

  public static var optionType: ApplicationCommandOptionType { .mentionable }
  public init?(_ input: OptionInput) {
    guard let id = input.id else { return nil }
    if let user = input.resolved.users[id] {
      var member = input.resolved.members[id]
      member?.user = user
      self = .user(user, member)
    } else if let role = input.resolved.roles[id] {
      self = .role(role)
    } else {
      return nil
    }
  }

  public var id: Snowflake {
    switch self {
    case .user(let user, _): user.id
    case .role(let role): role.id
    }
  }
}
