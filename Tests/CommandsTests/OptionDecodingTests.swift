import Gateway
import Platform
import Testing

@testable import Commands

/// Runs a command whose only option is `value`, the way an interaction runs it.
struct OptionDecodingTests {
  private enum Period: String, ChoiceOptionValue { case day, week }

  private struct Text: SlashCommand {
    static let name = "text", summary = "s"
    @Option("v", length: 2...4) var value: String
    func run(in context: CommandContext<Bench>) async throws -> Reply { Reply(value) }
  }
  private struct Whole: SlashCommand {
    static let name = "whole", summary = "s"
    @Option("v", range: -5...10) var value: Int64
    func run(in context: CommandContext<Bench>) async throws -> Reply { "\(value)" }
  }
  private struct Fraction: SlashCommand {
    static let name = "fraction", summary = "s"
    @Option("v", range: 0...1) var value: Double
    func run(in context: CommandContext<Bench>) async throws -> Reply { "\(value)" }
  }
  private struct Switch: SlashCommand {
    static let name = "switch", summary = "s"
    @Option("v") var value: Bool
    func run(in context: CommandContext<Bench>) async throws -> Reply { "\(value)" }
  }
  private struct Choice: SlashCommand {
    static let name = "choice", summary = "s"
    @Option("v") var value: Period
    func run(in context: CommandContext<Bench>) async throws -> Reply { "\(value)" }
  }
  private struct Somebody: SlashCommand {
    static let name = "user", summary = "s"
    @Option("v") var value: User
    func run(in context: CommandContext<Bench>) async throws -> Reply { Reply(value.username) }
  }
  private struct Fellow: SlashCommand {
    static let name = "member", summary = "s"
    @Option("v") var value: Member
    func run(in context: CommandContext<Bench>) async throws -> Reply { Reply(value.displayName) }
  }
  private struct Place: SlashCommand {
    static let name = "channel", summary = "s"
    @Option("v", channelTypes: [.guildText]) var value: Channel
    func run(in context: CommandContext<Bench>) async throws -> Reply { Reply(value.mention) }
  }
  private struct Rank: SlashCommand {
    static let name = "role", summary = "s"
    @Option("v") var value: Role
    func run(in context: CommandContext<Bench>) async throws -> Reply { Reply(value.name) }
  }
  private struct Whoever: SlashCommand {
    static let name = "mentionable", summary = "s"
    @Option("v") var value: Mentionable
    func run(in context: CommandContext<Bench>) async throws -> Reply {
      switch value {
      case .user(let user, let member): "\(user.username) \(member == nil ? "outside" : "inside")"
      case .role(let role): "\(role.name)"
      }
    }
  }
  private struct File: SlashCommand {
    static let name = "file", summary = "s"
    @Option("v") var value: DiscordFile
    func run(in context: CommandContext<Bench>) async throws -> Reply { Reply(value.filename) }
  }
  private struct Maybe: SlashCommand {
    static let name = "maybe", summary = "s"
    @Option("v") var value: User?
    @Option("p", range: 1...9) var page: Int = 3
    func run(in context: CommandContext<Bench>) async throws -> Reply { "\(value?.username ?? "nobody") \(page)" }
  }

  private static let commands: [any SlashCommand<Bench>.Type] = [
    Text.self, Whole.self, Fraction.self, Switch.self, Choice.self, Somebody.self, Fellow.self, Place.self,
    Rank.self, Whoever.self, File.self, Maybe.self,
  ]

  private static let resolved = """
    {"users": {"11": {"id": "11", "username": "grace"}, "12": {"id": "12", "username": "guest"}},
     "members": {"11": {"nick": "Amazing Grace", "roles": [], "joined_at": "2024-01-01T00:00:00Z",
       "permissions": "0"}},
     "roles": {"21": {"id": "21", "name": "Crew", "permissions": "0"}},
     "channels": {"31": {"id": "31", "type": 0, "name": "general"}},
     "attachments": {"41": {"id": "41", "filename": "game.log", "size": 1, "url": "https://cdn.example/41",
       "proxy_url": "https://cdn.example/41"}}}
    """

