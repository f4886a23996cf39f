import Platform

/// A sort of work that is done later: its name in the database, what it carries, and how often it is tried.
///
/// ```swift
/// static let end = JobKind<GiveawayID>("giveaway.end")
/// ```
public struct JobKind<Payload: Codable & Sendable>: Sendable {
  /// At most 64 characters. Stored: jobs of a name that is no longer handled wait until it is again.
  public let name: String
  public let retry: JobRetry
  /// How many may run at the same time in one process; a slow sort never holds up another.
  public let concurrency: Int

  public init(_ name: String, retry: JobRetry = JobRetry(), concurrency: Int = 8) {
    precondition(!name.isEmpty && name.utf8.count <= 64 && concurrency > 0)
    self.name = name
    self.retry = retry
    self.concurrency = concurrency
  }
}

/// How a job that failed is tried again: after `first`, then each time `factor` times as long, at most `longest`, with
/// a tenth of chance so that many do not come back at once.
public struct JobRetry: Sendable, Equatable {
  public var first: Duration
  public var factor: Double
  public var longest: Duration
  /// How often it is tried in all, crashes in the middle included; then it is given up, and kept for a look.
  public var attempts: Int

  public init(
    first: Duration = .seconds(5), factor: Double = 2, longest: Duration = .seconds(3600), attempts: Int = 10
  ) {
    precondition(first > .zero && factor >= 1 && longest >= first && attempts > 0)
    self.first = first
    self.factor = factor
    self.longest = longest
    self.attempts = attempts
  }

  /// The pause after so many attempts (at least 1).
  func pause(after attempt: Int, random: any RandomSource) -> Duration {
    var pause = first
    for _ in 1..<max(attempt, 1) where pause < longest { pause = min(pause * factor, longest) }
    return pause + random.duration(upTo: pause / 10)
  }
}

/// What became of a job whose handler returned.
public enum JobResult: Sendable, Equatable {
  case done
  /// The same job again at that time, counting attempts from the start.
  case again(at: Timestamp)
}

/// Thrown by a handler that knows that trying again is useless.
public struct JobFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// Kept with the job: says what happened, without secrets.
  public let reason: String
  public init(_ reason: String) { self.reason = reason }
  public var description: String { reason }
}

/// Thrown by ``JobRun/finish(in:)``: the job was given to somebody else meanwhile, or changed, or withdrawn.
public struct JobLost: Error, Sendable, Equatable {}
