import Glibc

/// One value at one time, in any unit of time.
public struct SeriesPoint: Sendable, Equatable {
  public var time: Double
  public var value: Double

  public init(time: Double, value: Double) {
    self.time = time
    self.value = value
  }
}

/// Whether values go up or down with time: the test of Mann (1945) and Kendall (1975), which asks of no distribution,
/// with the correction for ties, and that of Hamed and Rao (1998) for values that depend on those before them.
///
/// Of the latter only what makes the test more careful: positive dependence over at most seven steps.
public struct MannKendall: Sendable, Equatable {
  /// With fewer values there is no test: the normal approximation needs ten.
  public static let minimum = 10
  static let longestLag = 7

  public var count: Int
  /// How many pairs go up, less how many go down.
  public var s: Int
  /// From -1 (every pair goes down) to 1, with ties taken into account.
  public var tau: Double
  /// By how much dependence widens the variance; 1: not at all.
  public var inflation: Double
  public var z: Double
  /// Two-sided.
  public var pValue: Double

  /// Nil with fewer than ``minimum`` values, or where all are equal.
  /// - Parameter points: in the order of time.
  public init?(_ points: [SeriesPoint], slope: Double? = nil) {
    let n = points.count
    guard n >= Self.minimum else { return nil }
    var s = 0
    for later in 1..<n {
      for earlier in 0..<later {
        let (old, new) = (points[earlier].value, points[later].value)
        s += new > old ? 1 : new < old ? -1 : 0
      }
    }
    let ties = Ranks.ties(points.map(\.value))
    func weight(_ t: Int) -> Double { Double(t) * Double(t - 1) * Double(2 * t + 5) }
    let variance = (weight(n) - ties.reduce(0) { $0 + weight($1) }) / 18
    guard variance > 0 else { return nil }
    let pairs = Double(n) * Double(n - 1) / 2
    let tied = ties.reduce(0) { $0 + Double($1) * Double($1 - 1) / 2 }
    count = n
    self.s = s
    tau = Double(s) / ((pairs - tied) * pairs).squareRoot()
    inflation = Self.inflation(points, slope: slope ?? SenSlope(points)?.perUnit ?? 0)
    z = s == 0 ? 0 : Double(s - s.signum()) / (variance * inflation).squareRoot()
    pValue = Normal.twoSided(z)
  }

  /// From the autocorrelation of the ranks of what the slope leaves over.
  private static func inflation(_ points: [SeriesPoint], slope: Double) -> Double {
    let n = points.count
    let ranks = Ranks.of(points.map { $0.value - slope * $0.time })
    let mean = Double(n + 1) / 2
    let spread = ranks.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    guard spread > 0 else { return 1 }
    var sum = 0.0
    for lag in 1...min(longestLag, n / 3) {
      var product = 0.0
      for index in lag..<n { product += (ranks[index] - mean) * (ranks[index - lag] - mean) }
      let correlation = product / spread
      // What chance alone would give counts as nothing.
      guard correlation > 1.645 / Double(n).squareRoot() else { continue }
      sum += Double(n - lag) * Double(n - lag - 1) * Double(n - lag - 2) * correlation
    }
    return max(1, 1 + 2 * sum / (Double(n) * Double(n - 1) * Double(n - 2)))
  }
}

/// How fast values rise: the median of the slopes of all pairs (Theil 1950, Sen 1968), which single wild values do not
/// move.
public struct SenSlope: Sendable, Equatable {
  /// By how much the value rises in one unit of time.
  public var perUnit: Double
  /// The interval that holds the true slope with the probability `level`.
  public var low: Double
  public var high: Double
  public var level: Double

  /// Nil for fewer than two points in time.
  public init?(_ points: [SeriesPoint], level: Double = 0.95) {
    var slopes: [Double] = []
    slopes.reserveCapacity(points.count * max(0, points.count - 1) / 2)
    for later in points.indices.dropFirst() {
      for earlier in 0..<later where points[later].time != points[earlier].time {
        slopes.append(
          (points[later].value - points[earlier].value) / (points[later].time - points[earlier].time))
      }
    }
    guard !slopes.isEmpty else { return nil }
    slopes.sort()
    let m = slopes.count
    perUnit = m.isMultiple(of: 2) ? (slopes[m / 2 - 1] + slopes[m / 2]) / 2 : slopes[m / 2]
    func weight(_ t: Int) -> Double { Double(t) * Double(t - 1) * Double(2 * t + 5) }
    let ties = Ranks.ties(points.map(\.value)).reduce(0) { $0 + weight($1) }
    let reach = Normal.deviations(holding: level) * (max(0, weight(points.count) - ties) / 18).squareRoot()
    let lower = Int(((Double(m) - reach) / 2).rounded()) - 1
    let upper = Int(((Double(m) + reach) / 2).rounded())
    low = slopes[min(max(lower, 0), m - 1)]
    high = slopes[min(max(upper, 0), m - 1)]
    self.level = level
  }
}

/// Where a series changes its level once, if it does: the test of Pettitt (1979), which asks of no distribution.
///
/// Its p-value is the approximation 2 exp(-6 K² / (n³ + n²)), a little too large: it rather misses than invents.
public struct Pettitt: Sendable, Equatable {
  public static let minimum = 14

  public var count: Int
  /// The place of the first value of the new level.
  public var place: Int
  public var k: Int
  public var pValue: Double
  /// The medians on either side.
  public var before: Double
  public var after: Double

  /// Nil with fewer than ``minimum`` values.
  public init?(_ values: [Double]) {
    let n = values.count
    guard n >= Self.minimum else { return nil }
    // U(t) = 2 · (sum of the first t ranks) - t (n + 1)
    let ranks = Ranks.of(values)
    var (sum, best, place) = (0.0, 0.0, 1)
    for t in 1..<n {
      sum += ranks[t - 1]
      let u = abs(2 * sum - Double(t) * Double(n + 1))
      if u > best { (best, place) = (u, t) }
    }
    count = n
    self.place = place
    k = Int(best.rounded())
    let size = Double(n)
    pValue = min(1, 2 * exp(-6 * best * best / (size * size * size + size * size)))
    before = Ranks.median(Array(values[..<place]))
    after = Ranks.median(Array(values[place...]))
  }
}
