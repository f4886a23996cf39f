import Glibc
import Platform

/// A log file as pieces of bytes, read on a thread that may wait for the disk.
///
/// - Throws: ``GameLogFileError``, where it is opened and while it is read.
public struct LogBytes: AsyncSequence, Sendable {
  public typealias Element = [UInt8]

  private let path: String
  private let descriptor: Descriptor

  /// Closed when the last holder lets go.
  fileprivate final class Descriptor: Sendable {
    let number: Int32
    init(_ number: Int32) { self.number = number }
    deinit { close(number) }
  }

  /// Opens a file, not a directory. Read it once.
  public init(path: String) async throws {
    self.path = path
    descriptor = try await GameLogFile.waiting {
      let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      guard descriptor >= 0 else { throw GameLogFile.failure(path, errno) }
      let holder = Descriptor(descriptor)
      var information = stat()
      guard fstat(descriptor, &information) == 0 else { throw GameLogFile.failure(path, errno) }
      // Neither a directory nor a pipe, on which a reader would wait for ever.
      guard information.st_mode & S_IFMT == S_IFREG else {
        throw GameLogFileError(path: path, reason: .notAFile, description: "\(path) is no log file")
      }
      return holder
    }
  }

  public func makeAsyncIterator() -> Iterator { Iterator(path: path, descriptor: descriptor) }

  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let path: String
    fileprivate let descriptor: Descriptor

    public mutating func next() async throws -> [UInt8]? {
      let (path, descriptor) = (path, descriptor)
      let piece = try await GameLogFile.waiting {
        try [UInt8](unsafeUninitializedCapacity: GameLogFile.pieceSize) { buffer, filled in
          var count = -1
          repeat {
            count = Glibc.read(descriptor.number, buffer.baseAddress, buffer.count)
          } while count < 0 && errno == EINTR
          guard count >= 0 else { throw GameLogFile.failure(path, errno) }
          filled = count
        }
      }
      return piece.isEmpty ? nil : piece
    }
  }
}
