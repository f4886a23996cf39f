import Glibc
import HTTP
import HTTPTestSupport
import Platform
import StorageTestSupport
import Synchronization
import Testing

@testable import HTTPAPI

/// Uploads of pictures.
@Suite(.timeLimit(.minutes(2)))
struct ImageStoreTests {
  private static let png: [UInt8] =
    [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + [UInt8](repeating: 7, count: 500)
  private let threads = FileThreads(count: 2, name: "test")

  private func files(_ directory: String) -> [String] {
    guard let listing = opendir(directory) else { return [] }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  private func content(_ path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = read(descriptor, &bytes, bytes.count)
    return Array(bytes.prefix(max(0, count)))
  }

  private func pieces(_ bytes: [UInt8], _ size: Int) -> AsyncStream<[UInt8]> {
    AsyncStream { continuation in
      for start in stride(from: 0, to: bytes.count, by: size) {
        continuation.yield(Array(bytes[start..<min(bytes.count, start + size)]))
      }
      continuation.finish()
    }
  }

  private static let samples: [(ImageKind, [UInt8])] = [
    (.png, png), (.jpeg, [0xFF, 0xD8, 0xFF, 0xE0] + [UInt8](repeating: 1, count: 20)),
    (.gif, Array("GIF89a..........".utf8)), (.gif, Array("GIF87a..........".utf8)),
    (.webp, Array("RIFF\u{1}\u{1}\u{1}\u{1}WEBPVP8 ....".utf8)),
  ]

  @Test(arguments: [1, 3, 11, 12, 13, 1000])
  func imagesAreKnownByTheirContentAtEverySplit(size: Int) async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ImageStore.open(directory: directory + "/a/b", threads: threads)
      for (kind, bytes) in Self.samples {
        let name = try await store.store(pieces(bytes, size))
        #expect(name.hasSuffix("." + kind.fileExtension) && ImageStore.isName(name))
        #expect(content(store.directory + "/" + name) == bytes)
        #expect(files(store.directory) == [name])
        #expect(try await store.delete(name))
        #expect(try await !store.delete(name))
      }
      #expect(files(store.directory).isEmpty)
    }
  }

  @Test(arguments: [
    [], [0x89], Array("GIF88a..........".utf8), Array("<svg xmlns=…>……………".utf8), Array("<html><body>....".utf8),
    Array("RIFF....WAVEfmt ".utf8), Array("RIFF....WEB".utf8), [0xFF, 0xD8, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    Array("x".utf8) + png,
  ])
  func whatIsNoImageIsRefusedAndLeavesNothing(bytes: [UInt8]) async throws {
    try await withTemporaryDirectory { directory async throws in
      let store = try await ImageStore.open(directory: directory, threads: threads)
      await #expect(throws: ImageStore.Failure.notAnImage) { try await store.store(pieces(bytes, 4)) }
      #expect(files(directory).isEmpty)
    }
  }

  @Test func thereIsALargestImage() async throws {
    try await withTemporaryDirectory { directory async throws in
      let store = try await ImageStore.open(directory: directory, threads: threads)
      let largest = Self.png + [UInt8](repeating: 0, count: ImageStore.maximumBytes - Self.png.count)
      let name = try await store.store(pieces(largest, 1 << 18))
      #expect(files(directory) == [name])
      await #expect(throws: ImageStore.Failure.tooLarge(limit: ImageStore.maximumBytes)) {
        try await store.store(pieces(largest + [0], 1 << 18))
      }
      #expect(files(directory) == [name])
    }
  }

  @Test(arguments: [0, 100, 400], [ENOSPC, EDQUOT, EIO])
  func aDiskThatIsFullOrBrokenLeavesNothing(room: Int, code: Int32) async throws {
    try await withTemporaryDirectory { directory async throws in
      let left = Mutex(room)
      let store = try await ImageStore.open(directory: directory, threads: threads) { descriptor, bytes in
        let count = left.withLock { left in
          defer { left -= min(left, bytes.count) }
          return min(left, bytes.count)
        }
        guard count > 0 else {
          errno = code
          return -1
        }
        return write(descriptor, bytes.baseAddress, count)
      }
      let expected: ImageStore.Failure = code == EIO ? .unavailable(code: code) : .full
      await #expect(throws: expected) { try await store.store(pieces(Self.png, 50)) }
      #expect(files(directory).isEmpty)
      #expect(expected.asHTTPError(field: "image").status == (code == EIO ? 503 : 507))
    }
  }

  /// The kernel's own word for a full disk.
  @Test func aFullDiskOfTheKernelLeavesNothing() async throws {
    try await withTemporaryDirectory { directory async throws in
      let full = open("/dev/full", O_WRONLY)
      defer { close(full) }
      let store = try await ImageStore.open(directory: directory, threads: threads) { _, bytes in
        write(full, bytes.baseAddress, bytes.count)
      }
      await #expect(throws: ImageStore.Failure.full) { try await store.store(pieces(Self.png, 50)) }
      #expect(files(directory).isEmpty)
    }
  }

