import Platform
import TestInputs
import Testing

@testable import Sandbox

@Suite struct GatewayConnectionTests {
  private let start = ContinuousClock.Instant.now
  private static let token = "MTIzNDU2Nzg5MDEyMzQ1Njc4.x.y"

  private func opened() -> GatewayConnection {
    var machine = GatewayConnection(heartbeatInterval: .seconds(40), now: start)
    _ = machine.handle(.opened(version: 10, encoding: "json"), at: start)
    return machine
  }

  private func session(buffer: Int = 10) -> GatewaySession {
    GatewaySession(
      id: "s", token: Self.token, applicationID: Snowflake(123_456_789_012_345_678), intents: .guilds,
      shard: .init(id: 0, count: 1), largeThreshold: 50, bufferLimit: buffer)
  }

  private func ready() -> GatewayConnection {
    var machine = opened()
    _ = machine.handle(.identifyAccepted(session(), ready: [:]), at: start)
    return machine
  }

  private static func identify(_ changes: JSON = [:]) -> String {
    var data: JSON = ["token": .string(token), "intents": 513, "properties": ["os": "linux"]]
    for (name, value) in changes.object ?? [:] { data[name] = value }
    let payload: JSON = ["op": 2, "d": data]
    return payload.serialized()
  }

  private func closeCode(_ actions: [GatewayConnection.Action]) -> UInt16? {
    for case .close(let code, _) in actions { return code.code }
    return nil
  }

  @Test func sendsHelloWithTheHeartbeatInterval() {
    var machine = GatewayConnection(heartbeatInterval: .milliseconds(41_250), now: start)
    let actions = machine.handle(.opened(version: 10, encoding: "json"), at: start)
    guard case .send(let hello) = actions.first else {
      Issue.record("no hello")
      return
    }
    #expect(hello["op"] == 10)
    #expect(hello["d"]?["heartbeat_interval"] == 41_250)
  }

