import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import KillTracker

/// What is remembered between two questions is what a service that remembers nothing would say.
@Suite(.timeLimit(.minutes(5)))
struct StatisticsMemoryTests {
  private let users = [ann, bob, cem]
  private let servers = [guildA, "900000000000000002"]

  private func record(_ rig: TrackerRig, _ random: inout SeededGenerator, number: Int) async throws -> Kill {
    let user = users[Int.random(in: 0..<users.count, using: &random)]
    let others = users.filter { $0 != user }
    let victim: ReportedParty =
      Bool.random(using: &random)
      ? .user(others[Int.random(in: 0..<others.count, using: &random)])
      : .handle("enemy\(Int.random(in: 0..<3, using: &random))")
    let back = Int64.random(in: 0..<50, using: &random) * 86_400_000 + Int64(number) * 4_000
    return try await rig.kills.record(
      KillReport(
        victim: victim, kind: .pvp, occurredAt: Timestamp(milliseconds: rig.time.timestamp.milliseconds - back),
        serverID: servers[Int.random(in: 0..<2, using: &random)],
        weapon: "w\(min(Int.random(in: 0..<4, using: &random), Int.random(in: 0..<4, using: &random)))",
        location: "l\(Int.random(in: 0..<2, using: &random))"), by: reporter(user)
    ).kill
  }

  /// Everything that is remembered, in words.
  private func answers(_ kills: Kills, _ rig: TrackerRig) async throws -> [String] {
    let analytics = AnalyticsService(kills: kills)
    let viewer = KillViewer(user: ann, isAdmin: true)
    var answers: [String] = []
    var subjects: [AnalyticsSubject] = [.all, .nothing] + servers.map { .server($0) }
    for user in users {
      let player = try await kills.player("\(user)")
      subjects += [.player(player, serverID: nil), .player(player, serverID: guildA)]
      answers.append("\(try await kills.statistics(of: player, for: rig.admin()))")
    }
    for subject in subjects {
      answers.append("\(try await analytics.dashboard(of: subject))")
      answers.append("\(try await analytics.insights(of: subject))")
      answers.append("\(try await analytics.recommendations(for: subject))")
      answers.append("\(try await analytics.metrics(of: subject, period: .month))")
      answers.append("\(try await analytics.trend(of: .totalKills, subject, period: .month))")
      answers.append("\(try await analytics.weapons(of: subject, for: rig.admin()))")
    }
    let from = rig.time.timestamp + .seconds(-100 * 86_400)
    let lately = rig.time.timestamp + .seconds(-9 * 86_400)
    for server in [nil, guildA] {
      answers.append("\(try await kills.analytics(from: from, serverID: server))")
      answers.append(
        "\(try await analytics.users(from: lately, serverID: server, for: viewer))")
      for metric in LeaderboardMetric.allCases {
        answers.append("\(try await kills.leaderboard(metric, .monthly, serverID: server, for: rig.admin()))")
      }
    }
    return answers
  }

  private func compare(_ rig: TrackerRig, _ note: String) async throws -> Int {
    let found = try await answers(rig.kills, rig)
    let expected = try await answers(Kills(database: rig.database, time: rig.time), rig)
    for (one, other) in zip(found, expected) { #expect(one == other, "\(note)") }
    #expect(found.count == expected.count)
    return found.count { $0.contains("Wilson") || $0.contains("p = ") || $0.contains("p < ") }
  }

  @Test(arguments: TestEngine.available)
  func whatIsRememberedFollowsEveryChange(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      var random = SeededGenerator(seed: 11)
      var known: [Kill] = []
      for number in 0..<260 { known.append(try await record(rig, &random, number: number)) }
      #expect(try await compare(rig, "at first") > 4, "nothing is told, so nothing is compared")
      for round in 0..<(engine == .sqlite ? 24 : 10) {
        var note = "round \(round)"
        switch round % 8 {
        case 0, 1, 2:
          known.append(try await record(rig, &random, number: 1_000 + round))
          note += ": recorded"
        case 3:
          let place = Int.random(in: 0..<known.count, using: &random)
          try await rig.kills.delete(known.remove(at: place).id, by: rig.admin())
          note += ": deleted"
        case 4:
          let place = Int.random(in: 0..<known.count, using: &random)
          _ = try await rig.kills.update(known[place].id, Kills.Changes(weapon: "w9"), by: rig.admin())
          note += ": changed"
        case 5:
          try await rig.kills.players.update(users[round % 3], privacy: round < 8 ? .private : .public)
          note += ": privacy"
        case 6:
          // Another process.
          let other = Kills(database: rig.database, time: rig.time)
          _ = try await other.record(
            KillReport(victim: .user(bob), kind: .pvp, serverID: guildA, weapon: "w1", idempotencyKey: "\(round)"),
            by: reporter(ann))
          note += ": elsewhere"
        default:
          if round == 7 {
            try await rig.kills.players.verify("enemy1", of: cem)
            note += ": verified"
          } else {
            rig.time.advance(by: .seconds(86_400))
            note += ": a day later"
          }
        }
        _ = try await compare(rig, note)
      }
    }
  }

