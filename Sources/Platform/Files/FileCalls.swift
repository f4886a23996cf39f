import Glibc

/// The calls to the kernel that giving out files below a directory takes. All of them may wait for a disk.
public enum FileCalls {
  public struct Status: Sendable, Equatable {
    public var size: Int
    /// In whole seconds.
    public var modified: Timestamp
    /// Changes whenever the file is another, or was written.
    public var version: String
  }

  /// What a path below a directory leads to.
  public enum Found: Sendable {
    case file(OpenFile)
    case absent
    /// There is a link on the way, which is never followed.
    case link
  }

  static func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

  /// Opens a file below a directory: no name in `segments` may be a link, and nothing leaves the directory.
  /// - Parameter segments: names without slashes, none of them `..`; empty: the directory itself.
  /// - Throws: ``SystemError`` for what is no fault of the path.
  public static func look(_ segments: [String], below directory: String) throws -> Found {
    var place = OpenFile(Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    guard place.descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR || errno == EACCES { return .absent }
      throw SystemError(call: "open", code: errno)
    }
    for (index, name) in segments.enumerated() {
      guard let descriptor = try step(from: place, to: name, isLast: index == segments.count - 1) else {
        return isLink(name, in: place) ? .link : .absent
      }
      place = OpenFile(descriptor)
    }
    return .file(place)
  }

  private static func step(from place: OpenFile, to name: String, isLast: Bool) throws -> Int32? {
    guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(UInt8(ascii: "/")), !name.utf8.contains(0)
    else {
      return nil
    }
    // Without O_NONBLOCK opening a named pipe would wait for its writer.
    let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (isLast ? O_NONBLOCK : O_DIRECTORY)
    let descriptor = openat(place.descriptor, name, flags)
    guard descriptor >= 0 else {
      switch errno {
      case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EACCES, ENXIO: return nil
      default: throw SystemError(call: "openat", code: errno)
      }
    }
    return descriptor
  }

  private static func isLink(_ name: String, in place: OpenFile) -> Bool {
    var status = stat()
    return fstatat(place.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// The same where whatever is no file counts alike.
  /// - Returns: nil if there is no such file.
  public static func open(_ segments: [String], below directory: String) throws -> OpenFile? {
    if case .file(let file) = try look(segments, below: directory) { file } else { nil }
  }

  /// Nil for anything but a plain file.
  public static func status(_ file: OpenFile) throws -> Status? {
    var status = stat()
    guard fstat(file.descriptor, &status) == 0 else { throw SystemError(call: "fstat", code: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { return nil }
    let parts = [
      UInt64(status.st_ino), UInt64(bitPattern: Int64(status.st_mtim.tv_sec)), UInt64(status.st_mtim.tv_nsec),
      UInt64(status.st_size),
    ]
    return Status(
      size: Int(status.st_size),
      modified: Timestamp(seconds: Int64(status.st_mtim.tv_sec)),
      version: parts.map { String($0, radix: 36) }.joined(separator: "-"))
  }

  /// The names in a directory, in no order, without those that begin with a dot or are not UTF-8.
  /// - Parameter limit: so many are looked at.
  /// - Returns: nil if it is no directory.
  public static func names(in directory: OpenFile, limit: Int) throws -> [String]? {
    // Of its own, for reading a directory moves its place and closing the stream closes the descriptor.
    let descriptor = openat(directory.descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOTDIR || errno == EACCES { return nil }
      throw SystemError(call: "openat", code: errno)
    }
    guard let stream = fdopendir(descriptor) else {
      let code = errno
      close(descriptor)
      throw SystemError(call: "fdopendir", code: code)
    }
    defer { closedir(stream) }
    var names: [String] = []
    for _ in 0..<limit {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw SystemError(call: "readdir", code: errno) }
        break
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if let name, !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }

  /// Exactly `count` bytes.
  /// - Throws: ``SystemError``, also if the file has become shorter.
  public static func read(_ file: OpenFile, at offset: Int, count: Int) throws -> [UInt8] {
    let bytes = try readSome(file, at: offset, count: count)
    guard bytes.count == count else { throw SystemError(call: "pread", code: EIO) }
    return bytes
  }

  /// Up to `count` bytes; fewer only at the end of the file.
  public static func readSome(_ file: OpenFile, at offset: Int, count: Int) throws -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = 0
      while filled < count {
        let got = pread(file.descriptor, buffer.baseAddress! + filled, count - filled, off_t(offset + filled))
        if got < 0, errno == EINTR { continue }
        if got < 0 { failure = errno }
        guard got > 0 else { return }
        filled += got
      }
    }
    guard failure == 0 else { throw SystemError(call: "pread", code: failure) }
    return bytes
  }
}

/// An open file. Owned: closed when nobody holds it any more.
public final class OpenFile: Sendable {
  let descriptor: Int32
  init(_ descriptor: Int32) { self.descriptor = descriptor }
  deinit { if descriptor >= 0 { FileCalls.close(descriptor) } }
}
