import Core
import Platform
import Storage
import Synchronization

/// Who may see that a player is a player: their name in lists, their statistics, their place on leaderboards.
public enum Privacy: String, Sendable, CaseIterable, DatabaseValueConvertible {
  case `public` = "PUBLIC"
  /// Only the player and admins; and, of a kill, those who took part in it.
  case `private` = "PRIVATE"
}

/// What is known of somebody who plays.
public struct PlayerProfile: Sendable, Equatable {
  public var user: UserID
  /// The name in the game, as the user says or as it was proved.
  public var handle: String?
  /// Whether the handle was proved. One that was not resolves to nobody.
  public var isVerified: Bool
  public var privacy: Privacy
  /// Time in the game, from sessions of logs and from clients.
  public var playTime: Duration
  /// Nil for a user who never said anything and appeared in no kill.
  public var updatedAt: Timestamp?
}

/// Players: users, and those who are known by a handle alone.
///
/// Everybody who appears in a kill has one row. A handle leads to a user only once it is verified; then the user takes
/// over what was known of the handle.
public struct Players: Sendable {
  let database: Database
  let time: any TimeSource

  /// - Returns: what a user who never said anything has, if there is nothing.
  public func profile(of user: UserID) async throws -> PlayerProfile {
    try await database.read { try Self.profile(of: user, in: $0) }
  }

  private static func profile(of user: UserID, in transaction: ReadTransaction) throws -> PlayerProfile {
    try transaction.queryOne(
      "SELECT handle, claimed_handle, privacy, play_seconds, updated_at FROM players WHERE user_id = $1", user
    ) { row in
      let handle: String? = try row["handle"]
      return PlayerProfile(
        user: user, handle: try handle ?? row["claimed_handle"], isVerified: handle != nil, privacy: try row["privacy"],
        playTime: .seconds(try row.value("play_seconds", as: Int64.self)), updatedAt: try row["updated_at"])
    }
      ?? PlayerProfile(user: user, handle: nil, isVerified: false, privacy: .public, playTime: .zero)
  }

  /// Changes what a user says of themselves. A new handle is a claim until it is verified, and gives up the verified one
  /// of before; the kills that were recorded under that stay the user's.
  /// - Parameters:
  ///   - handle: nil: unchanged; `.some(nil)`: none.
  ///   - more: what is to be stored with it, or not at all.
  /// - Throws: ``KillError``: `handleTaken` if it is verified as somebody else's.
  @discardableResult
  public func update(
    _ user: UserID, handle: String?? = nil, privacy: Privacy? = nil,
    with more: @escaping @Sendable (Transaction) throws -> Void = { _ in }
  ) async throws -> PlayerProfile {
    let handle: String?? = try handle.map { try $0.map { try KillReport.handle($0, field: "rsiHandle") } }
    let now = time.timestamp
    return try await database.write { transaction in
      try transaction.lock(KillWriter.lockName)
      let id = try Self.player(of: user, at: now, in: transaction)
      if let handle {
        Self.ownershipChanges(in: transaction)
        if let handle, let owner = try Self.owner(of: handle, in: transaction), owner != user {
          throw KillError.handleTaken
        }
        let own = try transaction.queryOne("SELECT handle_key FROM players WHERE id = $1", id) {
          try $0.value("handle_key", as: String?.self)
        }
        // One's own verified name again, in another case or the same, stays verified.
        let isOwn = handle != nil && own == handle?.lowercased()
        try transaction.execute(
          """
          UPDATE players SET claimed_handle = $2, claimed_key = $5, updated_at = $3,
            handle = CASE WHEN $4 THEN $2 ELSE NULL END, handle_key = CASE WHEN $4 THEN handle_key ELSE NULL END
          WHERE id = $1
          """, id, handle, now, isOwn, handle?.lowercased())
      }
      if let privacy {
        try transaction.execute(
          "UPDATE players SET privacy = $2, updated_at = $3 WHERE id = $1", id, privacy, now)
        // Boards leave private players out.
        try transaction.execute("UPDATE kill_version SET version = version + 1 WHERE number = 2")
      }
      try more(transaction)
      return try Self.profile(of: user, in: transaction)
    }
  }

  /// The handle is proved to be the user's: what was known of it becomes theirs.
  /// - Throws: ``KillError``: `handleTaken` if it was proved to be somebody else's before.
  public func verify(_ handle: String, of user: UserID) async throws {
    let handle = try KillReport.handle(handle, field: "rsiHandle")
    let now = time.timestamp
    try await database.write { try Self.verify(handle, of: user, at: now, in: $0) }
  }

