import Core
import Platform
import Storage

/// A message in which a report stands to be read and answered.
struct ClaimMessage: Sendable, Equatable {
  var id: UInt64
  var channel: UInt64
  var guild: GuildID

  /// Brings the messages of a report up to date, or takes its content out of them once it is deleted. Scheduled in the
  /// transaction of the change. An outage of some hours is waited out; then it is given up until the next change.
  static let show = JobKind<Int64>(
    "killtracker.claim_messages", retry: JobRetry(first: .seconds(5), longest: .seconds(3_600), attempts: 12))

  /// Has a report's messages follow what this transaction changes; nothing if there are none.
  static func follow(_ claim: ClaimID, jobs: Jobs, at now: Timestamp, in transaction: Transaction) throws {
    let message = try transaction.queryOne(
      "SELECT message_id FROM kill_claim_messages WHERE claim_id = $1 LIMIT 1", claim, row: { _ in true })
    guard message != nil else { return }
    try jobs.schedule(show, claim.rawValue, at: now, key: claim.description, in: transaction)
  }
}
