import Synchronization

/// A task that the plugin runs between its start and its stop.
final class BackgroundWork: Sendable {
  private let task = Mutex<Task<Void, Never>?>(nil)

  func begin(_ body: @escaping @Sendable () async -> Void) { task.withLock { $0 = Task { await body() } } }

  func end() async {
    let task = task.withLock { $0.take() }
    task?.cancel()
    await task?.value
  }
}
