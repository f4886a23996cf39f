import Testing

@testable import Platform

struct TimeTests {
  @Test(arguments: [
    ("2024-01-01T00:00:00Z", 1_704_067_200_000), ("2024-01-01T00:00:00.5Z", 1_704_067_200_500),
    ("2024-01-01T02:00:00.123456+02:00", 1_704_067_200_123), ("1969-12-31T23:59:59.999Z", -1),
  ])
  func readsISO8601(text: String, milliseconds: Int64) {
    #expect(Timestamp(iso8601: text)?.milliseconds == milliseconds)
  }

  @Test(arguments: ["", "2024", "yesterday", "2024-01-01T00:00:00.Z"])
  func refusesWhatIsNoDate(text: String) {
    #expect(Timestamp(iso8601: text) == nil)
  }

  @Test func writesMilliseconds() {
    #expect(Timestamp(milliseconds: 1_704_067_200_007).iso8601 == "2024-01-01T00:00:00.007Z")
    #expect(Timestamp(milliseconds: -1).iso8601 == "1969-12-31T23:59:59.999Z")
  }

  @Test func manualTimeWakesWhoIsDue() async throws {
    let time = ManualTime()
    let sleeper = Task { try await time.sleep(for: .seconds(10)) }
    await time.waitForSleepers()
    time.advance(by: .seconds(9))
    #expect(time.sleeperCount == 1)
    time.advance(by: .seconds(1))
    try await sleeper.value
    #expect(time.timestamp == Timestamp(seconds: 1_700_000_010))
  }

  @Test func manualSleepIsCancelled() async {
    let time = ManualTime()
    let sleeper = Task { try await time.sleep(for: .seconds(10)) }
    await time.waitForSleepers()
    sleeper.cancel()
    await #expect(throws: CancellationError.self) { try await sleeper.value }
    #expect(time.sleeperCount == 0)
  }

  @Test func aSpanOfWholeMillisecondsIsAddedExactly() {
    let start = Timestamp(seconds: 1_700_000_000)
    for days in 0...400 as ClosedRange<Int64> {
      for milliseconds in [-1, 0, 1] as [Int64] {
        let span = Duration.seconds(days * 86_400) + .milliseconds(milliseconds)
        #expect((start + span).milliseconds == start.milliseconds + days * 86_400_000 + milliseconds)
      }
    }
  }
}
