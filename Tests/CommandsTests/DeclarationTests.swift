import Gateway
import Platform
import Testing

@testable import Commands

struct DeclarationTests {
  private enum Period: String, ChoiceOptionValue {
    case day, week
    case allTime = "all"
    var title: String { self == .allTime ? "All time" : rawValue.capitalizedFirst }
  }

  private struct Everything: SlashCommand {
    static let name = "everything", summary = "Every type of option"
    static let memberPermissions: Permissions? = [.manageGuild, .banMembers]

    @Option("Some text", length: 2...50) var text: String
    @Option("A whole number", range: 1...1_000_000_000) var amount: Int64
    @Option("At least", range: 0...) var count: Int
    @Option("A fraction", range: 0.5...2) var factor: Double
    @Option("A switch") var isPublic: Bool
    @Option("A user") var user: User
    @Option("A member") var member: Member
    @Option("A channel", channelTypes: [.guildText, .guildVoice]) var channel: Channel
    @Option("A role") var role: Role
    @Option("Whoever") var mentionable: Mentionable
    @Option("A file") var attachment: DiscordFile
    @Option("How long", name: "span") var period: Period
    @Option("Not needed") var targetURL: String?
    @Option("Which page", range: 1...100) var page: Int = 1

    func run(in context: CommandContext<Bench>) async throws -> Reply { "" }
  }

  @Test func aDeclarationYieldsExactlyWhatDiscordIsSent() throws {
    let sent = try JSON(encoding: Everything.command(services: Bench()).definition(in: .global))
    let expected = try JSON(
      parsing: """
        {"type": 1, "name": "everything", "description": "Every type of option",
         "default_member_permissions": 36, "contexts": [0], "integration_types": [0], "options": [
          {"type": 3, "name": "text", "description": "Some text", "required": true, "min_length": 2, "max_length": 50},
          {"type": 4, "name": "amount", "description": "A whole number", "required": true, "min_value": 1,
           "max_value": 1000000000},
          {"type": 4, "name": "count", "description": "At least", "required": true, "min_value": 0},
          {"type": 10, "name": "factor", "description": "A fraction", "required": true, "min_value": 0.5,
           "max_value": 2},
          {"type": 5, "name": "is_public", "description": "A switch", "required": true},
          {"type": 6, "name": "user", "description": "A user", "required": true},
          {"type": 6, "name": "member", "description": "A member", "required": true},
          {"type": 7, "name": "channel", "description": "A channel", "required": true, "channel_types": [0, 2]},
          {"type": 8, "name": "role", "description": "A role", "required": true},
          {"type": 9, "name": "mentionable", "description": "Whoever", "required": true},
          {"type": 11, "name": "attachment", "description": "A file", "required": true},
          {"type": 3, "name": "span", "description": "How long", "required": true, "choices": [
            {"name": "Day", "value": "day"}, {"name": "Week", "value": "week"}, {"name": "All time", "value": "all"}]},
          {"type": 3, "name": "target_url", "description": "Not needed"},
          {"type": 4, "name": "page", "description": "Which page", "min_value": 1, "max_value": 100}]}
        """)
    #expect(sent == expected)
  }

  @Test func aCommandOfAGuildSaysNothingOfContexts() throws {
    let sent = try JSON(encoding: Everything.command(services: Bench()).definition(in: .guild(1)))
    #expect(sent["contexts"] == nil)
    #expect(sent["integration_types"] == nil)
  }

