/// So many of so many.
public struct Proportion: Sendable, Equatable {
  /// The effective numbers after ``clustered(_:)`` are no whole ones.
  public var successes: Double
  public var trials: Double

  public init(_ successes: Int, of trials: Int) {
    self.successes = Double(successes)
    self.trials = Double(trials)
  }

  public var value: Double { trials > 0 ? successes / trials : 0 }

  /// A proportion whose trials come in clusters (days on which somebody plays well or badly), as the number of
  /// independent trials that would be worth as much (Rao and Scott 1992). Never more than there are.
  public static func clustered(_ clusters: [(successes: Int, trials: Int)]) -> Proportion {
    let used = clusters.filter { $0.trials > 0 }
    let successes = used.reduce(0) { $0 + $1.successes }
    let trials = used.reduce(0) { $0 + $1.trials }
    var whole = Proportion(successes, of: trials)
    let p = whole.value
    guard used.count > 1, p > 0, p < 1 else { return whole }
    let m = Double(used.count)
    let squares = used.reduce(0.0) { sum, cluster in
      let residual = Double(cluster.successes) - Double(cluster.trials) * p
      return sum + residual * residual
    }
    let variance = m / (m - 1) * squares / (whole.trials * whole.trials)
    let effect = max(1, variance / (p * (1 - p) / whole.trials))
    whole.successes /= effect
    whole.trials /= effect
    return whole
  }

  /// The interval of Wilson (1927), which holds the true proportion with about the probability `level`, also near 0 and 1
  /// and for few trials.
  public func interval(level: Double = 0.95) -> ClosedRange<Double> {
    guard trials > 0 else { return 0...1 }
    let z = Normal.deviations(holding: level)
    let factor = 1 + z * z / trials
    let middle = (value + z * z / (2 * trials)) / factor
    let reach = z / factor * (value * (1 - value) / trials + z * z / (4 * trials * trials)).squareRoot()
    return max(0, middle - reach)...min(1, middle + reach)
  }
}

/// Whether two proportions differ: the z-test with a pooled proportion.
public struct TwoProportions: Sendable, Equatable {
  /// Of successes and of failures that each side would have if there were no difference.
  public static let minimumExpected = 5.0

  public var z: Double
  /// Two-sided.
  public var pValue: Double

  /// Nil where fewer than ``minimumExpected`` are expected anywhere.
  public init?(_ first: Proportion, _ second: Proportion) {
    guard first.trials > 0, second.trials > 0 else { return nil }
    let pooled = (first.successes + second.successes) / (first.trials + second.trials)
    let rarer = min(pooled, 1 - pooled)
    guard rarer * min(first.trials, second.trials) >= Self.minimumExpected else { return nil }
    let variance = pooled * (1 - pooled) * (1 / first.trials + 1 / second.trials)
    guard variance > 0 else { return nil }
    z = (first.value - second.value) / variance.squareRoot()
    pValue = Normal.twoSided(z)
  }
}
