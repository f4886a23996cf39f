import Glibc

/// The standard normal distribution.
enum Normal {
  /// The probability of a value above `z`.
  static func upperTail(_ z: Double) -> Double { 0.5 * erfc(z / 2.0.squareRoot()) }

  /// The probability of a value at least as far from 0 as `z`, on either side.
  static func twoSided(_ z: Double) -> Double { erfc(abs(z) / 2.0.squareRoot()) }

  /// How many standard deviations on either side of the mean hold that part of all values: 1.96 for 0.95.
  /// - Parameter level: between 0 and 1.
  static func deviations(holding level: Double) -> Double {
    var (low, high) = (0.0, 40.0)
    for _ in 0..<80 {
      let middle = (low + high) / 2
      if twoSided(middle) > 1 - level { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}

enum ChiSquare {
  /// The probability of a value above `x` with that many degrees of freedom, by the recurrence
  /// Q(a + 1, x) = Q(a, x) + x^a e^-x / Γ(a + 1) of the incomplete gamma function.
  static func upperTail(_ x: Double, degrees: Int) -> Double {
    guard x > 0, degrees > 0 else { return 1 }
    let half = x / 2
    var a = degrees.isMultiple(of: 2) ? 1.0 : 0.5
    var tail = degrees.isMultiple(of: 2) ? exp(-half) : erfc(half.squareRoot())
    while a < Double(degrees) / 2 {
      tail += exp(a * log(half) - half - lgamma(a + 1))
      a += 1
    }
    return min(1, max(0, tail))
  }
}

/// Makes several tests one: the chance that any of them is significant where nothing is going on stays at the level.
enum Multiplicity {
  /// Holm's step-down procedure (1979): for each p what it has to be compared by, in the order given.
  static func holm(_ pValues: [Double]) -> [Double] {
    var adjusted = pValues
    var highest = 0.0
    for (rank, index) in pValues.indices.sorted(by: { pValues[$0] < pValues[$1] }).enumerated() {
      highest = max(highest, min(1, pValues[index] * Double(pValues.count - rank)))
      adjusted[index] = highest
    }
    return adjusted
  }
}
