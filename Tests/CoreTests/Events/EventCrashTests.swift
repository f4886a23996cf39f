import Platform
import Storage
import StorageTestSupport
import Testing

@testable import Core

/// `kill -9` at any moment loses no event.
@Suite(.serialized, .timeLimit(.minutes(4)))
struct EventCrashTests {
  private static let probe = ChildProcess.beside("EventProbe")

  private static func numbers(_ lines: [String], _ word: String) -> [Int64] {
    lines.compactMap { $0.hasPrefix(word + " ") ? Int64($0.split(separator: " ")[1]) : nil }
  }

  @Test(arguments: TestEngine.available)
  func whatWasStoredBeforeTheProcessDiedIsPublishedAndHandled(engine: TestEngine) async throws {
    try await withTestURL(engine) { url in
      var stored: Set<Int64> = []
      for round in 1...3 {
        let child = try ChildProcess(Self.probe, ["append", url, String(round * 1_000_000)])
        var lines = try await child.lines { [wanted = round * 40] in $0.count >= wanted }
        lines += try await child.killed()
        #expect(Self.numbers(lines, "error").isEmpty)
        stored.formUnion(Self.numbers(lines, "ack"))
      }
      #expect(stored.count >= 240)
      let database = try await Database.open(url: url)
      // What is old would be removed by the child, which goes by the real time.
      let process = try await EventProcess(database, time: ManualTime(timestamp: .now))
      let total = try await database.read {
        try $0.query("SELECT count(*) AS n FROM domain_events") { try $0.value("n", as: Int.self) }
      }[0]
      let seen = Recorded<DomainEvent>()
      try await process.running([{ await $0.consume(as: "c", from: .oldest) { seen.add($0.events) } }]) {
        try await eventually("all are handled") { seen.all.count >= total }
      }
      #expect(seen.all.map(\.position) == (1...Int64(total)).map(\.self))
      let numbers = seen.all.compactMap { $0.data["number"]?.integer }
      #expect(Set(numbers).count == total)
      #expect(stored.subtracting(numbers).isEmpty, "stored, but lost")
      await database.close()
    }
  }

  @Test(arguments: TestEngine.available)
  func aConsumerThatIsKilledIsContinuedByAnother(engine: TestEngine) async throws {
    try await withTestURL(engine) { url in
      let database = try await Database.open(url: url)
      // What is old would be removed by the child, which goes by the real time.
      let process = try await EventProcess(database, time: ManualTime(timestamp: .now))
      try await process.publish(1...2000)
      let child = try ChildProcess(Self.probe, ["consume", url, "c"])
      var lines = try await child.lines { $0.count >= 45 }
      lines += try await child.killed()
      let first = Self.numbers(lines, "handled")
      #expect(first == (1...Int64(first.count)).map(\.self))
      let seen = Recorded<Int64>()
      // Half a minute later.
      try await database.write { try $0.execute("UPDATE domain_event_consumers SET lease_until = 0") }
      try await process.running([{ await $0.consume(as: "c") { seen.add($0.events.map(\.position)) } }]) {
        try await eventually("the rest is handled") { seen.all.last == 2000 }
      }
      let next = try #require(seen.all.first)
      #expect(next <= Int64(first.count) + 1, "nothing is left out")
      #expect(next > Int64(first.count) - 20, "what was noted does not come again")
      #expect(seen.all == (next...2000).map(\.self))
      await database.close()
    }
  }
}
