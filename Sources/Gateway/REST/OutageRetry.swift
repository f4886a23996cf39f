import Platform

/// Repeats a call to Discord until it is answered, and says so in the log: an outage must not end the bot.
public struct OutageRetry: Sendable {
  private let backoff = Backoff(first: .seconds(1), limit: .seconds(60))
  private let time: any TimeSource
  private let random: any RandomSource
  private let log: Log

  public init(time: any TimeSource, random: any RandomSource = SystemRandom(), log: Log) {
    self.time = time
    self.random = random
    self.log = log
  }

  /// - Parameter task: completes "cannot …" in the log.
  /// - Throws: ``DiscordError`` where asking again cannot help; `CancellationError`.
  public func untilAnswered<Result: Sendable>(
    _ task: String, _ call: @Sendable () async throws -> Result
  ) async throws -> Result {
    var failures = 0
    while true {
      do {
        return try await call()
      } catch let error as DiscordError where error.isTransient {
        failures += 1
        let wait = backoff.delay(failures: failures, random: random)
        log.warning("cannot \(task)", ["error": .error(error), "retryAfterMs": .milliseconds(wait)])
        try await time.sleep(for: wait)
      }
    }
  }
}

extension DiscordError {
  /// Whether the same call may succeed later without anybody changing anything.
  public var isTransient: Bool {
    switch self {
    case .refused(let refusal): refusal.status >= 500
    case .unauthorized, .invalid, .bodyUsedUp: false
    case .rateLimited, .network, .unreadable, .overloaded: true
    }
  }
}
