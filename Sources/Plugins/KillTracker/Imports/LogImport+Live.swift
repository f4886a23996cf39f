import Core
import Platform
import Storage

extension LogImport {
  /// Records what a program tells of one kill.
  ///
  /// What it has from the log of a player whose handle the caller proved is what an uploaded log would say there: a death
  /// without a killer is a sign, which counts as a death by the environment while no kill tells more of it; it confirms
  /// what somebody reported of it, and a kill is the one that its killer reported. Everything else is recorded as it is.
  /// - Throws: ``KillError``; `DatabaseError`.
  public func record(_ report: KillReport, by reporter: KillReporter) async throws -> RecordedKill {
    guard report.source == .log, report.kind == .pvp || report.kind == .environment,
      let handle = try await kills.players.profile(of: reporter.user).verifiedHandle,
      reporter.playerName.map({ $0.lowercased() == handle.lowercased() }) ?? true
    else { return try await kills.record(report, by: reporter) }
    if report.kind == .environment {
      guard report.isOwnDeath(of: handle) else { return try await kills.record(report, by: reporter) }
      return try await record(death: report, of: handle, by: reporter.user)
    }
    let recorded = try await kills.record(report, by: reporter)
    try await adopt(recorded.kill, handle, by: reporter.user)
    return recorded
  }

  private func record(death report: KillReport, of handle: String, by user: UserID) async throws -> RecordedKill {
    let now = time.timestamp
    let report = try report.checked(at: now)
    try kills.checkTracking(report.serverID)
    let sign = LogDeaths.Sign(victim: handle, report, at: report.occurredAt ?? now)
    return try await kills.boards.writing { [self] in
      let (outcome, change) = try await database.write { [self] transaction in
        var changes = try KillChanges(kills.events, in: transaction)
        _ = try claims.confirm(sign, by: user, at: now, into: &changes, in: transaction)
        let outcome = try LogDeaths.record(
          [sign], by: user, serverID: report.serverID ?? Kill.defaultServer, at: now, into: &changes, in: transaction
        ).first
        let change = try changes.finish()
        guard let id = outcome?.kill, let kill = try Kill.find(id, for: KillViewer(user: user), in: transaction) else {
          throw DatabaseError(.other, "a death that was recorded cannot be read")
        }
        return (RecordedKill(kill: kill, isNew: outcome?.isNew ?? false), change)
      }
      return (outcome, change)
    }
  }

  /// Again does nothing: whoever does not hear of the answer sends the kill once more.
  private func adopt(_ kill: Kill, _ handle: String, by user: UserID) async throws {
    let victim = kill.victim.user == user ? handle : kill.victim.name
    // Nearly always there is none, which a look tells without holding anybody up.
    let waits = try await database.read { try !KillClaims.adoptable(kill, victim: victim, in: $0).isEmpty }
    guard waits else { return }
    let now = time.timestamp
    try await kills.boards.writing { [self] in
      let change = try await database.write { [self] transaction in
        var changes = try KillChanges(kills.events, in: transaction)
        _ = try claims.adopt(kill, victim: victim, by: user, at: now, into: &changes, in: transaction)
        return try changes.finish()
      }
      return ((), change)
    }
  }
}

extension KillReport {
  /// Whether it tells of that player's death, and of nobody who brought it about.
  fileprivate func isOwnDeath(of handle: String) -> Bool {
    func isOwn(_ party: ReportedParty) -> Bool {
      switch party {
      case .caller: true
      case .handle(let name), .logged(let name): name.lowercased() == handle.lowercased()
      case .user, .character: false
      }
    }
    return isOwn(killer) && isOwn(victim) && weapon == nil
  }
}
