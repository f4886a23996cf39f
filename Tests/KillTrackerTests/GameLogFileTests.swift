import Glibc
import StorageTestSupport
import Synchronization
import Testing

@testable import KillTracker

struct GameLogFileTests {
  private func write(_ bytes: [UInt8], to path: String) throws {
    let file = fopen(path, "w")
    defer { fclose(file) }
    try #require(fwrite(bytes, 1, bytes.count, file) == bytes.count)
  }

  @Test func aFileLongerThanOnePieceIsReadWhole() async throws {
    try await withTemporaryDirectory { directory in
      let filler = Array(
        "<2025-10-15T20:00:00.000Z> [Notice] <StreamingSOC> nothing of interest in this line at all\r\n".utf8)
      var bytes: [UInt8] = []
      for number in 0..<12_000 {
        bytes += filler
        if number.isMultiple(of: 1_000) { bytes += Array((GameLogSamples.lines[number / 1_000] + "\r\n").utf8) }
      }
      #expect(bytes.count > 4 * GameLogFile.pieceSize)
      try write(bytes, to: "\(directory)/Game.log")
      let kills = Mutex(0)
      let parser = try await GameLogFile.read("\(directory)/Game.log") { events in
        kills.withLock { $0 += events.filter { $0.name == "kill" }.count }
      }
      #expect(kills.withLock { $0 } == 12)
      #expect(parser.lines == 12_012)
    }
  }

  @Test func whatCannotBeReadIsSaidInTheReadersTerms() async throws {
    try await withTemporaryDirectory { directory in
      for (path, reason) in [("\(directory)/none.log", GameLogFileError.Reason.missing), (directory, .notAFile)] {
        do {
          try await GameLogFile.read(path) { _ in }
          Issue.record("\(path) was read")
        } catch let error as GameLogFileError {
          #expect(error.reason == reason)
          #expect(error.description.contains(path))
        }
      }
    }
  }

  // MARK: Following

  private func look(_ inode: UInt64, _ size: Int64, _ head: String = "head one") -> LogFollower.Look {
    LogFollower.Look(device: 1, inode: inode, size: size, head: Array(head.utf8.prefix(Int(size))))
  }

  @Test func aGrowingLogIsReadOn() {
    var follower = LogFollower()
    #expect(follower.see(nil) == .nothing)
    #expect(follower.see(look(1, 0)) == .nothing)
    #expect(follower.see(look(1, 4)) == .read(from: 0))
    follower.read(to: 4)
    #expect(follower.see(look(1, 4)) == .nothing)
    #expect(follower.see(look(1, 10)) == .read(from: 4))
    // Not read yet: asked for again.
    #expect(follower.see(look(1, 12)) == .read(from: 4))
  }

  @Test(
    arguments: [(2, 20, "head one"), (1, 5, "head one"), (1, 20, "head two"), (1, 0, "")] as [(UInt64, Int64, String)])
  func anotherLogIsReadFromItsBeginning(inode: UInt64, size: Int64, head: String) {
    var follower = LogFollower()
    _ = follower.see(look(1, 10))
    follower.read(to: 10)
    #expect(follower.see(look(inode, size, head)) == .restart)
    #expect(follower.offset == 0)
    #expect(follower.see(look(inode, size, head)) == (size > 0 ? .read(from: 0) : .nothing))
  }

  @Test func aFollowerGoesOnWhereAnotherProcessStopped() {
    var follower = LogFollower(offset: 10, look: look(1, 10))
    #expect(follower.see(look(1, 15)) == .read(from: 10))
    var replaced = LogFollower(offset: 10, look: look(1, 10))
    #expect(replaced.see(look(1, 15, "head two")) == .restart)
  }
}
