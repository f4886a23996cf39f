import Platform
import StorageTestSupport
import Testing

@testable import KillTracker

/// Orders of boards against sorting everybody.
@Suite struct BoardOrderTests {
  private func rank(_ value: Double, _ board: Board, _ metric: LeaderboardMetric, _ hidden: Set<Int64>) -> Int {
    1 + board.players.count { !hidden.contains($0) && (board.value(metric, of: $0) ?? 0) > value }
  }

  private func best(
    _ count: Int, _ board: Board, _ metric: LeaderboardMetric, _ hidden: Set<Int64>
  ) -> [(player: Int64, value: Double)] {
    let all = board.players.filter { !hidden.contains($0) }.compactMap { player in
      board.value(metric, of: player).map { (player: player, value: $0) }
    }
    return Array(all.sorted { ($1.value, $0.player) < ($0.value, $1.player) }.prefix(count))
  }

  private func compare(_ board: Board, _ hidden: Set<Int64>, _ note: String) {
    for (metric, order) in board.orders {
      for count in [0, 1, 7, 100] {
        let found = order.best(count, on: board, by: metric)
        let expected = best(count, board, metric, hidden)
        #expect(found.map(\.player) == expected.map(\.player), "\(note) \(metric) \(count)")
        #expect(found.map(\.value) == expected.map(\.value), "\(note) \(metric) \(count)")
      }
      let values = [0, 0.5, 1, 2, 1_000] + expectedValues(board, metric)
      #expect(
        order.ranks(of: values, on: board, by: metric) == values.map { rank($0, board, metric, hidden) },
        "\(note) \(metric)")
    }
  }

  private func expectedValues(_ board: Board, _ metric: LeaderboardMetric) -> [Double] {
    board.players.prefix(30).compactMap { board.value(metric, of: $0) }
  }

  private func change(_ version: Int64, _ players: [Int64], day: Int64, sign: Int, _ random: inout SeededGenerator)
    -> KillWriter.CountChange
  {
    var counts = KillCounts()
    for player in players {
      counts.add(
        KillFacts(
          serverID: "1", day: day, killer: player, victim: Int64.random(in: 1...400, using: &random), kind: .pvp),
        sign: sign)
    }
    return KillWriter.CountChange(version: version, counts: counts)
  }

  /// Changes, new players, others who become private: set aside, and put in order now and then.
  @Test(arguments: [UInt64(1), 2, 3])
  func anOrderThatFollowsIsThatOfSortingAnew(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var board = Board(key: Board.Key(serverID: nil, days: 0...9), version: 0)
    var hidden: (version: Int64, players: Set<Int64>) = (0, [])
    for player in 1...300 as ClosedRange<Int64> {
      let counts = PlayerCounts(
        kills: Int.random(in: 0...9, using: &random), deaths: Int.random(in: 0...5, using: &random))
      board.add(counts, of: player)
    }
    for metric in [LeaderboardMetric.kills, .kdr, .deaths] {
      board.orders[metric] = BoardOrder(board, by: metric, hidden: hidden)
    }
    compare(board, hidden.players, "at first")
    for round in 1...120 as ClosedRange<Int64> {
      let players = (0..<6).map { _ in Int64.random(in: 1...400, using: &random) }
      let day = Int64.random(in: 0...12, using: &random)
      board.apply(change(round, players, day: day, sign: round.isMultiple(of: 5) ? -1 : 1, &random))
      if round.isMultiple(of: 7) {
        hidden.version += 1
        hidden.players.formSymmetricDifference([Int64.random(in: 1...400, using: &random)])
      }
      for metric in LeaderboardMetric.allCases {
        var order = board.orders[metric]
        order?.hide(hidden, on: board)
        if round.isMultiple(of: 30) {
          order?.tidy(board, by: metric)
          #expect(order?.asideCount ?? 0 == 0)
        }
        board.orders[metric] = order
      }
      compare(board, hidden.players, "round \(round)")
    }
    #expect(board.orders.count == 3)
  }

  /// An order takes some time to make; what was stored meanwhile is set aside in it.
  @Test func anOrderOfAMomentAgoIsTakenOver() {
    var random = SeededGenerator(seed: 4)
    var board = Board(key: Board.Key(serverID: nil, days: 0...9), version: 0)
    for player in 1...50 as ClosedRange<Int64> { board.add(PlayerCounts(kills: Int(player % 7)), of: player) }
    let before = board
    let order = BoardOrder(before, by: .kills, hidden: (0, []))
    let changes = (1...4).map { change(Int64($0), [3, 9, 350 + Int64($0)], day: 2, sign: 1, &random) }
    for change in changes { board.apply(change) }
    #expect(board.isContinuation(of: before) && !before.isContinuation(of: board))
    #expect(!board.isContinuation(of: Board(key: board.key, version: 0)))
    board.adopt(order, by: .kills, missed: changes)
    compare(board, [], "adopted")
  }

  /// Where a large part has changed, remembering who did costs more than a new order.
  @Test func anOrderThatIsWornOutIsGivenUp() {
    var random = SeededGenerator(seed: 5)
    var board = Board(key: Board.Key(serverID: nil, days: 0...9), version: 0)
    board.add(PlayerCounts(kills: 1), of: 1)
    board.orders[.kills] = BoardOrder(board, by: .kills, hidden: (0, []))
    board.apply(change(1, Array(1_000...3_000), day: 1, sign: 1, &random))
    #expect(board.orders.isEmpty)
  }
}

