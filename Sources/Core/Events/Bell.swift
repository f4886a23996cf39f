import Platform
import Storage

/// Lets a loop sleep until something changed, or until it is time to look anyway.
struct Bell: Sendable {
  private let rings: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation
  private let time: any TimeSource

  private init(time: any TimeSource) {
    (rings, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    self.time = time
  }

  /// Runs `body` with a bell that rings whenever one of the topics is announced. A change before `body` begins is seen
  /// by its first look, any later one rings.
  static func following<Result: Sendable>(
    _ topics: [String], of database: Database, time: any TimeSource,
    _ body: @escaping @Sendable (Bell) async throws -> Result
  ) async rethrows -> Result {
    let bell = Bell(time: time)
    let forwarders = topics.map { topic in
      let changes = database.changes(of: topic)
      return Task { for await _ in changes { bell.continuation.yield() } }
    }
    defer { for forwarder in forwarders { forwarder.cancel() } }
    return try await body(bell)
  }

  /// For one caller at a time.
  /// - Throws: `CancellationError`.
  func wait(atMost limit: Duration) async throws {
    let timer = Task { [continuation, time] in
      do { try await time.sleep(for: limit) } catch { return }
      continuation.yield()
    }
    defer { timer.cancel() }
    var iterator = rings.makeAsyncIterator()
    _ = await iterator.next()
    try Task.checkCancellation()
  }
}