  @Test func anUploadThatBreaksOffLeavesNothingAndOrphansAreRemovedAtTheStart() async throws {
    struct Broken: Error {}
    try await withTemporaryDirectory { directory async throws in
      let store = try await ImageStore.open(directory: directory, threads: threads)
      let breaking = AsyncThrowingStream<[UInt8], any Error> { continuation in
        continuation.yield(Self.png)
        continuation.finish(throwing: Broken())
      }
      await #expect(throws: Broken.self) { try await store.store(breaking) }
      #expect(files(directory).isEmpty)

      // As a process that died leaves it; and one that somebody writes at this moment.
      let orphan = open(directory + "/.upload-orphan", O_WRONLY | O_CREAT, 0o600)
      close(orphan)
      let alive = try TemporaryFile(in: directory, prefix: ImageStore.temporaryPrefix)
      try alive.append(Self.png)
      let other = open(directory + "/other.txt", O_WRONLY | O_CREAT, 0o600)
      close(other)
      #expect(files(directory).count == 3)
      _ = try await ImageStore.open(directory: directory, threads: threads)
      #expect(files(directory).count == 2 && !files(directory).contains(".upload-orphan"))
      try alive.publish(as: "mine.png", in: directory)
      #expect(files(directory) == ["mine.png", "other.txt"])
    }
  }

  @Test(arguments: [
    "", "x.png", "../../etc/passwd", String(repeating: "a", count: 22) + ".svg",
    String(repeating: "a", count: 21) + "/.png", String(repeating: "a", count: 22) + ".png.png",
  ])
  func onlyOurNamesAreDeleted(name: String) async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ImageStore.open(directory: directory, threads: threads)
      #expect(try await !store.delete(name))
    }
  }

  // MARK: Forms

  private func post(_ address: SocketAddress, _ body: [UInt8], boundary: String = "b") async throws -> String {
    let client = try TestClient(address)
    await client.send(
      "POST /upload HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: \(body.count)\r\n"
        + "Content-Type: multipart/form-data; boundary=\(boundary)\r\n\r\n")
    await client.send(body)
    return await client.readToEnd()
  }

  private func part(_ name: String, _ bytes: [UInt8], file: String? = nil) -> [UInt8] {
    let filename = file.map { "; filename=\"\($0)\"" } ?? ""
    return Array("--b\r\nContent-Disposition: form-data; name=\"\(name)\"\(filename)\r\n\r\n".utf8) + bytes
      + Array("\r\n".utf8)
  }

  private func withUploads(_ body: (SocketAddress, String) async throws -> Void) async throws {
    try await withTemporaryDirectory { directory in
      let store = try await ImageStore.open(directory: directory, threads: threads)
      var router = Router()
      router.on(.post, "/upload", bodyLimit: ImageStore.bodyLimit) { request in
        let form = try await store.receive(request, image: "image")
        return .json(
          ["image": form.image.map(JSON.string) ?? .null, "data": form.fields["data"].map(JSON.string) ?? .null] as JSON
        )
      }
      try await withServer(router) { address, _ in try await body(address, directory) }
    }
  }

  @Test func aFormBringsFieldsAndAnImage() async throws {
    try await withUploads { address, directory in
      let large = Self.png + [UInt8](repeating: 9, count: 700_000)
      let end = Array("--b--\r\n".utf8)
      var answer = try await post(
        address, part("data", Array("{\"é\":1}".utf8)) + part("image", large, file: "../../evil.svg") + end)
      #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("{\\\"é\\\":1}"))
      #expect(files(directory).count == 1)
      let name = try #require(files(directory).first)
      #expect(name.hasSuffix(".png") && answer.contains(name))
      #expect(content(directory + "/" + name) == large)
      answer = try await post(address, part("data", Array("x".utf8)) + end)
      #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("\"image\":null"))
      #expect(files(directory) == [name])
    }
  }

  @Test func badFormsLeaveNothing() async throws {
    try await withUploads { address, directory in
      let end = Array("--b--\r\n".utf8)
      let image = part("image", Self.png, file: "a.png")
      let forms: [(String, [UInt8])] = [
        ("400", part("image", Array("<svg>...........".utf8), file: "a.png") + end),
        ("400", image + image + end), ("400", image), ("400", image + part("data", [0xFF, 0xFE]) + end),
        ("400", image + part("other", Self.png, file: "b.png") + end), ("400", part("image", [], file: "a.png") + end),
        ("413", image + part("data", [UInt8](repeating: 65, count: ImageStore.maximumFieldBytes + 1)) + end),
      ]
      for (status, form) in forms {
        let answer = try await post(address, form)
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
        #expect(files(directory).isEmpty)
      }
    }
  }

  @Test func aPeerThatGoesAwayInTheMiddleLeavesNothing() async throws {
    try await withUploads { address, directory in
      do {
        let client = try TestClient(address)
        await client.send(
          "POST /upload HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n"
            + "Content-Type: multipart/form-data; boundary=b\r\n\r\n")
        await client.send(part("image", Self.png, file: "a.png").dropLast(2) + [UInt8](repeating: 1, count: 10_000))
        try await eventually("it is under way") { files(directory).count == 1 }
      }
      try await eventually("nothing is left") { files(directory).isEmpty }
    }
  }
}
