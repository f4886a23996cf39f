import HTTP
import Platform
import Storage
import Synchronization

/// The limits of the documented APIs.
///
/// One process by itself is exact. Several on one PostgreSQL tell each other every ``exchangeInterval`` what they let
/// pass, without a look at the database for any single request. So a caller who spreads over n processes can have, within
/// that interval and on top of the limit, what the other n-1 let pass in it; from then on all of them hold it back. A
/// caller within the limit is never refused. Losing the database loses this sharing, not the limits.
public final class RateLimits: Sendable {
  static let exchangeInterval = Duration.seconds(1)
  /// How long others may take to read what was told.
  private static let shareLife = Duration.seconds(30)
  /// Uses that are told at once; more within a second stay with this process.
  private static let maximumShares = 20_000

  private struct State: Sendable {
    var limiter: RateLimiter
    /// What the others do not know yet: allowed requests by key and second.
    var untold: [RateLimiter.Key: [Int64: Int]] = [:]
    var untoldCount = 0
  }

  private let isOn: Bool
  private let exempt: [NetworkBlock]
  private let time: any TimeSource
  private let log: Log
  /// Nil where there is nobody to tell.
  private let database: Database?
  private let process: String
  private let state: Mutex<State>
  private let seen = Mutex<[Int64: Timestamp]>([:])

  /// - Parameters:
  ///   - isOn: `plugins.httpapi.rateLimits`.
  ///   - exempt: `plugins.httpapi.exemptAddresses`.
  ///   - database: for sharing, which takes place on PostgreSQL alone; the tables must exist.
  ///   - capacity: callers kept in memory at once.
  public init(
    isOn: Bool, exempt: [NetworkBlock] = [], database: Database? = nil, time: any TimeSource, log: Log = .silent,
    capacity: Int = 20_000
  ) throws {
    self.isOn = isOn
    self.exempt = exempt
    self.time = time
    self.log = log.labelled("ratelimits")
    self.database = database.flatMap { $0.engine == .postgreSQL ? $0 : nil }
    process = try Crypto.randomToken(byteCount: 16)
    state = Mutex(State(limiter: RateLimiter(capacity: capacity)))
  }

  /// - Parameter address: where the request comes from; an exempt one is not limited, whoever sends it.
  /// - Returns: nil if the request is not limited.
  public func take(_ rateClass: RateLimitClass, for caller: RateLimitCaller, from address: IPAddress?)
    -> RateLimitVerdict?
  {
    guard isLimited(address) else { return nil }
    let now = time.timestamp
    let key = RateLimiter.Key(rateClass: rateClass, caller: caller.description)
    return state.withLock { state in
      let verdict = state.limiter.take(key, at: now)
      if verdict.isAllowed, database != nil, state.untoldCount < Self.maximumShares {
        let second = now.milliseconds / 1_000
        if state.untold[key, default: [:]].updateValue((state.untold[key]?[second] ?? 0) + 1, forKey: second) == nil {
          state.untoldCount += 1
        }
      }
      return verdict
    }
  }

  /// The refusal of a request that ``take(_:for:from:)`` would refuse; one that would pass is not counted.
  public func refusal(_ rateClass: RateLimitClass, for caller: RateLimitCaller, from address: IPAddress?)
    -> RateLimitVerdict?
  {
    guard isLimited(address) else { return nil }
    let now = time.timestamp
    let key = RateLimiter.Key(rateClass: rateClass, caller: caller.description)
    return state.withLock { $0.limiter.refusal(of: key, at: now) }
  }

  private func isLimited(_ address: IPAddress?) -> Bool {
    guard isOn else { return false }
    guard let address, !exempt.isEmpty else { return true }
    return !exempt.contains { $0.contains(address) }
  }