  /// The same as part of a transaction.
  /// - Parameter handle: one that was checked.
  static func verify(_ handle: String, of user: UserID, at now: Timestamp, in transaction: Transaction) throws {
    try transaction.lock(KillWriter.lockName)
    ownershipChanges(in: transaction)
    if let owner = try Self.owner(of: handle, in: transaction), owner != user { throw KillError.handleTaken }
    let own = try Self.player(of: user, at: now, in: transaction)
    let named = try Self.player(named: handle, in: transaction)
    if let named, named != own {
      try KillWriter.move(from: named, to: own, in: transaction)
      try transaction.execute("DELETE FROM players WHERE id = $1", named)
    }
    try transaction.execute(
      """
      UPDATE players SET handle = $2, handle_key = $3, claimed_handle = $2, claimed_key = $3, updated_at = $4
      WHERE id = $1
      """, own, handle, handle.lowercased(), now)
  }

  /// Counts what is new of a session.
  /// - Returns: the seconds that it added, and the user's whole time in the game.
  /// - Throws: ``KillError``: `invalid`.
  public func played(_ session: PlayedSession, by user: UserID) async throws -> (added: Int, total: Duration) {
    let now = time.timestamp
    try session.check(at: now)
    return try await database.write { transaction in
      try transaction.lock(KillWriter.lockName)
      let added = try session.count(for: user, at: now, in: transaction)
      return (Int(added), try Self.profile(of: user, in: transaction).playTime)
    }
  }

  /// Another number as soon as a handle may have another owner, before anybody hears of that: see
  /// ``owner(of:in:)``. Of the whole process, so that a change in one database can only be one too many for another.
  public static var ownershipChanges: UInt64 { changes.load(ordering: .acquiring) }
  private static let changes = Atomic<UInt64>(0)

  /// To be called by every transaction that may change whose a handle is.
  static func ownershipChanges(in transaction: Transaction) {
    transaction.afterCommit { changes.add(1, ordering: .releasing) }
  }

  /// Whose the handle is; nil unless it is verified.
  /// - Parameter handle: in any case.
  public static func owner(of handle: String, in transaction: ReadTransaction) throws -> UserID? {
    try transaction.queryOne(
      "SELECT user_id FROM players WHERE handle_key = $1 AND user_id IS NOT NULL", handle.lowercased()
    ) { try $0["user_id"] }
  }

  // MARK: - Rows

  static func find(user: UserID, in transaction: ReadTransaction) throws -> Int64? {
    try transaction.queryOne("SELECT id FROM players WHERE user_id = $1", user) { try $0["id"] }
  }

  static func player(named handle: String, in transaction: ReadTransaction) throws -> Int64? {
    try transaction.queryOne("SELECT id FROM players WHERE handle_key = $1", handle.lowercased()) { try $0["id"] }
  }

  /// Whoever records kills under that name without having proved it, first come. Good for finding those kills, which show
  /// name and account beside each other; never for saying who somebody else meant by the name.
  static func player(claiming handle: String, in transaction: ReadTransaction) throws -> Int64? {
    try transaction.queryOne(
      "SELECT id FROM players WHERE claimed_key = $1 AND user_id IS NOT NULL ORDER BY id LIMIT 1", handle.lowercased()
    ) { try $0["id"] }
  }

  /// Remembers the name under which a user records kills, if the user never said any.
  static func claim(_ handle: String, for player: Int64, in transaction: Transaction) throws {
    try transaction.execute(
      "UPDATE players SET claimed_handle = $2, claimed_key = $3 WHERE id = $1 AND claimed_handle IS NULL", player,
      handle,
      handle.lowercased())
  }

  /// The user's row, made if there is none.
  static func player(of user: UserID, at now: Timestamp, in transaction: Transaction) throws -> Int64 {
    if let known = try find(user: user, in: transaction) { return known }
    return try insert(user: user, handle: nil, at: now, in: transaction)
  }

  static func insert(user: UserID?, handle: String?, at now: Timestamp, in transaction: Transaction) throws -> Int64 {
    let id = try transaction.queryOne(
      """
      INSERT INTO players (user_id, handle, handle_key, privacy, play_seconds, created_at, updated_at)
      VALUES ($1, $2, $3, 'PUBLIC', 0, $4, $4) RETURNING id
      """, user, handle, handle?.lowercased(), now
    ) { try $0.value("id", as: Int64.self) }
    guard let id else { throw DatabaseError(.other, "a new player has no id") }
    return id
  }
}
