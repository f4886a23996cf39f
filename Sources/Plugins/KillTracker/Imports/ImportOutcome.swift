import Core
import Platform

/// What an import found, and what became of it.
public struct ImportOutcome: Sendable, Equatable {
  /// Handles whose logs these were, as the logs say, in their order. Joined logs can have several.
  public var owners: [String] = []
  /// Whether all of it is the uploader's own: every log's owner is the handle that the uploader has proved.
  public var isOwn = false
  public var lines = 0
  public var bytes = 0
  /// Lines that had the tag of a form that matters but another shape.
  public var unreadableLines = 0
  /// What the builds that wrote the logs can and cannot give, each once.
  public var capabilities: [LogCapabilities] = []
  public var firstEvent: Timestamp?
  public var lastEvent: Timestamp?

  /// Kills that the logs tell of, of the kinds that were asked for.
  public var kills = 0
  /// Of these: now recorded.
  public var recorded = 0
  /// Of these: known before.
  public var known = 0
  /// Of these: left out, because a player who proved their handle has a part in them and the log is not the uploader's.
  public var foreign = 0
  /// Of these: left out for another reason; `problems` has the first few.
  public var refused = 0
  public var problems: [String] = []
  /// The first ``LogImport/listedKills`` of those that are recorded now.
  public var recordedKills: [KillID] = []

  /// Deaths without a killer that the logs tell of.
  public var deaths = 0
  /// Of these: now recorded.
  public var recordedDeaths = 0
  public var incapacitations = 0
  public var vehiclesLost = 0
  /// Reports of others that the log confirms.
  public var confirmedReports: [ClaimID] = []

  public var sessions = 0
  /// Time in the game that was not counted before; only of the uploader's own logs.
  public var addedPlayTime = Duration.zero
  /// Whether there was more to record than one import may (``LogImport/killLimit``).
  public var isCutOff = false

  public init() {}
}

/// How far an import is.
public struct ImportProgress: Sendable, Equatable {
  public var bytes: Int
  public var kills: Int
  public var deaths: Int
}

public enum LogImportError: Error, Sendable, Equatable, CustomStringConvertible {
  case tooLarge(limit: Int)
  /// No line of it is one of the game's.
  case notALog
  /// The same user's other import is not over.
  case busy

  public var description: String {
    switch self {
    case .tooLarge(let limit): "the log is larger than \(limit >> 20) MiB"
    case .notALog: "no line of it is one of the game's"
    case .busy: "another log of this user is being read"
    }
  }
}
