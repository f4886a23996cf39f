import Platform
import Synchronization
import Testing

@testable import Gateway

/// A gateway that does what the test says, on the shards' own loops.
final class ScriptedGateway: GatewayConnector {
  final class Connection: GatewaySocket, Sendable {
    let url: String
    let sent = Inbox<JSON>()
    let closed = Inbox<GatewayCloseCode>()
    private let loop: EventLoop
    private let handler: @Sendable (GatewaySocketEvent) -> Void
    private let isOver = Atomic(false)

    init(url: String, loop: EventLoop, handler: @escaping @Sendable (GatewaySocketEvent) -> Void) {
      self.url = url
      self.loop = loop
      self.handler = handler
    }

    func send(_ text: [UInt8]) { sent.put([(try? JSON(parsing: text)) ?? .null]) }

    func close(_ code: GatewayCloseCode) {
      closed.put([code])
      end(nil)
    }

    func open() { loop.execute { self.handler(.connected) } }

    func receive(_ text: String) {
      loop.execute { Array(text.utf8).withUnsafeBufferPointer { self.handler(.message($0)) } }
    }

    func end(_ code: GatewayCloseCode?) {
      loop.execute {
        if !self.isOver.exchange(true, ordering: .relaxed) { self.handler(.closed(code, reason: "scripted")) }
      }
    }

    func hello() {
      open()
      receive(#"{"op":10,"d":{"heartbeat_interval":45000}}"#)
    }
  }

  let connections = Inbox<Connection>()

  func connect(
    to url: String, on loop: EventLoop, handler: @escaping @Sendable (GatewaySocketEvent) -> Void
  ) -> any GatewaySocket {
    loop.preconditionOnLoop()
    let connection = Connection(url: url, loop: loop, handler: handler)
    connections.put([connection])
    return connection
  }

  func connection(_ number: Int) async -> Connection { await connections.wait(for: number + 1)[number] }
}

private let gatewayBot =
  #"{"url":"wss://gateway.test","shards":1,"session_start_limit":{"total":1000,"remaining":999,"reset_after":3600000,"max_concurrency":1}}"#

private struct Bench {
  let gateway = ScriptedGateway()
  let states = Inbox<String>()
  let sessions = MemorySessionStore()
  let inbox = Inbox<Dispatched<Message>>()
  let time = ShiftedTime()

