import Glibc
import Platform

/// Keeps the secrets and headers of webhooks unreadable in the database and its backups: sealed with AES-256-GCM under a
/// key in `dataDirectory/webhook-key` (mode 0600, made at the first start).
///
/// They must be opened again to sign, so whoever has both the database and the data directory has them. Processes on
/// several machines share the key as they share the signing keys. Without its key a webhook's secret is lost: its
/// deliveries fail and say so until its owner sets it again.
struct WebhookVault: Sendable {
  private let key: Secret<[UInt8]>

  init(key: Secret<[UInt8]>) { self.key = key }

  /// - Throws: ``KeyFileError``.
  static func open(directory: String) async throws -> WebhookVault {
    WebhookVault(key: Secret(try await FileQueue.run { try SealingKeyFile(directory: directory).open() }))
  }

  func seal(_ text: String, for owner: Subject) throws -> [UInt8] {
    try Crypto.seal(Array(text.utf8), key: key.reveal(), context: "webhook of \(owner)")
  }

  /// Nil if it was sealed with another key.
  func open(_ sealed: [UInt8], of owner: Subject) throws -> String? {
    try Crypto.open(sealed, key: key.reveal(), context: "webhook of \(owner)").flatMap {
      String(validating: $0, as: UTF8.self)
    }
  }

  func seal(_ headers: HTTPHeaders, for owner: Subject) throws -> [UInt8]? {
    guard headers.count > 0 else { return nil }
    let fields = headers.map { JSON.array([.string($0.name), .string($0.value)]) }
    return try seal(JSON.array(fields).serialized(), for: owner)
  }

  func openHeaders(_ sealed: [UInt8], of owner: Subject) throws -> HTTPHeaders? {
    guard let text = try open(sealed, of: owner), let fields = try JSON(parsing: text).array else { return nil }
    var headers = HTTPHeaders()
    for field in fields { headers.add(field[0]?.string ?? "", field[1]?.string ?? "") }
    return headers
  }
}

/// The key's file, as ``KeyFile`` handles its own: it appears as a whole, once, whoever comes first.
private struct SealingKeyFile {
  let directory: String
  var path: String { directory + "/webhook-key" }

  func open() throws -> [UInt8] {
    if let key = try read() { return key }
    try make()
    guard let key = try read() else { throw KeyFileError(path: path, reason: "vanished while it was made") }
    return key
  }

  private func read() throws -> [UInt8]? {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw failure("read")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("read") }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o077 == 0 else {
      throw KeyFileError(path: path, reason: "can be read by others, or is no plain file: chmod 600 it")
    }
    // 64 digits, perhaps a line break.
    var buffer = [UInt8](repeating: 0, count: 128)
    let count = Glibc.read(descriptor, &buffer, buffer.count)
    guard count >= 0 else { throw failure("read") }
    let text = String(decoding: buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    guard let key = Hex.decode(text), key.count == Crypto.sealingKeyLength else {
      throw KeyFileError(path: path, reason: "is damaged: it must hold \(2 * Crypto.sealingKeyLength) hex digits")
    }
    return key
  }

  private func make() throws {
    if mkdir(directory, 0o755) != 0, errno != EEXIST { throw failure("make the directory of") }
    let temporary = path + "." + (try Crypto.randomToken(byteCount: 9)) + ".new"
    let descriptor = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("write") }
    defer { unlink(temporary) }
    do {
      defer { close(descriptor) }
      let text = Array((Hex.encode(try Crypto.randomBytes(Crypto.sealingKeyLength)) + "\n").utf8)
      guard fchmod(descriptor, 0o600) == 0, write(descriptor, text, text.count) == text.count, fsync(descriptor) == 0
      else { throw failure("write") }
    }
    if link(temporary, path) != 0, errno != EEXIST { throw failure("make") }
    let parent = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard parent >= 0 else { throw failure("store") }
    defer { close(parent) }
    guard fsync(parent) == 0 else { throw failure("store") }
  }

  private func failure(_ verb: String) -> KeyFileError {
    KeyFileError(path: path, reason: "cannot \(verb) it: \(String(cString: strerror(errno)))")
  }
}
