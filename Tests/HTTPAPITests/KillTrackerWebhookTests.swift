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
      let printed: JSON = [
        "killId": "kill_1", "killerId": happened[0].data["killer"] ?? .null, "victimId": "EnemyPlayer",
        "weapon": "Laser Cannon", "location": .null, "isPvP": true,
        "timestamp": .string(house.time.timestamp.iso8601),
      ]
      let (mine, theirs) = (Subject.user(House.user), Subject.user(House.other))
      #expect(try await told(recorded, happened[0], theirs) == [printed])
      let created = try #require(events.first { $0.name == "kill.created" })
      #expect(try await told(created, happened[0], theirs).first?["kill"]?["victim"] == "EnemyPlayer")
      let statistics = try #require(events.first { $0.name == "user.stats_updated" })
      let stats = try await told(statistics, happened[1], mine)
      #expect(stats.map { $0["stats"] } == [["totalKills": 2, "totalDeaths": 0, "kdr": .double(2)]])
      // Who is private is so to whoever took no part: without the name, and without the statistics.
      #expect(try await told(recorded, happened[1], mine).first?["killerId"] == happened[1].data["killer"])
      let hidden = try await told(recorded, happened[1], theirs).first
      #expect(hidden?["killerId"] == "Private player" && hidden?["victimId"] == "Another")
      #expect(try await told(created, happened[1], theirs).first?["kill"]?["killer"] == "Private player")
      #expect(try await told(statistics, happened[1], theirs).isEmpty)
    }
  }

  private func told(_ event: WebhookEvent, _ happened: DomainEvent, _ owner: Subject) async throws -> [JSON] {
    guard let hidden = try await event.hidden(happened, owner) else { return [] }
    return try await event.payloads(happened, hidden)
  }

  @Test func theVictimsStatisticsAreToldToo() async throws {
    try await House.with { house in
      let events = KillTrackerWebhookEvents(
        kills: house.kills, authority: OneManager(manager: Cast.manager, guild: Cast.guild)
      ).all
      let statistics = try #require(events.first { $0.name == "user.stats_updated" })
      let (killer, victim) = (try await house.token(), try await house.token(House.other))
      let body: JSON = ["victimId": .string("\(House.other)")]
      _ = try await house.send(.post, "/api/v1/kills", token: killer, body)
      let happened = try #require(try await house.shared.events.events(after: 0).first { $0.name == "kill.created" })
      let seen = try await told(statistics, happened, .user(Cast.user))
      #expect(seen.map { $0["userId"] } == [.string("\(House.user)"), .string("\(House.other)")])
      #expect(seen.map { $0["stats"]?["totalDeaths"] } == [0, 1])
      // A victim who is private learns of their own; nobody else does, not even the killer.
      _ = try await house.send(.patch, "/api/v1/users/me", token: victim, ["privacyLevel": "PRIVATE"])
      house.time.advance(by: .seconds(60))
      _ = try await house.send(.post, "/api/v1/kills", token: killer, body)
      let second = try #require(try await house.shared.events.events(after: 0).last { $0.name == "kill.created" })
      #expect(try await told(statistics, second, .user(House.other)).count == 2)
      for owner in [House.user, Cast.user] {
        let seen = try await told(statistics, second, .user(owner))
        #expect(seen.map { $0["userId"] } == [.string("\(House.user)")])
      }
    }
  }

  @Test func aPrivateServersKillsAreForItsMembers() async throws {
    try await House.with { house in
      let events = KillTrackerWebhookEvents(
        kills: house.kills, authority: OneManager(manager: Cast.manager, guild: Cast.guild)
      ).all
      try await house.tracker.servers.update(Cast.guild, ServerChanges(privacy: .private), by: Cast.manager)
      let token = try await house.token()
      let body: JSON = ["victimId": "Enemy", "serverId": .string("\(Cast.guild)")]
      _ = try await house.send(.post, "/api/v1/kills", token: token, body)
      let happened = try #require(try await house.shared.events.events(after: 0).first { $0.name == "kill.created" })
      for event in events where event.sources == ["kill.created"] {
        for (owner, isTold) in [
          (House.user, true), (Cast.user, true), (Cast.manager, true), (House.other, false),
        ] {
          let seen = try await told(event, happened, .user(owner))
          #expect(seen.isEmpty != isTold, "\(event.name) to \(owner)")
        }
        #expect(try await told(event, happened, .account(AccountID(number: 1))).isEmpty)
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
      #expect(try await told(updated, event, .user(Cast.manager)).first?["server"]?["plugin"] == "killtracker")
      #expect(try await told(updated, event, .user(House.other)).isEmpty)
    }
  }
}
