import Glibc

/// Unpacks the messages of one compressed connection.
///
/// The compression context lives as long as the connection: every message refers back to the ones before it, so each
/// must be fed, in order, and a new connection starts with ``reset()`` or a new inflater. Not thread-safe.
public protocol StreamInflater: AnyObject {
  /// Feeds the payload of one WebSocket message.
  ///
  /// - Parameter body: called with the unpacked message if this payload completes one. The memory belongs to the
  ///   inflater and ends with the call; ``JSONParser/padding`` readable bytes follow it, so it can be parsed in place.
  /// - Returns: what `body` returned, or nil if the message goes on in the next payload.
  /// - Throws: ``CompressionError``, and again at every later call until ``reset()``; whatever `body` throws, after
  ///   which the stream goes on with the next message.
  func inflate<Result>(
    _ payload: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) throws -> Result?

  /// Forgets the connection. The inflater is as new and keeps its memory.
  func reset()
}

extension StreamInflater {
  public func inflate<Result>(
    _ payload: [UInt8], _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) throws -> Result? {
    try payload.withUnsafeBufferPointer { try inflate($0, body) }
  }
}

/// Packs the messages of one compressed connection, the other side of a ``StreamInflater``. Not thread-safe.
public protocol StreamDeflater: AnyObject {
  /// The payload that carries `message` (not empty), flushed so that the peer can unpack all of it at once.
  func deflate(_ message: UnsafeBufferPointer<UInt8>) throws -> [UInt8]
}

extension StreamDeflater {
  public func deflate(_ message: [UInt8]) throws -> [UInt8] {
    try message.withUnsafeBufferPointer { try deflate($0) }
  }
}

/// Why compressed data was refused, or could not be made.
public enum CompressionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The data is not what the format allows. The text is the library's.
  case corrupt(String)
  /// A message unpacks to more than the limit in bytes.
  case tooLarge(limit: Int)
  /// The data ends before its end, or goes on behind it.
  case truncated
  /// The library refused to work, for example for lack of memory.
  case failed(String)

  public var description: String {
    switch self {
    case .corrupt(let reason): "compressed data is corrupt: \(reason)"
    case .tooLarge(let limit): "a message unpacks to more than \(limit) bytes"
    case .truncated: "compressed data does not end where its message ends"
    case .failed(let reason): "the compression library failed: \(reason)"
    }
  }
}

/// The memory into which messages are unpacked, one after the other.
///
/// It grows by doubling up to the limit, and gives memory back once a long run of messages did without it: the first
/// seconds of a connection carry whole guilds, the rest of its life small events.
struct InflateBuffer: ~Copyable {
  private static let usualCapacity = 64 << 10
  private static let patience = 256

  let limit: Int
  /// Owned: allocated here, grown with `realloc`, freed in `deinit`. Always ``JSONParser/padding`` bytes larger than
  /// `capacity`.
  private var memory: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private var count = 0
  private var smallMessages = 0

  init(limit: Int) {
    self.limit = limit
    capacity = min(limit, Self.usualCapacity)
    memory = Self.resized(nil, to: capacity)
  }

  deinit { free(memory) }

  private static func resized(_ memory: UnsafeMutablePointer<UInt8>?, to capacity: Int) -> UnsafeMutablePointer<UInt8> {
    let size = capacity + JSONParser.padding
    guard let result = realloc(memory, size) else { preconditionFailure("out of memory") }
    return result.bindMemory(to: UInt8.self, capacity: size)
  }

  /// The free part, at least one byte.
  /// - Throws: ``CompressionError/tooLarge(limit:)`` when the limit is used up.
  mutating func space() throws(CompressionError) -> UnsafeMutableBufferPointer<UInt8> {
    if count == capacity {
      guard capacity < limit else { throw .tooLarge(limit: limit) }
      capacity = min(limit, capacity * 2)
      memory = Self.resized(memory, to: capacity)
    }
    return UnsafeMutableBufferPointer(start: memory + count, count: capacity - count)
  }

  /// Whether everything that could be written was written: the library may hold more.
  var isFull: Bool { count == capacity }
  var isAtLimit: Bool { count == limit }

  mutating func advance(by written: Int) { count += written }

  var message: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: memory, count: count) }

  mutating func startMessage() {
    smallMessages = count > Self.usualCapacity ? 0 : smallMessages + 1
    count = 0
    guard smallMessages > Self.patience, capacity > Self.usualCapacity else { return }
    capacity = Self.usualCapacity
    memory = Self.resized(memory, to: capacity)
  }
}
