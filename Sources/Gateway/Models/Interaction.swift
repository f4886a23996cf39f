import Platform

/// Something a user did that this application must answer within three seconds.
///
/// See `developers/interactions/receiving-and-responding`. The token is valid for 15 minutes.
public struct Interaction: Sendable, Identifiable, JSONDecodable {
  public let id: Snowflake
  public let applicationID: Snowflake
  public let type: InteractionType
  public let data: InteractionData
  /// Authorizes the answers; not a secret beyond its 15 minutes, but not for logs either.
  public let token: Secret<String>
  public let guildID: Snowflake?
  public let channelID: Snowflake?
  public let channel: Channel?
  /// The invoking member with all permissions in the channel; nil outside guilds.
  public let member: Member?
  /// The invoking user; nil only for a ping.
  public let user: User?
  /// The message whose component was used, also when a modal came in between.
  public let message: Message?
  /// What the application itself may do where this happened.
  public let appPermissions: Permissions?
  public let locale: String?
  public let guildLocale: String?
  public let context: InteractionContext?

  public init(
    id: Snowflake, applicationID: Snowflake, type: InteractionType, data: InteractionData, token: Secret<String>,
    guildID: Snowflake? = nil, channelID: Snowflake? = nil, channel: Channel? = nil, member: Member? = nil,
    user: User?, message: Message? = nil, appPermissions: Permissions? = nil, locale: String? = nil,
    guildLocale: String? = nil, context: InteractionContext? = nil
  ) {
    self.id = id
    self.applicationID = applicationID
    self.type = type
    self.data = data
    self.token = token
    self.guildID = guildID
    self.channelID = channelID
    self.channel = channel
    self.member = member
    self.user = user
    self.message = message
    self.appPermissions = appPermissions
    self.locale = locale
    self.guildLocale = guildLocale
    self.context = context
  }

  public init(json: JSONView) throws {
    let type: InteractionType = try json.decode("type")
    self.type = type
    token = Secret(try json.decode("token"))
    message = try json.decodeIfPresent("message")
    let member: Member? = try json.decodeIfPresent("member")
    self.member = member
    locale = try json.decodeIfPresent("locale")
    id = try json.decode("id")
    guildLocale = try json.decodeIfPresent("guild_locale")
    guildID = try json.decodeIfPresent("guild_id")
    data =
      switch type {
      case .ping: .none
      case .applicationCommand: .command(try json.decode("data"))
      case .autocomplete: .autocomplete(try json.decode("data"))
      case .component: .component(try json.decode("data"))
      case .modalSubmit: .modal(try json.decode("data"))
      default: .unknown(json["data"]?.json ?? .null)
      }
    context = try json.decodeIfPresent("context")
    let channelID: Snowflake? = try json.decodeIfPresent("channel_id")
    let channel: Channel? = try json.decodeIfPresent("channel")
    self.channel = channel
    self.channelID = channelID ?? channel?.id
    applicationID = try json.decode("application_id")
    appPermissions = try json.decodeIfPresent("app_permissions")
    user = try member?.user ?? json.decodeIfPresent("user")
  }
}

public struct InteractionType: OpenEnumeration {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  public static func isDocumented(_ value: Int) -> Bool { (1...5).contains(value) }

  public static let ping = InteractionType(rawValue: 1)
  public static let applicationCommand = InteractionType(rawValue: 2)
  public static let component = InteractionType(rawValue: 3)
  public static let autocomplete = InteractionType(rawValue: 4)
  public static let modalSubmit = InteractionType(rawValue: 5)
}

/// Where a command may be used, or where an interaction came from.
public struct InteractionContext: OpenEnumeration {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  public static func isDocumented(_ value: Int) -> Bool { (0...2).contains(value) }

  public static let guild = InteractionContext(rawValue: 0)
  public static let botDirectMessage = InteractionContext(rawValue: 1)
  public static let privateChannel = InteractionContext(rawValue: 2)
}

public enum InteractionData: Sendable {
  /// A ping has no data.
  case none
  case command(CommandData)
  /// The command as far as it is typed; one option is focused.
  case autocomplete(CommandData)
  case component(ComponentData)
  case modal(ModalData)
  case unknown(JSON)
}

/// The command that was used, with the values given to its options.
public struct CommandData: Sendable, JSONDecodable {
  public let id: Snowflake
  public let name: String
  public let type: ApplicationCommandType
  public let options: [CommandOptionData]
  public let resolved: ResolvedData
  /// The guild that the command is registered in; nil for a global one.
  public let guildID: Snowflake?
  /// The user or the message that a context-menu command was used on.
  public let targetID: Snowflake?

  public init(
    id: Snowflake, name: String, type: ApplicationCommandType = .chatInput, options: [CommandOptionData] = [],
    resolved: ResolvedData = ResolvedData(), guildID: Snowflake? = nil, targetID: Snowflake? = nil
  ) {
    self.id = id
    self.name = name
    self.type = type
    self.options = options
    self.resolved = resolved
    self.guildID = guildID
    self.targetID = targetID
  }

  public init(json: JSONView) throws {
    id = try json.decode("id")
    name = try json.decode("name")
    type = try json.decodeIfPresent("type") ?? .chatInput
    options = try json.decodeList("options")
    resolved = try json.decodeIfPresent("resolved") ?? ResolvedData()
    guildID = try json.decodeIfPresent("guild_id")
    targetID = try json.decodeIfPresent("target_id")
  }
}

