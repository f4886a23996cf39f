import Gateway
import Platform

/// Offers values while the user types an option.
///
/// ```swift
/// @Option("Which ship", autocomplete: ShipNames.self) var ship: String
///
/// struct ShipNames: AutocompleteProvider {
///   func suggest(for typed: String, in context: AutocompleteContext<Hangar>) async throws -> [Suggestion<String>] {
///     try await context.services.ships(startingWith: typed).map { Suggestion($0.name) }
///   }
/// }
/// ```
///
/// The user may also send what was not offered: `run` has to check. What is not answered in two and a half seconds, or
/// fails, offers nothing and is counted.
public protocol AutocompleteProvider<Services, Value>: Sendable {
  /// Those of the command.
  associatedtype Services: Sendable
  associatedtype Value: SuggestedValue
  init()
  /// - Parameter typed: As far as it is typed, empty at first; of a number option not yet a number, perhaps.
  /// - Returns: The best first. More than 25 are cut off, names after 100 characters.
  func suggest(for typed: String, in context: AutocompleteContext<Services>) async throws -> [Suggestion<Value>]
}

/// A value of a text or number option.
public protocol SuggestedValue: Sendable {
  var choice: ApplicationCommandChoice.Value { get }
}

extension String: SuggestedValue {
  public var choice: ApplicationCommandChoice.Value { .string(self) }
}
extension Int: SuggestedValue {
  public var choice: ApplicationCommandChoice.Value { .integer(Int64(self)) }
}
extension Int64: SuggestedValue {
  public var choice: ApplicationCommandChoice.Value { .integer(self) }
}
extension Double: SuggestedValue {
  public var choice: ApplicationCommandChoice.Value { .double(self) }
}

public struct Suggestion<Value: SuggestedValue>: Sendable {
  /// What the user reads.
  public var name: String
  /// What the command gets; a text of at most 100 characters.
  public var value: Value

  public init(_ name: String, value: Value) {
    self.name = name
    self.value = value
  }
}

extension Suggestion where Value == String {
  public init(_ text: String) { self.init(text, value: text) }
}

/// An option value that can be suggested, or nothing.
public protocol AutocompletedOptionValue: OptionValue {
  associatedtype Suggested: SuggestedValue
}

extension String: AutocompletedOptionValue { public typealias Suggested = String }
extension Int: AutocompletedOptionValue { public typealias Suggested = Int }
extension Int64: AutocompletedOptionValue { public typealias Suggested = Int64 }
extension Double: AutocompletedOptionValue { public typealias Suggested = Double }
extension Optional: AutocompletedOptionValue where Wrapped: AutocompletedOptionValue {
  public typealias Suggested = Wrapped.Suggested
}

/// What is known while the user types.
public struct AutocompleteContext<Services: Sendable>: Sendable {
  public let services: Services
  let request: CompletionRequest

  public var interaction: Interaction { request.interaction }
  public var user: User { request.user }
  public var guildID: Snowflake? { interaction.guildID }
  public var locale: String { interaction.locale ?? "en-US" }

  /// All commands of the bot.
  public var catalog: CommandCatalog { request.catalog }

  /// What stands in another option so far; nil if nothing does. It need not be valid.
  public func value(of option: String) -> CommandOptionData.Value? {
    request.options.first { $0.name == option }?.value
  }
}

/// An option that is being typed.
struct CompletionRequest: Sendable {
  let interaction: Interaction
  let user: User
  let options: [CommandOptionData]
  let typed: String
  let catalog: CommandCatalog
}

/// A provider without its type, until the services of its command are known.
struct AnyAutocompleteProvider: Sendable {
  typealias Completion = @Sendable (CompletionRequest) async throws -> [ApplicationCommandChoice]

  /// Nil if the provider works with other services.
  let completion: @Sendable (any Sendable) -> Completion?

  init<Provider: AutocompleteProvider>(_ type: Provider.Type) {
    completion = { services in
      guard let services = services as? Provider.Services else { return nil }
      return { request in
        try await Provider()
          .suggest(for: request.typed, in: AutocompleteContext(services: services, request: request))
          .compactMap { ApplicationCommandChoice(suggestion: $0) }
      }
    }
  }
}

extension ApplicationCommandChoice {
  /// What Discord takes of a suggestion; nil if nothing.
  fileprivate init?(suggestion: Suggestion<some SuggestedValue>) {
    let value = suggestion.value.choice
    if case .string(let text) = value, text.utf16.count > 100 { return nil }
    if case .double(let number) = value, !number.isFinite { return nil }
    var name = suggestion.name.isEmpty ? value.description : suggestion.name
    if name.isEmpty { return nil }
    while name.utf16.count > 100 { name = String(name.dropLast(max(1, (name.utf16.count - 99) / 2))) }
    self.init(name, value: value)
  }
}
