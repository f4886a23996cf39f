import CAllocationCounter
import Gateway
import Platform

/// How often the heap is asked for memory per event, from the compressed frame to the return of the handler.
enum AllocationsBenchmark {
  static func run(_ options: Options) async throws {
    let count = try options.number("count", default: 10_000)
    for kind in FrameGenerator.Kind.allCases {
      let events = kind == .guilds ? max(1, count / 500) : count
      var generator = FrameGenerator(seed: 1)
      // The first quarter makes everything grow to its size.
      let frames = try FrameFile(packing: (0..<events + events / 4 + 1).lazy.map { _ in generator.event(kind) }).frames
      let allocations = try await measure(frames, warmUp: frames.count - events)
      let line: JSON = [
        "benchmark": "allocations", "event": .string(kind.eventName), "events": .integer(Int64(events)),
        "allocationsPerEvent": .double((Double(allocations) / Double(events) * 100).rounded() / 100),
      ]
      print(line)
    }
  }

  private static func measure(_ frames: [[UInt8]], warmUp: Int) async throws -> UInt64 {
    let metrics = Metrics()
    let dispatcher = EventDispatcher(log: .silent, metrics: metrics)
    let handled = Handled()
    dispatcher.subscribe(.messageCreate, capacity: .max) { handled.add($0.count) }
    dispatcher.subscribe(.guildCreate, capacity: .max) { handled.add($0.count) }
    dispatcher.subscribe(.interactionCreate, capacity: .max) { handled.add($0.count) }
    let pipeline = GatewayPipeline(
      shard: ShardID(0, of: 1), compression: .zlibStream, dispatcher: dispatcher, cache: GuildCache(), log: .silent,
      metrics: metrics)
    func receive(_ frames: ArraySlice<[UInt8]>) async throws {
      // Sixteen at a time, as a busy socket brings them.
      for start in stride(from: frames.startIndex, to: frames.endIndex, by: 16) {
        for frame in frames[start..<min(start + 16, frames.endIndex)] {
          try frame.withUnsafeBufferPointer { payload in _ = try pipeline.receive(payload) { _ in true } }
        }
        pipeline.flush()
        // So that no two bursts are joined, however the threads are scheduled. To yield instead would allocate, and more
        // the busier the machine is.
        await handled.waitFor(min(start + 16, frames.endIndex))
      }
    }
    try await receive(frames[..<warmUp])
    adj_allocations_start()
    try await receive(frames[warmUp...])
    let allocations = adj_allocations_stop()
    dispatcher.finish()
    return allocations
  }
}
