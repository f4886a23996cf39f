import Gateway

/// What is wrong with a command's declaration, found before Discord is asked.
public struct DeclarationError: Error, Equatable, CustomStringConvertible {
  /// The command with its subcommands: `plugins enable`.
  public var command: String
  public var option: String?
  public var problem: String

  public var description: String {
    let place = option.map { "option “\($0)” of /\(command)" } ?? "/\(command)"
    return "\(place): \(problem)"
  }
}

/// Discord's limits on a command.
///
/// Source: Discord, Application Commands, "Application Command Structure" and "Application Command Option Structure".
enum CommandLimits {
  static let options = 25
  static let choices = 25
  static let summary = 1...100
  static let choiceName = 1...100
  static let choiceText = 0...100
  static let textLength = 0...6_000
  /// Names, descriptions and choice values of a command with everything in it.
  static let characters = 8_000
  static let integer: ClosedRange<Double> = -9_007_199_254_740_991...9_007_199_254_740_991
  static let number: ClosedRange<Double> = -9_007_199_254_740_992...9_007_199_254_740_992
  /// Slash commands in one scope.
  static let commands = 100
  /// User commands in one scope, and as many message commands.
  static let contextMenus = 15
  static let locales = Set(CommandLocale.allCases.map(\.rawValue))
}

extension ApplicationCommandDefinition {
  /// Checks everything that Discord would refuse, each with the place where it is wrong.
  public func validate() -> [DeclarationError] {
    var check = DeclarationCheck(path: name)
    guard type == .chatInput else {
      check.menuName(name)
      for (locale, text) in nameLocalizations.sorted(by: { $0.key < $1.key }) {
        check.locale(locale, option: nil)
        check.menuName(text)
      }
      if !description.isEmpty { check.report("a command in a context menu has no description") }
      if !options.isEmpty { check.report("a command in a context menu has no options") }
      return check.errors
    }
    check.name(name, option: nil, localized: nameLocalizations)
    check.summary(description, option: nil, localized: descriptionLocalizations)
    check.options(options, level: .command)
    let size = characterCount
    if size > CommandLimits.characters {
      check.report(
        "names, descriptions and choices have \(size) characters together, more than \(CommandLimits.characters)")
    }
    return check.errors
  }

  /// What counts towards Discord's limit of 8000 characters: of each text the longest language.
  var characterCount: Int {
    longest(name, nameLocalizations) + longest(description, descriptionLocalizations)
      + options.reduce(0) { $0 + $1.characterCount }
  }
}

private func longest(_ text: String, _ localized: [String: String]) -> Int {
  localized.values.reduce(text.count) { max($0, $1.count) }
}

extension ApplicationCommandOption {
  fileprivate var characterCount: Int {
    let choices = self.choices.reduce(0) {
      $0 + longest($1.name, $1.nameLocalizations) + $1.value.description.count
    }
    return longest(name, nameLocalizations) + longest(description, descriptionLocalizations) + choices
      + options.reduce(0) { $0 + $1.characterCount }
  }

  fileprivate var isValue: Bool { type != .subcommand && type != .subcommandGroup }
}

private struct DeclarationCheck {
  /// Where the options stand: decides whether subcommands and groups may stand there too.
  enum Level { case command, group, subcommand }

  var path: String
  var errors: [DeclarationError] = []

  mutating func report(_ problem: String, option: String? = nil) {
    errors.append(DeclarationError(command: path, option: option, problem: problem))
  }

  mutating func menuName(_ name: String) {
    if !(1...32).contains(name.count) { report("the name must have 1 to 32 characters, it has \(name.count)") }
  }

  mutating func locale(_ locale: String, option: String?) {
    if !CommandLimits.locales.contains(locale) { report("Discord has no language “\(locale)”", option: option) }
  }

  mutating func name(_ name: String, option: String?, localized: [String: String]) {
    if let problem = Self.problem(ofName: name) { report(problem, option: option) }
    for (locale, text) in localized.sorted(by: { $0.key < $1.key }) {
      self.locale(locale, option: option)
      if let problem = Self.problem(ofName: text) { report("\(locale): \(problem)", option: option) }
    }
  }

  mutating func summary(_ summary: String, option: String?, localized: [String: String]) {
    if !CommandLimits.summary.contains(summary.count) {
      report("the description must have 1 to 100 characters, it has \(summary.count)", option: option)
    }
    for (locale, text) in localized.sorted(by: { $0.key < $1.key }) {
      self.locale(locale, option: option)
      if !CommandLimits.summary.contains(text.count) {
        report("\(locale): the description must have 1 to 100 characters, it has \(text.count)", option: option)
      }
    }
  }

  /// Within a language, names differ from each other and from all declared ones.
  private mutating func localizedNames(_ options: [ApplicationCommandOption]) {
    let declared = Set(options.map(\.name))
    var seen: Set<[String]> = []
    for option in options {
      for (locale, text) in option.nameLocalizations.sorted(by: { $0.key < $1.key }) {
        let isTaken = text != option.name && declared.contains(text)
        if isTaken || !seen.insert([locale, text]).inserted {
          report("\(locale): “\(text)” is the name of another option", option: option.name)
        }
      }
    }
  }