  private static let refused: [(String, UInt16)] = [
    ("not json", 4002), ("{}", 4002), (#"{"op":"1"}"#, 4002), (#"{"op":99,"d":null}"#, 4001),
    (#"{"op":0,"d":{}}"#, 4001), (#"{"op":11}"#, 4001), (#"{"op":3,"d":{"status":"online"}}"#, 4003),
    (#"{"op":8,"d":{}}"#, 4003), (#"{"op":6,"d":{"token":"t"}}"#, 4002), (#"{"op":1,"d":"x"}"#, 4002),
    (identify(["token": ""]), 4004), (identify(["token": "two words"]), 4004), (identify(["token": .null]), 4004),
    (identify(["properties": .null]), 4002), (identify(["intents": .null]), 4013), (identify(["intents": -1]), 4013),
    (identify(["intents": 131_072]), 4013), (identify(["shard": [1, 1]]), 4010),
    (identify(["shard": [-1, 2]]), 4010), (identify(["shard": [0]]), 4010),
    (identify(["large_threshold": 10]), 4002),
    (#"{"op":1,"d":""# + String(repeating: "x", count: 4_090) + #""}"#, 4002),
  ]

  @Test(arguments: refused.map { (BriefText($0), $1) })
  func closesWithTheDocumentedCode(_ payload: BriefText, _ code: UInt16) {
    let text = payload.text
    var machine = opened()
    #expect(closeCode(machine.handle(.payload(Array(text.utf8)), at: start)) == code)
    #expect(machine.isClosed)
    #expect(machine.handle(.payload(Array(Self.identify().utf8)), at: start).isEmpty)
  }

  @Test(arguments: [(8, "json", UInt16(4012)), (0, "json", 4012), (10, "etf", 4002)])
  func refusesOtherVersionsAndEncodings(_ version: Int, _ encoding: String, _ code: UInt16) {
    var machine = GatewayConnection(heartbeatInterval: .seconds(40), now: start)
    #expect(closeCode(machine.handle(.opened(version: version, encoding: encoding), at: start)) == code)
  }

  @Test func asksTheWorldToAuthenticateAndTakesItsWord() {
    var machine = opened()
    let actions = machine.handle(.payload(Array(Self.identify(["shard": [1, 3]]).utf8)), at: start)
    let expected = GatewayConnection.Identify(
      token: Self.token, intents: Intents(rawValue: 513), shard: .init(id: 1, count: 3), largeThreshold: 50)
    #expect(actions == [.authenticate(expected)])
    let answer = machine.handle(.identifyAccepted(session(), ready: ["v": 10]), at: start)
    #expect(answer == [.send(["t": "READY", "s": 1, "op": 0, "d": ["v": 10]])])
    #expect(closeCode(machine.handle(.payload(Array(Self.identify().utf8)), at: start)) == 4005)
  }

  @Test func aSecondIdentifyWhileTheFirstWaitsIsRefused() {
    var machine = opened()
    _ = machine.handle(.payload(Array(Self.identify().utf8)), at: start)
    #expect(closeCode(machine.handle(.payload(Array(Self.identify().utf8)), at: start)) == 4005)
  }

  @Test func acknowledgesHeartbeatsUnlessSilenced() {
    var machine = ready()
    let beat = GatewayConnection.Input.payload(Array(#"{"op":1,"d":1}"#.utf8))
    #expect(machine.handle(beat, at: start) == [.send(["t": .null, "s": .null, "op": 11, "d": .null])])
    _ = machine.handle(.fault(.silenceHeartbeats(true)), at: start)
    #expect(machine.handle(beat, at: start).isEmpty)
    _ = machine.handle(.fault(.silenceHeartbeats(false)), at: start)
    #expect(machine.handle(beat, at: start).count == 1)
  }

  @Test func aClientThatStopsBeatingIsClosedAndLosesItsSession() {
    var machine = ready()
    #expect(machine.handle(.tick, at: start.advanced(by: .seconds(59))).isEmpty)
    _ = machine.handle(.payload(Array(#"{"op":1,"d":1}"#.utf8)), at: start.advanced(by: .seconds(59)))
    #expect(machine.handle(.tick, at: start.advanced(by: .seconds(118))).isEmpty)
    let actions = machine.handle(.tick, at: start.advanced(by: .seconds(119)))
    #expect(actions == [.close(.sessionTimedOut, keepsSession: false)])
  }

  @Test func oneHundredAndTwentySendsPerMinuteAreAllowed() {
    var machine = ready()
    let beat = GatewayConnection.Input.payload(Array(#"{"op":1,"d":1}"#.utf8))
    for _ in 0..<120 { #expect(closeCode(machine.handle(beat, at: start)) == nil) }
    var later = machine
    #expect(closeCode(machine.handle(beat, at: start.advanced(by: .milliseconds(59_999)))) == 4008)
    #expect(closeCode(later.handle(beat, at: start.advanced(by: .seconds(60)))) == nil)
  }

  @Test func resumesWithWhatWasMissedThenResumed() {
    var session = session()
    for number in 0..<5 { _ = session.dispatch("E\(number)", [:]) }
    var machine = opened()
    let text = #"{"op":6,"d":{"token":"Bot t","session_id":"s","seq":3}}"#
    #expect(machine.handle(.payload(Array(text.utf8)), at: start) == [.resume(sessionID: "s", token: "t", sequence: 3)])
    let names = machine.handle(.resumeAccepted(session, after: 3), at: start).map { action -> String? in
      guard case .send(let payload) = action else { return nil }
      return payload["t"]?.string
    }
    #expect(names == ["E3", "E4", "RESUMED"])
    #expect(machine.session?.sequence == 6)
  }

  @Test func aSequenceFromTheFutureIsInvalid() {
    var machine = opened()
    #expect(closeCode(machine.handle(.resumeAccepted(session(), after: 1), at: start)) == 4007)
  }

  @Test func whatIsNoLongerKeptCannotBeResumed() {
    var session = session(buffer: 2)
    for _ in 0..<5 { _ = session.dispatch("E", [:]) }
    var machine = opened()
    let actions = machine.handle(.resumeAccepted(session, after: 2), at: start)
    #expect(actions == [.send(["t": .null, "s": .null, "op": 9, "d": false])])
    #expect(machine.session?.id == nil)
    var other = opened()
    #expect(other.handle(.resumeAccepted(session, after: 3), at: start).count == 3)
  }

  @Test(arguments: [
    (UInt16(4000), true), (4001, false), (4002, true), (4003, false), (4004, false), (4005, false), (4007, false),
    (4008, true), (4009, false), (4014, false), (4900, true),
  ])
  func aCloseCodeDecidesWhetherTheSessionLives(_ code: UInt16, _ keeps: Bool) {
    var machine = ready()
    let close = GatewayCloseCode(code: code, reason: "")
    #expect(machine.handle(.fault(.close(close)), at: start) == [.close(close, keepsSession: keeps)])
  }
}