/// One option with its value, or a subcommand (group) with the options below it.
public struct CommandOptionData: Sendable, JSONDecodable {
  public enum Value: Sendable, Hashable {
    case string(String)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
  }

  public let name: String
  public let type: ApplicationCommandOptionType
  /// Ids (user, channel, role, mentionable, attachment) come as strings. While the user types, a number can be a string
  /// that is not a number yet.
  public let value: Value?
  public let options: [CommandOptionData]
  /// Whether the user is typing into this option.
  public let isFocused: Bool

  public init(
    name: String, type: ApplicationCommandOptionType, value: Value? = nil, options: [CommandOptionData] = [],
    isFocused: Bool = false
  ) {
    self.name = name
    self.type = type
    self.value = value
    self.options = options
    self.isFocused = isFocused
  }

  public init(json: JSONView) throws {
    name = try json.decode("name")
    type = try json.decode("type")
    options = try json.decodeList("options")
    isFocused = json.flag("focused")
    value = try json["value"].map { value in
      switch value.kind {
      case .string: .string(try String(json: value))
      case .boolean: .boolean(try Bool(json: value))
      case .integer: .integer(Int64(try Int(json: value)))
      case .double, .unsigned: .double(try Double(json: value))
      default: throw DecodingFailure(path: ["value"], reason: "neither string, number nor boolean")
      }
    }
  }

  /// The value as an id.
  public var snowflake: Snowflake? {
    guard case .string(let text) = value else { return nil }
    return Snowflake(text)
  }
}

/// The objects behind the ids in an interaction's data.
public struct ResolvedData: Sendable, JSONDecodable {
  public var users: [Snowflake: User]
  /// Without their ``Member/user``: the account is in ``users`` under the same id.
  public var members: [Snowflake: Member]
  public var roles: [Snowflake: Role]
  public var channels: [Snowflake: Channel]
  public var attachments: [Snowflake: Attachment]
  public var messages: [Snowflake: Message]

  public init(
    users: [Snowflake: User] = [:], members: [Snowflake: Member] = [:], roles: [Snowflake: Role] = [:],
    channels: [Snowflake: Channel] = [:], attachments: [Snowflake: Attachment] = [:],
    messages: [Snowflake: Message] = [:]
  ) {
    self.users = users
    self.members = members
    self.roles = roles
    self.channels = channels
    self.attachments = attachments
    self.messages = messages
  }

  public init(json: JSONView) throws {
    users = try json.decodeTable("users")
    roles = try json.decodeTable("roles")
    messages = try json.decodeTable("messages")
    members = try json.decodeTable("members")
    channels = try json.decodeTable("channels")
    attachments = try json.decodeTable("attachments")
  }
}

/// The button pressed or the entries selected.
public struct ComponentData: Sendable, JSONDecodable {
  public let customID: String
  public let componentType: ComponentType
  /// What was selected: the options' values, or ids; empty for a button.
  public let values: [String]
  public let resolved: ResolvedData

  public init(
    customID: String, componentType: ComponentType, values: [String] = [], resolved: ResolvedData = ResolvedData()
  ) {
    self.customID = customID
    self.componentType = componentType
    self.values = values
    self.resolved = resolved
  }

  public init(json: JSONView) throws {
    customID = try json.decode("custom_id")
    componentType = try json.decode("component_type")
    values = try json.decodeList("values")
    resolved = try json.decodeIfPresent("resolved") ?? ResolvedData()
  }
}

/// A form that was sent off.
public struct ModalData: Sendable, JSONDecodable {
  /// One input of the form, whatever rows or labels stood around it.
  public struct Field: Sendable, Hashable {
    public let customID: String
    public let type: ComponentType
    /// Of a text input, or the choice in a radio group.
    public let value: String?
    /// Of selects, checkbox groups and file uploads.
    public let values: [String]
    /// Of a checkbox.
    public let isChecked: Bool?

    public init(
      customID: String, type: ComponentType, value: String? = nil, values: [String] = [], isChecked: Bool? = nil
    ) {
      self.customID = customID
      self.type = type
      self.value = value
      self.values = values
      self.isChecked = isChecked
    }
  }

  public let customID: String
  public let fields: [Field]
  public let resolved: ResolvedData

  public init(customID: String, fields: [Field], resolved: ResolvedData = ResolvedData()) {
    self.customID = customID
    self.fields = fields
    self.resolved = resolved
  }

  public init(json: JSONView) throws {
    customID = try json.decode("custom_id")
    resolved = try json.decodeIfPresent("resolved") ?? ResolvedData()
    var fields: [Field] = []
    if let components = json["components"] {
      for component in components.elements { try Self.collect(component, into: &fields) }
    }
    self.fields = fields
  }

  /// The depth is bounded by the parser's.
  private static func collect(_ component: JSONView, into fields: inout [Field]) throws {
    if let child = component["component"] {
      try collect(child, into: &fields)
    } else if let children = component["components"] {
      for child in children.elements { try collect(child, into: &fields) }
    } else if let customID: String = try component.decodeIfPresent("custom_id") {
      fields.append(
        Field(
          customID: customID, type: try component.decode("type"), value: component["value"]?.string,
          values: try component.decodeList("values"), isChecked: component["value"]?.bool))
    }
  }

  public subscript(customID: String) -> Field? { fields.first { $0.customID == customID } }
}