  func client(
    sessions: (any SessionStore)? = nil, budget: (any IdentifyBudget)? = nil,
    shards: GatewayClient.Shards = .automatic
  ) -> GatewayClient {
    let rest = RESTClient(
      configuration: RESTClient.Configuration(token: Secret("abc")),
      transport: ScriptedTransport([.response(200, [:], gatewayBot)]), log: .silent, metrics: Metrics())
    let states = self.states
    let client = GatewayClient(
      configuration: GatewayClient.Configuration(
        token: Secret("abc"), intents: [.guilds, .messageContent], shards: shards, compression: .none),
      rest: rest, connector: gateway, sessions: sessions ?? self.sessions, budget: budget, time: time,
      log: .silent, metrics: Metrics(),
      onState: { state in
        switch state {
        case .ready(let shard, let resumed): states.put(["\(shard) \(resumed ? "resumed" : "ready")"])
        case .disconnected: states.put(["disconnected"])
        case .failed(let error): states.put(["failed \(error.code)"])
        case .resharded(let old, let new): states.put(["\(old) shards became \(new)"])
        }
      })
    let inbox = self.inbox
    client.events.subscribe(.messageCreate) { inbox.put($0) }
    return client
  }
}

@Suite struct GatewayClientTests {
  @Test(.timeLimit(.minutes(1))) func aSessionIsBegunResumedAndSaved() async throws {
    let bench = Bench()
    let client = bench.client()
    try await client.start()
    let first = await bench.gateway.connection(0)
    #expect(first.url == "wss://gateway.test/?v=10&encoding=json")
    first.hello()
    let identify = await first.sent.wait(for: 1)[0]
    #expect(identify["op"] == 2)
    #expect(identify["d"]?["token"] == "abc")
    #expect(identify["d"]?["intents"]?.integer == 32_769)
    #expect(identify["d"]?["shard"] == [0, 1])
    first.receive(readyEvent)
    first.receive(guildEvent)
    first.receive(messageEvent(3))
    #expect(await bench.states.wait(for: 1) == ["0/1 ready"])
    #expect(await bench.inbox.wait(for: 1)[0].payload.id == 3)
    #expect(client.isReady)
    #expect(client.guildCount == 1)

    // Discord's heartbeat request is answered, and its ACK gives the latency.
    first.receive(#"{"op":1,"d":null}"#)
    #expect(await first.sent.wait(for: 2)[1] == ["op": 1, "d": 3])
    first.receive(#"{"op":11}"#)

    first.end(GatewayCloseCode(rawValue: 4000))
    let second = await bench.gateway.connection(1)
    #expect(second.url == "ws://resume/?v=10&encoding=json")
    #expect(client.latency != nil)
    #expect(!client.isReady)
    second.hello()
    #expect(await second.sent.wait(for: 1)[0] == ["op": 6, "d": ["token": "abc", "session_id": "S", "seq": 3]])
    second.receive(messageEvent(3))
    second.receive(messageEvent(4))
    second.receive(#"{"op":0,"s":5,"t":"RESUMED","d":{}}"#)
    #expect(await bench.states.wait(for: 3) == ["0/1 ready", "disconnected", "0/1 resumed"])
    #expect(await bench.inbox.wait(for: 2).map(\.sequence) == [3, 4], "what came before is not dispatched again")

    await client.stop(saving: true)
    #expect(second.closed.items == [.keepSession])
    #expect(
      await bench.sessions.load(shard: ShardID(0, of: 1))
        == GatewaySession(id: "S", sequence: 5, resumeURL: "ws://resume", shardCount: 1))

    // The next process takes the session up.
    let next = Bench()
    let restarted = next.client(sessions: bench.sessions)
    try await restarted.start()
    let third = await next.gateway.connection(0)
    #expect(third.url == "ws://resume/?v=10&encoding=json")
    third.hello()
    #expect(await third.sent.wait(for: 1)[0]["d"]?["seq"] == 5)
    await restarted.stop(saving: false)
    #expect(third.closed.items == [.endSession])
  }

  /// A process killed at any moment has sent no identify that is not counted.
  @Test(.timeLimit(.minutes(1))) func anIdentifyIsCountedBeforeItIsSent() async throws {
    final class Witness: IdentifyBudget {
      let asked = Inbox<IdentifyPurpose>()
      let counted = Latch()
      let proved = Inbox<ShardID>()
      func report(_ limit: SessionStartLimit) {}
      func spend(_ shard: ShardID, for purpose: IdentifyPurpose) async -> IdentifyLedger.Answer {
        asked.put([purpose])
        await counted.wait()
        return .granted
      }
      func giveBack(_ shard: ShardID) {}
      func proved(_ shard: ShardID) { proved.put([shard]) }
    }
    let bench = Bench()
    let witness = Witness()
    let client = bench.client(budget: witness)
    try await client.start()
    let connection = await bench.gateway.connection(0)
    connection.hello()
    #expect(await witness.asked.wait(for: 1) == [.start])
    // The store has not answered: whatever is sent until then is no identify.
    connection.receive(#"{"op":1,"d":null}"#)
    #expect(await connection.sent.wait(for: 1)[0]["op"] == 1)
    await witness.counted.open()
    #expect(await connection.sent.wait(for: 2)[1]["op"] == 2)
    // A lost session is no start.
    connection.receive(readyEvent)
    _ = await bench.states.wait(for: 1)
    bench.time.advance(by: .seconds(6))
    connection.end(.sessionTimedOut)
    let second = await bench.gateway.connection(1)
    second.hello()
    #expect(await witness.asked.wait(for: 2) == [.start, .recovery])
    await client.stop(saving: false)
  }

  /// What a restart after a crash sees again is bounded by a number of events, not by time alone.
  @Test(.timeLimit(.minutes(1))) func aBusySessionIsSavedEveryFewThousandEvents() async throws {
    final class Witness: SessionStore {
      let saved = Inbox<Int64>()
      func shards() -> Set<ShardID> { [] }
      func load(shard: ShardID) -> GatewaySession? { nil }
      func save(_ session: GatewaySession?, shard: ShardID) { saved.put([session?.sequence ?? -1]) }
    }
    let bench = Bench()
    let witness = Witness()
    let client = bench.client(sessions: witness)
    try await client.start()
    let connection = await bench.gateway.connection(0)
    connection.hello()
    _ = await connection.sent.wait(for: 1)
    connection.receive(readyEvent)
    _ = await witness.saved.wait(for: 1)
    var sequence: Int64 = 1
    for round in 1...3 {
      for _ in 0..<2_000 {
        sequence += 1
        connection.receive(#"{"op":0,"s":\#(sequence),"t":"TYPING_START","d":{}}"#)
      }
      let saved = await witness.saved.wait(for: round + 1)
      #expect(saved[round] > sequence - 2_001)
    }
    await client.stop(saving: true)
  }

  @Test(.timeLimit(.minutes(1))) func aFatalCloseIsToldAndNotRetried() async throws {
    let bench = Bench()
    let client = bench.client()
    try await client.start()
    let connection = await bench.gateway.connection(0)
    connection.hello()
    _ = await connection.sent.wait(for: 1)
    connection.end(.disallowedIntents)
    #expect(await bench.states.wait(for: 1) == ["failed 4014"])
    await client.stop(saving: true)
    #expect(bench.gateway.connections.items.count == 1)
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["{", "[]", #"{"op":0}"#])
  func anUnreadableMessageLeadsToAResume(text: String) async throws {
    let bench = Bench()
    let client = bench.client()
    try await client.start()
    let first = await bench.gateway.connection(0)
    first.hello()
    _ = await first.sent.wait(for: 1)
    first.receive(readyEvent)
    first.receive(text)
    // Of a connection that was given up nothing counts any more.
    first.receive(messageEvent(9))
    let second = await bench.gateway.connection(1)
    #expect(first.closed.items == [.keepSession])
    second.hello()
    #expect(await second.sent.wait(for: 1)[0]["d"]?["seq"] == 1)
    #expect(bench.inbox.items.isEmpty)
    await client.stop(saving: true)
  }

  @Test(.timeLimit(.minutes(1))) func anUnfinishedHandlerHoldsTheSavedSequenceBack() async throws {
    let bench = Bench()
    let client = bench.client()
    let latch = Latch()
    let started = Inbox<Int>()
    client.events.subscribe(.guildCreate) { _ in
      started.put([1])
      await latch.wait()
    }
    try await client.start()
    let connection = await bench.gateway.connection(0)
    connection.hello()
    _ = await connection.sent.wait(for: 1)
    connection.receive(readyEvent)
    connection.receive(guildEvent)
    connection.receive(messageEvent(3))
    _ = await started.wait(for: 1)
    _ = await bench.inbox.wait(for: 1)
    await client.stop(saving: true, limit: .zero)
    #expect(await bench.sessions.load(shard: ShardID(0, of: 1))?.sequence == 1)
    await latch.open()
  }

  @Test(.timeLimit(.minutes(1))) func commandsGoToTheShardOfTheGuildOnceItIsReady() async throws {
    let bench = Bench()
    let client = bench.client(shards: .some(total: 2, ids: [1]))
    await #expect(throws: GatewaySendError.noShard) { try await client.send(.updatePresence(Presence())) }
    try await client.start()
    let guild = Snowflake(rawValue: 1 << 22)
    let command = GatewayCommand.requestGuildMembers(guild: guild, query: .users([5]), nonce: "n")
    try await client.send(command, guild: guild)
    await #expect(throws: GatewaySendError.noShard) { try await client.send(command, guild: 7) }
    let many = GatewayCommand.requestGuildMembers(
      guild: guild, query: .users(Array(repeating: Snowflake(rawValue: .max), count: 200)), nonce: "n")
    let tooLarge = GatewaySendError.tooLarge(what: "a request for members", bytes: 4_660)
    await #expect(throws: tooLarge) { try await client.send(many, guild: guild) }
    let connection = await bench.gateway.connection(0)
    connection.hello()
    #expect(await connection.sent.wait(for: 1)[0]["d"]?["shard"] == [1, 2])
    connection.receive(readyEvent)
    #expect(
      await connection.sent.wait(for: 2)[1]
        == ["op": 8, "d": ["guild_id": "4194304", "user_ids": ["5"], "nonce": "n"]])
    await client.stop(saving: true)
  }
}
