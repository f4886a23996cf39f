import Foundation
import Platform

/// How long tests over random inputs go on, and which inputs those are: the same at every run, unless
/// `ADJUTANT_TEST_FUZZ` makes them so many times as many and `ADJUTANT_TEST_SEED` others.
public enum Fuzz {
  private static func number(_ name: String, default fallback: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) }.map { max(0, $0) } ?? fallback
  }

  public static func rounds(_ count: Int) -> Int { count * max(1, number("ADJUTANT_TEST_FUZZ", default: 1)) }

  public static func random(_ seed: UInt64) -> SeededRandom {
    SeededRandom(seed: seed &+ UInt64(number("ADJUTANT_TEST_SEED", default: 0)) &* 1_000)
  }
}

/// Chance that is the same in every run, for the standard library's ways of choosing.
public struct SeededGenerator: RandomNumberGenerator {
  private let random: SeededRandom
  public init(seed: UInt64) { random = Fuzz.random(seed) }
  public mutating func next() -> UInt64 { random.next() }
}
