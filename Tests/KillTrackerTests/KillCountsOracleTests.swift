import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import KillTracker

/// Random kills, changes and deletions; then every count against a recount of the kills themselves.
@Suite(.timeLimit(.minutes(5)))
struct KillCountsOracleTests {
  /// A kill as the oracle remembers it.
  private struct Known {
    var id: KillID
    var killer: String?
    var victim: String?
    var server: String
    var weapon: String?
    var location: String?
    var kind: KillKind
    var time: Timestamp
    var day: Int64 { time.milliseconds / 86_400_000 }
    var isKill: Bool { kind == .pvp || kind == .pve }
  }

  private let users = (1...6).map { UserID(100_000_000_000_000_000 + UInt64($0)) }
  private let servers = [nil, "900000000000000001", "900000000000000002"]

  @Test(arguments: TestEngine.available)
  func everyCountIsWhatARecountGives(engine: TestEngine) async throws {
    for seed in 1...(engine == .sqlite ? 4 : 2) {
      try await withTracker(engine) { rig in
        var random = SeededGenerator(seed: UInt64(seed))
        var known: [Known] = []
        for round in 0..<160 {
          switch Int.random(in: 0..<10, using: &random) {
          case 0 where !known.isEmpty:
            let place = Int.random(in: 0..<known.count, using: &random)
            try await rig.kills.delete(known.remove(at: place).id, by: rig.admin())
          case 1 where !known.isEmpty:
            let place = Int.random(in: 0..<known.count, using: &random)
            let weapon = "w\(Int.random(in: 0..<4, using: &random))"
            _ = try await rig.kills.update(
              known[place].id, Kills.Changes(weapon: weapon, location: "elsewhere"), by: rig.admin())
            known[place].weapon = weapon
            known[place].location = "elsewhere"
          default: known.append(try await record(round, rig, &random))
          }
          // What is kept in memory must follow; so it is asked for all along.
          if round.isMultiple(of: 40) {
            try await compareBoards(known, rig)
            try await compareStatistics(known, rig)
            try await compareAnalytics(known, rig)
          }
        }
        try await compareBoards(known, rig)
        try await compareStatistics(known, rig)
        try await compareTotals(known, rig)
        try await compareAnalytics(known, rig)
        try await compareRecount(rig)
      }
    }
  }

  /// The engine's own recount puts the same into every table.
  private func compareRecount(_ rig: TrackerRig) async throws {
    let counted = try await tables(rig)
    #expect(counted.count > 100)
    try await rig.database.write { try KillRecount.run(in: $0) }
    #expect(try await tables(rig) == counted)
  }

  /// Every row of every table of counts that is not all zeros.
  private func tables(_ rig: TrackerRig) async throws -> [String] {
    let counts = ["kills", "deaths", "pvp_kills", "pve_kills", "entries"]
    let tables: [(String, [String])] = [
      ("kill_days", ["day", "server_id", "player_id"] + counts), ("kill_totals", ["server_id", "player_id"] + counts),
      ("kill_server_days", ["server_id", "day"] + counts),
      ("kill_name_days", ["what", "server_id", "day", "name_id", "entries"]),
      ("kill_tallies", ["player_id", "what", "subject_id", "entries"]),
    ]
    return try await rig.database.read { transaction in
      var rows: [String] = []
      for (table, columns) in tables {
        try transaction.forEach(
          "SELECT \(columns.joined(separator: ", ")) FROM \(table) WHERE entries <> 0", parameters: []
        ) { row in
          rows.append("\(table) " + columns.indices.map { row.text($0) ?? "-" }.joined(separator: " "))
        }
      }
      return rows.sorted()
    }
  }

  private func record(_ round: Int, _ rig: TrackerRig, _ random: inout SeededGenerator) async throws -> Known {
    let user = users[Int.random(in: 0..<users.count, using: &random)]
    let other = users.filter { $0 != user }[Int.random(in: 0..<(users.count - 1), using: &random)]
    let named = "player\(Int.random(in: 0..<4, using: &random))"
    let kind = KillKind.allCases[Int.random(in: 0..<KillKind.allCases.count, using: &random)]
    let byUser = Bool.random(using: &random)
    let enemy: ReportedParty = byUser ? .user(other) : .handle(named)
    let enemyKey = byUser ? "\(other)" : named
    let (killer, victim): (ReportedParty, ReportedParty)
    let (killerKey, victimKey): (String?, String?)
    switch kind {
    case .pvp: (killer, victim, killerKey, victimKey) = (.caller, enemy, "\(user)", enemyKey)
    case .pve: (killer, victim, killerKey, victimKey) = (.caller, .character("npc\(round)"), "\(user)", nil)
    case .npc, .turret, .environment:
      (killer, victim, killerKey, victimKey) = (.character("npc\(round)"), enemy, nil, enemyKey)
    case .suicide: (killer, victim, killerKey, victimKey) = (.caller, .caller, "\(user)", "\(user)")
    }
    let back = Int64.random(in: 0..<75, using: &random) * 86_400_000 + Int64.random(in: 0..<43_000_000, using: &random)
    let time = Timestamp(milliseconds: rig.time.timestamp.milliseconds - back - Int64(round))
    let server = servers[Int.random(in: 0..<servers.count, using: &random)]
    let weapon = Int.random(in: 0..<5, using: &random) == 0 ? nil : "w\(Int.random(in: 0..<4, using: &random))"
    let location = Bool.random(using: &random) ? "l\(Int.random(in: 0..<3, using: &random))" : nil
    let recorded = try await rig.kills.record(
      KillReport(
        killer: killer, victim: victim, kind: kind, occurredAt: time, serverID: server, weapon: weapon,
        location: location), by: reporter(user))
    #expect(recorded.isNew)
    return Known(
      id: recorded.kill.id, killer: killerKey, victim: victimKey, server: server ?? Kill.defaultServer, weapon: weapon,
      location: location, kind: kind, time: time)
  }

