import Gateway

/// The languages of Discord's clients. Source: Discord, Reference, "Locales".
public enum CommandLocale: String, Sendable, CaseIterable {
  case indonesian = "id"
  case danish = "da"
  case german = "de"
  case britishEnglish = "en-GB"
  case americanEnglish = "en-US"
  case spanish = "es-ES"
  case latinAmericanSpanish = "es-419"
  case french = "fr"
  case croatian = "hr"
  case italian = "it"
  case lithuanian = "lt"
  case hungarian = "hu"
  case dutch = "nl"
  case norwegian = "no"
  case polish = "pl"
  case brazilianPortuguese = "pt-BR"
  case romanian = "ro"
  case finnish = "fi"
  case swedish = "sv-SE"
  case vietnamese = "vi"
  case turkish = "tr"
  case czech = "cs"
  case greek = "el"
  case bulgarian = "bg"
  case russian = "ru"
  case ukrainian = "uk"
  case hindi = "hi"
  case thai = "th"
  case chinese = "zh-CN"
  case japanese = "ja"
  case taiwaneseChinese = "zh-TW"
  case korean = "ko"
}

/// A command's words in one language; what is left out stays as declared.
///
/// ```swift
/// static let localizations: [CommandLocale: Localization] = [
///   .german: Localization(
///     name: "zahlen", summary: "Schickt jemandem Münzen",
///     options: ["amount": .init(name: "betrag", summary: "Wie viele", choices: ["All": "Alle"])])
/// ]
/// ```
public struct Localization: Sendable {
  public struct OptionTexts: Sendable {
    public var name: String?
    public var summary: String?
    /// By the choices' declared names.
    public var choices: [String: String]

    public init(name: String? = nil, summary: String? = nil, choices: [String: String] = [:]) {
      self.name = name
      self.summary = summary
      self.choices = choices
    }
  }

  public var name: String?
  /// Not of context menu commands.
  public var summary: String?
  /// By the options' names as Discord knows them. Not of groups: their subcommands have their own.
  public var options: [String: OptionTexts]

  public init(name: String? = nil, summary: String? = nil, options: [String: OptionTexts] = [:]) {
    self.name = name
    self.summary = summary
    self.options = options
  }
}

extension [CommandLocale: Localization] {
  /// As Discord has it: by locale.
  func texts(_ text: (Localization) -> String?) -> [String: String] {
    var texts: [String: String] = [:]
    for (locale, localization) in self { texts[locale.rawValue] = text(localization) }
    return texts
  }

  /// Writes the languages into the options.
  /// - Throws: ``DeclarationError`` for an option or a choice that does not exist.
  func apply(to options: inout [ApplicationCommandOption], of command: String) throws {
    for (locale, localization) in self {
      for (name, texts) in localization.options {
        guard let index = options.firstIndex(where: { $0.name == name }) else {
          throw DeclarationError(
            command: command, option: name, problem: "has words for \(locale.rawValue), but is no option")
        }
        options[index].nameLocalizations[locale.rawValue] = texts.name
        options[index].descriptionLocalizations[locale.rawValue] = texts.summary
        for (choice, text) in texts.choices {
          guard let place = options[index].choices.firstIndex(where: { $0.name == choice }) else {
            throw DeclarationError(
              command: command, option: name, problem: "has “\(choice)” for \(locale.rawValue), but no such choice")
          }
          options[index].choices[place].nameLocalizations[locale.rawValue] = text
        }
      }
    }
  }
}
