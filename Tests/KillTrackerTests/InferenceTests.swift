import Foundation
import Testing

@testable import KillTracker

/// The flow of the Nile at Aswan, 1871 to 1970, in 10^8 m³ (Cobb 1978, Table 1).
private let nile: [Double] = [
  1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140, 1100,
  1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969, 831, 726, 456,
  824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759, 781, 865, 845, 944, 984, 897,
  822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890, 744, 749, 838, 1050, 918, 986, 797, 923, 975,
  815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
]

private func points(_ values: [Double]) -> [SeriesPoint] {
  values.enumerated().map { SeriesPoint(time: Double($0.offset), value: $0.element) }
}

private func close(_ left: Double?, _ right: Double, _ tolerance: Double = 1e-9) -> Bool {
  left.map { abs($0 - right) <= tolerance * max(1, abs(right)) } ?? false
}

/// Tests and intervals against values from the literature, from SciPy 1.17 and by hand.
struct InferenceTests {
  @Test func tailsOfTheNormalAndTheChiSquareDistribution() {
    #expect(close(Normal.twoSided(1.959963984540054), 0.05, 1e-12))
    #expect(close(Normal.twoSided(-1.959963984540054), 0.05, 1e-12))
    #expect(close(Normal.upperTail(0), 0.5))
    #expect(close(Normal.deviations(holding: 0.95), 1.959963984540054, 1e-9))
    #expect(close(Normal.deviations(holding: 0.99), 2.5758293035489, 1e-9))
    #expect(close(ChiSquare.upperTail(12.592, degrees: 6), 0.04999245818920999))
    #expect(close(ChiSquare.upperTail(7.815, degrees: 3), 0.049993902974883875))
    #expect(close(ChiSquare.upperTail(3.841, degrees: 1), 0.050013683763956804))
    #expect(close(ChiSquare.upperTail(0.5, degrees: 6), 0.9978385033102375))
    #expect(ChiSquare.upperTail(0, degrees: 4) == 1)
  }

  @Test func mannAndKendallWithTies() throws {
    let test = try #require(MannKendall(points([2, 3, 5, 1, 4, 4, 6, 2, 7, 5, 3, 8])))
    #expect(test.s == 26 && test.count == 12)
    #expect(close(test.tau, 0.40644850966246954))
    // (26 - 1) / sqrt(208.67): nothing depends on what was before.
    #expect(test.inflation == 1)
    #expect(close(test.z, 1.730666827477672))
    #expect(close(test.pValue, 0.0835112050336081))
  }

  @Test func theNileFalls() throws {
    let test = try #require(MannKendall(points(nile)))
    #expect(test.s == -1387)
    #expect(close(test.tau, -0.2807413347246131))
    // The level of the Nile depends on that of the year before, so the test is more careful than without.
    #expect(test.inflation > 1)
    #expect(close(test.z * test.inflation.squareRoot(), -4.128066522844101))
    #expect(test.pValue > 3.7e-05 && test.pValue < 0.05)
    let slope = try #require(SenSlope(points(nile)))
    #expect(slope.perUnit == -2.6)
    #expect(close(slope.low, -3.627906976744186) && close(slope.high, -1.4285714285714286))
  }

  @Test func slopesAreBySteps() throws {
    let slope = try #require(SenSlope(points([2, 3, 5, 1, 4, 4, 6, 2, 7, 5, 3, 8])))
    #expect(close(slope.perUnit, 1.0 / 3) && close(slope.low, 0) && close(slope.high, 2.0 / 3))
    // Days without a value do not shorten time.
    let sparse = [(0.0, 1.0), (10, 2), (30, 4)].map { SeriesPoint(time: $0.0, value: $0.1) }
    #expect(close(SenSlope(sparse)?.perUnit, 0.1))
    #expect(SenSlope([SeriesPoint(time: 0, value: 5)]) == nil)
    #expect(SenSlope([SeriesPoint(time: 3, value: 5), SeriesPoint(time: 3, value: 9)]) == nil)
  }

  /// The level fell in 1899, as is known of it (Cobb 1978; the Aswan dam).
  @Test func pettittFindsTheDamAtAswan() throws {
    let test = try #require(Pettitt(nile))
    #expect(test.place == 28)
    #expect(test.k == 1617)
    #expect(close(test.pValue, 3.5910221769362927e-07))
    #expect(test.before == 1130 && test.after == 842.5)
  }

  @Test func rankSumsWithTies() throws {
    let a: [Double] = [3, 5, 5, 8, 0, 2, 9]
    let b: [Double] = [1, 0, 0, 2, 4, 1, 3, 0, 2, 5, 1, 1, 0, 2, 3, 1]
    let test = try #require(RankSum(a, b))
    #expect(test.u == 88.5 && test.z > 0)
    #expect(close(test.pValue, 0.030052393140241447))
    let turned = try #require(RankSum(b, a))
    #expect(turned.u == 112 - 88.5 && turned.z == -test.z && turned.pValue == test.pValue)
  }