  /// The same question again is answered from memory, and only what a kill touches is computed anew.
  @Test func aKillTouchesThoseWhoTookPart() async throws {
    try await withTracker(.sqlite) { rig in
      var random = SeededGenerator(seed: 12)
      for number in 0..<40 { _ = try await record(rig, &random, number: number) }
      var computed = 0
      let memory = Remembered<Int, Int>(rig.kills.boards, limit: 100)
      func ask(_ part: Touches.Part) async throws -> Int {
        let (value, wasComputed) = try await rig.database.read { transaction in
          var wasComputed = false
          let value = try memory.value(1, of: part, in: transaction) {
            wasComputed = true
            return 7
          }
          return (value, wasComputed)
        }
        if wasComputed { computed += 1 }
        return value
      }
      let dan = try await rig.kills.players.update(UserID(100_000_000_000_000_077), handle: "Dan_77")
      let player = try #require(try await rig.kills.player("\(dan.user)"))
      #expect(try await ask(.player(player)) == 7)
      #expect(try await ask(.player(player)) == 7)
      #expect(computed == 1)
      _ = try await record(rig, &random, number: 900)
      _ = try await ask(.player(player))
      #expect(computed == 1, "somebody else's kill")
      _ = try await rig.kills.record(KillReport(victim: .handle("x")), by: reporter(dan.user))
      _ = try await ask(.player(player))
      #expect(computed == 2, "one's own")
      // Boards and versions may have been read by others meanwhile; another process's kill is known by the version.
      let other = Kills(database: rig.database, time: rig.time)
      _ = try await other.record(KillReport(victim: .handle("y")), by: reporter(ann))
      _ = try await ask(.player(player))
      #expect(computed == 3, "anybody's of another process")
    }
  }

  @Test func whatWasNotAskedForLongIsForgotten() async throws {
    try await withTracker(.sqlite) { rig in
      let memory = Remembered<Int, Int>(rig.kills.boards, limit: 100)
      for key in 0..<10_000 {
        let value = try await rig.database.read { transaction in
          let first = try memory.value(-1, of: .player(1), in: transaction, weight: { _ in 3 }) { key }
          return (first, try memory.value(key, of: .player(1), in: transaction) { key })
        }
        // What is asked for again and again stays.
        #expect(value == (0, key))
        #expect(memory.count <= 100)
      }
    }
  }

  /// Any days, one after the other: some are added up from others that are near.
  @Test(arguments: TestEngine.available)
  func boardsOfAnyDaysAreThoseAddedUpAnew(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      var random = SeededGenerator(seed: 13)
      for number in 0..<150 { _ = try await record(rig, &random, number: number) }
      let today = Calendar.day(of: rig.time.timestamp)
      for round in 0..<60 {
        let first = today - Int64.random(in: 0..<50, using: &random)
        var days = first...min(today + 3, first + Int64.random(in: 0..<40, using: &random))
        if round.isMultiple(of: 6) { days = Int64.min...(round.isMultiple(of: 12) ? Int64.max : today - 7) }
        let server = [nil, guildA][round % 2]
        let key = Board.Key(serverID: server, days: days)
        let found = try await rig.kills.boards.read([key], by: .kdr)
        let expected = try await Boards(database: rig.database).read([key], by: .kdr)
        let players = Set(found.boards[0].players + expected.boards[0].players)
        for player in players {
          #expect(found.boards[0].counts(of: player) == expected.boards[0].counts(of: player), "\(days)")
        }
        #expect(found.boards[0].active == expected.boards[0].active)
        let (best, other) = (found.best(50, of: 0, by: .kdr), expected.best(50, of: 0, by: .kdr))
        #expect(best.map(\.player) == other.map(\.player) && best.map(\.value) == other.map(\.value))
        if round.isMultiple(of: 5) { _ = try await record(rig, &random, number: 500 + round) }
      }
    }
  }

  /// Large results come in pages; of a few rows each here.
  @Test(arguments: TestEngine.available)
  func pagesOfCountsAreTheWhole(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      var random = SeededGenerator(seed: 14)
      for number in 0..<80 { _ = try await record(rig, &random, number: number) }
      let today = Calendar.day(of: rig.time.timestamp)
      for days in [Int64.min...Int64.max, Int64.min...(today - 7), (today - 40)...today, (today - 3)...today] {
        for server in [nil, guildA] {
          let key = Board.Key(serverID: server, days: days)
          let (whole, paged, moved) = try await rig.database.read { transaction in
            let loading = try BoardLoading(in: transaction, page: 3)
            let near = try loading.load(Board.Key(serverID: server, days: days.lowerBound...(today - 2)))
            return (
              try BoardLoading(in: transaction).load(key), try loading.load(key), try loading.move(near, to: days)
            )
          }
          #expect(Set(paged.players) == Set(whole.players))
          for player in whole.players {
            #expect(paged.counts(of: player) == whole.counts(of: player))
            #expect(moved.counts(of: player) == whole.counts(of: player))
          }
        }
      }
    }
  }
}
