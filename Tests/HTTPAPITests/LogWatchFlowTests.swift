import Foundation
import HTTP
import HTTPTestSupport
import KillTracker
import Platform
import Storage
import StorageTestSupport
import Synchronization
import Testing

@testable import HTTPAPI

/// A watch beside the game, and the documented endpoint that it records at, over a socket.
@Suite(.timeLimit(.minutes(2))) struct LogWatchFlowTests {
  typealias House = KillTrackerHouse

  private static let head = """
    <2023-10-15T20:00:00.001Z> Log started on Sun Oct 15 20:00:00 2023
    <2023-10-15T20:00:01.000Z> [Notice] <Legacy login response> [CIG-net] User Login Success - Handle[SERDO] - Time[1] [Team_GameServices][Login]

    """

  private static func kill(_ victim: String, by killer: String, at time: String) -> String {
    "<2023-10-15T\(time)Z> [Notice] <Actor Death> CActor::Kill: '\(victim)' [12] in zone 'pyro4' killed by '\(killer)' [34] "
      + "using 'unknown' [Class unknown] with damage type 'VehicleDestruction' from direction x: 0, y: 0\n"
  }

  /// What the watch tells, and time that passes while the test waits.
  private final class Rig: Sendable {
    let time = ManualTime()
    let told = Mutex<[WatchNews]>([])

    func until(_ what: Comment, _ condition: ([WatchNews]) -> Bool) async throws {
      try await eventually(what) {
        if condition(told.withLock { $0 }) { return true }
        time.advance(by: .milliseconds(500))
        return false
      }
    }
  }

  private func watching(
    _ file: URL, _ server: SocketAddress, _ key: String, spool: Database, _ rig: Rig, _ body: () async throws -> Void
  ) async throws {
    let client = try HTTPClient(log: .silent, metrics: Metrics())
    let base = "http://\(server)"
    let watch = LogWatch(
      .init(file: file.path(), server: base, key: Secret(key), guild: "900000000000000001"),
      spool: try await KillSpool.open(spool, server: base, key: Secret(key), time: rig.time), client: client,
      time: rig.time, tell: { news in rig.told.withLock { $0.append(news) } })
    let running = Task { try await watch.run() }
    do { try await body() } catch {
      running.cancel()
      _ = await running.result
      throw error
    }
    running.cancel()
    _ = await running.result
    await client.shutdown()
  }

  private static func append(_ text: String, to file: URL) throws {
    if !FileManager.default.fileExists(atPath: file.path()) { try Data().write(to: file) }
    let handle = try FileHandle(forWritingTo: file)
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(text.utf8))
    try handle.close()
  }

  @Test func killsOfAGrowingLogAreRecordedOnce() async throws {
    try await House.with { house in
      try await withTestDatabase(.sqlite) { spool in
        try await withTemporaryDirectory { directory in
          let file = URL(filePath: "\(directory)/Game.log")
          let key = try await house.key(player: "SERDO", [.writeKills])
          try await withServer(house.router) { address, _ in
            let rig = Rig()
            try await watching(file, address, key, spool: spool, rig) {
              try await rig.until("it waits for the file") { $0 == [.noFile] }
              try Self.append(
                Self.head + Self.kill("Rival", by: "SERDO", at: "20:20:00.000")
                  + Self.kill("SERDO", by: "Rival", at: "20:30:00.000")
                  + Self.kill("Stranger", by: "Rival", at: "20:31:00.000"), to: file)
              try await rig.until("both are recorded") { $0.filter { $0.isTaken }.count == 2 }
              try Self.append(Self.kill("Rival", by: "SERDO", at: "20:40:00.000"), to: file)
              try await rig.until("so is the next") { $0.filter { $0.isTaken }.count == 3 }
            }
            #expect(rig.told.withLock { $0.contains(.player("SERDO")) })
            // The same log again: nothing is sent.
            let second = Rig()
            try await watching(file, address, key, spool: spool, second) {
              try await second.until("the log is read") { $0.contains(.player("SERDO")) }
              try Self.append(Self.kill("Rival", by: "SERDO", at: "20:50:00.000"), to: file)
              try await second.until("what is new is recorded") { $0.contains { $0.isTaken } }
              try await eventually("so is the time") {
                second.time.advance(by: .seconds(1))
                return try await house.kills.players.profile(of: House.user).playTime >= .seconds(50 * 60 - 1)
              }
            }
            #expect(second.told.withLock { $0.filter { $0.isTaken } } == [.taken(isNew: true, waiting: 0)])
          }
          let page = try await house.kills.list(limit: 100, for: KillViewer(user: nil, isAdmin: true))
          #expect(page.kills.map(\.killer.name) == ["SERDO", "SERDO", "Rival", "SERDO"])
          #expect(page.kills.map(\.victim.name) == ["Rival", "Rival", "SERDO", "Rival"])
          #expect(page.kills.allSatisfy { $0.source == .log && $0.kind == .pvp && $0.confidence > 0.9 })
          #expect(page.kills.allSatisfy { $0.serverID == "900000000000000001" && $0.location != nil })
          // From the first line to the last, in whole seconds.
          #expect(try await house.kills.players.profile(of: House.user).playTime == .seconds(50 * 60 - 1))
          #expect(page.kills[2].victim.user == House.user && page.kills[2].killer.user == nil)
        }
      }
    }
  }

  @Test func whatIsSeenWhileTheServerIsAwayIsSentLater() async throws {
    let requests = Mutex<[String]>([])
    let isBack = Mutex(false)
    var router = Router()
    router.on(.post, "/api/kills") { request in
      requests.withLock { $0.append(request.headers["Idempotency-Key"] ?? "") }
      return HTTPResponse(status: isBack.withLock { $0 } ? .created : .serviceUnavailable)
    }
    try await withTestDatabase(.sqlite) { spool in
      try await withTemporaryDirectory { directory in
        let file = URL(filePath: "\(directory)/Game.log")
        try Self.append(
          Self.head + Self.kill("One", by: "SERDO", at: "20:20:00.000")
            + Self.kill("Two", by: "SERDO", at: "20:21:00.000"), to: file)
        try await withServer(router) { address, _ in
          let rig = Rig()
          try await watching(file, address, "k", spool: spool, rig) {
            try await rig.until("it says that the server is away") { news in
              news.contains { if case .away(_, waiting: 2, again: _) = $0 { true } else { false } }
            }
          }
          // Ended and begun anew: both still wait, in order.
          isBack.withLock { $0 = true }
          let second = Rig()
          try await watching(file, address, "k", spool: spool, second) {
            try await second.until("both are taken") { $0.contains(.taken(isNew: true, waiting: 0)) }
          }
        }
        let keys = requests.withLock { $0 }
        #expect(Set(keys).count == 2 && Set(keys.dropLast()).count == 1 && keys.last != keys.first)
      }
    }
  }

  @Test func theKeyOfAnotherPlayerEndsTheWatch() async throws {
    try await House.with { house in
      try await withTestDatabase(.sqlite) { spool in
        try await withTemporaryDirectory { directory in
          let file = URL(filePath: "\(directory)/Game.log")
          try Self.append(Self.head + Self.kill("One", by: "SERDO", at: "20:20:00.000"), to: file)
          let key = try await house.key(player: "Somebody", [.writeKills])
          try await withServer(house.router) { address, _ in
            let client = try HTTPClient(log: .silent, metrics: Metrics())
            let base = "http://\(address)"
            let store = try await KillSpool.open(spool, server: base, key: Secret(key))
            let watch = LogWatch(
              .init(file: file.path(), server: base, key: Secret(key)), spool: store, client: client, tell: { _ in })
            await #expect(throws: WatchEnded.self) { try await watch.run() }
            await client.shutdown()
          }
          #expect(try await house.kills.list(for: KillViewer(user: nil, isAdmin: true)).kills.isEmpty)
        }
      }
    }
  }

  // MARK: Time in the game

  @Test func eachSecondOfASessionCountsOnce() async throws {
    try await House.with { house in
      let key = try await house.key(player: "Me", [.writeKills])
      let now = house.time.timestamp
      func post(_ name: String, from start: Int, to end: Int?, _ seconds: Int) async throws -> House.Answer {
        var body: JSON.Object = [
          "session": .string(name), "began": .string((now + .seconds(start)).iso8601),
          "playedSeconds": .integer(Int64(seconds)),
        ]
        body["ended"] = end.map { .string((now + .seconds($0)).iso8601) }
        return try await house.send(.post, "/api/heartbeats", token: key, .object(body))
      }
      let first = try await post("a", from: -7_200, to: -3_600, 3_000)
      #expect(first.status == 200 && first.json["addedSeconds"] == 3_000 && first.json["totalPlayTime"] == "0h 50m")
      #expect(try await post("a", from: -7_200, to: -3_600, 3_000).json["addedSeconds"] == 0)
      // More of it, but no more than has passed.
      #expect(try await post("a", from: -7_200, to: -3_590, 600_000).json["addedSeconds"] == 610)
      // A piece of the same time under another name.
      #expect(try await post("b", from: -4_000, to: -3_595, 300).json["addedSeconds"] == 0)
      #expect(try await post("c", from: -3_000, to: nil, 60).json["totalPlayTime"] == "1h 1m")
      for (field, answer) in [
        ("session", try await post("", from: -10, to: 0, 1)), ("ended", try await post("d", from: -10, to: 900, 1)),
        ("ended", try await post("d", from: -10, to: -20, 1)),
        ("playedSeconds", try await post("d", from: -1, to: 0, -1)),
        ("began", try await post("d", from: -8 * 86_400, to: 0, 1)),
      ] { #expect(answer.status == 422 && answer.field == field) }
      #expect(try await house.send(.post, "/api/heartbeats", ["session": "x"]).status == 401)
      let stats = try await house.send(.get, "/api/stats/user/\(House.user)", token: house.token())
      #expect(stats.json["totalPlayTime"] == "1h 1m")
    }
  }

  // MARK: Who speaks for whom

  @Test func aKillerOtherThanTheCallerIsToldByTheVictimAlone() async throws {
    try await House.with { house in
      let key = try await house.key(player: "Me", [.writeKills])
      func post(_ body: JSON) async throws -> House.Answer {
        try await house.send(.post, "/api/kills", token: key, body)
      }
      let own = try await post(["killerId": "me", "victimId": "Rival", "weapon": "A"])
      #expect(own.status == 201 && own.json["killerId"] == "Me" && own.json["victimId"] == "Rival")
      let death = try await post(["killerId": "Rival", "victimId": "ME", "confidence": 0.5, "source": "log"])
      #expect(death.status == 201 && death.json["killerId"] == "Rival" && death.json["victimId"] == "Me")
      let npc = try await post(["killerId": "Vanduul_Blade", "victimId": "Me", "isPvP": false])
      #expect(npc.status == 201 && npc.json["isPvP"] == false)
      for body: JSON in [
        ["killerId": "Rival", "victimId": "Other"],
        ["killerId": "Rival", "victimId": "Me", "isSuicide": true],
      ] {
        let refused = try await post(body)
        #expect(refused.status == 422 && refused.field == "killerId")
      }
      #expect(try await post(["killerId": "Rival"]).field == "victimId")
      #expect(try await post(["victimId": "Rival", "confidence": 1.5]).status == 422)
      let kills = try await house.kills.list(limit: 10, for: KillViewer(user: nil, isAdmin: true)).kills
      #expect(Set(kills.map(\.kind)) == [.pvp, .npc] && kills.count == 3)
      #expect(kills.contains { $0.source == .log && $0.confidence == 0.5 && $0.victim.user == House.user })
    }
  }
}

extension WatchNews {
  fileprivate var isTaken: Bool { if case .taken = self { true } else { false } }
}
