import Synchronization

/// Where the closure that makes a request's body puts its bytes.
public struct HTTPUploadWriter: Sendable {
  let upload: HTTPUpload
  let notify: @Sendable () -> Void

  /// Returns once the bytes before these were sent: at most one piece waits.
  /// - Throws: `CancellationError` once the request has ended; ``HTTPClientError`` if the bytes exceed the length that
  ///   was promised.
  public func write(_ bytes: [UInt8]) async throws { try await upload.write(bytes, notify: notify) }
}

/// The way of a request's body from the task that makes it to libcurl's read callback. One piece waits at most.
final class HTTPUpload: Sendable {
  enum Taken {
    case bytes(Int)
    case nothingYet
    case end
    case failed(HTTPClientError.Reason)
  }

  private struct State {
    var piece: ArraySlice<UInt8> = []
    var written = 0
    var isComplete = false
    var isStopped = false
    var failure: HTTPClientError.Reason?
    /// Whether the callback found nothing and must be told of more.
    var isAwaited = false
    var writer: CheckedContinuation<Void, Never>?
    var task: Task<Void, Never>?
  }

  private let length: Int?
  private let state = Mutex(State())

  init(length: Int?) { self.length = length }

  // MARK: The side of the task

  /// - Parameter notify: called when there is more after ``Taken/nothingYet``.
  func start(
    _ write: @escaping @Sendable (HTTPUploadWriter) async throws -> Void, notify: @escaping @Sendable () -> Void
  ) {
    let task = Task {
      do {
        try await write(HTTPUploadWriter(upload: self, notify: notify))
        self.complete(failure: nil)
      } catch {
        self.complete(failure: (error as? HTTPClientError)?.reason ?? .uploadFailed("\(error)"))
      }
      notify()
    }
    let isStopped = state.withLock { state in
      state.task = task
      return state.isStopped
    }
    if isStopped { task.cancel() }
  }

  func write(_ bytes: [UInt8], notify: @Sendable () -> Void) async throws {
    guard !bytes.isEmpty else { return }
    while true {
      try Task.checkCancellation()
      enum Step { case wait, done(mustNotify: Bool), stopped, tooLong }
      let step: Step = state.withLock { state in
        if state.isStopped { return .stopped }
        guard state.piece.isEmpty else { return .wait }
        if let length, state.written + bytes.count > length { return .tooLong }
        state.piece = bytes[...]
        state.written += bytes.count
        defer { state.isAwaited = false }
        return .done(mustNotify: state.isAwaited)
      }
      switch step {
      case .done(let mustNotify):
        if mustNotify { notify() }
        return
      case .stopped: throw CancellationError()
      case .tooLong:
        throw HTTPClientError(
          .invalidRequest("the body is longer than its \(length ?? 0) bytes"), requestMayHaveBeenSent: true)
      case .wait:
        await withCheckedContinuation { continuation in
          let mustWait = state.withLock { state in
            guard !state.isStopped, !state.piece.isEmpty else { return false }
            precondition(state.writer == nil, "a body has one writer")
            state.writer = continuation
            return true
          }
          if !mustWait { continuation.resume() }
        }
      }
    }
  }

  private func complete(failure: HTTPClientError.Reason?) {
    state.withLock { state in
      state.isComplete = true
      state.failure = failure
      if failure == nil, let length, state.written < length {
        state.failure = .invalidRequest("the body ends after \(state.written) of its \(length) bytes")
      }
    }
  }

  // MARK: The engine's side

  /// Why the body could not be made, or is not as long as was said. libcurl does not ask once it has the whole length.
  var failure: HTTPClientError.Reason? { state.withLock { $0.failure } }

  var hasNothing: Bool { state.withLock { $0.piece.isEmpty && !$0.isComplete } }

  func take(into space: UnsafeMutableRawBufferPointer) -> Taken {
    let (taken, writer): (Taken, CheckedContinuation<Void, Never>?) = state.withLock { state in
      if let failure = state.failure { return (.failed(failure), nil) }
      guard !state.piece.isEmpty else {
        if state.isComplete { return (.end, nil) }
        state.isAwaited = true
        return (.nothingYet, nil)
      }
      let count = min(space.count, state.piece.count)
      state.piece.prefix(count).withUnsafeBytes { space.copyMemory(from: $0) }
      state.piece = state.piece.dropFirst(count)
      guard state.piece.isEmpty else { return (.bytes(count), nil) }
      state.piece = []
      defer { state.writer = nil }
      return (.bytes(count), state.writer)
    }
    writer?.resume()
    return taken
  }

  /// The exchange is over: the writer is woken and cancelled.
  func stop() {
    let (task, writer) = state.withLock { state in
      state.isStopped = true
      state.piece = []
      defer {
        state.task = nil
        state.writer = nil
      }
      return (state.task, state.writer)
    }
    writer?.resume()
    task?.cancel()
  }
}
