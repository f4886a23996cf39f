import Synchronization

/// A task that a plugin runs between its start and its stop.
public final class BackgroundWork: Sendable {
  private let task = Mutex<Task<Void, Never>?>(nil)

  public init() {}

  public func begin(_ body: @escaping @Sendable () async -> Void) { task.withLock { $0 = Task { await body() } } }

  /// Cancels it and waits for its end.
  public func end() async {
    let task = task.withLock { $0.take() }
    task?.cancel()
    await task?.value
  }
}
