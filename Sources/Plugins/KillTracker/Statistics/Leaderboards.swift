import Core
import Platform
import Storage

public struct LeaderboardEntry: Sendable, Equatable {
  /// One more than the players who have a greater value; equal values share a rank.
  public var rank: Int
  public var player: KillParty
  public var value: Double
  /// How many ranks better than in the period before; nil for somebody who was not ranked then.
  public var change: Int?

  /// `+5`, `-2`, `0`: as the documents print it.
  public var changeText: String {
    guard let change, change != 0 else { return "0" }
    return change > 0 ? "+\(change)" : "\(change)"
  }
}

public struct Leaderboard: Sendable, Equatable {
  public var metric: LeaderboardMetric
  public var period: LeaderboardPeriod
  public var entries: [LeaderboardEntry]
  /// The viewer's own place, also if private or not among the entries; nil if not ranked.
  public var own: LeaderboardEntry?
}

extension Kills {
  /// Who leads, and how that changed. Private players are not on it; their own place is shown to themselves alone.
  /// - Parameters:
  ///   - serverID: nil: all servers.
  ///   - limit: 1 … ``pageLimit``.
  ///   - day: in which the period lies; nil: today.
  /// - Throws: ``KillError``: `invalid`; `off` and `forbidden` as ``ServerSettings/check(_:of:for:)``.
  public func leaderboard(
    _ metric: LeaderboardMetric, _ period: LeaderboardPeriod, serverID: String? = nil, limit: Int = 10,
    around day: Int64? = nil, for viewer: KillViewer
  ) async throws -> Leaderboard {
    guard (1...Self.pageLimit).contains(limit) else {
      throw KillError.invalid(field: "limit", reason: "must lie between 1 and \(Self.pageLimit)")
    }
    try await servers?.check(.leaderboard, of: serverID, for: viewer)
    let days = period.days(around: day ?? Calendar.day(of: time.timestamp))
    let keys = [days.current, days.previous].map { Board.Key(serverID: serverID, days: $0) }
    let viewerID = try await ownPlayer(of: viewer)
    let ranking = Self.rank(try await boards.read(keys, by: metric), metric, limit: limit, own: viewerID)
    let ids = ranking.map(\.player)
    let parties = try await database.read { try Self.parties(ids, in: $0) }
    let entries = ranking.map { place in
      LeaderboardEntry(
        rank: place.rank,
        player: parties[place.player]
          ?? KillParty(playerID: place.player, user: nil, name: "Unknown", avatarURL: nil, isHidden: false),
        value: metric == .kdr ? (place.value * 100).rounded() / 100 : place.value, change: place.change)
    }
    let own = zip(ranking, entries).first { $0.0.isOwn }?.1
    return Leaderboard(
      metric: metric, period: period, entries: zip(ranking, entries).filter { $0.0.isListed }.map(\.1), own: own)
  }

  private func ownPlayer(of viewer: KillViewer) async throws -> Int64? {
    guard let user = viewer.user else { return nil }
    return try await database.read { try Players.find(user: user, in: $0) }
  }

  /// What a player is called and which account is theirs.
  /// - Throws: ``KillError``: `forbidden` for a private player, `notFound` if nobody has that number.
  func party(_ player: Int64, for viewer: KillViewer) async throws -> KillParty {
    try await database.read { transaction in
      try Self.checkPrivacy(of: player, for: viewer, in: transaction)
      guard let party = try Self.parties([player], in: transaction)[player] else { throw KillError.notFound }
      return party
    }
  }

  struct Place: Equatable {
    var player: Int64
    var value: Double
    var rank: Int
    var change: Int?
    var isOwn: Bool
    var isListed: Bool
  }

  /// - Parameter view: a board, and that of the period before.
  private static func rank(_ view: Boards.View, _ metric: LeaderboardMetric, limit: Int, own: Int64?) -> [Place] {
    var listed = view.best(limit, of: 0, by: metric).map { ($0.player, $0.value, true) }
    if let own, !listed.contains(where: { $0.0 == own }), let value = view.boards[0].value(metric, of: own) {
      listed.append((own, value, false))
    }
    let ranks = view.ranks(of: listed.map(\.1), on: 0, by: metric)
    let known = listed.enumerated().compactMap { index, entry in
      view.boards[1].value(metric, of: entry.0).map { (index: index, value: $0) }
    }
    var changes: [Int: Int] = [:]
    for (entry, rank) in zip(known, view.ranks(of: known.map(\.value), on: 1, by: metric)) {
      changes[entry.index] = rank - ranks[entry.index]
    }
    return listed.enumerated().map { index, entry in
      Place(
        player: entry.0, value: entry.1, rank: ranks[index], change: changes[index], isOwn: entry.0 == own,
        isListed: entry.2)
    }
  }

  /// What players are called. For lists that hold no private ones, or the viewer's own.
  static func parties(_ ids: [Int64], in transaction: ReadTransaction) throws -> [Int64: KillParty] {
    guard !ids.isEmpty else { return [:] }
    // Filled up to few sizes, so that few statements are prepared.
    let size = [1, 11, 101].first { $0 >= ids.count } ?? ids.count
    let padded = ids + Array(repeating: ids[0], count: size - ids.count)
    let rows = try transaction.query(
      """
      SELECT p.id, p.user_id, p.handle, p.claimed_handle, u.global_name, u.avatar_url FROM players p
      LEFT JOIN users u ON u.id = p.user_id WHERE p.id IN (\((1...size).map { "$\($0)" }.joined(separator: ", ")))
      """, parameters: padded
    ) { row in
      let user: UserID? = try row["user_id"]
      let handle = try row.value("handle", as: String?.self) ?? row.value("claimed_handle", as: String?.self)
      let name = try handle ?? row.value("global_name", as: String?.self) ?? user.map { "\($0)" } ?? "Unknown"
      return KillParty(
        playerID: try row["id"], user: user, name: name, avatarURL: try row["avatar_url"], isHidden: false)
    }
    return Dictionary(rows.compactMap { party in party.playerID.map { ($0, party) } }, uniquingKeysWith: { $1 })
  }
}
