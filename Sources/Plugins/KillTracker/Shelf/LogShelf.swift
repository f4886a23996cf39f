import Core
import Platform

/// A directory with logs that somebody may read.
public struct LogDirectory: Sendable, Equatable {
  /// As files of it are named.
  public var path: String
  /// False while it is not there.
  public var exists: Bool
  /// Logs in it and below.
  public var files: Int
  public var bytes: Int
}

/// A log in one of the directories.
public struct LogFile: Sendable, Equatable {
  public var path: String
  public var directory: String
  public var size: Int
  public var modified: Timestamp

  public var name: String { path.split(separator: "/").last.map(String.init) ?? path }
}

/// Why a log cannot be opened.
public enum LogShelfError: Error, Sendable, Equatable, CustomStringConvertible {
  /// In no directory of the reader's: elsewhere, or through a link.
  case outside
  case missing
  /// The same user's other log is not read to its end.
  case busy

  public var description: String {
    switch self {
    case .outside: "logs are read from the configured directories, and from what one uploaded oneself"
    case .missing: "there is no such log"
    case .busy: "another log of this user is being read"
    }
  }
}

/// Who looks for logs.
public struct LogReader: Sendable, Equatable {
  public var user: UserID
  /// Sees everybody's.
  public var isAdmin: Bool

  public init(user: UserID, isAdmin: Bool = false) {
    self.user = user
    self.isAdmin = isAdmin
  }
}

/// The logs that can be read again: those of the directories that the configuration shares, and what a reader uploaded
/// (``KeptLogs``), named `uploads/USER/NAME`.
///
/// Nothing outside is ever opened: names are taken one by one below the directory, and none of them may be a link.
public struct LogShelf: Sendable {
  /// The most files of a list, the newest; the most names that are looked at for it.
  public static let listLimit = 1_000
  static let lookLimit = 20_000
  static let depth = 4

  private struct Place: Sendable {
    var path: String
    var components: [String]
  }

  /// One log of a user at a time.
  public let turns = LogTurns()
  private let places: [Place]
  private let kept: KeptLogs?
  private let threads: FileThreads

  /// - Parameters:
  ///   - directories: absolute paths.
  ///   - kept: uploaded logs; nil: none are shown.
  public init(
    directories: [String], kept: KeptLogs? = nil, threads: FileThreads = FileThreads(count: 2, name: "logs")
  ) {
    self.threads = threads
    self.kept = kept
    places = directories.map { path in
      let components = Self.components(of: path)
      return Place(path: "/" + components.joined(separator: "/"), components: components)
    }
  }

  /// The configuration may use `..`; whoever asks may not.
  private static func components(of path: String) -> [String] {
    path.split(separator: "/").map(String.init).reduce(into: []) { result, name in
      if name == ".." { _ = result.popLast() } else if name != "." { result.append(name) }
    }
  }

  // MARK: - What is there

  /// The shared ones, then the reader's own; an admin sees that of each user who has uploaded something.
  /// - Parameter reader: nil: the shared ones alone.
  public func directories(for reader: LogReader? = nil) async throws -> [LogDirectory] {
    var found: [LogDirectory] = []
    for place in places {
      let files = try await threads.run { try Self.files(in: place) }
      found.append(
        LogDirectory(
          path: place.path, exists: files != nil, files: files?.count ?? 0,
          bytes: files?.reduce(0) { $0 + $1.size } ?? 0))
    }
    guard let kept, let reader else { return found }
    let logs = Dictionary(grouping: try await kept.list(of: reader.isAdmin ? nil : reader.user), by: \.user)
    for user in Set(logs.keys).union([reader.user]).sorted(by: { $0.rawValue < $1.rawValue }) {
      let own = logs[user] ?? []
      found.append(
        LogDirectory(
          path: KeptLog.directory(of: user), exists: !own.isEmpty, files: own.count,
          bytes: own.reduce(0) { $0 + $1.size }))
    }
    return found
  }

