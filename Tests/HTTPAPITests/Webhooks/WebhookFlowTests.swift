import Core
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import HTTPAPI

/// From an event to a receiver, through real sockets.
@Suite(.serialized, .timeLimit(.minutes(4)))
struct WebhookFlowTests {
  @Test(arguments: TestEngine.available)
  func anEventArrivesSignedInTheFormOfItsDocument(engine: TestEngine) async throws {
    try await WebhookRig.with(engine) { rig in
      let webhook = try await rig.create(
        events: ["thing.made", "thing.seen", "thing.panel"], secret: "webhook_secret", headers: ["X-Custom": "value"])
      try await rig.running {
        try await rig.happen([7])
        let found = try await rig.deliveries(webhook, "three are delivered") { deliveries in
          deliveries.count == 3 && deliveries.allSatisfy { $0.state == .delivered }
        }
        let arrivals = rig.receiver.arrivals
        #expect(
          arrivals.map(\.json) == [
            ["type": "thing.made", "data": ["n": 7]],
            ["number": 7],
            ["event": "thing.panel", "data": ["n": 7], "created_at": .string(rig.time.timestamp.iso8601)],
          ])
        #expect(arrivals.map { $0.headers["X-Adjutant-Event"] } == ["thing.made", "thing.seen", "thing.panel"])
        #expect(arrivals.map { $0.headers["X-Adjutant-Delivery"] } == found.map(\.id))
        #expect(Set(found.map(\.id)).count == 3)
        for arrival in arrivals {
          #expect(arrival.headers["Content-Type"] == "application/json")
          #expect(arrival.headers["X-Custom"] == "value")
          let timestamp = String(rig.time.timestamp.milliseconds / 1000)
          #expect(arrival.headers["X-Adjutant-Timestamp"] == timestamp)
          func signature(_ text: String) throws -> String {
            "sha256=" + Hex.encode(try Crypto.hmacSHA256(Array(text.utf8), key: Array("webhook_secret".utf8)))
          }
          #expect(arrival.headers["X-Adjutant-Signature"] == (try signature(arrival.body)))
          #expect(arrival.headers["X-Adjutant-Signature-V2"] == (try signature(timestamp + "." + arrival.body)))
        }
        #expect(found.map { $0.attempts.map(\.status) } == [[200], [200], [200]])
        #expect(found[0].attempts[0].response == "thanks")
        #expect(found[0].attempts[0].error == nil && found[0].finishedAt == rig.time.timestamp)
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func aWebhookHearsWhatItAskedForAndMaySee(engine: TestEngine) async throws {
    try await WebhookRig.with(engine) { rig in
      let all = try await rig.create("/ok")
      let guild = try await rig.create("/also", guild: GuildID(9))
      let other = try await rig.create("/moody", owner: WebhookRig.other)
      let off = try await rig.create("/moody2")
      var changes = WebhookChanges()
      changes.isActive = false
      _ = try await rig.webhooks.update(off.id, of: WebhookRig.me, changes)
      try await rig.running {
        try await rig.happen([1])
        try await rig.happen([2], guild: GuildID(9))
        try await rig.happen([3], guild: GuildID(8))
        try await rig.happen([4], guild: GuildID(9), data: ["private": true], subjects: [.user(UserID(5))])
        try await rig.happen([5], data: ["private": true], subjects: [.user(UserID(100_000_000_000_000_002))])
        try await rig.happen([6], name: "thing.other")
        try await rig.happen([7], guild: GuildID(9))
        func isDone(_ deliveries: [WebhookDelivery]) -> Bool {
          deliveries.last?.body == #"{"number":7}"# && deliveries.allSatisfy { $0.state == .delivered }
        }
        for webhook in [all, guild, other] { try await rig.deliveries(webhook, "the last arrives", until: isDone) }
        #expect(rig.receiver.numbers(at: "/ok") == [1, 2, 3, 7])
        #expect(rig.receiver.numbers(at: "/also") == [2, 7])
        #expect(rig.receiver.numbers(at: "/moody") == [1, 2, 3, 5, 7])
        #expect(try await rig.deliveries(off).isEmpty)
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func aFailureIsTriedAgainInTimeAndHoldsBackItsOwnWebhookAlone(engine: TestEngine) async throws {
    try await WebhookRig.with(engine) { rig in
      rig.receiver.setFailing(true)
      let failing = try await rig.create(
        "/moody", retry: WebhookRetry(maxRetries: 3, delayMilliseconds: 60_000, multiplier: 3))
      let healthy = try await rig.create("/ok")
      try await rig.running {
        try await rig.happen(1...3)
        try await rig.deliveries(healthy, "the other has all") {
          $0.map(\.state) == [.delivered, .delivered, .delivered]
        }
        var waiting = try await rig.deliveries(failing, "one attempt") { $0.first?.attempts.count == 1 }
        #expect(waiting[0].nextAt == rig.time.timestamp + .seconds(60))
        #expect(waiting[0].attempts[0].status == 500)
        #expect(waiting[0].attempts[0].error == "the answer was 500")
        // News in between do not hurry it.
        try await rig.happen([4])
        try await rig.deliveries(healthy, "the other has the news") { $0.last?.state == .delivered && $0.count == 4 }
        try await rig.deliveries(failing, "the news wait") { $0.count == 4 }
        rig.time.advance(by: .seconds(59))
        try await rig.happen([5])
        try await rig.deliveries(healthy, "time has passed for the other") {
          $0.last?.state == .delivered && $0.count == 5
        }
        #expect(rig.receiver.numbers(at: "/moody") == [1])
        rig.time.advance(by: .seconds(1))
        waiting = try await rig.deliveries(failing, "the second attempt") { $0.first?.attempts.count == 2 }
        #expect(waiting[0].nextAt == rig.time.timestamp + .seconds(180))
        rig.receiver.setFailing(false)
        rig.time.advance(by: .seconds(180))
        try await rig.deliveries(failing, "all are there") { $0.allSatisfy { $0.state == .delivered } }
        #expect(rig.receiver.numbers(at: "/moody") == [1, 1, 1, 2, 3, 4, 5])
        let ids = rig.receiver.arrivals.filter { $0.path == "/moody" }.map { $0.headers["X-Adjutant-Delivery"] }
        #expect(Set(ids.prefix(3)).count == 1, "the same delivery")
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func afterItsRetriesADeliveryIsDeadAndTheNextGoesOn(engine: TestEngine) async throws {
    try await WebhookRig.with(engine) { rig in
      rig.receiver.setFailing(true)
      let webhook = try await rig.create(
        "/moody", retry: WebhookRetry(maxRetries: 2, delayMilliseconds: 1000, multiplier: 2))
      try await rig.running {
        try await rig.happen(1...2)
        // Three seconds are the waits of one.
        var found = try await rig.deliveries(webhook, "the first is dead", step: .milliseconds(500)) {
          $0.first?.state == .dead
        }
        #expect(found[0].attempts.count == 3)
        rig.receiver.setFailing(false)
        found = try await rig.deliveries(webhook, "the second arrives", step: .seconds(2)) {
          $0.last?.state == .delivered
        }
        #expect(found.map(\.state) == [.dead, .delivered])
        #expect(Array(rig.receiver.numbers(at: "/moody").prefix(4)) == [1, 1, 1, 2])
        // By hand it goes once more, and is delivered.
        let again = try await rig.webhooks.redeliver(found[0].id, of: webhook.id, of: webhook.owner)
        #expect(again.id == found[0].id && again.state == .pending)
        found = try await rig.deliveries(webhook, "sent by hand") { $0.first?.state == .delivered }
        #expect(found[0].attempts.count == 4)
        #expect(rig.receiver.arrivals.last?.headers["X-Adjutant-Delivery"] == found[0].id)
      }
      let text = rig.metrics.render()
      #expect(text.contains("adjutant_webhook_deliveries_total{outcome=\"dead\"} 1"))
      #expect(text.contains("adjutant_webhook_deliveries_total{outcome=\"delivered\"} 2"))
    }
  }

  @Test func aTestGoesAtOncePastWhatWaitsAlsoToAWebhookThatIsOff() async throws {
    try await WebhookRig.with { rig in
      rig.receiver.setFailing(true)
      let webhook = try await rig.create(
        "/moody", retry: WebhookRetry(maxRetries: 3, delayMilliseconds: 60_000, multiplier: 1))
      try await rig.running {
        try await rig.happen([1])
        try await rig.deliveries(webhook, "it waits") { $0.first?.attempts.count == 1 }
        try await rig.webhooks.test(webhook.id, of: webhook.owner)
        var found = try await rig.deliveries(webhook, "a test fails once") { $0.last?.state == .dead }
        #expect(found.last?.attempts.count == 1)
        rig.receiver.setFailing(false)
        var changes = WebhookChanges()
        changes.isActive = false
        _ = try await rig.webhooks.update(webhook.id, of: webhook.owner, changes)
        try await rig.webhooks.test(webhook.id, of: webhook.owner)
        found = try await rig.deliveries(webhook, "a test arrives") { $0.last?.state == .delivered }
        let test = try #require(rig.receiver.arrivals.last)
        #expect(test.headers["X-Adjutant-Event"] == "test")
        #expect(test.json["event"] == "test" && test.json["webhookId"] == .string(webhook.id.description))
        #expect(found[0].state == .pending)
        // While it is off what waits stays; switched on, it goes out.
        rig.time.advance(by: .seconds(120))
        changes.isActive = true
        _ = try await rig.webhooks.update(webhook.id, of: webhook.owner, changes)
        try await rig.deliveries(webhook, "it goes out") { $0[0].state == .delivered }
      }
    }
  }

  @Test(
    arguments: [
      ("/redirect", 302, "the answer was 302"), ("/fail", 500, "the answer was 500"),
      ("/none", 404, "the answer was 404"),
    ] as [(String, Int, String)])
  func onlySuccessIsSuccess(path: String, status: Int, error: String) async throws {
    try await WebhookRig.with { rig in
      let webhook = try await rig.create(path)
      try await rig.running {
        try await rig.webhooks.test(webhook.id, of: webhook.owner)
        let found = try await rig.deliveries(webhook, "it fails") { $0.first?.state == .dead }
        #expect(found[0].attempts.map(\.status) == [status] && found[0].attempts.map(\.error) == [error])
        #expect(rig.receiver.numbers(at: "/ok").isEmpty && !rig.receiver.arrivals.contains { $0.path == "/ok" })
        if path == "/fail" { #expect(found[0].attempts[0].response == "no \u{FFFD} way") }
      }
    }
  }

  @Test func aReceiverThatHangsOrDripsIsGivenUpInTime() async throws {
    try await WebhookRig.with(totalLimit: .milliseconds(400)) { rig in
      let (hanging, dripping) = (try await rig.create("/hang"), try await rig.create("/drip"))
      try await rig.running {
        for webhook in [hanging, dripping] { try await rig.webhooks.test(webhook.id, of: webhook.owner) }
        let found = try await rig.deliveries(hanging, "no answer") { $0.first?.state == .dead }
        #expect(found[0].attempts.map(\.error) == ["there was no answer in time"])
        // Its status came in time.
        let other = try await rig.deliveries(dripping, "the drip is cut") { $0.first?.state == .delivered }
        #expect(other[0].attempts[0].response?.hasPrefix("x") == true)
      }
    }
  }

  @Test func oneThatHangsHoldsUpNobodyElse() async throws {
    try await WebhookRig.with { rig in
      let (hanging, healthy) = (try await rig.create("/hang"), try await rig.create("/ok"))
      try await rig.running {
        try await rig.happen(1...5)
        try await rig.deliveries(healthy, "the other has all") {
          $0.count == 5 && $0.allSatisfy { $0.state == .delivered }
        }
        #expect(try await rig.deliveries(hanging).allSatisfy { $0.state == .pending })
        rig.receiver.letGo()
        try await rig.deliveries(hanging, "it goes on") { $0.allSatisfy { $0.state == .delivered } }
        #expect(rig.receiver.numbers(at: "/hang") == Array(1...5))
      }
    }
  }

  @Test func aResetIsAFailureAndALargeAnswerIsNotRead() async throws {
    let resetting = try ResettingServer()
    defer { resetting.stop() }
    try await WebhookRig.with { rig in
      let reset = try await rig.webhooks.create(
        WebhookRequest(name: "r", url: "http://127.0.0.1:\(resetting.port)/", events: ["thing.seen"]),
        for: WebhookRig.me)
      let large = try await rig.create("/large")
      try await rig.running {
        for webhook in [reset, large] { try await rig.webhooks.test(webhook.id, of: webhook.owner) }
        let found = try await rig.deliveries(reset, "it fails") { $0.first?.state == .dead }
        #expect(found[0].attempts.map(\.error) == ["the connection ended without an answer"])
        let other = try await rig.deliveries(large, "it is delivered") { $0.first?.state == .delivered }
        #expect(other[0].attempts[0].response.map { $0.utf8.count <= WebhookCourier.keptResponseBytes + 2 } == true)
      }
    }
  }

  /// A name may point anywhere: what counts is the address of the connection.
  @Test func privateAddressesAreRefusedWhenAConnectionIsMade() async throws {
    try await WebhookRig.with { rig in
      let numeric = try await rig.create("/ok")
      let port = rig.url("").split(separator: ":").last.map(String.init) ?? ""
      let named = try await rig.webhooks.create(
        WebhookRequest(name: "n", url: "http://localhost:\(port)/ok", events: ["thing.seen"]), for: WebhookRig.me)
      let mapped = try await rig.webhooks.create(
        WebhookRequest(name: "m", url: "http://[::ffff:127.0.0.1]:\(port)/ok", events: ["thing.seen"]),
        for: WebhookRig.me)
      let strict = try await WebhookRig(
        rig.shared.database, directory: rig.directory, receiver: rig.receiver, allowsPrivateAddresses: false,
        time: rig.time)
      try await strict.running {
        for webhook in [numeric, named, mapped] {
          try await strict.webhooks.test(webhook.id, of: webhook.owner)
          let found = try await strict.deliveries(webhook, "it is refused") { $0.first?.state == .dead }
          #expect(found[0].attempts.map(\.error) == ["the host's address is private or local"])
        }
        #expect(rig.receiver.arrivals.isEmpty)
        await #expect(throws: WebhookError.self) { try await strict.create() }
      }
      await strict.webhooks.shutdown()
    }
  }

  @Test func anEventThatCannotBeToldHoldsNothingBack() async throws {
    try await WebhookRig.with { rig in
      let webhook = try await rig.create(events: ["thing.panel"])
      try await rig.running {
        try await rig.happen([1], data: ["broken": true])
        try await rig.happen([2])
        let found = try await rig.deliveries(webhook, "the next arrives") { $0.last?.state == .delivered }
        #expect(found.count == 1)
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func aFullBacklogRefusesWhatIsNewAndCountsIt(engine: TestEngine) async throws {
    try await WebhookRig.with(engine) { rig in
      rig.receiver.setFailing(true)
      let webhook = try await rig.create(
        "/moody", retry: WebhookRetry(maxRetries: 3, delayMilliseconds: 3_600_000, multiplier: 1))
      try await rig.running {
        try await rig.happen(1...(Webhooks.maximumBacklog + 30))
        try await eventually("all are counted") {
          try await rig.webhooks.find(webhook.id, of: webhook.owner).droppedEvents == 30
        }
        let waiting = try await rig.shared.database.read {
          try $0.query("SELECT body FROM webhook_deliveries WHERE state = 'pending' ORDER BY sequence") {
            try $0.value("body", as: String.self)
          }
        }
        #expect(waiting.count == Webhooks.maximumBacklog)
        #expect(waiting.first == #"{"number":1}"#)
        #expect(waiting.last == #"{"number":\#(Webhooks.maximumBacklog)}"#)
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func whatFailsForADayIsSwitchedOffAndTold(engine: TestEngine) async throws {
    try await WebhookRig.with(engine) { rig in
      rig.receiver.setFailing(true)
      let webhook = try await rig.create(
        "/moody", retry: WebhookRetry(maxRetries: 0, delayMilliseconds: 1000, multiplier: 1))
      try await rig.running {
        try await rig.happen(1...12)
        try await rig.deliveries(webhook, "twelve are dead", step: .milliseconds(1)) {
          $0.count == 12 && $0.allSatisfy { $0.state == .dead }
        }
        #expect(try await rig.webhooks.find(webhook.id, of: webhook.owner).isActive, "not for so long")
        rig.time.advance(by: WebhookHealth.patience)
        try await rig.happen([13])
        try await eventually("it is switched off") {
          try await !rig.webhooks.find(webhook.id, of: webhook.owner).isActive
        }
        #expect(
          try await rig.webhooks.find(webhook.id, of: webhook.owner).disabledReason == "13 deliveries in a row failed")
        let audit = try await rig.shared.auditLog.recent()
        #expect(audit.map(\.entry.action) == ["webhook_disabled"])
        #expect(audit.first?.entry.userID == UserID(100_000_000_000_000_001))
        var events: [DomainEvent] = []
        try await eventually("it is told") {
          events = try await rig.shared.events.events(after: 13)
          return !events.isEmpty
        }
        #expect(events.map(\.name) == ["webhook.disabled"])
        #expect(events.first?.subjects == [.user(UserID(100_000_000_000_000_001))])
        // Switched on, it begins anew: the next failure does not end it again.
        var changes = WebhookChanges()
        changes.isActive = true
        #expect(try await rig.webhooks.update(webhook.id, of: webhook.owner, changes).disabledReason == nil)
        try await rig.happen([14])
        try await rig.deliveries(webhook, "the next is dead", step: .milliseconds(1)) {
          $0.count == 14 && $0.last?.state == .dead
        }
        #expect(try await rig.webhooks.find(webhook.id, of: webhook.owner).isActive)
      }
    }
  }

  @Test func whatWaitedForDaysIsDeadAndWhatIsOverIsRemoved() async throws {
    try await WebhookRig.with { rig in
      let webhook = try await rig.create("/ok")
      var changes = WebhookChanges()
      try await rig.running {
        try await rig.happen([1])
        try await rig.deliveries(webhook, "one is delivered") { $0.first?.state == .delivered }
        rig.receiver.setFailing(true)
        changes.url = rig.url("/moody")
        _ = try await rig.webhooks.update(webhook.id, of: webhook.owner, changes)
        try await rig.happen([2])
        try await rig.deliveries(webhook, "one waits") { $0.count == 2 && $0[1].attempts.count == 1 }
        changes = WebhookChanges()
        changes.isActive = false
        _ = try await rig.webhooks.update(webhook.id, of: webhook.owner, changes)
      }
      rig.time.advance(by: Webhooks.maximumAge)
      let worker = WebhookCleaning(webhooks: rig.webhooks)
      try await worker.clean()
      #expect(try await rig.deliveries(webhook).count == 2)
      rig.time.advance(by: .seconds(1))
      try await worker.clean()
      #expect(try await rig.deliveries(webhook).map(\.state) == [.pending])
      changes.isActive = true
      _ = try await rig.webhooks.update(webhook.id, of: webhook.owner, changes)
      try await rig.running {
        let found = try await rig.deliveries(webhook, "it is dead") { $0.first?.state == .dead }
        #expect(found[0].attempts.last?.error == "it waited for more than 3 days")
      }
      rig.time.advance(by: WebhookCleaning.keptDead + .seconds(1))
      try await worker.clean()
      #expect(try await rig.deliveries(webhook).isEmpty)
    }
  }

  @Test(arguments: TestEngine.available)
  func aDeletedWebhookGetsNothingMore(engine: TestEngine) async throws {
    try await WebhookRig.with(engine) { rig in
      rig.receiver.setFailing(true)
      let webhook = try await rig.create("/moody")
      let witness = try await rig.create("/ok")
      try await rig.running {
        try await rig.happen([1])
        try await rig.deliveries(webhook, "it waits") { $0.first?.attempts.count == 1 }
        try await rig.webhooks.delete(webhook.id, of: webhook.owner)
        rig.time.advance(by: .seconds(100))
        try await rig.happen([2])
        try await rig.deliveries(witness, "the other goes on") { $0.count == 2 && $0.last?.state == .delivered }
      }
      #expect(rig.receiver.numbers(at: "/moody") == [1])
      let rest = try await rig.shared.database.read {
        try $0.query("SELECT id FROM webhook_deliveries WHERE webhook_id = $1", webhook.id) {
          try $0.value("id", as: String.self)
        }
      }
      #expect(rest.isEmpty)
    }
  }
}
