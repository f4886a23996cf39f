import Core
import Platform
import Storage

/// What logs say of reports: those that are uploaded, and those that a program watches. The log is the user's own, which
/// the caller has checked.
extension KillClaims {
  /// A log tells of a kill: what its killer reported is the same kill.
  /// - Parameters:
  ///   - victim: as the log calls them.
  ///   - user: whose log it is.
  /// - Returns: reports that waited, and are confirmed now.
  func adopt(
    _ kill: Kill, victim: String, by user: UserID, at now: Timestamp, into changes: inout KillChanges,
    in transaction: Transaction
  ) throws -> [ClaimID] {
    try Self.adoptable(kill, victim: victim, in: transaction).compactMap { claim in
      try feed(.killInLog(kill.id, by: user), to: claim, by: user, at: now, into: &changes, in: transaction)
    }
  }

  /// What the killer may have reported of that kill.
  static func adoptable(_ kill: Kill, victim: String, in transaction: ReadTransaction) throws -> [Claim] {
    guard let killer = kill.killer.user else { return [] }
    return try claims(about: victim, near: kill.occurredAt, within: ClaimRules.sameKill, in: transaction)
      .filter { $0.facts.reporter == killer }
  }

  /// A user's own death confirms what another reported of them: one death is one kill, that of the first who reported
  /// it, unless one is recorded.
  /// - Returns: the report that is confirmed now.
  func confirm(
    _ sign: LogDeaths.Sign, by user: UserID, at now: Timestamp, into changes: inout KillChanges,
    in transaction: Transaction
  ) throws -> ClaimID? {
    guard sign.confidence >= ClaimRules.deathConfidence else { return nil }
    let others = try Self.claims(
      about: sign.victim, near: sign.at, within: ClaimRules.deathTolerance, in: transaction
    ).filter { $0.facts.reporter != user }
    guard !others.contains(where: \.state.isRecorded), let claim = others.first(where: { $0.state == .pending })
    else { return nil }
    return try feed(.deathInLog(of: user), to: claim, by: user, at: now, into: &changes, in: transaction)
  }

  private static func claims(
    about victim: String, near time: Timestamp, within tolerance: Duration, in transaction: ReadTransaction
  ) throws -> [Claim] {
    try ClaimStore.about(
      user: try Players.owner(of: victim, in: transaction), handle: victim, near: time, within: tolerance,
      in: transaction)
  }

  /// - Returns: the claim's id if this confirmed it.
  private func feed(
    _ input: Claim.Input, to claim: Claim, by user: UserID, at now: Timestamp, into changes: inout KillChanges,
    in transaction: Transaction
  ) throws -> ClaimID? {
    var claim = claim
    let before = claim.state
    _ = try apply(input, to: &claim, by: user, at: now, into: &changes, in: transaction)
    return before == .pending && claim.state == .confirmed ? claim.id : nil
  }
}
