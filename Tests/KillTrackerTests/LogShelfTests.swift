import Foundation
import Platform
import Testing

@testable import KillTracker

/// Which logs can be opened, and that nothing else can.
@Suite(.timeLimit(.minutes(1))) struct LogShelfTests {
  /// A directory that is shared, beside one that is not.
  private func withShelf(_ body: (LogShelf, _ shared: URL, _ outside: URL) async throws -> Void) async throws {
    let files = FileManager.default
    let root = files.temporaryDirectory.appending(path: "adjutant-shelf-\(UUID().uuidString)").resolvingSymlinksInPath()
    let (shared, outside) = (root.appending(path: "shared"), root.appending(path: "secret"))
    for directory in [shared.appending(path: "LIVE/logbackups"), outside] {
      try files.createDirectory(at: directory, withIntermediateDirectories: true)
    }
    defer { try? files.removeItem(at: root) }
    try Data("log".utf8).write(to: shared.appending(path: "Game.log"))
    try Data("an old one".utf8).write(to: shared.appending(path: "LIVE/logbackups/Game Build(1).log"))
    try Data("not a log".utf8).write(to: shared.appending(path: "LIVE/notes.txt"))
    try Data("hidden".utf8).write(to: shared.appending(path: ".hidden.log"))
    try Data("secret".utf8).write(to: outside.appending(path: "secret.log"))
    try await body(LogShelf(directories: [shared.path(), root.path() + "/missing"]), shared, outside)
  }

  private func text(_ log: ShelvedLog) async throws -> String {
    var bytes: [UInt8] = []
    for try await piece in log { bytes += piece }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func refusal(_ path: String, _ shelf: LogShelf) async throws -> LogShelfError? {
    do {
      _ = try await shelf.open(path)
      return nil
    } catch let error as LogShelfError { return error }
  }

  @Test func logsAreListedWithWhatIsBelow() async throws {
    try await withShelf { shelf, shared, _ in
      let base = shared.path()
      let names = Set(try await shelf.files().map(\.name))
      #expect(names == ["Game.log", "Game Build(1).log"])
      for file in try await shelf.files() {
        #expect(file.path.hasPrefix(base.hasSuffix("/") ? String(base.dropLast()) : base))
        #expect(try await text(shelf.open(file.path)).utf8.count == file.size)
      }
      let directories = try await shelf.directories()
      #expect(directories.map(\.exists) == [true, false])
      #expect(directories.map(\.files) == [2, 0] && directories.map(\.bytes) == [13, 0])
    }
  }

  @Test func nothingOutsideIsOpened() async throws {
    try await withShelf { shelf, shared, outside in
      let base = shared.path().hasSuffix("/") ? String(shared.path().dropLast()) : shared.path()
      let secret = outside.appending(path: "secret.log").path()
      for path in [
        secret, "/etc/passwd", "\(base)/../secret/secret.log", "\(base)/LIVE/../../secret/secret.log",
        "Game.log", "./Game.log", "", "/", base, "\(base)-other/Game.log", "\(base)/./Game.log",
        "\(base)/..", "\(base)/Game.log\0.txt", "\(base.uppercased())/Game.log",
      ] {
        let refusal = try await refusal(path, shelf)
        #expect(refusal == .outside, "\(path)")
      }
      for path in ["\(base)/None.log", "\(base)/LIVE", "\(base)/LIVE/logbackups/None.log", "\(base)/Game.log/more"] {
        let refusal = try await refusal(path, shelf)
        #expect(refusal == .missing, "\(path)")
      }
      let deep = try await text(shelf.open("\(base)//LIVE///logbackups/Game Build(1).log"))
      #expect(deep == "an old one")
    }
  }

  @Test func linksAreNeverFollowed() async throws {
    try await withShelf { shelf, shared, outside in
      let base = shared.path().hasSuffix("/") ? String(shared.path().dropLast()) : shared.path()
      let files = FileManager.default
      // To a file, to a directory, to one inside, to itself.
      try files.createSymbolicLink(
        at: shared.appending(path: "file.log"), withDestinationURL: outside.appending(path: "secret.log"))
      try files.createSymbolicLink(at: shared.appending(path: "directory"), withDestinationURL: outside)
      try files.createSymbolicLink(
        at: shared.appending(path: "inside.log"), withDestinationURL: shared.appending(path: "Game.log"))
      try files.createSymbolicLink(atPath: shared.path() + "/loop.log", withDestinationPath: "loop.log")
      for name in ["file.log", "directory/secret.log", "inside.log", "loop.log"] {
        #expect(try await refusal("\(base)/\(name)", shelf) == .outside, "\(name)")
      }
      #expect(Set(try await shelf.files().map(\.name)) == ["Game.log", "Game Build(1).log"])
    }
  }

  @Test func aPipeIsNoLogAndNobodyWaitsForIt() async throws {
    try await withShelf { shelf, shared, _ in
      let path = shared.appending(path: "pipe.log").path()
      #expect(mkfifo(path, 0o600) == 0)
      let refusal = try await refusal(path, shelf)
      #expect(refusal == .missing)
      let files = try await shelf.files()
      #expect(!files.contains { $0.name == "pipe.log" })
    }
  }

  @Test func aLogThatGrowsEndsWhereItEnded() async throws {
    try await withShelf { shelf, shared, _ in
      let path = shared.appending(path: "Game.log").path()
      let log = try await shelf.open(path)
      let handle = try FileHandle(forWritingTo: shared.appending(path: "Game.log"))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data(" and more".utf8))
      try handle.close()
      #expect(try await text(log) == "log")
      // Cut off meanwhile: what is left is read, and nothing waits.
      let again = try await shelf.open(path)
      try FileHandle(forWritingTo: shared.appending(path: "Game.log")).truncate(atOffset: 1)
      #expect(try await text(again) == "l")
    }
  }

  @Test func readingEndsWithItsTask() async throws {
    try await withShelf { shelf, shared, _ in
      let log = try await shelf.open(shared.appending(path: "Game.log").path())
      let reading = Task {
        // Cancelled before it begins.
        while !Task.isCancelled { await Task.yield() }
        return try await text(log)
      }
      reading.cancel()
      await #expect(throws: CancellationError.self) { try await reading.value }
    }
  }
}
