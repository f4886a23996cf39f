import Core
import HTTP
import KillTracker
import Platform
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// What the HTTP API keeps about a user, taken along and deleted with everything else.
@Suite(.timeLimit(.minutes(1))) struct HTTPAPIDataTests {
  typealias House = KillTrackerHouse

  private func webhook(_ house: House, _ token: String) async throws {
    let made = try await house.send(
      .post, "/api/webhooks", token: token,
      [
        "name": "Mine", "url": "https://hooks.example:8443/services/hidden-path?key=hidden-query",
        "events": ["kill.recorded"], "secret": "hidden-secret", "headers": ["X-Auth": "hidden-header"],
      ])
    try #require(made.status == 201, "\(made.json)")
  }

  @Test(arguments: TestEngine.available) func itIsTakenAlongWithoutSecrets(engine: TestEngine) async throws {
    try await House.with(engine) { house in
      let key = try await house.authentication.keys.create(
        APIKeyRequest(name: "Ship", playerName: "Ace", permissions: [.writeKills, .readKills]), for: House.user)
      try await webhook(house, try await house.token())
      try await house.authentication.users.loggedIn(DiscordIdentity(id: House.user, username: "ace"))
      var bytes: [UInt8] = []
      try await house.tracker.personalData.export(of: House.user, at: house.time.timestamp) { bytes += $0 }
      let own = try #require(try JSON(parsing: bytes)["httpAPI"])
      let now = JSON.string(house.time.timestamp.iso8601)
      #expect(
        own["apiKeys"] == [
          [
            "id": .string("\(key.key.id)"), "name": "Ship", "kind": "standard", "playerName": "Ace",
            "permissions": ["read:kills", "write:kills"], "isActive": true, "createdAt": now,
          ]
        ])
      #expect(own["webhooks"]?[0]?["host"] == "hooks.example:8443" && own["webhooks"]?[0]?["name"] == "Mine")
      #expect(own["login"] == ["username": "ace", "discriminator": "0", "firstAt": now, "lastAt": now])
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(!text.contains("hidden") && !text.contains(key.text.reveal()))
      #expect(
        try await house.tracker.personalData.summary(of: House.user) == [
          "1 API key", "1 webhook", "logins to the HTTP API",
        ])
      #expect(try await house.tracker.personalData.summary(of: House.other).isEmpty)
    }
  }

  @Test(arguments: TestEngine.available) func deletingItEndsWhatProgramsMay(engine: TestEngine) async throws {
    try await House.with(engine) { house in
      let (key, second) = (try await house.key(), try await house.key())
      let (token, other) = (try await house.token(), try await house.token(House.other))
      let othersKey = try await house.key(House.other, player: "Other")
      for token in [token, other] {
        try await webhook(house, token)
        try await webhook(house, token)
        let id = try await house.send(.get, "/api/webhooks", token: token).json[0]?["id"]?.string ?? ""
        #expect(try await house.send(.post, "/api/webhooks/\(id)/test", token: token).status == 200)
      }
      try await house.authentication.users.loggedIn(DiscordIdentity(id: House.user, username: "ace"))
      let death: JSON = ["victimId": "Rookie"]
      #expect(try await house.send(.post, "/api/kills", token: key, death).status == 201)

      let erased = try await house.tracker.personalData.erase(House.user)
      #expect(erased.suffix(3) == ["2 API keys", "2 webhooks", "logins to the HTTP API"])
      for ended in [key, second, token] {
        #expect(try await house.send(.get, "/api/v1/kills", token: ended).status == 401)
      }
      #expect(try await house.authentication.users.find(House.user) == nil)
      #expect(try await house.webhooks.list(of: .user(House.user)).isEmpty)
      let left = try await house.shared.database.read { transaction in
        try transaction.query("SELECT webhook_id FROM webhook_deliveries") {
          try $0.value("webhook_id", as: WebhookID.self)
        }
      }
      let others = try await house.webhooks.list(of: .user(House.other))
      #expect(others.count == 2 && left.allSatisfy { others.map(\.id).contains($0) } && left.count == 1)
      #expect(try await house.send(.get, "/api/v1/kills", token: othersKey).status == 200)
      #expect(try await house.send(.get, "/api/v1/kills", token: other).status == 200)
      #expect(try await house.tracker.personalData.summary(of: House.user).isEmpty)
      #expect(try await house.tracker.personalData.erase(House.user).isEmpty)
    }
  }

  /// A program with a key must not write again what was just deleted.
  @Test func keysEndBeforeTheRest() async throws {
    actor Order {
      var names: [String] = []
      func add(_ name: String) { names.append(name) }
    }
    struct Keeper: PersonalDataKeeper {
      let name: String
      let order: Order
      func summary(of user: UserID) async throws -> [String] { [name] }
      func export(of user: UserID, write: ([UInt8]) async throws -> Void) async throws { try await write([0x31]) }
      func erase(_ user: UserID) async throws -> [String] {
        await order.add(name)
        return [name]
      }
    }
    let (data, order) = (PersonalData(), Order())
    for name in ["first", "second", "third"] { data.add(Keeper(name: name, order: order)) }
    #expect(try await data.erase(House.user) == ["first", "second", "third"])
    #expect(await order.names == ["third", "second", "first"])
  }
}
