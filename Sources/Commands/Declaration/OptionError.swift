import Gateway

/// What the user sent does not fit the command's declaration.
///
/// Discord checks the same before it sends an interaction, so in practice this means that the command has changed
/// since the user's client loaded it.
public struct OptionError: Error, Equatable, UserFacingError {
  public enum Problem: Sendable, Equatable {
    case missing
    case wrongType(expected: ApplicationCommandOptionType)
    /// The id names nothing that came with the interaction.
    case unresolved
    case tooSmall(minimum: ApplicationCommandOption.Number)
    case tooGreat(maximum: ApplicationCommandOption.Number)
    case tooShort(minimum: Int)
    case tooLong(maximum: Int)
    case notAChoice
    case unknown
  }

  public var option: String
  public var problem: Problem

  public init(option: String, problem: Problem) {
    self.option = option
    self.problem = problem
  }

  public var userMessage: String {
    switch problem {
    case .missing: "The option `\(option)` is missing."
    case .wrongType(let expected): "The option `\(option)` must be \(expected.noun)."
    case .unresolved: "The option `\(option)` names something that is not in this server."
    case .tooSmall(let minimum): "The option `\(option)` must be at least \(minimum)."
    case .tooGreat(let maximum): "The option `\(option)` must be at most \(maximum)."
    case .tooShort(let minimum): "The option `\(option)` must have at least \(minimum) characters."
    case .tooLong(let maximum): "The option `\(option)` must have at most \(maximum) characters."
    case .notAChoice: "The option `\(option)` must be one of the choices offered."
    case .unknown: "There is no option `\(option)` any more. Reload Discord to see the command as it is now."
    }
  }
}

extension ApplicationCommandOption {
  /// Whether a value is of this option's type and keeps its bounds and choices.
  func check(_ input: OptionInput) throws {
    guard input.type == type else { throw error(.wrongType(expected: type)) }
    if !choices.isEmpty, !choices.contains(where: { $0.value.matches(input) }) { throw error(.notAChoice) }
    if let value = input.number {
      if let minimumValue, value < minimumValue.double { throw error(.tooSmall(minimum: minimumValue)) }
      if let maximumValue, value > maximumValue.double { throw error(.tooGreat(maximum: maximumValue)) }
    }
    if let text = input.string, type == .string {
      // Discord does not document how it counts: a text that fits by characters or by UTF-16 code units fits.
      if let minimumLength, text.utf16.count < minimumLength { throw error(.tooShort(minimum: minimumLength)) }
      if let maximumLength, text.count > maximumLength { throw error(.tooLong(maximum: maximumLength)) }
    }
  }

  /// Why a value that passed ``check(_:)`` still cannot be read.
  func problem(of input: OptionInput) -> OptionError.Problem {
    let isReference: Bool =
      switch type {
      case .user, .channel, .role, .mentionable, .attachment: true
      default: false
      }
    return isReference && input.id != nil ? .unresolved : .wrongType(expected: type)
  }

  private func error(_ problem: OptionError.Problem) -> OptionError { OptionError(option: name, problem: problem) }
}
