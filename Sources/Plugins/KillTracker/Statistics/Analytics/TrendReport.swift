import Synchronization

/// How a metric went over a period, and whether that is more than chance.
public struct TrendReport: Sendable, Equatable {
  public struct Day: Sendable, Equatable {
    public var date: String
    /// Nil on days that have none, such as a ratio on a day without kills.
    public var value: Double?
  }

  public enum Direction: String, Sendable, Codable, CaseIterable { case increasing, decreasing, none }

  public struct Shift: Sendable, Equatable {
    /// The first day of the new level.
    public var date: String
    public var test: Pettitt
  }

  public static let level = 0.95

  public var metric: AnalyticsMetric
  public var period: AnalyticsPeriod
  public var days: [Day]
  /// The metric of the whole period and of the one before it.
  public var current: Double
  public var previous: Double
  /// `none` unless the test says with ``level`` that there is one.
  public var direction: Direction
  /// Nil where there are too few days to test.
  public var test: MannKendall?
  /// In the metric's unit by day.
  public var slope: SenSlope?
  /// Where the level changed; nil unless significant.
  public var shift: Shift?
  /// How many days the tests rest on: those with a value, from the first that was ever counted to yesterday. Today is
  /// not over, and would look like a decline.
  public var testedDays: Int

  /// Against the period before: `+15%`, `-3%`, `0%`; `n/a` where there was nothing to compare with.
  public var changeText: String { Self.changeText(from: previous, to: current) }

  static func changeText(from old: Double, to new: Double) -> String {
    if old == new { return "0%" }
    guard old > 0 else { return "n/a" }
    let percent = ((new - old) / old * 100).rounded()
    if percent == 0 { return "0%" }
    return percent > 0 ? "+\(Int(percent))%" : "\(Int(percent))%"
  }

  /// - Parameters:
  ///   - series: the period and as many days before it; the last is today.
  ///   - firstDay: the first day on which anything was counted.
  ///   - test: what is found of the tested days.
  init(
    _ metric: AnalyticsMetric, _ period: AnalyticsPeriod, series: DaySeries, firstDay: Int64?,
    test: ([SeriesPoint]) -> Tests = Tests.init
  ) {
    let shown = series.last(period.days)
    self.metric = metric
    self.period = period
    days = shown.counts.enumerated().map { offset, counts in
      Day(date: Calendar.text(ofDay: shown.first + Int64(offset)), value: metric.value(of: counts))
    }
    current = metric.value(of: shown.total) ?? 0
    previous = metric.value(of: series.dropping(last: period.days).total) ?? 0

    let tested = shown.begun(on: firstDay).dropping(last: 1)
    let points = tested.points(metric)
    testedDays = points.count
    let found = test(points)
    slope = found.slope
    self.test = found.trend
    direction =
      found.trend.flatMap { $0.pValue <= 1 - Self.level ? $0.s > 0 ? .increasing : .decreasing : nil } ?? .none
    if let level = found.level, level.pValue <= 1 - Self.level {
      shift = Shift(
        date: Calendar.text(ofDay: tested.first + Int64(points[level.place].time)), test: level)
    }
  }

  /// What is computed of the tested days alone.
  struct Tests: Sendable {
    var slope: SenSlope?
    var trend: MannKendall?
    var level: Pettitt?

    init(_ points: [SeriesPoint]) {
      slope = points.count >= MannKendall.minimum ? SenSlope(points, level: TrendReport.level) : nil
      trend = MannKendall(points, slope: slope?.perUnit)
      level = Pettitt(points.map(\.value))
    }
  }
}

/// Tests of trends that were made lately. A year of days has 66,000 pairs; most of the time the same days are asked for
/// again, of which only today's counts have changed, which no test looks at.
final class TrendMemory: Sendable {
  struct Key: Hashable, Sendable {
    var subject: AnalyticsSubject
    var metric: AnalyticsMetric
    var period: AnalyticsPeriod
  }

  /// Of up to 364 points: some 2 MB.
  static let limit = 256

  private let known = Mutex<[Key: (points: [SeriesPoint], tests: TrendReport.Tests)]>([:])

  func tests(of points: [SeriesPoint], _ key: Key) -> TrendReport.Tests {
    if let known = known.withLock({ $0[key] }), known.points == points { return known.tests }
    let tests = TrendReport.Tests(points)
    known.withLock { known in
      if known.count >= Self.limit, known[key] == nil { known = [:] }
      known[key] = (points, tests)
    }
    return tests
  }
}

extension DaySeries {
  /// From the first day on which anything was counted: the emptiness before it says nothing.
  func begun(on day: Int64?) -> DaySeries {
    guard let day else { return DaySeries(first: first, counts: []) }
    let skipped = min(counts.count, Int(max(0, day - first)))
    return DaySeries(first: first + Int64(skipped), counts: Array(counts.dropFirst(skipped)))
  }
}
