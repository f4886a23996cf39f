import FoundationEssentials
import Glibc
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import KillTracker

/// What a watch reads, keeps and concludes, each by itself.
struct LogWatchTests {
  private static let player = LoggedPlayer(handle: "SERDO", id: nil)

  private static let head = [
    "<2025-10-15T20:00:00.001Z> Log started on Wed Oct 15 20:00:00 2025",
    "<2025-10-15T20:00:00.001Z> FileVersion: 4.3.158.37746",
    "<2025-10-15T20:00:01.000Z> [Notice] <Legacy login response> [CIG-net] User Login Success - Handle[SERDO] - Time[1] [Team_GameServices][Login]",
  ]

  private static func kill(
    _ victim: String, _ victimID: UInt64, by killer: String, _ killerID: UInt64, at time: String = "20:20:00.000",
    type: String = "VehicleDestruction"
  ) -> String {
    "<2025-10-15T\(time)Z> [Notice] <Actor Death> CActor::Kill: '\(victim)' [\(victimID)] in zone 'pyro4' killed by "
      + "'\(killer)' [\(killerID)] using 'unknown' [Class unknown] with damage type '\(type)' from direction x: 0, y: 0"
  }

  private static func text(_ lines: [String]) -> [UInt8] { Array(lines.map { $0 + "\r\n" }.joined().utf8) }

  private func watched(_ line: String, guild: String? = nil) throws -> [WatchedKill] {
    var parser = GameLogParser()
    let events = parser.read(Self.text(Self.head + [line])) + parser.finish()
    return try events.compactMap { try WatchedKill($0, of: Self.player, serverID: guild) }
  }

  // MARK: What is sent

  private typealias Fields = (killer: String?, victim: String?, flag: String, value: Bool, kind: String)

  @Test func whatIsSentOfEachKind() throws {
    let pilot = "PU_Pilots-Human-Criminal-Pilot_Light_4200000000001"
    let cases: [(String, Fields)] = [
      (Self.kill("Rival", 12, by: "serdo", 34), ("SERDO", "Rival", "isPvP", true, "pvp")),
      (Self.kill("SERDO", 34, by: "Rival", 12), ("Rival", "SERDO", "isPvP", true, "pvp")),
      (Self.kill(pilot, 4_200_000_000_001, by: "SERDO", 34), ("SERDO", pilot, "isPvP", false, "pve")),
      (Self.kill("SERDO", 34, by: pilot, 4_200_000_000_001), (pilot, "SERDO", "isPvP", false, "npc")),
      (Self.kill("SERDO", 34, by: "SERDO", 34, type: "Crash"), ("SERDO", nil, "isSuicide", true, "suicide")),
      (Self.kill("SERDO", 34, by: "unknown", 0), ("SERDO", nil, "isEnvironmental", true, "environment")),
    ]
    for (line, expected) in cases {
      let kills = try watched(line, guild: "900000000000000001")
      #expect(kills.count == 1)
      let body = try #require(kills.first?.body)
      #expect(body["killerId"]?.string == expected.killer, "\(expected.kind)")
      #expect(body["victimId"]?.string == expected.victim, "\(expected.kind)")
      #expect(body[expected.flag] == .boolean(expected.value), "\(expected.kind)")
      #expect(body["rawData"]?["kind"]?.string == expected.kind)
      #expect(body["timestamp"]?.string == "2025-10-15T20:20:00.000Z")
      #expect(body["source"] == "log" && body["serverId"] == "900000000000000001")
      #expect((body["confidence"]?.double ?? 0) >= 0.5)
    }
  }

  @Test func killsOfOthersStayHere() throws {
    #expect(try watched(Self.kill("Rival", 12, by: "Stranger", 13)).isEmpty)
  }

  @Test func theKeyIsThatOfTheEventAlone() throws {
    let line = Self.kill("Rival", 12, by: "SERDO", 34)
    let key = try #require(try watched(line).first?.key)
    #expect(key.hasPrefix("log-") && key.utf8.count == 44)
    // The same kill in a longer log, and for another server.
    #expect(try watched("<2025-10-15T20:19:00.000Z> noise\r\n" + line, guild: "1").first?.key == key)
    #expect(try watched(Self.kill("Rival", 12, by: "SERDO", 34, at: "20:20:00.001")).first?.key != key)
    #expect(try watched(Self.kill("Rival2", 12, by: "SERDO", 34)).first?.key != key)
  }

  // MARK: The file

  /// A log in a directory of its own.
  private static func withLog(_ body: (String) async throws -> Void) async throws {
    try await StorageTestSupport.withTemporaryDirectory { try await body("\($0)/Game.log") }
  }

