import Core
import Platform
import Storage

/// A player as others may know them: by the name in the game.
public struct PlayerSketch: Sendable, Equatable {
  public var id: Int64
  public var handle: String
  /// The user who proved that the handle is theirs; nil: nobody did.
  public var user: UserID?
  public var privacy: Privacy
  /// When the player first and last appeared in a kill or said something of themselves.
  public var knownSince: Timestamp
  public var updatedAt: Timestamp
}

extension Players {
  /// The player of that handle, in any case. What somebody only claims leads to nobody.
  public func sketch(ofHandle handle: String) async throws -> PlayerSketch? {
    try await database.read { transaction in
      try transaction.queryOne(
        "SELECT id, handle, user_id, privacy, created_at, updated_at FROM players WHERE handle_key = $1",
        handle.lowercased()
      ) { row in
        PlayerSketch(
          id: try row["id"], handle: try row.value("handle", as: String?.self) ?? handle, user: try row["user_id"],
          privacy: try row["privacy"], knownSince: try row["created_at"], updatedAt: try row["updated_at"])
      }
    }
  }
}
