import Platform
import Synchronization
import Testing

@testable import Gateway

/// The way of events that nobody wants, whose `d` is not parsed.
@Suite struct GatewayPreambleTests {
  private static func scan(_ text: String) -> (name: String, sequence: Int64)? {
    Array(text.utf8).withUnsafeBufferPointer { bytes in
      GatewayPreamble(scanning: bytes).map { (String(decoding: $0.name, as: UTF8.self), $0.sequence) }
    }
  }

  @Test(arguments: [
    #"{"t":"TYPING_START","s":7,"op":0,"d":{"a":1}}"#, #"{"op":0,"s":7,"t":"TYPING_START","d":{}}"#,
    #" { "t" : "TYPING_START" , "s" : 7 ,"op": 0,"d":[]}"#, #"{"t":"TYPING_START","s":7,"op":0,"d":no JSON at all}"#,
  ])
  func isReadInAnyOrderBeforeItsData(text: String) {
    #expect(Self.scan(text)?.name == "TYPING_START")
    #expect(Self.scan(text)?.sequence == 7)
  }

  @Test(arguments: [
    "", "{", "{}", "[]", #"{"op":11}"#, #"{"op":0,"s":7,"d":{},"t":"TYPING_START"}"#,
    #"{"t":"TYPING_START","s":7,"op":1,"d":{}}"#, #"{"t":"TYPING_START","s":-7,"op":0,"d":{}}"#,
    #"{"t":"TYPING_START","s":07,"op":0,"d":{}}"#, #"{"t":"TYPING_START","s":7.5,"op":0,"d":{}}"#,
    #"{"t":"TYPING\u005fSTART","s":7,"op":0,"d":{}}"#, #"{"t":null,"s":7,"op":0,"d":{}}"#,
    #"{"t":"TYPING_START","s":7,"op":0,"x":1,"d":{}}"#, #"{"t":"A","t":"B","s":7,"op":0,"d":{}}"#,
    #"{"t":"TYPING_START","s":7,"op":0}"#, #"{"t":"TYPING_START","s":7,"op":0,"d":{"#,
    #"{"t":"TYPING_START","s":12345678901234567890,"op":0,"d":{}}"#, #"{"t":"É","s":7,"op":0,"d":{}}"#,
  ])
  func everythingElseIsLeftToTheParser(text: String) { #expect(Self.scan(text) == nil) }

  @Test func noBeginningOfAMessageIsTakenForOne() {
    let text = #"{"t":"TYPING_START","s":7,"op":0,"d":{"a":1}}"#
    for end in text.indices where text[..<end].last != "}" { #expect(Self.scan(String(text[..<end])) == nil) }
  }

  /// Whatever the order, an event that is wanted is parsed whole, and one that is not counts all the same.
  @Test func theOrderOfTheMembersChangesNothing() async throws {
    let data =
      #"{"id":"1","channel_id":"5","author":{"id":"1","username":"u"},"timestamp":"2024-01-01T00:00:00+00:00"}"#
    func members(_ sequence: Int) -> [String] {
      [#""t":"MESSAGE_CREATE""#, #""s":\#(sequence)"#, #""op":0"#, #""d":\#(data)"#]
    }
    let inbox = Inbox<Dispatched<Message>>()
    let dispatcher = EventDispatcher(log: .silent, metrics: Metrics())
    dispatcher.subscribe(.messageCreate) { inbox.put($0) }
    let metrics = Metrics()
    let wanting = GatewayPipeline(
      shard: ShardID(0, of: 1), compression: .none, dispatcher: dispatcher, cache: nil, log: .silent, metrics: metrics)
    let idle = GatewayPipeline(
      shard: ShardID(0, of: 1), compression: .none, dispatcher: EventDispatcher(log: .silent, metrics: Metrics()),
      cache: nil, log: .silent, metrics: metrics)
    var sequence = 0
    for first in 0..<4 {
      for second in 0..<4 where second != first {
        sequence += 1
        var order = [first, second]
        order += (0..<4).filter { $0 != first && $0 != second }
        let text = "{\(order.map { members(sequence)[$0] }.joined(separator: ","))}"
        #expect(try wanting.receive(text) == nil)
        #expect(try idle.receive(text) == nil)
        #expect(idle.tracker.handledSequence == Int64(sequence))
      }
    }
    wanting.flush()
    #expect(await inbox.wait(for: sequence).map(\.sequence) == (1...sequence).map(Int64.init))
    let line = #"gateway_events_total{shard="0",event="MESSAGE_CREATE"} \#(2 * sequence)"#
    #expect(metrics.render().contains(line + "\n"))
  }

  @Test func brokenDataIsRefusedWhereItIsWantedAndElsewhereNotSeen() throws {
    let dispatcher = EventDispatcher(log: .silent, metrics: Metrics())
    let inbox = Inbox<Dispatched<Guild>>()
    dispatcher.subscribe(.guildCreate) { inbox.put($0) }
    let cache = GuildCache()
    let pipeline = GatewayPipeline(
      shard: ShardID(0, of: 1), compression: .none, dispatcher: dispatcher, cache: cache, log: .silent,
      metrics: Metrics())
    // All that is needed stands before the fault, and still nothing of it is taken over.
    let broken = #"{"t":"GUILD_CREATE","s":3,"op":0,"d":{"id":"100","name":"Org","owner_id":"9","x":[tru]}}"#
    #expect(throws: JSONError.self) { try pipeline.receive(broken) }
    #expect(cache.guildCount == 0)
    #expect(pipeline.tracker.handledSequence == 0)
    #expect(try pipeline.receive(#"{"t":"TYPING_START","s":4,"op":0,"d":{"x":[tru]}}"#) == nil)
    #expect(pipeline.tracker.handledSequence == 4)
  }

  @Test func anEventWithoutDataFailsAndIsDone() throws {
    let dispatcher = EventDispatcher(log: .silent, metrics: Metrics())
    dispatcher.subscribe(.guildCreate) { _ in }
    let metrics = Metrics()
    let pipeline = GatewayPipeline(
      shard: ShardID(0, of: 1), compression: .none, dispatcher: dispatcher, cache: nil, log: .silent, metrics: metrics)
    #expect(try pipeline.receive(#"{"t":"GUILD_CREATE","s":3,"op":0,"d":null}"#) == nil)
    #expect(try pipeline.receive(#"{"t":"GUILD_CREATE","s":4,"op":0}"#) == nil)
    #expect(pipeline.tracker.isIdle && pipeline.tracker.handledSequence == 4)
    #expect(metrics.render().contains("gateway_event_decode_failures_total{event=\"GUILD_CREATE\"} 2"))
    #expect(try pipeline.receive(#"{"t":"RESUMED","s":5,"op":0}"#) == .resumed)
  }

  @Test func unknownValuesAreToldOfByTheShardThatReadsThem() throws {
    let dispatcher = EventDispatcher(log: .silent, metrics: Metrics())
    dispatcher.subscribe(.channelCreate) { _ in }
    let metrics = Metrics()
    let pipeline = GatewayPipeline(
      shard: ShardID(0, of: 1), compression: .none, dispatcher: dispatcher, cache: nil, log: .silent, metrics: metrics)
    _ = try pipeline.receive(#"{"t":"CHANNEL_CREATE","s":1,"op":0,"d":{"id":"1","type":77}}"#)
    _ = try pipeline.receive(#"{"t":"NOT_DOCUMENTED","s":2,"op":0,"d":{}}"#)
    #expect(metrics.render().contains("gateway_faults_total{kind=\"unknown_value\"} 1"))
    #expect(metrics.render().contains("gateway_faults_total{kind=\"unknown_event\"} 1"))
  }
}

@Suite struct EventTableTests {
  @Test func everyNameIsFoundAndNoOther() {
    let dispatcher = EventDispatcher(log: .silent, metrics: Metrics())
    dispatcher.subscribe(EventType<Message>("SHORT")) { _ in }
    dispatcher.subscribe(EventType<Message>("SOMETHING_ELSE")) { _ in }
    let table = EventTable(feeds: dispatcher.feeds(), cache: GuildCache())
    func find(_ name: String) -> EventRoute? { Array(name.utf8).withUnsafeBufferPointer { table[$0] } }
    for name in DocumentedEvents.names + ["SHORT", "SOMETHING_ELSE"] {
      #expect(find(name).map { String(decoding: $0.name, as: UTF8.self) } == name)
      for other in ["", String(name.dropLast()), name + "X", name.lowercased(), String(name.reversed())] {
        #expect(find(other) == nil)
      }
    }
    #expect(find("SHORT")?.isWanted == true)
    #expect(find("TYPING_START")?.isWanted == false)
    #expect(find("GUILD_CREATE")?.cached == .guildCreate)
    #expect(EventTable(feeds: [], cache: nil)[UnsafeBufferPointer(start: nil, count: 0)] == nil)
  }
}

@Suite struct EventQueueTests {
  private let tracker = HandledTracker()

  private func burst(_ sequences: ClosedRange<Int64>, _ origin: EventOrigin) -> EventBurst<Int> {
    EventBurst(
      origin: origin,
      events: sequences.map { Dispatched(payload: Int($0), sequence: $0, origin: origin) }, sequences: Array(sequences))
  }

  @Test func burstsStayInOrderAndSmallOnesAreJoined() async {
    let origin = EventOrigin(shard: ShardID(0, of: 1), sessionID: "a", tracker: tracker, generation: 0)
    let later = EventOrigin(shard: ShardID(0, of: 1), sessionID: "b", tracker: tracker, generation: 1)
    let queue = EventQueue<Int>(capacity: 1_000)
    for part in [burst(1...10, origin), burst(11...20, origin), burst(21...80, origin), burst(1...2, later)] {
      #expect(queue.push(part).isEmpty)
    }
    queue.finish()
    var taken: [EventBurst<Int>] = []
    while let next = await queue.next() { taken.append(next) }
    #expect(taken.map(\.sequences) == [Array(1...20), Array(21...80), [1, 2]])
    #expect(taken.allSatisfy { $0.events.map(\.sequence) == $0.sequences && $0.events.count == $0.count })
    #expect(queue.push(burst(3...4, later)).map(\.sequences) == [[3, 4]], "after the end everything comes back")
  }

  @Test func theOldestMakeRoom() async {
    let origin = EventOrigin(shard: ShardID(0, of: 1), sessionID: "a", tracker: tracker, generation: 0)
    let queue = EventQueue<Int>(capacity: 50)
    #expect(queue.push(burst(1...40, origin)).isEmpty)
    let lost = queue.push(burst(41...100, origin))
    #expect(lost.flatMap(\.sequences) == Array(1...50))
    #expect(lost.flatMap { $0.events.map(\.payload) } == Array(1...50))
    queue.finish()
    var taken: [Int64] = []
    while let next = await queue.next(maximum: 7) {
      #expect(next.count <= 7)
      taken += next.sequences
    }
    #expect(taken == Array(51...100))
  }

  @Test func finishingIsCountedInAnyOrderAndPerSession() {
    let tracker = HandledTracker()
    let first = EventOrigin(
      shard: ShardID(0, of: 1), sessionID: "a", tracker: tracker, generation: tracker.begin(at: 10))
    for sequence in 11...15 { tracker.open(Int64(sequence), receivers: sequence == 12 ? 2 : 1) }
    first.finish([11, 12, 14])
    #expect(tracker.handledSequence == 11)
    first.finish([15, 13])
    #expect(tracker.handledSequence == 11)
    first.finish([12])
    #expect(tracker.handledSequence == 15 && tracker.isIdle)
    first.finish([12, 99])
    #expect(tracker.isIdle)
    tracker.open(16, receivers: 1)
    let second = EventOrigin(
      shard: ShardID(0, of: 1), sessionID: "b", tracker: tracker, generation: tracker.begin(at: 1))
    tracker.open(2, receivers: 1)
    first.finish([16, 2])
    #expect(tracker.handledSequence == 1, "what belongs to an earlier session changes nothing")
    second.finish([2])
    #expect(tracker.handledSequence == 2)
  }
}
