import Gateway

/// What the user gave for one option, with the objects that came along.
public struct OptionInput: Sendable {
  public let name: String
  public let type: ApplicationCommandOptionType
  public let value: CommandOptionData.Value?
  public let resolved: ResolvedData

  public init(_ data: CommandOptionData, resolved: ResolvedData) {
    name = data.name
    type = data.type
    value = data.value
    self.resolved = resolved
  }

  var string: String? {
    guard case .string(let text) = value else { return nil }
    return text
  }

  /// A whole number, also when it is written as `2.0`.
  var integer: Int64? {
    switch value {
    case .integer(let number): number
    case .double(let number): Int64(exactly: number)
    default: nil
    }
  }

  var number: Double? {
    switch value {
    case .integer(let number): Double(number)
    case .double(let number): number
    default: nil
    }
  }

  var boolean: Bool? {
    guard case .boolean(let flag) = value else { return nil }
    return flag
  }

  var id: Snowflake? { string.flatMap { Snowflake($0) } }
}

extension ApplicationCommandOptionType {
  /// How an error message names a value of this type.
  var noun: String {
    switch self {
    case .subcommand: "a subcommand"
    case .subcommandGroup: "a subcommand group"
    case .string: "text"
    case .integer: "a whole number"
    case .boolean: "true or false"
    case .user: "a user"
    case .channel: "a channel"
    case .role: "a role"
    case .mentionable: "a user or a role"
    case .number: "a number"
    case .attachment: "a file"
    default: "of a type unknown here"
    }
  }
}

extension ApplicationCommandOption.Number: CustomStringConvertible {
  public var description: String {
    switch self {
    case .integer(let value): String(value)
    case .double(let value): String(value)
    }
  }

  var double: Double {
    switch self {
    case .integer(let value): Double(value)
    case .double(let value): value
    }
  }
}

extension ApplicationCommandChoice.Value: CustomStringConvertible {
  public var description: String {
    switch self {
    case .string(let value): value
    case .integer(let value): String(value)
    case .double(let value): String(value)
    }
  }

  func matches(_ input: OptionInput) -> Bool {
    switch self {
    case .string(let value): input.string == value
    case .integer(let value): input.integer == value
    case .double(let value): input.number == value
    }
  }
}
