/// Follows a log that grows, is cut off, or is replaced by the next one, without I/O of its own: tell it how the file
/// looks, and it says what to read.
///
/// The game moves the old log away and begins a new one at each start, under the same name.
public struct LogFollower: Sendable, Equatable {
  /// How a file looks at one moment.
  public struct Look: Sendable, Equatable {
    /// Device and inode, by which a replaced file is told from one that grew.
    public var device: UInt64
    public var inode: UInt64
    public var size: Int64
    /// The first bytes: a new log can get the old one's inode and be as long. ``LogFollower/headSize`` at most.
    public var head: [UInt8]

    public init(device: UInt64, inode: UInt64, size: Int64, head: [UInt8]) {
      self.device = device
      self.inode = inode
      self.size = size
      self.head = Array(head.prefix(LogFollower.headSize))
    }
  }

  public enum Step: Sendable, Equatable {
    case nothing
    /// Read from there to the end of the file, then tell ``LogFollower/read(to:)``.
    case read(from: Int64)
    /// Another log: end the parser, begin a new one, and read from the beginning.
    case restart
  }

  /// The first line of a log tells when it began; it fits in here.
  public static let headSize = 128

  private var look: Look?
  public private(set) var offset: Int64 = 0

  public init() {}

  /// Takes over where an earlier process stopped.
  public init(offset: Int64, look: Look) {
    self.offset = offset
    self.look = look
  }

  /// - Parameter look: nil while there is no file.
  public mutating func see(_ look: Look?) -> Step {
    guard let look else { return .nothing }
    defer { self.look = look }
    guard let known = self.look else { return look.size > offset ? .read(from: offset) : .nothing }
    let isSameFile = known.device == look.device && known.inode == look.inode
    let hasSameHead = look.head.starts(with: known.head.prefix(look.head.count))
    guard isSameFile, hasSameHead, look.size >= offset else {
      offset = 0
      return .restart
    }
    return look.size > offset ? .read(from: offset) : .nothing
  }

  /// Everything before `offset` was given to the parser.
  public mutating func read(to offset: Int64) { self.offset = offset }
}
