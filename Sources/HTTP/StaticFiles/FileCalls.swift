import Glibc
import Platform

/// The calls to the kernel that serving files takes. All of them may wait for a disk.
enum FileCalls {
  struct Status: Sendable, Equatable {
    var size: Int
    var modified: Timestamp
    /// Changes whenever the file is another, or was written.
    var version: String
  }

  static func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

  /// Opens a plain file below a directory: no name in `segments` may be a link, and nothing leaves the directory.
  /// - Returns: nil if there is no such file.
  /// - Throws: ``SystemError`` for what is no fault of the path.
  static func open(_ segments: [String], below directory: String) throws -> OpenFile? {
    var place = OpenFile(Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    guard place.descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw SystemError(call: "open", code: errno)
    }
    for (index, name) in segments.enumerated() {
      let isLast = index == segments.count - 1
      // Without O_NONBLOCK opening a named pipe would wait for its writer.
      let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (isLast ? O_NONBLOCK : O_DIRECTORY)
      let descriptor = openat(place.descriptor, name, flags)
      guard descriptor >= 0 else {
        switch errno {
        case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EACCES, ENXIO: return nil
        default: throw SystemError(call: "openat", code: errno)
        }
      }
      place = OpenFile(descriptor)
    }
    return place
  }

  /// Nil for anything but a plain file.
  static func status(_ file: OpenFile) throws -> Status? {
    var status = stat()
    guard fstat(file.descriptor, &status) == 0 else { throw SystemError(call: "fstat", code: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { return nil }
    let parts = [
      UInt64(status.st_ino), UInt64(bitPattern: Int64(status.st_mtim.tv_sec)), UInt64(status.st_mtim.tv_nsec),
      UInt64(status.st_size),
    ]
    return Status(
      size: Int(status.st_size), modified: Timestamp(seconds: Int64(status.st_mtim.tv_sec)),
      version: parts.map { String($0, radix: 36) }.joined(separator: "-"))
  }

  /// Exactly `count` bytes.
  /// - Throws: ``SystemError``, also if the file has become shorter.
  static func read(_ file: OpenFile, at offset: Int, count: Int) throws -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = 0
      while filled < count {
        let got = pread(file.descriptor, buffer.baseAddress! + filled, count - filled, off_t(offset + filled))
        if got < 0, errno == EINTR { continue }
        guard got > 0 else {
          failure = got == 0 ? EIO : errno
          return
        }
        filled += got
      }
    }
    guard failure == 0 else { throw SystemError(call: "pread", code: failure) }
    return bytes
  }
}
