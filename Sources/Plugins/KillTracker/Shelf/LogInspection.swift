import Core
import Platform
import Synchronization

/// What a log holds, without anything being recorded.
public struct LogInspection: Sendable, Equatable {
  public var lines = 0
  public var bytes = 0
  /// Lines that had the tag of a form that matters but another shape.
  public var unreadableLines = 0
  /// Handles whose logs these are, as they say, the first few.
  public var owners: [String] = []
  /// What wrote it, the first few.
  public var builds: [GameBuild] = []
  public var firstEvent: Timestamp?
  public var lastEvent: Timestamp?
  public var kills: [KillKind: Int] = [:]
  public var deaths = 0
  public var sessions = 0

  /// Whether anything in it is the game's.
  public var isLog: Bool { firstEvent != nil }

  static let listed = 20

  mutating func take(_ event: GameLogEvent) {
    firstEvent = min(firstEvent ?? event.timestamp, event.timestamp)
    lastEvent = max(lastEvent ?? event.timestamp, event.timestamp)
    switch event.what {
    case .kill(let kill): kills[kill.kind, default: 0] += 1
    case .death: deaths += 1
    case .session(let session):
      sessions += 1
      if builds.count < Self.listed, !builds.contains(session.build) { builds.append(session.build) }
    case .player(let player):
      if owners.count < Self.listed, !owners.contains(player.handle) { owners.append(player.handle) }
    case .vehicleDestruction, .incapacitation, .respawn, .sessionEnd, .mode, .ownVehicle: break
    }
  }

  /// Reads a log to its end.
  /// - Parameter limit: bytes; what is behind is not looked at.
  /// - Throws: what `log` throws.
  public static func of<Bytes: AsyncSequence>(
    _ log: Bytes, limit: Int
  ) async throws -> LogInspection where Bytes.Element == [UInt8] {
    var found = LogInspection()
    var parser = GameLogParser()
    var events: [GameLogEvent] = []
    for try await piece in log {
      piece.prefix(limit - found.bytes).withUnsafeBytes { parser.read($0, into: &events) }
      found.bytes += min(piece.count, limit - found.bytes)
      for event in events { found.take(event) }
      events.removeAll(keepingCapacity: true)
      if found.bytes >= limit { break }
    }
    for event in parser.finish() { found.take(event) }
    found.lines = parser.lines
    found.unreadableLines = parser.unreadable
    return found
  }
}

/// Lets each user read one log at a time.
public final class LogTurns: Sendable {
  private let busy = Mutex<Set<UserID>>([])

  public init() {}

  /// - Throws: ``LogShelfError``: `busy`; what `body` throws.
  public func take<Result: Sendable>(_ user: UserID, _ body: () async throws -> Result) async throws -> Result {
    guard busy.withLock({ $0.insert(user).inserted }) else { throw LogShelfError.busy }
    defer { busy.withLock { _ = $0.remove(user) } }
    return try await body()
  }
}
