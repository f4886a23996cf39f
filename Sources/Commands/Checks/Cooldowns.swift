import Gateway
import Platform
import Synchronization

/// How often each user may use each ``RateLimitCategory``: so many uses in every window of its length.
///
/// Per user wherever they are, as the Pegasus document has it, and per process: Discord sends all of a guild's
/// interactions to the process that carries its shard, so only who jumps between servers of two processes gets more.
/// Memory is bounded: what was not used for a generation of five minutes is forgotten, and a flood of users ends a
/// generation early.
public final class Cooldowns: Sendable {
  public enum Answer: Sendable, Equatable {
    case allowed
    /// - Parameter isFirst: Whether this is the first refusal since that user was last allowed.
    case wait(until: Timestamp, isFirst: Bool)
  }

  /// For the monitoring document's `rateLimit`.
  public struct Figures: Sendable, Equatable {
    /// Users and categories that are watched.
    public var entries: Int
    /// Of these, those that are refused at this moment.
    public var blocked: Int
    /// Who was refused most often, and how often: the greatest first.
    public var offenders: [Offender]

    public init(entries: Int, blocked: Int, offenders: [Offender]) {
      self.entries = entries
      self.blocked = blocked
      self.offenders = offenders
    }
  }

  public struct Offender: Sendable, Equatable {
    public var user: Snowflake
    public var refusals: Int
  }

  fileprivate struct Key: Hashable {
    var user: Snowflake
    var category: RateLimitCategory
  }

  fileprivate struct Entry {
    /// When it was used, oldest first; at most the category's limit.
    var uses: [ContinuousClock.Instant] = []
    var isRefused = false
  }

  fileprivate struct State {
    var recent: [Key: Entry] = [:]
    var older: [Key: Entry] = [:]
    var generationEnd: ContinuousClock.Instant?
    var offenders: [Snowflake: Int] = [:]
  }

  static let generation = Duration.seconds(300)
  /// At most twice as many entries are kept.
  static let generationLimit = 20_000
  static let offenderLimit = 1_000

  private let time: any TimeSource
  private let state = Mutex(State())

  public init(time: any TimeSource) { self.time = time }

  /// Asks, and counts the use if it is allowed.
  public func use(_ category: RateLimitCategory, by user: Snowflake) -> Answer {
    let now = time.now
    let civil = time.timestamp
    let key = Key(user: user, category: category)
    return state.withLock { state in
      state.turn(at: now)
      var entry = state.recent[key] ?? state.older.removeValue(forKey: key) ?? Entry()
      entry.uses.removeAll { now - $0 >= category.window }
      defer { state.recent[key] = entry }
      guard entry.uses.count >= category.limit, let oldest = entry.uses.first else {
        entry.uses.append(now)
        entry.isRefused = false
        return .allowed
      }
      let isFirst = !entry.isRefused
      entry.isRefused = true
      state.countOffence(of: user)
      return .wait(until: civil + (category.window - (now - oldest)), isFirst: isFirst)
    }
  }

  public func figures(top: Int = 10) -> Figures {
    let now = time.now
    return state.withLock { state in
      let blocked = [state.recent, state.older].reduce(0) { sum, table in
        sum
          + table.count { key, entry in
            entry.uses.count { now - $0 < key.category.window } >= key.category.limit
          }
      }
      let offenders = state.offenders.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(top)
      return Figures(
        entries: state.recent.count + state.older.count, blocked: blocked,
        offenders: offenders.map { Offender(user: $0.key, refusals: $0.value) })
    }
  }
}

extension Cooldowns.State {
  fileprivate mutating func turn(at now: ContinuousClock.Instant) {
    let isOver = generationEnd.map { now >= $0 } ?? false
    if isOver || recent.count >= Cooldowns.generationLimit {
      // After two generations nothing of the older one counts any more.
      let isLongOver = generationEnd.map { now >= $0 + Cooldowns.generation } ?? false
      older = isLongOver ? [:] : recent
      recent = [:]
      generationEnd = now + Cooldowns.generation
    } else if generationEnd == nil {
      generationEnd = now + Cooldowns.generation
    }
  }

  /// Keeps the most frequent (Metwally, Agrawal, El Abbadi 2005): a newcomer takes the place of the least frequent and its
  /// count, so that nobody who is refused often is ever missed.
  fileprivate mutating func countOffence(of user: Snowflake) {
    if offenders[user] != nil || offenders.count < Cooldowns.offenderLimit {
      offenders[user, default: 0] += 1
      return
    }
    guard let least = offenders.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) else { return }
    offenders[least.key] = nil
    offenders[user] = least.value + 1
  }
}
