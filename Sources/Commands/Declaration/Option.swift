import Gateway
import Synchronization

/// An option of a slash command, declared as a property.
///
/// ```swift
/// @Option("Who receives the coins") var member: User
/// @Option("How many", range: 1...1_000_000) var amount: Int64
/// @Option("What for", length: 1...200) var note: String?
/// @Option("Which page", range: 1...100) var page: Int = 1
/// ```
///
/// The option's name comes from the property in snake case (`deleteDays`: `delete_days`) unless `name:` gives it.
/// An optional property, or one with a default value, is an option that the user may leave out. The value is there
/// from the start of `run`; reading it on an instance that no interaction has filled is a programming error.
@propertyWrapper
public struct Option<Value: OptionValue>: Sendable {
  let summary: String
  let givenName: String?
  let absent: Value?
  let limits: OptionLimits
  let autocomplete: AnyAutocompleteProvider?
  private let storage = OptionStorage<Value>()

  private init(
    _ summary: String, name: String?, absent: Value?, limits: OptionLimits,
    autocomplete: AnyAutocompleteProvider? = nil
  ) {
    self.autocomplete = autocomplete
    self.summary = summary
    self.givenName = name
    self.absent = absent
    self.limits = limits
  }

  public var wrappedValue: Value {
    guard let value = storage.value.withLock({ $0 }) else {
      preconditionFailure("the option “\(givenName ?? summary)” was read before an interaction filled it")
    }
    return value
  }

  public init(_ summary: String, name: String? = nil) {
    self.init(summary, name: name, absent: Value.absent, limits: OptionLimits())
  }

  public init(wrappedValue: Value, _ summary: String, name: String? = nil) {
    self.init(summary, name: name, absent: wrappedValue, limits: OptionLimits())
  }
}

extension Option where Value: AutocompletedOptionValue {
  /// - Parameter autocomplete: Offers values while the user types.
  public init<Provider: AutocompleteProvider>(
    _ summary: String, name: String? = nil, autocomplete: Provider.Type
  ) where Provider.Value == Value.Suggested {
    self.init(
      summary, name: name, absent: Value.absent, limits: OptionLimits(),
      autocomplete: AnyAutocompleteProvider(autocomplete))
  }
}

extension Option where Value: NumberOptionValue {
  /// - Parameter range: The smallest and the greatest value, both allowed.
  public init(_ summary: String, name: String? = nil, range: ClosedRange<Value.Number>) {
    self.init(summary, name: name, absent: Value.absent, limits: OptionLimits(range))
  }

  public init(wrappedValue: Value, _ summary: String, name: String? = nil, range: ClosedRange<Value.Number>) {
    self.init(summary, name: name, absent: wrappedValue, limits: OptionLimits(range))
  }

  public init(_ summary: String, name: String? = nil, range: PartialRangeFrom<Value.Number>) {
    self.init(summary, name: name, absent: Value.absent, limits: OptionLimits(range))
  }

  public init(wrappedValue: Value, _ summary: String, name: String? = nil, range: PartialRangeFrom<Value.Number>) {
    self.init(summary, name: name, absent: wrappedValue, limits: OptionLimits(range))
  }
}

extension Option where Value: TextOptionValue {
  /// - Parameter length: How many characters the text may have.
  public init(_ summary: String, name: String? = nil, length: ClosedRange<Int>) {
    self.init(summary, name: name, absent: Value.absent, limits: OptionLimits(length: length))
  }

  public init(wrappedValue: Value, _ summary: String, name: String? = nil, length: ClosedRange<Int>) {
    self.init(summary, name: name, absent: wrappedValue, limits: OptionLimits(length: length))
  }
}

extension Option where Value: ChannelOptionValue {
  /// - Parameter channelTypes: The only types that Discord offers to the user.
  public init(_ summary: String, name: String? = nil, channelTypes: [ChannelType]) {
    self.init(summary, name: name, absent: Value.absent, limits: OptionLimits(channelTypes: channelTypes))
  }
}

/// What an option allows beyond its type.
struct OptionLimits: Sendable {
  var minimum: ApplicationCommandOption.Number?
  var maximum: ApplicationCommandOption.Number?
  var length: ClosedRange<Int>?
  var channelTypes: [ChannelType] = []

  init() {}

  init<Number: OptionNumber>(_ range: ClosedRange<Number>) {
    minimum = range.lowerBound.bound
    maximum = range.upperBound.bound
  }

  init<Number: OptionNumber>(_ range: PartialRangeFrom<Number>) {
    minimum = range.lowerBound.bound
  }

  init(length: ClosedRange<Int>) {
    self.length = length
  }

  init(channelTypes: [ChannelType]) {
    self.channelTypes = channelTypes
  }
}

private final class OptionStorage<Value: Sendable>: Sendable {
  let value = Mutex<Value?>(nil)
}

/// An option without its value's type, as the reflection of a command finds it.
protocol DeclaredOption {
  var autocomplete: AnyAutocompleteProvider? { get }
  func declaration(property: String) -> ApplicationCommandOption
  /// Fills the option from what the user sent, nil if the user left it out.
  /// - Throws: ``OptionError``
  func fill(from input: OptionInput?, declaration: ApplicationCommandOption) throws
}

extension Option: DeclaredOption {
  func declaration(property: String) -> ApplicationCommandOption {
    ApplicationCommandOption(
      type: Value.optionType, name: givenName ?? OptionName.snakeCase(property), description: summary,
      isRequired: absent == nil, choices: Value.choices, channelTypes: limits.channelTypes,
      minimumValue: limits.minimum, maximumValue: limits.maximum, minimumLength: limits.length?.lowerBound,
      maximumLength: limits.length?.upperBound, isAutocompleted: autocomplete != nil)
  }

  func fill(from input: OptionInput?, declaration: ApplicationCommandOption) throws {
    guard let input else {
      guard let absent else { throw OptionError(option: declaration.name, problem: .missing) }
      storage.value.withLock { $0 = absent }
      return
    }
    try declaration.check(input)
    guard let value = Value(input) else {
      throw OptionError(option: declaration.name, problem: declaration.problem(of: input))
    }
    storage.value.withLock { $0 = value }
  }
}