  private struct Tally: Equatable {
    var kills = 0
    var deaths = 0
    var pvp = 0
    var pve = 0

    func value(_ metric: LeaderboardMetric) -> Double {
      switch metric {
      case .kills: Double(kills)
      case .deaths: Double(deaths)
      case .pvpKills: Double(pvp)
      case .pveKills: Double(pve)
      case .kdr: deaths == 0 ? Double(kills) : Double(kills) / Double(deaths)
      }
    }
  }

  private func tally(_ kills: [Known]) -> [String: Tally] {
    var all: [String: Tally] = [:]
    for kill in kills {
      if kill.isKill, let killer = kill.killer {
        all[killer, default: Tally()].kills += 1
        if kill.kind == .pvp { all[killer, default: Tally()].pvp += 1 } else { all[killer, default: Tally()].pve += 1 }
      }
      if kill.kind != .pve, let victim = kill.victim { all[victim, default: Tally()].deaths += 1 }
    }
    return all
  }

  // MARK: Leaderboards

  private func compareBoards(_ known: [Known], _ rig: TrackerRig) async throws {
    // 2026-02-18, a Wednesday; counted by hand, not by the code that is tested.
    let today = rig.time.timestamp.milliseconds / 86_400_000
    let ranges: [LeaderboardPeriod: (ClosedRange<Int64>, ClosedRange<Int64>)] = [
      .daily: (today...today, (today - 1)...(today - 1)),
      .weekly: ((today - 2)...(today + 4), (today - 9)...(today - 3)),
      .monthly: ((today - 17)...(today + 10), (today - 48)...(today - 18)),
      .allTime: (0...(today + 99), 0...(today - 7)),
    ]
    for server in [nil, Kill.defaultServer, "900000000000000001"] {
      for (period, (current, previous)) in ranges {
        let scope = known.filter { server == nil || $0.server == server }
        let now = tally(scope.filter { current.contains($0.day) })
        let before = tally(scope.filter { previous.contains($0.day) })
        for metric in LeaderboardMetric.allCases {
          let board = try await rig.kills.leaderboard(
            metric, period, serverID: server, limit: 4, for: KillViewer(user: users[0]))
          let values = now.mapValues { $0.value(metric) }.filter { $0.value > 0 }
          let earlier = before.mapValues { $0.value(metric) }.filter { $0.value > 0 }
          func rank(_ value: Double, in all: [String: Double]) -> Int { 1 + all.values.filter { $0 > value }.count }
          #expect(board.entries.count == min(4, values.count))
          let entries = board.entries + (board.own.map { [$0] } ?? [])
          for entry in entries {
            let key = entry.player.user.map { "\($0)" } ?? entry.player.name
            let value = values[key] ?? -1
            #expect(
              entry.value == (metric == .kdr ? (value * 100).rounded() / 100 : value), "\(metric) \(period) \(key)")
            #expect(entry.rank == rank(value, in: values))
            let change = earlier[key].map { rank($0, in: earlier) - rank(value, in: values) }
            #expect(entry.change == change, "\(metric) \(period) \(key)")
          }
          #expect(board.entries.map(\.rank) == board.entries.map(\.rank).sorted())
          #expect(board.own != nil || values["\(users[0])"] == nil)
        }
      }
    }
  }

  // MARK: Statistics

  private func compareStatistics(_ known: [Known], _ rig: TrackerRig) async throws {
    let all = tally(known)
    for key in users.map({ "\($0)" }) + (0..<4).map({ "player\($0)" }) {
      let player = try await rig.kills.player(key)
      let found = try await rig.kills.statistics(of: player, for: rig.admin())
      let expected = all[key] ?? Tally()
      #expect(found.totalKills == expected.kills)
      #expect(found.totalDeaths == expected.deaths)
      #expect(found.pvpKills == expected.pvp)
      #expect(found.pveKills == expected.pve)
      #expect(found.rank == (expected.kills > 0 ? 1 + all.values.filter { $0.kills > expected.kills }.count : nil))
      let own = known.filter { $0.isKill && $0.killer == key }
      func counts(_ names: [String?]) -> [Int] {
        Array(Dictionary(grouping: names.compactMap { $0 }, by: { $0 }).values.map(\.count).sorted(by: >).prefix(5))
      }
      #expect(found.weapons.map(\.count) == counts(own.map(\.weapon)))
      #expect(found.locations.map(\.count) == counts(own.map(\.location)))
      #expect(found.prey?.count == counts(own.filter { $0.kind == .pvp }.map(\.victim)).first)
      let killed = known.filter { $0.kind == .pvp && $0.victim == key }
      #expect(found.nemesis?.count == counts(killed.map(\.killer)).first)
      let lastDeath = known.filter { $0.kind != .pve && $0.victim == key }.map(\.time).max()
      #expect(found.currentStreak == own.filter { kill in lastDeath.map { kill.time > $0 } ?? true }.count)
      var (run, best) = (0, 0)
      for kill in known.sorted(by: { ($0.time, $0.id.rawValue) < ($1.time, $1.id.rawValue) }) {
        if kill.kind != .pve, kill.victim == key { run = 0 } else if kill.isKill, kill.killer == key { run += 1 }
        best = max(best, run)
      }
      #expect(found.bestStreak == best)
      guard let player else { continue }
      let page = try await rig.kills.list(KillFilter(player: player), limit: 100, for: rig.admin())
      let part = known.filter { $0.killer == key || $0.victim == key }
      #expect(page.total == part.count)
      #expect(
        Set(page.kills.map(\.id))
          == Set(part.sorted { ($0.time, $0.id.rawValue) > ($1.time, $1.id.rawValue) }.prefix(100).map(\.id)))
    }
  }

  // MARK: Lists

  private func compareTotals(_ known: [Known], _ rig: TrackerRig) async throws {
    let today = rig.time.timestamp.milliseconds / 86_400_000
    let ranges: [(Timestamp?, Timestamp?)] = [
      (nil, nil), (Timestamp(milliseconds: (today - 20) * 86_400_000), nil),
      (Timestamp(milliseconds: (today - 40) * 86_400_000), Timestamp(milliseconds: (today - 3) * 86_400_000)),
      (Timestamp(milliseconds: (today - 40) * 86_400_000 + 1_234_567), nil),
    ]
    for server in [nil, Kill.defaultServer] {
      for (from, until) in ranges {
        for (weapon, location) in [(nil, nil), ("w1", nil), (nil, "l2"), ("w2", "l1"), ("none", nil)]
          as [(String?, String?)]
        {
          for kind in [nil, KillKind.pve] {
            let expected = known.filter { kill in
              (server == nil || kill.server == server) && (weapon == nil || kill.weapon == weapon)
                && (location == nil || kill.location == location) && (kind == nil || kill.kind == kind)
                && (from.map { kill.time >= $0 } ?? true) && (until.map { kill.time < $0 } ?? true)
            }
            let page = try await rig.kills.list(
              KillFilter(
                serverID: server, weapon: weapon, location: location, kind: kind, from: from, until: until),
              limit: 100, for: rig.admin())
            #expect(page.total == expected.count)
            #expect(page.kills.count == min(100, expected.count))
          }
        }
      }
    }
  }

  private func compareAnalytics(_ known: [Known], _ rig: TrackerRig) async throws {
    let today = rig.time.timestamp.milliseconds / 86_400_000
    for server in [nil, "900000000000000002"] {
      let range = known.filter { $0.day > today - 30 && (server == nil || $0.server == server) }
      let found = try await rig.kills.analytics(
        from: Timestamp(milliseconds: (today - 29) * 86_400_000 + 5), serverID: server)
      #expect(found.totalKills == range.filter(\.isKill).count)
      #expect(found.totalDeaths == range.filter { $0.kind != .pve && $0.victim != nil }.count)
      #expect(found.pvpKills == range.filter { $0.kind == .pvp }.count)
      #expect(found.days.count == 30)
      #expect(found.days.last?.date == "2026-02-18")
      #expect(found.days.first?.date == "2026-01-20")
      #expect(found.days.reduce(0) { $0 + $1.kills } == found.totalKills)
      let armed = range.compactMap(\.weapon)
      for share in found.weapons {
        let count = armed.filter { $0 == share.name }.count
        #expect(share.count == count)
        #expect(share.percentage == (Double(count) / Double(armed.count) * 1_000).rounded() / 10)
      }
      #expect(found.weapons.count == Set(armed).count)
    }
  }
}
