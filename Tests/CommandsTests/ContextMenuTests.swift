import Gateway
import Platform
import Testing

@testable import Commands

struct ContextMenuTests {
  private struct Who: UserCommand {
    static let name = "Who is this", summary = "Tells who it is"
    func run(on target: UserTarget, in context: CommandContext<Bench>) async throws -> Reply {
      Reply("\(target.user.username) \(target.member?.nick ?? "stranger")")
    }
  }
  private struct Report: MessageCommand {
    static let name = "Report", summary = "Tells the moderators"
    static let memberPermissions: Permissions? = .manageMessages
    static let localizations: [CommandLocale: Localization] = [.german: Localization(name: "Melden")]
    func run(on message: Message, in context: CommandContext<Bench>) async throws -> Reply {
      Reply("\(message.author.username): \(message.content)")
    }
  }
  private struct Slash: SlashCommand {
    static let name = "report", summary = "The same by hand"
    func run(in context: CommandContext<Bench>) async throws -> Reply { "slash" }
  }
  private struct Menus: Plugin {
    let name = "sample", title = "Sample", summary = "For tests."
    func commands(among plugins: [PluginDescription]) throws -> [Command] {
      [
        try Who.command(services: Bench()), try Report.command(services: Bench()), try Slash.command(services: Bench()),
      ]
    }
  }

  private func use(
    _ name: String, type: Int, target: String, resolved: String, permissions: Permissions = .manageMessages
  ) throws -> Interaction {
    try Sent.interaction(
      """
      {"id": "1", "application_id": "2", "type": 2, "token": "t", "version": 1, "guild_id": "\(Sent.guild)",
       "member": {"user": \(Sent.user), "roles": [], "joined_at": "2024-01-01T00:00:00Z",
       "permissions": "\(permissions)"}, "channel_id": "3",
       "data": {"id": "4", "name": "\(name)", "type": \(type), "target_id": "\(target)", "resolved": \(resolved)}}
      """)
  }

  private static let bob = #"{"id": "7", "username": "bob", "discriminator": "0"}"#
  private static let message = """
    {"messages": {"9": {"id": "9", "channel_id": "3", "author": \(bob), "content": "hello",
     "timestamp": "2024-01-01T00:00:00Z", "type": 0}}}
    """

  private static let uses: [(String, Int, String, String, Permissions, String)] = [
    (
      "Who is this", 2, "7",
      #"{"users": {"7": \#(bob)}, "members": {"7": {"nick": "Bobby", "roles": [], "joined_at": "2024-01-01T00:00:00Z"}}}"#,
      [], "message ephemeral bob Bobby"
    ), ("Who is this", 2, "7", #"{"users": {"7": \#(bob)}}"#, [], "message ephemeral bob stranger"),
    (
      "Who is this", 2, "8", #"{"users": {"7": \#(bob)}}"#, [],
      "message ephemeral The option `Who is this` names something that is not in this server."
    ), ("Report", 3, "9", message, .manageMessages, "message ephemeral bob: hello"),
    (
      "Report", 3, "9", message, [],
      "message ephemeral You need the permission **Manage Messages** for **Report**."
    ), ("report", 1, "9", "{}", [], "message slash"),
    ("Report", 2, "7", "{}", [], "message ephemeral There is no command `/Report` any more."),
  ]

  @Test(arguments: uses)
  func aMenuReachesItsTarget(
    name: String, type: Int, target: String, resolved: String, permissions: Permissions, answer: String
  ) async throws {
    let bench = try RouterBench([Menus()])
    await bench.router.handle(
      try use(name, type: type, target: target, resolved: resolved, permissions: permissions), isDraining: false)
    #expect(bench.responder.calls == [answer])
  }

  @Test func aMenuHasNoDescriptionAtDiscord() throws {
    let definition = try Report.command(services: Bench()).definition(in: .global)
    #expect(definition.type == .message)
    #expect(definition.description == "")
    #expect(definition.nameLocalizations == ["de": "Melden"])
    #expect(definition.validate().isEmpty)
    let json = try JSON(encoding: definition)
    #expect(json["description"] == nil)
  }

  private struct TooLong: UserCommand {
    static let name = "A name that is longer than Discord allows", summary = "s"
    func run(on target: UserTarget, in context: CommandContext<Bench>) async throws -> Reply { "" }
  }

  @Test func aNameThatDiscordRefusesIsToldAtTheStart() throws {
    #expect(
      try TooLong.command(services: Bench()).definition(in: .global).validate().map(\.problem)
        == ["the name must have 1 to 32 characters, it has 41"])
  }
}