  mutating func options(_ options: [ApplicationCommandOption], level: Level) {
    if options.count > CommandLimits.options {
      report("\(options.count) options, more than \(CommandLimits.options)")
    }
    if options.contains(where: \.isValue), !options.allSatisfy(\.isValue) {
      report("subcommands and other options cannot stand side by side")
    }
    localizedNames(options)
    var seen: Set<String> = []
    var optionalBefore: String?
    for option in options {
      if !seen.insert(option.name).inserted { report("there are two of this name", option: option.name) }
      name(option.name, option: option.name, localized: option.nameLocalizations)
      summary(option.description, option: option.name, localized: option.descriptionLocalizations)
      if option.isValue {
        value(option)
        if option.isRequired, let optionalBefore {
          report("a required option cannot follow the optional “\(optionalBefore)”", option: option.name)
        }
        if !option.isRequired { optionalBefore = option.name }
      } else {
        nested(option, level: level)
      }
    }
  }

  private mutating func nested(_ option: ApplicationCommandOption, level: Level) {
    let isAllowed =
      switch (level, option.type) {
      case (.command, _), (.group, .subcommand): true
      default: false
      }
    guard isAllowed else {
      report("subcommands nest at most as /command group subcommand", option: option.name)
      return
    }
    let outer = path
    path += " \(option.name)"
    if option.type == .subcommandGroup, option.options.isEmpty { report("the group has no subcommand") }
    options(option.options, level: option.type == .subcommandGroup ? .group : .subcommand)
    path = outer
  }

  private mutating func value(_ option: ApplicationCommandOption) {
    let place = option.name
    choices(option)
    if option.isAutocompleted, !option.choices.isEmpty {
      report("it has choices: nothing is to be suggested", option: place)
    }
    if option.minimumValue != nil || option.maximumValue != nil {
      let allowed = option.type == .integer ? CommandLimits.integer : CommandLimits.number
      for bound in [option.minimumValue, option.maximumValue].compactMap({ $0?.double }) where !allowed.contains(bound)
      {
        report("the bound \(bound) is beyond what Discord can send", option: place)
      }
      if let least = option.minimumValue?.double, let most = option.maximumValue?.double, least > most {
        report("the minimum is greater than the maximum", option: place)
      }
    }
    for length in [option.minimumLength, option.maximumLength].compactMap({ $0 })
    where !CommandLimits.textLength.contains(length) {
      report("a text's length can be limited to 0 to 6000, not \(length)", option: place)
    }
    if option.maximumLength == 0 { report("a text of at most 0 characters is no option", option: place) }
  }

  private mutating func choices(_ option: ApplicationCommandOption) {
    let place = option.name
    if option.choices.count > CommandLimits.choices {
      report("\(option.choices.count) choices, more than \(CommandLimits.choices)", option: place)
    }
    var names: Set<String> = []
    var values: Set<ApplicationCommandChoice.Value> = []
    for choice in option.choices {
      if !CommandLimits.choiceName.contains(choice.name.count) {
        report("a choice's name must have 1 to 100 characters: “\(choice.name)”", option: place)
      }
      if case .string(let text) = choice.value, !CommandLimits.choiceText.contains(text.count) {
        report("a choice's value can have at most 100 characters: “\(text)”", option: place)
      }
      let isOfType =
        switch (option.type, choice.value) {
        case (.string, .string), (.integer, .integer), (.number, .integer), (.number, .double): true
        default: false
        }
      if !isOfType { report("the choice “\(choice.name)” is not \(option.type.noun)", option: place) }
      for (locale, text) in choice.nameLocalizations.sorted(by: { $0.key < $1.key }) {
        self.locale(locale, option: place)
        if !CommandLimits.choiceName.contains(text.count) {
          report("\(locale): a choice's name must have 1 to 100 characters: “\(text)”", option: place)
        }
      }
      if !names.insert(choice.name).inserted { report("two choices are named “\(choice.name)”", option: place) }
      if !values.insert(choice.value).inserted { report("two choices have the value \(choice.value)", option: place) }
    }
  }

  /// `^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$`, and lowercase wherever there is a lowercase form.
  private static func problem(ofName name: String) -> String? {
    guard (1...32).contains(name.count) else { return "the name must have 1 to 32 characters, it has \(name.count)" }
    for scalar in name.unicodeScalars {
      let properties = scalar.properties
      let isAllowed =
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
          .letterNumber, .otherNumber:
          true
        default:
          "-_'".unicodeScalars.contains(scalar) || (0x0900...0x097F).contains(scalar.value)
            || (0x0E01...0x0E5B).contains(scalar.value) && scalar.value != 0x0E3F
        }
      if !isAllowed { return "the name may hold letters, digits, “-”, “_” and “'” only, not “\(scalar)”" }
      if properties.lowercaseMapping != String(scalar) { return "the name must be in lower case" }
    }
    return nil
  }
}
