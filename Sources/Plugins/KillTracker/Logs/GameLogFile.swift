import Dispatch
import Glibc
import Platform

/// A log file cannot be read.
public struct GameLogFileError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Reason: Sendable, Equatable { case missing, forbidden, notAFile, other }
  public var path: String
  public var reason: Reason
  public var description: String
}

/// Reads a whole log from a file, in pieces, so that the memory in use does not grow with it.
public enum GameLogFile {
  static let pieceSize = 256 * 1_024
  private static let queue = DispatchQueue(label: "adjutant.killtracker.logs", attributes: .concurrent)

  /// Reads `path` to its end and gives what it tells to `handle`, piece by piece and in order.
  ///
  /// Runs on a thread that may wait for the disk. Whatever `handle` throws ends the reading and arrives here.
  /// - Parameter path: a file; `-` for standard input.
  /// - Returns: the parser as it was at the end, for its counts.
  /// - Throws: ``GameLogFileError``
  @discardableResult
  public static func read(
    _ path: String, handle: @escaping @Sendable ([GameLogEvent]) throws -> Void
  ) async throws -> GameLogParser {
    try await waiting { try readNow(path, handle: handle) }
  }

  /// Does what may wait for the disk, on a thread that may.
  static func waiting<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Swift.Result { try body() }) }
    }
  }

  private static func readNow(_ path: String, handle: ([GameLogEvent]) throws -> Void) throws -> GameLogParser {
    let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path, errno) }
    defer { if descriptor != STDIN_FILENO { close(descriptor) } }
    var information = stat()
    if fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFDIR {
      throw GameLogFileError(path: path, reason: .notAFile, description: "\(path) is a directory, not a log file")
    }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceSize, alignment: 64)
    defer { memory.deallocate() }
    var parser = GameLogParser()
    var events: [GameLogEvent] = []
    while true {
      let count = Glibc.read(descriptor, memory.baseAddress, memory.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(path, errno) }
      guard count > 0 else { break }
      parser.read(UnsafeRawBufferPointer(rebasing: memory[..<count]), into: &events)
      if !events.isEmpty {
        try handle(events)
        events.removeAll(keepingCapacity: true)
      }
    }
    events += parser.finish()
    if !events.isEmpty { try handle(events) }
    return parser
  }

  static func failure(_ path: String, _ code: Int32) -> GameLogFileError {
    let reason: GameLogFileError.Reason =
      switch code {
      case ENOENT, ENOTDIR: .missing
      case EACCES, EPERM: .forbidden
      case EISDIR: .notAFile
      default: .other
      }
    return GameLogFileError(
      path: path, reason: reason, description: "cannot read \(path): \(String(cString: strerror(code)))")
  }
}
