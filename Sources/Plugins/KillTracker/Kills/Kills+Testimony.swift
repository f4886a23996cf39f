import Core
import Platform

extension Kills {
  /// Says who did it, where the reporter names a killer: kills of others are their own to tell, but of a death the victim
  /// knows who did it.
  /// - Parameters:
  ///   - report: as if the reporter were the killer.
  ///   - killer: nil, or a name of the reporter's: the reporter.
  ///   - victim: as the reporter named them.
  /// - Throws: ``KillError``: `invalid` for `killerId`, unless killer or victim is the reporter.
  public func attributing(
    _ report: KillReport, to killer: String?, victim: String?, by reporter: KillReporter
  ) async throws -> KillReport {
    guard let killer else { return report }
    let names = try await names(of: reporter)
    guard !names.contains(killer.lowercased()) else { return report }
    guard report.kind == .pvp || report.kind == .pve, let victim, names.contains(victim.lowercased()) else {
      throw KillError.invalid(field: "killerId", reason: "must be the caller, unless the caller is the victim")
    }
    var report = report
    report.victim = .caller
    report.kind = report.kind == .pve ? .npc : .pvp
    report.killer = report.kind == .npc ? .character(killer) : ReportedParty(text: killer)
    return report
  }

  /// In lower case: the id, and the name of the key, else the handle if it is proved.
  private func names(of reporter: KillReporter) async throws -> Set<String> {
    var names: Set = ["\(reporter.user)"]
    if let name = reporter.playerName {
      names.insert(name.lowercased())
    } else {
      let profile = try await players.profile(of: reporter.user)
      if profile.isVerified, let handle = profile.handle { names.insert(handle.lowercased()) }
    }
    return names
  }
}
