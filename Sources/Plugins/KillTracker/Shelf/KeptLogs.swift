import Core
import Glibc
import Platform
import Storage
import Synchronization

/// Uploaded logs, kept as files of our own naming so that they can be read again.
///
/// A log is written beside the import while it comes in, put safely on disk, named, and then entered in the database. So
/// a crash leaves a file without its entry at most, which ``sweep()`` removes. Keeping is never in the import's way:
/// whatever hinders it only means that the log is not kept. With several processes each keeps what it has read itself;
/// what is deleted anywhere is removed by the sweep of whoever has the file.
///
/// Bounds: ``countPerUser`` logs of a user and ``count`` in all, bytes and age by ``KeptLogSettings``; the oldest go
/// first. ``reserve`` bytes of the disk stay free for the database.
public final class KeptLogs: Sendable {
  public static let countPerUser = 50
  public static let count = 5_000
  static let reserve = 256 << 20
  /// Logs that are written at the same time: each may become as large as a user's may be.
  static let writing = 4
  static let temporaryPrefix = ".upload-"
  /// How old a file without its entry must be to be nobody's: another process may just be about to enter it.
  static let grace = Duration.seconds(3_600)
  static let sweepInterval = Duration.seconds(3_600)

  /// What tests replace of the disk.
  struct Disk: Sendable {
    var write: TemporaryFile.Write = { Glibc.write($0, $1.baseAddress, $1.count) }
    var free: @Sendable (String) throws -> Int = { try FileCalls.freeBytes(of: $0) }
  }

  let settings: KeptLogSettings
  /// Nil: there is no place where anything could be kept.
  let directory: String?
  let threads: FileThreads
  let disk: Disk
  let log: Log
  private let database: Database
  private let time: any TimeSource
  private let writers = Mutex(0)

  /// The tables (``KeptLogTables``) must exist; the directory is made when the first log comes.
  init(
    _ settings: KeptLogSettings, directory: String?, database: Database, time: any TimeSource, log: Log,
    threads: FileThreads = FileThreads(count: 2, name: "uploads"), disk: Disk = Disk()
  ) {
    self.settings = settings
    self.directory = directory
    self.database = database
    self.time = time
    self.log = log
    self.threads = threads
    self.disk = disk
  }

  // MARK: - Keeping

  /// Keeps what `read` takes of a log, if `read` comes to a good end.
  /// - Parameter read: reads all of the log that it is given.
  /// - Throws: what `read` throws; nothing is kept then.
  public func keeping<Bytes: AsyncSequence & Sendable, Result: Sendable>(
    _ bytes: Bytes, of user: UserID, _ read: (CopiedBytes<Bytes>) async throws -> Result
  ) async throws -> (Result, LogKeeping) where Bytes.Element == [UInt8] {
    let writer: KeptLogWriter
    switch begin() {
    case .success(let begun): writer = begun
    case .failure(let hindrance):
      return (try await read(CopiedBytes(bytes: bytes, writer: nil)), .notKept(hindrance.reason))
    }
    defer { writers.withLock { $0 -= 1 } }
    do {
      let result = try await read(CopiedBytes(bytes: bytes, writer: writer))
      return (result, await finish(writer, of: user))
    } catch {
      await writer.discard()
      throw error
    }
  }

  private struct Hindrance: Error { let reason: LogKeeping.Reason }

  private func begin() -> Swift.Result<KeptLogWriter, Hindrance> {
    guard let directory, settings.days > 0 else { return .failure(Hindrance(reason: .off)) }
    let isFree = writers.withLock { writers in
      guard writers < Self.writing else { return false }
      writers += 1
      return true
    }
    guard isFree else { return .failure(Hindrance(reason: .busy)) }
    do {
      return .success(try KeptLogWriter(in: directory, limit: settings.bytesPerUser, keeper: self))
    } catch {
      writers.withLock { $0 -= 1 }
      log.error("an uploaded log cannot be kept", ["error": .error(error)])
      return .failure(Hindrance(reason: .failed))
    }
  }

  private func finish(_ writer: KeptLogWriter, of user: UserID) async -> LogKeeping {
    let now = time.timestamp
    do {
      let written: KeptLogWriter.Written
      switch try await writer.finish(of: user, at: now) {
      case .notKept(let reason): return .notKept(reason)
      case .written(let file): written = file
      }
      let kept = KeptLog(user: user, name: written.name, size: written.size, keptAt: now)
      do {
        await remove(try await enter(kept, hash: written.hash))
      } catch {
        await remove([kept])
        throw error
      }
      return .kept(kept)
    } catch {
      log.error("an uploaded log was not kept", ["user": .string("\(user)"), "error": .error(error)])
      return .notKept((error as? SystemError).map(Self.reason) ?? .failed)
    }
  }

