import Platform

/// What kind of component a JSON object is. See `developers/components/reference`.
public struct ComponentType: OpenEnumeration {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  public static func isDocumented(_ value: Int) -> Bool {
    (1...14).contains(value) || (17...19).contains(value) || (21...23).contains(value)
  }

  public static let actionRow = ComponentType(rawValue: 1)
  public static let button = ComponentType(rawValue: 2)
  public static let stringSelect = ComponentType(rawValue: 3)
  public static let textInput = ComponentType(rawValue: 4)
  public static let userSelect = ComponentType(rawValue: 5)
  public static let roleSelect = ComponentType(rawValue: 6)
  public static let mentionableSelect = ComponentType(rawValue: 7)
  public static let channelSelect = ComponentType(rawValue: 8)
  public static let section = ComponentType(rawValue: 9)
  public static let textDisplay = ComponentType(rawValue: 10)
  public static let thumbnail = ComponentType(rawValue: 11)
  public static let mediaGallery = ComponentType(rawValue: 12)
  public static let file = ComponentType(rawValue: 13)
  public static let separator = ComponentType(rawValue: 14)
  public static let container = ComponentType(rawValue: 17)
  public static let label = ComponentType(rawValue: 18)
  public static let fileUpload = ComponentType(rawValue: 19)
  public static let radioGroup = ComponentType(rawValue: 21)
  public static let checkboxGroup = ComponentType(rawValue: 22)
  public static let checkbox = ComponentType(rawValue: 23)
}

/// A component at the top of a message, or inside a container.
public enum Component: Sendable, Hashable, Encodable {
  /// Up to five buttons or one select.
  case actionRow([ActionRowItem])

  // The rest need ``MessageFlags/componentsV2``.
  case textDisplay(String)
  /// One to three texts beside a button.
  case section(texts: [String], button: Button)
  /// One to three texts beside a picture.
  case sectionWithThumbnail(texts: [String], url: String, description: String?)
  case mediaGallery([MediaItem])
  /// A file sent along: `attachment://name`.
  case file(url: String, isSpoiler: Bool)
  case separator(isLarge: Bool, hasLine: Bool)
  case container([Component], accentColor: Int?)

  public struct MediaItem: Sendable, Hashable {
    public var url: String
    public var description: String?
    public var isSpoiler: Bool
    public init(url: String, description: String? = nil, isSpoiler: Bool = false) {
      self.url = url
      self.description = description
      self.isSpoiler = isSpoiler
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: ComponentKey.self)
    switch self {
    case .actionRow(let items):
      try object.encode(ComponentType.actionRow, forKey: .type)
      try object.encode(items, forKey: .components)
    case .textDisplay(let text):
      try object.encode(ComponentType.textDisplay, forKey: .type)
      try object.encode(text, forKey: .content)
    case .section(let texts, let button):
      try object.encode(ComponentType.section, forKey: .type)
      try object.encode(texts.map(Component.textDisplay), forKey: .components)
      try object.encode(ActionRowItem.button(button), forKey: .accessory)
    case .sectionWithThumbnail(let texts, let url, let description):
      try object.encode(ComponentType.section, forKey: .type)
      try object.encode(texts.map(Component.textDisplay), forKey: .components)
      var thumbnail = object.nestedContainer(keyedBy: ComponentKey.self, forKey: .accessory)
      try thumbnail.encode(ComponentType.thumbnail, forKey: .type)
      try thumbnail.encodeIfPresent(description, forKey: .description)
      try thumbnail.encode(["url": url], forKey: .media)
    case .mediaGallery(let items):
      try object.encode(ComponentType.mediaGallery, forKey: .type)
      var list = object.nestedUnkeyedContainer(forKey: .items)
      for item in items {
        var entry = list.nestedContainer(keyedBy: ComponentKey.self)
        try entry.encode(["url": item.url], forKey: .media)
        try entry.encodeIfPresent(item.description, forKey: .description)
        if item.isSpoiler { try entry.encode(true, forKey: .spoiler) }
      }
    case .file(let url, let isSpoiler):
      try object.encode(ComponentType.file, forKey: .type)
      try object.encode(["url": url], forKey: .file)
      if isSpoiler { try object.encode(true, forKey: .spoiler) }
    case .separator(let isLarge, let hasLine):
      try object.encode(ComponentType.separator, forKey: .type)
      try object.encode(isLarge ? 2 : 1, forKey: .spacing)
      try object.encode(hasLine, forKey: .divider)
    case .container(let children, let accentColor):
      try object.encode(ComponentType.container, forKey: .type)
      try object.encodeIfPresent(accentColor, forKey: .accentColor)
      try object.encode(children, forKey: .components)
    }
  }
}

