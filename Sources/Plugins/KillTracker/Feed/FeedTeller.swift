import Core
import Platform
import Storage

/// Tells one server's feed what waits for it.
struct FeedJob: Codable, Sendable {
  /// An outage is waited out, however long: what grows too old meanwhile is told as a number.
  static let kind = JobKind<FeedJob>(
    "killtracker.feed", retry: JobRetry(first: .seconds(5), longest: .seconds(600), attempts: 1_000_000), concurrency: 4
  )

  var guild: GuildID
}

/// A message of a feed.
public struct FeedMessage: Sendable, Equatable {
  public struct Item: Sendable, Equatable {
    public var kill: Kill
    public var vehicle: String?
    /// In aUEC.
    public var vehiclePrice: Int64?
  }

  /// The same for the same content: Discord makes one message of two requests that have it.
  public var nonce: String
  /// At most ``FeedTeller/messageSize``, the oldest first.
  public var items: [Item]
  /// How many more there are that are not told one by one.
  public var missed: Int
}

/// Where feeds are read: Discord.
public protocol FeedOutlet: Sendable {
  /// - Throws: ``FeedOutletFailure``; anything else may succeed later.
  func post(_ message: FeedMessage, in channel: FeedChannelID) async throws
  /// - Throws: if it cannot be asked now.
  func isMember(_ user: UserID, of guild: GuildID) async throws -> Bool
}

public enum FeedOutletFailure: Error, Sendable, Equatable {
  /// The channel is gone, or the bot may not write there: somebody has to do something.
  case closed(reason: String)
  /// The message itself is not taken: to send it again cannot help.
  case refused(reason: String)
}

struct FeedTeller: Sendable {
  /// Embeds in one message.
  static let messageSize = 10
  /// Between two messages of one feed.
  static let pause = Duration.seconds(2)

  let database: Database
  let feeds: KillFeeds
  let membership: Membership
  let outlet: any FeedOutlet
  let time: any TimeSource
  let servers: FeedServers
  let log: Log

  /// What goes into one message; sent again after a failure, it is the same.
  private struct Portion {
    var feed: KillFeed
    var first: Int64
    /// What the database knows it by; negative where there is no single kill, only a number.
    var last: Int64
    var kills: [KillID]
    var missed: Int
  }

  func run(_ job: FeedJob, _ run: JobRun) async throws -> JobResult {
    guard servers.isOn(job.guild) else {
      try await forget(job.guild, run)
      return .done
    }
    guard let portion = try await take(job.guild) else {
      _ = try await database.write { try finish(job.guild, nil, run, in: $0) }
      return .done
    }
    let items = try await items(of: portion)
    if !items.isEmpty || portion.missed > 0 {
      do {
        try await outlet.post(
          FeedMessage(nonce: Self.nonce(portion), items: items, missed: portion.missed), in: portion.feed.channel)
      } catch FeedOutletFailure.closed(let reason) {
        try await close(portion.feed, reason)
        return .done
      } catch FeedOutletFailure.refused(let reason) {
        // One message less; it must not stand in the way of all that follow.
        log.error(
          "a message of a kill feed was refused", ["guild": .string("\(job.guild)"), "reason": .string(reason)])
      }
    }
    let rest = try await database.write { try finish(job.guild, portion, run, in: $0) }
    guard rest.waiting + rest.missed > 0 else { return .done }
    return .again(at: time.timestamp + (rest.waiting > 0 ? Self.pause : FeedNotes.summaryGathering))
  }

  // MARK: - Steps

  /// Takes the next message out, or the one of a run that failed once more.
  private func take(_ guild: GuildID) async throws -> Portion? {
    let now = time.timestamp
    return try await database.write { transaction in
      // Holds the row.
      let state = try transaction.queryOne(
        "UPDATE kill_feeds SET sending = sending WHERE guild_id = $1 RETURNING \(KillFeed.columns), sending, sending_missed",
        guild
      ) { row in
        (
          feed: try KillFeed(row), sending: try row.value("sending", as: Int64?.self),
          missed: try row.value("missed", as: Int.self), sendingMissed: try row.value("sending_missed", as: Int.self)
        )
      }
      guard let state else { return nil }
      if let last = state.sending {
        let posts = try Self.posts(of: guild, through: last, in: transaction)
        return Portion(
          feed: state.feed, first: posts.first?.position ?? last, last: last, kills: posts.map(\.kill),
          missed: state.sendingMissed)
      }
      let late = try transaction.execute(
        "DELETE FROM kill_feed_posts WHERE guild_id = $1 AND occurred_at < $2", guild,
        now + (.zero - FeedNotes.freshness))
      let posts = try Self.posts(of: guild, through: .max, in: transaction)
      let missed = state.missed + late
      guard !posts.isEmpty || missed > 0 else { return nil }
      // With nothing but a number, the time stands for it.
      let last = posts.last?.position ?? -now.milliseconds
      try transaction.execute(
        """
        UPDATE kill_feeds SET waiting = waiting - $2, missed = missed + $2, sending = $3, sending_missed = $4
        WHERE guild_id = $1
        """, guild, late, last, missed)
      return Portion(
        feed: state.feed, first: posts.first?.position ?? last, last: last, kills: posts.map(\.kill), missed: missed)
    }
  }