struct LocalizationTests {
  private enum Size: String, ChoiceOptionValue { case small, large }
  private struct Pay: SlashCommand {
    static let name = "pay", summary = "Send coins"
    static let localizations: [CommandLocale: Localization] = [
      .german: Localization(
        name: "zahlen", summary: "Schickt Münzen",
        options: ["size": .init(name: "größe", summary: "Wie viele", choices: ["Small": "Klein"])])
    ]
    @Option("How many") var size: Size
    func run(in context: CommandContext<Bench>) async throws -> Reply { "" }
  }

  @Test func theWordsReachDiscord() throws {
    let definition = try Pay.command(services: Bench()).definition(in: .global)
    #expect(definition.nameLocalizations == ["de": "zahlen"])
    #expect(definition.descriptionLocalizations == ["de": "Schickt Münzen"])
    let option = try #require(definition.options.first)
    #expect(option.nameLocalizations == ["de": "größe"])
    #expect(option.descriptionLocalizations == ["de": "Wie viele"])
    #expect(option.choices.map(\.nameLocalizations) == [["de": "Klein"], [:]])
    #expect(definition.validate().isEmpty)
  }

  private struct Unknown: SlashCommand {
    static let name = "unknown", summary = "s"
    static let localizations: [CommandLocale: Localization] = [
      .german: Localization(options: ["gone": .init(name: "weg")])
    ]
    func run(in context: CommandContext<Bench>) async throws -> Reply { "" }
  }

  @Test func wordsForAnOptionThatIsNotThereAreToldAtTheStart() {
    #expect(
      throws: DeclarationError(command: "unknown", option: "gone", problem: "has words for de, but is no option")
    ) { try Unknown.command(services: Bench()) }
  }

  private static func definition(
    _ change: (inout ApplicationCommandDefinition) -> Void
  ) -> ApplicationCommandDefinition {
    var definition = ApplicationCommandDefinition(
      name: "a", description: "d",
      options: [
        ApplicationCommandOption(type: .string, name: "one", description: "d"),
        ApplicationCommandOption(type: .string, name: "two", description: "d"),
      ])
    change(&definition)
    return definition
  }

  private static let mistakes: [(ApplicationCommandDefinition, String)] = [
    (
      definition { $0.nameLocalizations = ["de": "Groß"] }, "/a: de: the name must be in lower case"
    ), (definition { $0.nameLocalizations = ["xx": "a"] }, "/a: Discord has no language “xx”"),
    (
      definition { $0.descriptionLocalizations = ["de": ""] },
      "/a: de: the description must have 1 to 100 characters, it has 0"
    ),
    (
      definition { $0.options[0].nameLocalizations = ["de": "two"] },
      "option “one” of /a: de: “two” is the name of another option"
    ),
    (
      definition {
        $0.options[0].nameLocalizations = ["de": "eins"]
        $0.options[1].nameLocalizations = ["de": "eins"]
      }, "option “two” of /a: de: “eins” is the name of another option"
    ),
    (
      definition {
        $0.options[0].choices = [ApplicationCommandChoice("c", value: .string("c"), nameLocalizations: ["de": ""])]
      }, "option “one” of /a: de: a choice's name must have 1 to 100 characters: “”"
    ),
    (
      definition {
        $0.options[0].choices = [ApplicationCommandChoice("c", value: .string("c"))]
        $0.options[0].isAutocompleted = true
      }, "option “one” of /a: it has choices: nothing is to be suggested"
    ),
  ]

  @Test(arguments: mistakes)
  func mistakesAreNamed(definition: ApplicationCommandDefinition, problem: String) {
    #expect(definition.validate().map(\.description) == [problem])
  }

  @Test func ofEachTextTheLongestLanguageCounts() {
    let plain = Self.definition { _ in }
    let long = Self.definition {
      $0.descriptionLocalizations = ["de": String(repeating: "x", count: 11), "fr": String(repeating: "x", count: 6)]
    }
    #expect(long.characterCount == plain.characterCount + 10)
  }

  @Test func aWordThatIsTheSameInAnotherLanguageIsNoDifference() throws {
    let wanted = Self.definition { $0.nameLocalizations = ["de": "a", "fr": "b"] }
    let held = Self.definition { $0.nameLocalizations = ["fr": "b"] }
    #expect(try CommandDifference.between(held: [held], wanted: [wanted], in: .global).isEmpty)
    let other = Self.definition { $0.nameLocalizations = ["fr": "c"] }
    #expect(
      try CommandDifference.between(held: [other], wanted: [wanted], in: .global).map(\.description)
        == [#"/a name_localizations.fr: "c" instead of "b""#])
  }
}
