import Platform
import Storage
import Synchronization

/// What a live listener gets at once.
public struct LiveEvents: Sendable, Equatable {
  /// How many events were lost before these, because the listener was too slow. It should look at the state anew.
  public var missed: Int
  /// In order; empty only if ``missed`` is not 0.
  public var events: [DomainEvent]
}

/// What one listener has not fetched yet. When it is full, the oldest go: the newest say what is true now.
final class LiveEventBuffer: Sendable {
  private struct State {
    var events: [DomainEvent] = []
    var missed = 0
    var isFinished = false
    var waiter: CheckedContinuation<Void, Never>?
  }
  private let bound: Int
  private let state = Mutex(State())

  init(bound: Int) {
    precondition(bound > 0)
    self.bound = bound
  }

  /// - Parameter missed: how many before these nobody can give.
  func add(_ events: [DomainEvent], missed: Int) {
    let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard !state.isFinished else { return nil }
      if missed > 0 {
        state.missed += state.events.count + missed
        state.events = []
      }
      state.events += events
      let excess = state.events.count - bound
      if excess > 0 {
        state.events.removeFirst(excess)
        state.missed += excess
      }
      return state.waiter.take()
    }
    waiter?.resume()
  }

  func finish() {
    let waiter = state.withLock { state in
      state.isFinished = true
      state.events = []
      return state.waiter.take()
    }
    waiter?.resume()
  }

  /// Nil after ``finish()``. For one caller at a time.
  func next() async -> LiveEvents? {
    while true {
      let (result, isFinished) = state.withLock { state -> (LiveEvents?, Bool) in
        guard !state.events.isEmpty || state.missed > 0, !state.isFinished else { return (nil, state.isFinished) }
        defer {
          state.events = []
          state.missed = 0
        }
        return (LiveEvents(missed: state.missed, events: state.events), false)
      }
      if result != nil || isFinished { return result }
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          guard state.events.isEmpty, state.missed == 0, !state.isFinished else { return true }
          state.waiter = continuation
          return false
        }
        if isReady { continuation.resume() }
      }
    }
  }
}

/// Those who listen in this process. A listener ends when its stream is let go, or its task is cancelled.
final class LiveEventHub: Sendable {
  private struct Listener {
    weak var buffer: LiveEventBuffer?
  }
  private let listeners = Mutex<[Listener]>([])

  func listen(bound: Int) -> AsyncStream<LiveEvents> {
    let buffer = LiveEventBuffer(bound: bound)
    listeners.withLock { listeners in
      listeners.removeAll { $0.buffer == nil }
      listeners.append(Listener(buffer: buffer))
    }
    return AsyncStream(unfolding: { await buffer.next() }, onCancel: { buffer.finish() })
  }

  private var buffers: [LiveEventBuffer] { listeners.withLock { $0.compactMap(\.buffer) } }

  var isEmpty: Bool { buffers.isEmpty }

  func publish(_ events: [DomainEvent], missed: Int) {
    for buffer in buffers { buffer.add(events, missed: missed) }
  }
}

/// Reads what is published and gives it to those who listen.
struct LiveEventReader {
  private static let batch = 500

  let events: DomainEvents
  let hub: LiveEventHub

  func run(from start: Int64) async {
    await Bell.following([DomainEvents.published], of: events.database, time: events.time) { bell in
      var position = start
      var failures = 0
      while !Task.isCancelled {
        do {
          if try await !advance(&position) { try await bell.wait(atMost: DomainEvents.longestWait) }
          failures = 0
        } catch {
          guard !Task.isCancelled else { return }
          failures += 1
          if failures == 1 {
            events.log.error("live listeners hear nothing, trying again", ["error": .error(error)])
          }
          try? await events.time.sleep(for: Backoff.events.delay(failures: failures, random: events.random))
        }
      }
    }
  }

  /// - Returns: whether there may be more.
  private func advance(_ position: inout Int64) async throws -> Bool {
    if hub.isEmpty {
      let last = try await events.lastPosition()
      // Somebody who came meanwhile must get what was published since, so it is looked for again from where we were.
      guard hub.isEmpty else { return true }
      position = last
      return false
    }
    let new = try await events.events(after: position, limit: Self.batch)
    guard let first = new.first, let last = new.last else { return false }
    hub.publish(new, missed: Int(first.position - position - 1))
    position = last.position
    return true
  }
}
