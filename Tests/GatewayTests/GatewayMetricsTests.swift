import Platform
import Testing

@testable import Gateway

struct GatewayMetricsTests {
  private let metrics = Metrics()

  private func lines(_ name: String) -> [String] {
    metrics.render().split(separator: "\n").map(String.init).filter { $0.hasPrefix(name) }
  }

  @Test func anotherSetOfShardsLeavesNoLineOfTheFormerBehind() {
    let figures = GatewayMetrics(metrics)
    var ready = ShardStatus(shard: ShardID(0, of: 2))
    ready.state = .ready
    ready.latency = .milliseconds(50)
    figures.show([ready, ShardStatus(shard: ShardID(1, of: 2))])
    #expect(lines("gateway_shards ") == ["gateway_shards 2"])
    #expect(
      lines("gateway_shard_ready{") == [#"gateway_shard_ready{shard="0"} 1"#, #"gateway_shard_ready{shard="1"} 0"#])
    #expect(lines("gateway_heartbeat_latency_seconds{") == [#"gateway_heartbeat_latency_seconds{shard="0"} 0.05"#])
    figures.show([ShardStatus(shard: ShardID(0, of: 1))])
    #expect(lines("gateway_shards ") == ["gateway_shards 1"])
    #expect(lines("gateway_shard_ready{") == [#"gateway_shard_ready{shard="0"} 0"#])
  }

  @Test func eventsAreCountedByShardAndNameAndUnknownOnesTogether() throws {
    let pipeline = GatewayPipeline(
      shard: ShardID(3, of: 4), compression: .none, dispatcher: EventDispatcher(log: .silent, metrics: metrics),
      cache: nil, log: .silent, metrics: metrics)
    let names = ["TYPING_START", "MADE_UP", "TYPING_START", "GUILD_CREATE", "MADE_UP_TOO"]
    for (index, name) in names.enumerated() {
      _ = try pipeline.receive(#"{"op":0,"s":\#(index + 1),"t":"\#(name)","d":{}}"#)
    }
    #expect(
      lines("gateway_events_total") == [
        #"gateway_events_total{shard="3",event="GUILD_CREATE"} 1"#,
        #"gateway_events_total{shard="3",event="TYPING_START"} 2"#,
        #"gateway_events_total{shard="3",event="unknown"} 2"#,
      ])
  }

  @Test func waitingEventsAreCountedUntilTheirHandlerTakesThem() async throws {
    let dispatcher = EventDispatcher(log: .silent, metrics: metrics)
    let began = Inbox<Int>()
    let latch = Latch()
    dispatcher.subscribe(.guildDelete) { batch in
      began.put([batch.count])
      await latch.wait()
    }
    let pipeline = GatewayPipeline(
      shard: ShardID(0, of: 1), compression: .none, dispatcher: dispatcher, cache: nil, log: .silent, metrics: metrics)
    func deliver(_ sequence: Int) throws {
      _ = try pipeline.receive(#"{"op":0,"s":\#(sequence),"t":"GUILD_DELETE","d":{"id":"1"}}"#)
      pipeline.flush()
    }
    try deliver(1)
    _ = await began.wait(for: 1)
    for sequence in 2...4 { try deliver(sequence) }
    #expect(lines("gateway_events_waiting{") == [#"gateway_events_waiting{event="GUILD_DELETE"} 3"#])
    await latch.open()
    dispatcher.finish()
    _ = await began.wait(for: 2)
    #expect(lines("gateway_events_waiting{") == [#"gateway_events_waiting{event="GUILD_DELETE"} 0"#])
  }
}
