import Commands
import Core
import Gateway

/// `/kill delete`: asks once more before it is done.
struct DeleteKill: SlashCommand {
  static let name = "delete"
  static let summary = "Take back a kill that you recorded, or any of this server if you manage it"
  static let category = RateLimitCategory.api
  static let answer = AnswerStyle.ephemeral

  @Option("Its id, as kill_123; your own are offered", autocomplete: OwnKillSuggestions.self) var id: String

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    try await context.askToDelete(try KillID(typed: id))
  }
}

/// The button of a card.
struct AskToDeleteKill: ButtonHandler {
  static let name = "killtracker.kill.delete"
  static let binding: ComponentBinding = [.user]
  let kill: Int64

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    try await context.askToDelete(KillID(rawValue: kill))
  }
}

struct ConfirmKillDeletion: ButtonHandler {
  static let name = "killtracker.kill.delete.confirm"
  static let binding: ComponentBinding = [.user]
  static let lifetime: Duration? = .seconds(900)
  let kill: Int64

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let id = KillID(rawValue: kill)
    let kills = context.services.kills
    do {
      try await kills.delete(id, by: context.viewer)
    } catch KillError.notFound {
      // A second click, or somebody else was faster: what was wanted is so.
      return Self.gone(id)
    } catch let error as KillError {
      throw UserError(TrackerWords.message(error))
    }
    return Self.gone(id)
  }

  private static func gone(_ id: KillID) -> Reply {
    Reply(embeds: [
      Embed(
        description: "`\(id)` is deleted, and counts nowhere any more.", color: ReplyColor.success)
    ])
  }
}

struct KeepKill: ButtonHandler {
  static let name = "killtracker.kill.keep"
  static let binding: ComponentBinding = [.user]
  let kill: Int64

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let id = KillID(rawValue: kill)
    let kill = try await TrackerWords.explaining { try await context.services.kills.find(id, for: context.viewer) }
    return try KillCard(kill).reply(title: "Nothing was deleted", in: context)
  }
}

extension CommandContext<TrackerServices> {
  fileprivate func askToDelete(_ id: KillID) async throws -> Reply {
    let kill = try await TrackerWords.explaining { try await services.kills.find(id, for: viewer) }
    guard mayDelete(kill) else {
      throw UserError(
        "Only whoever recorded a kill, its killer, or who manages the server where it was recorded can delete it.")
    }
    return Reply(
      embeds: [KillCard(kill).embed(title: "Delete this for good?", color: ReplyColor.error)],
      components: [
        .actionRow([
          .button(try components.button("Delete", style: .danger, for: ConfirmKillDeletion(kill: id.rawValue))),
          .button(try components.button("Keep", for: KeepKill(kill: id.rawValue))),
        ])
      ])
  }
}
