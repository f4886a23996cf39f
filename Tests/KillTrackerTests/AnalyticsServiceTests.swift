import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import KillTracker

/// Figures out of the tables, on both databases.
@Suite(.timeLimit(.minutes(3)))
struct AnalyticsServiceTests {
  private let guildB = "900000000000000002"

  private func service(_ rig: TrackerRig) -> AnalyticsService { AnalyticsService(kills: rig.kills) }

  private func viewer(_ user: UserID, manages guild: String? = nil) -> KillViewer {
    KillViewer(user: user) { "\($0)" == guild }
  }

  /// A kill so many days ago, each at a moment of its own.
  @discardableResult
  private func record(
    _ rig: TrackerRig, _ killer: UserID, _ victim: ReportedParty, daysAgo: Int64, number: Int64 = 0,
    kind: KillKind = .pvp, server: String? = guildA, weapon: String? = "FS-9 LMG", location: String? = "Yela"
  ) async throws -> Kill {
    try await rig.kills.record(
      KillReport(
        victim: victim, kind: kind,
        occurredAt: Timestamp(
          milliseconds: rig.time.timestamp.milliseconds - daysAgo * 86_400_000 - number * 10_000 - 1),
        serverID: server, weapon: weapon, location: location), by: reporter(killer)
    ).kill
  }

