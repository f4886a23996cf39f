import Core
import Foundation
import Platform
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import KillTracker

/// Uploaded logs that are kept: whose they are, how many, and what is left when something goes wrong.
@Suite(.timeLimit(.minutes(2)))
struct KeptLogTests {
  private struct Rig {
    let directory: String
    let database: Database
    let time: ManualTime
    let kept: KeptLogs
    var shelf: LogShelf { LogShelf(directories: [], kept: kept) }

    /// Keeps a log without reading anything of it.
    @discardableResult
    func keep(_ bytes: [UInt8], of user: UserID = ann, pieces: Int = 4_096) async throws -> LogKeeping {
      try await kept.keeping(Pieces(bytes: bytes, size: pieces), of: user) { bytes in
        for try await _ in bytes {}
      }.1
    }

    /// Everything on disk, as `user/name` and temporary names, sorted.
    func files() -> [String] {
      let all = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
      return all.filter { path in
        var isDirectory: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: directory + "/" + path, isDirectory: &isDirectory)
        return !isDirectory.boolValue
      }.sorted()
    }

    func directories() -> [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }

    func mode(_ path: String) -> Int? {
      (try? FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]) as? Int
    }
  }

  private func with(
    _ engine: TestEngine = .sqlite, _ settings: KeptLogSettings = KeptLogSettings(), disk: KeptLogs.Disk = .init(),
    _ body: (Rig) async throws -> Void
  ) async throws {
    try await withTestDatabase(engine) { database in
      try await StorageTestSupport.withTemporaryDirectory { root async throws in
        let time = ManualTime(timestamp: Timestamp(iso8601: "2026-02-18T12:00:00.000Z") ?? Timestamp(seconds: 0))
        try await database.migrate([KeptLogTables.module], time: time)
        let directory = root + "/uploads"
        try await body(
          Rig(
            directory: directory, database: database, time: time,
            kept: KeptLogs(
              settings, directory: directory, database: database, time: time, log: .silent, disk: disk)))
      }
    }
  }

  private func bytes(_ count: Int, _ seed: Int = 0) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ seed) }
  }

  private func log(_ keeping: LogKeeping) throws -> KeptLog {
    guard case .kept(let log) = keeping else {
      Issue.record("\(keeping)")
      throw CancellationError()
    }
    return log
  }

  private func refusal(_ path: String, _ reader: LogReader?, _ rig: Rig) async throws -> LogShelfError? {
    do {
      _ = try await rig.shelf.open(path, for: reader)
      return nil
    } catch let error as LogShelfError { return error }
  }

  @Test(arguments: TestEngine.available) func aLogIsItsUploadersAlone(engine: TestEngine) async throws {
    try await with(engine) { rig in
      let text = bytes(10_000)
      let kept = try log(try await rig.keep(text, pieces: 333))
      #expect(kept.user == ann && kept.size == 10_000 && kept.keptAt == rig.time.timestamp)
      #expect(kept.name.hasPrefix("20260218T120000-") && kept.name.hasSuffix(".log"))
      let path = "\(rig.directory)/\(ann)"
      #expect(rig.mode(rig.directory) == 0o700 && rig.mode(path) == 0o700 && rig.mode(path + "/" + kept.name) == 0o600)
      #expect(rig.files() == ["\(ann)/\(kept.name)"])

      let (own, other, admin) = (LogReader(user: ann), LogReader(user: vic), LogReader(user: mod, isAdmin: true))
      for reader in [own, admin] {
        let files = try await rig.shelf.files(for: reader)
        #expect(files.map(\.path) == ["uploads/\(ann)/\(kept.name)"] && files.map(\.size) == [10_000])
        #expect(files.map(\.directory) == ["uploads/\(ann)"] && files.map(\.modified) == [kept.keptAt])
        var read: [UInt8] = []
        for try await piece in try await rig.shelf.open(kept.path, for: reader) { read += piece }
        #expect(read == text)
      }
      #expect(try await rig.shelf.files(for: other).isEmpty)
      #expect(try await rig.shelf.files().isEmpty)
      #expect(
        try await rig.shelf.directories(for: own) == [
          LogDirectory(path: "uploads/\(ann)", exists: true, files: 1, bytes: 10_000)
        ])
      #expect(try await rig.shelf.directories(for: admin).map(\.path) == ["uploads/\(ann)", "uploads/\(mod)"])
      #expect(
        try await rig.shelf.directories(for: other) == [
          LogDirectory(path: "uploads/\(vic)", exists: false, files: 0, bytes: 0)
        ])
      #expect(try await rig.shelf.directories().isEmpty)

      // Somebody else's is not there for them, whether it is or not.
      for name in [kept.name, "none.log"] {
        #expect(try await refusal("uploads/\(ann)/\(name)", other, rig) == .outside)
        #expect(try await refusal("uploads/\(ann)/\(name)", nil, rig) == .outside)
      }
      for path in [
        "uploads/\(ann)", "uploads/\(ann)/", "uploads//\(kept.name)", "uploads/\(ann)/../\(ann)/\(kept.name)",
        "uploads/\(vic)/../\(ann)/\(kept.name)", "uploads/0\(ann)/\(kept.name)", "/uploads/\(ann)/\(kept.name)",
        "\(rig.directory)/\(ann)/\(kept.name)",
      ] {
        let refusal = try await refusal(path, own, rig)
        #expect(refusal == .outside || refusal == .missing && path.hasSuffix("/"), "\(path)")
      }
      for name in ["none.log", "..", "."] {
        #expect(try await refusal("uploads/\(ann)/\(name)", own, rig) == .missing)
      }
    }
  }

  @Test(arguments: TestEngine.available) func theSameLogIsKeptOnce(engine: TestEngine) async throws {
    try await with(engine) { rig in
      let first = try log(try await rig.keep(bytes(5_000), pieces: 100))
      rig.time.advance(by: .seconds(60))
      let second = try log(try await rig.keep(bytes(5_000), pieces: 4_096))
      #expect(first.name != second.name && rig.files() == ["\(ann)/\(second.name)"])
      #expect(try await rig.kept.list(of: ann) == [second])
      // It is another one's as well.
      let others = try log(try await rig.keep(bytes(5_000), of: vic))
      #expect(rig.files() == ["\(ann)/\(second.name)", "\(vic)/\(others.name)"].sorted())
      // One that grew is another.
      try await rig.keep(bytes(5_001))
      #expect(try await rig.kept.list(of: ann).count == 2)
    }
  }

  // MARK: Bounds

  @Test(arguments: TestEngine.available) func theOldestOfAUserMakeRoom(engine: TestEngine) async throws {
    try await with(engine, KeptLogSettings(megabytesPerUser: 1, megabytes: 100)) { rig in
      try await rig.keep(bytes(500_000), of: vic)
      var logs: [KeptLog] = []
      for number in 0..<4 {
        rig.time.advance(by: .seconds(1))
        logs.append(try log(try await rig.keep(bytes(400_000, number))))
      }
      #expect(try await rig.kept.list(of: ann) == [logs[3], logs[2]])
      #expect(try await rig.kept.list(of: vic).count == 1 && rig.files().count == 3)
      // To the byte; the new one stays, whatever it takes.
      rig.time.advance(by: .seconds(1))
      let whole = try log(try await rig.keep(bytes(1 << 20, 9)))
      #expect(try await rig.kept.list(of: ann) == [whole])
      #expect(try await rig.keep(bytes(1 + 1 << 20, 9)) == .notKept(.tooLarge(limit: 1 << 20)))
      #expect(try await rig.kept.list(of: ann) == [whole] && rig.files().count == 2)
    }
  }

  @Test func theOldestOfAllMakeRoom() async throws {
    try await with(.sqlite, KeptLogSettings(megabytesPerUser: 50, megabytes: 1)) { rig in
      let first = try log(try await rig.keep(bytes(400_000, 1), of: ann))
      rig.time.advance(by: .seconds(1))
      let second = try log(try await rig.keep(bytes(400_000, 2), of: vic))
      rig.time.advance(by: .seconds(1))
      let third = try log(try await rig.keep(bytes(400_000, 3), of: wit))
      #expect(try await rig.kept.list(of: nil) == [third, second])
      #expect(!rig.files().contains { $0.hasSuffix(first.name) } && rig.directories() == ["\(vic)", "\(wit)"].sorted())
      // No more of one user than of all.
      #expect(try await rig.keep(bytes(1 + 1 << 20, 9)) == .notKept(.tooLarge(limit: 1 << 20)))
    }
  }

  /// Also where several came at the same moment, of which none is older.
  @Test func theNewOneNeverMakesRoom() async throws {
    try await with(.sqlite, KeptLogSettings(megabytesPerUser: 1, megabytes: 1)) { rig in
      for number in 0..<30 {
        let new = try log(try await rig.keep(bytes(300_000, number)))
        #expect(try await rig.kept.list(of: ann).contains(new))
      }
      #expect(try await rig.kept.list(of: ann).count == 3)
      #expect(rig.files().count == 3)
    }
  }

  @Test func aUserHasSoManyAtMost() async throws {
    try await with { rig in
      for number in 0..<(KeptLogs.countPerUser + 3) {
        rig.time.advance(by: .seconds(1))
        try await rig.keep(bytes(100, number))
      }
      #expect(try await rig.kept.list(of: ann).count == KeptLogs.countPerUser)
      #expect(rig.files().count == KeptLogs.countPerUser)
    }
  }

  @Test func onlySoManyAreWrittenAtATime() async throws {
    try await with { rig in
      let (gate, open) = AsyncStream.makeStream(of: Void.self)
      let (started, start) = AsyncStream.makeStream(of: Void.self)
      let all = try await withThrowingTaskGroup(of: LogKeeping.self) { group in
        for number in 0..<KeptLogs.writing {
          group.addTask {
            try await rig.kept.keeping(Pieces(bytes: bytes(100, number)), of: ann) { bytes in
              start.yield()
              for await _ in gate {}
              for try await _ in bytes {}
            }.1
          }
        }
        var begun = 0
        for await _ in started {
          begun += 1
          if begun == KeptLogs.writing { break }
        }
        // It is read all the same.
        let (count, keeping) = try await rig.kept.keeping(Pieces(bytes: bytes(5_000), size: 1_000), of: vic) { bytes in
          var count = 0
          for try await piece in bytes { count += piece.count }
          return count
        }
        #expect(count == 5_000 && keeping == .notKept(.busy))
        open.finish()
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(all.count == KeptLogs.writing)
      for keeping in all { _ = try log(keeping) }
      _ = try log(try await rig.keep(bytes(5_000), of: vic))
    }
  }

  @Test(arguments: [KeptLogSettings(days: 0), KeptLogSettings()]) func nothingIsKeptWhereNothingIsToBe(
    settings: KeptLogSettings
  ) async throws {
    try await withTestDatabase(.sqlite) { database in
      try await database.migrate([KeptLogTables.module], time: ManualTime())
      let kept = KeptLogs(
        settings, directory: settings.days == 0 ? "/nonexistent/uploads" : nil, database: database, time: ManualTime(),
        log: .silent)
      let (count, keeping) = try await kept.keeping(Pieces(bytes: bytes(10)), of: ann) { bytes in
        var count = 0
        for try await piece in bytes { count += piece.count }
        return count
      }
      #expect(count == 10 && keeping == .notKept(.off))
      #expect(try await kept.list(of: ann).isEmpty)
    }
  }

  // MARK: What goes wrong

  @Test(arguments: [0, 100, 6_000], [ENOSPC, EDQUOT, EIO])
  func aDiskThatIsFullOrBrokenIsNotInTheWay(room: Int, code: Int32) async throws {
    let left = Mutex(room)
    let disk = KeptLogs.Disk { descriptor, bytes in
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
    try await with(.sqlite, disk: disk) { rig in
      let (count, keeping) = try await rig.kept.keeping(Pieces(bytes: bytes(10_000), size: 1_000), of: ann) { bytes in
        var count = 0
        for try await piece in bytes { count += piece.count }
        return count
      }
      #expect(count == 10_000 && keeping == .notKept(code == EIO ? .failed : .noRoom))
      #expect(rig.files().isEmpty)
      #expect(try await rig.kept.list(of: ann).isEmpty)
    }
  }

  /// The database needs the rest.
  @Test func theLastOfTheDiskIsNotTaken() async throws {
    let free = Mutex(KeptLogs.reserve + 2_500)
    var disk = KeptLogs.Disk()
    disk.free = { _ in
      free.withLock { free in
        defer { free -= 1_000 }
        return free
      }
    }
    try await with(.sqlite, disk: disk) { rig in
      #expect(try await rig.keep(bytes(10_000), pieces: 1_000) == .notKept(.noRoom))
      #expect(rig.files().isEmpty)
      free.withLock { $0 = KeptLogs.reserve + 3_000 }
      _ = try log(try await rig.keep(bytes(3_000), pieces: 1_000))
    }
  }

  @Test func nothingIsLeftOfALogThatBreaksOff() async throws {
    struct Broken: Error {}
    try await with { rig in
      for read in [0, 3] {
        await #expect(throws: Broken.self) {
          _ = try await rig.kept.keeping(Pieces(bytes: bytes(5_000), size: 1_000), of: ann) { bytes in
            var count = 0
            for try await _ in bytes {
              count += 1
              if count > read { throw Broken() }
            }
          }
        }
        #expect(rig.files().isEmpty)
      }
      // The place that it held is free again.
      for number in 0..<KeptLogs.writing + 1 { _ = try log(try await rig.keep(bytes(10, number))) }
    }
  }

  @Test func nothingIsLeftIfTheDatabaseFails() async throws {
    try await with { rig in
      try await rig.database.write { try $0.execute("DROP TABLE kept_logs") }
      #expect(try await rig.keep(bytes(100)) == .notKept(.failed))
      #expect(rig.files().isEmpty && rig.directories().isEmpty)
    }
  }

  /// As a process that died leaves them, at each of its steps.
  @Test(arguments: TestEngine.available) func whatADeadProcessLeftIsSwept(engine: TestEngine) async throws {
    try await with(engine) { rig in
      let kept = try log(try await rig.keep(bytes(100)))
      let files = FileManager.default
      let old = Date(timeIntervalSince1970: Double(rig.time.timestamp.milliseconds) / 1_000 - 3_601)
      func put(_ path: String, at date: Date?) {
        let whole = "\(rig.directory)/\(path)"
        try? files.createDirectory(
          atPath: (whole as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        _ = files.createFile(atPath: whole, contents: Data("x".utf8))
        if let date { try? files.setAttributes([.modificationDate: date], ofItemAtPath: whole) }
      }
      // Half written; named and not entered; the same, of a user with nothing else; just named by another process.
      put(".upload-dead", at: nil)
      put("\(ann)/nobodys.log", at: old)
      put("\(vic)/nobodys.log", at: old)
      put("\(wit)/young.log", at: old.addingTimeInterval(2))
      let alive = try TemporaryFile(in: rig.directory, prefix: KeptLogs.temporaryPrefix)
      #expect(rig.files().count == 6)
      // Entered, and the file was lost.
      try await rig.database.write { transaction in
        try transaction.execute(
          "INSERT INTO kept_logs (name, user_id, size, hash, kept_at) VALUES ('lost.log', $1, 5, $2, $3)", ann,
          [UInt8](repeating: 1, count: 32), rig.time.timestamp)
      }
      #expect(try await refusal("uploads/\(ann)/lost.log", LogReader(user: ann), rig) == .missing)
      try await rig.kept.sweep()
      let left = rig.files().filter { !$0.hasPrefix(".") }
      #expect(left == ["\(ann)/\(kept.name)", "\(wit)/young.log"].sorted())
      #expect(rig.files().count == 3 && rig.directories() == ["\(ann)", "\(wit)"].sorted())
      try alive.publish(as: "whole.log", in: "\(rig.directory)/\(ann)")
      // Cut short on disk: no log at all rather than half of one.
      try FileHandle(forWritingTo: URL(fileURLWithPath: "\(rig.directory)/\(ann)/\(kept.name)")).truncate(atOffset: 50)
      #expect(try await refusal(kept.path, LogReader(user: ann), rig) == .missing)
    }
  }

  @Test(arguments: TestEngine.available) func whatIsTooOldGoes(engine: TestEngine) async throws {
    try await with(engine, KeptLogSettings(days: 2)) { rig in
      let first = try log(try await rig.keep(bytes(100)))
      rig.time.advance(by: .seconds(86_400))
      let second = try log(try await rig.keep(bytes(101)))
      rig.time.advance(by: .seconds(86_400))
      // At its time it is out of sight, before anybody sweeps.
      #expect(try await rig.kept.list(of: ann) == [second])
      #expect(try await refusal(first.path, LogReader(user: ann), rig) == .missing)
      #expect(rig.files().count == 2)
      try await rig.kept.sweep()
      #expect(rig.files() == ["\(ann)/\(second.name)"])
      rig.time.advance(by: .seconds(86_400))
      try await rig.kept.sweep()
      #expect(rig.directories().isEmpty)
    }
  }

  /// An operator who switches it off wants what is there gone, too.
  @Test func whatWasKeptGoesOnceNothingIsToBeKept() async throws {
    try await with { rig in
      let old = try log(try await rig.keep(bytes(100)))
      let off = KeptLogs(
        KeptLogSettings(days: 0), directory: rig.directory, database: rig.database, time: rig.time, log: .silent)
      #expect(try await off.list(of: ann).isEmpty)
      await #expect(throws: LogShelfError.missing) { try await off.open(old.name, of: ann) }
      try await off.sweep()
      #expect(rig.directories().isEmpty)
      #expect(try await rig.kept.list(of: ann).isEmpty)
    }
  }

  // MARK: One's own data

  @Test(arguments: TestEngine.available) func usersTakeThemAlongAndHaveThemDeleted(engine: TestEngine) async throws {
    try await with(engine) { rig in
      let first = try log(try await rig.keep(bytes(100)))
      rig.time.advance(by: .seconds(1))
      let second = try log(try await rig.keep(bytes(200)))
      let others = try log(try await rig.keep(bytes(300), of: vic))
      #expect(try await rig.kept.summary(of: ann) == ["2 uploaded logs"])
      #expect(try await rig.kept.summary(of: vic) == ["1 uploaded log"])
      var exported: [UInt8] = []
      try await rig.kept.export(of: ann) { exported += $0 }
      #expect(
        try JSON(parsing: exported) == [
          ["name": .string(first.name), "size": 100, "keptAt": "2026-02-18T12:00:00.000Z"],
          ["name": .string(second.name), "size": 200, "keptAt": "2026-02-18T12:00:01.000Z"],
        ])
      // One by its name; not somebody else's.
      #expect(try await !rig.kept.delete(first.name, of: vic))
      #expect(try await rig.kept.delete(first.name, of: ann))
      #expect(try await !rig.kept.delete(first.name, of: ann))
      #expect(rig.files() == ["\(ann)/\(second.name)", "\(vic)/\(others.name)"].sorted())
      #expect(try await rig.kept.erase(ann) == ["1 uploaded log"])
      #expect(try await rig.kept.erase(ann).isEmpty)
      #expect(try await rig.kept.summary(of: ann).isEmpty)
      #expect(rig.files() == ["\(vic)/\(others.name)"] && rig.directories() == ["\(vic)"])
    }
  }
}