  /// The newest first.
  /// - Parameter reader: nil: those of the shared directories alone.
  public func files(for reader: LogReader? = nil) async throws -> [LogFile] {
    var found: [LogFile] = []
    for place in places { found += try await threads.run { try Self.files(in: place) } ?? [] }
    if let kept, let reader {
      found += try await kept.list(of: reader.isAdmin ? nil : reader.user).map { log in
        LogFile(path: log.path, directory: KeptLog.directory(of: log.user), size: log.size, modified: log.keptAt)
      }
    }
    return Array(found.sorted { ($1.modified, $0.path) < ($0.modified, $1.path) }.prefix(Self.listLimit))
  }

  /// Nil if the directory is not there.
  private static func files(in place: Place) throws -> [LogFile]? {
    guard let root = try FileCalls.open([], below: place.path) else { return nil }
    var found: [LogFile] = []
    var looked = 0
    var waiting: [(segments: [String], directory: OpenFile)] = [([], root)]
    while let (segments, directory) = waiting.popLast() {
      let names = try FileCalls.names(in: directory, limit: lookLimit - looked) ?? []
      looked += names.count
      for name in names.sorted() {
        let path = segments + [name]
        guard let file = try FileCalls.open(path, below: place.path) else { continue }
        if let status = try FileCalls.status(file) {
          guard name.lowercased().hasSuffix(".log") else { continue }
          found.append(
            LogFile(
              path: place.path + "/" + path.joined(separator: "/"), directory: place.path, size: status.size,
              modified: status.modified))
        } else if path.count < depth {
          waiting.append((path, file))
        }
      }
      guard looked < lookLimit else { break }
    }
    return found
  }

  // MARK: - Reading

  /// - Parameter path: as ``files(for:)`` gives it.
  /// - Throws: ``LogShelfError``.
  public func open(_ path: String, for reader: LogReader? = nil) async throws -> ShelvedLog {
    if let kept, let reader, path.hasPrefix(KeptLog.root + "/") {
      let parts = path.split(separator: "/", omittingEmptySubsequences: false)
      // Whether somebody else's is there is nobody's business.
      guard parts.count == 3, let user = UserID(String(parts[1])), "\(user)" == parts[1],
        reader.isAdmin || reader.user == user
      else { throw LogShelfError.outside }
      return try await kept.open(String(parts[2]), of: user)
    }
    let components = path.split(separator: "/").map(String.init)
    guard path.hasPrefix("/"), !path.utf8.contains(0), !components.contains(".."), !components.contains(".") else {
      throw LogShelfError.outside
    }
    let place = places.filter { components.starts(with: $0.components) && components.count > $0.components.count }
      .max { $0.components.count < $1.components.count }
    guard let place else { throw LogShelfError.outside }
    let segments = Array(components.dropFirst(place.components.count))
    let found = try await threads.run { () -> (OpenFile, FileCalls.Status)? in
      switch try FileCalls.look(segments, below: place.path) {
      case .absent: return nil
      case .link: throw LogShelfError.outside
      case .file(let file): return try FileCalls.status(file).map { (file, $0) }
      }
    }
    guard let (file, status) = found else { throw LogShelfError.missing }
    return ShelvedLog(
      file: LogFile(path: path, directory: place.path, size: status.size, modified: status.modified), open: file,
      threads: threads)
  }
}

/// An open log as pieces of bytes, read on threads that may wait for the disk. Ends where the file ended when it was
/// opened: a log that is being written is no reason to read for ever.
public struct ShelvedLog: AsyncSequence, Sendable {
  public typealias Element = [UInt8]
  static let pieceSize = 256 << 10

  public let file: LogFile
  let open: OpenFile
  let threads: FileThreads

  public struct AsyncIterator: AsyncIteratorProtocol {
    let log: ShelvedLog
    var offset = 0

    /// - Throws: `SystemError`; `CancellationError`.
    public mutating func next() async throws -> [UInt8]? {
      try Task.checkCancellation()
      let count = Swift.min(ShelvedLog.pieceSize, log.file.size - offset)
      guard count > 0 else { return nil }
      let piece = try await log.threads.run { [open = log.open, offset] in
        try FileCalls.readSome(open, at: offset, count: count)
      }
      offset += piece.count
      return piece.isEmpty ? nil : piece
    }
  }

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(log: self) }
}
