import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// Keeping webhooks, on both engines.
@Suite(.timeLimit(.minutes(2)))
struct WebhookServiceTests {
  @Test(arguments: TestEngine.available)
  func aWebhookIsKeptAsItWasMadeAndItsSecretIsNowhere(engine: TestEngine) async throws {
    try await WebhookRig.with(engine) { rig in
      let made = try await rig.create(
        events: ["thing.seen", "thing.made"], guild: GuildID(9), secret: "sekrit-of-mine",
        headers: ["X-Custom-Header": "value-of-mine"],
        retry: WebhookRetry(maxRetries: 5, delayMilliseconds: 500, multiplier: 1.5))
      #expect(made.id.description == "webhook_\(made.id.number)")
      #expect(made.owner == WebhookRig.me && made.name == "Mine" && made.url == rig.url("/ok"))
      #expect(made.events == ["thing.seen", "thing.made"] && made.guildID == GuildID(9))
      #expect(made.hasSecret && made.isActive && made.headers == ["X-Custom-Header": "value-of-mine"])
      #expect(made.retry == WebhookRetry(maxRetries: 5, delayMilliseconds: 500, multiplier: 1.5))
      #expect(made.createdAt == rig.time.timestamp && made.updatedAt == rig.time.timestamp)
      #expect(try await rig.webhooks.list(of: WebhookRig.me) == [made])
      #expect(!"\(made)".contains("sekrit"))
      let columns = try await rig.shared.database.read { transaction in
        try transaction.query("SELECT secret, headers FROM webhooks") { row in
          (secret: try row.value("secret", as: [UInt8].self), headers: try row.value("headers", as: [UInt8].self))
        }
      }
      let stored = columns[0].secret + columns[0].headers
      for word in ["sekrit-of-mine", "value-of-mine", "X-Custom-Header"] {
        #expect(!String(decoding: stored, as: UTF8.self).contains(word))
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func nobodyFindsTheWebhooksOfOthers(engine: TestEngine) async throws {
    try await WebhookRig.with(engine) { rig async throws in
      let mine = try await rig.create()
      let webhooks = rig.webhooks
      #expect(try await webhooks.list(of: WebhookRig.other).isEmpty)
      let delivery = try await webhooks.test(mine.id, of: WebhookRig.me)
      let calls: [@Sendable () async throws -> Void] = [
        { _ = try await webhooks.find(mine.id, of: WebhookRig.other) },
        { _ = try await webhooks.update(mine.id, of: WebhookRig.other, WebhookChanges()) },
        { try await webhooks.delete(mine.id, of: WebhookRig.other) },
        { try await webhooks.test(mine.id, of: WebhookRig.other) },
        { _ = try await webhooks.deliveries(of: mine.id, of: WebhookRig.other) },
        { _ = try await webhooks.redeliver(delivery.id, of: mine.id, of: WebhookRig.other) },
        { _ = try await webhooks.redeliver("none", of: mine.id, of: WebhookRig.me) },
        { _ = try await webhooks.find(WebhookID(number: 999), of: WebhookRig.me) },
      ]
      for call in calls { await #expect(throws: WebhookError.notFound) { try await call() } }
      #expect(try await webhooks.list(of: WebhookRig.me) == [mine])
    }
  }

  @Test(arguments: TestEngine.available)
  func changesKeepTheRest(engine: TestEngine) async throws {
    try await WebhookRig.with(engine) { rig async throws in
      let made = try await rig.create(guild: GuildID(9), secret: "s", headers: ["X-A": "1"])
      rig.time.advance(by: .seconds(5))
      var changes = WebhookChanges()
      changes.name = "Other"
      changes.isActive = false
      changes.events = ["thing.made"]
      var expected = made
      expected.name = "Other"
      expected.isActive = false
      expected.events = ["thing.made"]
      expected.updatedAt = rig.time.timestamp
      #expect(try await rig.webhooks.update(made.id, of: WebhookRig.me, changes) == expected)
      changes = WebhookChanges()
      changes.guildID = .some(nil)
      changes.secret = .some(nil)
      changes.headers = [:]
      changes.isActive = true
      changes.maxRetries = 1
      let changed = try await rig.webhooks.update(made.id, of: WebhookRig.me, changes)
      #expect(changed.guildID == nil && !changed.hasSecret && changed.headers == [:] && changed.isActive)
      #expect(changed.retry == WebhookRetry(maxRetries: 1, delayMilliseconds: 1000, multiplier: 2))
      changes = WebhookChanges()
      changes.retryDelayMilliseconds = 1
      changes.name = "No"
      await #expect(throws: WebhookError.self) {
        try await rig.webhooks.update(made.id, of: WebhookRig.me, changes)
      }
      #expect(try await rig.webhooks.find(made.id, of: WebhookRig.me) == changed, "nothing is half changed")
      try await rig.webhooks.delete(made.id, of: WebhookRig.me)
      #expect(try await rig.webhooks.list(of: WebhookRig.me).isEmpty)
    }
  }

  @Test(arguments: TestEngine.available)
  func anOwnerHasAFew(engine: TestEngine) async throws {
    try await WebhookRig.with(engine) { rig async throws in
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<(Webhooks.maximumPerOwner + 5) { group.addTask { _ = try? await rig.create() } }
      }
      #expect(try await rig.webhooks.list(of: WebhookRig.me).count == Webhooks.maximumPerOwner)
      await #expect(throws: WebhookError.tooMany(limit: Webhooks.maximumPerOwner)) { try await rig.create() }
      _ = try await rig.create(owner: WebhookRig.other)
      let mine = try await rig.webhooks.list(of: WebhookRig.me)[0]
      for _ in 0..<Webhooks.maximumAside { try await rig.webhooks.test(mine.id, of: WebhookRig.me) }
      await #expect(throws: WebhookError.tooManyWaiting(limit: Webhooks.maximumAside)) {
        try await rig.webhooks.test(mine.id, of: WebhookRig.me)
      }
    }
  }

  @Test func aSecretWhoseKeyIsGoneIsLostAndSaysSo() async throws {
    try await WebhookRig.with { rig in
      let made = try await rig.create(secret: "s", headers: ["X-A": "1"])
      try await withTemporaryDirectory { directory in
        let elsewhere = try await WebhookRig(
          rig.shared.database, directory: directory, receiver: rig.receiver, time: rig.time)
        #expect(try await elsewhere.webhooks.list(of: WebhookRig.me).map(\.headers) == [[:]])
        try await elsewhere.running {
          try await elsewhere.webhooks.test(made.id, of: WebhookRig.me)
          let found = try await elsewhere.deliveries(made, "the attempt fails") { $0.first?.state == .dead }
          #expect(found[0].attempts.map(\.error) == ["the secret cannot be read any more: set it again"])
        }
        await elsewhere.webhooks.shutdown()
      }
      #expect(rig.receiver.arrivals.isEmpty, "nothing is sent unsigned")
    }
  }

  @Test func theKeyIsMadeOnceAndIsOursAlone() async throws {
    try await withTemporaryDirectory { directory in
      let first = try await WebhookVault.open(directory: directory)
      let sealed = try first.seal("text", for: WebhookRig.me)
      let second = try await WebhookVault.open(directory: directory)
      #expect(try second.open(sealed, of: WebhookRig.me) == "text")
      #expect(try second.open(sealed, of: WebhookRig.other) == nil)
    }
  }
}
