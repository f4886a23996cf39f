import Commands
import Core
import Drawing
import Gateway
import Platform

/// `/chart`: pictures of what players and servers did. Everybody sees the answer; only one's own, where they are private,
/// is for one's own eyes.
enum ChartGroup: CommandGroup {
  static let name = "chart", summary = "Pictures of kills"
  static var subcommands: [any SlashCommand<TrackerServices>.Type] { [ChartKills.self, ChartWeapons.self] }
}

struct ChartKills: SlashCommand {
  static let name = "kills", summary = "Kills by day"
  static let category = RateLimitCategory.api

  @Option("How many days, today the last of them; 30 unless said", range: 1...365) var days: Int = 30
  @Option("A member; without, yourself") var user: Gateway.User?
  @Option("All kills of this server instead") var server: Bool = false

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let subject = try await ChartSubject.find(user, server: server, in: context)
    let shown = try await TrackerWords.explaining {
      try await context.services.analytics.days(of: subject.figures, last: days, for: subject.viewer)
    }
    let span = days == 1 ? "today" : "last \(days) days"
    return try await subject.reply(
      DayChart(
        title: days > DayBars.dayLimit ? "Kills by week" : "Kills by day",
        subtitle: "\(TrackerWords.bare(subject.name)) · \(span) · UTC", bars: DayBars.bars(shown)),
      named: "kills.png", in: context)
  }
}

struct ChartWeapons: SlashCommand {
  static let name = "weapons", summary = "Which weapons made the kills"
  static let category = RateLimitCategory.api

  @Option("A member; without, yourself") var user: Gateway.User?
  @Option("All kills of this server instead, of the last 90 days") var server: Bool = false

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let subject = try await ChartSubject.find(user, server: server, in: context)
    let weapons = try await TrackerWords.explaining {
      try await context.services.analytics.weapons(of: subject.figures, for: subject.viewer)
    }
    let rows = weapons.map {
      RankingChart.Row(name: TrackerWords.bare($0.name), count: $0.count, percentage: $0.percentage)
    }
    return try await subject.reply(
      RankingChart(
        title: "Weapons", subtitle: "\(TrackerWords.bare(subject.name)) · \(server ? "last 90 days" : "all time")",
        rows: rows, emptiness: "No kills with a weapon yet"),
      named: "weapons.png", in: context)
  }
}

/// `/card`: a player on one picture.
struct ShowCard: SlashCommand {
  static let name = "card", summary = "A card of yourself or another player"
  static let category = RateLimitCategory.api

  @Option("A member; without, yourself") var user: Gateway.User?

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    let subject = try await ChartSubject.find(user, server: false, in: context)
    let found = try await TrackerWords.explaining {
      try await context.services.kills.statistics(of: subject.player, for: subject.viewer)
    }
    func name(_ met: MetPlayer?) -> String? { met.map { TrackerWords.bare($0.player.name) } }
    let played =
      found.playTime > .zero ? "\(found.playTimeText) played" : "\(found.pvpKills) PvP · \(found.pveKills) PvE"
    return try await subject.reply(
      PlayerCard(
        name: TrackerWords.bare(subject.name), subtitle: played, rank: found.rank, kills: found.totalKills,
        deaths: found.totalDeaths, ratio: found.killDeathRatio, currentStreak: found.currentStreak,
        bestStreak: found.bestStreak, favouriteWeapon: found.favouriteWeapon.map { TrackerWords.bare($0) },
        nemesis: name(found.nemesis), prey: name(found.prey)),
      named: "card.png", in: context)
  }
}

/// Whose picture it is.
private struct ChartSubject: Sendable {
  var name: String
  var figures: AnalyticsSubject
  /// Whose eyes it is for: everybody's, but where a private player asks for their own.
  var viewer: KillViewer
  var isForOwnEyes: Bool

  var player: Int64? { if case .player(let player, _) = figures { player } else { nil } }

  static func find(
    _ user: Gateway.User?, server: Bool, in context: CommandContext<TrackerServices>
  ) async throws -> ChartSubject {
    if server {
      guard user == nil else { throw UserError("Choose either a member or the server, not both.") }
      return ChartSubject(
        name: "This server", figures: .server("\(try context.requireGuild())"), viewer: .anonymous, isForOwnEyes: false)
    }
    let account = user ?? context.user
    let id = UserID(account.id.rawValue)
    let player = try await context.services.kills.player("\(id)")
    let isForOwnEyes = id == context.userID ? try await context.isPrivate : false
    return ChartSubject(
      name: account.displayName, figures: .player(player, serverID: nil),
      viewer: isForOwnEyes ? context.viewer : .anonymous, isForOwnEyes: isForOwnEyes)
  }

  func reply(
    _ drawing: some Drawable, named name: String, in context: CommandContext<TrackerServices>
  ) async throws -> Reply {
    let picture: Picture
    do { picture = try await context.services.drawing.draw(drawing) } catch is DrawingQueue.Overloaded {
      throw UserError("Too many pictures are being drawn. Try again in a moment.")
    }
    let reply = Reply(files: [
      FileUpload(name: name, contentType: "image/png", description: picture.description, bytes: picture.png)
    ])
    return isForOwnEyes ? reply.ephemeral : reply
  }
}

/// Days as bars.
enum DayBars {
  /// More are put together to weeks.
  static let dayLimit = 92
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  static func bars(_ days: [AnalyticsService.Day]) -> [DayChart.Bar] {
    guard days.count > dayLimit else { return days.map { bar([$0]) } }
    // Whole weeks back from today; the first may be shorter.
    var bars: [DayChart.Bar] = []
    var rest = days[...]
    while !rest.isEmpty {
      bars.append(bar(Array(rest.suffix(7))))
      rest = rest.dropLast(7)
    }
    return bars.reversed()
  }

  /// Named by its first day.
  private static func bar(_ days: [AnalyticsService.Day]) -> DayChart.Bar {
    let date = Calendar.date(ofDay: days.first?.number ?? 0)
    return DayChart.Bar(
      label: "\(date.day) \(months[Int(date.month) - 1])", pvp: days.reduce(0) { $0 + $1.metrics.pvpKills },
      pve: days.reduce(0) { $0 + $1.metrics.pveKills })
  }
}
