import Glibc
import Platform
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// The signing keys on disk.
struct KeyFileTests {
  private let now = Timestamp(seconds: 1_700_000_000)

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
  }

  private func write(_ text: String, to path: String, mode: mode_t = 0o600) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    _ = Array(text.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    fchmod(descriptor, mode)
  }

  private func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  @Test func theFirstStartMakesKeysThatOnlyWeCanRead() async throws {
    try await withTemporaryDirectory { directory in
      let previous = umask(0)
      defer { umask(previous) }
      let file = KeyFile(directory: directory + "/data/deep", issuer: "adjutant")
      #expect(try file.read() == nil)
      let keyring = try file.open(at: now)
      #expect(mode(file.path) == 0o600)
      #expect(try file.open(at: now + .seconds(60)) == keyring)
      #expect(names(in: directory + "/data/deep") == ["signing-keys.json"])
      #expect(keyring.current.secret.reveal().count == 32)
      #expect(!"\(keyring)".contains(Base64.encode(keyring.current.secret.reveal(), .url)))
    }
  }

  @Test func ofManyThatStartAtOnceTheFirstWins() async throws {
    try await withTemporaryDirectory { directory in
      let file = KeyFile(directory: directory, issuer: "adjutant")
      let keyrings = try await withThrowingTaskGroup(of: Keyring.self) { group in
        for _ in 0..<16 { group.addTask { try file.open(at: now) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(keyrings.count == 16)
      #expect(keyrings.allSatisfy { $0 == keyrings[0] })
      #expect(names(in: directory) == ["signing-keys.json"])
    }
  }

  @Test(arguments: [0o640, 0o604, 0o610, 0o601, 0o644, 0o660])
  func aFileThatOthersCanTouchIsRefused(mode: mode_t) async throws {
    try await withTemporaryDirectory { directory in
      let file = KeyFile(directory: directory, issuer: "adjutant")
      _ = try file.open(at: now)
      chmod(file.path, mode)
      #expect(throws: KeyFileError.self) { try file.open(at: now) }
    }
  }

  @Test func aSandboxAndARealBotDoNotShareKeys() async throws {
    try await withTemporaryDirectory { directory in
      _ = try KeyFile(directory: directory, issuer: "adjutant-sandbox").open(at: now)
      let error = try #require(throws: KeyFileError.self) {
        try KeyFile(directory: directory, issuer: "adjutant").open(at: now)
      }
      #expect(error.reason == "holds the keys of \"adjutant-sandbox\", not of \"adjutant\"")
    }
  }

  @Test(arguments: [
    "", "{", "[]", "{}", #"{"issuer":"adjutant","keys":[]}"#,
    #"{"issuer":"adjutant","keys":[{"kid":"k","secret":"AAAA","createdAt":"2024-01-01T00:00:00Z"}]}"#,
    #"{"issuer":"adjutant","keys":[{"kid":"","secret":"S","createdAt":"2024-01-01T00:00:00Z"}]}"#,
    #"{"issuer":"adjutant","keys":[{"kid":"k","secret":"S"}]}"#,
    #"{"issuer":"adjutant","keys":[{"kid":"k","secret":"S","createdAt":"2024-01-01T00:00:00Z","retiredAt":"2024-01-01T00:00:00Z"}]}"#,
    #"{"issuer":"adjutant","keys":[{"kid":"k","secret":"S","createdAt":"2024-01-01T00:00:00Z","retiredAt":"soon"}]}"#,
    #"{"issuer":"adjutant","keys":[{"kid":"k","secret":"S","createdAt":"2024-01-01T00:00:00Z"},{"kid":"l","secret":"S","createdAt":"2024-01-01T00:00:00Z"}]}"#,
    #"{"issuer":"adjutant","keys":[{"kid":"k","secret":"S","createdAt":"2024-01-01T00:00:00Z"},{"kid":"k","secret":"S","createdAt":"2024-01-01T00:00:00Z","retiredAt":"2024-01-01T00:00:00Z"}]}"#,
  ])
  func aDamagedFileIsRefusedAndKept(text: String) async throws {
    let text = text.replacing("\"S\"", with: "\"" + Base64.encode([UInt8](repeating: 1, count: 32), .url) + "\"")
    try await withTemporaryDirectory { directory in
      let file = KeyFile(directory: directory, issuer: "adjutant")
      try write(text, to: file.path)
      let error = try #require(throws: KeyFileError.self) { try file.open(at: now) }
      #expect(!error.description.contains("AQEB"))
      // It may hold the only copy of a key: nothing writes over it.
      var status = stat()
      #expect(stat(file.path, &status) == 0 && Int(status.st_size) == text.utf8.count)
      #expect(throws: KeyFileError.self) { try file.rotate(at: now) }
    }
  }

  @Test func aLinkIsNotFollowed() async throws {
    try await withTemporaryDirectory { directory in
      _ = try KeyFile(directory: directory + "/a", issuer: "adjutant").open(at: now)
      mkdir(directory + "/b", 0o700)
      symlink(directory + "/a/signing-keys.json", directory + "/b/signing-keys.json")
      #expect(throws: KeyFileError.self) { try KeyFile(directory: directory + "/b", issuer: "adjutant").open(at: now) }
    }
  }

  @Test func rotationKeepsOldKeysUntilNothingDependsOnThem() async throws {
    try await withTemporaryDirectory { directory in
      let file = KeyFile(directory: directory, issuer: "adjutant")
      let first = try file.open(at: now).current
      let later = now + .seconds(3_600)
      let second = try file.rotate(at: later)
      #expect(mode(file.path) == 0o600)
      #expect(second.current.id != first.id)
      #expect(second.keys.count == 2)
      #expect(second.keys[1].retiredAt == later)
      #expect(try file.read() == second)
      let end = later + Keyring.afterlife
      #expect(second.secret(for: first.id, at: end + .milliseconds(-1)) == first.secret.reveal())
      #expect(second.secret(for: first.id, at: end) == nil)
      #expect(second.secret(for: second.current.id, at: end) == second.current.secret.reveal())
      #expect(second.secret(for: "x", at: now) == nil)

      let third = try file.rotate(at: end)
      #expect(third.keys.map(\.id) == [third.current.id, second.current.id])
    }
  }

  @Test func rotationsOfSeveralProcessesComeOneAfterTheOther() async throws {
    try await withTemporaryDirectory { directory in
      let file = KeyFile(directory: directory, issuer: "adjutant")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<8 { group.addTask { _ = try file.rotate(at: now) } }
        try await group.waitForAll()
      }
      #expect(try file.read()?.keys.count == 9)
    }
  }
}
