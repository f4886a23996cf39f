import Commands
import Gateway

/// What a list of one's own kills holds.
enum KillSideChoice: String, ChoiceOptionValue, Codable {
  case kills, deaths, both

  var side: KillFilter.Side {
    switch self {
    case .kills: .killer
    case .deaths: .victim
    case .both: .either
    }
  }
}

/// `/mykills`: one's own kills, with everybody who took part in them, and therefore for one's own eyes alone.
struct ShowMyKills: SlashCommand {
  static let name = "mykills"
  static let summary = "Your own kills, page by page. Only you see them"
  static let category = RateLimitCategory.api
  static let answer = AnswerStyle.ephemeral

  @Option("How many on a page", range: 1...20) var limit: Int = 10
  @Option("What to show") var show: KillSideChoice = .kills

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    await context.rememberMember()
    return try await MyKillsPage(page: 1, limit: limit, show: show).reply(in: context)
  }
}

/// Another page of the same.
struct MyKillsPage: ButtonHandler {
  static let name = "killtracker.mykills"
  static let binding: ComponentBinding = [.user]
  let page: Int
  let limit: Int
  let show: KillSideChoice

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply { try await reply(in: context) }

  func reply(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let kills = context.services.kills
    guard let player = try await kills.player("\(context.userID)") else { return Self.empty(show) }
    let found = try await TrackerWords.explaining {
      try await kills.list(
        KillFilter(player: player, side: show.side), page: page, limit: limit, for: context.viewer)
    }
    if found.kills.isEmpty {
      // The last one of this page may have been deleted meanwhile.
      return page > 1 ? try await MyKillsPage(page: 1, limit: limit, show: show).reply(in: context) : Self.empty(show)
    }
    let lines = found.kills.map { "\(TrackerWords.line($0)) · `\($0.id)`" }
    let pages = (found.total + limit - 1) / limit
    let of = found.totalIsEstimate ? "" : " of \(TrackerWords.number(max(pages, page)))"
    let total = TrackerWords.number(found.total) + (found.totalIsEstimate ? "+" : "")
    let embed = Embed(
      title: "Your \(show == .both ? "kills and deaths" : show.rawValue)",
      description: TrackerWords.lines(lines, limit: 4_096), color: ReplyColor.notice,
      footer: Embed.Footer("Page \(TrackerWords.number(page))\(of) · \(total) in all"))
    let isLast = found.next == nil || (page + 1) * limit > Kills.depthLimit
    guard page > 1 || !isLast else { return Reply(embeds: [embed]) }
    let row: [ActionRowItem] = [
      .button(
        try context.components.button(
          "Newer", isDisabled: page == 1, for: MyKillsPage(page: max(1, page - 1), limit: limit, show: show))),
      .button(
        try context.components.button(
          "Older", isDisabled: isLast, for: MyKillsPage(page: page + 1, limit: limit, show: show))),
    ]
    return Reply(embeds: [embed], components: [.actionRow(row)])
  }

  private static func empty(_ show: KillSideChoice) -> Reply {
    Reply(embeds: [
      Embed(
        description: show == .deaths
          ? "No deaths of yours are recorded."
          : "No kills of yours are recorded. `/kill record` records one by hand, and `/killtracker status` tells what else "
            + "there is.", color: ReplyColor.notice)
    ])
  }
}
