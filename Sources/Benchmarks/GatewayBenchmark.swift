import Gateway
import Glibc
import Platform
import Synchronization

/// Inflate alone against inflate to handler, over the same frames in the same run.
///
/// The second is what a shard does with a message: inflate, envelope, sequence, cache, decode of every event that is
/// subscribed to, and the hand-over to one handler, in batches as a socket brings them.
enum GatewayBenchmark {
  /// How many frames a burst of the socket brings at most.
  private static let burst = 64

  static func run(_ options: Options) async throws {
    let file = try FrameFile(reading: options.string("frames"))
    let hasSubscriber = !options.flag("no-subscriber")
    for _ in 0..<(try options.number("repeat", default: 5)) {
      let start = ContinuousClock.now
      let startCPU = cpuTime()
      let bytesOut = try BareInflate.run(file.frames)
      let inflateOnly = ContinuousClock.now - start
      let inflateOnlyCPU = cpuTime() - startCPU
      let (events, dispatch, pipelineCPU) = try await dispatchAll(file.frames, hasSubscriber: hasSubscriber)
      let dispatchCPU = cpuTime() - startCPU - inflateOnlyCPU
      let line: JSON = [
        "benchmark": "gateway", "events": .integer(Int64(events)),
        "bytesIn": .integer(Int64(file.frames.reduce(0) { $0 + $1.count })), "bytesOut": .integer(Int64(bytesOut)),
        "inflateOnlySeconds": .double(inflateOnly.inSeconds), "dispatchSeconds": .double(dispatch.inSeconds),
        "ratio": .double(inflateOnly.inSeconds / dispatch.inSeconds),
        // Of all threads together: says less about latency, but other programs disturb it less.
        "inflateOnlyCPUSeconds": .double(inflateOnlyCPU), "dispatchCPUSeconds": .double(dispatchCPU),
        "cpuRatio": .double(inflateOnlyCPU / dispatchCPU),
        // Of the shard's thread alone: what the wall clock shows where there is a processor for the handler beside it.
        "shardCPUSeconds": .double(pipelineCPU), "shardCPURatio": .double(inflateOnlyCPU / pipelineCPU),
        "peakRSSBytes": .integer(Int64(peakRSS())),
      ]
      print(line)
    }
  }

  /// - Parameter hasSubscriber: whether there is a handler and a cache; else nobody wants the events.
  /// - Returns: how many events came through, the time from the first frame to the last event handled, and the time of
  ///   the shard's thread in seconds.
  private static func dispatchAll(
    _ frames: [[UInt8]], hasSubscriber: Bool
  ) async throws -> (events: Int, time: Duration, shardCPU: Double) {
    let metrics = Metrics()
    let dispatcher = EventDispatcher(log: .silent, metrics: metrics)
    let handled = Handled()
    if hasSubscriber {
      // Each kind of frame file holds one kind of event.
      dispatcher.subscribe(.messageCreate, capacity: .max) { handled.add($0.count) }
      dispatcher.subscribe(.guildCreate, capacity: .max) { handled.add($0.count) }
      dispatcher.subscribe(.interactionCreate, capacity: .max) { handled.add($0.count) }
    }
    let pipeline = GatewayPipeline(
      shard: ShardID(0, of: 1), compression: .zlibStream, dispatcher: dispatcher,
      cache: hasSubscriber ? GuildCache() : nil, log: .silent, metrics: metrics)
    let start = ContinuousClock.now
    let shardCPU = try receive(frames, pipeline)
    if hasSubscriber { await handled.waitFor(frames.count) }
    let time = ContinuousClock.now - start
    dispatcher.finish()
    return (frames.count, time, shardCPU)
  }

  /// - Returns: the time that this thread took for it.
  private static func receive(_ frames: [[UInt8]], _ pipeline: GatewayPipeline) throws -> Double {
    let start = cpuTime(CLOCK_THREAD_CPUTIME_ID)
    var sequence: Int64 = 0
    for (index, frame) in frames.enumerated() {
      try frame.withUnsafeBufferPointer { payload in
        _ = try pipeline.receive(payload) { number in
          defer { sequence = max(sequence, number) }
          return number > sequence
        }
      }
      if index % burst == burst - 1 { pipeline.flush() }
    }
    pipeline.flush()
    return cpuTime(CLOCK_THREAD_CPUTIME_ID) - start
  }

  private static func cpuTime(_ clock: clockid_t = CLOCK_PROCESS_CPUTIME_ID) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private static func peakRSS() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  }
}

/// Counts what the handler got.
final class Handled: Sendable {
  private struct State {
    var count = 0
    var waiting: (count: Int, continuation: CheckedContinuation<Void, Never>)?
  }
  private let state = Mutex(State())

  func add(_ number: Int) {
    let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
      state.count += number
      guard let waiting = state.waiting, state.count >= waiting.count else { return nil }
      state.waiting = nil
      return waiting.continuation
    }
    continuation?.resume()
  }

  func waitFor(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let isDone = state.withLock { state in
        if state.count >= count { return true }
        state.waiting = (count, continuation)
        return false
      }
      if isDone { continuation.resume() }
    }
  }
}
