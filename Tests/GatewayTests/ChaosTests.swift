import Foundation
import Platform
import Sandbox
import TestInputs
import Testing

@testable import Gateway

/// A thousand faults in a row, while users write and the bot sends: chosen at random, but the same for the same seed.
@Suite(.timeLimit(.minutes(30))) struct ChaosTests {
  private static let channel: Snowflake = 900_000_000_000_000_012

  /// How the gateway's faults end.
  private enum Gateway { case goesOn, resumes, resumesWithNextEvent, identifies }

  private static let gatewayFaults: [(weight: Int, order: @Sendable (SeededRandom) -> JSON, end: Gateway)] = [
    (10, { _ in ["action": "drop"] }, .resumes),
    (6, { _ in ["action": "reconnect"] }, .resumes),
    (4, { _ in ["action": "invalidate", "resumable": true] }, .resumes),
    (8, { ["action": "close", "code": [1000, 1001, 4000, 4002, 4008, 3999][$0.integer(below: 6)]] }, .resumes),
    (16, { ["action": "cut", "at": .integer(Int64($0.integer(below: 400)))] }, .resumesWithNextEvent),
    (10, { _ in ["action": "corrupt"] }, .resumesWithNextEvent),
    (
      6,
      { random in
        let texts = ["{", "[]", #"{"op":0,"s":-1,"t":"X","d":{}}"#, #"{"op":0,"s":"7"}"#, "\u{0}"]
        return ["action": "say", "text": .string(texts[random.integer(below: texts.count)])]
      }, .resumes
    ),
    (
      6,
      { ["action": "write", "hex": .string(["8300", "0900", "c10178", "880203ed", "81ff"][$0.integer(below: 5)])] },
      .resumes
    ),
    (8, { ["action": "pieces", "size": .integer(Int64($0.integer(below: 40)))] }, .goesOn),
    (6, { ["action": "join", "count": .integer(Int64(1 + $0.integer(below: 3)))] }, .goesOn),
    (6, { ["action": "repeat", "count": .integer(Int64(1 + $0.integer(below: 20)))] }, .goesOn),
    (4, { ["action": "skip", "count": .integer(Int64(1 + $0.integer(below: 50)))] }, .goesOn),
    (3, { _ in ["action": "delay", "delay": 2] }, .goesOn),
    (3, { _ in ["action": "heartbeat"] }, .goesOn),
    (
      4,
      { random in
        let texts = [
          #"{"op":77,"d":{}}"#, #"{"op":0,"s":1,"t":"OLD","d":{}}"#, #"{"op":11}"#,
          #"{"op":10,"d":{"heartbeat_interval":1}}"#,
        ]
        return ["action": "say", "text": .string(texts[random.integer(below: texts.count)])]
      }, .goesOn
    ),
    (1, { ["action": "close", "code": [4001, 4003, 4005, 4007, 4009][$0.integer(below: 5)]] }, .identifies),
    (1, { _ in ["action": "invalidate", "resumable": false] }, .identifies),
  ]

  /// What the connection after a lost one meets; each costs one more.
  private static let connectFaults: [JSON] = [
    ["status": 503], ["status": 429], ["hello": "cut"], ["interval": 0], ["interval": "soon"], ["hello": "empty"],
    ["text": "{"],
  ]

  private static func restFault(_ random: SeededRandom) -> JSON {
    let clock = Int64(random.integer(below: 2_000_000)) * 1_000 - 1_000_000_000
    switch random.integer(below: 8) {
    case 0: return ["status": 429, "scope": "user", "retryAfter": 300, "clock": .integer(clock)]
    case 1: return ["status": 429, "scope": "global", "retryAfter": 200, "clock": .integer(clock)]
    case 2: return ["status": 429, "scope": "shared", "retryAfter": 300, "clock": .integer(clock)]
    case 3: return ["status": .integer([500, 502, 503, 504][random.integer(below: 4)])]
    case 4: return ["status": 503, "text": "<html>busy</html>"]
    case 5: return ["delay": 5, "clock": .integer(clock)]
    default: return ["cut": .string(["before", "head", "after", "body"][random.integer(below: 4)])]
    }
  }

  @Test(arguments: [GatewayCompression.zlibStream, .zstdStream])
  func aThousandFaultsLoseNothing(compression: GatewayCompression) async throws {
    let count = Fuzz.rounds(1_000)
    let random = Fuzz.random(compression == .zlibStream ? 51 : 52)
    let rig = try await SandboxRig { $0.rateLimits = false }
    let client = rig.client(compression, isQuick: true)
    let rest = rig.rest(time: HastyTime()) {
      // One call may meet the faults of many.
      $0.maximumRetries = 50
      $0.maximumRateLimitRetries = 50
    }
    try await client.start()
    _ = await rig.states.wait(for: 1)

    var states = 1
    var identifies: Int64 = 1
    var said: [String] = []
    var sent = 0
    var ordered = 0
    var descriptors = 0
    /// Half-way states of the wire end here, so that whatever was said is on its way.
    func settle() async throws {
      try await rig.fault(["action": "join", "count": 0])
      said.append("u\(said.count)")
      try await rig.say(said[said.count - 1])
      guard try await Self.soon({ rig.messages.items.count >= said.count + sent }) else {
        let missing = Set(said).union((0..<sent).map { "r\($0)" }).subtracting(rig.messages.items)
        throw SandboxRig.Unexpected(text: "missing after \(ordered) faults: \(missing.sorted())")
      }
    }
    try await withThrowingTaskGroup(of: Void.self) { sending in
      let weights = Self.gatewayFaults.reduce(0) { $0 + $1.weight }
      while ordered < count {
        var choice = random.integer(below: weights)
        let fault = Self.gatewayFaults.first {
          choice -= $0.weight
          return choice < 0
        }
        guard let fault else { break }
        for _ in 0..<random.integer(below: 3) {
          said.append("u\(said.count)")
          try await rig.say(said[said.count - 1])
        }
        if fault.end != .identifies, random.integer(below: 4) == 0 {
          try await rig.control(.post, "/faults/rest", Self.restFault(random))
          ordered += 1
          let text = "r\(sent)"
          sent += 1
          sending.addTask { _ = try await rest.createMessage(MessageBody(content: text), in: Self.channel) }
        }
        if fault.end == .identifies {
          // What was said to a session that ends is lost with it, at Discord too.
          while try await sending.next() != nil {}
          try await settle()
          // Longer than any pause between identifies.
          rig.time.advance(by: .seconds(601))
        }
        if fault.end != .goesOn, random.integer(below: 8) == 0 {
          try await rig.control(
            .post, "/faults/connect", Self.connectFaults[random.integer(below: Self.connectFaults.count)])
          ordered += 1
          states += 1
        }
        // What ends the connection must not itself be held back.
        if fault.end != .goesOn { try await rig.fault(["action": "join", "count": 0]) }
        let order = fault.order(random)
        try await rig.fault(order)
        ordered += 1
        switch fault.end {
        case .goesOn: break
        case .resumesWithNextEvent:
          said.append("u\(said.count)")
          try await rig.say(said[said.count - 1])
          states += 2
        case .resumes: states += 2
        case .identifies:
          states += 2
          identifies += 1
        }
        guard try await Self.soon({ rig.states.items.count >= states }), rig.states.items.count == states,
          fault.end == .goesOn || rig.states.items.last == (fault.end == .identifies ? "ready" : "resumed")
        else {
          Issue.record("\(order) as fault \(ordered): \(rig.states.items.suffix(6)), not \(states) states")
          break
        }
        if ordered >= 50, descriptors == 0 { descriptors = Self.openDescriptors() }
      }
      while try await sending.next() != nil {}
    }
    try await settle()

    // Nothing is lost, nothing came twice, and what users said is in order.
    let all = rig.messages.items
    #expect(all.filter { $0.hasPrefix("u") } == said)
    #expect(Set(all.filter { $0.hasPrefix("r") }) == Set((0..<sent).map { "r\($0)" }))
    #expect(all.count == said.count + sent)
    // Only sessions that Discord ended were replaced.
    #expect(try await rig.identifies == identifies)
    #expect(rig.states.items.count { $0 == "ready" } == Int(identifies))
    #expect(try await rig.control(.get, "/sessions").array?.count { $0["connected"] == true } == 1)
    // No bucket is stuck.
    for number in 0..<3 { _ = try await rest.createMessage(MessageBody(content: "last \(number)"), in: Self.channel) }
    #expect(try await rest.currentUser().isBot)
    // Hundreds of connections came and went; what is left over would show.
    #expect(Self.openDescriptors() < descriptors + 50)
    await rig.end(client)
  }

  /// - Returns: false if it does not become true within a time that no machine should need.
  private static func soon(_ condition: () -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(60)
    while !condition() {
      guard ContinuousClock.now < end else { return false }
      try await Task.sleep(for: .milliseconds(1))
    }
    return true
  }

  private static func openDescriptors() -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
  }
}
