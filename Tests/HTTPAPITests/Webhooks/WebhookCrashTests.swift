import HTTPTestSupport
import Platform
import Storage
import StorageTestSupport
import Testing

@testable import Core
@testable import HTTPAPI

/// `kill -9` loses no delivery and keeps their order.
@Suite(.serialized, .timeLimit(.minutes(4)))
struct WebhookCrashTests {
  @Test(arguments: TestEngine.available)
  func deliveriesOfAKilledProcessAreMadeByTheNext(engine: TestEngine) async throws {
    let receiver = Receiver()
    try await withServer(receiver.router()) { address, _ in
      receiver.base.withLock { $0 = "http://\(address)" }
      try await withTemporaryDirectory { directory in
        try await withTestURL(engine) { url in
          let database = try await Database.open(url: url)
          // Later than any lease of the child, which goes by the real time.
          let rig = try await WebhookRig(
            database, directory: directory, receiver: receiver,
            time: ManualTime(timestamp: .now + .seconds(3600)))
          let webhook = try await rig.create("/hang")
          let witness = try await rig.create("/ok")
          // Before the child begins: on SQLite nobody would tell it.
          try await database.write { transaction in
            try transaction.execute(
              "INSERT INTO domain_event_consumers (name, position, lease_until) VALUES ('webhooks', 0, 0)")
          }
          try await rig.happen(1...5)
          let child = try ChildProcess(ChildProcess.beside("WebhookProbe"), [url, directory])
          try await eventually("the first is under way, the other webhook has all") {
            receiver.numbers(at: "/hang") == [1] && receiver.numbers(at: "/ok") == [1, 2, 3, 4, 5]
          }
          _ = try await child.killed()
          // PostgreSQL's leases go by its own clock: as if half a minute had passed.
          try await database.write { try $0.execute("UPDATE domain_event_consumers SET lease_until = 0") }
          try await rig.happen(6...7)
          receiver.letGo()
          try await rig.running {
            try await rig.deliveries(webhook, "all are delivered") { deliveries in
              deliveries.count == 7 && deliveries.allSatisfy { $0.state == .delivered }
            }
            try await rig.deliveries(witness, "here too") { deliveries in
              deliveries.count == 7 && deliveries.allSatisfy { $0.state == .delivered }
            }
          }
          // The one in the middle of which it died is made again.
          #expect(receiver.numbers(at: "/hang") == [1, 1, 2, 3, 4, 5, 6, 7])
          let ids = receiver.arrivals.filter { $0.path == "/hang" }.map { $0.headers["X-Adjutant-Delivery"] }
          #expect(ids[0] == ids[1] && Set(ids).count == 7)
          // What was noted before it died does not come again; the last may not have been.
          let seen = receiver.numbers(at: "/ok")
          #expect(seen == [1, 2, 3, 4, 5, 6, 7] || seen == [1, 2, 3, 4, 5, 5, 6, 7])
          await rig.webhooks.shutdown()
          await database.close()
        }
      }
    }
  }

  @Test(arguments: TestEngine.available)
  func aProcessThatLostItsPlaceQueuesNothing(engine: TestEngine) async throws {
    try await WebhookRig.with(engine) { rig async throws in
      let webhook = try await rig.create()
      let (batches, continuation) = AsyncStream.makeStream(of: EventBatch.self)
      let consuming = Task {
        await rig.shared.events.consume(as: "webhooks", from: .oldest) { [time = rig.time] batch in
          continuation.yield(batch)
          try await time.sleep(for: .seconds(1_000_000))
        }
      }
      let publishing = Task { await rig.shared.events.run() }
      try await rig.happen([1])
      var iterator = batches.makeAsyncIterator()
      let batch = try #require(await iterator.next())
      try await rig.shared.database.write { try $0.execute("UPDATE domain_event_consumers SET lease = 'other'") }
      await #expect(throws: ConsumerLost.self) { try await WebhookFanOut(webhooks: rig.webhooks).queue(batch) }
      #expect(try await rig.deliveries(webhook).isEmpty)
      for task in [consuming, publishing] {
        task.cancel()
        await task.value
      }
    }
  }
}