  private static func append(_ bytes: [UInt8], to path: String, cutting: Bool = false) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | (cutting ? O_TRUNC : O_APPEND), 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    #expect(write(descriptor, bytes, bytes.count) == bytes.count)
  }

  private static func victims(_ events: [GameLogEvent]) -> [String] {
    events.compactMap { if case .kill(let kill) = $0.what { kill.victim.name } else { nil } }
  }

  @Test func aLogThatGrowsIsReadOnce() async throws {
    try await Self.withLog { path in
      var tail = LogTail(path: path)
      #expect(try tail.read().isEmpty && !tail.isThere)
      let second = Self.text([Self.kill("Two", 2, by: "SERDO", 34)])
      try Self.append(Self.text(Self.head + [Self.kill("One", 1, by: "SERDO", 34)]) + second.prefix(60), to: path)
      #expect(try Self.victims(tail.read()) == ["One"] && tail.isThere)
      #expect(try tail.read().isEmpty)
      // The rest of the line that was half written.
      try Self.append(Array(second.dropFirst(60)), to: path)
      #expect(try Self.victims(tail.read()) == ["Two"])
    }
  }

  @Test func aLogThatIsReplacedOrCutOffBeginsAnew() async throws {
    try await Self.withLog { path in
      var tail = LogTail(path: path)
      try Self.append(Self.text(Self.head + [Self.kill("One", 1, by: "SERDO", 34)]), to: path)
      #expect(try Self.victims(tail.read()) == ["One"])
      #expect(rename(path, path + ".old") == 0)
      #expect(try tail.read().isEmpty && !tail.isThere)
      let next = Self.text(
        ["<2025-10-16T20:00:00.001Z> Log started on Thu Oct 16 20:00:00 2025"] + Self.head.dropFirst()
          + [Self.kill("Two", 2, by: "SERDO", 34)])
      try Self.append(next, to: path)
      let events = try tail.read()
      #expect(Self.victims(events) == ["Two"])
      #expect(events.contains { $0.name == "sessionEnd" })
      // Shorter under the same name: another log.
      try Self.append(Self.text([Self.kill("Three", 3, by: "SERDO", 34)]), to: path, cutting: true)
      #expect(try Self.victims(tail.read()) == ["Three"])
    }
  }

  @Test func whatIsNoFileIsSaid() async throws {
    try await Self.withLog { path in
      #expect(mkdir(path, 0o700) == 0)
      var tail = LogTail(path: path)
      #expect(throws: GameLogFileError.self) { try tail.read() }
    }
  }

  // MARK: What waits

  private static func withSpool(
    server: String = "http://bot", key: String = "k", _ body: (Database, KillSpool, ManualTime) async throws -> Void
  ) async throws {
    try await withTestDatabase(.sqlite) { database in
      let time = ManualTime()
      try await body(
        database, try await KillSpool.open(database, server: server, key: Secret(key), time: time), time)
    }
  }

  @Test func whatWaitsGoesInOrderAndOnce() async throws {
    let one = try watched(Self.kill("One", 1, by: "SERDO", 34))
    let two = try watched(Self.kill("Two", 2, by: "SERDO", 34))
    try await Self.withSpool { database, spool, time in
      #expect(try await spool.next() == nil)
      #expect(try await spool.add(one + two) == one + two)
      #expect(try await spool.add(two + one).isEmpty)
      #expect(try await spool.waiting() == 2)
      let first = try #require(try await spool.next())
      #expect(first.key == one[0].key)
      #expect(try JSON(parsing: Array(first.body.utf8)) == one[0].body)
      try await spool.settle(first)
      #expect(try await spool.next()?.key == two[0].key)
      // Begun anew: what was taken is remembered, what waits goes on. Another key knows nothing of it.
      let again = try await KillSpool.open(database, server: "http://bot", key: Secret("k"), time: time)
      #expect(try await again.add(one).isEmpty)
      #expect(try await again.waiting() == 1)
      let other = try await KillSpool.open(database, server: "http://bot", key: Secret("other"), time: time)
      #expect(try await other.waiting() == 0)
      #expect(try await other.add(one).count == 1)
      // Long ago: forgotten once it was taken, kept while it waits.
      time.advance(by: KillSpool.memory + .seconds(1))
      let late = try await KillSpool.open(database, server: "http://bot", key: Secret("k"), time: time)
      #expect(try await late.waiting() == 1)
      #expect(try await late.add(one) == one)
    }
  }

  // MARK: Answers

  @Test(arguments: [
    (201, "{}", WatchAnswer.taken(isNew: true)),
    (200, "{}", .taken(isNew: false)),
    (401, #"{"error":{"message":"expired"}}"#, .hopeless("the server does not know the key: expired")),
    (403, #"{"error":{"message":"no"}}"#, .hopeless("the key may not record kills: no")),
    (404, "<html>", .hopeless("there is no kill tracker at this address")),
    (301, "", .hopeless("the server sends elsewhere (301)")),
    (429, "{}", .later("status 429", after: .seconds(7))),
    (503, "", .later("status 503", after: .seconds(7))),
    (500, #"{"error":{"message":"oops"}}"#, .later("oops", after: .seconds(7))),
    (
      422, #"{"error":{"message":"m","details":{"field":"weapon","reason":"is long"}}}"#,
      .refused("weapon is long")
    ),
    (
      422, #"{"error":{"message":"m","details":{"field":"killerId","reason":"must be the caller"}}}"#,
      .hopeless("killerId must be the caller")
    ),
    (400, #"{"error":{"message":"m"}}"#, .refused("m")),
  ])
  func whatAnAnswerMeans(status: Int, body: String, expected: WatchAnswer) {
    #expect(WatchAnswer(status: status, headers: ["Retry-After": "7"], body: Array(body.utf8)) == expected)
  }

  @Test func anUnreadablePauseIsNone() {
    let answer = WatchAnswer(status: 503, headers: ["Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"], body: [])
    #expect(answer == .later("status 503", after: nil))
  }
}
