import Commands
import Core
import Gateway
import Platform

/// `/stats`: what a player did. Everybody sees the answer, so it is what everybody may know; only one's own, where they
/// are private, are for one's own eyes.
struct ShowStatistics: SlashCommand {
  static let name = "stats"
  static let summary = "Kills, deaths and more of yourself or another player"
  static let category = RateLimitCategory.api

  static let recent = 5

  @Option("A member; without, yourself") var user: Gateway.User?
  @Option("Or a player by the name in the game", length: 1...64) var handle: String?

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    await context.rememberMember()
    let tracker = context.services
    let subject = try await subject(in: context)
    let isPrivate = subject.user == context.userID ? try await context.isPrivate : false
    // Their own see everything; what everybody sees shows nobody who is private, also not to those who met them.
    let viewer = isPrivate ? context.viewer : .anonymous
    let (statistics, kills) = try await TrackerWords.explaining {
      var kills: [Kill] = []
      let statistics = try await tracker.kills.statistics(of: subject.player, for: viewer)
      if let player = subject.player {
        kills = try await tracker.kills.list(
          KillFilter(player: player), limit: Self.recent, for: viewer
        ).kills
      }
      return (statistics, kills)
    }
    let reply = Reply(embeds: [Self.embed(subject, statistics, kills, isPrivate: isPrivate)])
    return isPrivate ? reply.ephemeral : reply
  }

  /// Whom the answer is about.
  struct Subject: Sendable {
    var user: UserID?
    /// Nil: nothing is known of them yet.
    var player: Int64?
    var name: String
    var avatarURL: String?
  }

  private func subject(in context: CommandContext<TrackerServices>) async throws -> Subject {
    let kills = context.services.kills
    if let handle {
      guard user == nil else { throw UserError("Name either a member or a handle, not both.") }
      guard let player = try await kills.player(handle) else {
        throw UserError(
          "Nobody is known by the handle **\(TrackerWords.plain(handle))**. Is it spelled as in the game?")
      }
      return try await TrackerWords.explaining {
        let party = try await kills.party(player, for: context.viewer)
        return Subject(user: party.user, player: player, name: party.name, avatarURL: party.avatarURL)
      }
    }
    let account = user ?? context.user
    let id = UserID(account.id.rawValue)
    return Subject(
      user: id, player: try await kills.player("\(id)"), name: account.displayName, avatarURL: nil)
  }

  private static func embed(
    _ subject: Subject, _ statistics: PlayerStatistics, _ kills: [Kill], isPrivate: Bool
  ) -> Embed {
    typealias Field = Embed.Field
    let account = subject.user.map { "<@\($0)>" } ?? "No account is linked to this handle."
    guard statistics.totalKills + statistics.totalDeaths > 0 else {
      return Embed(
        title: TrackerWords.plain(subject.name),
        description: "\(account)\nNo kills and no deaths are recorded yet. `/kill record` records what you did.",
        color: ReplyColor.notice)
    }
    var fields = [
      Field("Kills", TrackerWords.number(statistics.totalKills), isInline: true),
      Field("Deaths", TrackerWords.number(statistics.totalDeaths), isInline: true),
      Field("K/D", TrackerWords.ratio(statistics.killDeathRatio), isInline: true),
      Field("PvP", TrackerWords.number(statistics.pvpKills), isInline: true),
      Field("PvE", TrackerWords.number(statistics.pveKills), isInline: true),
      Field("Rank", statistics.rank.map { "#\(TrackerWords.number($0))" } ?? "none yet", isInline: true),
    ]
    if let weapon = statistics.weapons.first {
      fields.append(
        Field("Favourite weapon", "\(TrackerWords.plain(weapon.name)) (\(weapon.count))", isInline: true))
    }
    let streak =
      TrackerWords.number(statistics.currentStreak) + (statistics.currentStreak >= Kills.streakLimit ? "+" : "")
    fields.append(Field("Streak", "\(streak) since the last death", isInline: true))
    fields.append(Field("Best streak", TrackerWords.number(statistics.bestStreak), isInline: true))
    fields.append(Field("Play time", statistics.playTimeText, isInline: true))
    if let nemesis = statistics.nemesis {
      fields.append(Field("Killed most by", "\(TrackerWords.name(nemesis.player)) (\(nemesis.count))", isInline: true))
    }
    if let prey = statistics.prey {
      fields.append(Field("Has killed most", "\(TrackerWords.name(prey.player)) (\(prey.count))", isInline: true))
    }
    if !kills.isEmpty {
      fields.append(
        Field("Recent", TrackerWords.lines(kills.map(TrackerWords.line), limit: 1_024)))
    }
    return Embed(
      title: TrackerWords.plain(subject.name), description: account, color: ReplyColor.notice,
      footer: isPrivate ? Embed.Footer("You are private: only you see this. /privacy explains.") : nil,
      thumbnail: subject.avatarURL.map { Embed.Image(url: $0) }, fields: fields)
  }
}

extension TrackerWords {
  /// As many whole lines as fit into so many UTF-16 code units.
  static func lines(_ lines: [String], limit: Int) -> String {
    var text = ""
    for line in lines {
      let next = text.isEmpty ? line : "\(text)\n\(line)"
      guard next.utf16.count <= limit else { break }
      text = next
    }
    return text
  }
}

extension CommandContext<TrackerServices> {
  /// Whoever uses a command of a server is a member of it, which the kill feed asks for. Never in the way of the answer.
  func rememberMember() async {
    guard let guild = guildID else { return }
    do {
      let avatar = user.avatar.map { "https://cdn.discordapp.com/avatars/\(user.id)/\($0).png" }
      try await services.membership.met(
        userID, in: GuildID(guild.rawValue), profile: (name: user.displayName, avatarURL: avatar))
    } catch {
      log.warning("a member was not noted", ["error": .error(error)])
    }
  }
}