enum ComponentKey: String, CodingKey {
  case type, components, component, content, accessory, description, media, items, spoiler, file, spacing, divider,
    label, style, emoji, url, disabled, placeholder, options, required, value
  case customID = "custom_id"
  case skuID = "sku_id"
  case accentColor = "accent_color"
  case minimumValues = "min_values"
  case maximumValues = "max_values"
  case minimumLength = "min_length"
  case maximumLength = "max_length"
  case channelTypes = "channel_types"
  case defaultValues = "default_values"
  case fileTypes = "file_types"
  case isDefault = "default"
}

/// What an action row holds.
public enum ActionRowItem: Sendable, Hashable, Encodable {
  case button(Button)
  case select(SelectMenu)

  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .button(let button): try button.encode(to: encoder)
    case .select(let menu): try menu.encode(to: encoder)
    }
  }
}

public struct Button: Sendable, Hashable, Encodable {
  public enum Style: Int, Sendable, Hashable, Encodable {
    case primary = 1
    case secondary, success, danger
  }

  public enum Action: Sendable, Hashable {
    /// Comes back as an interaction with this id (1-100 characters).
    case custom(id: String, style: Style)
    /// Opens the address; no interaction.
    case link(String)
    /// Sells what the application offers under that id; neither label, emoji nor interaction.
    case premium(sku: Snowflake)
  }

  public var label: String?
  public var emoji: ComponentEmoji?
  public var action: Action
  public var isDisabled: Bool

  public init(_ label: String?, emoji: ComponentEmoji? = nil, action: Action, isDisabled: Bool = false) {
    self.label = label
    self.emoji = emoji
    self.action = action
    self.isDisabled = isDisabled
  }

  public init(
    _ label: String?, id: String, style: Style = .secondary, emoji: ComponentEmoji? = nil, isDisabled: Bool = false
  ) {
    self.init(label, emoji: emoji, action: .custom(id: id, style: style), isDisabled: isDisabled)
  }

  public func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: ComponentKey.self)
    try object.encode(ComponentType.button, forKey: .type)
    switch action {
    case .custom(let id, let style):
      try object.encode(style, forKey: .style)
      try object.encode(id, forKey: .customID)
    case .link(let url):
      try object.encode(5, forKey: .style)
      try object.encode(url, forKey: .url)
    case .premium(let sku):
      try object.encode(6, forKey: .style)
      try object.encode(sku, forKey: .skuID)
      if isDisabled { try object.encode(true, forKey: .disabled) }
      return
    }
    try object.encodeIfPresent(label, forKey: .label)
    try object.encodeIfPresent(emoji, forKey: .emoji)
    if isDisabled { try object.encode(true, forKey: .disabled) }
  }
}

/// A Unicode emoji by itself, or a custom one by id and name.
public struct ComponentEmoji: Sendable, Hashable, Encodable {
  public var id: Snowflake?
  public var name: String

  public init(_ name: String, id: Snowflake? = nil) {
    self.name = name
    self.id = id
  }
}

public struct SelectMenu: Sendable, Hashable, Encodable {
  public enum Source: Sendable, Hashable {
    case strings([SelectOption])
    case users
    case roles
    case mentionables
    /// Empty for all types.
    case channels([ChannelType])
  }

  public var customID: String
  public var source: Source
  public var placeholder: String?
  public var minimumValues: Int?
  public var maximumValues: Int?
  public var isDisabled: Bool
  /// Only in a modal; Discord takes true when it is nil.
  public var isRequired: Bool?
  /// Who or what is chosen at first, as many as can be chosen; not for strings, whose options say so themselves.
  public var defaults: [SelectDefault]

