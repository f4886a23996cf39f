import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import KillTracker

/// Leaderboards in memory.
@Suite(.timeLimit(.minutes(2)))
struct BoardTests {
  /// Numbers of players without gaps, with gaps, and far apart, in any order; negative ones do no harm.
  @Test(arguments: [1, 3, 1_000_003])
  func aBoardKnowsEachPlayerWhateverTheirNumbers(step: Int64) {
    var board = Board(key: Board.Key(serverID: nil, days: 0...9), version: 1)
    var expected: [Int64: Int] = [:]
    var random = SeededGenerator(seed: UInt64(step))
    for round in 0..<4_000 {
      let player = Int64.random(in: 1...900, using: &random) * step - (round == 7 ? 5_000_000_000 : 0)
      board.add(PlayerCounts(kills: 1, deaths: 2), of: player)
      expected[player, default: 0] += 1
    }
    #expect(board.count == expected.count)
    for (player, kills) in expected {
      #expect(board.value(.kills, of: player) == Double(kills))
      #expect(board.value(.deaths, of: player) == Double(2 * kills))
    }
    for player in [0, -1, 901 * step, Int64.max, Int64.min] where expected[player] == nil {
      #expect(board.value(.kills, of: player) == nil)
    }
  }

  /// The day after, what was added up before is taken on; boards that were prepared say the same as new ones.
  @Test(arguments: TestEngine.available)
  func boardsGoOnFromDayToDay(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      let users = (1...4).map { UserID(100_000_000_000_000_000 + UInt64($0)) }
      var random = SeededGenerator(seed: 5)
      for number in 0..<120 {
        let back = Duration.seconds(-86_400 * Int64.random(in: 0..<20, using: &random))
        _ = try await rig.kills.record(
          KillReport(
            victim: .handle("victim\(number % 5)"), occurredAt: rig.time.timestamp + back,
            serverID: number.isMultiple(of: 2) ? guildA : nil, idempotencyKey: "\(number)"),
          by: reporter(users[Int.random(in: 0..<4, using: &random)]))
      }
      for day in 0..<9 {
        if day == 4 { try await rig.kills.boards.warm(at: rig.time.timestamp + Boards.ahead) }
        let fresh = Kills(database: rig.database, time: rig.time)
        for server in [nil, guildA] {
          for period in LeaderboardPeriod.allCases {
            let board = try await rig.kills.leaderboard(.kills, period, serverID: server, for: rig.admin())
            let expected = try await fresh.leaderboard(.kills, period, serverID: server, for: rig.admin())
            #expect(board == expected, "day \(day) \(period)")
          }
        }
        _ = try await rig.kills.record(
          KillReport(victim: .handle("victim\(day)"), idempotencyKey: "day \(day)"), by: reporter(users[day % 4]))
        rig.time.advance(by: .seconds(86_400))
      }
    }
  }

  /// Preparing happens at once, and again as time goes on.
  @Test func boardsArePreparedInTheBackground() async throws {
    try await withTracker(.sqlite) { rig in
      _ = try await rig.kills.record(KillReport(victim: .handle("x")), by: reporter(ann))
      let warming = Task { await rig.kills.keepBoardsWarm(log: .silent) }
      while rig.kills.boards.count < 10 { await Task.yield() }
      warming.cancel()
      await warming.value
      let before = rig.kills.boards.count
      let board = try await rig.kills.leaderboard(.kills, .monthly, for: rig.admin())
      #expect(board.entries.map(\.value) == [1])
      #expect(rig.kills.boards.count == before)
    }
  }

  /// Before the ports open; what is ready is not waited for again.
  @Test func boardsArePreparedAtTheStart() async throws {
    try await withTracker(.sqlite) { rig in
      _ = try await rig.kills.record(KillReport(victim: .handle("x")), by: reporter(ann))
      await rig.kills.prepareBoards(limit: .seconds(8), log: .silent)
      #expect(rig.kills.boards.count == 10)
      for period in LeaderboardPeriod.allCases {
        #expect(try await rig.kills.leaderboard(.kdr, period, for: rig.admin()).entries.map(\.value) == [1])
      }
      #expect(try await AnalyticsService(kills: rig.kills).dashboard(of: .all).activeUsers == 2)
      #expect(rig.kills.boards.count == 10)
    }
  }
}
