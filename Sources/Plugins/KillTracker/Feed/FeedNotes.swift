import Core
import Platform
import Storage

/// What feeds have to know of servers.
struct FeedServers: Sendable {
  /// Whether that server wants to read of kills: plugin and notifications are on.
  let isOn: @Sendable (GuildID) -> Bool
  /// Whether its kills are told to nobody else.
  let isPrivate: @Sendable (GuildID) -> Bool
}

extension FeedServers {
  /// - Parameter isOn: whether the plugin is on there.
  init(_ settings: ServerSettings?, isOn: @escaping @Sendable (GuildID) -> Bool) {
    self.init(
      isOn: { guild in
        guard isOn(guild) else { return false }
        guard let settings else { return true }
        return settings.isOn(.notifications, in: guild) && settings.record(of: guild).killNotifications
      }, isPrivate: { settings?.isPrivate($0) ?? false })
  }
}

/// Notes for each server's feed what it is to tell: part of the transaction that marks the events as handled, so that each
/// kill is noted once.
struct FeedNotes: Sendable {
  /// Kills that may wait for one server; what comes beyond is told as a number.
  static let capacity = 50
  /// A kill that lies longer back is told as a number, too: after a rest of the bot, or out of an old log.
  static let freshness = Duration.seconds(3_600)
  /// How long a burst is gathered.
  static let gathering = Duration.seconds(2)
  /// How long numbers are gathered, for logs can bring thousands of old kills.
  static let summaryGathering = Duration.seconds(60)

  let jobs: Jobs
  let time: any TimeSource
  let servers: FeedServers

  /// A kill that can be told.
  private struct Item {
    var position: Int64
    var id: KillID
    var guild: GuildID?
    var kind: KillKind
    var users: [UserID]
    /// From when its age counts: from when it happened, but what a person tells of, perhaps confirmed much later, is new
    /// when it is recorded.
    var newSince: Timestamp
    /// Of the vehicle that the victim lost, in aUEC; nil if none is known.
    var value: Int64?
  }

  func note(_ events: [DomainEvent], in transaction: Transaction) throws {
    let feeds = try KillFeeds.all(in: transaction).filter { servers.isOn($0.guild) }
    guard !feeds.isEmpty else { return }
    var items = events.compactMap(Self.item)
    guard !items.isEmpty else { return }
    if feeds.contains(where: { $0.filter.minimumValue > 0 }) { try Self.findValues(of: &items, in: transaction) }
    let places = feeds.contains { $0.filter.membersOnly } ? try Self.servers(of: items, in: transaction) : [:]
    // In the order of the guilds, so that two processes cannot hold rows crosswise.
    for feed in feeds {
      let own = items.filter { item in
        guard feed.filter.passes(kind: item.kind, value: item.value) else { return false }
        if let guild = item.guild, guild != feed.guild, servers.isPrivate(guild) { return false }
        guard feed.filter.membersOnly else { return true }
        // Whether they are members now is asked when it is told.
        return item.guild == feed.guild || item.users.contains { places[$0]?.contains(feed.guild) == true }
      }
      if !own.isEmpty { try note(own, for: feed.guild, in: transaction) }
    }
  }

  /// Nil for what is told to nobody: kills in which somebody private has a part.
  private static func item(_ event: DomainEvent) -> Item? {
    let data = event.data
    guard data["killerIsPrivate"]?.bool != true, data["victimIsPrivate"]?.bool != true,
      let id = data["id"]?.string.flatMap({ KillID($0) }),
      let kind = data["kind"]?.string.flatMap({ KillKind(rawValue: $0) })
    else { return nil }
    let happened = data["timestamp"]?.string.flatMap { Timestamp(iso8601: $0) } ?? event.at
    return Item(
      position: event.position, id: id, guild: event.guildID, kind: kind, users: event.subjects.compactMap(\.user),
      newSince: data["source"]?.string == KillSource.report.rawValue ? event.at : happened)
  }