  @Test func kruskalAndWallisWithTies() throws {
    let test = try #require(KruskalWallis([[6, 8, 4, 5, 3], [8, 12, 9, 11, 6], [13, 9, 11, 8, 7]]))
    #expect(close(test.h, 7.053164556962028))
    #expect(test.degrees == 2)
    #expect(close(test.pValue, 0.02940524325649171))
    #expect(test.meanRanks.indices.min { test.meanRanks[$0] < test.meanRanks[$1] } == 0)
  }

  @Test(arguments: [
    (8, 10, 0.95, 0.4901624715366418, 0.9433178485456248), (0, 20, 0.95, 0.0, 0.16112515805281935),
    (20, 20, 0.95, 1 - 0.16112515805281935, 1.0), (37, 120, 0.99, 0.21219370709039861, 0.42455728939891313),
  ]) func wilsonsInterval(successes: Int, trials: Int, level: Double, low: Double, high: Double) {
    let interval = Proportion(successes, of: trials).interval(level: level)
    #expect(close(interval.lowerBound, low, 1e-8) && close(interval.upperBound, high, 1e-8))
  }

  @Test func withoutTrialsTheIntervalIsEverything() { #expect(Proportion(0, of: 0).interval() == 0...1) }

  @Test func twoProportions() throws {
    let test = try #require(TwoProportions(Proportion(45, of: 100), Proportion(60, of: 110)))
    #expect(close(test.z, -1.3816985594155142) && close(test.pValue, 0.16706427691489423))
    // Four are expected of eight: too few for the normal distribution.
    #expect(TwoProportions(Proportion(4, of: 8), Proportion(50, of: 100)) == nil)
    #expect(TwoProportions(Proportion(0, of: 50), Proportion(0, of: 50)) == nil)
    #expect(TwoProportions(Proportion(0, of: 0), Proportion(5, of: 50)) == nil)
  }

  /// Ten days that are all good or all bad are ten trials, not a hundred.
  @Test func clustersAreWorthFewerTrials() {
    let days = (0..<10).map { (successes: $0.isMultiple(of: 2) ? 10 : 0, trials: 10) }
    let part = Proportion.clustered(days)
    #expect(part.value == 0.5)
    // By hand: variance 10/9 · 10 · 25 / 100² = 1/36; a trial has 1/4, so there are 9.
    #expect(close(part.trials, 9))
    let even = Proportion.clustered((0..<10).map { _ in (successes: 5, trials: 10) })
    #expect(even.trials == 100)
    #expect(Proportion.clustered([(3, 7)]) == Proportion(3, of: 7))
    #expect(Proportion.clustered([]).trials == 0)
  }

  @Test func holmsCorrection() {
    #expect(Multiplicity.holm([0.01, 0.04, 0.03]).map { ($0 * 1000).rounded() } == [30, 60, 60])
    #expect(Multiplicity.holm([0.6, 0.7]) == [1, 1])
    #expect(Multiplicity.holm([]).isEmpty)
    // As with R's p.adjust.
    let adjusted = Multiplicity.holm([0.005, 0.011, 0.02, 0.04, 0.13])
    #expect(zip(adjusted, [0.025, 0.044, 0.06, 0.08, 0.13]).allSatisfy { close($0, $1) })
  }

  @Test func withTooLittleThereIsNoTest() {
    #expect(MannKendall(points([1, 2, 3, 4, 5, 6, 7, 8, 9])) == nil)
    #expect(MannKendall(points(Array(repeating: 4, count: 30))) == nil)
    #expect(Pettitt(Array(repeating: 1, count: 13)) == nil)
    #expect(RankSum([1, 2, 3, 4], Array(repeating: 5, count: 30)) == nil)
    #expect(RankSum(Array(repeating: 5, count: 7), Array(repeating: 5, count: 28)) == nil)
    #expect(KruskalWallis([[1, 2, 3, 4, 5], [1, 2, 3, 4]]) == nil)
    #expect(KruskalWallis(Array(repeating: [2, 2, 2, 2, 2], count: 3)) == nil)
  }

  @Test func aLevelSeriesHasNoChangePoint() throws {
    let test = try #require(Pettitt(Array(repeating: 3, count: 40)))
    #expect(test.pValue == 1)
  }

  // MARK: Where nothing is going on

  /// How often a test says that something is going on, of so many series in which nothing is.
  private func rate(
    _ runs: Int, seed: UInt64, _ isSignificant: (inout SeededGenerator) -> Bool
  ) async -> Double {
    var random = SeededGenerator(seed: seed)
    var hits = 0
    for run in 0..<runs {
      if isSignificant(&random) { hits += 1 }
      if run.isMultiple(of: 50) { await Task.yield() }
    }
    return Double(hits) / Double(runs)
  }

  @Test func ofAHundredQuietSeriesAtMostFiveHaveATrend() async {
    for (mean, seed) in [(0.3, 1), (4.0, 2)] as [(Double, UInt64)] {
      let rate = await rate(1_500, seed: seed) { random in
        MannKendall(points((0..<30).map { _ in Double(random.poisson(mean)) })).map { $0.pValue <= 0.05 } ?? false
      }
      #expect(rate < 0.06, "\(mean): \(rate)")
      #expect(mean < 1 || rate > 0.015, "\(rate)")
    }
  }

  /// Where each day is like the one before, the test of Mann and Kendall alone is wrong in some 25 of 100 cases.
  @Test func dependentDaysAreNoTrend() async {
    func series(_ random: inout SeededGenerator) -> [SeriesPoint] {
      var level = 0.0
      return points(
        (0..<90).map { _ in
          level = 0.5 * level + random.normal()
          return level
        })
    }
    let corrected = await rate(200, seed: 5) { (MannKendall(series(&$0))?.pValue ?? 1) <= 0.05 }
    let plain = await rate(200, seed: 5) { random in
      guard let test = MannKendall(series(&random)) else { return false }
      return Normal.twoSided(test.z * test.inflation.squareRoot()) <= 0.05
    }
    #expect(plain > 0.15, "\(plain)")
    #expect(corrected < 0.12, "\(corrected)")
  }

  /// A rise is no dependence: what is left without it is looked at.
  @Test func aSteadyRiseDoesNotWidenItsOwnTest() {
    var random = SeededGenerator(seed: 12)
    let rise = points((0..<60).map { Double($0) + random.normal() })
    #expect((MannKendall(rise)?.inflation ?? 9) < 1.5)
    #expect((MannKendall(rise, slope: 0)?.inflation ?? 0) > 4)
  }

  @Test func ofAHundredQuietSeriesAtMostFiveChange() async {
    let rate = await rate(1_000, seed: 3) { random in
      (Pettitt((0..<60).map { _ in Double(random.poisson(3)) })?.pValue ?? 1) <= 0.05
    }
    #expect(rate < 0.06, "\(rate)")
  }

  @Test func equalWeeksDoNotDiffer() async {
    let rate = await rate(1_500, seed: 4) { random in
      let days = (0..<35).map { _ in Double(random.poisson(2)) }
      return (RankSum(Array(days.suffix(7)), Array(days.prefix(28)))?.pValue ?? 1) <= 0.05
    }
    #expect(rate < 0.06 && rate > 0.02, "\(rate)")
  }

  @Test func equalWeekdaysDoNotDiffer() async {
    let rate = await rate(1_000, seed: 6) { random in
      let groups = (0..<7).map { _ in (0..<12).map { _ in Double(random.poisson(3)) } }
      return (KruskalWallis(groups)?.pValue ?? 1) <= 0.05
    }
    #expect(rate < 0.065 && rate > 0.02, "\(rate)")
  }

  /// Good and bad days at random: a test that takes each fight for itself sees differences everywhere.
  @Test func goodAndBadDaysAreNoDifference() async {
    func days(_ random: inout SeededGenerator, _ count: Int) -> [(successes: Int, trials: Int)] {
      (0..<count).map { _ in
        let skill = Double.random(in: 0.2...0.8, using: &random)
        return ((0..<12).count { _ in Double.random(in: 0..<1, using: &random) < skill }, 12)
      }
    }
    let clustered = await rate(1_000, seed: 7) { random in
      let (a, b) = (days(&random, 20), days(&random, 30))
      return (TwoProportions(.clustered(a), .clustered(b))?.pValue ?? 1) <= 0.05
    }
    let plain = await rate(1_000, seed: 7) { random in
      func whole(_ days: [(successes: Int, trials: Int)]) -> Proportion {
        Proportion(days.reduce(0) { $0 + $1.successes }, of: days.reduce(0) { $0 + $1.trials })
      }
      let (a, b) = (days(&random, 20), days(&random, 30))
      return (TwoProportions(whole(a), whole(b))?.pValue ?? 1) <= 0.05
    }
    #expect(clustered < 0.075, "\(clustered)")
    #expect(plain > 0.15, "\(plain)")
  }

  /// Of a hundred intervals, about 95 hold the truth.
  @Test func intervalsHoldTheTruth() async {
    for p in [0.05, 0.3, 0.5] {
      let misses = await rate(1_500, seed: 8) { random in
        let hits = (0..<40).count { _ in Double.random(in: 0..<1, using: &random) < p }
        return !Proportion(hits, of: 40).interval().contains(p)
      }
      #expect(misses < 0.085 && misses > 0.01, "\(p): \(misses)")
    }
    let misses = await rate(600, seed: 9) { random in
      let slope = SenSlope(points((0..<25).map { 0.4 * Double($0) + random.normal() }))
      return slope.map { !($0.low...$0.high).contains(0.4) } ?? true
    }
    #expect(misses < 0.09 && misses > 0.01, "\(misses)")
  }
}

extension SeededGenerator {
  /// Knuth's way: fine for small means.
  mutating func poisson(_ mean: Double) -> Int {
    let limit = exp(-mean)
    var product = Double.random(in: 0..<1, using: &self)
    var count = 0
    while product > limit {
      product *= Double.random(in: 0..<1, using: &self)
      count += 1
    }
    return count
  }

  /// Box and Muller's way.
  mutating func normal() -> Double {
    let (a, b) = (Double.random(in: 0.000_000_1..<1, using: &self), Double.random(in: 0..<1, using: &self))
    return (-2 * log(a)).squareRoot() * cos(2 * .pi * b)
  }
}
