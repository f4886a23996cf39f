import Platform
import Synchronization
import Testing

@testable import Gateway

/// Collects what handlers receive and lets a test wait for it.
final class Inbox<Element: Sendable>: Sendable {
  private struct State {
    var items: [Element] = []
    var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
  }
  private let state = Mutex(State())

  var items: [Element] { state.withLock { $0.items } }

  func put(_ elements: [Element]) {
    let due = state.withLock { state in
      state.items += elements
      let due = state.waiters.filter { $0.count <= state.items.count }
      state.waiters.removeAll { $0.count <= state.items.count }
      return due
    }
    for waiter in due { waiter.continuation.resume() }
  }

  /// Returns once so many have come.
  func wait(for count: Int) async -> [Element] {
    await withCheckedContinuation { continuation in
      let isEnough = state.withLock { state in
        if state.items.count >= count { return true }
        state.waiters.append((count, continuation))
        return false
      }
      if isEnough { continuation.resume() }
    }
    return items
  }
}

/// Holds a handler until a test opens it.
actor Latch {
  private var isOpen = false
  private var waiters: [CheckedContinuation<Void, Never>] = []
  func wait() async {
    if !isOpen { await withCheckedContinuation { waiters.append($0) } }
  }
  func open() {
    isOpen = true
    for waiter in waiters { waiter.resume() }
    waiters = []
  }
}

func messageEvent(_ sequence: Int, content: String = "x") -> String {
  #"{"op":0,"s":\#(sequence),"t":"MESSAGE_CREATE","d":{"id":"\#(sequence)","channel_id":"5","author":{"id":"1","#
    + #""username":"u"},"content":"\#(content)","timestamp":"2024-01-01T00:00:00+00:00"}}"#
}
let readyEvent =
  #"{"op":0,"s":1,"t":"READY","d":{"v":10,"user":{"id":"1","username":"bot"},"session_id":"S","#
  + #""resume_gateway_url":"ws://resume","application":{"id":"2","flags":0},"guilds":[{"id":"100","unavailable":true}]}}"#
