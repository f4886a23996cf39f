import Commands
import Core
import FoundationEssentials
import Gateway
import HTTP
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// Every sample that the Pegasus document prints for its endpoints.
struct PegasusSurfaceTests {
  private func command(_ name: String, _ subcommand: String? = nil, by user: UserID, in guild: GuildID?) -> AuditEntry {
    var details: JSON.Object = ["command": .string(name)]
    details["subcommand"] = subcommand.map { .string($0) }
    return AuditEntry(
      userID: user, guildID: guild, action: "command_executed", category: "user_action", details: details,
      ip: "192.0.2.7", userAgent: "curl/8")
  }

  @Test(arguments: TestEngine.available)
  func health(engine: TestEngine) async throws {
    let printed = """
      {"status":"healthy","timestamp":"2024-01-01T00:00:00.000Z","uptime":3600,"version":"1.0.0","checks":{"discord":
      {"status":"healthy","latency":45,"guilds":150,"users":50000},"database":{"status":"healthy","connections":
      {"active":5,"idle":15,"total":20}},"memory":{"status":"healthy","usage":{"heapUsed":134217728,"heapTotal":268435456,
      "rss":402653184,"external":12582912}}}}
      """
    try await PegasusRig.with(engine) { rig in
      rig.time.advance(by: .milliseconds(3_600_999))
      let response = try await rig.get("/health")
      let body = try #require(response.json)
      #expect(response.status == .ok)
      #expect(response.headers["Content-Type"] == "application/json")
      #expect(body.shape == (try JSON(parsing: printed)).shape)
      #expect(body["status"] == "healthy")
      #expect(body["timestamp"]?.string == rig.time.timestamp.iso8601)
      #expect(body["uptime"] == 3600)
      #expect(body["version"] == "1.0.0")
      let checks = try #require(body["checks"])
      #expect(checks["discord"] == ["status": "healthy", "latency": 45, "guilds": 150, "users": 50000])
      let connections = try #require(checks["database"]?["connections"])
      let total = try #require(connections["total"]?.integer)
      #expect(total > 0 && (connections["active"]?.integer ?? 0) + (connections["idle"]?.integer ?? 0) == total)
      let usage = try #require(checks["memory"]?["usage"])
      let (used, all) = (usage["heapUsed"]?.integer ?? 0, usage["heapTotal"]?.integer ?? 0)
      #expect(used > 100_000 && all >= used)
      #expect((usage["rss"]?.integer ?? 0) > 1_000_000)
      #expect(usage["external"]?.integer != nil)
    }
  }

  @Test func readyAndNotReady() async throws {
    try await PegasusRig.with { rig in
      let response = try await rig.get("/ready")
      #expect(response.status == .ok)
      #expect(response.json?.shape == "{ready:boolean,timestamp:string}")
      #expect(response.json?["ready"] == true)
      for shards in [[], [true, false]] {
        var vitals = FakeBot.printed
        vitals.shards = shards.enumerated().map {
          .init(id: $0.offset, total: 2, state: "x", isReady: $0.element, latency: .milliseconds(1))
        }
        rig.bot.set(vitals)
        let response = try await rig.get("/ready")
        #expect(response.status == .serviceUnavailable)
        #expect(response.json?.shape == "{ready:boolean,timestamp:string}")
        #expect(response.json?["ready"] == false)
      }
    }
  }

  @Test func healthInShort() async throws {
    try await PegasusRig.with { rig in
      let printed = try JSON(
        parsing: """
          {"status":"healthy","checks":{"bot":true,"database":true,"memory":true},"timestamp":"2024-01-01T00:00:00.000Z"}
          """)
      var body = try await rig.json("/api/health")
      #expect(body.shape == printed.shape)
      #expect(body["status"] == "healthy")
      #expect(body["checks"] == ["bot": true, "database": true, "memory": true])
      var vitals = FakeBot.printed
      vitals.shards = []
      rig.bot.set(vitals)
      #expect(try await rig.get("/api/health").status == .serviceUnavailable)
      body = try await rig.json("/api/health")
      #expect(body["status"] == "unhealthy")
      #expect(body["checks"] == ["bot": false, "database": true, "memory": true])
    }
  }

  @Test func maintenanceIsShown() async throws {
    try await PegasusRig.with { rig in
      let since = rig.time.timestamp
      try await rig.shared.maintenance.set(
        Maintenance(reason: "new database", since: since, by: Cast.owner), by: Cast.owner)
      let response = try await rig.get("/health")
      #expect(response.status == .ok)
      #expect(response.json?["status"] == "degraded")
      #expect(response.json?["maintenance"] == ["reason": "new database", "since": .string(since.iso8601)])
      #expect(try await rig.get("/ready").status == .ok)
    }
  }

