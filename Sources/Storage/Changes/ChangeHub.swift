import Synchronization

/// Wakes the listeners of this process when something they follow has changed.
///
/// A wake says "look again", not what there is to see: several in a row may come as one, and none is ever lost.
final class ChangeHub: Sendable {
  private struct State {
    var listeners: [Int: (topic: String, continuation: AsyncStream<Void>.Continuation)] = [:]
    var lastID = 0
    var isClosed = false
  }
  private let state = Mutex(State())

  func listen(to topic: String) -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let id: Int? = state.withLock { state in
      guard !state.isClosed else { return nil }
      state.lastID += 1
      state.listeners[state.lastID] = (topic, continuation)
      return state.lastID
    }
    guard let id else {
      continuation.finish()
      return stream
    }
    continuation.onTermination = { [weak self] _ in self?.forget(id) }
    return stream
  }

  func wake(_ topics: some Sequence<String>) {
    let topics = Set(topics)
    guard !topics.isEmpty else { return }
    let due = state.withLock { $0.listeners.values.filter { topics.contains($0.topic) } }
    for listener in due { listener.continuation.yield() }
  }

  /// For when wakes may have been missed.
  func wakeAll() {
    let all = state.withLock { Array($0.listeners.values) }
    for listener in all { listener.continuation.yield() }
  }

  /// Ends all streams, and those asked for later at once.
  func close() {
    let all = state.withLock { state in
      state.isClosed = true
      defer { state.listeners = [:] }
      return Array(state.listeners.values)
    }
    for listener in all { listener.continuation.finish() }
  }

  private func forget(_ id: Int) { state.withLock { _ = $0.listeners.removeValue(forKey: id) } }
}
