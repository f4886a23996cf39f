import Platform
import TestInputs
import Testing

@testable import Gateway

/// Real events, spoiled at random but always in the same way. What is asked is that nothing ends the process, and that
/// what comes next is read.
@Suite struct PipelineFuzzTests {
  private static let interaction = #"""
    {"op":0,"s":9,"t":"INTERACTION_CREATE","d":{"id":"9","application_id":"2","type":2,"token":"t","version":1,
     "guild_id":"100","channel_id":"5","channel":{"id":"5","type":0,"permissions":"8"},"locale":"de","context":0,
     "member":{"user":{"id":"8","username":"e"},"roles":["7"],"permissions":"2147483647",
               "joined_at":"2024-02-29T23:59:60.123456+00:00"},
     "authorizing_integration_owners":{"0":"100"},"entitlements":[],
     "data":{"id":"4","name":"pay","type":1,"resolved":{"users":{"8":{"id":"8","username":"e"}}},
             "options":[{"name":"member","type":6,"value":"8"},{"name":"amount","type":4,"value":5}]}}}
    """#
  private static let corpus = [
    readyEvent, guildEvent, messageEvent(3), interaction, #"{"op":10,"d":{"heartbeat_interval":41250.5}}"#,
  ]
  .map { Array($0.utf8) }
  /// What numbers, strings and brackets are replaced by.
  private static let tokens = [
    "-1", "9223372036854775807", "1e308", "-0", "null", "{}", "[]", "\"\"", "true", "\"\\ud800\"",
    "\"18446744073709551616\"",
    "\u{0}", "{\"d\":", "]}",
  ].map { Array($0.utf8) }

  private static func spoil(_ bytes: [UInt8], _ random: SeededRandom) -> [UInt8] {
    var bytes = bytes
    for _ in 0...random.integer(below: 4) where !bytes.isEmpty {
      let place = random.integer(below: bytes.count)
      let length = min(random.integer(below: 24), bytes.count - place)
      switch random.integer(below: 6) {
      case 0: bytes[place] ^= UInt8(1 << random.integer(below: 8))
      case 1: bytes.removeSubrange(place..<place + length)
      case 2: bytes.insert(contentsOf: bytes[place..<place + length], at: random.integer(below: bytes.count))
      case 3: bytes.removeLast(bytes.count - place)
      case 4: bytes.replaceSubrange(place..<place + length, with: tokens[random.integer(below: tokens.count)])
      default:
        // A whole value: from a colon to what ends it.
        guard let colon = bytes[place...].firstIndex(of: UInt8(ascii: ":")) else { continue }
        let end = bytes[colon...].firstIndex { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") } ?? bytes.endIndex
        bytes.replaceSubrange(colon + 1..<max(end, colon + 1), with: tokens[random.integer(below: tokens.count)])
      }
    }
    return bytes
  }

  private static func dispatcher() -> EventDispatcher {
    let dispatcher = EventDispatcher(log: .silent, metrics: Metrics())
    dispatcher.subscribe(.ready) { _ in }
    dispatcher.subscribe(.guildCreate) { _ in }
    dispatcher.subscribe(.messageCreate) { _ in }
    dispatcher.subscribe(.interactionCreate) { _ in }
    return dispatcher
  }

  @Test(arguments: GatewayCompression.allCases)
  func spoiledEventsNeverEndTheProcess(compression: GatewayCompression) async throws {
    let random = Fuzz.random(20_261_121)
    let dispatcher = Self.dispatcher()
    defer { dispatcher.finish() }
    let metrics = Metrics()
    let pipeline = GatewayPipeline(
      shard: ShardID(0, of: 1), compression: compression, dispatcher: dispatcher, cache: GuildCache(),
      maximumMessageSize: 1 << 20, log: .silent, metrics: metrics)
    var machine = ShardMachine(
      settings: ShardMachine.Settings(shard: ShardID(0, of: 1), url: "ws://x", intents: []), session: nil,
      random: random)
    var refused = 0
    for round in 0..<Fuzz.rounds(compression == .none ? 6_000 : 2_000) {
      if round % 32 == 0 { await Task.yield() }  // leaves the two or so threads of the pool to others
      pipeline.startConnection()
      _ = machine.handle(.start)
      _ = machine.handle(.timer(.reconnect))
      _ = machine.handle(.connected)
      _ = machine.handle(.frame(.hello(heartbeatInterval: .seconds(40))))
      _ = machine.handle(.identifySlotGranted)
      let event = Self.corpus[random.integer(below: Self.corpus.count)]
      let payload: [UInt8] =
        switch compression {
        case .none: Self.spoil(event, random)
        case .zlibStream: Self.spoil(try ZlibStreamDeflater().deflate(event), random)
        case .zstdStream: Self.spoil(try ZstdStreamDeflater().deflate(event), random)
        }
      do {
        let frame = try payload.withUnsafeBufferPointer {
          try pipeline.receive($0, acceptsReady: { machine.acceptsReady }) { try machine.admit(sequence: $0) }
        }
        if let frame { Self.check(machine.handle(.frame(frame))) }
      } catch {
        refused += 1
        Self.check(machine.handle(.unreadable))
      }
      #expect(machine.state != .failed && machine.state != .stopped)
      if let session = machine.session { #expect((0..<1 << 40).contains(session.sequence)) }
    }
    #expect(refused > 100, "the spoiling spoils")
    pipeline.startConnection()
    let good = Array(messageEvent(1).utf8)
    let packed: [UInt8] =
      switch compression {
      case .none: good
      case .zlibStream: try ZlibStreamDeflater().deflate(good)
      case .zstdStream: try ZstdStreamDeflater().deflate(good)
      }
    #expect(try packed.withUnsafeBufferPointer { try pipeline.receive($0) { _ in true } } == nil)
    pipeline.flush()
  }

  /// Nothing that Discord sends may make us end the session ourselves.
  private static func check(_ actions: [ShardMachine.Action]) {
    for case .close(let code) in actions { #expect(code == .keepSession) }
  }
}
