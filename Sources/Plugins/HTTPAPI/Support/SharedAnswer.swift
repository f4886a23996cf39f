import Platform

/// One answer for all who ask within a while: whoever comes while it is sought waits for the same one.
actor SharedAnswer<Value: Sendable> {
  private let maximumAge: @Sendable (_ cost: Duration) -> Duration
  private let time: any TimeSource
  private let ask: @Sendable () async throws -> Value
  private var known: (value: Value, until: ContinuousClock.Instant)?
  private var search: Task<Value, any Error>?

  /// - Parameters:
  ///   - maximumAge: how long an answer is given again, made from what it cost to get.
  ///   - ask: an error is everybody's who waits, and nobody's who comes later.
  init(
    maximumAge: @escaping @Sendable (_ cost: Duration) -> Duration, time: any TimeSource,
    ask: @escaping @Sendable () async throws -> Value
  ) {
    self.maximumAge = maximumAge
    self.time = time
    self.ask = ask
  }

  func get() async throws -> Value {
    if let known, time.now < known.until { return known.value }
    if let search { return try await search.value }
    // Not the caller's own: one who goes away must not take the answer from the others.
    let search = Task { try await seek() }
    self.search = search
    return try await search.value
  }

  private func seek() async throws -> Value {
    defer { search = nil }
    let start = time.now
    let value = try await ask()
    let end = time.now
    known = (value, end + maximumAge(start.duration(to: end)))
    return value
  }
}

extension SharedAnswer {
  init(maximumAge: Duration, time: any TimeSource, ask: @escaping @Sendable () async throws -> Value) {
    self.init(maximumAge: { _ in maximumAge }, time: time, ask: ask)
  }
}

/// Nothing came in time.
struct TimeLimitExceeded: Error, Sendable, Equatable {}

/// The result of `work`, which is cancelled, and not waited for, once it takes longer than `limit`.
/// - Throws: ``TimeLimitExceeded``; what `work` throws.
func withTimeLimit<Value: Sendable>(
  _ limit: Duration, time: any TimeSource, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  let (first, finish) = AsyncStream.makeStream(
    of: Result<Value, any Error>.self, bufferingPolicy: .bufferingOldest(1))
  let working = Task {
    do { finish.yield(.success(try await work())) } catch { finish.yield(.failure(error)) }
  }
  let waiting = Task {
    if (try? await time.sleep(for: limit)) != nil { finish.yield(.failure(TimeLimitExceeded())) }
  }
  defer {
    working.cancel()
    waiting.cancel()
  }
  for await result in first { return try result.get() }
  throw CancellationError()
}
