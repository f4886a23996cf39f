import Gateway

/// A type that can stand behind `@Option`.
public protocol OptionValue: Sendable {
  static var optionType: ApplicationCommandOptionType { get }
  /// The only values allowed; empty: all.
  static var choices: [ApplicationCommandChoice] { get }
  /// What the option is when the user leaves it out; nil: the user has to give it.
  static var absent: Self? { get }
  /// Nil if the input is of another type.
  init?(_ input: OptionInput)
}

extension OptionValue {
  public static var choices: [ApplicationCommandChoice] { [] }
  public static var absent: Self? { nil }
}

extension Optional: OptionValue where Wrapped: OptionValue {
  public static var optionType: ApplicationCommandOptionType { Wrapped.optionType }
  public static var choices: [ApplicationCommandChoice] { Wrapped.choices }
  public static var absent: Wrapped?? { .some(.none) }
  public init?(_ input: OptionInput) {
    guard let value = Wrapped(input) else { return nil }
    self = .some(value)
  }
}

// MARK: - Text

/// A text whose length can be limited.
public protocol TextOptionValue: OptionValue {}

extension String: TextOptionValue {
  public static var optionType: ApplicationCommandOptionType { .string }
  public init?(_ input: OptionInput) {
    guard let text = input.string else { return nil }
    self = text
  }
}

extension Optional: TextOptionValue where Wrapped: TextOptionValue {}

// MARK: - Numbers

/// A number type in which the bounds of an option are written.
public protocol OptionNumber: Comparable, Sendable {
  var bound: ApplicationCommandOption.Number { get }
}

/// A number, or nothing, whose range can be limited.
public protocol NumberOptionValue: OptionValue {
  associatedtype Number: OptionNumber
}

extension Int64: NumberOptionValue, OptionNumber {
  public typealias Number = Int64
  public static var optionType: ApplicationCommandOptionType { .integer }
  public var bound: ApplicationCommandOption.Number { .integer(self) }
  public init?(_ input: OptionInput) {
    guard let value = input.integer else { return nil }
    self = value
  }
}

extension Int: NumberOptionValue, OptionNumber {
  public typealias Number = Int
  public static var optionType: ApplicationCommandOptionType { .integer }
  public var bound: ApplicationCommandOption.Number { .integer(Int64(self)) }
  public init?(_ input: OptionInput) {
    guard let value = input.integer else { return nil }
    self = Int(value)
  }
}

extension Double: NumberOptionValue, OptionNumber {
  public typealias Number = Double
  public static var optionType: ApplicationCommandOptionType { .number }
  public var bound: ApplicationCommandOption.Number { .double(self) }
  public init?(_ input: OptionInput) {
    guard let value = input.number else { return nil }
    self = value
  }
}

extension Optional: NumberOptionValue where Wrapped: NumberOptionValue {
  public typealias Number = Wrapped.Number
}

extension Bool: OptionValue {
  public static var optionType: ApplicationCommandOptionType { .boolean }
  public init?(_ input: OptionInput) {
    guard let value = input.boolean else { return nil }
    self = value
  }
}

// MARK: - Choices

/// An enum whose cases are the choices of a text option.
///
/// ```swift
/// enum Period: String, ChoiceOptionValue { case day, week, allTime = "all" }
/// ```
public protocol ChoiceOptionValue: OptionValue, CaseIterable, RawRepresentable where RawValue == String {
  /// What the user reads, 1 to 100 characters.
  var title: String { get }
}

extension ChoiceOptionValue {
  public static var optionType: ApplicationCommandOptionType { .string }
  public static var choices: [ApplicationCommandChoice] {
    allCases.map { ApplicationCommandChoice($0.title, value: .string($0.rawValue)) }
  }
  public init?(_ input: OptionInput) {
    guard let text = input.string else { return nil }
    self.init(rawValue: text)
  }

  /// The raw value with a capital first letter.
  public var title: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
}
