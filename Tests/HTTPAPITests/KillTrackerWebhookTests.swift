import Core
import HTTP
import KillTracker
import Platform
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// The webhook endpoints of both Kill Tracker documents, as printed, and what their events say to whom.
@Suite(.timeLimit(.minutes(1))) struct KillTrackerWebhookTests {
  typealias House = KillTrackerHouse

  private let v1: JSON = [
    "name": "My Webhook", "url": "https://myapp.com/webhook", "events": ["kill.created", "kill.updated"],
    "secret": "webhook_secret",
  ]
  private let reference: JSON = [
    "name": "My Webhook", "url": "https://myapp.com/webhook", "events": ["kill.recorded", "user.stats_updated"],
    "secret": "webhook_secret", "maxRetries": 3, "retryDelay": 1_000, "backoffMultiplier": 2,
    "headers": ["X-Custom-Header": "value"],
  ]

  @Test(arguments: TestEngine.available) func theSamplesWorkAsPrinted(engine: TestEngine) async throws {
    try await House.with(engine) { house in
      let token = try await house.token()
      let made = try await house.send(.post, "/api/webhooks", token: token, reference)
      #expect(made.status == 201)
      let id = try #require(made.json["id"]?.string)
      #expect(made.json == ["id": .string(id), "message": "Webhook created successfully"])

      let listed = try #require(try await house.send(.get, "/api/webhooks", token: token).json.array?.first)
      let now = JSON.string(house.time.timestamp.iso8601)
      let expected: JSON = [
        "id": .string(id), "name": "My Webhook", "url": "https://myapp.com/webhook",
        "events": ["kill.recorded", "user.stats_updated"], "serverId": .null, "isActive": true,
        "disabledReason": .null, "maxRetries": 3, "retryDelay": 1_000, "backoffMultiplier": 2,
        "headers": ["X-Custom-Header": "value"], "createdAt": now, "updatedAt": now,
      ]
      #expect(listed == expected)

      let changed = try await house.send(
        .put, "/api/webhooks/\(id)", token: token,
        ["name": "Updated Webhook Name", "isActive": false, "events": ["kill.recorded"]])
      #expect(changed.status == 200 && changed.json["isActive"] == false && changed.json["events"] == ["kill.recorded"])
      #expect(try await house.send(.post, "/api/webhooks/\(id)/test", token: token).status == 200)

      let other = try await house.send(.post, "/api/v1/webhooks", token: token, v1)
      #expect(other.status == 201 && other.json["data"]?["events"] == ["kill.created", "kill.updated"])
      let all = try await house.send(.get, "/api/v1/webhooks", token: token)
      #expect(all.json["data"]?.array?.count == 2)
      #expect(!all.json.serialized().contains("webhook_secret"))
      #expect(try await house.send(.delete, "/api/v1/webhooks/\(id)", token: token).status == 200)
      #expect(try await house.send(.delete, "/api/webhooks/\(id)", token: token).status == 404)

      let events = try await house.send(.get, "/api/webhooks/events", token: token)
      let recorded = events.json.array?.first { $0["name"] == "kill.recorded" }
      #expect(recorded?["description"] == "Triggered when a new kill is recorded")
      #expect(recorded?["payload"]?["isPvP"] == "boolean")
      let actions = Set(try await house.shared.auditLog.recent().map(\.entry.action))
      #expect(actions == ["webhook.create", "webhook.update", "webhook.test", "webhook.delete"])
    }
  }

  @Test func aBadWebhookIsRefusedByItsField() async throws {
    try await House.with { house in
      let token = try await house.token()
      for (field, value) in [
        ("url", "http://127.0.0.1/hook" as JSON), ("url", "ftp://myapp.com"), ("events", ["nonsense"]), ("events", []),
        ("maxRetries", 11), ("name", ""), ("headers", ["Host": "x"]),
      ] {
        var body = reference.object ?? [:]
        body[field] = value
        let answer = try await house.send(.post, "/api/webhooks", token: token, .object(body))
        #expect(answer.status == 422, "\(field) \(value)")
        #expect(answer.field?.hasPrefix(field) == true, "\(answer.json)")
      }
      #expect(try await house.send(.get, "/api/webhooks", token: token).json == [])
    }
  }

  @Test func othersSeeAndTouchNothing() async throws {
    try await House.with { house in
      let made = try await house.send(.post, "/api/webhooks", token: try await house.token(), reference)
      let id = try #require(made.json["id"]?.string)
      let theirs = try await house.token(House.other)
      #expect(try await house.send(.get, "/api/webhooks", token: theirs).json == [])
      #expect(try await house.send(.put, "/api/webhooks/\(id)", token: theirs, ["name": "x"]).status == 404)
      #expect(try await house.send(.post, "/api/webhooks/\(id)/test", token: theirs).status == 404)
      let key = try await house.key()
      #expect(try await house.send(.get, "/api/webhooks", token: key).code == "INSUFFICIENT_PERMISSIONS")
    }
  }

  @Test func anEventIsToldInTheWordsOfItsDocumentToWhomItConcerns() async throws {
    try await House.with { house in
      let events = KillTrackerWebhookEvents(
        kills: house.kills, authority: OneManager(manager: Cast.manager, guild: Cast.guild)
      ).all
      let token = try await house.token()
      _ = try await house.send(
        .post, "/api/v1/kills", token: token, ["victimId": "EnemyPlayer", "weapon": "Laser Cannon", "isPvP": true])
      _ = try await house.send(.patch, "/api/v1/users/me", token: token, ["privacyLevel": "PRIVATE"])
      _ = try await house.send(.post, "/api/v1/kills", token: token, ["victimId": "Another", "isPvP": false])
      let happened = try await house.shared.events.events(after: 0).filter { $0.name == "kill.created" }
      try #require(happened.count == 2)
      let recorded = try #require(events.first { $0.name == "kill.recorded" })
      #expect(
        try await recorded.payload(happened[0])
          == [
            "killId": "kill_1", "killerId": happened[0].data["killer"] ?? .null, "victimId": "EnemyPlayer",
            "weapon": "Laser Cannon", "location": .null, "isPvP": true,
            "timestamp": .string(house.time.timestamp.iso8601),
          ])
      let created = try #require(events.first { $0.name == "kill.created" })
      #expect(try await created.payload(happened[0])?["kill"]?["victim"] == "EnemyPlayer")
      let statistics = try #require(events.first { $0.name == "user.stats_updated" })
      #expect(
        try await statistics.payload(happened[1])?["stats"] == ["totalKills": 2, "totalDeaths": 0, "kdr": .double(2)])
      let (mine, theirs) = (Subject.user(House.user), Subject.user(House.other))
      for event in [recorded, created, statistics] {
        #expect(try await event.isVisible(happened[0], theirs))
        #expect(try await event.isVisible(happened[1], mine))
        #expect(try await !event.isVisible(happened[1], theirs), "\(event.name) of a private player")
      }
    }
  }

  @Test func aServersNewsAreForWhoManagesIt() async throws {
    try await House.with { house in
      let events = KillTrackerWebhookEvents(
        kills: house.kills, authority: OneManager(manager: Cast.manager, guild: Cast.guild)
      ).all
      let updated = try #require(events.first { $0.name == "server.updated" })
      try await house.shared.switches.set("killtracker", enabled: false, in: Cast.guild, by: Cast.manager)
      let event = try #require(try await house.shared.events.events(after: 0).first)
      #expect(try await updated.isVisible(event, .user(Cast.manager)))
      #expect(try await !updated.isVisible(event, .user(House.other)))
      #expect(try await updated.payload(event)?["server"]?["plugin"] == "killtracker")
    }
  }
}
