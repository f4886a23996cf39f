import Core
import Platform

/// One log on its way to disk.
actor KeptLogWriter {
  struct Written: Sendable {
    var name: String
    var size: Int
    var hash: [UInt8]
  }

  enum Ending: Sendable {
    case written(Written)
    case notKept(LogKeeping.Reason)
  }

  private let directory: String
  private let limit: Int
  private let keeper: KeptLogs
  private let digest: SHA256Stream
  private var file: TemporaryFile?
  private var size = 0
  /// Set once: what hinders does not go away while a log is read.
  private var hindrance: LogKeeping.Reason?

  init(in directory: String, limit: Int, keeper: KeptLogs) throws {
    self.directory = directory
    self.limit = limit
    self.keeper = keeper
    digest = try SHA256Stream()
  }

  func append(_ bytes: [UInt8]) async {
    guard hindrance == nil, !bytes.isEmpty else { return }
    size += bytes.count
    guard size <= limit else { return await giveUp(.tooLarge(limit: limit)) }
    do {
      try digest.update(bytes)
      let (directory, known, disk) = (directory, file, keeper.disk)
      file = try await keeper.threads.run { () -> TemporaryFile? in
        if known == nil { try FileCalls.makeDirectory(directory, mode: 0o700) }
        guard try disk.free(directory) - bytes.count >= KeptLogs.reserve else {
          known?.discard()
          return nil
        }
        let file =
          try known ?? TemporaryFile(in: directory, prefix: KeptLogs.temporaryPrefix, write: disk.write)
        try file.append(bytes)
        return file
      }
      if file == nil { hindrance = .noRoom }
    } catch {
      keeper.log.error("an uploaded log is not kept", ["error": .error(error)])
      await giveUp((error as? SystemError).map(KeptLogs.reason) ?? .failed)
    }
  }

  private func giveUp(_ reason: LogKeeping.Reason) async {
    hindrance = reason
    await discard()
  }

  /// Gives the file its name.
  /// - Throws: `SystemError`; nothing is left then.
  func finish(of user: UserID, at now: Timestamp) async throws -> Ending {
    if let hindrance { return .notKept(hindrance) }
    guard let file else { return .notKept(.failed) }
    let hash = try digest.finish()
    // Its time, so that people know it again, and something that nobody guesses.
    let stamp = now.iso8601.prefix(19).filter { $0 != "-" && $0 != ":" }
    let name = "\(stamp)-\(Hex.encode(try Crypto.randomBytes(8))).log"
    let place = "\(directory)/\(user)"
    do {
      try await keeper.threads.run {
        do {
          try FileCalls.makeDirectory(place, mode: 0o700)
          try file.publish(as: name, in: place)
        } catch let error as SystemError where error.call == "rename" {
          // Whoever removed the user's last log took the directory away at this moment.
          try FileCalls.makeDirectory(place, mode: 0o700)
          try file.publish(as: name, in: place)
        }
      }
    } catch {
      await discard()
      throw error
    }
    return .written(Written(name: name, size: size, hash: hash))
  }

  /// Removes what has no name yet.
  func discard() async {
    guard let file else { return }
    self.file = nil
    // Removing cannot fail in a way that could be helped: the next sweep tries again.
    try? await keeper.threads.run { file.discard() }
  }
}

/// A log that is read, and written down as it is read.
public struct CopiedBytes<Bytes: AsyncSequence & Sendable>: AsyncSequence, Sendable where Bytes.Element == [UInt8] {
  public typealias Element = [UInt8]
  let bytes: Bytes
  /// Nil: it is only read.
  let writer: KeptLogWriter?

  public struct AsyncIterator: AsyncIteratorProtocol {
    var base: Bytes.AsyncIterator
    let writer: KeptLogWriter?

    public mutating func next() async throws -> [UInt8]? {
      guard let piece = try await base.next() else { return nil }
      await writer?.append(piece)
      return piece
    }
  }

  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(base: bytes.makeAsyncIterator(), writer: writer)
  }
}
