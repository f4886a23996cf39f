import Platform

/// Spaces the identifies of this process as Discord wants them: one per five seconds and key
/// (`shard % max_concurrency`), in the order of the shards. Pure: the caller brings the time.
///
/// How many the day allows, and what other processes do, is ``IdentifyLedger``'s matter. Resumes pass neither.
/// See `developers/events/gateway`, "Max Concurrency".
public struct IdentifyQueue: Sendable {
  /// Five seconds, and a little more: Discord takes the identify when it arrives, not when it is sent, and the second
  /// of two may travel faster.
  public static let spacing = Duration.milliseconds(5_500)

  private var maxConcurrency: Int
  private var waiting: Set<ShardID> = []
  private var nextFree: [Int: ContinuousClock.Instant] = [:]

  public init(maxConcurrency: Int) { self.maxConcurrency = max(1, maxConcurrency) }

  /// Takes over what `/gateway/bot` says now.
  public mutating func update(maxConcurrency new: Int) {
    let new = max(1, new)
    guard new != maxConcurrency else { return }
    // A shard may have another key now: none is free before all were.
    if let latest = nextFree.values.max() {
      nextFree = Dictionary(uniqueKeysWithValues: (0..<min(new, 1_024)).map { ($0, latest) })
    }
    maxConcurrency = new
  }

  public var waitingCount: Int { waiting.count }

  public mutating func request(_ shard: ShardID) { waiting.insert(shard) }
  public mutating func withdraw(_ shard: ShardID) { waiting.remove(shard) }

  /// The shards that may identify now, and when to ask again for those that still wait.
  public mutating func grant(at now: ContinuousClock.Instant) -> (shards: [ShardID], next: ContinuousClock.Instant?) {
    var granted: [ShardID] = []
    // Lower shards first: Discord wants one row of keys finished before the next begins.
    for shard in waiting.sorted(by: { ($0.id, $0.count) < ($1.id, $1.count) }) {
      let key = shard.id % maxConcurrency
      if let free = nextFree[key], free > now { continue }
      granted.append(shard)
      nextFree[key] = now.advanced(by: Self.spacing)
    }
    waiting.subtract(granted)
    let next = waiting.compactMap { nextFree[$0.id % maxConcurrency] }.min()
    return (granted, next)
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