  @Test(arguments: [
    ("text", 3, #""abcd""#, "abcd"), ("text", 3, #""🚀🚀🚀🚀""#, "🚀🚀🚀🚀"),
    ("text", 3, #""a""#, "The option `value` must have at least 2 characters."),
    ("text", 3, #""abcde""#, "The option `value` must have at most 4 characters."),
    ("text", 4, "1", "The option `value` must be text."), ("text", 3, "1", "The option `value` must be text."),
    ("whole", 4, "-5", "-5"), ("whole", 4, "10", "10"), ("whole", 4, "7.0", "7"),
    ("whole", 4, "-6", "The option `value` must be at least -5."),
    ("whole", 4, "11", "The option `value` must be at most 10."),
    ("whole", 4, "1.5", "The option `value` must be a whole number."),
    ("whole", 4, #""7""#, "The option `value` must be a whole number."),
    ("whole", 10, "7", "The option `value` must be a whole number."),
    ("fraction", 10, "0.5", "0.5"), ("fraction", 10, "1", "1.0"),
    ("fraction", 10, "1.01", "The option `value` must be at most 1.0."),
    ("fraction", 10, "true", "The option `value` must be a number."),
    ("switch", 5, "true", "true"), ("switch", 5, "false", "false"),
    ("switch", 5, "1", "The option `value` must be true or false."),
    ("choice", 3, #""week""#, "week"),
    ("choice", 3, #""year""#, "The option `value` must be one of the choices offered."),
    ("user", 6, #""12""#, "guest"), ("user", 6, #""11""#, "grace"),
    ("user", 6, #""99""#, "The option `value` names something that is not in this server."),
    ("user", 6, "11", "The option `value` must be a user."),
    ("member", 6, #""11""#, "Amazing Grace"),
    ("member", 6, #""12""#, "The option `value` names something that is not in this server."),
    ("channel", 7, #""31""#, "<#31>"), ("channel", 7, #""x""#, "The option `value` must be a channel."),
    ("channel", 8, #""31""#, "The option `value` must be a channel."),
    ("role", 8, #""21""#, "Crew"),
    ("role", 8, #""11""#, "The option `value` names something that is not in this server."),
    ("mentionable", 9, #""11""#, "grace inside"), ("mentionable", 9, #""12""#, "guest outside"),
    ("mentionable", 9, #""21""#, "Crew"),
    ("mentionable", 9, #""31""#, "The option `value` names something that is not in this server."),
    ("file", 11, #""41""#, "game.log"),
    ("maybe", 6, #""11""#, "grace 3"), ("maybe", 3, #""11""#, "The option `value` must be a user."),
  ])
  func aValueIsReadOrRefused(command: String, type: Int, value: String, answer: String) async throws {
    #expect(try await Self.answer(command, #"[{"name": "value", "type": \#(type), "value": \#(value)}]"#) == answer)
  }

  @Test(arguments: [
    ("text", "[]", "The option `value` is missing."),
    ("maybe", "[]", "nobody 3"),
    ("maybe", #"[{"name": "page", "type": 4, "value": 5}]"#, "nobody 5"),
    ("maybe", #"[{"name": "page", "type": 4, "value": 10}]"#, "The option `page` must be at most 9."),
    (
      "maybe", #"[{"name": "old", "type": 4, "value": 5}]"#,
      "There is no option `old` any more. Reload Discord to see the command as it is now."
    ),
  ])
  func optionsMayBeMissingOrUnknown(command: String, options: String, answer: String) async throws {
    #expect(try await Self.answer(command, options) == answer)
  }

  private static func answer(_ command: String, _ options: String) async throws -> String? {
    let bench = try RouterBench([SamplePlugin.with(commands, services: Bench())])
    await bench.router.handle(
      try Sent.command(command, options: options, resolved: resolved), isDraining: false)
    return bench.responder.bodies.first?.words
  }
}