  static func reason(_ error: SystemError) -> LogKeeping.Reason {
    switch error.code {
    case ENOSPC, EDQUOT, EFBIG: .noRoom
    default: .failed
    }
  }

  /// - Returns: those that had to make room.
  private func enter(_ kept: KeptLog, hash: [UInt8]) async throws -> [KeptLog] {
    try await database.write { [settings] transaction in
      // Two that come at once must not both count without the other.
      try transaction.lock("killtracker.kept_logs")
      var gone = try transaction.query(
        "DELETE FROM kept_logs WHERE user_id = $1 AND hash = $2 RETURNING user_id, name, size, kept_at", kept.user,
        hash, row: KeptLog.init)
      try transaction.execute(
        "INSERT INTO kept_logs (name, user_id, size, hash, kept_at) VALUES ($1, $2, $3, $4, $5)", kept.name, kept.user,
        kept.size, hash, kept.keptAt)
      gone += try Self.trim(
        "WHERE user_id = $1", [kept.user], except: kept, to: (Self.countPerUser, settings.bytesPerUser),
        in: transaction)
      gone += try Self.trim("WHERE 1 = 1", [], except: kept, to: (Self.count, settings.bytes), in: transaction)
      return gone
    }
  }

  /// Takes the oldest entries away until the rest is within the bounds.
  private static func trim(
    _ condition: String, _ parameters: [any DatabaseValueConvertible], except kept: KeptLog,
    to bounds: (count: Int, bytes: Int), in transaction: Transaction
  ) throws -> [KeptLog] {
    let all = try transaction.queryOne(
      "SELECT count(*) AS count, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes FROM kept_logs \(condition)",
      parameters: parameters
    ) { (count: try $0.value("count", as: Int.self), bytes: try $0.value("bytes", as: Int.self)) }
    guard var rest = all, rest.count > bounds.count || rest.bytes > bounds.bytes else { return [] }
    let oldest = try transaction.query(
      "SELECT user_id, name, size, kept_at FROM kept_logs \(condition) ORDER BY kept_at, name LIMIT 5001",
      parameters: parameters, row: KeptLog.init)
    var gone: [KeptLog] = []
    for old in oldest where old.name != kept.name {
      guard rest.count > bounds.count || rest.bytes > bounds.bytes else { break }
      try transaction.execute("DELETE FROM kept_logs WHERE name = $1", old.name)
      rest = (rest.count - 1, rest.bytes - old.size)
      gone.append(old)
    }
    return gone
  }

  // MARK: - Reading

  /// The newest first.
  /// - Parameter user: whose; nil: everybody's.
  public func list(of user: UserID?) async throws -> [KeptLog] {
    guard directory != nil else { return [] }
    let oldest = time.timestamp + (.zero - settings.age)
    return try await database.read { transaction in
      try transaction.query(
        """
        SELECT user_id, name, size, kept_at FROM kept_logs WHERE kept_at > $1 \(user == nil ? "" : "AND user_id = $3")
        ORDER BY kept_at DESC, name DESC LIMIT $2
        """, parameters: [oldest, LogShelf.listLimit] + (user.map { [$0] } ?? []), row: KeptLog.init)
    }
  }

  /// - Throws: ``LogShelfError``: `missing`.
  func open(_ name: String, of user: UserID) async throws -> ShelvedLog {
    let oldest = time.timestamp + (.zero - settings.age)
    let kept = try await database.read { transaction in
      try transaction.queryOne(
        "SELECT user_id, name, size, kept_at FROM kept_logs WHERE name = $1 AND user_id = $2 AND kept_at > $3", name,
        user, oldest, row: KeptLog.init)
    }
    guard let kept, let directory else { throw LogShelfError.missing }
    let found = try await threads.run { () -> OpenFile? in
      guard let file = try FileCalls.open(["\(user)", kept.name], below: directory),
        // Not all of it is a log that is not there.
        try FileCalls.status(file)?.size == kept.size
      else { return nil }
      return file
    }
    guard let found else { throw LogShelfError.missing }
    return ShelvedLog(
      file: LogFile(
        path: kept.path, directory: KeptLog.directory(of: user), size: kept.size, modified: kept.keptAt),
      open: found, threads: threads)
  }

