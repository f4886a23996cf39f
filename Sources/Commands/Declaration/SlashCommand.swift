import Gateway
import Platform

/// How a command answers, which decides how the router defers when the answer takes long.
public enum AnswerStyle: Sendable, Equatable {
  /// A message that everyone in the channel sees.
  case visible
  /// A message that only the invoker sees.
  case ephemeral
  /// A dialog. It cannot follow a deferred answer, so such a command must answer at once.
  case modal
  /// Of components: the message that holds the component changes. Until then nothing is seen.
  case update
}

/// What a ``SlashCommand``, a ``CommandGroup`` and a ``ContextMenuCommand`` have in common.
public protocol DeclaredCommand: Sendable {
  /// 1 to 32 characters, lower case but in context menus.
  static var name: String { get }
  /// 1 to 100 characters: what the user reads in Discord's menu.
  static var summary: String { get }
  /// What a member needs; nil: nothing. At the top level Discord hides the command from everyone else too. In a
  /// subcommand it adds to what the group needs, and only we check it.
  static var memberPermissions: Permissions? { get }
  /// Counts at the top level only.
  static var contexts: CommandContexts { get }
  /// Whether servers or users install it; counts for global commands alone.
  static var integrationTypes: [IntegrationType] { get }
  /// Offered in age-restricted channels only.
  static var isAgeRestricted: Bool { get }
  /// Only for those who run the bot; Discord shows it to administrators.
  static var isOwnerOnly: Bool { get }
  static var localizations: [CommandLocale: Localization] { get }
}

extension DeclaredCommand {
  public static var memberPermissions: Permissions? { nil }
  public static var contexts: CommandContexts { .guilds }
  public static var integrationTypes: [IntegrationType] { [.guildInstall] }
  public static var isAgeRestricted: Bool { false }
  public static var isOwnerOnly: Bool { false }
  public static var localizations: [CommandLocale: Localization] { [:] }
}

/// A slash command, or a subcommand of a ``CommandGroup``, declared as a type.
///
/// Its ``Option`` properties and static members yield both what Discord is told and how an interaction is decoded. A
/// fresh instance is made for every interaction, its options are filled, and ``run(in:)`` is called.
///
/// ```swift
/// struct Pay: SlashCommand {
///   static let name = "pay", summary = "Send coins to another member"
///   static let category = RateLimitCategory.economy
///   @Option("Who receives the coins") var member: User
///   @Option("How many", range: 1...1_000_000_000) var amount: Int64
///   func run(in context: CommandContext<Economy>) async throws -> Reply { … }
/// }
/// ```
public protocol SlashCommand<Services>: DeclaredCommand {
  /// What the command's plugin gives it to work with.
  associatedtype Services: Sendable
  static var category: RateLimitCategory { get }
  static var answer: AnswerStyle { get }
  /// What the bot itself needs in the channel.
  static var botPermissions: Permissions { get }
  /// Completes an option with what is known only at run time, such as choices. Called once, at start.
  static func adapt(_ option: inout ApplicationCommandOption, services: Services)

  init()

  /// - Throws: a ``UserFacingError`` to tell the user something; anything else is shown as an error id.
  func run(in context: CommandContext<Services>) async throws -> Reply
}

extension SlashCommand {
  public static var category: RateLimitCategory { .default }
  public static var answer: AnswerStyle { .visible }
  public static var botPermissions: Permissions { [] }
  public static func adapt(_ option: inout ApplicationCommandOption, services: Services) {}

  public static func command(services: Services) throws -> Command {
    let declared = Self().declaredOptions
    var declarations = declared.map { $0.option.declaration(property: $0.property) }
    for index in declarations.indices { adapt(&declarations[index], services: services) }
    try localizations.apply(to: &declarations, of: name)
    let options = declarations
    var handler = CommandHandler(
      category: category, answer: answer, botPermissions: botPermissions, options: options
    ) { invocation in
      let command = Self()
      try command.fill(from: invocation.options, declarations: options)
      return try await command.run(in: CommandContext(services: services, invocation: invocation))
    }
    for (declaration, option) in zip(options, declared) {
      guard let provider = option.option.autocomplete else { continue }
      guard let completion = provider.completion(services) else {
        throw DeclarationError(
          command: name, option: declaration.name, problem: "its suggestions need other services than the command's")
      }
      handler.completions[declaration.name] = completion
    }
    return try Command(Self.self, body: .handler(handler))
  }

  private var declaredOptions: [(property: String, option: any DeclaredOption)] {
    Mirror(reflecting: self).children.compactMap { child in
      guard let property = child.label, let option = child.value as? any DeclaredOption else { return nil }
      return (property, option)
    }
  }

  /// - Throws: ``OptionError``
  private func fill(from inputs: [OptionInput], declarations: [ApplicationCommandOption]) throws {
    for (declared, declaration) in zip(declaredOptions, declarations) {
      try declared.option.fill(from: inputs.first { $0.name == declaration.name }, declaration: declaration)
    }
    for input in inputs where !declarations.contains(where: { $0.name == input.name }) {
      throw OptionError(option: input.name, problem: .unknown)
    }
  }
}

/// A command with subcommands, which may themselves be groups, one level deep: `/plugins enable`.
///
/// ```swift
/// enum Plugins: CommandGroup {
///   static let name = "plugins", summary = "Switch features on and off"
///   static var subcommands: [any SlashCommand<Administration>.Type] { [ListPlugins.self, EnablePlugin.self] }
/// }
/// ```
public protocol CommandGroup<Services>: DeclaredCommand {
  associatedtype Services: Sendable
  static var subcommands: [any SlashCommand<Services>.Type] { get }
  /// Shown behind the subcommands.
  static var groups: [any CommandGroup<Services>.Type] { get }
}

extension CommandGroup {
  public static var groups: [any CommandGroup<Services>.Type] { [] }

  public static func command(services: Services) throws -> Command {
    try Command(
      Self.self,
      body: .members(
        try subcommands.map { try $0.command(services: services) } + groups.map { try $0.command(services: services) }))
  }
}
