import Platform

/// Hands a bot's events over from one set of shards to another one with a different number of shards. Pure.
///
/// Discord sends every event to both sets, each in its own session, under its own number, a little earlier or later. So
/// no number and no moment tells which events the old set has had. But copies of an event have the same content
/// (``EventFingerprint``), and each guild's events come in the same order on both sides. So the copies are matched, and
/// what is unmatched is what one side is ahead of the other:
///
/// 1. *Preparing*: the new shards come up and receive their guilds. The old set alone dispatches.
/// 2. *Settling*: all are up. Copies are matched; the old set alone dispatches, so that an event which the new set is too
///    young to have received reaches the handlers.
/// 3. *Overlapping*: as soon as nothing of a guild is unmatched, both sides stand at the same place. From then on the
///    first copy of each of its events is dispatched and the second suppressed, whichever side it comes from.
/// 4. *Draining*, once all guilds are that far: the old set dispatches no more. Its handlers end, then the new sessions
///    are stored.
/// 5. *Remembering*: the old set is closed. Late second copies from the new one are still suppressed.
///
/// What follows: each event is dispatched once, and in its guild's order, as long as its two copies come less than
/// ``settling`` apart before the overlap and less than ``memory`` after it. A copy that comes later is dispatched a second
/// time. A guild so busy that the two sides never stand at the same place within ``patience`` is handed over anyway: of
/// its events, those that one side is behind at that moment may be lost. Two events of a guild with equal content (a
/// reaction that comes, goes and comes) can be mistaken for each other if they are that close at the beginning of the
/// settling. A takeover that does not get ready changes nothing.
struct Takeover: Sendable {
  enum Side: Sendable { case old, new }

  enum Phase: Sendable, Equatable { case preparing, settling, overlapping, draining, remembering, over }

  /// How a shard is doing.
  enum Condition: Sendable, Equatable {
    case ready, away, failed
  }

  enum Step: Sendable, Equatable {
    /// The new set carries the bot from here on. ``drained()`` is expected once the old set's handlers have ended.
    case switchOver
    /// The old set can be closed for good.
    case retire
    /// Nothing is suppressed any more.
    case finish
    /// The old set goes on as if nothing had been; the new one is to be closed.
    case abandon(String)
  }

  static let settling = Duration.seconds(5)
  static let overlap = Duration.seconds(10)
  /// How long an unmatched copy waits for the other one.
  static let memory = Duration.seconds(30)
  /// How long the new set waits for an old shard that is away, and for guilds where one side is always behind.
  static let patience = Duration.seconds(120)
  /// Guilds that are down at Discord never come: this long after the last one all count as received.
  static let guildPause = Duration.seconds(15)
  /// The bound on unmatched copies; with more of them the oldest are given up.
  static let maximumUnmatched = 200_000

  /// What one side is ahead of the other in a guild. Only guilds with unmatched copies have one.
  private struct Lead {
    /// Whether both sides stood at the same place before these.
    var isAligned: Bool
    /// By fingerprint: copies from the old side less those from the new one, and when the first came.
    var unmatched: [Int: (balance: Int, since: ContinuousClock.Instant)] = [:]
  }

  private(set) var phase = Phase.preparing
  private let limit: Duration
  private let begin: ContinuousClock.Instant
  private var phaseBegin: ContinuousClock.Instant
  private var newDispatches = false
  /// Guilds that each new shard still waits for.
  private var missing: [ShardID: Set<Snowflake>] = [:]
  private var lastGuild: ContinuousClock.Instant
  private var newComplete: ContinuousClock.Instant?
  private var isDrained = false
  private var isAbandoned = false
  /// By guild; 0 for what belongs to none.
  private var leads: [UInt64: Lead] = [:]
  private var unmatchedCount = 0
  private var swept: ContinuousClock.Instant

  /// - Parameter limit: for the new shards to come up.
  init(limit: Duration, at now: ContinuousClock.Instant) {
    self.limit = limit
    begin = now
    phaseBegin = now
    lastGuild = now
    swept = now
  }

  /// Which set commands go to, and whose own events (`READY`) are dispatched.
  var owner: Side {
    switch phase {
    case .preparing, .settling, .overlapping: .old
    case .draining, .remembering: .new
    case .over: isAbandoned ? .old : .new
    }
  }

  // MARK: Events

  /// Whether this copy of an event is to be dispatched.
  mutating func admits(
    _ fingerprint: Int, in guild: UInt64, from side: Side, at now: ContinuousClock.Instant
  ) -> Bool {
    switch phase {
    case .preparing where !newDispatches: return side == .old
    case .over: return side == owner
    default: break
    }
    sweep(at: now)
    var lead = leads.removeValue(forKey: guild) ?? Lead(isAligned: newDispatches)
    defer { if !lead.unmatched.isEmpty { leads[guild] = lead } }
    let balance = lead.unmatched[fingerprint]?.balance ?? 0
    let isFirst = side == .old ? balance >= 0 : balance <= 0
    // What the old side brings after the switch matters only as the second copy.
    if side == .old, owner == .new, isFirst { return false }
    let change = side == .old ? 1 : -1
    if balance == 0 { unmatchedCount += 1 }
    if balance + change == 0 {
      lead.unmatched[fingerprint] = nil
      unmatchedCount -= 1
    } else {
      lead.unmatched[fingerprint, default: (0, now)].balance += change
    }
    return lead.isAligned || owner == .new ? isFirst : side == .old
  }