  // MARK: - Deleting

  /// - Returns: whether that user had one of that name.
  public func delete(_ name: String, of user: UserID) async throws -> Bool {
    await remove(try await take("name = $1 AND user_id = $2", [name, user])) > 0
  }

  private func take(_ condition: String, _ parameters: [any DatabaseValueConvertible]) async throws -> [KeptLog] {
    try await database.write { transaction in
      try transaction.query(
        "DELETE FROM kept_logs WHERE \(condition) RETURNING user_id, name, size, kept_at", parameters: parameters,
        row: KeptLog.init)
    }
  }

  /// Removes the files of logs whose entries are gone. One that cannot be removed now is left to the sweep.
  @discardableResult
  private func remove(_ logs: [KeptLog]) async -> Int {
    guard let directory, !logs.isEmpty else { return logs.count }
    do {
      try await threads.run {
        for kept in logs {
          let place = "\(directory)/\(kept.user)"
          try FileCalls.remove(kept.name, in: place)
          FileCalls.removeEmptyDirectory(place)
        }
      }
    } catch {
      log.warning("an uploaded log could not be removed; the next sweep tries again", ["error": .error(error)])
    }
    return logs.count
  }

  /// Removes what is too old, which is all where nothing is kept any more, and files that are nobody's.
  public func sweep() async throws {
    guard let directory else { return }
    let now = time.timestamp
    await remove(try await take("kept_at <= $1", [now + (.zero - settings.age)]))
    let users = try await threads.run { () -> [String] in
      guard let root = try FileCalls.open([], below: directory) else { return [] }
      try TemporaryFile.removeOrphans(prefix: Self.temporaryPrefix, in: directory)
      return try FileCalls.names(in: root, limit: .max) ?? []
    }
    for user in users { try await sweep(user, in: directory, before: now + (.zero - Self.grace)) }
  }

  private func sweep(_ user: String, in directory: String, before limit: Timestamp) async throws {
    let known = try await database.read { transaction in
      Set(
        try transaction.query("SELECT name FROM kept_logs WHERE user_id = $1", user) {
          try $0.value("name", as: String.self)
        })
    }
    try await threads.run {
      guard let place = try FileCalls.open([user], below: directory) else { return }
      for name in try FileCalls.names(in: place, limit: .max) ?? [] where !known.contains(name) {
        guard let file = try FileCalls.open([user, name], below: directory),
          let status = try FileCalls.status(file), status.modified < limit
        else { continue }
        try FileCalls.remove(name, in: "\(directory)/\(user)")
      }
      FileCalls.removeEmptyDirectory("\(directory)/\(user)")
    }
  }

  /// Sweeps at the start and then every hour, until cancelled.
  public func run() async {
    while !Task.isCancelled {
      do {
        try await sweep()
      } catch {
        log.error("old uploaded logs were not removed", ["error": .error(error)])
      }
      do { try await time.sleep(for: Self.sweepInterval) } catch { return }
    }
  }
}

// MARK: - As personal data

extension KeptLogs: PersonalDataKeeper {
  public var name: String { "logs" }

  public func summary(of user: UserID) async throws -> [String] {
    let count = try await all(of: user).count
    return count == 0 ? [] : ["\(count) uploaded \(count == 1 ? "log" : "logs")"]
  }

  /// What is kept, not the logs themselves: whoever uploaded them has them, and `/api/logs` reads them.
  public func export(of user: UserID, write: ([UInt8]) async throws -> Void) async throws {
    let entries = try await all(of: user).map { kept -> JSON in
      ["name": .string(kept.name), "size": .integer(Int64(kept.size)), "keptAt": .string(kept.keptAt.iso8601)]
    }
    try await write(Array(JSON.array(entries).serialized().utf8))
  }

  public func erase(_ user: UserID) async throws -> [String] {
    let gone = await remove(try await take("user_id = $1", [user]))
    return gone == 0 ? [] : ["\(gone) uploaded \(gone == 1 ? "log" : "logs")"]
  }

  private func all(of user: UserID) async throws -> [KeptLog] {
    try await database.read { transaction in
      try transaction.query(
        "SELECT user_id, name, size, kept_at FROM kept_logs WHERE user_id = $1 ORDER BY kept_at, name", user,
        row: KeptLog.init)
    }
  }
}
