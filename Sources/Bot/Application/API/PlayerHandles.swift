import Core
import HTTPAPI
import KillTracker
import Storage

/// Whose a player's handle is, as the kill tracker knows it: a user's who proved it. An API key may name any other.
struct PlayerHandles: HandleOwnership {
  func owner(of handle: String, in transaction: ReadTransaction) throws -> UserID? {
    try Players.owner(of: handle, in: transaction)
  }

  var changes: UInt64? { Players.ownershipChanges }
}
