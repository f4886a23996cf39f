import Platform
import Sandbox
import Synchronization
import Testing

@testable import Gateway

/// The number of shards changes while messages come, over real sockets against the sandbox.
@Suite(.timeLimit(.minutes(2))) struct ReshardFlowTests {
  /// Returns once everything that the sandbox has sent is taken in, on all of so many connections.
  private func quiet(_ rig: SandboxRig, connections: Int? = nil) async throws {
    while true {
      // Each shard answers with the last number that it has received.
      try await rig.fault(["action": "heartbeat"])
      for _ in 0..<50 {
        let connected = (try await rig.control(.get, "/sessions").array ?? []).filter { $0["connected"] == true }
        let isQuiet = connected.allSatisfy { $0["acknowledged"] == $0["sequence"] }
        if isQuiet, connections.map({ $0 == connected.count }) ?? true { return }
        try await Task.sleep(for: .milliseconds(5))
      }
    }
  }

  /// Lets time run until the task has ended, but only while nothing is on its way: what the machine is slow with takes no
  /// time then.
  private func passTime(
    _ rig: SandboxRig, until task: Task<Void, any Error>, _ meanwhile: () async throws -> Void = {}
  ) async throws {
    let over = Inbox<Bool>()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        _ = await task.result
        over.put([true])
      }
      while over.items.isEmpty {
        try await meanwhile()
        try await quiet(rig)
        rig.time.advance(by: .seconds(2))
      }
      try await task.value
    }
  }

  /// The connected sessions as "0/2".
  private func sessions(_ rig: SandboxRig) async throws -> [String] {
    (try await rig.control(.get, "/sessions").array ?? []).filter { $0["connected"] == true }
      .map { "\($0["shard"]?[0]?.integer ?? -1)/\($0["shard"]?[1]?.integer ?? -1)" }.sorted()
  }

  @Test func noMessageIsLostOrDoubled() async throws {
    let rig = try await SandboxRig {
      $0.maxConcurrency = 16
      $0.extraGuilds = 7
    }
    let client = rig.client(shards: .some(total: 1, ids: [0]))
    let ready = Inbox<Ready>()
    let guilds = Inbox<Guild>()
    client.events.subscribe(.ready) { ready.put($0.map(\.payload)) }
    client.events.subscribe(.guildCreate) { guilds.put($0.map(\.payload)) }
    try await client.start()
    _ = await rig.states.wait(for: 1)
    try await eventually { client.guildCount == 8 }

    var count = 0
    func talk() async throws {
      for _ in 0..<3 {
        try await rig.say("\(count)")
        count += 1
      }
    }
    try await talk()
    // The key of the first shard is free again.
    rig.time.advance(by: .seconds(6))
    let change = Task { try await client.reshard(to: .some(total: 4, ids: [0, 1, 2, 3])) }
    try await passTime(rig, until: change, talk)
    try await talk()
    #expect(await rig.messages.wait(for: count) == (0..<count).map(String.init))
    #expect(count > 20)

    #expect(client.shardStatus.map(\.shard) == (0..<4).map { ShardID($0, of: 4) })
    #expect(client.isReady)
    #expect(try await sessions(rig) == ["0/4", "1/4", "2/4", "3/4"])
    // The old session was closed with 1000: it cannot be resumed, and it is forgotten here too.
    #expect(try await rig.control(.get, "/sessions").array?.count == 4)
    #expect(await rig.sessions.shards() == Set((0..<4).map { ShardID($0, of: 4) }))
    // The cache was kept, and what everybody knew was no news.
    #expect(client.guildCount == 8)
    #expect(ready.items.count == 1)
    #expect(guilds.items.count == 8)
    #expect(rig.states.items.contains("1 shards became 4"))
    #expect(try await rig.identifies == 5)
    await rig.end(client)
  }

  @Test func fewerShardsWorkTheSameWay() async throws {
    let rig = try await SandboxRig {
      $0.maxConcurrency = 16
      $0.extraGuilds = 3
    }
    let client = rig.client(shards: .some(total: 2, ids: [0, 1]))
    try await client.start()
    _ = await rig.states.wait(for: 2)
    rig.time.advance(by: .seconds(6))
    try await passTime(rig, until: Task { try await client.reshard(to: .some(total: 1, ids: [0])) })
    try await rig.say("after")
    #expect(await rig.messages.wait(for: 1) == ["after"])
    #expect(try await sessions(rig) == ["0/1"])
    await rig.end(client)
  }

  @Test func anOldShardThatBreaksOffMeanwhileLosesNothing() async throws {
    let rig = try await SandboxRig { $0.maxConcurrency = 16 }
    let client = rig.client(shards: .some(total: 1, ids: [0]))
    try await client.start()
    _ = await rig.states.wait(for: 1)
    rig.time.advance(by: .seconds(6))
    let change = Task { try await client.reshard(to: .some(total: 2, ids: [0, 1])) }
    try await eventually { try await sessions(rig) == ["0/1", "0/2", "1/2"] }
    for number in 0..<3 {
      try await rig.fault(["action": "drop", "shard": 0])
      try await rig.say("\(number)")
      try await quiet(rig, connections: 3)
    }
    try await passTime(rig, until: change)
    try await rig.say("3")
    #expect(await rig.messages.wait(for: 4) == (0...3).map(String.init))
    await rig.end(client)
  }

  @Test func aRefusedSetChangesNothing() async throws {
    let rig = try await SandboxRig { $0.maxConcurrency = 16 }
    let client = rig.client(shards: .some(total: 1, ids: [0]))
    try await client.start()
    _ = await rig.states.wait(for: 1)
    rig.time.advance(by: .seconds(6))
    let change = Task { try await client.reshard(to: .some(total: 2, ids: [0, 1])) }
    try await eventually { try await sessions(rig).count == 3 }
    try await rig.fault(["action": "close", "code": 4010, "shard": 1])
    await #expect(throws: ReshardError.abandoned("a new shard was refused")) { try await change.value }
    #expect(try await sessions(rig) == ["0/1"])
    try await rig.say("still here")
    #expect(await rig.messages.wait(for: 1) == ["still here"])
    #expect(rig.states.items == ["ready"])
    #expect(await rig.sessions.shards() == [ShardID(0, of: 1)])
    await rig.end(client)
  }

  @Test func stoppingInTheMiddleLeavesOneSet() async throws {
    let rig = try await SandboxRig { $0.maxConcurrency = 16 }
    let client = rig.client(shards: .some(total: 1, ids: [0]))
    try await client.start()
    _ = await rig.states.wait(for: 1)
    rig.time.advance(by: .seconds(6))
    let change = Task { try await client.reshard(to: .some(total: 2, ids: [0, 1])) }
    try await eventually { try await sessions(rig).count == 3 }
    await client.stop(saving: true)
    await #expect(throws: ReshardError.abandoned("the bot stops")) { try await change.value }
    try await eventually { try await sessions(rig).isEmpty }
    #expect(await rig.sessions.shards() == [ShardID(0, of: 1)])
    // The next start resumes.
    let next = rig.client(shards: .some(total: 1, ids: [0]))
    try await next.start()
    #expect(await rig.states.wait(for: 2).last == "resumed")
    await rig.end(next)
  }

  @Test func whatIsNotPossibleIsSaidBeforehand() async throws {
    let rig = try await SandboxRig {
      $0.maxConcurrency = 16
      $0.sessionStartLimit = 20
    }
    let part = rig.client(shards: .some(total: 2, ids: [1]))
    await #expect(throws: ReshardError.notRunning) { try await part.reshard(to: .automatic) }
    try await part.start()
    _ = await rig.states.wait(for: 1)
    // What runs already is no change, also where none is possible.
    try await part.reshard(to: .some(total: 2, ids: [1]))
    await #expect(throws: ReshardError.partial) { try await part.reshard(to: .automatic) }
    await part.stop(saving: false)
    rig.time.advance(by: .seconds(6))
    let whole = rig.client(shards: .some(total: 1, ids: [0]))
    try await whole.start()
    _ = await rig.states.wait(for: 2)
    await #expect(throws: ReshardError.partial) { try await whole.reshard(to: .some(total: 4, ids: [0, 1])) }
    await #expect {
      try await whole.reshard(to: .some(total: 17, ids: Array(0..<17)))
    } throws: { error in
      // 18 are left, and the last 2 of the day's 20 are kept.
      if case .budget(needed: 17, left: 16, _)? = error as? ReshardError { true } else { false }
    }
    // The same number is none.
    try await whole.reshard(to: .automatic)
    #expect(try await sessions(rig) == ["0/1"])
    await rig.end(whole)
  }

  @Test func growthThatDiscordRecommendsIsFollowed() async throws {
    let rig = try await SandboxRig { $0.maxConcurrency = 16 }
    let client = rig.client { $0.growthInterval = .milliseconds(50) }
    try await client.start()
    _ = await rig.states.wait(for: 1)
    rig.time.advance(by: .seconds(6))
    try await rig.control(.post, "/settings", ["shards": 3])
    let change = Task {
      while true {
        if rig.states.items.contains("1 shards became 3") { return }
        try await Task.sleep(for: .milliseconds(10))
      }
    }
    try await passTime(rig, until: change)
    #expect(try await sessions(rig) == ["0/3", "1/3", "2/3"])
    await rig.end(client)
  }

  @Test func tooFewShardsForTheGuildsAreReplacedOrTold() async throws {
    let rig = try await SandboxRig {
      $0.maxConcurrency = 16
      $0.extraGuilds = 5
      $0.guildsPerShard = 3
      $0.shards = 2
    }
    // A fixed number: the operator hears how many it takes.
    let fixed = rig.client(shards: .some(total: 1, ids: [0]))
    try await fixed.start()
    #expect(await rig.states.wait(for: 1) == ["failed 4011"])
    await fixed.stop(saving: false)
    rig.time.advance(by: .seconds(6))
    // Discord recommended too few a moment ago.
    try await rig.control(.post, "/settings", ["shards": 1])
    let automatic = rig.client()
    try await automatic.start()
    #expect(await rig.states.wait(for: 2)[1] == "failed 4011")
    await automatic.stop(saving: false)
    rig.time.advance(by: .seconds(6))
    try await rig.control(.post, "/settings", ["shards": 1])
    let again = rig.client()
    rig.connector.hold()
    try await again.start()
    try await rig.control(.post, "/settings", ["shards": 2])
    rig.connector.release()
    try await eventually { again.isReady && again.shardStatus.count == 2 }
    #expect(try await sessions(rig) == ["0/2", "1/2"])
    await rig.end(again)
  }
}
