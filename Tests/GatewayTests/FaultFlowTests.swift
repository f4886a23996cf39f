import Platform
import Sandbox
import Testing

@testable import Gateway

/// The real clients and the sandbox's faults of the wire, of numbers and of clocks, over real sockets.
@Suite(.timeLimit(.minutes(2))) struct FaultFlowTests {
  struct Wire: Sendable, CustomTestStringConvertible {
    let name: String
    let faults: [JSON]
    var testDescription: String { name }
  }

  static let wires: [Wire] = [
    Wire(name: "byte by byte", faults: [["action": "pieces", "size": 1]]),
    Wire(name: "in threes with pauses", faults: [["action": "pieces", "size": 3, "pause": 1]]),
    Wire(name: "four frames at once", faults: [["action": "join", "count": 4]]),
    Wire(
      name: "joined, in pieces, late",
      faults: [
        ["action": "join", "count": 4], ["action": "pieces", "size": 7], ["action": "delay", "delay": 20],
      ]),
    Wire(name: "everything twice", faults: [["action": "repeat", "count": 3]]),
    Wire(name: "numbers left out", faults: [["action": "skip", "count": 1_000]]),
    Wire(name: "novelties", faults: [["action": "say", "text": #"{"op":77,"d":1}"#]]),
  ]

  @Test(arguments: wires, [GatewayCompression.none, .zlibStream, .zstdStream])
  func eventsComeWholeHoweverTheyTravel(wire: Wire, compression: GatewayCompression) async throws {
    let rig = try await SandboxRig()
    let client = rig.client(compression)
    try await client.start()
    _ = await rig.states.wait(for: 1)
    try await rig.say("0")
    _ = await rig.messages.wait(for: 1)
    for fault in wire.faults { try await rig.fault(fault) }
    for number in 1...8 { try await rig.say("\(number)") }
    #expect(await rig.messages.wait(for: 9) == (0...8).map(String.init))
    #expect(rig.states.items == ["ready"])
    // What the sandbox counted can be resumed.
    try await rig.fault(["action": "drop"])
    #expect(await rig.states.wait(for: 3).last == "resumed")
    try await rig.say("9")
    #expect(await rig.messages.wait(for: 10).last == "9")
    #expect(try await rig.identifies == 1)
    await rig.end(client)
  }

  @Test(arguments: GatewayCompression.allCases)
  func aCorruptMessageIsFetchedAgain(compression: GatewayCompression) async throws {
    let rig = try await SandboxRig()
    let client = rig.client(compression)
    try await client.start()
    _ = await rig.states.wait(for: 1)
    for round in 1...3 {
      try await rig.fault(["action": "corrupt"])
      try await rig.say("corrupt \(round)")
      #expect(await rig.states.wait(for: 1 + 2 * round).suffix(1) == ["resumed"])
      #expect(await rig.messages.wait(for: round).last == "corrupt \(round)")
    }
    #expect(try await rig.identifies == 1)
    await rig.end(client)
  }

  @Test func aGatewayThatBeginsInEveryWrongWayIsJoinedInTheEnd() async throws {
    let rig = try await SandboxRig()
    let client = rig.client(isQuick: true)
    let faults: [JSON] = [
      ["status": 503, "count": 3], ["status": 429], ["hello": "cut"], ["interval": 0], ["interval": -1],
      ["interval": 1], ["interval": 1e300], ["interval": "soon"], ["interval": .null], ["interval": [1]],
      ["hello": "empty"], ["reconnect": true], ["text": "{"], ["text": #"{"op":9,"d":false}"#],
      ["text": #"{"op":9,"d":true}"#], ["text": #"{"op":10,"d":{"heartbeat_interval":86400000}}"#],
    ]
    for fault in faults { try await rig.control(.post, "/faults/connect", fault) }
    // Late but whole.
    try await rig.control(.post, "/faults/connect", ["delay": 100])
    try await client.start()
    try await eventually { client.isReady }
    #expect(rig.states.items.count { $0.hasPrefix("disconnected") } == 18)
    #expect(rig.connector.count == 19)
    #expect(try await rig.identifies == 1)
    try await rig.say("here")
    #expect(await rig.messages.wait(for: 1) == ["here"])
    await rig.end(client)
  }

  // MARK: REST

  /// Years too early, years too late, and what is no date at all.
  static let clocks: [JSON] = [
    ["clock": -300_000_000_000], ["clock": 300_000_000_000],
    ["headers": ["Date": "yesterday", "X-RateLimit-Reset": "-1"]],
    ["headers": ["Date": .null, "X-RateLimit-Reset": "1e300", "X-RateLimit-Limit": "many"]],
  ]

  @Test(arguments: clocks.indices)
  func aStormOf429sUnderAWrongClockIsWaitedOut(clock: Int) async throws {
    let rig = try await SandboxRig { $0.rateLimits = false }
    let rest = rig.rest(time: HastyTime())
    for scope in ["user", "global", "shared"] {
      var fault: JSON = ["status": 429, "scope": .string(scope), "retryAfter": 20, "count": 2]
      for (name, value) in Self.clocks[clock].object ?? [:] { fault[name] = value }
      try await rig.control(.post, "/faults/rest", fault)
    }
    // Good answers with the same clock.
    var spoiled = Self.clocks[clock]
    spoiled["count"] = 100
    try await rig.control(.post, "/faults/rest", spoiled)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 1...10 {
        group.addTask {
          _ = try await rest.createMessage(MessageBody(content: "\(number)"), in: 900_000_000_000_000_011)
        }
      }
      try await group.waitForAll()
    }
    let all = try await rig.control(.get, "/messages?channel=900000000000000011").array ?? []
    #expect(Set(all.compactMap { $0["content"]?.string }) == Set((1...10).map(String.init)))
    #expect(all.count == 10)
    await rig.end()
  }

  @Test(arguments: ["before", "head", "after", "body"])
  func aMessageWhoseAnswerBreaksOffAnywhereIsSentOnce(cut: String) async throws {
    let rig = try await SandboxRig()
    let rest = rig.rest(time: HastyTime())
    try await rig.control(.post, "/faults/rest", ["cut": .string(cut), "count": 2, "method": "POST"])
    _ = try await rest.createMessage(MessageBody(content: "once"), in: 900_000_000_000_000_011)
    let all = try await rig.control(.get, "/messages?channel=900000000000000011").array ?? []
    #expect(all.map { $0["content"] } == ["once"])
    await rig.end()
  }

  @Test func anAnswerThatIsNoJSONIsToldAndHurtsNobodyElse() async throws {
    let rig = try await SandboxRig()
    let rest = rig.rest()
    try await rig.control(.post, "/faults/rest", ["text": "<html>busy</html>", "path": "/users/@me"])
    let error = await #expect(throws: DiscordError.self) { _ = try await rest.currentUser() }
    guard case .unreadable = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try await rest.currentUser().isBot)
    await rig.end()
  }
}