  public init(
    customID: String, source: Source, placeholder: String? = nil, minimumValues: Int? = nil,
    maximumValues: Int? = nil, isDisabled: Bool = false, isRequired: Bool? = nil, defaults: [SelectDefault] = []
  ) {
    self.customID = customID
    self.source = source
    self.placeholder = placeholder
    self.minimumValues = minimumValues
    self.maximumValues = maximumValues
    self.isDisabled = isDisabled
    self.isRequired = isRequired
    self.defaults = defaults
  }

  public func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: ComponentKey.self)
    switch source {
    case .strings(let options):
      try object.encode(ComponentType.stringSelect, forKey: .type)
      try object.encode(options, forKey: .options)
    case .users: try object.encode(ComponentType.userSelect, forKey: .type)
    case .roles: try object.encode(ComponentType.roleSelect, forKey: .type)
    case .mentionables: try object.encode(ComponentType.mentionableSelect, forKey: .type)
    case .channels(let types):
      try object.encode(ComponentType.channelSelect, forKey: .type)
      try object.encodeUnlessEmpty(types, forKey: .channelTypes)
    }
    try object.encode(customID, forKey: .customID)
    try object.encodeIfPresent(placeholder, forKey: .placeholder)
    try object.encodeIfPresent(minimumValues, forKey: .minimumValues)
    try object.encodeIfPresent(maximumValues, forKey: .maximumValues)
    if isDisabled { try object.encode(true, forKey: .disabled) }
    try object.encodeIfPresent(isRequired, forKey: .required)
    try object.encodeUnlessEmpty(defaults, forKey: .defaultValues)
  }
}

/// Someone or something that is chosen at first in a select.
public struct SelectDefault: Sendable, Hashable, Encodable {
  public enum Kind: String, Sendable, Hashable, Encodable { case user, role, channel }

  public var id: Snowflake
  public var kind: Kind

  public static func user(_ id: Snowflake) -> SelectDefault { SelectDefault(id: id, kind: .user) }
  public static func role(_ id: Snowflake) -> SelectDefault { SelectDefault(id: id, kind: .role) }
  public static func channel(_ id: Snowflake) -> SelectDefault { SelectDefault(id: id, kind: .channel) }

  enum CodingKeys: String, CodingKey {
    case id
    case kind = "type"
  }
}

public struct SelectOption: Sendable, Hashable, Encodable {
  public var label: String
  public var value: String
  public var description: String?
  public var emoji: ComponentEmoji?
  public var isDefault: Bool

  public init(
    _ label: String, value: String, description: String? = nil, emoji: ComponentEmoji? = nil, isDefault: Bool = false
  ) {
    self.label = label
    self.value = value
    self.description = description
    self.emoji = emoji
    self.isDefault = isDefault
  }

  enum CodingKeys: String, CodingKey {
    case label, value, description, emoji
    case isDefault = "default"
  }
}

/// A form that opens in answer to an interaction. See `developers/components/using-modal-components`.
public struct Modal: Sendable, Hashable, Encodable {
  public enum Item: Sendable, Hashable, Encodable {
    /// An input under its name. The label has 1-45 characters, the description up to 100.
    case label(String, description: String? = nil, input: Input)
    case textDisplay(String)

    public func encode(to encoder: any Encoder) throws {
      var object = encoder.container(keyedBy: ComponentKey.self)
      switch self {
      case .label(let label, let description, let input):
        try object.encode(ComponentType.label, forKey: .type)
        try object.encode(label, forKey: .label)
        try object.encodeIfPresent(description, forKey: .description)
        try object.encode(input, forKey: .component)
      case .textDisplay(let text):
        try object.encode(ComponentType.textDisplay, forKey: .type)
        try object.encode(text, forKey: .content)
      }
    }
  }