  /// Gives up copies whose other half does not come: each second those that are too old, at the bound half of all.
  private mutating func sweep(at now: ContinuousClock.Instant) {
    let isFull = unmatchedCount >= Self.maximumUnmatched
    guard isFull || swept.duration(to: now) >= .seconds(1) else { return }
    swept = now
    var oldest = now.advanced(by: .zero - Self.memory)
    if isFull {
      let all = leads.values.flatMap { $0.unmatched.values.map(\.since) }.sorted()
      oldest = max(oldest, all[all.count / 2])
    }
    // Before both sides are in step, what is older than the settling belongs to its beginning.
    let unaligned = max(oldest, now.advanced(by: .zero - Self.settling))
    for (guild, lead) in leads {
      let limit = lead.isAligned ? oldest : unaligned
      guard lead.unmatched.values.contains(where: { $0.since <= limit }) else { continue }
      let kept = lead.unmatched.filter { $0.value.since > limit }
      unmatchedCount -= lead.unmatched.count - kept.count
      leads[guild] = kept.isEmpty ? nil : Lead(isAligned: lead.isAligned, unmatched: kept)
    }
  }

  /// Guilds in which the two sides have not been at the same place yet.
  var unalignedCount: Int { leads.values.count { !$0.isAligned } }

  /// A new shard's session began: GUILD_CREATE follows for each of these.
  mutating func began(_ shard: ShardID, guilds: Set<Snowflake>, at now: ContinuousClock.Instant) {
    missing[shard] = guilds
    lastGuild = now
  }

  /// A guild was described to a new shard.
  /// - Returns: whether that was part of the beginning of its session, which is news to nobody.
  mutating func received(_ guild: Snowflake, on shard: ShardID, at now: ContinuousClock.Instant) -> Bool {
    guard owner == .old, missing[shard]?.remove(guild) != nil else { return false }
    lastGuild = now
    return true
  }

  // MARK: Time

  /// To be called every now and then; says what is to be done.
  mutating func tick(old: [Condition], new: [Condition], at now: ContinuousClock.Instant) -> Step? {
    let inPhase = phaseBegin.duration(to: now)
    switch phase {
    case .preparing:
      if new.contains(.failed) { return abandon("a new shard was refused") }
      if isComplete(old: old, new: new, at: now) {
        enter(.settling, at: now)
        if !newDispatches {
          leads = [:]
          unmatchedCount = 0
        }
      } else if begin.duration(to: now) >= limit {
        return abandon("the new shards were not ready in time")
      }
    case .settling, .overlapping:
      if new.contains(.failed) { return abandon("a new shard was refused") }
      if !isComplete(old: old, new: new, at: now) {
        enter(.preparing, at: now)
      } else if phase == .settling, inPhase >= Self.settling {
        newDispatches = true
        enter(.overlapping, at: now)
      } else if phase == .overlapping, inPhase >= Self.overlap {
        sweep(at: now)
        guard unalignedCount == 0 || inPhase >= Self.patience else { return nil }
        enter(.draining, at: now)
        return .switchOver
      }
    case .draining:
      guard isDrained else { return nil }
      enter(.remembering, at: now)
      return .retire
    case .remembering:
      guard inPhase >= Self.memory else { return nil }
      enter(.over, at: now)
      leads = [:]
      return .finish
    case .over: break
    }
    return nil
  }

  /// The old set's handlers have ended, and the new sessions are stored.
  mutating func drained() { isDrained = true }

  private mutating func abandon(_ reason: String) -> Step {
    phase = .over
    isAbandoned = true
    return .abandon(reason)
  }

  private mutating func enter(_ next: Phase, at now: ContinuousClock.Instant) {
    phase = next
    phaseBegin = now
  }

  private mutating func isComplete(old: [Condition], new: [Condition], at now: ContinuousClock.Instant) -> Bool {
    guard new.allSatisfy({ $0 == .ready }) else {
      newComplete = nil
      return false
    }
    let hasGuilds =
      missing.count >= new.count
      && (missing.values.allSatisfy(\.isEmpty) || lastGuild.duration(to: now) >= Self.guildPause)
    guard hasGuilds else { return false }
    let since = newComplete ?? now
    newComplete = since
    // An old shard that was refused (4011) does not come back, one that is away may: what it has missed it replays.
    return !old.contains(.away) || since.duration(to: now) >= Self.patience
  }
}
