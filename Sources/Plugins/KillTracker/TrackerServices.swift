import Core
import Platform

/// The kill tracker's services, each once in a process: commands and HTTP surfaces are two faces of the same ones.
public struct TrackerServices: Sendable {
  public let shared: SharedState
  public let settings: TrackerSettings
  public let kills: Kills
  public let membership: Membership
  public let feeds: KillFeeds
  public let claims: KillClaims
  public let imports: LogImport
  public let proofs: HandleProofs
  public let log: Log
  public let metrics: Metrics

  public var players: Players { kills.players }
  public var time: any TimeSource { shared.time }

  /// The tables must exist: ``KillTables``, ``KillFeedTables``, ``ReportTables`` and those of Core.
  /// - Parameter log: of the whole program; the tracker's lines go under `killtracker`.
  public init(shared: SharedState, settings: TrackerSettings = TrackerSettings(), log: Log, metrics: Metrics) {
    self.shared = shared
    self.settings = settings
    self.log = log.labelled("killtracker")
    self.metrics = metrics
    membership = Membership(members: shared.members, time: shared.time)
    feeds = KillFeeds(database: shared.database, time: shared.time)
    kills = Kills(database: shared.database, events: KillEvents(shared.events), time: shared.time)
    claims = KillClaims(kills: kills, jobs: shared.jobs)
    imports = LogImport(kills: kills, claims: claims)
    proofs = HandleProofs(players: kills.players, site: settings.rsiURL, log: self.log, metrics: metrics)
  }
}