  private enum Outer: CommandGroup {
    static let name = "outer", summary = "A group"
    static let memberPermissions: Permissions? = .manageGuild
    static let contexts = CommandContexts.guildsAndDirectMessages
    static var subcommands: [any SlashCommand<Bench>.Type] { [Leaf.self] }
    static var groups: [any CommandGroup<Bench>.Type] { [Inner.self] }
  }
  private enum Inner: CommandGroup {
    static let name = "inner", summary = "A group in it"
    static let memberPermissions: Permissions? = .banMembers
    static var subcommands: [any SlashCommand<Bench>.Type] { [Leaf.self] }
  }
  private struct Leaf: SlashCommand {
    static let name = "leaf", summary = "A subcommand"
    @Option("A page") var page: Int?
    static func adapt(_ option: inout ApplicationCommandOption, services: Bench) {
      option.choices = [ApplicationCommandChoice("One", value: .integer(1))]
    }
    func run(in context: CommandContext<Bench>) async throws -> Reply { "" }
  }

  @Test func groupsBecomeSubcommandsAndOptionsAreAdapted() throws {
    let command = try Outer.command(services: Bench())
    let leaf = """
      {"type": 1, "name": "leaf", "description": "A subcommand", "options": [
        {"type": 4, "name": "page", "description": "A page", "choices": [{"name": "One", "value": 1}]}]}
      """
    let expected = try JSON(
      parsing: """
        {"type": 1, "name": "outer", "description": "A group", "default_member_permissions": 32, "contexts": [0, 1],
         "integration_types": [0],
         "options": [\(leaf), {"type": 2, "name": "inner", "description": "A group in it", "options": [\(leaf)]}]}
        """)
    #expect(try JSON(encoding: command.definition(in: .global)) == expected)
    #expect(command.leaves.map(\.name) == ["outer leaf", "outer inner leaf"])
    #expect(command.leaves.map(\.memberPermissions) == [.manageGuild, [.manageGuild, .banMembers]])
    #expect(command.definition(in: .global).validate() == [])
  }

  @Test(arguments: [
    ("_amount", "amount"), ("_deleteDays", "delete_days"), ("_targetURL", "target_url"), ("_URLTarget", "url_target"),
    ("_snake_case", "snake_case"), ("_page2Size", "page2_size"), ("_x", "x"),
  ])
  func namesOfPropertiesBecomeSnakeCase(property: String, option: String) {
    #expect(OptionName.snakeCase(property) == option)
  }
}

struct CommandValidationTests {
  private static func command(
    _ name: String = "c", _ summary: String = "s", _ options: [ApplicationCommandOption] = []
  ) -> ApplicationCommandDefinition {
    ApplicationCommandDefinition(name: name, description: summary, options: options)
  }
  private static func option(
    _ name: String = "o", type: ApplicationCommandOptionType = .string, isRequired: Bool = false,
    choices: [ApplicationCommandChoice] = [], options: [ApplicationCommandOption] = []
  ) -> ApplicationCommandOption {
    ApplicationCommandOption(
      type: type, name: name, description: "d", isRequired: isRequired, choices: choices, options: options)
  }
  private static func nested(_ types: ApplicationCommandOptionType...) -> [ApplicationCommandOption] {
    types.reversed().reduce([]) { [option("n", type: $1, options: $0)] }
  }
  private static func bounded(
    _ type: ApplicationCommandOptionType, _ least: ApplicationCommandOption.Number?,
    _ most: ApplicationCommandOption.Number?, length: (Int?, Int?) = (nil, nil)
  ) -> ApplicationCommandOption {
    var option = option(type: type)
    (option.minimumValue, option.maximumValue) = (least, most)
    (option.minimumLength, option.maximumLength) = length
    return option
  }

  static let good: [ApplicationCommandDefinition] = [
    command(), command(String(repeating: "n", count: 32), String(repeating: "s", count: 100)),
    command("größe-1_'"), command("日本語"), command("हिंदी"), command("ภาษาไทย"),
    command("c", "s", (0..<25).map { option("o\($0)") }),
    command("c", "s", [option(choices: (0..<25).map { ApplicationCommandChoice("n\($0)", value: .string("\($0)")) })]),
    command("c", "s", [option("a", isRequired: true), option("b")]),
    command("c", "s", nested(.subcommandGroup, .subcommand, .string)),
    command("c", "s", [bounded(.integer, .integer(-9_007_199_254_740_991), .integer(9_007_199_254_740_991))]),
    command("c", "s", [bounded(.string, nil, nil, length: (0, 6_000))]),
  ]