let guildEvent = #"""
  {"op":0,"s":2,"t":"GUILD_CREATE","d":{"id":"100","name":"Org","owner_id":"9","member_count":3,"large":false,
   "roles":[{"id":"100","name":"@everyone","permissions":"1024"}],
   "channels":[{"id":"5","type":0,"name":"general"},{"id":"6","type":77,"name":"new"}],
   "threads":[],"members":[{"user":{"id":"1","username":"bot"},"roles":["7"]},
                           {"user":{"id":"8","username":"else"},"roles":[]}]}}
  """#

extension GatewayPipeline {
  func receive(_ text: String) throws -> GatewayFrame? {
    try Array(text.utf8).withUnsafeBufferPointer { try receive($0) { _ in true } }
  }
}

private func pipeline(
  _ dispatcher: EventDispatcher, compression: GatewayCompression = .none, cache: GuildCache? = nil,
  log: Log = .silent, metrics: Metrics = Metrics()
) -> GatewayPipeline {
  GatewayPipeline(
    shard: ShardID(0, of: 1), compression: compression, dispatcher: dispatcher, cache: cache, maximumMessageSize: 4096,
    log: log, metrics: metrics)
}

@Suite struct GatewayPipelineTests {
  @Test func eventsReachTheirHandlersInOrderWithSessionAndSequence() async throws {
    let dispatcher = EventDispatcher(log: .silent, metrics: Metrics())
    let inbox = Inbox<Dispatched<Message>>()
    dispatcher.subscribe(.messageCreate) { inbox.put($0) }
    let pipeline = pipeline(dispatcher)
    #expect(try pipeline.receive(readyEvent) == .ready(sessionID: "S", resumeURL: "ws://resume", sequence: 1))
    for sequence in 2..<200 { #expect(try pipeline.receive(messageEvent(sequence)) == nil) }
    pipeline.flush()
    let events = await inbox.wait(for: 198)
    #expect(events.map(\.sequence) == Array(2..<200))
    #expect(events.allSatisfy { $0.sessionID == "S" && $0.payload.id.rawValue == UInt64($0.sequence) })
  }

  @Test(arguments: GatewayCompression.allCases)
  func everyCompressionIsUnpacked(compression: GatewayCompression) async throws {
    let dispatcher = EventDispatcher(log: .silent, metrics: Metrics())
    let inbox = Inbox<Dispatched<Message>>()
    dispatcher.subscribe(.messageCreate) { inbox.put($0) }
    let pipeline = pipeline(dispatcher, compression: compression)
    for _ in 0..<2 {
      // A new connection has a new compression context.
      pipeline.startConnection()
      let zlib = ZlibStreamDeflater()
      let zstd = ZstdStreamDeflater()
      for text in [#"{"op":11}"#, messageEvent(1), messageEvent(2)] {
        let bytes = Array(text.utf8)
        let payload =
          switch compression {
          case .none: bytes
          case .zlibStream: try zlib.deflate(bytes)
          case .zstdStream: try zstd.deflate(bytes)
          }
        let frame = try payload.withUnsafeBufferPointer { try pipeline.receive($0) { _ in true } }
        #expect(frame == (text == #"{"op":11}"# ? .heartbeatACK : nil))
      }
    }
    pipeline.flush()
    #expect(await inbox.wait(for: 4).count == 4)
  }

  @Test(arguments: [
    "", "{", "[]", "null", "{}", #"{"op":"0"}"#, #"{"op":0,"t":"X","d":{}}"#, #"{"op":0,"s":1,"d":{}}"#,
    #"{"op":10,"d":{}}"#, #"{"op":0,"s":1,"t":"READY","d":{}}"#, "\u{FFFD}",
  ])
  func whatIsNoGatewayMessageIsRefused(text: String) {
    let pipeline = pipeline(EventDispatcher(log: .silent, metrics: Metrics()))
    #expect(throws: (any Error).self) { try pipeline.receive(text) }
  }

  @Test func corruptAndOversizedDataIsRefused() throws {
    let dispatcher = EventDispatcher(log: .silent, metrics: Metrics())
    let packed = pipeline(dispatcher, compression: .zlibStream)
    let garbage: [UInt8] = [1, 2, 3, 4, 0, 0, 0xFF, 0xFF]
    #expect(throws: CompressionError.self) {
      try garbage.withUnsafeBufferPointer { try packed.receive($0) { _ in true } }
    }
    packed.startConnection()
    let bomb = try ZlibStreamDeflater().deflate(
      Array(messageEvent(1, content: String(repeating: "a", count: 5_000)).utf8))
    #expect(throws: CompressionError.self) {
      try bomb.withUnsafeBufferPointer { try packed.receive($0) { _ in true } }
    }
  }

  @Test func anEventThatCannotBeReadIsCountedAndPassedOver() async throws {
    let metrics = Metrics()
    let sink = MemoryLogSink()
    let dispatcher = EventDispatcher(log: .silent, metrics: metrics)
    let inbox = Inbox<Dispatched<Message>>()
    dispatcher.subscribe(.messageCreate) { inbox.put($0) }
    let pipeline = pipeline(dispatcher, log: Log(label: "t", sink: sink), metrics: metrics)
    for sequence in 1...3 {
      _ = try pipeline.receive(#"{"op":0,"s":\#(sequence),"t":"MESSAGE_CREATE","d":{"id":7}}"#)
    }
    _ = try pipeline.receive(messageEvent(4))
    pipeline.flush()
    #expect(await inbox.wait(for: 1).map(\.sequence) == [4])
    #expect(metrics.render().contains("gateway_event_decode_failures_total{event=\"MESSAGE_CREATE\"} 3"))
    #expect(sink.records.count == 1)
  }

  @Test func unwantedAndUnknownEventsCostNothingButTheirSequence() throws {
    let pipeline = pipeline(EventDispatcher(log: .silent, metrics: Metrics()))
    #expect(try pipeline.receive(#"{"op":0,"s":5,"t":"SOMETHING_NEW","d":[1,2]}"#) == nil)
    #expect(pipeline.tracker.handledSequence == 5)
    #expect(try pipeline.receive(#"{"op":77,"d":null}"#) == .unknown(opcode: 77))
  }

  @Test func theSavedSequenceNeverSkipsAnEventInWork() async throws {
    let dispatcher = EventDispatcher(log: .silent, metrics: Metrics())
    let latch = Latch()
    let inbox = Inbox<Dispatched<Message>>()
    dispatcher.subscribe(.messageCreate, delivery: .concurrent(limit: 8)) { events in
      if events[0].sequence == 3 { await latch.wait() }
      inbox.put(events)
    }
    let pipeline = pipeline(dispatcher)
    for sequence in 2...5 { _ = try pipeline.receive(messageEvent(sequence)) }
    pipeline.flush()
    #expect(Set(await inbox.wait(for: 3).map(\.sequence)) == [2, 4, 5])
    #expect(pipeline.tracker.isIdle == false)
    #expect(pipeline.tracker.handledSequence <= 2)
    await latch.open()
    _ = await inbox.wait(for: 4)
    while !pipeline.tracker.isIdle { await Task.yield() }
    #expect(pipeline.tracker.handledSequence == 5)
  }

  @Test func aFullQueueDropsItsOldestAndSaysSo() async throws {
    let metrics = Metrics()
    let dispatcher = EventDispatcher(log: .silent, metrics: metrics)
    let latch = Latch()
    let started = Inbox<Int64>()
    let inbox = Inbox<Dispatched<Message>>()
    dispatcher.subscribe(.messageCreate, capacity: 3) { events in
      started.put(events.map(\.sequence))
      await latch.wait()
      inbox.put(events)
    }
    let pipeline = pipeline(dispatcher, metrics: metrics)
    _ = try pipeline.receive(messageEvent(1))
    pipeline.flush()
    _ = await started.wait(for: 1)
    for sequence in 2...6 { _ = try pipeline.receive(messageEvent(sequence)) }
    pipeline.flush()
    await latch.open()
    #expect(await inbox.wait(for: 4).map(\.sequence) == [1, 4, 5, 6])
    #expect(metrics.render().contains("gateway_events_dropped_total{event=\"MESSAGE_CREATE\"} 2"))
  }
}
