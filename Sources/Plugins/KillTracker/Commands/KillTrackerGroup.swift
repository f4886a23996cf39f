import Commands
import Core
import Gateway
import Platform

enum KillTrackerGroup: CommandGroup {
  static let name = "killtracker"
  static let summary = "What the kill tracker can know, and what it knows"
  static var subcommands: [any SlashCommand<TrackerServices>.Type] { [ShowTrackerStatus.self] }
}

/// `/killtracker status`: says plainly what the game's logs still tell, and what to do where they tell nothing.
struct ShowTrackerStatus: SlashCommand {
  static let name = "status"
  static let summary = "What the game's logs still tell, what to do instead, and this server's numbers"
  static let category = RateLimitCategory.api

  @Option("A build of the game by its number, as the first lines of a log have it", range: 1...99_999_999) var build:
    Int?

  func run(in context: CommandContext<TrackerServices>) async throws -> Reply {
    if let build { return Self.reply(about: GameBuild(number: build)) }
    let guild = try context.requireGuild()
    let kills = context.services.kills
    let now = context.time.timestamp
    let (here, week, all, latest) = try await TrackerWords.explaining {
      let server = "\(guild)"
      let from = Timestamp(milliseconds: (Calendar.day(of: now) - 6) * Calendar.day)
      let recent = try await kills.list(KillFilter(serverID: server), limit: 1, for: context.viewer)
      return (
        recent.total,
        try await kills.list(KillFilter(serverID: server, from: from), limit: 1, for: context.viewer).total,
        try await kills.count(), recent.kills.first?.occurredAt
      )
    }
    let fields = [
      Embed.Field("What to do instead", Self.advice(context.catalog)),
      Embed.Field("What a log gives, by the build that wrote it", Self.table),
      Embed.Field("Recorded in this server", TrackerWords.number(here), isInline: true),
      Embed.Field("In the last seven days", TrackerWords.number(week), isInline: true),
      Embed.Field("Everywhere", TrackerWords.number(all), isInline: true),
      Embed.Field("Latest here", latest.map { TrackerWords.time($0) } ?? "none yet", isInline: true),
    ]
    return Reply(embeds: [
      Embed(
        title: "Kill tracker",
        description: """
          **Star Citizen does not write kills to its log any more.** The last build that did is of November 2025. A tracker \
          that only reads today's logs shows nothing.
          """, color: ReplyColor.notice,
        footer: Embed.Footer("build: tells what the logs of one build give. \(TrackerWords.fanProject)"), fields: fields
      )
    ])
  }

  /// Only what this bot offers.
  private static func advice(_ catalog: CommandCatalog) -> String {
    let ways: [([String], String)] = [
      (["kill", "report"], "`/kill report` tells of a kill that the other side confirms: that counts most"),
      (["kill", "record"], "`/kill record` records by hand what you did"),
      (["logs", "upload"], "`/logs upload` reads logs of before, also those in the game's folder `logbackups`"),
      (["apikey", "create"], "`/apikey create` makes a key with which a program of yours records kills"),
    ]
    return ways.filter { catalog.leaf($0.0) != nil }.map { "• \($0.1)" }.joined(separator: "\n")
  }

  /// The borders are those of ``LogCapabilities``.
  static let table = """
    • before 3.24: nothing
    • 3.24 to 4.0.1: every death nearby
    • 4.0.2 to build 10591185 (4.3, Nov 2025): the deaths that concern you
    • to build 11218823 (Feb 2026): your own death in a lost vehicle, causes of incapacity
    • to build 12122953 (Jul 2026): your own death in a lost vehicle
    • later: only that you were incapacitated, without a killer
    """

  static func reply(about build: GameBuild) -> Reply {
    let capabilities = LogCapabilities(of: build)
    func word(_ isThere: Bool) -> String { isThere ? "yes" : "no" }
    let kills =
      switch capabilities.kills {
      case .nearby: "all nearby"
      case .own: "those that concern the player"
      case .none: "no"
      }
    return Reply(embeds: [
      Embed(
        title: "Logs of build \(build.number.map(String.init) ?? "unknown")", description: capabilities.summary,
        color: ReplyColor.notice,
        fields: [
          Embed.Field("Kills", kills, isInline: true),
          Embed.Field("Vehicles lost", word(capabilities.vehicleDestructions), isInline: true),
          Embed.Field("Causes of incapacity", word(capabilities.incapacitationCauses), isInline: true),
          Embed.Field("Own death in a lost vehicle", word(capabilities.deadState), isInline: true),
          Embed.Field("Notices on the display", word(capabilities.notices), isInline: true),
        ])
    ])
  }
}