  @Test(arguments: good) func whatDiscordTakesIsTaken(command: ApplicationCommandDefinition) {
    #expect(command.validate().map(\.description) == [])
  }

  static let bad: [(ApplicationCommandDefinition, String)] = [
    (command(""), "/: the name must have 1 to 32 characters, it has 0"),
    (command(String(repeating: "n", count: 33)), "it has 33"),
    (command("Big"), "/Big: the name must be in lower case"),
    (command("ÄRGER"), "lower case"),
    (command("two words"), "not “ ”"),
    (command("dot."), "not “.”"),
    (command("c", ""), "/c: the description must have 1 to 100 characters, it has 0"),
    (command("c", String(repeating: "s", count: 101)), "it has 101"),
    (command("c", "s", (0..<26).map { option("o\($0)") }), "/c: 26 options, more than 25"),
    (command("c", "s", [option(), option()]), "option “o” of /c: there are two of this name"),
    (command("c", "s", [option("O")]), "option “O” of /c: the name must be in lower case"),
    (
      command("c", "s", [option("a"), option("b", isRequired: true)]),
      "option “b” of /c: a required option cannot follow the optional “a”"
    ),
    (command("c", "s", [option("a"), option("b", type: .subcommand)]), "cannot stand side by side"),
    (command("c", "s", nested(.subcommandGroup, .subcommandGroup)), "option “n” of /c n: subcommands nest"),
    (command("c", "s", nested(.subcommand, .subcommand)), "option “n” of /c n: subcommands nest"),
    (command("c", "s", nested(.subcommandGroup)), "/c n: the group has no subcommand"),
    (
      command(
        "c", "s", [option(choices: (0..<26).map { ApplicationCommandChoice("n\($0)", value: .string("\($0)")) })]),
      "option “o” of /c: 26 choices, more than 25"
    ),
    (command("c", "s", [option(choices: [.init("", value: .string("v"))])]), "a choice's name must have 1 to 100"),
    (
      command("c", "s", [option(choices: [.init("n", value: .string(String(repeating: "v", count: 101)))])]),
      "at most 100 characters"
    ),
    (command("c", "s", [option(choices: [.init("n", value: .integer(1))])]), "the choice “n” is not text"),
    (
      command("c", "s", [option(choices: [.init("n", value: .string("1")), .init("n", value: .string("2"))])]),
      "two choices are named “n”"
    ),
    (
      command("c", "s", [option(choices: [.init("n", value: .string("1")), .init("m", value: .string("1"))])]),
      "two choices have the value 1"
    ),
    (command("c", "s", [bounded(.integer, .integer(9_007_199_254_740_992), nil)]), "beyond what Discord can send"),
    (command("c", "s", [bounded(.integer, .integer(2), .integer(1))]), "the minimum is greater"),
    (command("c", "s", [bounded(.string, nil, nil, length: (nil, 6_001))]), "not 6001"),
    (command("c", "s", [bounded(.string, nil, nil, length: (nil, 0))]), "no option"),
    (
      command(
        "c", "s",
        (0..<4).map { index in
          option(
            "o\(index)",
            choices: (0..<25).map {
              ApplicationCommandChoice(
                "\($0)" + String(repeating: "n", count: 78), value: .string("\($0)" + String(repeating: "v", count: 8)))
            })
        }), "characters together, more than 8000"
    ),
  ]

  @Test(arguments: bad) func whatDiscordRefusesIsNamed(command: ApplicationCommandDefinition, problem: String) {
    let errors = command.validate().map(\.description)
    #expect(errors.contains { $0.contains(problem) }, "\(errors)")
  }
}
