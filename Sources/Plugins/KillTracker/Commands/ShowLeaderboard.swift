import Commands
import Core
import Gateway

enum LeaderboardTypeChoice: String, ChoiceOptionValue, Codable {
  case kills, deaths
  case ratio = "kdr"
  case pvp = "pvp_kills"
  case pve = "pve_kills"

  var title: String {
    switch self {
    case .kills: "Kills"
    case .deaths: "Deaths"
    case .ratio: "K/D"
    case .pvp: "PvP kills"
    case .pve: "PvE kills"
    }
  }

  var metric: LeaderboardMetric {
    switch self {
    case .kills: .kills
    case .deaths: .deaths
    case .ratio: .kdr
    case .pvp: .pvpKills
    case .pve: .pveKills
    }
  }
}

enum LeaderboardPeriodChoice: String, ChoiceOptionValue, Codable {
  case daily, weekly, monthly
  case allTime = "all_time"

  var title: String {
    switch self {
    case .daily: "Today"
    case .weekly: "This week"
    case .monthly: "This month"
    case .allTime: "All time"
    }
  }

  var period: LeaderboardPeriod {
    switch self {
    case .daily: .daily
    case .weekly: .weekly
    case .monthly: .monthly
    case .allTime: .allTime
    }
  }

  /// With what ranks are compared.
  var comparison: String {
    switch self {
    case .daily: "yesterday"
    case .weekly: "last week"
    case .monthly: "last month"
    case .allTime: "seven days ago"
    }
  }
}

enum LeaderboardScopeChoice: String, ChoiceOptionValue, Codable {
  case server, everywhere

  var title: String {
    switch self {
    case .server: "Kills recorded in this server"
    case .everywhere: "All kills"
    }
  }
}

/// `/leaderboard`: everybody sees it, so nobody who is private is on it, and a private player's own place is told in an
/// answer for their own eyes.
struct ShowLeaderboard: SlashCommand {
  static let name = "leaderboard"
  static let summary = "Who leads, and where you stand"
  static let category = RateLimitCategory.api

  @Option("Ranked by what") var type: LeaderboardTypeChoice = .kills
  @Option("Since when") var period: LeaderboardPeriodChoice = .allTime
  @Option("Whose kills count") var scope: LeaderboardScopeChoice = .server

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    await context.rememberMember()
    let isPrivate = try await context.isPrivate
    let reply = try await LeaderboardPage(page: 1, type: type, period: period, scope: scope)
      .reply(in: context, showsOwn: true)
    return isPrivate ? reply.ephemeral : reply
  }
}

/// Another page of the same.
struct LeaderboardPage: ButtonHandler {
  static let name = "killtracker.leaderboard"
  static let binding: ComponentBinding = [.user, .guild]
  static let size = 10

  let page: Int
  let type: LeaderboardTypeChoice
  let period: LeaderboardPeriodChoice
  let scope: LeaderboardScopeChoice

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    // Whoever became private since is not told of in a message that everybody sees.
    let isForOwnEyes = context.message?.flags.contains(.ephemeral) == true
    let isPrivate = try await context.isPrivate
    return try await reply(in: context, showsOwn: isForOwnEyes || !isPrivate)
  }

  func reply(in context: CommandContext<TrackerServices>, showsOwn: Bool) async throws -> Reply {
    let serverID = scope == .server ? "\(try context.requireGuild())" : nil
    let wanted = min(page * Self.size + 1, Kills.pageLimit)
    let board = try await TrackerWords.explaining {
      try await context.services.kills.leaderboard(
        type.metric, period.period, serverID: serverID, limit: wanted, for: context.viewer)
    }
    let entries = board.entries.dropFirst((page - 1) * Self.size).prefix(Self.size)
    var lines = entries.map { line($0, isOwn: $0.player.user == context.userID) }
    if lines.isEmpty { lines = [nothing] }
    if showsOwn, let own = board.own, !entries.contains(where: { $0.player.user == context.userID }) {
      lines += ["", "You: \(line(own, isOwn: true))"]
    } else if showsOwn, board.own == nil, !entries.isEmpty {
      lines += ["", "You are not ranked here."]
    }
    let embed = Embed(
      title: "\(type.title) · \(period.title)", description: TrackerWords.lines(lines, limit: 4_096),
      color: ReplyColor.notice,
      footer: Embed.Footer(
        "\(scope.title). Page \(page); ▲ and ▼ against \(period.comparison). Days are UTC days."))
    let isLast = board.entries.count <= page * Self.size
    guard page > 1 || !isLast else { return Reply(embeds: [embed]) }
    return Reply(
      embeds: [embed],
      components: [
        .actionRow([
          .button(try context.components.button("Back", isDisabled: page == 1, for: turned(to: max(1, page - 1)))),
          .button(try context.components.button("Next", isDisabled: isLast, for: turned(to: page + 1))),
        ])
      ])
  }

  private func turned(to page: Int) -> LeaderboardPage {
    LeaderboardPage(page: page, type: type, period: period, scope: scope)
  }

  private var nothing: String {
    let when = period == .allTime ? "" : " in this time"
    return scope == .server
      ? "No kills were recorded in this server\(when). `scope:All kills` shows those of everywhere."
      : "No kills were recorded\(when)."
  }

  private func line(_ entry: LeaderboardEntry, isOwn: Bool) -> String {
    let name = TrackerWords.name(entry.player)
    let value = type == .ratio ? TrackerWords.ratio(entry.value) : TrackerWords.number(Int64(entry.value))
    let change =
      switch entry.change {
      case nil: "new"
      case .some(let steps) where steps > 0: "▲\(steps)"
      case .some(let steps) where steps < 0: "▼\(-steps)"
      default: "="
      }
    return "`#\(TrackerWords.number(entry.rank))` \(isOwn ? "**\(name)**" : name) · \(value) · \(change)"
  }
}

extension CommandContext<TrackerServices> {
  /// Whether the user keeps to themselves who they are.
  var isPrivate: Bool {
    get async throws { try await services.players.profile(of: userID).privacy == .private }
  }
}
