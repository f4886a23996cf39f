import Core
import Platform
import Storage

/// One transaction of an import.
struct ImportStep {
  /// What became of a batch, to be added up.
  struct Result: Sendable {
    var recorded: [KillID] = []
    var known = 0
    var foreign = 0
    var refused = 0
    var problems: [String] = []
    var recordedDeaths = 0
    var confirmed: [ClaimID] = []
    var addedSeconds: Int64 = 0
  }

  let batch: ImportBatch
  let kills: Kills
  let reports: KillClaims
  let now: Timestamp
  let transaction: Transaction
  private(set) var result = Result()

  init(batch: ImportBatch, kills: Kills, claims: KillClaims, now: Timestamp, transaction: Transaction) {
    self.batch = batch
    self.kills = kills
    reports = claims
    self.now = now
    self.transaction = transaction
  }

  mutating func run(_ changes: inout KillChanges) throws {
    try recordKills(&changes)
    try confirmReports(&changes)
    try recordDeaths(&changes)
    for session in batch.sessions {
      // What a log says of its own time may be nonsense: an edited log, a clock that jumped.
      do { try session.check(at: now) } catch is KillError { continue }
      result.addedSeconds += try session.count(for: batch.user, at: now, in: transaction)
    }
  }

  // MARK: - Kills

  private mutating func recordKills(_ changes: inout KillChanges) throws {
    let proved = try provedHandles()
    var entries: [(entry: KillWriter.Entry, item: ImportBatch.LoggedItem<LoggedKill>)] = []
    for item in batch.kills {
      var report = KillReport(item.what, at: item.at, serverID: batch.serverID)
      if !item.isOwn {
        guard [item.what.killer.name, item.what.victim.name].allSatisfy({ !proved.contains($0.lowercased()) }) else {
          result.foreign += 1
          continue
        }
        report.confidence = min(report.confidence, LogImport.foreignConfidence)
      }
      do {
        let entry = KillWriter.Entry(
          report: try report.checked(at: now), reporter: KillReporter(user: batch.user), now: now)
        entries.append((entry, item))
      } catch let error as KillError {
        refuse(error)
      }
    }
    // What only a sign of death told of goes first, so that the death is counted once.
    for (_, item) in entries where item.what.victim.identification.kind == .player {
      try LogDeaths.giveWay(of: [item.what.victim.name], near: item.at, from: &changes, in: transaction)
    }
    for (outcome, (_, item)) in zip(try changes.record(entries.map(\.entry)), entries) {
      switch outcome {
      case .recorded(let kill, let isNew):
        if isNew { result.recorded.append(kill.id) } else { result.known += 1 }
        if item.isOwn, item.what.kind == .pvp { try adopt(kill, item, &changes) }
      case .refused(let error): refuse(error)
      }
    }
  }

  private mutating func refuse(_ error: KillError) {
    result.refused += 1
    if result.problems.count < LogImport.problemLimit { result.problems.append("\(error)") }
  }

  /// Which of the names in foreign logs are proved to be somebody's.
  private func provedHandles() throws -> Set<String> {
    let names = Set(
      batch.kills.filter { !$0.isOwn }.flatMap { [$0.what.killer.name.lowercased(), $0.what.victim.name.lowercased()] })
    guard !names.isEmpty else { return [] }
    return Set(
      try PlayerRow.all("handle_key", Array(names), in: transaction).filter { $0.user != nil }.compactMap {
        $0.handle?.lowercased()
      })
  }

  // MARK: - Reports

  /// The kill was told of by its killer: what they reported is the same kill.
  private mutating func adopt(
    _ kill: Kill, _ item: ImportBatch.LoggedItem<LoggedKill>, _ changes: inout KillChanges
  ) throws {
    result.confirmed += try reports.adopt(
      kill, victim: item.what.victim.name, by: batch.user, at: now, into: &changes, in: transaction)
  }

  /// The uploader's own deaths confirm what others reported of them.
  private mutating func confirmReports(_ changes: inout KillChanges) throws {
    for sign in batch.deaths {
      if let claim = try reports.confirm(sign, by: batch.user, at: now, into: &changes, in: transaction) {
        result.confirmed.append(claim)
      }
    }
  }

  // MARK: - Deaths and time

  private mutating func recordDeaths(_ changes: inout KillChanges) throws {
    let outcomes = try LogDeaths.record(
      batch.deaths, by: batch.user, serverID: batch.serverID, at: now, into: &changes, in: transaction)
    result.recordedDeaths = outcomes.count(where: \.isNew)
  }
}

extension ImportOutcome {
  mutating func add(_ step: ImportStep.Result) {
    recorded += step.recorded.count
    recordedKills += step.recorded.prefix(max(0, LogImport.listedKills - recordedKills.count))
    known += step.known
    foreign += step.foreign
    refused += step.refused
    problems += step.problems.prefix(max(0, LogImport.problemLimit - problems.count))
    recordedDeaths += step.recordedDeaths
    confirmedReports += step.confirmed
    addedPlayTime += .seconds(step.addedSeconds)
  }
}
