import Synchronization

/// Where code gets the time from. Everything that waits or measures takes one, so that tests can move time by hand.
public protocol TimeSource: Sendable {
  /// Monotonic: never jumps, goes on while the machine sleeps.
  var now: ContinuousClock.Instant { get }
  /// Civil time, for what is stored or shown.
  var timestamp: Timestamp { get }
  /// Returns at or after `deadline`.
  /// - Throws: `CancellationError` as soon as the task is cancelled.
  func sleep(until deadline: ContinuousClock.Instant) async throws
}

extension TimeSource {
  /// Returns after at least `duration`.
  public func sleep(for duration: Duration) async throws {
    try await sleep(until: now.advanced(by: duration))
  }
}

/// The machine's own clocks.
public struct SystemTime: TimeSource {
  public init() {}
  public var now: ContinuousClock.Instant { .now }
  public var timestamp: Timestamp { .now }
  public func sleep(until deadline: ContinuousClock.Instant) async throws {
    try await Task.sleep(until: deadline, clock: .continuous)
  }
}

/// Time that stands still until a test moves it.
public final class ManualTime: TimeSource {
  private struct Sleeper {
    let deadline: ContinuousClock.Instant
    let continuation: CheckedContinuation<Void, any Error>
  }
  private struct State {
    var elapsed: Duration = .zero
    var nextID = 0
    var sleepers: [Int: Sleeper] = [:]
    var cancelled: Set<Int> = []
    var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
  }

  private let start = ContinuousClock.Instant.now
  private let startTimestamp: Timestamp
  private let state = Mutex(State())

  public init(timestamp: Timestamp = Timestamp(seconds: 1_700_000_000)) {
    startTimestamp = timestamp
  }

  public var now: ContinuousClock.Instant { start.advanced(by: state.withLock { $0.elapsed }) }
  public var timestamp: Timestamp { startTimestamp + state.withLock { $0.elapsed } }

  /// How many tasks sleep at this moment.
  public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

  /// Moves time forward and wakes whoever is due, earliest first.
  public func advance(by duration: Duration) {
    let due = state.withLock { state in
      state.elapsed += duration
      let now = start.advanced(by: state.elapsed)
      let due = state.sleepers.filter { $0.value.deadline <= now }
      for id in due.keys { state.sleepers[id] = nil }
      return due.values.sorted { $0.deadline < $1.deadline }
    }
    for sleeper in due { sleeper.continuation.resume() }
  }

  /// Returns once at least `count` tasks sleep: the moment at which moving time has an effect.
  public func waitForSleepers(_ count: Int = 1) async {
    await withCheckedContinuation { continuation in
      let enough = state.withLock { state in
        if state.sleepers.count >= count { return true }
        state.watchers.append((count, continuation))
        return false
      }
      if enough { continuation.resume() }
    }
  }

  public func sleep(until deadline: ContinuousClock.Instant) async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        enum Outcome { case due, cancelled, sleeping([CheckedContinuation<Void, Never>]) }
        let outcome: Outcome = state.withLock { state in
          if state.cancelled.remove(id) != nil { return .cancelled }
          if deadline <= start.advanced(by: state.elapsed) { return .due }
          state.sleepers[id] = Sleeper(deadline: deadline, continuation: continuation)
          let satisfied = state.watchers.filter { $0.count <= state.sleepers.count }.map(\.continuation)
          state.watchers.removeAll { $0.count <= state.sleepers.count }
          return .sleeping(satisfied)
        }
        switch outcome {
        case .due: continuation.resume()
        case .cancelled: continuation.resume(throwing: CancellationError())
        case .sleeping(let watchers): for watcher in watchers { watcher.resume() }
        }
      }
    } onCancel: {
      let sleeper = state.withLock { state in
        let sleeper = state.sleepers.removeValue(forKey: id)
        if sleeper == nil { state.cancelled.insert(id) }
        return sleeper
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
    state.withLock { _ = $0.cancelled.remove(id) }
  }
}

extension Duration {
  /// This span as a number of milliseconds, fraction included.
  public var inMilliseconds: Double {
    Double(components.seconds) * 1_000 + Double(components.attoseconds) / 1e15
  }

  /// This span as a number of seconds, fraction included.
  public var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
