import Commands
import Core
import Gateway
import Platform

/// What the commands of the feed work with.
struct KillFeedCommands: Sendable {
  let feeds: KillFeeds
  let servers: ServerSettings
  let outlet: DiscordFeedOutlet
}

/// `/killfeed`: where this server reads of new kills.
enum KillFeedGroup: CommandGroup {
  static let name = "killfeed"
  static let summary = "Where this server reads of new kills"
  static let memberPermissions: Gateway.Permissions? = .manageGuild
  static var subcommands: [any SlashCommand<KillFeedCommands>.Type] {
    [SetUpKillFeed.self, EndKillFeed.self, ShowKillFeed.self, SetWeeklyLeaderboard.self]
  }
}

struct SetUpKillFeed: SlashCommand {
  static let name = "setup"
  static let summary = "Tell new kills in a channel. Giving it again changes it"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  @Option("Where", channelTypes: [.guildText, .guildAnnouncement, .publicThread, .privateThread])
  var channel: Gateway.Channel
  @Option("Only kills in which a member of this server has a part", name: "members-only") var membersOnly: Bool = true
  @Option("Only players killed by players", name: "pvp-only") var pvpOnly: Bool = false
  @Option("Only ships lost of at least this price in aUEC", name: "minimum-value", range: 0...1_000_000_000)
  var minimumValue: Int64 = 0

  func run(in context: CommandContext<KillFeedCommands>) async throws -> Reply {
    let guild = GuildID(try context.requireGuild().rawValue)
    let place = FeedChannelID(channel.id.rawValue)
    let filter = KillFeed.Filter(membersOnly: membersOnly, pvpOnly: pvpOnly, minimumValue: minimumValue)
    do {
      // Said there first: a channel in which the bot may not write is noticed now, by whoever can change that.
      try await context.services.outlet.greet(place, "New kills are told here from now on: \(filter.words).")
    } catch FeedOutletFailure.closed {
      throw UserError(
        "I cannot write in \(channel.mention). Give me **View Channel**, **Send Messages** and **Embed Links** there "
          + "(in a thread, **Send Messages in Threads**), and try again.")
    }
    try await context.services.feeds.set(guild, channel: place, filter, by: context.userID)
    return Reply(embeds: [
      Embed(
        title: "The kill feed is on", description: "In \(channel.mention): \(filter.words).", color: ReplyColor.success,
        footer: Embed.Footer(
          "Players who are private are never told of. Kills of more than an hour ago are counted only."))
    ])
  }
}

struct EndKillFeed: SlashCommand {
  static let name = "off"
  static let summary = "Tell nothing any more"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<KillFeedCommands>) async throws -> Reply {
    let guild = GuildID(try context.requireGuild().rawValue)
    guard try await context.services.feeds.remove(guild, by: context.userID) else {
      throw UserError("This server has no kill feed. `/killfeed setup` begins one.")
    }
    return Reply(embeds: [Embed(description: "The kill feed is off.", color: ReplyColor.success)])
  }
}

/// `/killfeed weekly`: the same setting as `leaderboardChannel` over HTTP.
struct SetWeeklyLeaderboard: SlashCommand {
  static let name = "weekly"
  static let summary = "Tell each Monday who led the week, in a channel; without a channel, end it"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  @Option("Where", channelTypes: [.guildText, .guildAnnouncement]) var channel: Gateway.Channel?

  func run(in context: CommandContext<KillFeedCommands>) async throws -> Reply {
    let guild = GuildID(try context.requireGuild().rawValue)
    if let channel {
      do {
        try await context.services.outlet.greet(
          FeedChannelID(channel.id.rawValue), "Each Monday it is told here who led the week.")
      } catch FeedOutletFailure.closed {
        throw UserError(
          "I cannot write in \(channel.mention). Give me **View Channel**, **Send Messages** and **Embed Links** there, "
            + "and try again.")
      }
    } else if context.services.servers.record(of: guild).leaderboardChannel == nil {
      throw UserError("This server has no weekly leaderboard. Name a channel to begin one.")
    }
    try await context.services.servers.update(
      guild, ServerChanges(leaderboardChannel: .some(channel.map { "\($0.id)" })), by: context.userID)
    let text = channel.map { "Each Monday it is told in \($0.mention) who led the week." }
    return Reply(embeds: [Embed(description: text ?? "The weekly leaderboard is off.", color: ReplyColor.success)])
  }
}

struct ShowKillFeed: SlashCommand {
  static let name = "show"
  static let summary = "Where kills are told, and which"
  static let category = RateLimitCategory.admin
  static let answer = AnswerStyle.ephemeral

  func run(in context: CommandContext<KillFeedCommands>) async throws -> Reply {
    let guild = GuildID(try context.requireGuild().rawValue)
    guard let feed = try await context.services.feeds.find(guild) else {
      return "This server has no kill feed. `/killfeed setup` begins one."
    }
    return Reply(embeds: [
      Embed(
        title: "Kill feed", description: "In <#\(feed.channel)>: \(feed.filter.words).", color: ReplyColor.notice,
        fields: [
          Embed.Field("Told last", feed.postedAt.map { TrackerWords.time($0) } ?? "nothing yet", isInline: true),
          Embed.Field("Waiting", TrackerWords.number(feed.waiting), isInline: true),
          Embed.Field("Set by", "<@\(feed.changedBy)> \(TrackerWords.time(feed.changedAt))", isInline: true),
        ])
    ])
  }
}

extension KillFeed.Filter {
  /// `kills of members of this server, PvP alone, ships of at least 1,000,000 aUEC`
  var words: String {
    var parts = [membersOnly ? "kills in which a member of this server has a part" : "kills of everybody"]
    if pvpOnly { parts.append("PvP alone") }
    if minimumValue > 0 { parts.append("only ships lost of at least \(TrackerWords.number(minimumValue)) aUEC") }
    return parts.joined(separator: ", ")
  }
}
