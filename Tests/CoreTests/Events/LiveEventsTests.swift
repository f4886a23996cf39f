import Platform
import Storage
import StorageTestSupport
import Testing

@testable import Core

/// Listening in memory.
@Suite(.timeLimit(.minutes(2)))
struct LiveEventsTests {
  private func events(_ positions: ClosedRange<Int64>) -> [DomainEvent] {
    positions.map {
      DomainEvent(position: $0, name: "a.b", guildID: nil, subjects: [], data: [:], at: Timestamp(milliseconds: 0))
    }
  }

  @Test func aListenerThatLagsLosesTheOldestAndIsToldHowMany() async {
    let hub = LiveEventHub()
    var slow = hub.listen(bound: 3).makeAsyncIterator()
    hub.publish(events(1...2), missed: 0)
    #expect(await slow.next() == LiveEvents(missed: 0, events: events(1...2)))
    hub.publish(events(3...5), missed: 0)
    #expect(await slow.next() == LiveEvents(missed: 0, events: events(3...5)))
    hub.publish(events(6...9), missed: 0)
    hub.publish(events(10...10), missed: 0)
    #expect(await slow.next() == LiveEvents(missed: 2, events: events(8...10)))
    // What nobody can give any more lies between what was not fetched yet and what is new.
    hub.publish(events(11...12), missed: 0)
    hub.publish(events(20...20), missed: 7)
    #expect(await slow.next() == LiveEvents(missed: 9, events: events(20...20)))
  }

  @Test func aListenerEndsWithItsTaskAndIsForgotten() async {
    let hub = LiveEventHub()
    let listener = Task {
      var count = 0
      for await batch in hub.listen(bound: 10) { count += batch.events.count }
      return count
    }
    while hub.isEmpty { await Task.yield() }
    hub.publish(events(1...2), missed: 0)
    listener.cancel()
    _ = await listener.value
    while !hub.isEmpty { await Task.yield() }
  }

  @Test(arguments: TestEngine.available)
  func listenersHearWhatIsPublishedFromNowOnByAnyProcess(engine: TestEngine) async throws {
    try await withTwoProcesses(engine) { first, second in
      try await first.publish(1...3)
      let seen = (Recorded<Int>(), Recorded<Int>())
      // The second was opened before those three, but listens only from now on.
      try await first.running {
        try await second.running {
          try await eventually("the second has looked") {
            second.time.advance(by: .seconds(10))
            return second.time.sleeperCount >= 2
          }
          let streams = (first.events.live(), second.events.live())
          let listeners = [
            Task { for await batch in streams.0 { seen.0.add(batch.events.map(\.number)) } },
            Task { for await batch in streams.1 { seen.1.add(batch.events.map(\.number)) } },
          ]
          for number in 4...6 { try await first.append([number]) }
          for number in 7...9 { try await second.append([number]) }
          try await eventually("both hear all") {
            for process in [first, second] { process.time.advance(by: .seconds(10)) }
            return Set(seen.0.all).isSuperset(of: 4...9) && Set(seen.1.all).isSuperset(of: 4...9)
          }
          for listener in listeners { listener.cancel() }
        }
      }
      #expect(Array(seen.0.all.suffix(6)) == Array(4...9))
      #expect(seen.0.all.suffix(6) == seen.1.all.suffix(6))
    }
  }
}
