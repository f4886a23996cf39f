import Commands
import Core
import Gateway

/// Declared only where the configuration names owners.
enum MaintenanceGroup: CommandGroup {
  static let name = "maintenance"
  static let summary = "Let the bot rest while it is worked on"
  static let isOwnerOnly = true
  static var subcommands: [any SlashCommand<Administration>.Type] {
    [BeginMaintenance.self, EndMaintenance.self, ShowMaintenance.self]
  }
}

struct BeginMaintenance: SlashCommand {
  static let name = "on"
  static let summary = "Take no commands but the owners', everywhere, until it is over"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  @Option("What users are told", length: 1...500) var reason: String?

  func run(in context: CommandContext<Administration>) async throws -> Reply {
    let user = UserID(context.user.id.rawValue)
    try await context.services.maintenance.set(
      Maintenance(reason: reason, since: context.time.timestamp, by: user), by: user)
    return Reply(embeds: [
      Embed(
        description: "The bot rests now: only its owners can use commands, in all servers.", color: ReplyColor.success)
    ])
  }
}

struct EndMaintenance: SlashCommand {
  static let name = "off"
  static let summary = "Take commands again"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<Administration>) async throws -> Reply {
    guard try await context.services.maintenance.current() != nil else {
      throw UserError("The bot does not rest.")
    }
    try await context.services.maintenance.set(nil, by: UserID(context.user.id.rawValue))
    return Reply(embeds: [Embed(description: "The bot takes commands again.", color: ReplyColor.success)])
  }
}

struct ShowMaintenance: SlashCommand {
  static let name = "status"
  static let summary = "Whether the bot rests, since when and why"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<Administration>) async throws -> Reply {
    guard let rest = try await context.services.maintenance.current() else { return "The bot takes commands." }
    let reason = rest.reason.map { "\n\($0)" } ?? ""
    return Reply("The bot rests since <t:\(rest.since.milliseconds / 1_000):f>, says <@\(rest.by)>.\(reason)")
  }
}
