import Platform

/// One image on its way to disk.
actor ImageUpload {
  private let directory: String
  private let threads: FileThreads
  private let write: ImageStore.Write
  private var file: TemporaryFile?
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
    file = try await ImageStore.onDisk(threads) {
      let file =
        try known ?? TemporaryFile(in: directory, prefix: ImageStore.temporaryPrefix, mode: 0o644, write: write)
      try file.append(bytes)
      return file
    }
  }

  /// Gives it its name.
  func finish() async throws -> String {
    if kind == nil { try await recognise() }
    guard let kind, let file else { throw ImageStore.Failure.notAnImage }
    let name = Base62.encode(try Crypto.randomBytes(16), length: 22) + "." + kind.fileExtension
    try await ImageStore.onDisk(threads) { [directory] in try file.publish(as: name, in: directory) }
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
