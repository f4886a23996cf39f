import Core
import Platform
import Storage

/// Time in the game between one start and its end, as far as it is known: from a log that was read, or from a program
/// that tells of it while the game runs. It comes again with more; each second counts once.
public struct PlayedSession: Sendable, Equatable {
  public static let nameLimit = 64
  public static let longest = Duration.seconds(7 * 86_400)

  /// The game's own id of it, or another name that it keeps.
  public var name: String
  public var began: Timestamp
  /// Until when it is known.
  public var ended: Timestamp
  /// Of that, the time in the universe or in matches.
  public var played: Duration

  public init(name: String, began: Timestamp, ended: Timestamp, played: Duration) {
    self.name = name
    self.began = began
    self.ended = ended
    self.played = played
  }

  /// - Parameter id: what the log calls the session; nil: it is known by its beginning.
  init(_ end: LoggedSessionEnd, id: String?) {
    self.init(
      name: String((id ?? "at \(end.began.milliseconds)").prefix(Self.nameLimit)), began: end.began, ended: end.ended,
      played: end.played)
  }

  /// - Throws: ``KillError``: `invalid`, in the words of the HTTP API.
  func check(at now: Timestamp) throws {
    guard (1...Self.nameLimit).contains(name.utf16.count), !name.utf8.contains(0) else {
      throw KillError.invalid(field: "session", reason: "must have 1 to \(Self.nameLimit) characters")
    }
    guard began >= KillReport.earliest else { throw KillError.invalid(field: "began", reason: "too long ago") }
    guard ended >= began else { throw KillError.invalid(field: "ended", reason: "lies before the beginning") }
    guard ended <= now + KillReport.clockTolerance else {
      throw KillError.invalid(field: "ended", reason: "lies in the future")
    }
    guard ended - began <= Self.longest else {
      throw KillError.invalid(field: "began", reason: "a session lasts seven days at most")
    }
  }

  /// Adds what was not counted yet. One plays once at a time: a session that lies across another's time under another
  /// name is a piece of the same, and not counted again.
  /// - Returns: the seconds that are new.
  func count(for user: UserID, at now: Timestamp, in transaction: Transaction) throws -> Int64 {
    let seconds = min(max(0, played.components.seconds), (ended - began).components.seconds)
    guard seconds > 0 else { return 0 }
    let other = try transaction.queryOne(
      """
      SELECT session FROM kill_log_sessions
      WHERE user_id = $1 AND session <> $2 AND began_at < $4 AND ended_at > $3 LIMIT 1
      """, user, name, began, ended, row: { _ in true })
    guard other == nil else { return 0 }
    let before = try transaction.queryOne(
      "SELECT played_seconds FROM kill_log_sessions WHERE user_id = $1 AND session = $2", user, name
    ) { try $0.value("played_seconds", as: Int64.self) }
    let added = seconds - (before ?? 0)
    guard added > 0 else { return 0 }
    try transaction.execute(
      """
      INSERT INTO kill_log_sessions (user_id, session, began_at, ended_at, played_seconds) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (user_id, session) DO UPDATE SET ended_at = excluded.ended_at,
        played_seconds = excluded.played_seconds
      """, user, name, began, ended, seconds)
    let player = try Players.player(of: user, at: now, in: transaction)
    try transaction.execute(
      "UPDATE players SET play_seconds = play_seconds + $2, updated_at = $3 WHERE id = $1", player, added, now)
    return added
  }
}
