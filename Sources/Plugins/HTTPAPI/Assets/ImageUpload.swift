import Glibc
import HTTP
import Platform

/// One image on its way to disk.
actor ImageUpload {
  private let directory: String
  private let threads: FileThreads
  private let write: ImageStore.Write
  private var file: TemporaryImage?
  /// What came before it was known what it is.
  private var beginning: [UInt8] = []
  private var kind: ImageKind?
  private var count = 0

  init(directory: String, threads: FileThreads, write: @escaping ImageStore.Write) {
    self.directory = directory
    self.threads = threads
    self.write = write
  }

  func append(_ bytes: [UInt8]) async throws {
    count += bytes.count
    guard count <= ImageStore.maximumBytes else { throw ImageStore.Failure.tooLarge(limit: ImageStore.maximumBytes) }
    guard kind == nil else { return try await store(bytes) }
    beginning += bytes
    guard beginning.count >= ImageKind.prefixLength else { return }
    try await recognise()
  }

  private func recognise() async throws {
    guard let kind = ImageKind(beginning: beginning) else { throw ImageStore.Failure.notAnImage }
    self.kind = kind
    let bytes = beginning
    beginning = []
    try await store(bytes)
  }

  private func store(_ bytes: [UInt8]) async throws {
    let (directory, write, known) = (directory, write, file)
    file = try await threads.run {
      let file = try known ?? TemporaryImage(in: directory)
      try file.append(bytes, write)
      return file
    }
  }

  /// Gives it its name.
  func finish() async throws -> String {
    if kind == nil { try await recognise() }
    guard let kind, let file else { throw ImageStore.Failure.notAnImage }
    let name = Base62.encode(try Crypto.randomBytes(16), length: 22) + "." + kind.fileExtension
    try await threads.run { try file.publish(as: name) }
    return name
  }

  /// Removes what has no name yet.
  func discard() async {
    guard let file else { return }
    self.file = nil
    // Removing cannot fail in a way that could be helped: the next start tries again.
    try? await threads.run { file.discard() }
  }
}

/// A file without its final name. Its lock tells others that somebody writes it.
final class TemporaryImage: Sendable {
  private let directory: String
  private let path: String
  /// Owned: closed in `deinit`.
  private let descriptor: Int32

  init(in directory: String) throws {
    self.directory = directory
    path = directory + "/" + ImageStore.temporaryPrefix + (try Crypto.randomToken(byteCount: 12))
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw ImageFiles.failure() }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      // Somebody took it for an orphan at this very moment.
      let failure = ImageFiles.failure()
      unlink(path)
      close(descriptor)
      throw failure
    }
  }

  /// The lock ends here; whoever still needs the file has given it a name.
  deinit { close(descriptor) }

  func append(_ bytes: [UInt8], _ write: ImageStore.Write) throws {
    do {
      try bytes.withUnsafeBytes { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
          let written = write(descriptor, UnsafeRawBufferPointer(rebasing: rest))
          if written < 0, errno == EINTR { continue }
          guard written > 0 else { throw ImageFiles.failure() }
          rest = rest.dropFirst(written)
        }
      }
    } catch {
      // Its upload never hears of a file that failed with the first bytes.
      discard()
      throw error
    }
  }

  func publish(as name: String) throws {
    guard fsync(descriptor) == 0, rename(path, directory + "/" + name) == 0 else { throw ImageFiles.failure() }
    do { try ImageFiles.sync(directory) } catch {
      unlink(directory + "/" + name)
      throw error
    }
  }

  func discard() { unlink(path) }
}

/// The calls that handle the directory. All of them may wait for a disk.
enum ImageFiles {
  static func failure() -> ImageStore.Failure {
    switch errno {
    case ENOSPC, EDQUOT, EFBIG: .full
    case let code: .unavailable(code: code)
    }
  }

  static func makeDirectory(_ path: String) throws {
    var partial = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      partial += partial.isEmpty || partial.hasSuffix("/") ? String(part) : "/" + part
      if mkdir(partial, 0o755) != 0, errno != EEXIST { throw failure() }
    }
  }

  /// Removes temporary files that nobody writes any more.
  static func removeOrphans(in directory: String) throws {
    guard let listing = opendir(directory) else { throw failure() }
    defer { closedir(listing) }
    while let entry = readdir(listing) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasPrefix(ImageStore.temporaryPrefix) else { continue }
      let path = directory + "/" + name
      let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
      close(descriptor)
    }
  }

  static func remove(_ name: String, in directory: String) throws -> Bool {
    if unlink(directory + "/" + name) == 0 {
      try sync(directory)
      return true
    }
    guard errno == ENOENT else { throw failure() }
    return false
  }

  static func sync(_ directory: String) throws {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure() }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure() }
  }
}
