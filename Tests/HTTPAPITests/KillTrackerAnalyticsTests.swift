import Core
import KillTracker
import Platform
import StorageTestSupport
import Testing

@testable import HTTP
@testable import HTTPAPI

/// Analytics of both Kill Tracker documents: as printed where they print, and who gets what.
@Suite(.timeLimit(.minutes(2))) struct KillTrackerAnalyticsTests {
  typealias House = KillTrackerHouse
  private let org = "900000000000000001"
  private let paths = ["dashboard", "metrics", "trends", "insights", "recommendations", "export"]

  /// Kills of the user's, one after the other, the last now.
  private func record(_ house: House, _ count: Int, victim: String = "Enemy", by user: UserID = House.user) async throws
  {
    for number in 0..<count {
      house.time.advance(by: .seconds(60))
      _ = try await house.kills.record(
        KillReport(
          victim: .handle("\(victim)\(number % 3)"), kind: number % 4 == 3 ? .pve : .pvp, serverID: org,
          weapon: "Laser Cannon", location: "Stanton System"), by: KillReporter(user: user))
    }
  }

  private func keys(_ json: JSON?) -> Set<String> { Set(json?.object?.keys.map { $0 } ?? []) }

  /// The whole of an answer that is made while it is sent, in the pieces in which it came.
  private func file(
    _ house: House, _ path: String, token: String
  ) async throws -> (response: HTTPResponse, pieces: [[UInt8]]) {
    let response = try await house.router.respond(
      to: .sample(.get, path, ["Host": "127.0.0.1:3000", "Authorization": "Bearer \(token)"], body: ""))
    guard case .stream(nil, let produce) = response.body else { return (response, []) }
    let (pieces, continuation) = AsyncStream<[UInt8]>.makeStream()
    try await produce(HTTPBodyWriter { continuation.yield($0) })
    continuation.finish()
    return (response, await pieces.reduce(into: []) { $0.append($1) })
  }

  @Test func theDashboardIsAsPrinted() async throws {
    try await House.with { house in
      try await record(house, 8)
      let token = try await house.token()
      let answer = try await house.send(
        .get, "/api/analytics/dashboard?game=star_citizen&serverId=\(org)", token: token)
      #expect(answer.status == 200 && answer.json["success"] == true)
      let data = answer.json["data"]
      #expect(keys(data) == ["overview", "trends", "insights"])
      #expect(
        data?["overview"] == ["totalKills": 8, "totalDeaths": 0, "killDeathRatio": 8, "activeUsers": 4],
        "\(answer.json)")
      #expect(data?["trends"] == ["killsTrend": "0%", "performanceTrend": "0%"])
      #expect(data?["insights"]?.array != nil)
    }
  }

  @Test func metricsAreAsPrinted() async throws {
    try await House.with { house in
      try await record(house, 8)
      let token = try await house.token()
      let answer = try await house.send(.get, "/api/analytics/metrics?serverId=\(org)", token: token)
      #expect(
        answer.json == [
          "success": true,
          "data": [
            "totalKills": 8, "totalDeaths": 0, "killDeathRatio": 8, "pvpKills": 6, "pveKills": 2, "pvpRatio": 75,
            "period": "7d", "game": "star_citizen", "serverId": .string(org),
          ],
        ], "\(answer.json)")
      let plain = try await house.send(.get, "/api/analytics/metrics?period=24h&game=", token: token).json["data"]
      #expect(plain?["serverId"] == .null && plain?["period"] == "24h" && plain?["game"] == "star_citizen")
      let chess = try await house.send(.get, "/api/analytics/metrics?game=chess", token: token).json["data"]
      #expect(chess?["totalKills"] == 0 && chess?["pvpRatio"] == 0 && chess?["game"] == "chess")
    }
  }

  @Test func trendsTellWhatTheyRestOn() async throws {
    try await House.with { house in
      // Twenty days, each with a kill more than the one before.
      for day in 1...20 {
        try await record(house, day)
        house.time.advance(by: .seconds(86_400 - 60 * Int64(day)))
      }
      let token = try await house.token()
      let data = try await house.send(.get, "/api/analytics/trends?metric=totalKills&period=30d", token: token).json[
        "data"]
      #expect(
        keys(data) == [
          "metric", "period", "game", "serverId", "scope", "current", "previous", "change", "direction", "confidence",
          "series", "test", "slope", "changePoint", "note",
        ])
      #expect(data?["direction"] == "increasing" && data?["scope"] == "own" && data?["current"] == 210)
      #expect(data?["series"]?.array?.count == 30 && data?["test"]?["statistic"] == 190 && data?["note"] == .null)
      #expect(data?["slope"]?["perDay"] == 1 && data?["slope"]?["interval"]?["level"] == 0.95)
      #expect(data?["changePoint"]?["name"] == "Pettitt")
      let board = try await house.send(.get, "/api/analytics/trends?metric=pvp_kills&period=7d", token: token).json[
        "data"]
      #expect(board?["metric"] == "pvp_kills" && board?["test"] == .null)
      #expect(board?["note"] == "a test takes 10 days with figures before today, here are 6", "\(board ?? .null)")
      let insights = try await house.send(.get, "/api/analytics/insights", token: token).json["data"]
      #expect(keys(insights) == ["insights", "total", "limit", "offset"] && insights?["limit"] == 50)
      let first = insights?["insights"]?[0]
      #expect(keys(first) == ["type", "title", "description", "confidence", "evidence"])
      #expect(
        keys(first?["evidence"])
          == ["test", "n", "statistic", "pValue", "adjustedPValue", "estimate", "interval"])
      let total = insights?["total"]?.integer ?? 0
      #expect(total >= 2)
      let second = try await house.send(.get, "/api/analytics/insights?limit=1&offset=1", token: token).json["data"]
      #expect(second?["insights"]?.array?.count == 1 && second?["insights"]?[0] == insights?["insights"]?[1])
      let beyond = try await house.send(.get, "/api/analytics/insights?offset=99", token: token).json["data"]
      #expect(beyond?["insights"] == [] && beyond?["total"] == insights?["total"])
      let trends = try await house.send(.get, "/api/analytics/insights?type=trend", token: token).json["data"]
      #expect(trends?["insights"]?.array?.allSatisfy { $0["type"] == "trend" } == true)
    }
  }

  @Test func recommendationsCarryTheirNumbers() async throws {
    try await House.with { house in
      try await record(house, 40)
      // Forty deaths, all by one hand.
      for _ in 0..<40 {
        house.time.advance(by: .seconds(60))
        _ = try await house.kills.record(
          KillReport(victim: .user(House.user), kind: .pvp, serverID: org, weapon: "P4-AR", location: "Yela"),
          by: KillReporter(user: House.other))
      }
      let token = try await house.token()
      let data = try await house.send(.get, "/api/analytics/recommendations", token: token).json["data"]
      #expect(keys(data) == ["recommendations", "total", "limit", "offset"])
      let entry = data?["recommendations"]?.array?.first { $0["type"] == "weapon" }
      #expect(entry?["title"] == "Prepare against P4-AR" && entry?["priority"] == "medium", "\(data ?? .null)")
      #expect(entry?["evidence"]?["n"] == 40 && entry?["evidence"]?["interval"]?["level"] == 0.95)
      #expect(
        keys(entry) == ["type", "title", "description", "priority", "confidence", "evidence"])
    }
  }

  @Test func badQueriesAreRefusedByTheirField() async throws {
    try await House.with { house in
      let token = try await house.token()
      for (query, field) in [
        ("metrics?period=8d", "period"), ("metrics?period=", "period"), ("trends?period=7d", "metric"),
        ("trends?metric=kills", "period"), ("trends?metric=luck&period=7d", "metric"),
        ("insights?limit=0", "limit"), ("insights?limit=101", "limit"), ("insights?offset=-1", "offset"),
        ("insights?type=luck", "type"), ("recommendations?type=trend", "type"), ("recommendations?limit=x", "limit"),
        ("export?format=xml", "format"), ("export?period=2y", "period"), ("dashboard?scope=mine", "scope"),
        ("dashboard?serverId=", "serverId"),
      ] {
        let refused = try await house.send(.get, "/api/analytics/\(query)", token: token)
        #expect(refused.status == 422 && refused.field == field, "\(query): \(refused.json)")
        #expect(refused.code == "VALIDATION_ERROR")
      }
      let scope = try await house.send(
        .get, "/api/analytics/metrics?scope=server", token: try await house.token(House.owner))
      #expect(scope.status == 422 && scope.field == "serverId")
    }
  }

  @Test func everybodyGetsTheirOwnAndManagersTheirServers() async throws {
    try await House.with { house in
      try await record(house, 5)
      try await record(house, 2, by: House.other)
      func kills(_ token: String, _ query: String = "") async throws -> JSON? {
        try await house.send(.get, "/api/analytics/metrics\(query)", token: token).json["data"]?["totalKills"]
      }
      let (user, other) = (try await house.token(), try await house.token(House.other))
      let (manager, owner) = (try await house.token(Cast.manager), try await house.token(House.owner))
      #expect(try await kills(user) == 5)
      #expect(try await kills(other) == 2)
      #expect(try await kills(manager) == 0)
      #expect(try await kills(owner) == 7)
      #expect(try await kills(user, "?serverId=\(org)") == 5)
      #expect(try await kills(manager, "?serverId=\(org)") == 7)
      #expect(try await kills(manager, "?serverId=\(org)&scope=own") == 0)
      // A login by uid alone is nobody's manager.
      #expect(try await kills(house.token(Cast.manager, isLimited: true), "?serverId=\(org)") == 0)
      #expect(try await kills(owner, "?scope=own") == 0)
      for path in paths {
        let more = path == "trends" ? "&metric=kills&period=7d" : ""
        for scope in ["server", "all"] {
          let refused = try await house.send(
            .get, "/api/analytics/\(path)?serverId=\(org)&scope=\(scope)\(more)", token: user)
          #expect(refused.status == 403 && refused.code == "FORBIDDEN", "\(path) \(scope)")
        }
        let key = try await house.key(House.user, player: "YourPlayerName", [.readKills])
        let without = try await house.send(.get, "/api/analytics/\(path)?\(more)", token: key)
        #expect(without.status == 403 && without.code == "INSUFFICIENT_PERMISSIONS", "\(path)")
        #expect(try await house.send(.get, "/api/analytics/\(path)?\(more)").status == 401)
      }
      let key = try await house.key(House.user, player: "YourPlayerName", [.readStats])
      #expect(try await kills(key) == 5)
    }
  }

  // MARK: Files

  @Test(arguments: TestEngine.available) func theTableIsAFile(engine: TestEngine) async throws {
    try await House.with(engine) { house in
      try await record(house, 3)
      let token = try await house.token()
      _ = try await house.kills.record(
        KillReport(
          victim: .handle("@evil"), kind: .pvp, serverID: org, weapon: "a \"gun\", big", location: "-1+2"),
        by: KillReporter(user: House.user))
      let (response, pieces) = try await file(house, "/api/analytics/export?format=csv", token: token)
      let date = house.time.timestamp.iso8601.prefix(10)
      #expect(response.headers["Content-Type"] == "text/csv; charset=utf-8; header=present")
      #expect(response.headers["Content-Disposition"] == "attachment; filename=\"kills-30d-\(date).csv\"")
      let text = String(decoding: pieces.joined(), as: UTF8.self)
      let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
      #expect(lines.count == 6 && lines[5] == "" && lines[0].hasPrefix("id,timestamp,killer,victim,weapon,location"))
      #expect(lines[4].contains(#","'@evil","a ""gun"", big","'-1+2","#), "\(lines[4])")
    }
  }

  @Test func theJSONFileHoldsFiguresDaysAndKills() async throws {
    try await House.with { house in
      let token = try await house.token()
      let (none, empty) = try await file(house, "/api/analytics/export?period=24h", token: token)
      #expect(none.headers["Content-Type"] == "application/json")
      let nothing = try JSON(parsing: Array(empty.joined()))
      #expect(nothing["data"]?["kills"] == [] && nothing["data"]?["dailyKills"]?.array?.count == 1)
      try await record(house, 5)
      let (response, pieces) = try await file(
        house, "/api/analytics/export?period=7d&serverId=\(org)&format=json", token: token)
      #expect(response.headers["Content-Disposition"]?.hasSuffix(".json\"") == true)
      let document = try JSON(parsing: Array(pieces.joined()))
      let data = document["data"]
      #expect(document["success"] == true)
      #expect(keys(data) == ["game", "serverId", "scope", "period", "metrics", "dailyKills", "kills"])
      #expect(data?["metrics"]?["totalKills"] == 5 && data?["dailyKills"]?.array?.count == 7)
      #expect(data?["kills"]?.array?.map { $0["victimId"] } == ["Enemy0", "Enemy1", "Enemy2", "Enemy0", "Enemy1"])
      #expect(data?["kills"]?[0]?["killerId"] != nil && data?["kills"]?[0]?["isPvP"] == true)
    }
  }

  /// More kills than one page: pieces, none of which holds all.
  @Test func aLongFileComesInPieces() async throws {
    try await House.with { house in
      let token = try await house.token()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<4_300 {
          let time = house.time.timestamp + .seconds(-number)
          group.addTask {
            _ = try await house.kills.record(
              KillReport(victim: .handle("Enemy"), kind: .pvp, occurredAt: time, serverID: org),
              by: KillReporter(user: House.user))
          }
        }
        try await group.waitForAll()
      }
      for format in ["csv", "json"] {
        let (_, pieces) = try await file(house, "/api/analytics/export?format=\(format)", token: token)
        let size = pieces.reduce(0) { $0 + $1.count }
        #expect(pieces.count >= 2 && pieces.allSatisfy { $0.count < size }, "\(format)")
        if format == "csv" {
          #expect(String(decoding: pieces.joined(), as: UTF8.self).split(separator: "\r\n").count == 4_301)
        } else {
          #expect(try JSON(parsing: Array(pieces.joined()))["data"]?["kills"]?.array?.count == 4_300)
        }
      }
    }
  }

  // MARK: v1

  @Test func usersAndServersOfV1() async throws {
    try await House.with { house in
      try await record(house, 4)
      let token = try await house.token()
      let users = try await house.send(.get, "/api/v1/analytics/users?period=week", token: token)
      #expect(users.status == 200 && users.json["success"] == true)
      let data = users.json["data"]
      #expect(keys(data) == ["period", "user", "activeUsers", "topUsers"])
      #expect(data?["user"]?["stats"]?["totalKills"] == 4 && data?["user"]?["dailyKills"]?.array?.count == 7)
      #expect(data?["activeUsers"] == 4 && data?["topUsers"]?.array?.count == 1)
      #expect(data?["topUsers"]?[0]?["user"]?["id"] == "\(House.user)")
      let year = try await house.send(.get, "/api/v1/analytics/users?period=year", token: token).json["data"]
      #expect(year?["activeUsers"] == .null && year?["topUsers"] == [])

      let servers = try await house.send(.get, "/api/v1/analytics/servers", token: token).json["data"]
      #expect(keys(servers) == ["period", "stats", "dailyKills", "serverStats"] && servers?["period"] == "month")
      #expect(
        servers?["serverStats"] == [
          [
            "server": ["id": .string(org), "name": "Org"],
            "stats": ["totalKills": 4, "totalDeaths": 3, "killDeathRatio": 1.33, "pvpKills": 3, "pveKills": 1],
            "percentage": 100,
          ]
        ], "\(servers ?? .null)")
      #expect(servers?["dailyKills"]?.array?.count == 30)
      for path in ["users", "servers"] {
        for (query, field) in [
          ("period=decade", "period"), ("startDate=x", "startDate"), ("endDate=2001-01-01", "endDate"),
        ] {
          let refused = try await house.send(.get, "/api/v1/analytics/\(path)?\(query)", token: token)
          #expect(refused.status == 422 && refused.field == field, "\(path)?\(query): \(refused.json)")
        }
        #expect(try await house.send(.get, "/api/v1/analytics/\(path)").status == 401)
      }
    }
  }
}
