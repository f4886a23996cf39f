import Platform
import Sandbox
import Testing

@testable import Gateway

/// The real client and the sandbox, over real sockets.
@Suite(.timeLimit(.minutes(2))) struct GatewayFlowTests {
  @Test(arguments: GatewayCompression.allCases)
  func aShardBecomesReadyAndHearsItsGuilds(compression: GatewayCompression) async throws {
    let rig = try await SandboxRig { $0.extraMembers = 200 }
    let client = rig.client(compression)
    try await client.start()
    #expect(await rig.states.wait(for: 1) == ["ready"])
    try await rig.say("héllo")
    #expect(await rig.messages.wait(for: 1) == ["héllo"])
    #expect(client.guildCount == 1)
    #expect(client.memberCount == 204)
    await rig.end(client)
  }

  /// How Discord may end a connection, and what follows.
  static let interruptions: [(fault: JSON, resumes: Bool)] = [
    (["action": "drop"], true),
    (["action": "reconnect"], true),
    (["action": "invalidate", "resumable": true], true),
    (["action": "invalidate", "resumable": false], false),
    (["action": "close", "code": 1000], true),
    (["action": "close", "code": 1001], true),
    (["action": "close", "code": 4000], true),
    (["action": "close", "code": 4002], true),
    (["action": "close", "code": 4008], true),
    (["action": "close", "code": 4001], false),
    (["action": "close", "code": 4003], false),
    (["action": "close", "code": 4005], false),
    (["action": "close", "code": 4007], false),
    (["action": "close", "code": 4009], false),
  ]

  @Test(arguments: interruptions)
  func everyInterruptionIsFollowedAsTheTableSays(fault: JSON, resumes: Bool) async throws {
    let rig = try await SandboxRig()
    let client = rig.client()
    try await client.start()
    _ = await rig.states.wait(for: 1)
    try await rig.say("before")
    _ = await rig.messages.wait(for: 1)
    // The next identify's five seconds are over for both sides.
    rig.time.advance(by: .seconds(6))
    rig.connector.hold()
    try await rig.fault(fault)
    #expect(await rig.states.wait(for: 2)[1].hasPrefix("disconnected"))
    try await eventually {
      try await rig.control(.get, "/sessions").array?.allSatisfy { $0["connected"] == false } == true
    }
    for number in 1...5 { try await rig.say("away \(number)") }
    rig.connector.release()
    #expect(await rig.states.wait(for: 3)[2] == (resumes ? "resumed" : "ready"))
    try await rig.say("after")
    let missed = (1...5).map { "away \($0)" }
    #expect(await rig.messages.wait(for: resumes ? 7 : 2) == ["before"] + (resumes ? missed : []) + ["after"])
    #expect(try await rig.identifies == (resumes ? 1 : 2))
    await rig.end(client)
  }

  @Test(arguments: [4004, 4010, 4011, 4012, 4013, 4014])
  func aFatalCloseEndsAllAttempts(code: Int) async throws {
    let rig = try await SandboxRig()
    let client = rig.client()
    try await client.start()
    _ = await rig.states.wait(for: 1)
    try await rig.fault(["action": "close", "code": .integer(Int64(code))])
    #expect(await rig.states.wait(for: 2) == ["ready", "failed \(code)"])
    #expect(!client.isReady)
    await #expect(throws: GatewaySendError.stopped) { try await client.send(.updatePresence(Presence())) }
    try await eventually { await rig.sessions.load(shard: ShardID(0, of: 1)) == nil }
    #expect(rig.connector.count == 1)
    await rig.end(client)
  }

  @Test func intentsThatAreNotEnabledAreFatal() async throws {
    let rig = try await SandboxRig { $0.disallowedIntents = 1 << 15 }
    let client = rig.client()
    try await client.start()
    #expect(await rig.states.wait(for: 1) == ["failed 4014"])
    #expect(rig.connector.count == 1)
    await rig.end(client)
  }

  @Test func aConnectionWhoseHeartbeatsAreNotAnsweredIsLeftAndResumed() async throws {
    let rig = try await SandboxRig()
    // The client beats every two seconds; the sandbox itself would give it a minute.
    try await rig.control(.post, "/faults/connect", ["interval": 2_000])
    let client = rig.client(random: .max)
    try await client.start()
    _ = await rig.states.wait(for: 1)
    try await rig.fault(["action": "silence"])
    #expect(
      await rig.states.wait(for: 3) == ["ready", "disconnected: heartbeat not acknowledged", "resumed"])
    try await rig.say("still there")
    #expect(await rig.messages.wait(for: 1) == ["still there"])
    #expect(try await rig.identifies == 1)
    await rig.end(client)
  }

  @Test func aHeartbeatThatDiscordAsksForIsSentAtOnce() async throws {
    let rig = try await SandboxRig()
    // The regular one would come after 41 seconds.
    let client = rig.client(random: .max)
    try await client.start()
    _ = await rig.states.wait(for: 1)
    #expect(client.latency == nil)
    try await rig.fault(["action": "heartbeat"])
    try await eventually { client.latency != nil }
    #expect(rig.states.items == ["ready"])
    await rig.end(client)
  }

  @Test func aRestartResumesWithoutLosingOrRepeatingAnEvent() async throws {
    let rig = try await SandboxRig()
    let first = rig.client()
    try await first.start()
    _ = await rig.states.wait(for: 1)
    try await rig.say("1")
    _ = await rig.messages.wait(for: 1)
    await first.stop(saving: true)
    for number in 2...4 { try await rig.say("\(number)") }
    let second = rig.client(.zstdStream)
    try await second.start()
    #expect(await rig.states.wait(for: 2) == ["ready", "resumed"])
    try await rig.say("5")
    #expect(await rig.messages.wait(for: 5) == ["1", "2", "3", "4", "5"])
    #expect(try await rig.identifies == 1)
    // A stop that gives the session up has nothing to resume.
    await second.stop(saving: false)
    rig.time.advance(by: .seconds(6))
    let third = rig.client()
    try await third.start()
    #expect(await rig.states.wait(for: 3)[2] == "ready")
    await rig.end(third)
  }

  @Test func twoShardsShareTheGuilds() async throws {
    let rig = try await SandboxRig {
      $0.shards = 2
      $0.maxConcurrency = 2
      $0.extraGuilds = 5
    }
    let client = rig.client()
    try await client.start()
    #expect(await rig.states.wait(for: 2) == ["ready", "ready"])
    try await eventually { client.guildCount == 6 }
    #expect(client.shardStatus.map(\.shard) == [ShardID(0, of: 2), ShardID(1, of: 2)])
    #expect(client.isReady)
    // One of them is cut, the other does not notice.
    try await rig.fault(["action": "drop", "shard": 1])
    #expect(await rig.states.wait(for: 4).suffix(2) == ["disconnected: connection lost", "resumed"])
    try await rig.say("both hear")
    #expect(await rig.messages.wait(for: 1) == ["both hear"])
    await rig.end(client)
  }
}
