import Core
import HTTP
import Platform
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// The API key endpoints of both Kill Tracker documents, as printed.
@Suite(.timeLimit(.minutes(1))) struct KillTrackerKeyTests {
  typealias House = KillTrackerHouse

  @Test(arguments: TestEngine.available) func v1MakesListsChangesAndDeletesKeys(engine: TestEngine) async throws {
    try await House.with(engine) { house in
      let token = try await house.token()
      let made = try await house.send(
        .post, "/api/v1/api-keys", token: token,
        [
          "name": "My Application", "playerName": "MyPlayerName", "permissions": ["read:kills", "read:stats"],
          "expiresAt": "2099-12-31T23:59:59.000Z",
        ])
      #expect(made.status == 201)
      let data = try #require(made.json["data"])
      let id = try #require(data["id"]?.string)
      let key = try #require(data["key"]?.string)
      #expect(data["permissions"] == ["read:kills", "read:stats"])
      #expect(data["expiresAt"] == "2099-12-31T23:59:59.000Z")
      // It opens what its permissions say, and no keys.
      #expect(try await house.send(.get, "/auth/me", token: key).code == "INSUFFICIENT_PERMISSIONS")
      #expect(try await house.send(.get, "/api/v1/api-keys", token: key).status == 403)

      let list = try await house.send(.get, "/api/v1/api-keys", token: token)
      let listed = try #require(list.json["data"]?.array)
      #expect(listed.count == 1 && listed[0]["id"]?.string == id && listed[0]["key"] == nil)
      #expect(listed[0]["isActive"] == true)

      let changed = try await house.send(
        .patch, "/api/v1/api-keys/\(id)", token: token, ["name": "Updated Name", "isActive": false])
      #expect(changed.status == 200 && changed.json["data"]?["name"] == "Updated Name")
      #expect(try await house.send(.get, "/auth/me", token: key).code == "INVALID_TOKEN")

      #expect(try await house.send(.delete, "/api/v1/api-keys/\(id)", token: token).status == 200)
      let gone = try await house.send(.delete, "/api/v1/api-keys/\(id)", token: token)
      #expect(gone.status == 404 && gone.code == "RESOURCE_NOT_FOUND")
      let actions = try await house.shared.auditLog.recent().map(\.entry.action)
      #expect(Set(actions) == ["api_key.create", "api_key.update", "api_key.delete"])
    }
  }

  @Test func othersSeeAndTouchNothing() async throws {
    try await House.with { house in
      let mine = try await house.token()
      let theirs = try await house.token(House.other)
      let made = try await house.send(.post, "/api/v1/api-keys", token: mine, ["name": "Mine"])
      let id = try #require(made.json["data"]?["id"]?.string)
      #expect(made.json["data"]?["permissions"] == ["read:kills", "write:kills"])
      #expect(try await house.send(.get, "/api/v1/api-keys", token: theirs).json["data"] == [])
      #expect(try await house.send(.patch, "/api/v1/api-keys/\(id)", token: theirs, ["name": "x"]).status == 404)
      #expect(try await house.send(.delete, "/api/v1/api-keys/\(id)", token: theirs).status == 404)
      let asked = try await house.send(.get, "/api/api-keys?userId=\(House.user)", token: theirs)
      #expect(asked.status == 403 && asked.code == "FORBIDDEN")
      let owner = try await house.token(House.owner)
      #expect(try await house.send(.get, "/api/api-keys?userId=\(House.user)", token: owner).json.array?.count == 1)
    }
  }

  @Test(arguments: [
    (#"{"playerName":"x"}"#, "name"), (#"{"name":""}"#, "name"), (#"{"name":5}"#, "name"),
    (#"{"name":"x","permissions":["everything"]}"#, "permissions[0]"),
    (#"{"name":"x","expiresAt":"2001-01-01T00:00:00.000Z"}"#, "expiresAt"),
    (#"{"name":"x","expiresAt":"tomorrow"}"#, "expiresAt"),
  ])
  func aBadKeyIsRefusedByItsField(body: String, field: String) async throws {
    try await House.with { house in
      let body = try JSON(parsing: Array(body.utf8))
      let answer = try await house.send(.post, "/api/v1/api-keys", token: try await house.token(), body)
      #expect(answer.status == 422 && answer.code == "VALIDATION_ERROR")
      #expect(answer.field == field)
    }
  }

  @Test func theReferencesSamplesWorkAsPrinted() async throws {
    try await House.with { house in
      let token = try await house.token()
      let user = JSON.string(House.user.description)
      let made = try await house.send(
        .post, "/api/api-keys", token: token,
        [
          "userId": user, "playerName": "PlayerName", "name": "My Application",
          "expiresAt": "2099-12-31T23:59:59.000Z",
        ])
      #expect(made.status == 201)
      for field in ["id", "key", "name", "playerName", "expiresAt", "createdAt"] { #expect(made.json[field] != nil) }

      let list = try await house.send(.get, "/api/api-keys?userId=\(House.user)", token: token)
      let key = try #require(list.json.array?.first)
      for field in ["id", "name", "playerName", "isActive", "lastUsedAt", "expiresAt", "createdAt"] {
        #expect(key[field] != nil)
      }
      #expect(try await house.send(.get, "/api/api-keys", token: token).field == "userId")

      let body: JSON = ["userId": user, "playerName": "PlayerName"]
      let first = try await house.send(.post, "/api/api-keys/primary", token: token, body)
      let second = try await house.send(.post, "/api/api-keys/primary", token: token, body)
      #expect(first.status == 200 && first.json["key"]?.string != nil)
      #expect(second.json["id"] == first.json["id"] && second.json["key"] == .null)

      let bot = try await house.send(
        .post, "/api/api-keys/bot", token: token, ["userId": user, "playerName": "PlayerName", "botName": "MyBot"])
      #expect(bot.status == 201 && bot.json["botName"] == "MyBot")

      let id = try #require(bot.json["id"]?.string)
      #expect(try await house.send(.delete, "/api/api-keys/\(id)", token: token, ["userId": user]).status == 200)
      #expect(try await house.send(.delete, "/api/api-keys/\(id)", token: token, ["userId": user]).status == 404)
      let nobody = try await house.send(.delete, "/api/api-keys/\(id)", token: token, ["userId": "user_123"])
      #expect(nobody.status == 404 && nobody.code == "USER_NOT_FOUND")
    }
  }

  @Test func keysOfALimitedLoginStayLimited() async throws {
    try await House.with { house in
      let token = try await house.token(House.owner, isLimited: true)
      let made = try await house.send(.post, "/api/v1/api-keys", token: token, ["name": "app"])
      #expect(made.status == 201)
      let keys = try await house.authentication.keys.list(of: House.owner)
      #expect(keys.map(\.isLimited) == [true])
    }
  }
}
