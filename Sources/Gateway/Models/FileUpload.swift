import Dispatch
import Glibc
import Platform
import Synchronization

/// A file that goes with a message.
public struct FileUpload: Sendable {
  public var name: String
  public var contentType: String
  /// Up to 1024 characters, read out by screen readers.
  public var description: String?
  public var content: FileContent

  public init(name: String, contentType: String, description: String? = nil, content: FileContent) {
    self.name = name
    self.contentType = contentType
    self.description = description
    self.content = content
  }

  public init(name: String, contentType: String, description: String? = nil, bytes: [UInt8]) {
    self.init(name: name, contentType: contentType, description: description, content: .bytes(bytes))
  }
}

/// The bytes of a file to be sent. Their number is known before the first of them.
///
/// A request that Discord refused for its rate limit, or whose connection broke, is sent again: the bytes must then be
/// had again. With ``once(length:_:)`` they cannot, and the call throws ``DiscordError/bodyUsedUp(route:after:)``.
public struct FileContent: Sendable {
  /// In bytes.
  public let length: Int
  private let make: @Sendable (_ to: RESTUpload.Writer) async throws -> Void
  /// Whether bytes that can be had only once were asked for.
  private let use: Use?

  private final class Use: Sendable {
    let isUsed = Mutex(false)
  }

  struct LengthMismatch: Error, CustomStringConvertible {
    let description: String
  }

  /// How much of a file is in memory at a time.
  static let pieceSize = 64 << 10

  public static func bytes(_ bytes: [UInt8]) -> FileContent {
    FileContent(length: bytes.count, use: nil) { write in
      for start in stride(from: 0, to: bytes.count, by: pieceSize) {
        try await write(Array(bytes[start..<min(start + pieceSize, bytes.count)]))
      }
    }
  }

  /// Bytes made while they are sent, from the beginning at every call of the closure.
  public static func stream(
    length: Int, _ make: @escaping @Sendable (_ write: RESTUpload.Writer) async throws -> Void
  ) -> FileContent {
    FileContent(length: length, use: nil, make: make)
  }

  /// Bytes that can be had only once, as those of somebody's upload that is passed on.
  public static func once(
    length: Int, _ make: @escaping @Sendable (_ write: RESTUpload.Writer) async throws -> Void
  ) -> FileContent {
    FileContent(length: length, use: Use(), make: make)
  }

  /// A file, or a part of it: read piece by piece, on a thread of its own.
  /// - Parameter range: in bytes; nil for all.
  /// - Throws: ``SystemError`` if there is no such file, ``LengthMismatch`` if the range lies outside of it.
  public static func file(_ path: String, range: Range<Int>? = nil) async throws -> FileContent {
    let size = try await FileReader.size(of: path)
    let range = range ?? 0..<size
    guard range.lowerBound >= 0, range.upperBound <= size else {
      throw LengthMismatch(description: "\(path) has \(size) bytes, asked for were \(range)")
    }
    return FileContent(length: range.count, use: nil) { write in
      let reader = try await FileReader(path)
      var position = range.lowerBound
      do {
        while position < range.upperBound {
          let piece = try await reader.read(at: position, count: min(pieceSize, range.upperBound - position))
          guard !piece.isEmpty else { throw LengthMismatch(description: "\(path) became shorter while it was sent") }
          try await write(piece)
          position += piece.count
        }
      } catch {
        await reader.close()
        throw error
      }
      await reader.close()
    }
  }

  private init(
    length: Int, use: Use?, make: @escaping @Sendable (_ write: RESTUpload.Writer) async throws -> Void
  ) {
    self.length = length
    self.use = use
    self.make = make
  }

  var isUsedUp: Bool { use?.isUsed.withLock { $0 } ?? false }

  func write(to write: RESTUpload.Writer) async throws {
    use?.isUsed.withLock { $0 = true }
    try await make(write)
  }
}

/// Reads a file away from the cooperative threads, which must not wait for a disk.
private struct FileReader: Sendable {
  private static let queue = DispatchQueue(label: "adjutant.uploads", attributes: .concurrent)
  private let path: String
  private let descriptor: Int32

  private static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result(catching: body)) }
    }
  }

  static func size(of path: String) async throws -> Int {
    try await run {
      var information = Glibc.stat()
      guard stat(path, &information) == 0 else { throw SystemError(call: "stat \(path)", code: errno) }
      return Int(information.st_size)
    }
  }

  init(_ path: String) async throws {
    self.path = path
    descriptor = try await Self.run {
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw SystemError(call: "open \(path)", code: errno) }
      return descriptor
    }
  }

  func read(at position: Int, count: Int) async throws -> [UInt8] {
    let (path, descriptor) = (path, descriptor)
    return try await Self.run {
      try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        var result = -1
        repeat {
          result = pread(descriptor, buffer.baseAddress, count, off_t(position))
        } while result < 0
          && errno == EINTR
        guard result >= 0 else { throw SystemError(call: "read \(path)", code: errno) }
        filled = result
      }
    }
  }

  func close() async {
    let descriptor = descriptor
    _ = try? await Self.run { Glibc.close(descriptor) }
  }
}
