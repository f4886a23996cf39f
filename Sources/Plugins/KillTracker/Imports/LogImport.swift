import Core
import Platform
import Storage
import Synchronization

/// Reads logs that somebody gave us, and records what they tell.
///
/// ```swift
/// let outcome = try await imports.importLog(body, by: user, in: guild)
/// ```
///
/// The same log again records nothing twice: kills are known by reporter, names and time, deaths by victim and time,
/// sessions by the game's own id. A process that dies in the middle leaves whole steps, and the next try adds the rest.
///
/// Whose is what (`docs/killtracker.md`, "Uploading logs"): a log is the uploader's *own* if the handle that it says it
/// belongs to is the one that the uploader has proved. Names in a log lead to accounts only where they are proved, the
/// uploader's too. Of a log that is not the uploader's own, kills in which somebody has a part who proved their handle
/// are left out, others are recorded with at most ``foreignConfidence``; deaths without a killer, play time and
/// confirmations of reports come from own logs alone.
public final class LogImport: Sendable {
  public static let maximumBytes = 512 << 20
  /// The most kills and deaths that one import records.
  public static let killLimit = 20_000
  public static let listedKills = 1_000
  public static let foreignConfidence = 0.5
  static let problemLimit = 5
  /// The most of one transaction, which holds back other writers meanwhile.
  static let batchSize = 100
  static let progressInterval = Duration.seconds(2)

  /// What is wanted of a log.
  public struct Options: Sendable, Equatable {
    public var includesPvP = true
    /// Kills of somebody of the game.
    public var includesPvE = true
    public var maximumBytes = LogImport.maximumBytes

    public init() {}
  }

  let kills: Kills
  let claims: KillClaims
  let time: any TimeSource
  let database: Database
  private let busy = Mutex<Set<UserID>>([])

  /// The tables (``KillTables``, ``ReportTables``) must exist.
  public init(kills: Kills, claims: KillClaims) {
    self.kills = kills
    self.claims = claims
    database = kills.database
    time = kills.time
  }

  /// Reads a log to its end, in pieces split anywhere, and records what it tells.
  ///
  /// - Parameters:
  ///   - bytes: the log; the memory in use does not grow with it. `LogBytes` for a file, an HTTP body as it comes.
  ///   - user: whose upload it is; reporter of what is recorded. One import of a user at a time.
  ///   - guild: the server to which its kills belong; nil: none.
  ///   - progress: told now and then, every two seconds at most.
  /// - Throws: ``LogImportError``; ``KillError`` where the server switched the kill tracker off; what `bytes` throws; `DatabaseError`. What was recorded before stays.
  public func importLog<Bytes: AsyncSequence & Sendable>(
    _ bytes: Bytes, by user: UserID, in guild: GuildID? = nil, options: Options = Options(),
    progress: (@Sendable (ImportProgress) async -> Void)? = nil
  ) async throws -> ImportOutcome where Bytes.Element == [UInt8] {
    let serverID = guild.map { "\($0)" } ?? Kill.defaultServer
    try kills.checkTracking(serverID)
    guard busy.withLock({ $0.insert(user).inserted }) else { throw LogImportError.busy }
    defer { busy.withLock { _ = $0.remove(user) } }
    var run = ImportRun(
      user: user, serverID: serverID, verified: try await kills.players.profile(of: user).verifiedHandle,
      options: options)
    var parser = GameLogParser()
    var events: [GameLogEvent] = []
    var toldAt = time.now
    for try await piece in bytes {
      run.outcome.bytes += piece.count
      guard run.outcome.bytes <= options.maximumBytes else {
        throw LogImportError.tooLarge(limit: options.maximumBytes)
      }
      piece.withUnsafeBytes { parser.read($0, into: &events) }
      if !events.isEmpty {
        try await take(events, into: &run)
        events.removeAll(keepingCapacity: true)
      }
      if let progress, time.now - toldAt >= Self.progressInterval {
        await progress(
          ImportProgress(bytes: run.outcome.bytes, kills: run.outcome.kills, deaths: run.outcome.deaths))
        toldAt = time.now
      }
    }
    try await take(parser.finish(), into: &run)
    try await store(&run)
    run.outcome.lines = parser.lines
    run.outcome.unreadableLines = parser.unreadable
    guard run.sawLog else { throw LogImportError.notALog }
    run.outcome.isOwn = run.sawOwn && !run.sawForeign
    return run.outcome
  }

  private func take(_ events: [GameLogEvent], into run: inout ImportRun) async throws {
    for event in events {
      run.take(event)
      if run.waiting >= Self.batchSize { try await store(&run) }
    }
  }

  /// Records what waits, all or nothing.
  private func store(_ run: inout ImportRun) async throws {
    let batch = run.takeBatch()
    guard !batch.isEmpty else { return }
    let now = time.timestamp
    let result = try await kills.boards.writing { [self] in
      let result = try await database.write { [self] transaction in
        var changes = try KillChanges(kills.events, in: transaction)
        var step = ImportStep(
          batch: batch, kills: kills, claims: claims, now: now, transaction: transaction)
        try step.run(&changes)
        return (step.result, try changes.finish())
      }
      return result
    }
    run.outcome.add(result)
  }
}

extension PlayerProfile {
  var verifiedHandle: String? { isVerified ? handle : nil }
}
