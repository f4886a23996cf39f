import Core
import HTTP
import KillTracker
import Platform
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// Kills, users, leaderboards and analytics of both Kill Tracker documents, as printed.
@Suite(.timeLimit(.minutes(1))) struct KillTrackerKillTests {
  typealias House = KillTrackerHouse
  private let org = "900000000000000001"

  private func kill(_ victim: String = "EnemyPlayer", _ more: JSON.Object = [:]) -> JSON {
    var object: JSON.Object = [
      "victimId": .string(victim), "serverId": .string(org), "weapon": "Laser Cannon", "location": "Stanton System",
      "isPvP": true, "isSuicide": false, "isEnvironmental": false,
    ]
    for (name, value) in more { object[name] = value }
    return .object(object)
  }

  @Test(arguments: TestEngine.available) func v1RecordsReadsCorrectsAndDeletesAKill(engine: TestEngine) async throws {
    try await House.with(engine) { house in
      _ = try await house.send(.post, "/auth/discord", ["code": "code-123456789012345678"])
      let token = try await house.token()
      let made = try await house.send(.post, "/api/v1/kills", token: token, kill())
      #expect(made.status == 201)
      let id = try #require(made.json["data"]?["id"]?.string)
      let printed: JSON = [
        "id": .string(id),
        "killer": [
          "id": "123456789012345678", "username": "123456789012345678", "avatar": "https://cdn.example/a.png",
        ],
        "victim": ["id": "EnemyPlayer", "username": "EnemyPlayer", "avatar": .null],
        "server": ["id": .string(org), "name": "Org"], "weapon": "Laser Cannon", "location": "Stanton System",
        "timestamp": .string(house.time.timestamp.iso8601), "isPvP": true, "isSuicide": false,
        "isEnvironmental": false,
      ]
      #expect(made.json["data"]?.object.map { Set($0.keys) } == printed.object.map { Set($0.keys) })
      #expect(made.json["data"]?["victim"] == printed["victim"] && made.json["data"]?["server"] == printed["server"])
      #expect(made.json["data"]?["killer"]?["id"] == printed["killer"]?["id"])

      let found = try await house.send(.get, "/api/v1/kills/\(id)", token: token)
      #expect(found.json["data"] == made.json["data"])
      let corrected = try await house.send(
        .patch, "/api/v1/kills/\(id)", token: token, ["weapon": "Updated Weapon", "location": "Updated Location"])
      #expect(corrected.status == 200 && corrected.json["data"]?["weapon"] == "Updated Weapon")
      let stranger = try await house.token(House.other)
      #expect(try await house.send(.delete, "/api/v1/kills/\(id)", token: stranger).status == 403)
      #expect(try await house.send(.delete, "/api/v1/kills/\(id)", token: token).status == 200)
      let gone = try await house.send(.get, "/api/v1/kills/\(id)", token: token)
      #expect(gone.status == 404 && gone.code == "RESOURCE_NOT_FOUND")
      #expect(try await house.send(.get, "/api/v1/kills/kill_x", token: token).status == 404)
      let deadline = ContinuousClock.now + .seconds(30)
      var events: [String] = []
      while events.count < 3, ContinuousClock.now < deadline {
        events = try await house.shared.events.events(after: 0).map(\.name)
        await Task.yield()
      }
      #expect(events == ["kill.created", "kill.updated", "kill.deleted"])
    }
  }

  @Test func aRepeatedKillIsOneKill() async throws {
    try await House.with { house in
      let token = try await house.token()
      let key: HTTPHeaders = ["Idempotency-Key": "a key"]
      let first = try await house.send(.post, "/api/v1/kills", token: token, kill(), headers: key)
      house.time.advance(by: .seconds(600))
      let second = try await house.send(.post, "/api/v1/kills", token: token, kill(), headers: key)
      #expect(first.status == 201 && second.status == 200)
      #expect(first.json["data"]?["id"] == second.json["data"]?["id"])
    }
  }

  @Test func theDescriptionTellsOfBothAnswersToAKill() async throws {
    try await House.with { house in
      let document = try await house.send(.get, "/openapi.json").json
      let responses = try #require(document["paths"]?["/api/v1/kills"]?["post"]?["responses"])
      #expect(responses["201"]?["content"] != nil && responses["201"]?["content"] == responses["200"]?["content"])
    }
  }

  @Test func theListIsFilteredAndPaged() async throws {
    try await House.with { house in
      let token = try await house.token()
      for number in 0..<25 {
        house.time.advance(by: .seconds(60))
        let weapon: JSON = number % 5 == 0 ? "Missile" : "Laser Cannon"
        #expect(
          try await house.send(.post, "/api/v1/kills", token: token, kill("Enemy\(number)", ["weapon": weapon])).status
            == 201)
      }
      let first = try await house.send(.get, "/api/v1/kills", token: token)
      #expect(first.json["data"]?["kills"]?.array?.count == 20)
      #expect(first.json["data"]?["pagination"] == ["page": 1, "limit": 20, "total": 25, "pages": 2])
      #expect(first.json["data"]?["kills"]?.array?.first?["victim"]?["username"] == "Enemy24")
      let second = try await house.send(.get, "/api/v1/kills?page=2", token: token)
      #expect(second.json["data"]?["kills"]?.array?.count == 5)
      let missiles = try await house.send(.get, "/api/v1/kills?weapon=Missile&serverId=\(org)", token: token)
      #expect(missiles.json["data"]?["pagination"]?["total"] == 5)
      let today = house.time.timestamp.iso8601.prefix(10)
      let none = try await house.send(.get, "/api/v1/kills?endDate=2001-01-01", token: token)
      #expect(none.json["data"]?["pagination"] == ["page": 1, "limit": 20, "total": 0, "pages": 0])
      let all = try await house.send(.get, "/api/v1/kills?startDate=2001-01-01&endDate=\(today)", token: token)
      #expect(all.json["data"]?["pagination"]?["total"] == 25)
      for (query, field) in [
        ("limit=101", "limit"), ("limit=0", "limit"), ("page=0", "page"), ("page=x", "page"),
        ("startDate=yesterday", "startDate"), ("page=100000&limit=100", "page"),
      ] {
        let refused = try await house.send(.get, "/api/v1/kills?\(query)", token: token)
        #expect(refused.status == 422 && refused.field == field, "\(query)")
      }
    }
  }

  @Test func aBadKillIsRefusedByItsFieldAndLeavesNothing() async throws {
    try await House.with { house in
      let token = try await house.token()
      for (body, field) in [
        ("{}", "victimId"), (#"{"victimId":""}"#, "victimId"), (#"{"victimId":"x","isPvP":"yes"}"#, "isPvP"),
        (#"{"victimId":"x","isPvP":true,"isSuicide":true}"#, "isPvP"),
        (#"{"victimId":"x","serverId":"org"}"#, "serverId"),
        (#"{"victimId":"x","rawData":5}"#, "rawData"),
        (#"{"victimId":"x","timestamp":"3024-01-01T00:00:00Z"}"#, "timestamp"),
      ] {
        let answer = try await house.send(.post, "/api/v1/kills", token: token, try JSON(parsing: Array(body.utf8)))
        #expect(answer.status == 422 && answer.field == field, "\(body): \(answer.json)")
      }
      #expect(try await house.kills.count() == 0)
    }
  }

  @Test func theReferencesKillTakesAKeyAndItsPlayer() async throws {
    try await House.with { house in
      let key = try await house.key()
      let body = kill("EnemyPlayer", ["rawData": ["additional": "metadata"], "serverId": .null])
      let made = try await house.send(.post, "/api/kills", token: key, body)
      #expect(made.status == 201)
      let id = try #require(made.json["id"]?.string)
      let printed: JSON = [
        "id": .string(id), "killerId": "YourPlayerName", "victimId": "EnemyPlayer", "serverId": "default-server",
        "weapon": "Laser Cannon", "location": "Stanton System", "isPvP": true, "isSuicide": false,
        "isEnvironmental": false, "timestamp": .string(house.time.timestamp.iso8601),
        "rawData": ["additional": "metadata"],
      ]
      #expect(made.json == printed)
      let login = try await house.send(.post, "/api/kills", token: try await house.token(), body)
      #expect(login.status == 401 && login.code == "UNAUTHORIZED")
      let reader = try await house.key(player: "Other", [.readKills])
      let refused = try await house.send(.post, "/api/kills", token: reader, body)
      #expect(refused.status == 403 && refused.code == "INSUFFICIENT_PERMISSIONS")
      let server = try await house.send(.get, "/api/kills/server/default-server", token: reader)
      #expect(server.json["kills"]?.array?.map { $0["id"] } == [.string(id)])
      // A stranger does not see what the reporter gave beside the rest.
      let stranger = try await house.send(
        .get, "/api/kills/user/\(House.user)", token: try await house.key(House.other, player: "x"))
      #expect(stranger.json["kills"]?.array?.first?["rawData"] == nil)
      #expect(stranger.json["kills"]?.array?.count == 1)
      let unknown = try await house.send(.get, "/api/kills/user/Nobody", token: reader)
      #expect(unknown.status == 404 && unknown.code == "USER_NOT_FOUND")
    }
  }

  @Test func statisticsLeaderboardsAndAnalyticsHaveThePrintedFields() async throws {
    try await House.with { house in
      let token = try await house.token()
      for number in 0..<3 {
        house.time.advance(by: .seconds(60))
        _ = try await house.send(.post, "/api/v1/kills", token: token, kill("Enemy\(number)"))
      }
      let stats = try await house.send(.get, "/api/v1/users/me/stats", token: token)
      let data = try #require(stats.json["data"])
      #expect(data["totalKills"] == 3 && data["totalDeaths"] == 0 && data["favoriteWeapon"] == "Laser Cannon")
      #expect(data["totalPlayTime"] == "0h 0m" && data["rank"] == 1)
      #expect(data["recentKills"]?.array?.first?["victim"] == "Enemy2")
      let bare = try await house.send(.get, "/api/stats/user/\(House.user)", token: token)
      #expect(bare.json == data)

      let board = try await house.send(.get, "/api/v1/leaderboards", token: token)
      #expect(board.json["data"]?["type"] == "kills" && board.json["data"]?["period"] == "all_time")
      let entry = try #require(board.json["data"]?["entries"]?.array?.first)
      #expect(entry["rank"] == 1 && entry["user"]?["id"] == "123456789012345678")
      #expect(entry["value"]?.double == 3 && entry["change"] == "0")
      #expect(board.json["data"]?["userRank"]?["rank"] == 1)
      let other = try await house.send(.get, "/api/leaderboard/pvp_kills?limit=1", token: token)
      #expect(other.json.object.map { Set($0.keys) } == ["type", "entries", "userRank"])
      #expect(try await house.send(.get, "/api/leaderboard/nonsense", token: token).status == 422)
      #expect(try await house.send(.get, "/api/v1/leaderboards?period=hourly", token: token).field == "period")

      let analytics = try await house.send(.get, "/api/v1/analytics/kills", token: token)
      let found = try #require(analytics.json["data"])
      #expect(found["period"] == "month" && found["totalKills"] == 3 && found["dailyKills"]?.array?.count == 30)
      #expect(found["weaponStats"]?.array?.first == ["weapon": "Laser Cannon", "kills": 3, "percentage": 100])
      #expect(found["locationStats"]?.array?.first?["location"] == "Stanton System")
    }
  }

  @Test func aPrivatePlayerIsAbsentFromEveryList() async throws {
    try await House.with { house in
      let mine = try await house.token()
      _ = try await house.send(.post, "/auth/discord", ["code": "code-123456789012345678"])
      _ = try await house.send(.post, "/api/v1/kills", token: mine, kill())
      let changed = try await house.send(
        .patch, "/api/v1/users/me", token: mine, ["rsiHandle": "Secretive", "privacyLevel": "PRIVATE"])
      #expect(changed.status == 200 && changed.json["data"]?["privacyLevel"] == "PRIVATE")
      #expect(changed.json["data"]?["rsiHandle"] == "Secretive" && changed.json["data"]?["username"] == "PlayerName")
      let theirs = try await house.key(House.other, player: "x", [.readKills, .readStats, .readUsers])
      for path in ["/api/kills/user/\(House.user)", "/api/stats/user/\(House.user)", "/api/users/\(House.user)"] {
        let refused = try await house.send(.get, path, token: theirs)
        #expect(refused.status == 403 && refused.code == "FORBIDDEN", "\(path)")
      }
      let list = try await house.send(.get, "/api/v1/kills", token: theirs)
      #expect(
        list.json["data"]?["kills"]?.array?.first?["killer"] == [
          "id": "private", "username": "Private player", "avatar": .null,
        ])
      let board = try await house.send(.get, "/api/v1/leaderboards", token: theirs)
      #expect(board.json["data"]?["entries"] == [])
      let own = try await house.send(.get, "/api/users/\(House.user)", token: mine)
      #expect(own.status == 200 && own.json["kills"]?.array?.first?["victim"]?["username"] == "EnemyPlayer")
      #expect(own.json["deaths"] == [])
    }
  }

  @Test func onlyOnesOwnProfileCanBeChanged() async throws {
    try await House.with { house in
      let body: JSON = ["username": "NewUsername", "rsiHandle": "NewRSIHandle", "privacyLevel": "PRIVATE"]
      _ = try await house.send(.post, "/auth/discord", ["code": "code-123456789012345678"])
      let refused = try await house.send(
        .put, "/api/users/\(House.user)", token: try await house.token(House.other), body)
      #expect(refused.status == 403)
      let changed = try await house.send(.put, "/api/users/\(House.user)", token: try await house.token(), body)
      #expect(changed.status == 200 && changed.json["username"] == "NewUsername")
      let bad = try await house.send(
        .put, "/api/users/\(House.user)", token: try await house.token(), ["privacyLevel": "SECRET"])
      #expect(bad.status == 422 && bad.field == "privacyLevel")
    }
  }
}
