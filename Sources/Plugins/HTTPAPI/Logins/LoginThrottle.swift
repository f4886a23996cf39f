import HTTP
import Platform

/// How many attempts to log in failed, and how long the next has to wait for it.
///
/// Pure: holds no clock. After some free attempts the pause doubles with each, up to a quarter of an hour: guessing
/// becomes hopeless, but nobody is locked out for good.
public struct LoginThrottle: Sendable, Equatable {
  public struct Policy: Sendable, Equatable {
    /// Attempts without any pause.
    public var free: Int
    /// The pause behind the last free one.
    public var first: Duration
    public var longest: Duration
    /// After so long without an attempt all is forgotten; longer than any pause.
    public var memory: Duration

    /// For one account.
    public static let account = Policy(free: 5, first: .seconds(2), longest: .seconds(900), memory: .seconds(86_400))
    /// For one address, behind which many people may be.
    public static let address = Policy(free: 20, first: .seconds(2), longest: .seconds(900), memory: .seconds(3_600))

    /// The pause after so many attempts.
    func pause(after attempts: Int) -> Duration {
      guard attempts >= free else { return .zero }
      var pause = first
      for _ in free..<attempts where pause < longest { pause = min(pause * 2, longest) }
      return pause
    }
  }

  public private(set) var attempts: Int
  public private(set) var lastAt: Timestamp

  public init(attempts: Int = 0, lastAt: Timestamp = Timestamp(milliseconds: 0)) {
    self.attempts = attempts
    self.lastAt = lastAt
  }

  /// How long the next attempt has to wait; zero if it may come now.
  public func wait(at now: Timestamp, _ policy: Policy) -> Duration {
    guard !isForgotten(at: now, policy) else { return .zero }
    let pause = policy.pause(after: attempts)
    // The civil clock may have been set back: nobody waits longer than the pause for that.
    return max(.zero, min(pause, (lastAt + pause) - now))
  }

  /// Counts an attempt, before it is known how it ends: of many at the same time each counts.
  public mutating func begin(at now: Timestamp, _ policy: Policy) {
    if isForgotten(at: now, policy) { attempts = 0 }
    attempts += 1
    lastAt = now
  }

  /// Takes one attempt back that succeeded.
  public mutating func takeBack() { attempts = max(0, attempts - 1) }

  func isForgotten(at now: Timestamp, _ policy: Policy) -> Bool { now - lastAt >= policy.memory }
}

/// The throttles of many addresses in a bounded space.
struct AddressThrottles: Sendable {
  let capacity: Int
  private(set) var throttles: [NetworkBlock: LoginThrottle] = [:]
  private static let policy = LoginThrottle.Policy.address

  init(capacity: Int) { self.capacity = capacity }

  func wait(of address: NetworkBlock, at now: Timestamp) -> Duration {
    throttles[address]?.wait(at: now, Self.policy) ?? .zero
  }

  mutating func begin(_ address: NetworkBlock, at now: Timestamp) {
    if throttles[address] == nil, throttles.count >= capacity { makeRoom(at: now) }
    throttles[address, default: LoginThrottle()].begin(at: now, Self.policy)
  }

  mutating func takeBack(_ address: NetworkBlock) {
    throttles[address]?.takeBack()
    if throttles[address]?.attempts == 0 { throttles[address] = nil }
  }

  /// Forgets half: first what is over, then those with the fewest attempts. A flood of new addresses thus forgets itself,
  /// not the ones that guessed most.
  private mutating func makeRoom(at now: Timestamp) {
    throttles = throttles.filter { !$0.value.isForgotten(at: now, Self.policy) }
    guard throttles.count > capacity / 2 else { return }
    let kept = throttles.sorted { ($0.value.attempts, $0.value.lastAt) > ($1.value.attempts, $1.value.lastAt) }
    throttles = Dictionary(uniqueKeysWithValues: kept.prefix(capacity / 2).map { ($0.key, $0.value) })
  }
}
