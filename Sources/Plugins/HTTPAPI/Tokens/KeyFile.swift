import Glibc
import Platform

/// The signing keys in `dataDirectory`: mode 0600, made at the first start, shared by all processes of this directory.
///
/// Everything here waits for the disk: see ``FileQueue``. The file changes as a whole (link or rename), so a reader sees
/// the old or the new one, and a process that dies on the way leaves at most a stray `.new` file with keys that never
/// signed anything.
struct KeyFile: Sendable {
  let path: String
  let issuer: String

  init(directory: String, issuer: String) {
    path = directory + "/signing-keys.json"
    self.issuer = issuer
  }

  /// The keys of the file; makes it if it is missing. Of several processes that make it at once the first wins.
  func open(at now: Timestamp) throws -> Keyring {
    if let keyring = try read() { return keyring }
    try makeDirectory()
    try write(try Keyring(issuer: issuer, at: now)) { temporary in
      if link(temporary, path) != 0, errno != EEXIST { throw failure("make") }
    }
    guard let keyring = try read() else { throw KeyFileError(path: path, reason: "vanished while it was made") }
    return keyring
  }

  /// Nil if there is none.
  /// - Throws: ``KeyFileError`` if it is not ours alone to read, of another issuer, or damaged.
  func read() throws -> Keyring? {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw failure("read")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("read") }
    guard status.st_mode & S_IFMT == S_IFREG else { throw KeyFileError(path: path, reason: "is not a plain file") }
    guard status.st_mode & 0o077 == 0 else {
      throw KeyFileError(path: path, reason: "can be read by others: chmod 600 it, or delete it to end all sessions")
    }
    guard status.st_size <= 1 << 20 else { throw KeyFileError(path: path, reason: "is too large") }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("read") }
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    let keyring: Keyring
    do { keyring = try Keyring(try JSON(parsing: bytes)) } catch let error as Keyring.Unreadable {
      throw KeyFileError(path: path, reason: error.description)
    } catch { throw KeyFileError(path: path, reason: "is not JSON") }
    guard keyring.issuer == issuer else {
      throw KeyFileError(path: path, reason: "holds the keys of \"\(keyring.issuer)\", not of \"\(issuer)\"")
    }
    return keyring
  }

  /// Adds a key that signs from now on. Processes do this one after the other.
  func rotate(at now: Timestamp) throws -> Keyring {
    try makeDirectory()
    let lock = Glibc.open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw failure("lock") }
    defer { close(lock) }
    while flock(lock, LOCK_EX) != 0 {
      guard errno == EINTR else { throw failure("lock") }
    }
    var keyring = try open(at: now)
    try keyring.rotate(at: now)
    try write(keyring) { temporary in
      guard rename(temporary, path) == 0 else { throw failure("replace") }
    }
    return keyring
  }

  /// Writes a new file beside the old one, safely on disk, and gives it to `publish`.
  private func write(_ keyring: Keyring, publish: (String) throws -> Void) throws {
    let temporary = path + "." + (try Crypto.randomToken(byteCount: 9)) + ".new"
    let descriptor = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("write") }
    defer { unlink(temporary) }
    do {
      defer { close(descriptor) }
      guard fchmod(descriptor, 0o600) == 0 else { throw failure("write") }
      var rest = Array(keyring.json.serialized().utf8)[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw failure("write") }
        rest = rest.dropFirst(count)
      }
      guard fsync(descriptor) == 0 else { throw failure("write") }
    }
    try publish(temporary)
    try syncDirectory()
  }

  private var directory: String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }

  private func makeDirectory() throws {
    var partial = directory.hasPrefix("/") ? "/" : ""
    for part in directory.split(separator: "/") {
      partial += partial.isEmpty || partial.hasSuffix("/") ? String(part) : "/" + part
      if mkdir(partial, 0o755) != 0, errno != EEXIST { throw failure("make the directory of") }
    }
  }

  private func syncDirectory() throws {
    let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("store") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("store") }
  }

  private func failure(_ verb: String) -> KeyFileError {
    KeyFileError(path: path, reason: "cannot \(verb) it: \(String(cString: strerror(errno)))")
  }
}

/// The signing keys cannot be used; says what the operator can do.
public struct KeyFileError: Error, Equatable, Sendable, CustomStringConvertible {
  public let path: String
  public let reason: String
  public var description: String { "\(path): \(reason)" }
}