  /// For `/api/stats` of Pegasus.
  public struct Report: Sendable, Equatable {
    public struct Offender: Sendable, Equatable {
      /// An address group, a user or a key's id.
      public var caller: String
      public var rateClass: String
      public var refused: Int
    }
    public var totalEntries: Int
    /// Callers who are held back at this moment.
    public var blockedCount: Int
    public var topOffenders: [Offender]
  }

  public func report(top: Int = 10) -> Report {
    let now = time.timestamp
    let (total, blocked, offenders) = state.withLock { $0.limiter.report(at: now, top: top) }
    return Report(
      totalEntries: total, blockedCount: blocked,
      topOffenders: offenders.map { .init(caller: $0.caller, rateClass: $0.rateClass, refused: $0.refused) })
  }

  // MARK: - Sharing

  /// Tells the others and listens to them until cancelled; ends at once where there are none.
  public func run() async {
    guard database != nil else { return }
    var isFailing = false
    while (try? await time.sleep(for: Self.exchangeInterval)) != nil {
      do {
        try await exchange()
        isFailing = false
      } catch is CancellationError {
        return
      } catch {
        if !isFailing { log.warning("rate limits are not shared for now", ["error": "\(error)"]) }
        isFailing = true
      }
    }
  }

  /// One round. Requests that could not be told are told in the next.
  func exchange() async throws {
    guard let database else { return }
    let now = time.timestamp
    let untold = state.withLock { state in
      defer {
        state.untold = [:]
        state.untoldCount = 0
      }
      return state.untold
    }
    let uses = Self.encoded(untold)
    let (process, oldest) = (
      process, Timestamp(milliseconds: now.milliseconds - Self.shareLife.components.seconds * 1_000)
    )
    let told: [(number: Int64, at: Timestamp, uses: JSON)]
    do {
      told = try await database.write { transaction in
        try transaction.execute(
          "DELETE FROM rate_limit_shares WHERE process = $1 AND created_at <= $2", process, oldest)
        if !untold.isEmpty {
          try transaction.execute(
            "INSERT INTO rate_limit_shares (process, created_at, uses) VALUES ($1, $2, $3)", process, now, uses)
        }
        return try transaction.query(
          """
          SELECT number, created_at, uses FROM rate_limit_shares WHERE process <> $1 AND created_at > $2
          ORDER BY number LIMIT 1000
          """, process, oldest
        ) { row in (try row["number"], try row["created_at"], try row["uses"]) }
      }
    } catch {
      state.withLock { state in
        for (key, counts) in untold {
          state.untold[key, default: [:]].merge(counts) { $0 + $1 }
          state.untoldCount += counts.count
        }
      }
      throw error
    }
    let new = seen.withLock { seen in
      // Numbers become visible out of order: so each is remembered for as long as it can be read.
      seen = seen.filter { $0.value > oldest }
      return told.filter { seen.updateValue($0.at, forKey: $0.number) == nil }
    }
    state.withLock { state in
      for share in new {
        for (key, second, count) in Self.decoded(share.uses) {
          state.limiter.record(count, for: key, at: second * 1_000)
        }
      }
    }
  }

  private static func encoded(_ uses: [RateLimiter.Key: [Int64: Int]]) -> JSON {
    .array(
      uses.flatMap { key, counts in
        counts.map { second, count in
          [.string(key.rateClass.name), .string(key.caller), .integer(second), .integer(Int64(count))]
        }
      })
  }

  /// Leaves out what it does not understand: another version of the program may be running beside this one.
  private static func decoded(_ uses: JSON) -> [(RateLimiter.Key, second: Int64, count: Int)] {
    (uses.array ?? []).compactMap { use in
      guard let rateClass = RateLimitClass.all.first(where: { $0.name == use[0]?.string }), let caller = use[1]?.string,
        let second = use[2]?.integer, (0..<100_000_000_000).contains(second), let count = use[3]?.integer,
        (1...1_000_000).contains(count)
      else { return nil }
      return (RateLimiter.Key(rateClass: rateClass, caller: caller), second, Int(count))
    }
  }
}
