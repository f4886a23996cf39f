import Core
import HTTP
import Platform
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// The authentication endpoints of both Kill Tracker documents, as printed.
@Suite(.timeLimit(.minutes(1))) struct KillTrackerAccountTests {
  typealias House = KillTrackerHouse

  @Test(arguments: TestEngine.available) func v1LogsInWithADiscordCode(engine: TestEngine) async throws {
    try await House.with(engine) { house in
      let answer = try await house.send(
        .post, "/api/v1/auth/discord", ["code": "code-123456789012345678", "state": "random_state_string"])
      #expect(answer.status == 200)
      #expect(answer.json["success"] == true)
      let data = try #require(answer.json["data"])
      #expect(
        data["user"]
          == [
            "id": "123456789012345678", "username": "PlayerName", "discriminator": "0001",
            "avatar": "https://cdn.example/a.png",
          ])
      #expect(data["expiresIn"] == 86_400)
      let token = try #require(data["token"]?.string)
      #expect(try await house.send(.get, "/api/v1/api-keys", token: token).status == 200)
      let entry = try #require(try await house.shared.auditLog.recent().first?.entry)
      #expect(entry.action == "login" && entry.userID == House.user)
    }
  }

  @Test func theReferenceDescribesTheUserWhole() async throws {
    try await House.with { house in
      let answer = try await house.send(.post, "/auth/discord", ["code": "code-100000000000000001"])
      #expect(answer.status == 200)
      let now = house.time.timestamp
      #expect(answer.json["expiresAt"] == .string(Timestamp(seconds: now.milliseconds / 1000 + 86_400).iso8601))
      let user: JSON = [
        "id": "100000000000000001", "discordId": "100000000000000001", "username": "PlayerName",
        "discriminator": "0001", "avatar": "https://cdn.example/a.png", "role": "admin",
        "permissions": ["view_own_data", "use_features", "manage_servers", "view_all_data", "manage_bot"],
        "isAdmin": true, "isServerOwner": true,
        "servers": [["id": "900000000000000001", "name": "Org", "icon": "https://cdn.example/i.png"]],
        "createdAt": .string(now.iso8601), "lastLoginAt": .string(now.iso8601),
      ]
      #expect(answer.json["user"] == user)
      let me = try await house.send(.get, "/auth/me", token: answer.json["token"]?.string)
      #expect(me.status == 200 && me.json == user)
      let plain = try await house.send(.post, "/auth/discord", ["code": "code-123456789012345678"])
      #expect(plain.json["user"]?["role"] == "user" && plain.json["user"]?["isAdmin"] == false)
      #expect(plain.json["user"]?["servers"] == [])
    }
  }

  @Test func whatDiscordRefusesIsRefusedHere() async throws {
    try await House.with { house in
      let wrong = try await house.send(.post, "/api/v1/auth/discord", ["code": "wrong"])
      #expect(wrong.status == 401 && wrong.code == "INVALID_TOKEN")
      let missing = try await house.send(.post, "/api/v1/auth/discord", [:])
      #expect(missing.status == 422 && missing.code == "VALIDATION_ERROR" && missing.field == "code")
      // A state of our own pages is good only with its cookie.
      let begun = try await house.authentication.discordLogin(
        oauth: House.Discord(), authorizeURL: "https://discord.test/authorize", clientID: "1",
        redirectURIs: ["http://localhost:3001/auth/callback"]
      ).begin()
      let body: JSON = ["code": "code-123456789012345678", "state": .string(begun.state)]
      #expect(try await house.send(.post, "/api/v1/auth/discord", body).status == 401)
      let cookie: HTTPHeaders = ["Cookie": "a=b; adjutant_login=\(begun.nonce.reveal()); c=d"]
      #expect(try await house.send(.post, "/api/v1/auth/discord", body, headers: cookie).status == 200)
    }
    try await House.with(discord: false) { house in
      let off = try await house.send(.post, "/auth/discord", ["code": "code-123456789012345678"])
      #expect(off.status == 403 && off.code == "FORBIDDEN")
    }
  }

  private func sign(_ uid: String, _ timestamp: Int64) throws -> JSON {
    let signature = Hex.encode(try Crypto.hmacSHA256("\(uid):\(timestamp)".utf8, key: House.secret.utf8))
    return ["uid": .string(uid), "signature": .string(signature), "timestamp": .integer(timestamp)]
  }

  @Test func aSignedUIDLogsInOnceAsAPlainUser() async throws {
    try await House.with { house in
      let now = house.time.timestamp.milliseconds
      let owner = try sign(House.owner.description, now)
      let answer = try await house.send(.post, "/auth/uid-login", owner)
      #expect(answer.status == 200)
      #expect(answer.json["user"]?["role"] == "user" && answer.json["user"]?["isAdmin"] == false)
      #expect(answer.json["user"]?["username"] == "100000000000000001" && answer.json["user"]?["avatar"] == .null)
      let me = try await house.send(.get, "/auth/me", token: answer.json["token"]?.string)
      #expect(me.json == answer.json["user"])
      #expect(try await house.send(.post, "/auth/uid-login", owner).code == "INVALID_SIGNATURE")
      let old = try await house.send(.post, "/auth/uid-login", try sign("5", now - 300_001))
      #expect(old.status == 401 && old.code == "TIMESTAMP_TOO_OLD")
      var forged = try sign("6", now).object ?? [:]
      forged["uid"] = "7"
      let wrong = try await house.send(.post, "/auth/uid-login", .object(forged))
      #expect(wrong.status == 401 && wrong.code == "INVALID_SIGNATURE")
      let typed = try await house.send(.post, "/auth/uid-login", ["uid": "6", "signature": "x", "timestamp": "now"])
      #expect(typed.status == 422 && typed.field == "timestamp")
    }
  }

  @Test func v1RenewsTheTokenOfTheHeader() async throws {
    try await House.with { house in
      let old = try await house.token()
      let answer = try await house.send(.post, "/api/v1/auth/refresh", token: old)
      #expect(answer.status == 200 && answer.json["data"]?["expiresIn"] == 86_400)
      let new = try #require(answer.json["data"]?["token"]?.string)
      #expect(try await house.send(.get, "/api/v1/api-keys", token: old).code == "INVALID_TOKEN")
      #expect(try await house.send(.get, "/api/v1/api-keys", token: new).status == 200)
      let none = try await house.send(.post, "/api/v1/auth/refresh")
      #expect(none.status == 401 && none.code == "AUTHENTICATION_REQUIRED")
      let nonsense = try await house.send(.post, "/api/v1/auth/refresh", token: "nonsense")
      #expect(nonsense.status == 401 && nonsense.code == "INVALID_TOKEN")
      // Ended for a day, still renewable.
      house.time.advance(by: .seconds(2 * 86_400))
      #expect(try await house.send(.post, "/api/v1/auth/refresh", token: new).status == 200)
    }
  }

  @Test func theReferenceRenewsTheTokenOfTheBody() async throws {
    try await House.with { house in
      let old = try await house.token()
      let answer = try await house.send(.post, "/auth/refresh", ["refreshToken": .string(old)])
      #expect(answer.status == 200)
      #expect(answer.json.object.map { Set($0.keys) } == ["token", "expiresAt"])
      #expect(try await house.send(.get, "/auth/me", token: old).code == "INVALID_TOKEN")
      let none = try await house.send(.post, "/auth/refresh", [:])
      #expect(none.status == 400 && none.code == "REFRESH_TOKEN_REQUIRED")
      let used = try await house.send(.post, "/auth/refresh", ["refreshToken": .string(old)])
      #expect(used.status == 401 && used.code == "REFRESH_FAILED")
    }
  }

  @Test(arguments: ["/auth/logout", "/api/v1/auth/logout"]) func aLogoutEndsTheToken(path: String) async throws {
    try await House.with { house in
      let token = try await house.token()
      #expect(try await house.send(.post, path, token: token).status == 200)
      #expect(try await house.send(.get, "/auth/me", token: token).code == "INVALID_TOKEN")
      let none = try await house.send(.post, path)
      #expect(none.status == 401)
      #expect(none.code == (path == "/auth/logout" ? "TOKEN_REQUIRED" : "AUTHENTICATION_REQUIRED"))
      #expect(try await house.shared.auditLog.recent().first?.entry.action == "logout")
    }
  }

  @Test func healthAnswersAnyone() async throws {
    try await House.with { house in
      let answer = try await house.send(.get, "/api/v1/health", token: "YOUR_API_KEY")
      #expect(answer.status == 200)
      #expect(answer.json["data"]?["status"] == "healthy" && answer.json["data"]?["version"] == "1.2.3")
    }
  }

  @Test func authenticationIsLimitedToFiveAMinute() async throws {
    try await House.with(limits: true) { house in
      for left in [4, 3, 2, 1, 0] {
        let answer = try await house.send(.post, "/auth/discord", ["code": "wrong"])
        #expect(answer.status == 401 && answer.headers["X-RateLimit-Remaining"] == String(left))
      }
      let sixth = try await house.send(.post, "/auth/discord", ["code": "code-123456789012345678"])
      #expect(sixth.status == 429 && sixth.code == "RATE_LIMITED" && sixth.headers["Retry-After"] != nil)
    }
  }

  @Test func aDatabaseThatIsGoneIsNobodysFault() async throws {
    try await House.with { house in
      let token = try await house.token()
      await house.shared.database.close()
      for path in ["/api/v1/api-keys", "/auth/me"] {
        let answer = try await house.send(.get, path, token: token)
        #expect(answer.status == 503 && answer.code == "SERVER_ERROR", "\(path): \(answer.json)")
      }
      #expect(try await house.send(.get, "/api/v1/health").status == 200)
    }
  }
}
