import Core
import HTTP
import KillTracker
import Platform
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// Servers, their settings, and the bot itself, as both Kill Tracker documents print them.
@Suite(.timeLimit(.minutes(1))) struct KillTrackerServerTests {
  typealias House = KillTrackerHouse
  private let org = "900000000000000001"

  @Test(arguments: TestEngine.available) func v1sServersAreAsPrinted(engine: TestEngine) async throws {
    try await House.with(engine) { house in
      try await house.shared.guilds.joined(Cast.guild, at: Timestamp(iso8601: "2024-01-01T00:00:00.000Z"))
      let manager = try await house.token(Cast.manager)
      let printed: JSON = [
        "id": .string(org), "discordId": .string(org), "name": "Org", "icon": "https://cdn.example/i.png",
        "ownerId": .string("\(Cast.manager)"), "isActive": true, "memberCount": 150,
        "settings": [
          "prefix": "!", "language": "en",
          "features": ["killTracker": true, "leaderboard": true, "notifications": true], "privacyLevel": "public",
          "killNotifications": true, "leaderboardChannel": .null,
        ], "createdAt": "2024-01-01T00:00:00.000Z",
      ]
      let list = try await house.send(.get, "/api/v1/servers", token: manager)
      #expect(list.status == 200 && list.json == ["success": true, "data": [printed]])
      let one = try await house.send(.get, "/api/v1/servers/\(org)", token: manager)
      #expect(one.json == ["success": true, "data": printed])
      // A member reads, a stranger does not; an admin sees all.
      let member = try await house.token(Cast.user)
      #expect(try await house.send(.get, "/api/v1/servers/\(org)", token: member).json == one.json)
      let stranger = try await house.token(House.other)
      let refused = try await house.send(.get, "/api/v1/servers/\(org)", token: stranger)
      #expect(refused.status == 403 && refused.code == "INSUFFICIENT_PERMISSIONS")
      #expect(try await house.send(.get, "/api/v1/servers", token: stranger).json["data"] == [])
      #expect(
        try await house.send(.get, "/api/v1/servers", token: try await house.token(House.owner)).json == list.json)
      for unknown in ["900000000000000009", "server_id", "0"] {
        let answer = try await house.send(.get, "/api/v1/servers/\(unknown)", token: manager)
        #expect(answer.status == 404 && answer.code == "RESOURCE_NOT_FOUND", "\(unknown)")
      }
      // Where somebody recorded a kill, they have been.
      let key = try await house.key(House.user, player: "Me")
      _ = try await house.send(.post, "/api/kills", token: key, ["victimId": "Enemy", "serverId": .string(org)])
      let been = try await house.send(.get, "/api/v1/servers", token: try await house.token())
      #expect(been.json["data"]?.array?.count == 1)
    }
  }

  @Test func theReferencesServerHasMembersAndChannels() async throws {
    try await House.with { house in
      try await house.shared.guilds.joined(Cast.guild, at: Timestamp(iso8601: "2025-01-01T00:00:00.000Z"))
      let found = try await house.send(.get, "/api/servers/\(org)", token: try await house.token(Cast.user))
      let printed: JSON = [
        "id": .string(org), "discordId": .string(org), "name": "Org", "icon": "https://cdn.example/i.png",
        "isActive": true, "memberCount": 150,
        "members": [
          [
            "user": [
              "id": .string("\(Cast.manager)"), "username": "PlayerName", "avatar": "https://cdn.example/a.png",
            ], "isOwner": true, "permissions": ["read", "write"],
          ],
          [
            "user": ["id": .string("\(Cast.user)"), "username": "Other", "avatar": .null], "isOwner": false,
            "permissions": ["read"],
          ],
        ],
        "channels": [
          ["id": "1", "name": "general", "type": "text"], ["id": "3", "name": "Lounge", "type": "voice"],
        ], "createdAt": "2025-01-01T00:00:00.000Z",
      ]
      #expect(found.json == printed)
      // Who manages the server sees the channels that are not everybody's.
      let all = try await house.send(.get, "/api/servers/\(org)", token: try await house.token(Cast.manager))
      #expect(all.json["channels"]?.array?.count == 3)
      let unknown = try await house.send(.get, "/api/servers/1", token: try await house.token(Cast.manager))
      #expect(unknown.status == 404 && unknown.code == "NOT_FOUND")
    }
  }

  @Test(arguments: TestEngine.available) func theSettingsAreOneRecord(engine: TestEngine) async throws {
    try await House.with(engine) { house in
      let manager = try await house.token(Cast.manager)
      let printed: JSON = [
        "prefix": "!", "language": "en",
        "features": ["killTracker": true, "leaderboard": true, "notifications": true], "privacyLevel": "public",
        "killNotifications": true, "leaderboardChannel": .null,
      ]
      #expect(try await house.send(.get, "/api/servers/\(org)/settings", token: manager).json == printed)
      // v1's sample, then the reference's: each keeps what it does not name.
      let patched = try await house.send(
        .patch, "/api/v1/servers/\(org)/settings", token: manager,
        [
          "prefix": "?", "language": "de",
          "features": ["killTracker": true, "leaderboard": false, "notifications": false],
        ])
      #expect(patched.status == 200)
      let put = try await house.send(
        .put, "/api/servers/\(org)/settings", token: manager,
        [
          "features": ["notifications": true], "privacyLevel": "private", "killNotifications": false,
          "leaderboardChannel": "general",
        ])
      let wanted: JSON = [
        "prefix": "?", "language": "de",
        "features": ["killTracker": true, "leaderboard": false, "notifications": true], "privacyLevel": "private",
        "killNotifications": false, "leaderboardChannel": "general",
      ]
      #expect(put.status == 200 && put.json == wanted)
      #expect(
        try await house.send(.get, "/api/v1/servers/\(org)/settings", token: manager).json
          == ["success": true, "data": wanted])
      #expect(try await house.send(.get, "/api/v1/servers/\(org)", token: manager).json["data"]?["settings"] == wanted)
      let cleared = try await house.send(
        .patch, "/api/v1/servers/\(org)/settings", token: manager, ["leaderboardChannel": .null])
      #expect(cleared.json["data"]?["leaderboardChannel"] == .null && cleared.json["data"]?["prefix"] == "?")
      // One line in the audit log for each change, one event each.
      let log = try await house.shared.auditLog.recent(in: Cast.guild)
      #expect(log.map(\.entry.action) == Array(repeating: "server_settings_updated", count: 3))
    }
  }

  @Test func theSwitchIsThatOfThePlugin() async throws {
    try await House.with { house in
      let manager = try await house.token(Cast.manager)
      let off = try await house.send(
        .patch, "/api/v1/servers/\(org)/settings", token: manager, ["features": ["killTracker": false]])
      #expect(off.json["data"]?["features"]?["killTracker"] == false)
      #expect(house.shared.switches.choice(of: Cast.guild, for: "killtracker") == false)
      #expect(house.switched.guilds.withLock { $0 } == [Cast.guild])
      let kill: JSON = ["victimId": "Enemy", "serverId": .string(org)]
      let refused = try await house.send(.post, "/api/v1/kills", token: manager, kill)
      #expect(refused.status == 403 && refused.code == "INSUFFICIENT_PERMISSIONS")
      // As `/plugins enable` does.
      try await house.shared.switches.set("killtracker", enabled: true, in: Cast.guild, by: Cast.manager)
      let on = try await house.send(.get, "/api/servers/\(org)/settings", token: manager)
      #expect(on.json["features"]?["killTracker"] == true)
      #expect(try await house.send(.post, "/api/v1/kills", token: manager, kill).status == 201)
    }
  }

  @Test func whoMayChangeAndWhatIsRefused() async throws {
    try await House.with { house in
      let manager = try await house.token(Cast.manager)
      let body: JSON = ["prefix": "?"]
      for (token, status) in [
        (try await house.token(Cast.user), 403), (try await house.token(House.other), 403),
        (try await house.token(Cast.manager, isLimited: true), 403),
        (try await house.key(Cast.manager, [.readServers]), 403), (try await house.token(House.owner), 200),
        (try await house.key(Cast.manager, player: "Else", [.writeServers]), 200),
      ] {
        #expect(try await house.send(.put, "/api/servers/\(org)/settings", token: token, body).status == status)
      }
      for (text, field) in [
        (#"{"prefix":5}"#, "prefix"), (#"{"prefix":""}"#, "prefix"), (#"{"prefix":"a b"}"#, "prefix"),
        (#"{"language":"english language"}"#, "language"), (#"{"language":"e1"}"#, "language"),
        (#"{"features":{"killTracker":"on"}}"#, "features.killTracker"), (#"{"features":[]}"#, "features"),
        (#"{"features":{"economy":true}}"#, "features.economy"), (#"{"colour":"red"}"#, "colour"),
        (#"{"privacyLevel":"secret"}"#, "privacyLevel"), (#"{"killNotifications":1}"#, "killNotifications"),
        (#"{"leaderboardChannel":"nowhere"}"#, "leaderboardChannel"),
        (#"{"leaderboardChannel":"Lounge"}"#, "leaderboardChannel"),
      ] {
        let before = try await house.send(.get, "/api/servers/\(org)/settings", token: manager).json
        let answer = try await house.send(
          .patch, "/api/v1/servers/\(org)/settings", token: manager, try JSON(parsing: Array(text.utf8)))
        #expect(answer.status == 422 && answer.code == "VALIDATION_ERROR" && answer.field == field, "\(text)")
        #expect(try await house.send(.get, "/api/servers/\(org)/settings", token: manager).json == before)
      }
    }
  }

  @Test func partsThatAreOffAndPrivateServers() async throws {
    try await House.with { house in
      let manager = try await house.token(Cast.manager)
      let stranger = try await house.token(House.other)
      func set(_ body: JSON) async throws {
        #expect(try await house.send(.put, "/api/servers/\(org)/settings", token: manager, body).status == 200)
      }
      let board = "/api/v1/leaderboards?serverId=\(org)"
      #expect(try await house.send(.get, board, token: stranger).status == 200)
      try await set(["features": ["leaderboard": false]])
      #expect(try await house.send(.get, board, token: manager).status == 403)
      try await set(["features": ["leaderboard": true], "privacyLevel": "private"])
      for path in [board, "/api/v1/kills?serverId=\(org)", "/api/kills/server/\(org)"] {
        #expect(try await house.send(.get, path, token: stranger).status == 403, "\(path)")
        for token in [manager, try await house.token(Cast.user), try await house.token(House.owner)] {
          #expect(try await house.send(.get, path, token: token).status == 200, "\(path)")
        }
      }
    }
  }

  @Test func theBotTellsOfItself() async throws {
    try await House.with { house in
      let token = try await house.token()
      _ = try await house.send(.post, "/api/v1/kills", token: token, ["victimId": "Enemy"])
      let started = house.time.timestamp
      house.time.advance(by: .seconds(477_059))
      let later = try await house.token()
      let status = try await house.send(.get, "/api/v1/bot/status", token: later)
      let printed: JSON = [
        "isOnline": true, "uptime": "5d 12h 30m", "serverCount": 150, "userCount": 50_000, "totalKills": 1,
        "version": "1.2.3", "lastRestart": .string(started.iso8601),
      ]
      #expect(status.json["data"] == printed)
      house.bot.set(BotVitals(guilds: 0, users: 0, channels: 0, shards: []))
      #expect(try await house.send(.get, "/api/v1/bot/status", token: later).json["data"]?["isOnline"] == false)
      let figures = try await house.send(.get, "/api/v1/bot/statistics", token: later)
      #expect(figures.status == 200)
      // Of another day by now.
      #expect(figures.json["data"]?["kills"]?["total"] == 1 && figures.json["data"]?["kills"]?["today"] == 0)
      #expect(figures.json["data"]?["uptimeSeconds"] == 477_059)
    }
  }

  @Test func whatAUserSaysOfThemselves() async throws {
    try await House.with { house in
      let token = try await house.token()
      func change(_ body: JSON) async throws -> House.Answer {
        try await house.send(.patch, "/api/v1/users/me", token: token, body)
      }
      let claimed = try await change(["rsiHandle": " Seryartorve ", "username": "New Name"])
      #expect(claimed.status == 200 && claimed.json["data"]?["rsiHandle"] == "Seryartorve")
      #expect(claimed.json["data"]?["isHandleVerified"] == false && claimed.json["data"]?["username"] == "New Name")
      try await house.kills.players.verify("Seryartorve", of: House.user)
      let verified = try await house.send(.get, "/api/v1/users/me", token: token)
      #expect(verified.json["data"]?["isHandleVerified"] == true)
      // What is not named stays; the same handle stays verified.
      let kept = try await change(["privacyLevel": "PRIVATE", "rsiHandle": "seryartorve"])
      #expect(kept.json["data"]?["isHandleVerified"] == true && kept.json["data"]?["username"] == "New Name")
      #expect(try await change([:]).json["data"]?["rsiHandle"] == "seryartorve")
      let cleared = try await change(["rsiHandle": .null])
      #expect(cleared.status == 200 && cleared.json["data"]?["rsiHandle"] == .null)
      #expect(cleared.json["data"]?["isHandleVerified"] == false && cleared.json["data"]?["privacyLevel"] == "PRIVATE")
      // Nothing is half changed: the name stays as it is where the handle is refused.
      try await house.kills.players.verify("Taken", of: House.other)
      for (body, field) in [
        (["username": "Other", "rsiHandle": "Taken"], "rsiHandle"),
        (["username": "Other", "rsiHandle": ""], "rsiHandle"),
        (["username": "   "], "username"), (["username": ""], "username"), (["username": "a\u{7}"], "username"),
        (["username": "Other", "colour": "red"], "colour"), (["privacyLevel": "SECRET"], "privacyLevel"),
        (["username": 5], "username"),
      ] as [(JSON, String)] {
        let refused = try await change(body)
        #expect(refused.status == 422 && refused.field == field, "\(body)")
        #expect(try await house.send(.get, "/api/v1/users/me", token: token).json == (try await change([:])).json)
      }
      let after = try await house.send(.get, "/api/v1/users/me", token: token)
      #expect(after.json["data"]?["username"] == "New Name" && after.json["data"]?["rsiHandle"] == .null)
    }
  }

  @Test func onlyAdminsRestart() async throws {
    try await House.with { house in
      for token in [try await house.token(), try await house.token(Cast.manager), try await house.key(House.owner)] {
        let refused = try await house.send(.post, "/api/v1/bot/restart", token: token)
        #expect(refused.status == 403 && refused.code == "INSUFFICIENT_PERMISSIONS")
      }
      #expect(house.control.restarts.withLock { $0.isEmpty })
      let done = try await house.send(.post, "/api/v1/bot/restart", token: try await house.token(House.owner))
      #expect(done.status == 200 && done.json["success"] == true)
      #expect(house.control.restarts.withLock { $0.map(\.user) } == [House.owner])
      #expect(house.control.restarts.withLock { $0.map(\.through) } == ["killtracker"])
    }
  }
}
