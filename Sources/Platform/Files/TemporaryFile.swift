import Glibc

/// A file that gets its name once all of it is safely on disk: a file of that name is always whole.
///
/// Until then it lies under a name that ``FileCalls/names(in:limit:)`` leaves out. A process that dies on the way leaves
/// it, for ``removeOrphans(prefix:in:)`` of any process: the lock of its writer is gone with it. All calls may wait for
/// a disk.
public final class TemporaryFile: Sendable {
  /// `write(2)`, for tests of full disks.
  public typealias Write = @Sendable (Int32, UnsafeRawBufferPointer) -> Int

  private let path: String
  /// Owned: closed in `deinit`.
  private let descriptor: Int32
  private let write: Write

  /// - Parameters:
  ///   - prefix: begins with a dot.
  ///   - mode: who may read and write it, for good.
  /// - Throws: ``SystemError``.
  public init(
    in directory: String, prefix: String, mode: mode_t = 0o600,
    write: @escaping Write = { Glibc.write($0, $1.baseAddress, $1.count) }
  ) throws {
    path = directory + "/" + prefix + (try Crypto.randomToken(byteCount: 12))
    self.write = write
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    guard descriptor >= 0 else { throw SystemError(call: "open", code: errno) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      // Somebody took it for an orphan at this very moment.
      let failure = SystemError(call: "flock", code: errno)
      unlink(path)
      close(descriptor)
      throw failure
    }
  }

  /// The lock ends here; whoever still needs the file has given it a name.
  deinit { close(descriptor) }

  /// A file that failed once is gone.
  /// - Throws: ``SystemError``.
  public func append(_ bytes: [UInt8]) throws {
    do {
      try bytes.withUnsafeBytes { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
          let written = write(descriptor, UnsafeRawBufferPointer(rebasing: rest))
          if written < 0, errno == EINTR { continue }
          guard written > 0 else { throw SystemError(call: "write", code: errno) }
          rest = rest.dropFirst(written)
        }
      }
    } catch {
      discard()
      throw error
    }
  }

  /// Gives it its name, in a directory of the same file system.
  /// - Throws: ``SystemError``; then it has no name.
  public func publish(as name: String, in directory: String) throws {
    guard fsync(descriptor) == 0 else { throw SystemError(call: "fsync", code: errno) }
    guard rename(path, directory + "/" + name) == 0 else { throw SystemError(call: "rename", code: errno) }
    do { try FileCalls.sync(directory) } catch {
      unlink(directory + "/" + name)
      throw error
    }
  }

  /// Removes it unless it has its name.
  public func discard() { unlink(path) }

  /// Removes those that nobody writes any more.
  /// - Throws: ``SystemError``.
  public static func removeOrphans(prefix: String, in directory: String) throws {
    guard let listing = opendir(directory) else { throw SystemError(call: "opendir", code: errno) }
    defer { closedir(listing) }
    while let entry = readdir(listing) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasPrefix(prefix) else { continue }
      let path = directory + "/" + name
      let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
      close(descriptor)
    }
  }
}

extension FileCalls {
  /// Makes a directory, and those above it, where they are missing.
  /// - Throws: ``SystemError``.
  public static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws {
    var partial = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      partial += partial.isEmpty || partial.hasSuffix("/") ? String(part) : "/" + part
      if mkdir(partial, mode) != 0, errno != EEXIST { throw SystemError(call: "mkdir", code: errno) }
    }
  }

  /// - Returns: whether there was such a file.
  /// - Throws: ``SystemError``.
  @discardableResult
  public static func remove(_ name: String, in directory: String) throws -> Bool {
    if unlink(directory + "/" + name) == 0 {
      try sync(directory)
      return true
    }
    guard errno == ENOENT || errno == ENOTDIR else { throw SystemError(call: "unlink", code: errno) }
    return false
  }

  /// Removes a directory if nothing is in it.
  /// - Returns: whether it is gone.
  @discardableResult
  public static func removeEmptyDirectory(_ path: String) -> Bool { rmdir(path) == 0 || errno == ENOENT }

  /// Puts the names in a directory safely on disk.
  /// - Throws: ``SystemError``.
  static func sync(_ directory: String) throws {
    let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError(call: "open", code: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw SystemError(call: "fsync", code: errno) }
  }

  /// What a program of ours may still write on the disk of that directory, in bytes.
  /// - Throws: ``SystemError``.
  public static func freeBytes(of directory: String) throws -> Int {
    var status = statvfs()
    guard statvfs(directory, &status) == 0 else { throw SystemError(call: "statvfs", code: errno) }
    return Int(clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
  }
}
