import Platform

/// Spaces identifies as Discord wants them: one per five seconds and key (`shard % max_concurrency`), in the order of the
/// shards, and never more than the day allows. Pure: the caller brings the time.
///
/// Resumes do not pass here. See `developers/events/gateway`, "Max Concurrency" and "Session Start Limit Object".
public struct IdentifyQueue: Sendable {
  public static let spacing = Duration.seconds(5)

  private var maxConcurrency: Int
  private var waiting: Set<Int> = []
  private var nextFree: [Int: ContinuousClock.Instant] = [:]
  private var remaining: Int
  private var total: Int
  private var resetsAt: ContinuousClock.Instant

  /// Discord takes the identify when it arrives, not when it is sent: a little more than five seconds keeps two of them
  /// apart even when the second one travels faster.
  private static let margin = Duration.milliseconds(250)

  public init(limit: SessionStartLimit, now: ContinuousClock.Instant) {
    maxConcurrency = max(1, limit.maxConcurrency)
    remaining = limit.remaining
    total = limit.total
    resetsAt = now.advanced(by: limit.resetAfter)
  }

  /// Takes over what `/gateway/bot` says now.
  public mutating func update(_ limit: SessionStartLimit, now: ContinuousClock.Instant) {
    let waiting = self.waiting
    let nextFree = maxConcurrency == max(1, limit.maxConcurrency) ? self.nextFree : [:]
    self = IdentifyQueue(limit: limit, now: now)
    self.waiting = waiting
    self.nextFree = nextFree
  }

  public mutating func request(shard: Int) { waiting.insert(shard) }
  public mutating func withdraw(shard: Int) { waiting.remove(shard) }

  /// A granted slot was not used: the day's budget gets it back. The key stays taken for its five seconds.
  public mutating func giveBack() { remaining = min(total, remaining + 1) }

  /// The shards that may identify now, and when to ask again for those that still wait.
  public mutating func grant(at now: ContinuousClock.Instant) -> (shards: [Int], next: ContinuousClock.Instant?) {
    if now >= resetsAt {
      remaining = total
      // The day that starts now; `/gateway/bot` corrects it when it is asked again.
      resetsAt = now.advanced(by: .seconds(86_400))
    }
    var granted: [Int] = []
    var next: ContinuousClock.Instant?
    // Lower shards first: Discord wants one row of keys finished before the next begins.
    for shard in waiting.sorted() {
      guard remaining > 0 else {
        next = min(next ?? resetsAt, resetsAt)
        break
      }
      let key = shard % maxConcurrency
      if let free = nextFree[key], free > now {
        next = min(next ?? free, free)
      } else {
        granted.append(shard)
        remaining -= 1
        nextFree[key] = now.advanced(by: Self.spacing + Self.margin)
      }
    }
    waiting.subtract(granted)
    // A shard behind one granted in this round waits for the same key.
    for shard in waiting {
      if let free = nextFree[shard % maxConcurrency], remaining > 0 { next = min(next ?? free, free) }
    }
    return (granted, waiting.isEmpty ? nil : next)
  }
}

/// How many sessions may be started, as `/gateway/bot` tells.
public struct SessionStartLimit: Sendable, Hashable, JSONDecodable {
  public let total: Int
  public let remaining: Int
  public let resetAfter: Duration
  public let maxConcurrency: Int

  public init(total: Int, remaining: Int, resetAfter: Duration, maxConcurrency: Int) {
    self.total = total
    self.remaining = remaining
    self.resetAfter = resetAfter
    self.maxConcurrency = maxConcurrency
  }

  public init(json: JSONView) throws {
    total = try json.decode("total")
    remaining = try json.decode("remaining")
    resetAfter = .milliseconds(try json.decode("reset_after", as: Int.self))
    maxConcurrency = try json.decode("max_concurrency")
  }
}
