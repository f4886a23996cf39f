import Commands
import Core
import Gateway

/// Declared only where the configuration names owners.
enum BotGroup: CommandGroup {
  static let name = "bot"
  static let summary = "Look after the running bot"
  static let isOwnerOnly = true
  static var subcommands: [any SlashCommand<any BotControl>.Type] {
    [RestartBot.self, ReloadCommands.self, ClearCaches.self]
  }
}

struct RestartBot: SlashCommand {
  static let name = "restart"
  static let summary = "Start the program anew. Nothing that happens meanwhile is lost"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<any BotControl>) async throws -> Reply {
    try await context.services.restart(by: context.owner)
    return Reply(embeds: [Embed(description: "The bot starts anew.", color: ReplyColor.success)])
  }
}

struct ReloadCommands: SlashCommand {
  static let name = "reload-commands"
  static let summary = "Compare the commands with those that Discord shows, and mend what differs"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<any BotControl>) async throws -> Reply {
    let reload = try await context.services.reloadCommands(by: context.owner)
    let found = reload.differences == 0 ? "The global commands are as they should be." : "Global commands were mended."
    return Reply(embeds: [
      Embed(
        description: "\(found) Those of \(reload.guilds) servers are looked at now.", color: ReplyColor.success)
    ])
  }
}

struct ClearCaches: SlashCommand {
  static let name = "clear-caches"
  static let summary = "Forget what is only kept to save time"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<any BotControl>) async throws -> Reply {
    let cleared = try await context.services.clearCaches(by: context.owner)
    return Reply(embeds: [
      Embed(description: "Forgotten: \(cleared.joined(separator: ", ")).", color: ReplyColor.success)
    ])
  }
}

extension CommandContext<any BotControl> {
  fileprivate var owner: BotOperator { BotOperator(UserID(user.id.rawValue), through: "command") }
}
