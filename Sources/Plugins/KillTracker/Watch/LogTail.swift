import Glibc
import Platform

/// Reads a log that grows under its name, through rotation and truncation.
///
/// The file is opened for each look, so that the game can move it away at any time.
struct LogTail: Sendable {
  /// What one look reads at most; the rest waits for the next.
  static let limit: Int64 = 64 << 20

  let path: String
  private var follower = LogFollower()
  private(set) var parser = GameLogParser()
  /// Whether the file was there at the last look.
  private(set) var isThere = false

  init(path: String) { self.path = path }

  /// Reads what is new, and says what it tells. Waits for the disk.
  /// - Throws: ``GameLogFileError``; a file that is not there is no error.
  mutating func read() throws -> [GameLogEvent] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let code = errno
      isThere = false
      guard code == ENOENT || code == ENOTDIR else { throw GameLogFile.failure(path, code) }
      _ = follower.see(nil)
      return []
    }
    defer { close(descriptor) }
    var events: [GameLogEvent] = []
    let look = try self.look(descriptor)
    isThere = true
    switch follower.see(look) {
    case .nothing: return []
    case .read(let offset): try read(descriptor, from: offset, to: look.size, into: &events)
    case .restart:
      events = parser.finish()
      parser = GameLogParser()
      try read(descriptor, from: 0, to: look.size, into: &events)
    }
    return events
  }

  private func look(_ descriptor: Int32) throws -> LogFollower.Look {
    var information = stat()
    guard fstat(descriptor, &information) == 0 else { throw GameLogFile.failure(path, errno) }
    guard information.st_mode & S_IFMT == S_IFREG else {
      throw GameLogFileError(path: path, reason: .notAFile, description: "\(path) is not a file")
    }
    var head = [UInt8](repeating: 0, count: LogFollower.headSize)
    let count = pread(descriptor, &head, head.count, 0)
    guard count >= 0 else { throw GameLogFile.failure(path, errno) }
    return LogFollower.Look(
      device: UInt64(information.st_dev), inode: UInt64(information.st_ino), size: Int64(information.st_size),
      head: Array(head.prefix(count)))
  }

  private mutating func read(
    _ descriptor: Int32, from start: Int64, to size: Int64, into events: inout [GameLogEvent]
  ) throws {
    let end = min(size, start + Self.limit)
    var offset = start
    var piece = [UInt8](repeating: 0, count: GameLogFile.pieceSize)
    while offset < end {
      let wanted = Int(min(Int64(piece.count), end - offset))
      let count = pread(descriptor, &piece, wanted, off_t(offset))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw GameLogFile.failure(path, errno) }
      // Cut off since the look: the next one will see it.
      guard count > 0 else { break }
      piece.withUnsafeBytes { parser.read(UnsafeRawBufferPointer(rebasing: $0[..<count]), into: &events) }
      offset += Int64(count)
      follower.read(to: offset)
    }
  }
}
