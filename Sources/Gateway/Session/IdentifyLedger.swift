import Platform

/// What an identify is for, which decides what it may cost.
public enum IdentifyPurpose: Sendable, Hashable {
  /// A shard that this process has not had ready: a start, or a new set of shards.
  case start
  /// A shard that was at work here and lost its session.
  case recovery
}

/// Counts the identifies of one bot over restarts and processes, and says when the next one may go out.
///
/// Discord resets the token of a bot that identifies more often than `session_start_limit` allows in a day (1000). So
/// each identify is counted, and the count stored, before it is sent. Three rules hold one back:
///
/// - The day's last tenth is a reserve for shards that were at work and lost their session; starts wait for the reset.
///   A program that crashes at every start therefore never uses it.
/// - A shard whose identifies come to nothing waits 5, 10, 20 … 600 seconds between them, until a session has lasted.
/// - The key of a shard is free again only after ``IdentifyQueue/spacing``, also when another process used it.
///
/// Pure: times come from the caller, by a clock that all processes share. What is stored is this value as JSON.
/// See `developers/events/gateway`, "Session Start Limit Object".
public struct IdentifyLedger: Sendable, Hashable, Codable {
  public enum Answer: Sendable, Hashable {
    /// Counted: the identify may go out.
    case granted
    /// Ask again after that time. Nothing was counted.
    case wait(Duration, Reason)
  }

  public enum Reason: Sendable, Hashable {
    /// The key was used a moment ago.
    case spacing
    /// So many identifies of this shard came to nothing.
    case backoff(failures: Int)
    /// What is left is kept for lost sessions.
    case reserve(left: Int, total: Int, resetsAt: Timestamp)
    case exhausted(total: Int, resetsAt: Timestamp)
  }

  private struct Attempt: Sendable, Hashable, Codable {
    /// Identifies since a session of this shard lasted.
    var count: Int
    var at: Int64
    var notBefore: Int64
  }

  private static let day = Duration.seconds(86_400)
  private static let backoff = Backoff(first: .seconds(5), limit: .seconds(600))
  private static let maximumShards = 16_384

  public private(set) var total: Int
  /// What is left until ``resetsAt``: Discord's number or our own count, whichever is lower.
  public private(set) var remaining: Int
  private var maxConcurrency: Int
  // Milliseconds since 1970.
  private var reset: Int64
  private var slots: [Int: Int64] = [:]
  private var attempts: [String: Attempt] = [:]

  public var resetsAt: Timestamp { Timestamp(milliseconds: reset) }
  /// Identifies that only ``IdentifyPurpose/recovery`` may use.
  public var reserve: Int { total / 10 }

  /// Before Discord was asked: its usual limit, and a day that ends at once.
  public init() {
    total = 1_000
    remaining = 1_000
    maxConcurrency = 1
    reset = 0
  }

  /// Takes over what `/gateway/bot` said just now.
  public mutating func report(_ limit: SessionStartLimit, at now: Timestamp) {
    let told = limit.resetAfter > .zero ? now + min(limit.resetAfter, Self.day) : nil
    // Within one window the lower number holds: an identify under way is not in Discord's count yet.
    let isNewWindow = now >= resetsAt || told.map { $0 - resetsAt > .seconds(60) } ?? false
    total = max(1, limit.total)
    remaining = max(0, min(total, isNewWindow ? limit.remaining : min(remaining, limit.remaining)))
    if let told { reset = told.milliseconds } else if isNewWindow { reset = (now + Self.day).milliseconds }
    let concurrency = max(1, min(limit.maxConcurrency, 1_024))
    if concurrency != maxConcurrency, let latest = slots.values.max() {
      slots = Dictionary(uniqueKeysWithValues: (0..<concurrency).map { ($0, latest) })
    }
    maxConcurrency = concurrency
  }

  /// Asks for one identify, and counts it if it may go out.
  public mutating func spend(
    _ shard: ShardID, for purpose: IdentifyPurpose, at now: Timestamp, random: any RandomSource
  ) -> Answer {
    roll(to: now)
    if remaining <= 0 { return .wait(resetsAt - now, .exhausted(total: total, resetsAt: resetsAt)) }
    if purpose == .start, remaining <= reserve {
      return .wait(resetsAt - now, .reserve(left: remaining, total: total, resetsAt: resetsAt))
    }
    let name = shard.description
    let failures = attempts[name]?.count ?? 0
    if let attempt = attempts[name], attempt.notBefore > now.milliseconds {
      // A clock that was set back must not make anybody wait for longer than the rule can.
      let wait = min(.milliseconds(attempt.notBefore - now.milliseconds), Self.backoff.limit)
      return .wait(wait, .backoff(failures: failures))
    }
    let key = shard.id % maxConcurrency
    if let last = slots[key] {
      let free = Timestamp(milliseconds: min(last, now.milliseconds)) + IdentifyQueue.spacing
      if free > now { return .wait(free - now, .spacing) }
    }
    remaining -= 1
    slots[key] = now.milliseconds
    let pause = Self.backoff.delay(failures: failures + 1, random: random)
    attempts[name] = Attempt(count: failures + 1, at: now.milliseconds, notBefore: (now + pause).milliseconds)
    return .granted
  }

  /// An identify that was counted did not go out. Its key stays taken.
  public mutating func giveBack(_ shard: ShardID) {
    remaining = min(total, remaining + 1)
    guard var attempt = attempts[shard.description] else { return }
    attempt.count -= 1
    attempt.notBefore = attempt.at
    attempts[shard.description] = attempt.count > 0 ? attempt : nil
  }

  /// A session of that shard has lasted: earlier failures are forgotten.
  public mutating func proved(_ shard: ShardID) { attempts[shard.description] = nil }

  private mutating func roll(to now: Timestamp) {
    if now >= resetsAt {
      // Until Discord is asked again.
      remaining = total
      reset = (now + Self.day).milliseconds
    } else if resetsAt - now > Self.day {
      reset = (now + Self.day).milliseconds
    }
    slots = slots.filter { now - Timestamp(milliseconds: $0.value) < IdentifyQueue.spacing }
    attempts = attempts.filter { now - Timestamp(milliseconds: $0.value.at) < Self.day }
    if attempts.count >= Self.maximumShards { attempts = [:] }
  }
}
