import Commands
import Core
import Gateway

enum PrivacyGroup: CommandGroup {
  static let name = "privacy"
  static let summary = "Who may see your name beside kills"
  static var subcommands: [any SlashCommand<TrackerServices>.Type] {
    [BecomePublic.self, BecomePrivate.self, ShowPrivacy.self]
  }

  static let meaning = """
    **Public**: your name, statistics and place on leaderboards are for everybody.
    **Private**: others read "Private player" instead of your name, in Discord, on the web and in webhooks; you are on no \
    leaderboard and in no kill feed; nobody can ask for your statistics. Whoever fought you still knows it was you, and you \
    see everything of your own.
    """
}

struct BecomePublic: SlashCommand {
  static let name = "public"
  static let summary = "Let everybody see your name and statistics"
  static let category = RateLimitCategory.api
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply { try await context.setPrivacy(.public) }
}

struct BecomePrivate: SlashCommand {
  static let name = "private"
  static let summary = "Hide your name and statistics from everybody else"
  static let category = RateLimitCategory.api
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply { try await context.setPrivacy(.private) }
}

struct ShowPrivacy: SlashCommand {
  static let name = "show"
  static let summary = "Which of the two you are, and what it means"
  static let category = RateLimitCategory.api
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let state = try await context.isPrivate ? "private" : "public"
    return Reply(embeds: [
      Embed(title: "You are \(state)", description: PrivacyGroup.meaning, color: ReplyColor.notice)
    ])
  }
}

extension CommandContext<TrackerServices> {
  fileprivate func setPrivacy(_ privacy: Privacy) async throws -> Reply {
    let word = privacy == .private ? "private" : "public"
    let isChanged = try await services.players.profile(of: userID).privacy != privacy
    if isChanged {
      _ = try await TrackerWords.explaining { try await services.players.update(userID, privacy: privacy) }
    }
    return Reply(embeds: [
      Embed(
        title: isChanged ? "You are \(word) from now on" : "You were \(word) already",
        description: PrivacyGroup.meaning, color: isChanged ? ReplyColor.success : ReplyColor.notice,
        footer: isChanged && privacy == .private
          ? Embed.Footer("Messages that were sent before stay as they are.") : nil)
    ])
  }
}