/// Which changes make worthless what was computed before.
@Suite struct TouchesTests {
  private func change(_ version: Int64, killer: Int64, day: Int64, server: String = "1") -> KillWriter.CountChange {
    var counts = KillCounts()
    counts.add(KillFacts(serverID: server, day: day, killer: killer, victim: killer + 1, kind: .pvp), sign: 1)
    return KillWriter.CountChange(version: version, counts: counts)
  }

  @Test func onlyWhatChangesTouch() {
    var touches = Touches()
    #expect(!touches.isUntouched(.player(1), since: 5))
    touches.add(change(6, killer: 10, day: 3))
    touches.add(change(7, killer: 20, day: 4, server: "2"))
    #expect(!touches.isUntouched(.player(1), since: 4), "what came before the first that is known")
    for (player, since) in [(10, 5), (11, 5), (20, 5), (20, 6), (21, 6)] as [(Int64, Int64)] {
      #expect(!touches.isUntouched(.player(player), since: since))
    }
    for (player, since) in [(1, 5), (10, 6), (11, 7), (20, 7)] as [(Int64, Int64)] {
      #expect(touches.isUntouched(.player(player), since: since))
    }
    #expect(touches.isUntouched(.losses(10), since: 5), "nothing was taken away")
    #expect(!touches.isUntouched(.server("1", days: 0...3), since: 5))
    #expect(touches.isUntouched(.server("1", days: 0...2), since: 5))
    #expect(touches.isUntouched(.server("1", days: 4...9), since: 5))
    #expect(touches.isUntouched(.server("1", days: 0...9), since: 6))
    #expect(!touches.isUntouched(.server("2", days: 0...9), since: 6))
    #expect(!touches.isUntouched(.server("*", days: 4...4), since: 6))
    #expect(touches.isUntouched(.server("*", days: 3...3), since: 6))
    #expect(touches.isUntouched(.server("3", days: 0...9), since: 5))
  }

  @Test func whatIsTakenAwayIsToldApart() {
    var touches = Touches()
    touches.add(change(6, killer: 10, day: 3))
    var counts = KillCounts()
    counts.add(KillFacts(serverID: "1", day: 3, killer: 10, victim: 11, kind: .pvp), sign: -1)
    touches.add(KillWriter.CountChange(version: 7, counts: counts))
    touches.add(change(8, killer: 20, day: 3))
    for player in [10, 11] as [Int64] {
      #expect(!touches.isUntouched(.losses(player), since: 6))
      #expect(touches.isUntouched(.losses(player), since: 7))
    }
    #expect(touches.isUntouched(.losses(20), since: 5))
  }

  /// A version that is missing may have touched anything.
  @Test func aGapMakesItBeginAnew() {
    var touches = Touches()
    touches.add(change(6, killer: 10, day: 3))
    touches.add(change(8, killer: 20, day: 3))
    #expect(!touches.isUntouched(.player(1), since: 6))
    #expect(touches.isUntouched(.player(1), since: 7))
    #expect(!touches.isUntouched(.player(20), since: 7))
  }

  @Test func whatIsRememberedIsBounded() {
    var touches = Touches()
    var version: Int64 = 0
    for killer in stride(from: Int64(1), to: Int64(2 * Touches.limit), by: 2) {
      version += 1
      touches.add(change(version, killer: killer, day: 1))
    }
    #expect(touches.floor > 0)
    #expect(!touches.isUntouched(.player(-1), since: touches.floor - 1))
    #expect(touches.isUntouched(.player(-1), since: touches.floor))
    #expect(touches.last == version)
  }
}

/// Ranges of days in blocks.
@Suite struct NameSumsTests {
  private static let ranges: [(ClosedRange<Int64>, Int64)] = [
    (0...0, 0), (0...40, 100), (5...31, 32), (5...32, 33), (-70...70, 50), (10...20, 5), (10...20, 15), (64...128, 129),
  ]

  @Test(arguments: ranges)
  func blocksAreTheRange(days: ClosedRange<Int64>, today: Int64) {
    let pieces = NameSums.pieces(of: days, today: today)
    #expect(pieces.flatMap { Array($0) } == Array(days))
    for (number, piece) in pieces.enumerated() where piece.upperBound < today {
      #expect(piece.count <= Int(NameSums.block))
      #expect(number == 0 || piece.lowerBound.isMultiple(of: NameSums.block))
    }
    #expect(pieces.count { $0.upperBound >= today } <= 1)
    #expect(pieces.allSatisfy { $0.upperBound < today || $0.lowerBound >= today })
  }
}
