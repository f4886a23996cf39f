import Gateway

/// What a select lets people choose.
public protocol SelectionValue: Sendable {
  /// Nil if what was chosen is no such value, or did not come along.
  init?(selected text: String, resolved: ResolvedData)
}

/// One of a select's own options.
public protocol TextSelectionValue: SelectionValue {}

/// Someone or something of the server.
public protocol EntitySelectionValue: SelectionValue {
  static func source(channelTypes: [ChannelType]) -> SelectMenu.Source
}

extension String: TextSelectionValue {
  public init?(selected text: String, resolved: ResolvedData) { self = text }
}

extension Int64: TextSelectionValue {
  public init?(selected text: String, resolved: ResolvedData) { self.init(text) }
}

/// An enum's cases as the options: `enum Rank: String, ChoiceSelectionValue { case recruit, officer }`.
public protocol ChoiceSelectionValue: TextSelectionValue, ChoiceOptionValue {}

extension ChoiceSelectionValue {
  public init?(selected text: String, resolved: ResolvedData) { self.init(rawValue: text) }
  public static var options: [SelectOption] { allCases.map { SelectOption($0.title, value: $0.rawValue) } }
}

extension EntitySelectionValue where Self: OptionValue {
  public init?(selected text: String, resolved: ResolvedData) {
    let data = CommandOptionData(name: "", type: Self.optionType, value: .string(text))
    self.init(OptionInput(data, resolved: resolved))
  }
}

extension User: EntitySelectionValue {
  public static func source(channelTypes: [ChannelType]) -> SelectMenu.Source { .users }
}
extension Member: EntitySelectionValue {
  public static func source(channelTypes: [ChannelType]) -> SelectMenu.Source { .users }
}
extension Role: EntitySelectionValue {
  public static func source(channelTypes: [ChannelType]) -> SelectMenu.Source { .roles }
}
extension Mentionable: EntitySelectionValue {
  public static func source(channelTypes: [ChannelType]) -> SelectMenu.Source { .mentionables }
}
extension Channel: EntitySelectionValue {
  public static func source(channelTypes: [ChannelType]) -> SelectMenu.Source { .channels(channelTypes) }
}
