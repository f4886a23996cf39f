import Core
import Gateway
import Platform

/// Posts the leaderboard of each week where a server wants it.
struct WeeklyLeaderboard: Sendable {
  static let places = 10

  private let services: TrackerServices
  private let rest: RESTClient
  private let isOn: @Sendable (GuildID) -> Bool

  /// - Parameter isOn: whether the plugin is on in that server.
  init(_ services: TrackerServices, rest: RESTClient, isOn: @escaping @Sendable (GuildID) -> Bool) {
    self.services = services
    self.rest = rest
    self.isOn = isOn
  }

  /// Before the runner starts.
  func register(on runner: JobRunner) async {
    await runner.handle(WeeklyPost.kind) { [self] job, _ in try await run(job.guild) }
  }

  private func run(_ guild: GuildID) async throws -> JobResult {
    let now = services.time.timestamp
    let record = services.servers.record(of: guild)
    guard let wanted = record.leaderboardChannel else { return .done }
    let next = JobResult.again(at: WeeklyPost.due(after: now))
    // Switched off for a while: the setting stays.
    guard isOn(guild), services.servers.isOn(.leaderboard, in: guild), services.servers.isOn(.notifications, in: guild)
    else { return next }
    do {
      guard let channel = try await channel(wanted, of: guild) else {
        try await end(guild, wanted, reason: "there is no such channel")
        return .done
      }
      guard let body = try await body(for: guild, at: now) else { return next }
      _ = try await rest.createMessage(body, in: channel)
    } catch DiscordError.refused(let refusal) where refusal.status == 403 || refusal.status == 404 {
      try await end(guild, wanted, reason: refusal.message)
      return .done
    } catch DiscordError.refused(let refusal) where refusal.status < 500 {
      services.log.error(
        "the leaderboard of a week was refused",
        ["guild": .string("\(guild)"), "reason": .string(refusal.message)])
    }
    return next
  }

  /// By its id or its name, of this server alone: whoever may write the setting may not write elsewhere.
  private func channel(_ wanted: String, of guild: GuildID) async throws -> Snowflake? {
    let open = try await rest.channels(of: Snowflake(rawValue: guild.rawValue)).filter {
      $0.type == .guildText || $0.type == .guildAnnouncement
    }
    let named = open.filter { $0.name?.lowercased() == wanted.lowercased() }.map(\.id)
    return open.first { "\($0.id)" == wanted }?.id ?? named.min { $0.rawValue < $1.rawValue }
  }

  /// Nil if nobody did anything.
  private func body(for guild: GuildID, at now: Timestamp) async throws -> MessageBody? {
    let last = WeeklyPost.lastDay(before: now)
    let board = try await services.kills.leaderboard(
      .kills, .weekly, serverID: "\(guild)", limit: Self.places, around: last,
      // The server's own channel: its members' leaderboard is theirs to see.
      for: KillViewer(user: nil, isAdmin: true))
    let entries = board.entries.filter { $0.value > 0 }
    guard !entries.isEmpty else { return nil }
    let embed = Embed(
      title: "Kills of the week", description: entries.map(Self.line).joined(separator: "\n"),
      color: FeedWords.color,
      footer: Embed.Footer(
        "\(Calendar.text(ofDay: last - 6)) to \(Calendar.text(ofDay: last)), UTC. ▲ and ▼ against the week before. "
          + "Players who are private are left out."))
    return MessageBody(
      embeds: [embed], allowedMentions: AllowedMentions.none,
      // At most 25 characters: the same week is one message.
      nonce: "w" + String(guild.rawValue, radix: 36) + String(last, radix: 36))
  }

  /// `#1` **Ace** · 12 · ▲2
  private static func line(_ entry: LeaderboardEntry) -> String {
    let change =
      switch entry.change {
      case nil: "new"
      case .some(let steps) where steps > 0: "▲\(steps)"
      case .some(let steps) where steps < 0: "▼\(-steps)"
      default: "="
      }
    return "`#\(TrackerWords.number(entry.rank))` **\(TrackerWords.name(entry.player))** · "
      + "\(TrackerWords.number(Int64(entry.value))) · \(change)"
  }

  /// Switches itself off, unless the setting is another by now.
  private func end(_ guild: GuildID, _ wanted: String, reason: String) async throws {
    guard services.servers.record(of: guild).leaderboardChannel == wanted else { return }
    try await services.servers.update(guild, ServerChanges(leaderboardChannel: .some(nil)), by: UserID(0))
    services.log.warning(
      "the weekly leaderboard of a server switched itself off",
      ["guild": .string("\(guild)"), "channel": .string(wanted), "reason": .string(reason)])
  }
}