  private func note(_ items: [Item], for guild: GuildID, in transaction: Transaction) throws {
    let now = time.timestamp
    let fresh = items.filter { now - $0.newSince <= Self.freshness }
    let row = try transaction.queryOne(
      """
      UPDATE kill_feeds SET waiting = waiting + $2, missed = missed + $3 WHERE guild_id = $1
      RETURNING waiting, missed
      """, guild, fresh.count, items.count - fresh.count
    ) { (waiting: try $0.value("waiting", as: Int.self), missed: try $0.value("missed", as: Int.self)) }
    // Switched off meanwhile.
    guard let row else { return }
    let before = (waiting: row.waiting - fresh.count, missed: row.missed - (items.count - fresh.count))
    let overflow = min(fresh.count, max(0, row.waiting - Self.capacity))
    if overflow > 0 {
      try transaction.execute(
        "UPDATE kill_feeds SET waiting = waiting - $2, missed = missed + $2 WHERE guild_id = $1", guild, overflow)
    }
    for item in fresh.dropLast(overflow) {
      try transaction.execute(
        "INSERT INTO kill_feed_posts (guild_id, position, kill_id, occurred_at) VALUES ($1, $2, $3, $4)", guild,
        item.position, item.id, item.newSince)
    }
    // A job that waits already, perhaps for Discord to answer again, is left at its time.
    guard before.waiting == 0 else { return }
    if fresh.count > 0 {
      try schedule(guild, after: Self.gathering, in: transaction)
    } else if before.missed == 0 {
      try schedule(guild, after: Self.summaryGathering, in: transaction)
    }
  }

  private func schedule(_ guild: GuildID, after pause: Duration, in transaction: Transaction) throws {
    try jobs.schedule(
      FeedJob.kind, FeedJob(guild: guild), at: time.timestamp + pause, key: "\(guild)", in: transaction)
  }

  // MARK: - What the events do not tell

  private static func findValues(of items: inout [Item], in transaction: ReadTransaction) throws {
    var values: [KillID: Int64] = [:]
    try transaction.inChunks(items.map(\.id)) { list, parameters in
      let rows = try transaction.query(
        """
        SELECT k.id, k.details, l.name AS location FROM kills k LEFT JOIN kill_names l ON l.id = k.location_id
        WHERE k.id IN (\(list))
        """, parameters: parameters
      ) { row in
        (
          id: try row.value("id", as: KillID.self), details: try row.value("details", as: JSON?.self),
          location: try row.value("location", as: String?.self)
        )
      }
      for row in rows { values[row.id] = LostVehicle(details: row.details, location: row.location)?.price }
    }
    for index in items.indices { items[index].value = values[items[index].id] }
  }

  /// In which servers the tracker has met these users.
  private static func servers(
    of items: [Item], in transaction: ReadTransaction
  ) throws -> [UserID: Set<GuildID>] {
    var servers: [UserID: Set<GuildID>] = [:]
    try transaction.inChunks(Array(Set(items.flatMap(\.users)))) { list, parameters in
      let rows = try transaction.query(
        "SELECT user_id, guild_id FROM guild_members WHERE user_id IN (\(list)) AND left_at IS NULL",
        parameters: parameters
      ) { (try $0.value("user_id", as: UserID.self), try $0.value("guild_id", as: GuildID.self)) }
      for (user, guild) in rows { servers[user, default: []].insert(guild) }
    }
    return servers
  }
}

/// The vehicle in which a victim died, as far as a kill tells: the reporter named it, or it is the zone of the kill.
struct LostVehicle: Sendable, Equatable {
  var name: String
  /// In aUEC.
  var price: Int64?

  init?(details: JSON?, location: String?) {
    if let name = details?["victimVehicle"]?.string, !name.isEmpty {
      self.name = name
      price = VehicleDirectory.shared.named(name)?.price
    } else if let location, let vehicle = VehicleDirectory.shared.named(location) {
      name = location
      price = vehicle.price
    } else {
      return nil
    }
  }
}