  @Test(arguments: TestEngine.available)
  func statistics(engine: TestEngine) async throws {
    let printed = """
      {"bot":{"guilds":150,"users":50000,"channels":3000,"uptime":3600,"memory":{"heapUsed":134217728,"heapTotal":268435456}},
      "database":{"guilds":150,"users":45000,"tracked_guilds":150,"economy_users":25000,"open_tickets":45,
      "active_giveaways":12},"activity":{"daily_actions":15000,"weekly_actions":95000,"daily_active_users":5000,
      "daily_active_guilds":120},"topCommands":[{"command":"help","count":5000},{"command":"giveaway","count":3000}],
      "rateLimit":{"totalEntries":50,"blacklistedCount":2,"topOffenders":[]}}
      """
    let counts = Statistics.Counts(economyUsers: { transaction in
      try transaction.queryOne("SELECT count(*) AS n FROM guild_members WHERE xp > 0") {
        try $0.value("n", as: Int.self)
      } ?? 0
    })
    try await PegasusRig.with(engine, counts: counts) { rig in
      let (guild, other) = (GuildID(900), GuildID(901))
      for id in [guild, other, GuildID(902)] { try await rig.shared.guilds.joined(id) }
      try await rig.shared.guilds.left(GuildID(902))
      for id in 1...3 { try await rig.shared.users.seen(UserID(UInt64(id))) }
      try await rig.shared.members.seen([UserID(1), UserID(2)], in: guild)
      try await rig.shared.database.write { transaction in
        try transaction.execute("UPDATE guild_members SET xp = 5 WHERE user_id = '1'")
        for status in ["open", "open", "closed"] {
          try transaction.execute(
            "INSERT INTO tickets (guild_id, channel_id, user_id, status) VALUES ('900', '1', '1', $1)", status)
        }
        for status in ["active", "ended"] {
          try transaction.execute(
            """
            INSERT INTO giveaways (id, guild_id, channel_id, host_id, title, prize, ends_at, status)
            VALUES ($1, '900', '1', '1', 't', 'p', $2, $3)
            """, UUID(), DateTime(rig.time.timestamp), status)
        }
      }
      for number in 0..<5 {
        try await rig.shared.auditLog.append(command("help", by: UserID(UInt64(number % 2 + 1)), in: guild))
      }
      try await rig.shared.auditLog.append(command("giveaway", "create", by: UserID(3), in: nil))
      let response = try await rig.get("/api/stats")
      let body = try #require(response.json)
      #expect(response.status == .ok)
      var shape = try JSON(parsing: printed)
      shape["rateLimit"]?["topOffenders"] = []
      #expect(body.shape == shape.shape)
      #expect(body["bot"]?["guilds"] == 150 && body["bot"]?["users"] == 50000 && body["bot"]?["channels"] == 3000)
      #expect(
        body["database"] == [
          "guilds": 2, "users": 3, "tracked_guilds": 1, "economy_users": 1, "open_tickets": 2, "active_giveaways": 1,
        ])
      #expect(
        body["activity"] == [
          "daily_actions": 6, "weekly_actions": 6, "daily_active_users": 3, "daily_active_guilds": 1,
        ])
      #expect(
        body["topCommands"] == [["command": "help", "count": 5], ["command": "giveaway", "count": 1]])
      #expect(body["rateLimit"] == ["totalEntries": 0, "blacklistedCount": 0, "topOffenders": []])
    }
  }

  @Test func whoIsHeldBackIsNamed() async throws {
    try await PegasusRig.with(limits: true) { rig in
      for _ in 0..<8 { _ = rig.cooldowns.use(.economy, by: Snowflake(rawValue: 77)) }
      // Each request is one of thirty itself.
      for _ in 0..<32 { _ = try await rig.get("/health", headers: ["Host": "127.0.0.1:3000"]) }
      rig.time.advance(by: .seconds(1))
      let admin = try await rig.authentication.tokens.issue(for: .user(Cast.owner)).text.reveal()
      let report = try await rig.services.statistics.report().rateLimit
      #expect(report.totalEntries == 2)
      #expect(report.blacklistedCount == 2)
      #expect(
        report.topOffenders == [
          .init(id: "77", category: "commands", count: 5), .init(id: "127.0.0.1", category: "pegasus", count: 2),
        ])
      #expect(
        try await rig.failure("/api/stats", headers: ["Host": "127.0.0.1:3000", "Authorization": "Bearer \(admin)"])
          == (429, "E003"))
    }
  }

  @Test func thirtyInAMinuteAndAThousandInAnHour() async throws {
    try await PegasusRig.with(limits: true) { rig in
      var sent = 0
      func ask() async throws -> HTTPResponse {
        sent += 1
        return try await rig.get(["/health", "/ready", "/metrics", "/api/stats", "/api/logs", "/api/health"][sent % 6])
      }
      for number in 1...30 {
        let response = try await ask()
        #expect(response.status == .ok)
        #expect(response.headers["X-RateLimit-Limit"] == "30")
        #expect(response.headers["X-RateLimit-Remaining"] == String(30 - number))
        #expect(response.headers["X-RateLimit-Reset"] != nil)
      }
      let refused = try await ask()
      #expect(refused.status == .tooManyRequests)
      #expect(refused.json?.shape == "{error:{code:string,message:string}}")
      #expect(refused.json?["error"]?["code"] == "E003")
      #expect((refused.headers["Retry-After"].flatMap { Int($0) } ?? 0) >= 1)
      // 33 minutes of thirty each, and ten more.
      var passed = 30
      while passed < 1_000 {
        rig.time.advance(by: .seconds(61))
        for _ in 0..<min(30, 1_000 - passed) {
          #expect(try await ask().status == .ok)
          passed += 1
        }
      }
      rig.time.advance(by: .seconds(61))
      let late = try await ask()
      #expect(late.status == .tooManyRequests)
      #expect(late.headers["X-RateLimit-Limit"] == "1000")
    }
  }

  @Test(arguments: TestEngine.available)
  func logs(engine: TestEngine) async throws {
    let printed = """
      [{"id":"550e8400-e29b-41d4-a716-446655440000","user_id":"123456789012345678","guild_id":"987654321098765432",
      "action":"command_executed","category":"user_action","details":{"command":"giveaway","subcommand":"create"},
      "created_at":"2024-01-01T00:00:00.000Z"}]
      """
    try await PegasusRig.with(engine) { rig in
      #expect(try await rig.json("/api/logs") == [])
      let (user, guild) = (UserID(123_456_789_012_345_678), GuildID(987_654_321_098_765_432))
      let id = try await rig.shared.auditLog.append(command("giveaway", "create", by: user, in: guild))
      let body = try await rig.json("/api/logs")
      #expect(body.shape == (try JSON(parsing: printed)).shape)
      #expect(
        body == [
          [
            "id": .string(id.uuidString.lowercased()), "user_id": "123456789012345678",
            "guild_id": "987654321098765432", "action": "command_executed", "category": "user_action",
            "details": ["command": "giveaway", "subcommand": "create"], "created_at": "2026-11-18T12:00:00.250Z",
          ]
        ])

      for number in 0..<60 {
        rig.time.advance(by: .milliseconds(1))
        try await rig.shared.auditLog.append(command("c\(number)", by: user, in: number % 2 == 0 ? guild : nil))
      }
      func commands(_ query: String) async throws -> [String] {
        (try await rig.json("/api/logs?\(query)").array ?? []).compactMap { $0["details"]?["command"]?.string }
      }
      #expect(try await commands("").count == 50)
      #expect(try await commands("limit=200").count == 61)
      #expect(try await commands("limit=2") == ["c59", "c58"])
      #expect(try await commands("limit=2&guild_id=\(guild)") == ["c58", "c56"])
      #expect(try await commands("limit=1&guild_id=0") == ["c59"])
      #expect(try await commands("guild_id=1") == [])
      let last = try #require(try await rig.json("/api/logs?limit=3")[2]?["id"]?.string)
      #expect(try await commands("limit=2&before=\(last)") == ["c56", "c55"])
      #expect(try await rig.json("/api/logs?limit=1&guild_id=0")[0]?["guild_id"] == "0")
      let unknown = "00000000-0000-7000-8000-000000000000"
      for query in [
        "limit=0", "limit=201", "limit=-1", "limit=x", "limit=1.5", "limit=99999999999999999999", "limit=1&limit=2",
        "guild_id=", "guild_id=abc", "guild_id=-1", "guild_id=99999999999999999999", "before=x", "before=\(unknown)",
      ] {
        #expect(try await rig.failure("/api/logs?\(query)") == (400, "E004"), "\(query)")
      }
    }
  }

  @Test func addressesAreForAdminsAlone() async throws {
    try await PegasusRig.with { rig in
      try await rig.shared.auditLog.append(command("help", by: Cast.user, in: nil))
      #expect(try await rig.json("/api/logs")[0]?["ip"] == nil)
      let admin = try await rig.authentication.tokens.issue(for: .user(Cast.owner)).text.reveal()
      let headers: HTTPHeaders = ["Host": "127.0.0.1:3000", "Authorization": "Bearer \(admin)"]
      let line = try await rig.get("/api/logs", headers: headers).json?[0]
      #expect(line?["ip"] == "192.0.2.7")
      #expect(line?["user_agent"] == "curl/8")
    }
  }

  @Test func whoIsNotHereNeedsAnAdminsToken() async throws {
    try await PegasusRig.with { rig in
      let away: HTTPHeaders = ["Host": "127.0.0.1:3000", "X-Forwarded-For": "192.0.2.7"]
      for path in ["/api/stats", "/api/logs", "/api/health", "/monitor/live"] {
        #expect(try await rig.failure(path, headers: away) == (401, "E005"), "\(path)")
        var headers = away
        headers["Authorization"] = "Bearer nonsense"
        #expect(try await rig.failure(path, headers: headers) == (401, "E005"), "\(path)")
        let user = try await rig.authentication.tokens.issue(for: .user(Cast.user)).text.reveal()
        headers["Authorization"] = "Bearer \(user)"
        #expect(try await rig.failure(path, headers: headers) == (403, "E005"), "\(path)")
        let admin = try await rig.authentication.tokens.issue(for: .user(Cast.owner)).text.reveal()
        headers["Authorization"] = "Bearer \(admin)"
        #expect(try await rig.get(path, headers: headers).status == .ok, "\(path)")
      }
      for path in ["/health", "/ready", "/metrics", "/", "/monitor.css", "/monitor.js"] {
        #expect(try await rig.get(path, headers: away).status == .ok, "\(path)")
      }
      #expect(try await rig.failure("/nowhere") == (404, "E006"))
      #expect(try await rig.failure("/api/stats/1") == (404, "E006"))
      let wrong = try await rig.router.respond(to: .sample(.post, "/api/stats"))
      #expect(wrong.status == .methodNotAllowed && wrong.json?["error"]?["code"] == "E006")
    }
  }

  @Test func measurementsAsPrinted() async throws {
    try await PegasusRig.with { rig in
      rig.metrics.counter(
        "pegasus_bot_commands_total", help: "Total number of commands executed", labels: ["command"])("giveaway")
        .increment(by: 1234)
      let response = try await rig.get("/metrics")
      #expect(response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
      let text = String(decoding: response.bytes, as: UTF8.self)
      for block in [
        """
        # HELP pegasus_bot_guilds Total number of guilds
        # TYPE pegasus_bot_guilds gauge
        pegasus_bot_guilds 150

        """,
        """
        # HELP pegasus_bot_users Total number of users
        # TYPE pegasus_bot_users gauge
        pegasus_bot_users 50000

        """,
        """
        # HELP pegasus_bot_commands_total Total number of commands executed
        # TYPE pegasus_bot_commands_total counter
        pegasus_bot_commands_total{command="giveaway"} 1234

        """,
      ] { #expect(text.contains(block), "\(block)") }
      let metrics = MetricsSurface(rig.metrics)
      var routes = SurfaceRoutes(surface: .metrics, errors: metrics.errors)
      metrics.declare(in: &routes)
      let alone = try await routes.router.respond(to: .sample(.get, "/metrics"))
      #expect(alone.bytes == response.bytes)
    }
  }

  @Test func thePageLoadsNothingFromElsewhere() async throws {
    try await PegasusRig.with(limits: true) { rig in
      for (path, type) in [
        ("/", "text/html; charset=utf-8"), ("/monitor.css", "text/css; charset=utf-8"),
        ("/monitor.js", "text/javascript; charset=utf-8"),
      ] {
        let response = try await rig.get(path)
        #expect(response.status == .ok)
        #expect(response.headers["Content-Type"] == type)
        let policy = try #require(response.headers["Content-Security-Policy"])
        #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
        // Not one of the thirty.
        #expect(response.headers["X-RateLimit-Limit"] == nil)
        let text = String(decoding: response.bytes, as: UTF8.self)
        #expect(!text.isEmpty && !text.contains("http://") && !text.contains("https://"))
        for inline in [" style=\"", "<style", " onclick", "innerHTML", "eval("] { #expect(!text.contains(inline)) }
      }
    }
  }

  @Test func thePageAsksForOneDocument() async throws {
    try await PegasusRig.with { rig in
      for number in 0..<30 { try await rig.shared.auditLog.append(command("c\(number)", by: Cast.user, in: nil)) }
      let body = try await rig.json("/monitor/live")
      #expect(body["health"]?.shape == (try await rig.json("/health")).shape)
      #expect(body["stats"]?.shape == (try await rig.json("/api/stats")).shape)
      #expect(body["logs"]?.array?.count == MonitorPage.lines)
      #expect(
        body["shards"] == [
          ["id": 0, "total": 1, "state": "ready", "ready": true, "latency": 45, "disconnections": 0]
        ])
    }
  }
}
