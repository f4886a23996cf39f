import Core
import Platform

/// What waits to be recorded in one transaction.
struct ImportBatch: Sendable {
  struct LoggedItem<What: Sendable>: Sendable {
    var what: What
    var at: Timestamp
    /// Whether the log it stands in is the uploader's own.
    var isOwn: Bool
  }

  var user: UserID
  var serverID: String
  var kills: [LoggedItem<LoggedKill>] = []
  var deaths: [LogDeaths.Sign] = []
  /// Of the uploader's own logs.
  var sessions: [PlayedSession] = []

  var isEmpty: Bool { kills.isEmpty && deaths.isEmpty && sessions.isEmpty }
}

/// Sorts the events of a log into what is to be recorded, and counts them. Does no I/O.
struct ImportRun: Sendable {
  let user: UserID
  /// The uploader's, in the case in which it was proved.
  let verified: String?
  let options: LogImport.Options
  var outcome = ImportOutcome()
  private(set) var sawLog = false
  private(set) var sawOwn = false
  private(set) var sawForeign = false

  private var batch: ImportBatch
  private var owner: String?
  private var sessionID: String?
  private var taken = 0

  init(user: UserID, serverID: String, verified: String?, options: LogImport.Options) {
    self.user = user
    self.verified = verified
    self.options = options
    batch = ImportBatch(user: user, serverID: serverID)
  }

  /// Whether the log that is being read is the uploader's own. One that has not said whose it is is not.
  private var isOwn: Bool {
    guard let verified, let owner else { return false }
    return owner.lowercased() == verified.lowercased()
  }

  var waiting: Int { batch.kills.count + batch.deaths.count + batch.sessions.count }

  mutating func takeBatch() -> ImportBatch {
    let full = batch
    batch = ImportBatch(user: user, serverID: full.serverID)
    return full
  }

  mutating func take(_ event: GameLogEvent) {
    sawLog = true
    outcome.firstEvent = min(outcome.firstEvent ?? event.timestamp, event.timestamp)
    outcome.lastEvent = max(outcome.lastEvent ?? event.timestamp, event.timestamp)
    switch event.what {
    case .session(let session):
      outcome.sessions += 1
      sessionID = session.id
      if !outcome.capabilities.contains(session.capabilities), outcome.capabilities.count < 20 {
        outcome.capabilities.append(session.capabilities)
      }
    case .sessionEnd(let end):
      if owner != nil { if isOwn { sawOwn = true } else { sawForeign = true } }
      if isOwn { batch.sessions.append(PlayedSession(end, id: sessionID)) }
      owner = nil
      sessionID = nil
    case .player(let player):
      owner = player.handle
      if outcome.owners.count < 20, !outcome.owners.contains(player.handle) { outcome.owners.append(player.handle) }
    case .kill(let kill):
      guard wants(kill.kind) else { return }
      outcome.kills += 1
      guard hasRoom() else { return }
      batch.kills.append(.init(what: kill, at: event.timestamp, isOwn: isOwn))
    case .death(let death):
      outcome.deaths += 1
      // Somebody else's body tells nothing of the uploader.
      guard isOwn, let victim = death.victim ?? owner, victim.lowercased() == owner?.lowercased(), hasRoom() else {
        return
      }
      batch.deaths.append(LogDeaths.Sign(victim: victim, death, at: event.timestamp))
    case .incapacitation: outcome.incapacitations += 1
    case .vehicleDestruction(let loss): if loss.isOwn, loss.to >= 2 { outcome.vehiclesLost += 1 }
    case .respawn, .mode, .ownVehicle: break
    }
  }

  private func wants(_ kind: KillKind) -> Bool {
    switch kind {
    case .pvp: options.includesPvP
    case .pve, .npc, .turret: options.includesPvE
    case .suicide, .environment: true
    }
  }

  private mutating func hasRoom() -> Bool {
    taken += 1
    if taken > LogImport.killLimit { outcome.isCutOff = true }
    return taken <= LogImport.killLimit
  }
}