  public enum Input: Sendable, Hashable, Encodable {
    case text(TextInput)
    case select(SelectMenu)
    /// `fileTypes` holds `image`, `video`, `audio` or endings such as `.pdf`; empty for all.
    case fileUpload(customID: String, minimum: Int?, maximum: Int?, isRequired: Bool?, fileTypes: [String] = [])
    /// One of 2 to 10 options.
    case radioGroup(customID: String, options: [SelectOption], isRequired: Bool?)
    /// Some of 1 to 10 options.
    case checkboxGroup(customID: String, options: [SelectOption], minimum: Int?, maximum: Int?, isRequired: Bool?)
    case checkbox(customID: String, isDefault: Bool)

    public func encode(to encoder: any Encoder) throws {
      switch self {
      case .text(let input): try input.encode(to: encoder)
      case .select(let menu): try menu.encode(to: encoder)
      case .fileUpload(let customID, let minimum, let maximum, let isRequired, let fileTypes):
        var object = encoder.container(keyedBy: ComponentKey.self)
        try object.encode(ComponentType.fileUpload, forKey: .type)
        try object.encode(customID, forKey: .customID)
        try object.encodeIfPresent(minimum, forKey: .minimumValues)
        try object.encodeIfPresent(maximum, forKey: .maximumValues)
        try object.encodeIfPresent(isRequired, forKey: .required)
        try object.encodeUnlessEmpty(fileTypes, forKey: .fileTypes)
      case .radioGroup(let customID, let options, let isRequired):
        var object = encoder.container(keyedBy: ComponentKey.self)
        try object.encode(ComponentType.radioGroup, forKey: .type)
        try object.encode(customID, forKey: .customID)
        try object.encode(options, forKey: .options)
        try object.encodeIfPresent(isRequired, forKey: .required)
      case .checkboxGroup(let customID, let options, let minimum, let maximum, let isRequired):
        var object = encoder.container(keyedBy: ComponentKey.self)
        try object.encode(ComponentType.checkboxGroup, forKey: .type)
        try object.encode(customID, forKey: .customID)
        try object.encode(options, forKey: .options)
        try object.encodeIfPresent(minimum, forKey: .minimumValues)
        try object.encodeIfPresent(maximum, forKey: .maximumValues)
        try object.encodeIfPresent(isRequired, forKey: .required)
      case .checkbox(let customID, let isDefault):
        var object = encoder.container(keyedBy: ComponentKey.self)
        try object.encode(ComponentType.checkbox, forKey: .type)
        try object.encode(customID, forKey: .customID)
        if isDefault { try object.encode(true, forKey: .isDefault) }
      }
    }
  }

  public var customID: String
  public var title: String
  public var items: [Item]

  public init(customID: String, title: String, items: [Item]) {
    self.customID = customID
    self.title = title
    self.items = items
  }

  enum CodingKeys: String, CodingKey {
    case title
    case customID = "custom_id"
    case items = "components"
  }
}

public struct TextInput: Sendable, Hashable, Encodable {
  public var customID: String
  public var isParagraph: Bool
  public var value: String?
  public var placeholder: String?
  public var isRequired: Bool
  public var minimumLength: Int?
  public var maximumLength: Int?

  public init(
    customID: String, isParagraph: Bool = false, value: String? = nil, placeholder: String? = nil,
    isRequired: Bool = true, minimumLength: Int? = nil, maximumLength: Int? = nil
  ) {
    self.customID = customID
    self.isParagraph = isParagraph
    self.value = value
    self.placeholder = placeholder
    self.isRequired = isRequired
    self.minimumLength = minimumLength
    self.maximumLength = maximumLength
  }

  public func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: ComponentKey.self)
    try object.encode(ComponentType.textInput, forKey: .type)
    try object.encode(customID, forKey: .customID)
    try object.encode(isParagraph ? 2 : 1, forKey: .style)
    try object.encodeIfPresent(value, forKey: .value)
    try object.encodeIfPresent(placeholder, forKey: .placeholder)
    try object.encode(isRequired, forKey: .required)
    try object.encodeIfPresent(minimumLength, forKey: .minimumLength)
    try object.encodeIfPresent(maximumLength, forKey: .maximumLength)
  }
}
