import Platform

/// A command as Discord stores it: the definition and what Discord added.
public struct ApplicationCommand: Sendable, Hashable, Identifiable, JSONDecodable {
  public let id: Snowflake
  public let applicationID: Snowflake
  /// The guild it is registered in; nil for a global command.
  public let guildID: Snowflake?
  /// Changes whenever the command does.
  public let version: Snowflake
  public let definition: ApplicationCommandDefinition

  public init(json: JSONView) throws {
    id = try json.decode("id")
    applicationID = try json.decode("application_id")
    guildID = try json.decodeIfPresent("guild_id")
    version = try json.decode("version")
    definition = try ApplicationCommandDefinition(json: json)
  }
}

/// What an application says about one of its commands: the body of create, edit and bulk overwrite.
///
/// See `developers/interactions/application-commands`. What Discord fills in by default when it is left out
/// (`type`, `contexts`, `integration_types`) is left out of the JSON when it is nil.
public struct ApplicationCommandDefinition: Sendable, Hashable, JSONDecodable, Encodable {
  public var type: ApplicationCommandType
  public var name: String
  /// By locale (`de`, `en-GB`).
  public var nameLocalizations: [String: String]
  /// 1-100 characters; empty for context-menu commands.
  public var description: String
  public var descriptionLocalizations: [String: String]
  public var options: [ApplicationCommandOption]
  /// Who sees it unless the guild decides otherwise: nil everybody, empty administrators alone.
  public var defaultMemberPermissions: Permissions?
  public var contexts: [InteractionContext]?
  public var integrationTypes: [IntegrationType]?
  public var isNSFW: Bool
  /// Who answers an Entry Point command: the application (1) or Discord, which launches its activity (2).
  public var handler: Int?

  public init(
    type: ApplicationCommandType = .chatInput, name: String, nameLocalizations: [String: String] = [:],
    description: String = "", descriptionLocalizations: [String: String] = [:],
    options: [ApplicationCommandOption] = [], defaultMemberPermissions: Permissions? = nil,
    contexts: [InteractionContext]? = nil, integrationTypes: [IntegrationType]? = nil, isNSFW: Bool = false,
    handler: Int? = nil
  ) {
    self.type = type
    self.name = name
    self.nameLocalizations = nameLocalizations
    self.description = description
    self.descriptionLocalizations = descriptionLocalizations
    self.options = options
    self.defaultMemberPermissions = defaultMemberPermissions
    self.contexts = contexts
    self.integrationTypes = integrationTypes
    self.isNSFW = isNSFW
    self.handler = handler
  }

  public init(json: JSONView) throws {
    type = try json.decodeIfPresent("type") ?? .chatInput
    name = try json.decode("name")
    nameLocalizations = json.decodeLocalizations("name_localizations")
    description = try json.decodeIfPresent("description") ?? ""
    descriptionLocalizations = json.decodeLocalizations("description_localizations")
    options = try json.decodeList("options")
    defaultMemberPermissions = try json.decodeIfPresent("default_member_permissions")
    contexts = try json["contexts"]?.decodeElements()
    integrationTypes = try json["integration_types"]?.decodeElements()
    isNSFW = json.flag("nsfw")
    handler = try json.decodeIfPresent("handler")
  }

  enum CodingKeys: String, CodingKey {
    case type, name, description, options, contexts, handler
    case nameLocalizations = "name_localizations"
    case descriptionLocalizations = "description_localizations"
    case defaultMemberPermissions = "default_member_permissions"
    case integrationTypes = "integration_types"
    case isNSFW = "nsfw"
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(type, forKey: .type)
    try container.encode(name, forKey: .name)
    try container.encodeUnlessEmpty(nameLocalizations, forKey: .nameLocalizations)
    if type == .chatInput || type == .primaryEntryPoint { try container.encode(description, forKey: .description) }
    try container.encodeUnlessEmpty(descriptionLocalizations, forKey: .descriptionLocalizations)
    try container.encodeUnlessEmpty(options, forKey: .options)
    // Discord answers with a string, but its OpenAPI document asks for an integer.
    try container.encodeIfPresent(defaultMemberPermissions?.rawValue, forKey: .defaultMemberPermissions)
    try container.encodeIfPresent(contexts, forKey: .contexts)
    try container.encodeIfPresent(integrationTypes, forKey: .integrationTypes)
    if isNSFW { try container.encode(true, forKey: .isNSFW) }
    try container.encodeIfPresent(handler, forKey: .handler)
  }
}

