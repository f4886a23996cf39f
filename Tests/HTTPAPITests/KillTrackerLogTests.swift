import Core
import Foundation
import HTTP
import KillTracker
import Platform
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// Logs over HTTP: listed, validated and parsed, from the configured directories alone.
@Suite(.timeLimit(.minutes(1))) struct KillTrackerLogTests {
  typealias House = KillTrackerHouse

  /// Two kills of the player's own log, one of them of somebody of the game.
  private static let log = """
    <2023-10-15T18:00:00.000Z> Log started on Sun Oct 15 18:00:00 2023
    <2023-10-15T18:00:01.000Z> [Notice] <AccountLoginCharacterStatus_Character> Character: createdAt 1 - updatedAt 2 - geid 201990709919 - accountId 1 - name Seryartorve - state STATE_CURRENT [Team_GameServices][Login]
    <2023-10-15T18:01:00.000Z> [Notice] <Actor Death> CActor::Kill: 'Garluxyarfen' [202061709919] in zone 'OOC_Stanton_2b_Daymar' killed by 'Seryartorve' [201990709919] using 'behr_rifle_ballistic_01_6105102838217' [Class behr_rifle_ballistic_01] with damage type 'Bullet' from direction x: 0.0, y: 0.0, z: 0.0 [Team_ActorTech][Actor]
    <2023-10-15T18:02:00.000Z> [Notice] <Actor Death> CActor::Kill: 'PU_Human_Enemy_GroundCombat_NPC_ASD_soldier_6105102838300' [6105102838300] in zone 'OOC_Stanton_2b_Daymar' killed by 'Seryartorve' [201990709919] using 'behr_rifle_ballistic_01_6105102838217' [Class behr_rifle_ballistic_01] with damage type 'Bullet' from direction x: 0.0, y: 0.0, z: 0.0 [Team_ActorTech][Actor]

    """

  private func with(
    _ engine: TestEngine = .sqlite, _ body: (House, _ directory: String) async throws -> Void
  ) async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "adjutant-logs-\(UUID().uuidString)")
      .resolvingSymlinksInPath()
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try Data(Self.log.utf8).write(to: directory.appending(path: "Game.log"))
    try Data("nothing of the game\n".utf8).write(to: directory.appending(path: "other.log"))
    let path = directory.path().hasSuffix("/") ? String(directory.path().dropLast()) : directory.path()
    try await House.with(engine, settings: TrackerSettings(logDirectories: [path])) { house in
      try await body(house, path)
    }
  }

  private func body(_ path: String, _ more: JSON.Object = [:]) -> JSON {
    var object: JSON.Object = ["filePath": .string(path)]
    for (name, value) in more { object[name] = value }
    return .object(object)
  }

  @Test func whatIsThere() async throws {
    try await with { house, directory in
      let token = try await house.token()
      let directories = try await house.send(.get, "/api/logs/directories", token: token)
      let printed: JSON = [
        "path": .string(directory), "exists": true, "files": 2, "size": .integer(Int64(Self.log.utf8.count + 20)),
      ]
      let own: JSON = ["path": "uploads/\(House.user)", "exists": false, "files": 0, "size": 0]
      #expect(directories.json == ["directories": [printed, own]])
      let files = try await house.send(.get, "/api/logs/files", token: token)
      let names = files.json["files"]?.array?.compactMap { $0["name"]?.string } ?? []
      #expect(Set(names) == ["Game.log", "other.log"])
      #expect(try await house.send(.get, "/api/logs/files").code == "UNAUTHORIZED")
      let refused = try await house.send(.get, "/api/logs/files", token: try await house.key())
      #expect(refused.status == 403 && refused.code == "INSUFFICIENT_PERMISSIONS")
    }
  }

  @Test func validatingRecordsNothing() async throws {
    try await with { house, directory in
      let token = try await house.token()
      let found = try await house.send(.post, "/api/logs/validate", token: token, body(directory + "/Game.log"))
      #expect(found.status == 200 && found.json["isValid"] == true && found.json["lines"] == 4)
      #expect(found.json["owners"] == ["Seryartorve"])
      #expect(found.json["kills"] == ["total": 2, "pvp": 1, "pve": 1, "other": 0])
      #expect(found.json["lastEvent"] == "2023-10-15T18:02:00.000Z")
      let other = try await house.send(.post, "/api/logs/validate", token: token, body(directory + "/other.log"))
      #expect(other.status == 200 && other.json["isValid"] == false)
      #expect(other.json["reason"] == "no line of it is one of the game's")
      #expect(try await house.kills.count() == 0)
    }
  }

  @Test(arguments: TestEngine.available) func parsingRecordsOnce(engine: TestEngine) async throws {
    try await with(engine) { house, directory in
      let token = try await house.token()
      try await house.kills.players.verify("Seryartorve", of: House.user)
      let path = directory + "/Game.log"
      let first = try await house.send(
        .post, "/api/logs/parse", token: token,
        body(path, ["parseOptions": ["includePvE": false, "includePvP": true]]))
      #expect(first.status == 200 && first.json["isOwn"] == true, "\(first.json)")
      #expect(first.json["found"]?["kills"] == 1 && first.json["recorded"]?["kills"] == 1)
      #expect(first.json["kills"]?[0]?["killerId"] == "Seryartorve" && first.json["kills"]?[0]?["isPvP"] == true)
      // Now all of it: what is known is not recorded again.
      let second = try await house.send(.post, "/api/logs/parse", token: token, body(path))
      #expect(second.json["found"]?["kills"] == 2 && second.json["recorded"]?["kills"] == 1)
      #expect(second.json["recorded"]?["known"] == 1)
      let third = try await house.send(.post, "/api/logs/parse", token: token, body(path))
      #expect(third.json["recorded"]?["kills"] == 0 && third.json["recorded"]?["known"] == 2)
      #expect(try await house.kills.count() == 2)
      let none = try await house.send(.post, "/api/logs/parse", token: token, body(directory + "/other.log"))
      #expect(none.status == 422 && none.field == "filePath")
    }
  }

  /// What somebody uploaded is theirs to see and to read again; admins see all of it.
  @Test(arguments: TestEngine.available) func uploadsAreSeenByTheirOwner(engine: TestEngine) async throws {
    try await with(engine) { house, _ in
      struct Upload: AsyncSequence, AsyncIteratorProtocol, Sendable {
        var left: [[UInt8]]
        mutating func next() async -> [UInt8]? { left.isEmpty ? nil : left.removeFirst() }
        func makeAsyncIterator() -> Upload { self }
      }
      let (_, keeping) = try await house.tracker.keptLogs.keeping(
        Upload(left: [Array(Self.log.utf8)]), of: House.user
      ) { bytes in for try await _ in bytes {} }
      guard case .kept(let kept) = keeping else {
        Issue.record("\(keeping)")
        return
      }
      let path = "uploads/\(House.user)/\(kept.name)"
      let (token, other, admin) = (
        try await house.token(), try await house.token(House.other), try await house.token(House.owner)
      )
      for reader in [token, admin] {
        let files = try await house.send(.get, "/api/logs/files", token: reader)
        let paths = files.json["files"]?.array?.compactMap { $0["filePath"]?.string } ?? []
        #expect(paths.filter { $0.hasPrefix("uploads/") } == [path])
        let found = try await house.send(.post, "/api/logs/validate", token: reader, body(path))
        #expect(found.status == 200 && found.json["isValid"] == true, "\(found.json)")
      }
      let directories = try await house.send(.get, "/api/logs/directories", token: token)
      #expect(
        directories.json["directories"]?[1] == [
          "path": "uploads/\(House.user)", "exists": true, "files": 1, "size": .integer(Int64(Self.log.utf8.count)),
        ])
      #expect(try await !house.send(.get, "/api/logs/files", token: other).json.serialized().contains("uploads"))
      for route in ["validate", "parse"] {
        let refused = try await house.send(.post, "/api/logs/\(route)", token: other, body(path))
        #expect(refused.status == 403 && refused.code == "FORBIDDEN")
      }
      try await house.kills.players.verify("Seryartorve", of: House.user)
      let parsed = try await house.send(.post, "/api/logs/parse", token: token, body(path))
      #expect(parsed.json["isOwn"] == true && parsed.json["recorded"]?["kills"] == 2, "\(parsed.json)")
      // An admin's token of a login that is a plain user's sees no more than a user.
      let limited = try await house.token(House.owner, isLimited: true)
      #expect(try await house.send(.post, "/api/logs/validate", token: limited, body(path)).status == 403)
      _ = try await house.tracker.personalData.erase(House.user)
      #expect(try await house.send(.post, "/api/logs/validate", token: token, body(path)).status == 404)
    }
  }

  /// Of a long log the first kills are listed, and all are counted.
  @Test func theAnswerIsBounded() async throws {
    try await with { house, directory in
      let lines = Self.log.split(separator: "\n").map(String.init)
      var log = lines.prefix(2).map { $0 }
      for number in 0..<(KillTrackerLogs.listedKills + 5) {
        let time = Timestamp(seconds: 1_697_392_800 + Int64(number) * 60).iso8601
        log.append("<\(time)>" + lines[2].drop { $0 != ">" }.dropFirst())
      }
      try Data((log.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: directory + "/long.log"))
      let parsed = try await house.send(
        .post, "/api/logs/parse", token: try await house.token(), body(directory + "/long.log"))
      #expect(parsed.json["recorded"]?["kills"] == .integer(Int64(KillTrackerLogs.listedKills + 5)), "\(parsed.json)")
      #expect(parsed.json["kills"]?.array?.count == KillTrackerLogs.listedKills)
    }
  }

  @Test func theServerOfALogIsOnesOwn() async throws {
    try await with { house, directory in
      let path = directory + "/Game.log"
      let server: JSON.Object = ["serverId": "900000000000000001"]
      let stranger = try await house.token(House.other)
      #expect(try await house.send(.post, "/api/logs/parse", token: stranger, body(path, server)).status == 403)
      let member = try await house.token(Cast.user)
      let recorded = try await house.send(.post, "/api/logs/parse", token: member, body(path, server))
      #expect(recorded.json["kills"]?[0]?["serverId"] == "900000000000000001", "\(recorded.json)")
    }
  }

  @Test func whatIsOutsideOrMissing() async throws {
    try await with { house, directory in
      let token = try await house.token()
      for path in ["/etc/passwd", directory + "/../x.log", "Game.log", directory, "/path/to/logfile.log"] {
        for route in ["validate", "parse"] {
          let answer = try await house.send(.post, "/api/logs/\(route)", token: token, body(path))
          #expect(answer.status == 403 && answer.code == "FORBIDDEN", "\(route) \(path)")
        }
      }
      let missing = try await house.send(.post, "/api/logs/validate", token: token, body(directory + "/none.log"))
      #expect(missing.status == 404 && missing.code == "NOT_FOUND")
      for (text, field) in [
        ("{}", "filePath"), (#"{"filePath":5}"#, "filePath"), (#"{"filePath":""}"#, "filePath"),
        (#"{"filePath":"/x","parseOptions":{"includePvE":"yes"}}"#, "parseOptions.includePvE"),
        (#"{"filePath":"/x","serverId":"org"}"#, "serverId"),
      ] {
        let answer = try await house.send(
          .post, "/api/logs/parse", token: token, try JSON(parsing: Array(text.utf8)))
        #expect(answer.status == 422 && answer.field == field, "\(text)")
      }
      #expect(try await house.kills.count() == 0)
    }
  }

  @Test func whatIsNotWantedIsLeftOut() async throws {
    try await with { house, directory in
      let path = directory + "/Game.log"
      let token = try await house.token()
      let none = try await house.send(
        .post, "/api/logs/parse", token: token,
        body(path, ["parseOptions": ["includePvP": false, "includePvE": false]]))
      #expect(none.json["found"]?["kills"] == 0 && none.json["recorded"]?["kills"] == 0, "\(none.json)")
      let computers = try await house.send(
        .post, "/api/logs/parse", token: token, body(path, ["parseOptions": ["includePvP": false]]))
      #expect(computers.json["recorded"]?["kills"] == 1 && computers.json["kills"]?[0]?["isPvP"] == false)
    }
  }

  @Test func whoReadsALogWaitsForTheNext() async throws {
    try await with { house, directory in
      let (token, other) = (try await house.token(), try await house.token(House.other))
      try await house.tracker.logs.turns.take(House.user) {
        for route in ["validate", "parse"] {
          let busy = try await house.send(.post, "/api/logs/\(route)", token: token, body(directory + "/Game.log"))
          #expect(busy.status == 429 && busy.code == "RATE_LIMITED" && busy.headers["Retry-After"] == "5")
        }
        let free = try await house.send(.post, "/api/logs/validate", token: other, body(directory + "/Game.log"))
        #expect(free.status == 200)
      }
    }
  }

  @Test func oneLogOfAUserAtATime() async throws {
    let turns = LogTurns()
    try await turns.take(House.user) {
      await #expect(throws: LogShelfError.busy) { try await turns.take(House.user) {} }
      // Others go on.
      try await turns.take(House.other) {}
    }
    try await turns.take(House.user) {}
  }
}
