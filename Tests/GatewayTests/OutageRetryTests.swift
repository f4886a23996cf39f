import Platform
import Synchronization
import Testing

@testable import Gateway

struct OutageRetryTests {
  private static func refusal(_ status: Int) -> DiscordError {
    .refused(DiscordError.Refusal(route: "GET /x", status: status, body: []))
  }

  @Test func anOutageIsWaitedForAndSaidInTheLog() async throws {
    let time = ManualTime()
    let sink = MemoryLogSink()
    let calls = Mutex(0)
    let answer = Task {
      try await OutageRetry(time: time, log: Log(label: "t", sink: sink)).untilAnswered("ask") {
        let call = calls.withLock { calls in
          calls += 1
          return calls
        }
        switch call {
        case 1: throw Self.refusal(503)
        case 2: throw DiscordError.network(route: "GET /x", reason: "down", requestMayHaveBeenSent: false)
        default: return "here"
        }
      }
    }
    for _ in 0..<2 {
      await time.waitForSleepers()
      time.advance(by: .seconds(60))
    }
    #expect(try await answer.value == "here")
    #expect(sink.records.map(\.message) == ["cannot ask", "cannot ask"])
  }

  @Test(arguments: [400, 403, 404])
  func whatCannotGetBetterIsThrownAtOnce(status: Int) async {
    let retry = OutageRetry(time: ManualTime(), log: .silent)
    await #expect(throws: DiscordError.self) {
      try await retry.untilAnswered("ask") { () async throws -> Int in throw Self.refusal(status) }
    }
    await #expect(throws: DiscordError.self) {
      try await retry.untilAnswered("ask") { () async throws -> Int in throw DiscordError.unauthorized }
    }
  }
}