public struct ApplicationCommandType: OpenEnumeration {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  public static func isDocumented(_ value: Int) -> Bool { (1...4).contains(value) }

  /// A slash command.
  public static let chatInput = ApplicationCommandType(rawValue: 1)
  /// In the context menu of a user.
  public static let user = ApplicationCommandType(rawValue: 2)
  /// In the context menu of a message.
  public static let message = ApplicationCommandType(rawValue: 3)
  public static let primaryEntryPoint = ApplicationCommandType(rawValue: 4)
}

/// How the application must be installed for a command to be offered.
public struct IntegrationType: OpenEnumeration {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  public static func isDocumented(_ value: Int) -> Bool { (0...1).contains(value) }

  public static let guildInstall = IntegrationType(rawValue: 0)
  public static let userInstall = IntegrationType(rawValue: 1)
}

public struct ApplicationCommandOptionType: OpenEnumeration {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  public static func isDocumented(_ value: Int) -> Bool { (1...11).contains(value) }

  public static let subcommand = ApplicationCommandOptionType(rawValue: 1)
  public static let subcommandGroup = ApplicationCommandOptionType(rawValue: 2)
  public static let string = ApplicationCommandOptionType(rawValue: 3)
  /// -2^53 ... 2^53.
  public static let integer = ApplicationCommandOptionType(rawValue: 4)
  public static let boolean = ApplicationCommandOptionType(rawValue: 5)
  public static let user = ApplicationCommandOptionType(rawValue: 6)
  public static let channel = ApplicationCommandOptionType(rawValue: 7)
  public static let role = ApplicationCommandOptionType(rawValue: 8)
  /// A user or a role.
  public static let mentionable = ApplicationCommandOptionType(rawValue: 9)
  public static let number = ApplicationCommandOptionType(rawValue: 10)
  public static let attachment = ApplicationCommandOptionType(rawValue: 11)
}

/// One option of a command, or a subcommand (group) with options of its own.
public struct ApplicationCommandOption: Sendable, Hashable, JSONDecodable, Encodable {
  /// A bound: whole for `integer` options.
  public enum Number: Sendable, Hashable, Encodable {
    case integer(Int64)
    case double(Double)

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .integer(let value): try container.encode(value)
      case .double(let value): try container.encode(value)
      }
    }
  }

  public var type: ApplicationCommandOptionType
  public var name: String
  public var nameLocalizations: [String: String]
  public var description: String
  public var descriptionLocalizations: [String: String]
  public var isRequired: Bool
  /// The only values a user can pick.
  public var choices: [ApplicationCommandChoice]
  public var options: [ApplicationCommandOption]
  public var channelTypes: [ChannelType]
  public var minimumValue: Number?
  public var maximumValue: Number?
  public var minimumLength: Int?
  public var maximumLength: Int?
  public var isAutocompleted: Bool

  public init(
    type: ApplicationCommandOptionType, name: String, nameLocalizations: [String: String] = [:], description: String,
    descriptionLocalizations: [String: String] = [:], isRequired: Bool = false,
    choices: [ApplicationCommandChoice] = [], options: [ApplicationCommandOption] = [],
    channelTypes: [ChannelType] = [], minimumValue: Number? = nil, maximumValue: Number? = nil,
    minimumLength: Int? = nil, maximumLength: Int? = nil, isAutocompleted: Bool = false
  ) {
    self.type = type
    self.name = name
    self.nameLocalizations = nameLocalizations
    self.description = description
    self.descriptionLocalizations = descriptionLocalizations
    self.isRequired = isRequired
    self.choices = choices
    self.options = options
    self.channelTypes = channelTypes
    self.minimumValue = minimumValue
    self.maximumValue = maximumValue
    self.minimumLength = minimumLength
    self.maximumLength = maximumLength
    self.isAutocompleted = isAutocompleted
  }

  public init(json: JSONView) throws {
    let type: ApplicationCommandOptionType = try json.decode("type")
    self.type = type
    name = try json.decode("name")
    nameLocalizations = json.decodeLocalizations("name_localizations")
    description = try json.decodeIfPresent("description") ?? ""
    descriptionLocalizations = json.decodeLocalizations("description_localizations")
    isRequired = json.flag("required")
    choices = try json.decodeList("choices").map { (choice: ApplicationCommandChoice) in choice.asValue(of: type) }
    options = try json.decodeList("options")
    channelTypes = try json.decodeList("channel_types")
    minimumValue = json["min_value"].flatMap { Self.number($0, of: type) }
    maximumValue = json["max_value"].flatMap { Self.number($0, of: type) }
    minimumLength = try json.decodeIfPresent("min_length")
    maximumLength = try json.decodeIfPresent("max_length")
    isAutocompleted = json.flag("autocomplete")
  }

  /// Discord may write a whole bound as `1.0` and a fractional option's bound as `1`: the option's type decides, so that
  /// a definition read back equals the one that was sent.
  private static func number(_ view: JSONView, of type: ApplicationCommandOptionType) -> Number? {
    guard let value = view.double else { return nil }
    guard type == .integer else { return .double(value) }
    return view.int64.map { .integer($0) } ?? Int64(exactly: value.rounded()).map { .integer($0) }
  }

  enum CodingKeys: String, CodingKey {
    case type, name, description, choices, options
    case nameLocalizations = "name_localizations"
    case descriptionLocalizations = "description_localizations"
    case isRequired = "required"
    case channelTypes = "channel_types"
    case minimumValue = "min_value"
    case maximumValue = "max_value"
    case minimumLength = "min_length"
    case maximumLength = "max_length"
    case isAutocompleted = "autocomplete"
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(type, forKey: .type)
    try container.encode(name, forKey: .name)
    try container.encodeUnlessEmpty(nameLocalizations, forKey: .nameLocalizations)
    try container.encode(description, forKey: .description)
    try container.encodeUnlessEmpty(descriptionLocalizations, forKey: .descriptionLocalizations)
    if isRequired { try container.encode(true, forKey: .isRequired) }
    try container.encodeUnlessEmpty(choices, forKey: .choices)
    try container.encodeUnlessEmpty(options, forKey: .options)
    try container.encodeUnlessEmpty(channelTypes, forKey: .channelTypes)
    try container.encodeIfPresent(minimumValue, forKey: .minimumValue)
    try container.encodeIfPresent(maximumValue, forKey: .maximumValue)
    try container.encodeIfPresent(minimumLength, forKey: .minimumLength)
    try container.encodeIfPresent(maximumLength, forKey: .maximumLength)
    if isAutocompleted { try container.encode(true, forKey: .isAutocompleted) }
  }
}

