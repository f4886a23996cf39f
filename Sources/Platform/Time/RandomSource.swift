import Synchronization

/// Where code gets chance from: the system's generator, or a seeded one in tests and benchmarks.
///
/// Not for keys and tokens: those come from ``Crypto``.
public protocol RandomSource: Sendable {
  func next() -> UInt64
}

extension RandomSource {
  /// Uniform in 0 ..< 1.
  public func unitInterval() -> Double { Double(next() >> 11) * 0x1.0p-53 }

  /// Uniform between `zero` and `limit`.
  public func duration(upTo limit: Duration) -> Duration { limit * unitInterval() }

  /// Uniform in 0 ..< `bound`, without bias.
  public func integer(below bound: Int) -> Int {
    var generator = Generator(source: self)
    return Int.random(in: 0..<bound, using: &generator)
  }
}

private struct Generator<Source: RandomSource>: RandomNumberGenerator {
  let source: Source
  mutating func next() -> UInt64 { source.next() }
}

public struct SystemRandom: RandomSource {
  public init() {}
  public func next() -> UInt64 {
    var generator = SystemRandomNumberGenerator()
    return generator.next()
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same seed gives the same numbers everywhere.
public final class SeededRandom: RandomSource {
  private let state: Mutex<UInt64>

  public init(seed: UInt64) { state = Mutex(seed) }

  public func next() -> UInt64 {
    state.withLock { state in
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }
}
