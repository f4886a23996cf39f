import Core
import Platform
import Storage

extension KillClaims {
  /// Feeds a claim and carries out what follows, in the caller's transaction.
  /// - Parameters:
  ///   - changes: where kills go; the caller counts them.
  ///   - actor: for the audit log; nil: time.
  /// - Returns: why it was refused, if it was. That may still have found the claim expired, which is stored.
  func apply(
    _ input: Claim.Input, to claim: inout Claim, by actor: UserID?, at now: Timestamp, into changes: inout KillChanges,
    in transaction: Transaction
  ) throws -> ClaimRefusal? {
    let before = claim
    var refusal: ClaimRefusal?
    for action in claim.handle(input, now: now) {
      switch action {
      case .record(let proof): try record(&claim, proof, at: now, into: &changes, in: transaction)
      case .adopt(let kill):
        if claim.ownsKill, let old = claim.kill, old != kill { try changes.remove(old) }
        claim.kill = kill
        claim.ownsKill = false
      case .retract: try retract(&claim, at: now, from: &changes, in: transaction)
      case .count(let confirmed, let rejected):
        try ClaimStore.count(confirmed: confirmed, rejected: rejected, of: claim.facts.reporter, in: transaction)
        claim.trust.confirmed += confirmed
        claim.trust.rejected += rejected
      case .wake(let moment):
        try jobs.schedule(Self.wake, claim.id.rawValue, at: moment, key: claim.id.description, in: transaction)
      case .rest: try jobs.withdraw(Self.wake, key: claim.id.description, in: transaction)
      case .refuse(let reason): refusal = reason
      }
    }
    guard claim != before else { return refusal }
    try ClaimStore.save(claim, at: now, in: transaction)
    try ClaimMessage.follow(claim.id, jobs: jobs, at: now, in: transaction)
    var details: JSON.Object = ["report": .string("\(claim.id)")]
    details["proof"] = claim.state.isRecorded ? claim.proof.map { .string($0.rawValue) } : nil
    details["kill"] = claim.kill.map { .string("\($0)") }
    // Whoever was refused only found that its time was over.
    let author = refusal == nil ? actor ?? claim.facts.reporter : claim.facts.reporter
    try Self.audit("kill_report_\(claim.state.rawValue)", author, claim.facts.guild, details, now, transaction)
    return refusal
  }

  static func audit(
    _ action: String, _ user: UserID, _ guild: GuildID, _ details: JSON.Object, _ now: Timestamp,
    _ transaction: Transaction
  ) throws {
    try AuditLog.append(
      AuditEntry(userID: user, guildID: guild, action: action, category: "kill_reports", details: details), at: now,
      in: transaction)
  }

  // MARK: - Kills

  private func record(
    _ claim: inout Claim, _ proof: Claim.Proof, at now: Timestamp, into changes: inout KillChanges,
    in transaction: Transaction
  ) throws {
    let facts = claim.facts
    // A handle that was proved since is somebody's by now, who is found by it.
    let victim: ReportedParty = facts.victim.map { .user($0) } ?? .logged(facts.victimName)
    let report = try KillReport(
      killer: .caller, victim: victim, kind: .pvp, occurredAt: facts.occurredAt, serverID: "\(facts.guild)",
      weapon: facts.weapon, location: facts.location, source: .report,
      confidence: ClaimRules.confidence(proof, trust: claim.trust), idempotencyKey: "\(claim.id)",
      details: ["report": .string("\(claim.id)"), "proof": .string(proof.rawValue)]
    ).checked(at: now)
    try LogDeaths.giveWay(
      of: try Self.handles(of: facts, in: transaction), near: facts.occurredAt, from: &changes, in: transaction)
    let entry = KillWriter.Entry(report: report, reporter: KillReporter(user: facts.reporter), now: now)
    switch try changes.record([entry]).first {
    case .recorded(let kill, let isNew):
      claim.kill = kill.id
      claim.ownsKill = isNew
    case .refused(let error): throw error
    case nil: throw DatabaseError(.other, "a kill was not recorded")
    }
  }

  /// Takes the kill out again, and lets the signs of death stand that it covered.
  private func retract(
    _ claim: inout Claim, at now: Timestamp, from changes: inout KillChanges, in transaction: Transaction
  ) throws {
    let kill = claim.ownsKill ? claim.kill : nil
    claim.kill = nil
    claim.ownsKill = false
    // Known from elsewhere, it is not ours to take.
    guard let kill else { return }
    try changes.remove(kill)
    try LogDeaths.restore(
      of: try Self.handles(of: claim.facts, in: transaction), near: claim.facts.occurredAt, at: now, into: &changes,
      in: transaction)
  }

  /// The names under which the victim's log may tell of the death.
  private static func handles(of facts: Claim.Facts, in transaction: ReadTransaction) throws -> [String] {
    let own = try facts.victim.flatMap { try verifiedHandle(of: $0, in: transaction) }
    return Array(Set([facts.victimHandle, own].compactMap { $0?.lowercased() })).sorted()
  }
}

extension UserID {
  /// When the account was made (Discord API Reference, "Snowflakes").
  var createdAt: Timestamp { Timestamp(milliseconds: Int64(rawValue >> 22) + 1_420_070_400_000) }
}