/// A value that a user can pick, in a definition or as an autocomplete suggestion.
public struct ApplicationCommandChoice: Sendable, Hashable, JSONDecodable, Encodable {
  public enum Value: Sendable, Hashable, Encodable {
    case string(String)
    case integer(Int64)
    case double(Double)

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .string(let value): try container.encode(value)
      case .integer(let value): try container.encode(value)
      case .double(let value): try container.encode(value)
      }
    }
  }

  /// 1-100 characters.
  public var name: String
  public var nameLocalizations: [String: String]
  public var value: Value

  public init(_ name: String, value: Value, nameLocalizations: [String: String] = [:]) {
    self.name = name
    self.nameLocalizations = nameLocalizations
    self.value = value
  }

  public init(json: JSONView) throws {
    name = try json.decode("name")
    nameLocalizations = json.decodeLocalizations("name_localizations")
    guard let value = json["value"] else { throw DecodingFailure(path: ["value"], reason: "missing") }
    if let text = value.string {
      self.value = .string(text)
    } else if let number = value.int64 {
      self.value = .integer(number)
    } else if let number = value.double {
      self.value = .double(number)
    } else {
      throw DecodingFailure(path: ["value"], reason: "neither string nor number")
    }
  }

  func asValue(of type: ApplicationCommandOptionType) -> ApplicationCommandChoice {
    var choice = self
    switch value {
    case .integer(let number) where type == .number: choice.value = .double(Double(number))
    case .double(let number) where type == .integer:
      if let whole = Int64(exactly: number) { choice.value = .integer(whole) }
    default: break
    }
    return choice
  }

  enum CodingKeys: String, CodingKey {
    case name, value
    case nameLocalizations = "name_localizations"
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encodeUnlessEmpty(nameLocalizations, forKey: .nameLocalizations)
    try container.encode(value, forKey: .value)
  }
}

extension KeyedEncodingContainer {
  mutating func encodeUnlessEmpty(_ value: some Encodable & Collection, forKey key: Key) throws {
    if !value.isEmpty { try encode(value, forKey: key) }
  }
}
