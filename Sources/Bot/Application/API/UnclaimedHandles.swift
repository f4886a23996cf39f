import Core
import HTTPAPI
import Storage

/// Nobody's handle is verified: this build has nothing that verifies players' handles, so an API key may name any.
struct UnclaimedHandles: HandleOwnership {
  func owner(of handle: String, in transaction: ReadTransaction) throws -> UserID? { nil }
}
