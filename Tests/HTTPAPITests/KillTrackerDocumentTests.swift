import Core
import Foundation
import HTTP
import KillTracker
import Platform
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// Every request that the two Kill Tracker documents print, sent as it stands there; where an answer is printed, all of
/// its fields must be there with values of the same kind, and each answer carries its limit.
@Suite(.timeLimit(.minutes(2))) struct KillTrackerDocumentTests {
  typealias House = KillTrackerHouse
  private static let org = "900000000000000001"

  /// Fields that may be null, although the sample has a value: what nobody said, or nobody knows.
  private static let nullable: Set<String> = [
    "avatar", "icon", "weapon", "location", "favoriteWeapon", "rank", "rsiHandle", "expiresAt", "lastUsedAt", "crew",
    "cargo", "price", "type", "size", "leaderboardChannel", "userRank",
  ]

  /// What of `printed` is missing in `answer`, or of another kind.
  private static func differences(_ answer: JSON?, _ printed: JSON, at path: String = "") -> [String] {
    guard let answer else { return ["\(path) is missing"] }
    let name = path.split(separator: ".").last.map(String.init) ?? ""
    if answer.isNull, nullable.contains(name) { return [] }
    switch (printed, answer) {
    case (.object(let fields), .object):
      return fields.flatMap { differences(answer[$0.key], $0.value, at: path.isEmpty ? $0.key : "\(path).\($0.key)") }
    case (.array(let elements), .array(let found)):
      guard let sample = elements.first else { return [] }
      if found.isEmpty { return ["\(path) is empty"] }
      // Permissions and the like: a list of texts.
      return found.enumerated().flatMap { differences($1, sample, at: "\(path).\($0)") }
    case (.string, .string), (.boolean, .boolean): return []
    case (.integer, _), (.double, _): return answer.double == nil ? ["\(path) is no number"] : []
    default: return ["\(path) is of another kind"]
    }
  }

  /// Sends what a document prints.
  private struct Reader {
    let house: House
    var token: String

    @discardableResult
    func expect(
      _ method: HTTPMethod, _ path: String, body: String? = nil, as token: String? = nil, limit: Int? = nil,
      status: Int = 200, _ printed: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> JSON {
      // So that no limit is met.
      house.time.advance(by: .seconds(61))
      let answer = try await house.send(
        method, path, token: token == "" ? nil : token ?? self.token,
        try body.map { try JSON(parsing: Array($0.utf8)) })
      let label: Comment = "\(method) \(path): \(answer.status) \(answer.json)"
      #expect(answer.status == status, label, sourceLocation: sourceLocation)
      if let printed {
        let found = KillTrackerDocumentTests.differences(answer.json, try JSON(parsing: Array(printed.utf8)))
        #expect(found.isEmpty, label, sourceLocation: sourceLocation)
      }
      let most = limit ?? (method == .get ? 100 : 20)
      #expect(answer.headers["X-RateLimit-Limit"] == "\(most)", label, sourceLocation: sourceLocation)
      #expect(answer.headers["X-RateLimit-Remaining"] == "\(most - 1)", label, sourceLocation: sourceLocation)
      let reset = answer.headers["X-RateLimit-Reset"].flatMap { Int64($0) } ?? 0
      let now = house.time.timestamp.milliseconds / 1_000
      #expect((now...now + 61).contains(reset), label, sourceLocation: sourceLocation)
      return answer.json
    }
  }

  /// A house in which something has happened, and whoever asks.
  private func reading(
    _ settings: TrackerSettings = TrackerSettings(), _ body: (Reader) async throws -> Void
  ) async throws {
    try await House.with(limits: true, settings: settings) { house in
      try await house.shared.guilds.joined(Cast.guild)
      try await house.shared.users.seen(Cast.manager, globalName: "Manager")
      try await body(Reader(house: house, token: try await house.token(Cast.manager)))
    }
  }

  // MARK: - v1

  @Test func v1Authentication() async throws {
    try await reading { reader in
      let login = try await reader.expect(
        .post, "/api/v1/auth/discord",
        body: #"{"code": "code-123456789012345678"}"#, as: "", limit: 5,
        #"""
        {"success": true, "data": {"user": {"id": "user_id", "username": "username", "discriminator": "0001",
         "avatar": "avatar_url"}, "token": "jwt_token", "expiresIn": 86400}}
        """#)
      #expect(login["data"]?["expiresIn"] == 86_400)
      let old = login["data"]?["token"]?.string
      let new = try await reader.expect(
        .post, "/api/v1/auth/refresh", as: old, limit: 5, #"{"success": true, "data": {"token": "jwt_token"}}"#)
      try await reader.expect(
        .post, "/api/v1/auth/logout", as: new["data"]?["token"]?.string, limit: 5, #"{"success": true}"#)
    }
  }

  @Test func v1UsersAndKills() async throws {
    try await reading { reader in
      let profile = #"""
        {"success": true, "data": {"id": "user_id", "discordId": "discord_user_id", "username": "username",
         "discriminator": "0001", "avatar": "avatar_url", "rsiHandle": "rsi_handle", "privacyLevel": "PUBLIC",
         "createdAt": "2024-01-01T00:00:00.000Z", "updatedAt": "2024-01-01T00:00:00.000Z"}}
        """#
      let kill = #"""
        {"id": "kill_id", "killer": {"id": "killer_id", "username": "KillerName", "avatar": "avatar_url"},
         "victim": {"id": "victim_id", "username": "VictimName", "avatar": "avatar_url"},
         "server": {"id": "server_id", "name": "Server Name"}, "weapon": "Laser Cannon", "location": "Stanton System",
         "timestamp": "2024-01-01T12:00:00.000Z", "isPvP": true, "isSuicide": false, "isEnvironmental": false}
        """#
      let made = try await reader.expect(
        .post, "/api/v1/kills",
        body: #"""
          {"victimId": "victim_user_id", "serverId": "900000000000000001", "weapon": "Laser Cannon",
           "location": "Stanton System", "isPvP": true, "isSuicide": false, "isEnvironmental": false}
          """#, status: 201, #"{"success": true, "data": \#(kill)}"#)
      // The SDK's and the integration sample's.
      try await reader.expect(
        .post, "/api/v1/kills",
        body: #"{"victimId": "victim_id", "serverId": "900000000000000001", "weapon": "Laser Cannon"}"#,
        status: 201)
      try await reader.expect(
        .post, "/api/v1/kills",
        body: #"{"victimName": "EnemyPlayer", "weapon": "Laser Cannon", "location": "Stanton System", "isPvP": true}"#,
        status: 201)
      try await reader.expect(
        .get, "/api/v1/kills?page=1&limit=20&serverId=\(Self.org)&weapon=Laser%20Cannon&startDate=2020-01-01",
        #"""
        {"success": true, "data": {"kills": [\#(kill)], "pagination": {"page": 1, "limit": 20, "total": 150, "pages": 8}}}
        """#)
      let id = made["data"]?["id"]?.string ?? ""
      try await reader.expect(.get, "/api/v1/kills/\(id)", #"{"success": true, "data": \#(kill)}"#)
      try await reader.expect(
        .patch, "/api/v1/kills/\(id)", body: #"{"weapon": "Updated Weapon", "location": "Updated Location"}"#,
        #"{"success": true, "data": \#(kill)}"#)
      try await reader.expect(.get, "/api/v1/users/me", profile)
      try await reader.expect(
        .patch, "/api/v1/users/me", body: #"{"rsiHandle": "new_rsi_handle", "privacyLevel": "PRIVATE"}"#, profile)
      try await reader.expect(
        .get, "/api/v1/users/me/stats",
        #"""
        {"success": true, "data": {"totalKills": 127, "totalDeaths": 89, "killDeathRatio": 1.43,
         "favoriteWeapon": "Laser Cannon", "totalPlayTime": "45h 30m", "rank": 15, "recentKills": [{"id": "kill_id",
         "victim": "EnemyPlayer", "weapon": "Laser", "location": "Stanton", "timestamp": "2024-01-01T12:00:00.000Z"}]}}
        """#)
      try await reader.expect(.patch, "/api/v1/users/me", body: #"{"privacyLevel": "PUBLIC"}"#, profile)
      for type in ["kills", "deaths", "kdr", "pvp_kills", "pve_kills"] {
        for period in ["daily", "weekly", "monthly", "all_time"] {
          try await reader.expect(
            .get, "/api/v1/leaderboards?type=\(type)&period=\(period)&serverId=\(Self.org)&limit=10",
            type != "kills"
              ? nil
              : #"""
              {"success": true, "data": {"type": "kills", "period": "all_time", "entries": [{"rank": 1,
               "user": {"id": "user_id", "username": "TopPlayer", "avatar": "avatar_url"}, "value": 1250,
               "change": "+5"}], "userRank": {"rank": 15, "value": 127, "change": "+2"}}}
              """#)
        }
      }
      for period in ["day", "week", "month", "year"] {
        try await reader.expect(
          .get, "/api/v1/analytics/kills?period=\(period)&serverId=\(Self.org)",
          #"""
          {"success": true, "data": {"period": "month", "totalKills": 1250, "dailyKills": [{"date": "2024-01-01",
           "kills": 45, "deaths": 32}], "weaponStats": [{"weapon": "Laser Cannon", "kills": 450, "percentage": 36.0}],
           "locationStats": [{"location": "Stanton System", "kills": 800, "percentage": 64.0}]}}
          """#)
      }
      try await reader.expect(.get, "/api/v1/analytics/users", #"{"success": true, "data": {}}"#)
      try await reader.expect(.get, "/api/v1/analytics/servers", #"{"success": true}"#)
      try await reader.expect(.delete, "/api/v1/kills/\(id)", #"{"success": true}"#)
    }
  }

  @Test func v1ServersAndBot() async throws {
    try await reading { reader in
      let server = #"""
        {"id": "server_id", "discordId": "discord_server_id", "name": "Server Name", "icon": "server_icon_url",
         "ownerId": "owner_id", "isActive": true, "memberCount": 150, "settings": {"prefix": "!", "language": "en",
         "features": {"killTracker": true, "leaderboard": true, "notifications": true}},
         "createdAt": "2024-01-01T00:00:00.000Z"}
        """#
      try await reader.expect(.get, "/api/v1/servers", #"{"success": true, "data": [\#(server)]}"#)
      try await reader.expect(.get, "/api/v1/servers/\(Self.org)", #"{"success": true, "data": \#(server)}"#)
      let changed = try await reader.expect(
        .patch, "/api/v1/servers/\(Self.org)/settings",
        body: #"""
          {"prefix": "!", "language": "en", "features": {"killTracker": true, "leaderboard": true, "notifications": false}}
          """#, #"{"success": true, "data": {"prefix": "!", "language": "en"}}"#)
      #expect(changed["data"]?["features"]?["notifications"] == false)
      try await reader.expect(
        .get, "/api/v1/bot/status",
        #"""
        {"success": true, "data": {"isOnline": true, "uptime": "5d 12h 30m", "serverCount": 15, "userCount": 1247,
         "totalKills": 12500, "version": "1.0.0", "lastRestart": "2024-01-01T00:00:00.000Z"}}
        """#)
      try await reader.expect(.get, "/api/v1/bot/statistics", #"{"success": true, "data": {}}"#)
      try await reader.expect(
        .post, "/api/v1/bot/restart", as: try await reader.house.token(House.owner), limit: 10, #"{"success": true}"#)
      try await reader.expect(
        .get, "/api/v1/health", as: try await reader.house.key(Cast.user), #"{"success": true, "data": {}}"#)
    }
  }

  @Test func v1KeysAndWebhooks() async throws {
    try await reading { reader in
      let year = "2099"
      let key = try await reader.expect(
        .post, "/api/v1/api-keys",
        body: #"""
          {"name": "My Application", "playerName": "MyPlayerName", "permissions": ["read:kills", "read:stats"],
           "expiresAt": "\#(year)-12-31T23:59:59.000Z"}
          """#, status: 201, #"{"success": true, "data": {"id": "key_1"}}"#)
      try await reader.expect(.get, "/api/v1/api-keys", #"{"success": true, "data": [{"id": "key_1"}]}"#)
      let id = key["data"]?["id"]?.string ?? ""
      try await reader.expect(
        .patch, "/api/v1/api-keys/\(id)", body: #"{"name": "Updated Name", "isActive": true}"#, #"{"success": true}"#)
      try await reader.expect(.delete, "/api/v1/api-keys/\(id)", #"{"success": true}"#)

      let webhook = try await reader.expect(
        .post, "/api/v1/webhooks",
        body: #"""
          {"name": "My Webhook", "url": "https://myapp.com/webhook", "events": ["kill.created", "kill.updated"],
           "secret": "webhook_secret"}
          """#, status: 201, #"{"success": true, "data": {"id": "webhook_1"}}"#)
      try await reader.expect(.get, "/api/v1/webhooks", #"{"success": true, "data": [{"id": "webhook_1"}]}"#)
      let number = webhook["data"]?["id"]?.string ?? ""
      try await reader.expect(.post, "/api/v1/webhooks/\(number)/test", #"{"success": true}"#)
      try await reader.expect(.delete, "/api/v1/webhooks/\(number)", #"{"success": true}"#)
    }
  }

  @Test func v1Errors() async throws {
    try await reading { reader in
      let shape = #"""
        {"success": false, "error": {"code": "VALIDATION_ERROR", "message": "Invalid input data",
         "details": {"field": "username", "reason": "Username must be at least 3 characters"}}}
        """#
      try await reader.expect(.patch, "/api/v1/users/me", body: #"{"privacyLevel": "NOBODY"}"#, status: 422, shape)
      let bare = #"{"success": false, "error": {"code": "X", "message": "Y"}}"#
      for (path, token, status, code) in [
        ("/api/v1/users/me", "", 401, "AUTHENTICATION_REQUIRED"), ("/api/v1/users/me", "x", 401, "INVALID_TOKEN"),
        ("/api/v1/kills/kill_9", nil, 404, "RESOURCE_NOT_FOUND"),
      ] as [(String, String?, Int, String)] {
        let answer = try await reader.expect(.get, path, as: token, status: status, bare)
        #expect(answer["error"]?["code"]?.string == code)
      }
      let refused = try await reader.expect(
        .post, "/api/v1/bot/restart", as: try await reader.house.token(House.other), limit: 10, status: 403, bare)
      #expect(refused["error"]?["code"] == "INSUFFICIENT_PERMISSIONS")
      // Beyond the limit.
      reader.house.time.advance(by: .seconds(61))
      var last = try await reader.house.send(.get, "/api/v1/kills", token: reader.token)
      for _ in 0..<100 { last = try await reader.house.send(.get, "/api/v1/kills", token: reader.token) }
      #expect(last.status == 429 && last.code == "RATE_LIMIT_EXCEEDED" && last.headers["Retry-After"] != nil)
      #expect(last.headers["X-RateLimit-Remaining"] == "0")
    }
  }

  // MARK: - Reference

  @Test func referenceAuthentication() async throws {
    try await reading { reader in
      let user = #"""
        {"id": "user_123", "discordId": "123456789", "username": "PlayerName", "discriminator": "0001",
         "avatar": "https://cdn.discordapp.com/avatars/...", "role": "user",
         "permissions": ["view_own_data", "use_features"], "isAdmin": false, "isServerOwner": false, "servers": [],
         "createdAt": "2025-01-01T00:00:00.000Z", "lastLoginAt": "2025-01-09T12:00:00.000Z"}
        """#
      let login = #"{"user": \#(user), "token": "jwt_token_here", "expiresAt": "2025-01-10T12:00:00.000Z"}"#
      let answer = try await reader.expect(
        .post, "/auth/discord", body: #"{"code": "code-123456789012345678"}"#, as: "", limit: 5, login)
      let token = answer["token"]?.string ?? ""
      try await reader.expect(.get, "/auth/me", as: token, user)
      let now = reader.house.time.timestamp.milliseconds + 61_000
      let uid = "123456789012345678"
      let signature = Hex.encode(try Crypto.hmacSHA256("\(uid):\(now)".utf8, key: House.secret.utf8))
      try await reader.expect(
        .post, "/auth/uid-login", body: #"{"uid": "\#(uid)", "signature": "\#(signature)", "timestamp": \#(now)}"#,
        as: "",
        limit: 5, login)
      let new = try await reader.expect(
        .post, "/auth/refresh", body: #"{"refreshToken": "\#(token)"}"#, as: "", limit: 5,
        #"{"token": "jwt_token_here"}"#)
      try await reader.expect(.post, "/auth/logout", as: new["token"]?.string, limit: 5)
    }
  }

  @Test func referenceKillsAndUsers() async throws {
    try await reading { reader in
      let house = reader.house
      _ = try await house.send(.post, "/auth/discord", ["code": "code-123456789012345678"])
      let token = try await house.token()
      let key = try await house.key(player: "YourPlayerName", [.readKills, .writeKills, .readStats, .readUsers])
      let kill = #"""
        {"id": "kill_123", "killerId": "PlayerName", "victimId": "VictimName", "weapon": "Laser Cannon",
         "location": "Stanton System", "isPvP": true, "timestamp": "2025-01-09T12:00:00.000Z"}
        """#
      try await reader.expect(
        .post, "/api/kills",
        body: #"""
          {"victimId": "EnemyPlayer", "weapon": "Laser Cannon", "location": "Stanton System", "isPvP": true,
           "isSuicide": false, "isEnvironmental": false, "rawData": {"additional": "metadata"}}
          """#, as: key, status: 201,
        #"""
        {"id": "kill_123", "killerId": "YourPlayerName", "victimId": "EnemyPlayer", "serverId": "default-server",
         "weapon": "Laser Cannon", "location": "Stanton System", "isPvP": true, "isSuicide": false,
         "isEnvironmental": false, "timestamp": "2025-01-09T12:00:00.000Z", "rawData": {"additional": "metadata"}}
        """#)
      // A death, for the profile.
      let victim: JSON = ["victimId": .string("\(House.user)"), "weapon": "Missile", "location": "Stanton System"]
      _ = try await house.send(.post, "/api/v1/kills", token: reader.token, victim)
      try await reader.expect(.get, "/api/kills/user/\(House.user)?limit=50", as: key, #"{"kills": [\#(kill)]}"#)
      try await reader.expect(.get, "/api/kills/server/default-server?limit=100", as: key, #"{"kills": [\#(kill)]}"#)
      try await reader.expect(
        .get, "/api/stats/user/\(House.user)", as: key,
        #"""
        {"totalKills": 127, "totalDeaths": 89, "killDeathRatio": 1.43, "favoriteWeapon": "Laser Cannon",
         "totalPlayTime": "45h 30m", "rank": 15, "recentKills": [{"id": "kill_id", "victim": "EnemyPlayer",
         "weapon": "Laser", "location": "Stanton", "timestamp": "2025-01-09T12:00:00.000Z"}]}
        """#)
      for type in ["kills", "deaths", "kdr", "pvp_kills"] {
        try await reader.expect(
          .get, "/api/leaderboard/\(type)?limit=10", as: key,
          #"""
          {"type": "kills", "entries": [{"rank": 1, "user": {"id": "user_id", "username": "TopPlayer",
           "avatar": "avatar_url"}, "value": 1250, "change": "+5"}],
           "userRank": {"rank": 15, "value": 127, "change": "+2"}}
          """#)
      }
      let deed = #"""
        "server": {"id": "server_id", "name": "Server Name"}, "weapon": "Laser Cannon", "location": "Stanton System",
        "timestamp": "2025-01-09T12:00:00.000Z", "isPvP": true
        """#
      let profile = #"""
        "id": "user_123", "discordId": "123456789", "username": "PlayerName", "discriminator": "0001",
        "avatar": "https://cdn.discordapp.com/avatars/...", "rsiHandle": "RSI_Handle", "privacyLevel": "PUBLIC",
        "createdAt": "2025-01-01T00:00:00.000Z", "updatedAt": "2025-01-09T12:00:00.000Z"
        """#
      try await reader.expect(
        .get, "/api/users/\(House.user)", as: key,
        #"""
        {\#(profile), "kills": [{"id": "kill_123", "victim": {"id": "victim_id", "username": "VictimName",
         "avatar": "avatar_url"}, \#(deed)}], "deaths": [{"id": "death_123", "killer": {"id": "killer_id",
         "username": "KillerName", "avatar": "avatar_url"}, \#(deed)}]}
        """#)
      try await reader.expect(
        .put, "/api/users/\(House.user)",
        body: #"{"username": "NewUsername", "rsiHandle": "NewRSIHandle", "privacyLevel": "PRIVATE"}"#, as: token,
        "{\(profile)}")
    }
  }

  @Test func referenceServersAndKeys() async throws {
    try await reading { reader in
      try await reader.expect(
        .get, "/api/servers/\(Self.org)",
        #"""
        {"id": "server_123", "discordId": "123456789", "name": "Star Citizen Guild",
         "icon": "https://cdn.discordapp.com/icons/...", "isActive": true, "memberCount": 150,
         "members": [{"user": {"id": "user_123", "username": "PlayerName", "avatar": "avatar_url"}, "isOwner": true,
         "permissions": ["read", "write"]}], "channels": [{"id": "channel_123", "name": "general", "type": "text"}],
         "createdAt": "2025-01-01T00:00:00.000Z"}
        """#)
      let settings = #"""
        {"prefix": "!", "language": "en", "features": {"killTracker": true, "leaderboard": true, "notifications": true},
         "privacyLevel": "public", "killNotifications": true, "leaderboardChannel": "general"}
        """#
      try await reader.expect(.get, "/api/servers/\(Self.org)/settings", settings)
      try await reader.expect(
        .put, "/api/servers/\(Self.org)/settings",
        body: #"""
          {"prefix": "!", "language": "en", "features": {"killTracker": true, "leaderboard": true, "notifications": false}}
          """#, settings)
      // What is printed can be sent back.
      try await reader.expect(.put, "/api/servers/\(Self.org)/settings", body: settings, settings)

      let me = "\(Cast.manager)"
      let made = try await reader.expect(
        .post, "/api/api-keys",
        body: #"""
          {"userId": "\#(me)", "playerName": "PlayerName", "name": "My Application",
           "expiresAt": "2099-12-31T23:59:59.000Z"}
          """#, status: 201,
        #"""
        {"id": "key_123", "key": "api_key_here", "name": "My Application", "playerName": "PlayerName",
         "expiresAt": "2025-12-31T23:59:59.000Z", "createdAt": "2025-01-09T12:00:00.000Z"}
        """#)
      try await reader.expect(
        .get, "/api/api-keys?userId=\(me)",
        #"""
        [{"id": "key_123", "name": "My Application", "playerName": "PlayerName", "isActive": true,
         "lastUsedAt": "2025-01-09T12:00:00.000Z", "expiresAt": "2025-12-31T23:59:59.000Z",
         "createdAt": "2025-01-09T12:00:00.000Z"}]
        """#)
      let key = #"{"id": "key_123", "key": "api_key_here", "playerName": "PlayerName"}"#
      let owner = #""userId": "\#(me)", "playerName": "PlayerName""#
      try await reader.expect(.post, "/api/api-keys/primary", body: "{\(owner)}", key)
      try await reader.expect(.post, "/api/api-keys/primary", body: "{\(owner)}")
      try await reader.expect(.post, "/api/api-keys/bot", body: #"{\#(owner), "botName": "MyBot"}"#, status: 201, key)
      try await reader.expect(
        .delete, "/api/api-keys/\(made["id"]?.string ?? "")", body: #"{"userId": "\#(me)"}"#)
    }
  }

  @Test func referenceAnalytics() async throws {
    try await reading { reader in
      for victim in ["a", "b", "c"] {
        let kill: JSON = ["victimId": .string(victim), "serverId": .string(Self.org), "weapon": "Laser Cannon"]
        _ = try await reader.house.send(.post, "/api/v1/kills", token: reader.token, kill)
        reader.house.time.advance(by: .seconds(61))
      }
      let filter = "game=star_citizen&serverId=\(Self.org)"
      try await reader.expect(
        .get, "/api/analytics/dashboard?\(filter)",
        #"""
        {"success": true, "data": {"overview": {"totalKills": 1250, "totalDeaths": 800, "killDeathRatio": 1.56,
         "activeUsers": 45}, "trends": {"killsTrend": "+15%", "performanceTrend": "+8%"}, "insights": []}}
        """#)
      try await reader.expect(
        .get, "/api/analytics/metrics?\(filter)",
        #"""
        {"success": true, "data": {"totalKills": 127, "totalDeaths": 89, "killDeathRatio": 1.43, "pvpKills": 95,
         "pveKills": 32, "pvpRatio": 74.8, "period": "7d", "game": "star_citizen", "serverId": "server_123"}}
        """#)
      for path in [
        "trends?metric=kills&period=7d&\(filter)", "insights?\(filter)&limit=50&offset=0",
        "recommendations?\(filter)&limit=50&offset=0", "export?\(filter)&format=json&period=30d",
      ] {
        try await reader.expect(.get, "/api/analytics/\(path)")
      }
    }
  }

  @Test func referenceWebhooks() async throws {
    try await reading { reader in
      let made = try await reader.expect(
        .post, "/api/webhooks",
        body: #"""
          {"name": "My Webhook", "url": "https://myapp.com/webhook", "events": ["kill.recorded", "user.stats_updated"],
           "secret": "webhook_secret", "maxRetries": 3, "retryDelay": 1000, "backoffMultiplier": 2,
           "headers": {"X-Custom-Header": "value"}}
          """#, status: 201, #"{"id": "webhook_123", "message": "Webhook created successfully"}"#)
      #expect(made["message"] == "Webhook created successfully")
      try await reader.expect(
        .get, "/api/webhooks",
        #"""
        [{"id": "webhook_123", "name": "My Webhook", "url": "https://myapp.com/webhook",
         "events": ["kill.recorded", "user.stats_updated"], "isActive": true, "maxRetries": 3, "retryDelay": 1000,
         "backoffMultiplier": 2, "headers": {"X-Custom-Header": "value"}, "createdAt": "2025-01-09T12:00:00.000Z",
         "updatedAt": "2025-01-09T12:00:00.000Z"}]
        """#)
      let id = made["id"]?.string ?? ""
      let tested = try await reader.expect(.post, "/api/webhooks/\(id)/test")
      #expect(tested["message"] == "Test webhook triggered successfully")
      try await reader.expect(
        .put, "/api/webhooks/\(id)",
        body: #"{"name": "Updated Webhook Name", "isActive": false, "events": ["kill.recorded"]}"#)
      try await reader.expect(.delete, "/api/webhooks/\(id)")
      let events = try await reader.expect(
        .get, "/api/webhooks/events", #"[{"name": "kill.recorded", "description": "Triggered"}]"#)
      let recorded = events.array?.first { $0["name"] == "kill.recorded" }
      #expect(recorded?["description"] == "Triggered when a new kill is recorded")
      #expect(recorded?["payload"]?["isPvP"] == "boolean" && recorded?["payload"]?["timestamp"] == "string")
      let updated = events.array?.first { $0["name"] == "user.stats_updated" }
      #expect(updated?["payload"]?["stats"]?["kdr"] == "number")
    }
  }

  @Test func referenceGameAndLogs() async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "adjutant-docs-\(UUID().uuidString)")
      .resolvingSymlinksInPath()
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let log = directory.appending(path: "logfile.log")
    try Data("<2025-10-15T18:00:00.000Z> Log started on Wed Oct 15 18:00:00 2025\n".utf8).write(to: log)
    let path = log.path()
    try await reading(TrackerSettings(logDirectories: [directory.path()])) { reader in
      try await reader.house.kills.players.verify("Handle", of: House.user)
      let ship = #"""
        {"name": "Aurora MR", "manufacturer": "Roberts Space Industries", "type": "Light Fighter", "size": "Small",
         "crew": 1, "cargo": 0.5, "price": 25000}
        """#
      try await reader.expect(.get, "/api/sc/ships", #"{"success": true, "data": [\#(ship)], "count": 150}"#)
      try await reader.expect(.get, "/api/sc/ships/Aurora%20MR", #"{"success": true, "data": \#(ship)}"#)
      try await reader.expect(.get, "/api/sc/players/Handle", #"{"success": true, "data": {"handle": "Handle"}}"#)
      try await reader.expect(.get, "/api/sc/locations/Daymar", #"{"success": true, "data": {"name": "Daymar"}}"#)
      try await reader.expect(.get, "/api/sc/systems/Stanton", #"{"success": true, "data": {"name": "Stanton"}}"#)

      try await reader.expect(.get, "/api/logs/directories", #"{"directories": [{"path": "x"}]}"#)
      try await reader.expect(.get, "/api/logs/files", #"{"files": [{"filePath": "x"}]}"#)
      try await reader.expect(.post, "/api/logs/validate", body: #"{"filePath": "\#(path)"}"#, #"{"filePath": "x"}"#)
      try await reader.expect(
        .post, "/api/logs/parse",
        body: #"{"filePath": "/path/to/logfile.log", "parseOptions": {"includePvE": true, "includePvP": true}}"#,
        status: 403)
    }
  }

  @Test func referenceErrors() async throws {
    try await reading { reader in
      for (method, path, token, body, status, code) in [
        (.get, "/auth/me", "", nil, 401, "UNAUTHORIZED"), (.get, "/auth/me", "x", nil, 401, "INVALID_TOKEN"),
        (.post, "/auth/logout", "", nil, 401, "TOKEN_REQUIRED"),
        (.post, "/auth/refresh", "", "{}", 401, "REFRESH_TOKEN_REQUIRED"),
        (.post, "/auth/refresh", "", #"{"refreshToken": "x"}"#, 401, "REFRESH_FAILED"),
        (.get, "/api/users/999", nil, nil, 404, "USER_NOT_FOUND"), (.get, "/api/nothing", nil, nil, 404, "NOT_FOUND"),
        (.put, "/api/users/999", nil, "{}", 403, "FORBIDDEN"),
      ] as [(HTTPMethod, String, String?, String?, Int, String)] {
        reader.house.time.advance(by: .seconds(61))
        let answer = try await reader.house.send(
          method, path, token: token == "" ? nil : token ?? reader.token,
          try body.map { try JSON(parsing: Array($0.utf8)) })
        #expect(answer.code == code, "\(method) \(path): \(answer.status) \(answer.json)")
        if code != "REFRESH_TOKEN_REQUIRED" { #expect(answer.status == status, "\(method) \(path)") }
      }
    }
  }
}