  private static func posts(
    of guild: GuildID, through last: Int64, in transaction: ReadTransaction
  ) throws -> [(position: Int64, kill: KillID)] {
    try transaction.query(
      """
      SELECT position, kill_id FROM kill_feed_posts WHERE guild_id = $1 AND position <= $2
      ORDER BY position LIMIT \(messageSize)
      """, guild, last
    ) { (position: try $0.value("position", as: Int64.self), kill: try $0.value("kill_id", as: KillID.self)) }
  }

  /// What can be told of it now: kills can be deleted, players become private or leave.
  private func items(of portion: Portion) async throws -> [FeedMessage.Item] {
    let found = try await database.read { transaction in
      try portion.kills.compactMap { id in
        try transaction.queryOne("SELECT \(Kill.columns) FROM kills k \(Kill.joins) WHERE k.id = $1", id) { row in
          (kill: try Kill(row, for: .anonymous), details: try row.value("details", as: JSON?.self))
        }
      }
    }
    var items: [FeedMessage.Item] = []
    for (kill, details) in found {
      guard !kill.killer.isHidden, !kill.victim.isHidden else { continue }
      if let guild = kill.guildID, guild != portion.feed.guild, servers.isPrivate(guild) { continue }
      if portion.feed.filter.membersOnly, try await !concernsMember(kill, of: portion.feed.guild) { continue }
      let vehicle = LostVehicle(details: details, location: kill.location)
      items.append(FeedMessage.Item(kill: kill, vehicle: vehicle?.name, vehiclePrice: vehicle?.price))
    }
    return items
  }

  private func concernsMember(_ kill: Kill, of guild: GuildID) async throws -> Bool {
    for user in [kill.killer.user, kill.victim.user].compactMap({ $0 }) {
      if try await outlet.isMember(user, of: guild) {
        try await membership.met(user, in: guild)
        return true
      }
      try await membership.left(user, from: guild)
    }
    return false
  }

  /// Takes what was told away; if nothing is left, the job ends with it.
  /// - Returns: what is left.
  @discardableResult
  private func finish(
    _ guild: GuildID, _ portion: Portion?, _ run: JobRun, in transaction: Transaction
  ) throws -> (waiting: Int, missed: Int) {
    if let portion {
      let told = try transaction.execute(
        "DELETE FROM kill_feed_posts WHERE guild_id = $1 AND position <= $2", guild, portion.last)
      try transaction.execute(
        """
        UPDATE kill_feeds SET waiting = waiting - $2, missed = missed - $3, sending = NULL, sending_missed = 0,
          posted_at = $4
        WHERE guild_id = $1 AND sending = $5
        """, guild, told, portion.missed, time.timestamp, portion.last)
    }
    let rest = try transaction.queryOne(
      "UPDATE kill_feeds SET sending = sending WHERE guild_id = $1 RETURNING waiting, missed", guild
    ) { (waiting: try $0.value("waiting", as: Int.self), missed: try $0.value("missed", as: Int.self)) }
    guard let rest, rest.waiting + rest.missed > 0 else {
      try end(run, in: transaction)
      return (0, 0)
    }
    return rest
  }

  /// Scheduled again meanwhile, it runs once more and finds nothing: what was told stays told.
  private func end(_ run: JobRun, in transaction: Transaction) throws {
    do { try run.finish(in: transaction) } catch is JobLost { return }
  }

  /// The plugin is off there: what waits is of no use any more.
  private func forget(_ guild: GuildID, _ run: JobRun) async throws {
    try await database.write { transaction in
      try transaction.execute(
        "UPDATE kill_feeds SET waiting = 0, missed = 0, sending = NULL, sending_missed = 0 WHERE guild_id = $1", guild)
      try transaction.execute("DELETE FROM kill_feed_posts WHERE guild_id = $1", guild)
      try end(run, in: transaction)
    }
  }

  private func close(_ feed: KillFeed, _ reason: String) async throws {
    let entry = AuditEntry(
      userID: UserID(0), guildID: feed.guild, action: "killfeed_switched_off", category: "system",
      details: ["channel": .string("\(feed.channel)"), "reason": .string(reason)])
    guard try await feeds.remove(feed.guild, ifIn: feed.channel, entry) else { return }
    log.warning(
      "a kill feed switched itself off",
      ["guild": .string("\(feed.guild)"), "channel": .string("\(feed.channel)"), "reason": .string(reason)])
  }

  /// At most 25 characters, and no other message's: Discord looks for it among all that the bot sent of late, wherever.
  private static func nonce(_ portion: Portion) -> String {
    // FNV-1a.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in "\(portion.feed.guild) \(portion.first) \(portion.last)".utf8 {
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    return String(hash, radix: 36) + String(portion.last.magnitude, radix: 36)
  }
}