  @Test(arguments: TestEngine.available)
  func metricsAreThoseOfThePeriodOfThePlayerAndOfTheServer(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      let analytics = service(rig)
      for (number, (days, kind)) in [
        (0, KillKind.pvp), (0, .pve), (6, .pvp), (8, .pvp), (29, .pve), (30, .pvp), (100, .pvp), (364, .pvp),
      ].enumerated() {
        try await record(
          rig, ann, kind == .pve ? .character("npc") : .user(bob), daysAgo: Int64(days), number: Int64(number),
          kind: kind)
      }
      try await record(rig, bob, .user(ann), daysAgo: 1, number: 50)
      try await record(rig, ann, .user(cem), daysAgo: 1, number: 51, server: guildB)
      let own = try await analytics.subject(for: viewer(ann))
      func metrics(_ subject: AnalyticsSubject, _ period: AnalyticsPeriod) async throws -> [Int] {
        let found = try await analytics.metrics(of: subject, period: period)
        return [found.totalKills, found.totalDeaths, found.pvpKills, found.pveKills]
      }
      #expect(try await metrics(own, .day) == [2, 0, 1, 1])
      #expect(try await metrics(own, .week) == [4, 1, 3, 1])
      #expect(try await metrics(own, .month) == [6, 1, 4, 2])
      #expect(try await metrics(own, .quarter) == [7, 1, 5, 2])
      #expect(try await metrics(own, .year) == [9, 1, 7, 2])
      let there = try await analytics.subject(for: viewer(ann), serverID: guildB)
      #expect(try await metrics(there, .week) == [1, 0, 1, 0])
      #expect(try await metrics(.server(guildA), .week) == [4, 3, 3, 1])
      #expect(try await metrics(.all, .week) == [5, 4, 4, 1])
      #expect(try await metrics(.nothing, .year) == [0, 0, 0, 0])
      let week = try await analytics.metrics(of: own, period: .week)
      #expect(week.killDeathRatio == 4 && week.pvpRatio == 75)
      #expect(try await analytics.metrics(of: own, period: .month).pvpRatio == 66.7)
      #expect(try await analytics.metrics(of: .player(nil, serverID: nil), period: .year).pvpRatio == 0)

      let dashboard = try await analytics.dashboard(of: own)
      #expect(dashboard.overview.totalKills == 9 && dashboard.overview.totalDeaths == 1)
      #expect(dashboard.activeUsers == 3)
      #expect(try await analytics.dashboard(of: .server(guildB)).activeUsers == 2)
      #expect(try await analytics.dashboard(of: .nothing).activeUsers == 0)
      // Complete days: 1 kill there and 1 here of the last seven, and one of the seven before.
      #expect(dashboard.killsTrend == "+100%")
      #expect(dashboard.performanceTrend == "+100%")
    }
  }

  @Test func whoseFiguresOneGets() async throws {
    try await withTracker(.sqlite) { rig in
      let analytics = service(rig)
      try await record(rig, ann, .user(bob), daysAgo: 0)
      let player = try #require(try await rig.kills.player("\(ann)"))
      let (manager, admin) = (viewer(ann, manages: guildA), KillViewer(user: ann, isAdmin: true))
      #expect(try await analytics.subject(for: viewer(ann)) == .player(player, serverID: nil))
      #expect(try await analytics.subject(for: viewer(ann), serverID: guildA) == .player(player, serverID: guildA))
      #expect(try await analytics.subject(for: viewer(cem)) == .player(nil, serverID: nil))
      #expect(try await analytics.subject(for: manager) == .player(player, serverID: nil))
      #expect(try await analytics.subject(for: manager, serverID: guildA) == .server(guildA))
      #expect(try await analytics.subject(for: manager, serverID: guildB) == .player(player, serverID: guildB))
      #expect(
        try await analytics.subject(for: manager, serverID: guildA, scope: .own) == .player(player, serverID: guildA))
      #expect(try await analytics.subject(for: manager, serverID: guildA, scope: .server) == .server(guildA))
      #expect(try await analytics.subject(for: admin) == .all)
      #expect(try await analytics.subject(for: admin, serverID: "default-server") == .server("default-server"))
      #expect(try await analytics.subject(for: admin, scope: .own) == .player(player, serverID: nil))
      #expect(try await analytics.subject(for: admin, serverID: guildB, scope: .all) == .all)
      #expect(try await analytics.subject(for: viewer(ann), game: "star_citizen") == .player(player, serverID: nil))
      #expect(try await analytics.subject(for: viewer(ann), game: "") == .player(player, serverID: nil))
      #expect(try await analytics.subject(for: admin, game: "chess") == .nothing)
      for scope in [AnalyticsService.Scope.server, .all] {
        #expect(
          try await killError {
            try await analytics.subject(for: viewer(ann), serverID: guildA, scope: scope)
          } == .forbidden)
      }
      #expect(
        try await killError {
          try await analytics.subject(for: viewer(ann, manages: guildA), serverID: guildB, scope: .server)
        } == .forbidden)
      #expect(try await killError { try await analytics.subject(for: manager, scope: .all) } == .forbidden)
      #expect(try await killError { try await analytics.subject(for: .anonymous) } == .forbidden)
      #expect(
        try await killError { try await analytics.subject(for: admin, scope: .server) }
          == .invalid(field: "serverId", reason: "is required for that scope"))
    }
  }

  @Test func aTrendTellsOfEachDayAndTestsThoseThatAreOver() async throws {
    try await withTracker(.sqlite) { rig in
      let analytics = service(rig)
      // 20 days long, each day a kill more; today, which is not over, a single one.
      for day in 1...20 {
        for number in 0..<(21 - day) {
          try await record(rig, ann, .character("npc"), daysAgo: Int64(day), number: Int64(number), kind: .pve)
        }
      }
      try await record(rig, ann, .user(bob), daysAgo: 0)
      let own = try await analytics.subject(for: viewer(ann))
      let report = try await analytics.trend(of: .totalKills, own, period: .month)
      #expect(report.days.count == 30)
      #expect(report.days.first == .init(date: "2026-01-20", value: 0))
      #expect(report.days.last == .init(date: "2026-02-18", value: 1))
      #expect(report.current == 211 && report.previous == 0 && report.changeText == "n/a")
      // Not the ten days before the first kill, and not today.
      #expect(report.testedDays == 20 && report.test?.count == 20 && report.test?.s == 190)
      #expect(report.direction == .increasing)
      #expect(report.slope?.perUnit == 1)
      #expect(report.shift?.date == "2026-02-08", "\(String(describing: report.shift))")
      let ratio = try await analytics.trend(of: .killDeathRatio, own, period: .month)
      #expect(ratio.days.first?.value == nil && ratio.current == 211)
      let share = try await analytics.trend(of: .pvpRatio, own, period: .week)
      #expect(share.days.last?.value == 100 && share.test == nil && share.direction == .none)
      #expect(share.changeText == "n/a" && share.current > 0)
      let none = try await analytics.trend(of: .totalKills, .player(nil, serverID: nil), period: .year)
      #expect(none.days.count == 365 && none.testedDays == 0 && none.changeText == "0%" && none.test == nil)
    }
  }

  @Test(arguments: TestEngine.available)
  func insightsAreDrawnFromTheTables(engine: TestEngine) async throws {
    try await withTracker(engine) { rig in
      let analytics = service(rig)
      var number: Int64 = 0
      func fight(_ isWon: Bool, _ location: String, daysAgo: Int64) async throws {
        number += 1
        if isWon {
          try await record(rig, ann, .user(bob), daysAgo: daysAgo, number: number, location: location)
        } else {
          try await record(rig, bob, .user(ann), daysAgo: daysAgo, number: number, weapon: "P4-AR", location: location)
        }
      }
      for round in 0..<40 {
        try await fight(round.isMultiple(of: 5), "Jumptown", daysAgo: Int64(1 + round))
        try await fight(!round.isMultiple(of: 5), "Yela", daysAgo: Int64(1 + round))
      }
      let own = try await analytics.subject(for: viewer(ann))
      let found = try await analytics.insights(of: own)
      #expect(found.contains { $0.title == "Weak at Jumptown" && $0.evidence.n == 80 })
      #expect(found.contains { $0.title == "Strong at Yela" })
      #expect(found.contains { $0.title == "Favourite Weapon: FS-9 LMG" })
      #expect(found.contains { $0.title == "Most Often Killed By P4-AR" })
      #expect(try await analytics.insights(of: own, kind: .location).count == 2)
      #expect(try await analytics.insights(of: own, kind: .weekday).isEmpty)
      let advice = try await analytics.recommendations(for: own)
      #expect(
        Set(advice.map(\.title)) == ["Bring company to Jumptown", "Fight at Yela", "Prepare against P4-AR"],
        "\(advice.map(\.title))")
      #expect(try await analytics.recommendations(for: own, kind: .weapon).map(\.title) == ["Prepare against P4-AR"])
      let elsewhere = try await analytics.subject(for: viewer(ann), serverID: guildB)
      #expect(try await analytics.insights(of: elsewhere).isEmpty)
      let server = try await analytics.insights(of: .server(guildA))
      #expect(server.map(\.title) == ["Most Used: FS-9 LMG"], "\(server.map(\.title))")
      #expect(server.first?.evidence.n == 70)
    }
  }

  @Test func usersAndServersOfV1() async throws {
    try await withTracker(.sqlite) { rig in
      let analytics = service(rig)
      try await record(rig, ann, .user(bob), daysAgo: 0, number: 1)
      try await record(rig, ann, .user(bob), daysAgo: 1, number: 2)
      try await record(rig, bob, .user(cem), daysAgo: 2, number: 3, server: guildB)
      try await record(rig, cem, .character("npc"), daysAgo: 40, number: 4, kind: .pve)
      let now = rig.time.timestamp
      let week = now + .seconds(-6 * 86_400)
      let users = try await analytics.users(from: week, for: viewer(ann))
      #expect(users.own.totalKills == 2 && users.ownDays.count == 7 && users.ownDays.last?.kills == 1)
      #expect(users.activeUsers == 3)
      #expect(users.top.map(\.player.user) == [ann, bob])
      #expect(users.top.first?.metrics.totalKills == 2 && users.top.last?.metrics.totalDeaths == 2)
      #expect(try await analytics.users(from: week, serverID: guildB, for: viewer(ann)).activeUsers == 2)
      // Who is private is counted, and not named.
      try await rig.kills.players.update(ann, privacy: .private)
      let hidden = try await analytics.users(from: week, for: viewer(bob))
      #expect(hidden.top.map(\.player.user) == [bob] && hidden.activeUsers == 3)
      let year = try await analytics.users(from: now + .seconds(-364 * 86_400), for: viewer(ann))
      #expect(year.activeUsers == nil && year.top.isEmpty && year.ownDays.count == 365)

      let servers = try await analytics.servers(from: week, for: viewer(cem))
      #expect(servers.servers.map(\.serverID) == [guildA, guildB])
      #expect(servers.servers.map(\.metrics.totalKills) == [2, 1])
      let more = try await analytics.servers(from: week, more: [guildB], for: viewer(ann))
      #expect(more.servers.map(\.serverID) == [guildA, guildB])
      #expect(more.servers.map(\.percentage) == [66.7, 33.3])
      #expect(more.total.totalKills == 3 && more.days.map(\.kills) == [0, 0, 0, 0, 1, 1, 1])
      let all = try await analytics.servers(from: week, for: rig.admin())
      #expect(all.servers.map(\.serverID) == [guildA, guildB])
      #expect(try await analytics.servers(from: week, serverID: guildB, for: viewer(ann)).total.totalKills == 1)
      #expect(
        try await killError { try await analytics.users(from: now, until: week, for: viewer(ann)) }
          == .invalid(field: "endDate", reason: "lies before startDate"))
    }
  }

  @Test func filesHoldThePeriodAndWhoMaySeeIt() async throws {
    try await withTracker(.sqlite) { rig in
      let analytics = service(rig)
      try await record(rig, ann, .handle("=cmd()"), daysAgo: 0, number: 1)
      try await record(rig, bob, .user(ann), daysAgo: 6, number: 2)
      try await record(rig, ann, .user(bob), daysAgo: 7, number: 3)
      try await record(rig, bob, .user(cem), daysAgo: 1, number: 4)
      func lines(_ subject: AnalyticsSubject, _ viewer: KillViewer) async throws -> [String] {
        var bytes: [UInt8] = []
        try await analytics.exportCSV(of: subject, period: .week, for: viewer) { bytes += $0 }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\r\n").map(String.init)
      }
      let own = try await analytics.subject(for: viewer(ann))
      let rows = try await lines(own, viewer(ann))
      #expect(rows.count == 3 && rows[0].hasPrefix("id,timestamp,killer,victim"))
      #expect(rows[2].contains("\"'=cmd()\""))
      #expect(try await lines(.server(guildA), viewer(ann)).count == 4)
      for nothing in [AnalyticsSubject.nothing, .player(nil, serverID: nil)] {
        #expect(try await lines(nothing, viewer(ann)) == [rows[0]])
      }
      var kills: [Kill] = []
      try await analytics.exportKills(of: .all, period: .week, for: rig.admin()) { kills += $0 }
      #expect(kills.count == 3)
      let days = try await analytics.days(of: own, period: .week)
      #expect(days.count == 7 && days.last?.metrics.totalKills == 1 && days.first?.metrics.totalDeaths == 1)
    }
  }
}
