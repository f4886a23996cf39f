import Platform
import Testing

@testable import HTTPAPI

/// Aurora's WebSocket without a socket.
struct AuroraSessionTests {
  private let start = HubMoment(.now, Timestamp(seconds: 1_700_000_000))
  private let stats = AuroraEvent(.statsUpdate, data: ["guilds": 1])

  private func after(_ seconds: Double) -> HubMoment {
    HubMoment(start.instant.advanced(by: .seconds(seconds)), start.timestamp + .seconds(seconds))
  }

  private func code(_ actions: [HubAction<AuroraSession.Question>]) -> UInt16? {
    guard actions.count == 1, case .close(let close) = actions[0] else { return nil }
    return close.code.rawValue
  }

  @Test func theMessagesAreThoseOfTheDocument() {
    #expect(stats.frame == .text(#"{"type":"STATS_UPDATE","data":{"guilds":1}}"#))
    #expect(AuroraEvent(.newEvent, data: [:]).frame == .text(#"{"type":"NEW_EVENT","data":{}}"#))
  }

  @Test func pingIsAnsweredWithPong() {
    var session = AuroraSession(at: start)
    #expect(
      session.handle(.text(Array(#"{"type":"PING"}"#.utf8)), at: start) == [.send(.text(#"{"type":"PONG"}"#))])
    #expect(session.handle(.text(Array(#"{"type":"PONG"}"#.utf8)), at: start) == [])
    #expect(session.handle(.text(Array(#"{"type":"OTHER"}"#.utf8)), at: start) == [])
  }

  @Test func whoComesSeesTheStatisticsAtOnceAndNotTwice() {
    var session = AuroraSession(at: start)
    #expect(session.handle(.opened, at: start) == [.ask(AuroraSession.Question())])
    #expect(session.handle(.answer(stats), at: start) == [.send(stats.frame)])
    var late = AuroraSession(at: start)
    _ = late.handle(.opened, at: start)
    #expect(late.take(stats) == .send)
    #expect(late.handle(.answer(stats), at: start) == [])
    var without = AuroraSession(at: start)
    #expect(without.handle(.answer(nil), at: start) == [])
  }

  @Test func aClientThatIsSilentForAMinuteIsClosed() {
    var session = AuroraSession(at: start)
    _ = session.handle(.opened, at: start)
    _ = session.take(stats)
    #expect(session.deadline == after(60).instant)
    #expect(session.handle(.timeUp, at: after(59.9)) == [])
    #expect(code(session.handle(.timeUp, at: after(60))) == 4408)
    #expect(session.take(stats) == .ignore)
    #expect(session.deadline == nil)
  }

  @Test func anyWordOfTheClientCounts() {
    for input in [HubInput<AuroraEvent?>.control, .text(Array(#"{"type":"PING"}"#.utf8))] {
      var session = AuroraSession(at: start)
      _ = session.handle(input, at: after(50))
      #expect(session.handle(.timeUp, at: after(60)) == [])
      #expect(code(session.handle(.timeUp, at: after(110))) == 4408)
    }
  }

  @Test(arguments: ["", "PING", "[]", #"{"type":null}"#])
  func whatIsNoMessageCloses(_ text: String) {
    var session = AuroraSession(at: start)
    #expect(code(session.handle(.text(Array(text.utf8)), at: start)) == 4400)
    var binary = AuroraSession(at: start)
    #expect(code(binary.handle(.binary, at: start)) == 1003)
  }

  @Test func tooManyMessagesClose() {
    var session = AuroraSession(at: start)
    for _ in 0..<AuroraSession.messageLimit { _ = session.handle(.text(Array(#"{"type":"PING"}"#.utf8)), at: start) }
    #expect(code(session.handle(.text(Array(#"{"type":"PING"}"#.utf8)), at: start)) == 4429)
  }
}
