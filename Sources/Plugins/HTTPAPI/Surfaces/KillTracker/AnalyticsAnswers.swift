import KillTracker

/// What the reference prints of analytics, and, where it prints nothing, the like.
enum AnalyticsAnswers {
  struct Dashboard: Codable, Sendable {
    struct Overview: Codable, Sendable {
      let totalKills: Int
      let totalDeaths: Int
      let killDeathRatio: Double
      let activeUsers: Int
    }
    struct Trends: Codable, Sendable {
      let killsTrend: String
      let performanceTrend: String
    }
    struct Note: Codable, Sendable {
      let type: Insight.Kind
      let title: String
      let description: String
      let confidence: Double
    }
    let overview: Overview
    let trends: Trends
    let insights: [Note]

    init(_ dashboard: AnalyticsService.Dashboard) {
      let figures = dashboard.overview
      overview = Overview(
        totalKills: figures.totalKills, totalDeaths: figures.totalDeaths, killDeathRatio: figures.killDeathRatio,
        activeUsers: dashboard.activeUsers)
      trends = Trends(killsTrend: dashboard.killsTrend, performanceTrend: dashboard.performanceTrend)
      insights = dashboard.insights.map {
        Note(type: $0.kind, title: $0.title, description: $0.description, confidence: rounded($0.confidence))
      }
    }
  }

  struct Metrics: Codable, Sendable {
    let totalKills: Int
    let totalDeaths: Int
    let killDeathRatio: Double
    let pvpKills: Int
    let pveKills: Int
    let pvpRatio: Double
    let period: AnalyticsPeriod
    let game: String
    @Nullable var serverId: String?

    init(_ metrics: AnalyticsMetrics, period: AnalyticsPeriod, game: String, serverId: String?) {
      totalKills = metrics.totalKills
      totalDeaths = metrics.totalDeaths
      killDeathRatio = metrics.killDeathRatio
      pvpKills = metrics.pvpKills
      pveKills = metrics.pveKills
      pvpRatio = metrics.pvpRatio
      self.period = period
      self.game = game
      self.serverId = serverId
    }
  }

  struct Interval: Codable, Sendable {
    let low: Double
    let high: Double
    let level: Double
  }

  struct Trend: Codable, Sendable {
    struct Point: Codable, Sendable {
      let date: String
      @Nullable var value: Double?
    }
    struct Test: Codable, Sendable {
      let name: String
      let days: Int
      let statistic: Int
      let tau: Double
      let z: Double
      let varianceInflation: Double
      let pValue: Double
    }
    struct Slope: Codable, Sendable {
      let name: String
      let perDay: Double
      let interval: Interval
    }
    struct ChangePoint: Codable, Sendable {
      let name: String
      let date: String
      let days: Int
      let statistic: Int
      let pValue: Double
      let medianBefore: Double
      let medianAfter: Double
    }
    let metric: String
    let period: AnalyticsPeriod
    let game: String
    @Nullable var serverId: String?
    let scope: AnalyticsService.Scope
    let current: Double
    let previous: Double
    let change: String
    let direction: TrendReport.Direction
    /// 1 less the test's p-value; null without a test.
    @Nullable var confidence: Double?
    let series: [Point]
    @Nullable var test: Test?
    @Nullable var slope: Slope?
    @Nullable var changePoint: ChangePoint?
    /// Why there is no test.
    @Nullable var note: String?

    init(_ report: TrendReport, metric: String, game: String, serverId: String?, scope: AnalyticsService.Scope) {
      self.metric = metric
      period = report.period
      self.game = game
      self.serverId = serverId
      self.scope = scope
      current = report.current
      previous = report.previous
      change = report.changeText
      direction = report.direction
      confidence = report.test.map { rounded(1 - $0.pValue) }
      series = report.days.map { Point(date: $0.date, value: $0.value) }
      test = report.test.map {
        Test(
          name: "Mann-Kendall", days: $0.count, statistic: $0.s, tau: $0.tau, z: $0.z,
          varianceInflation: $0.inflation, pValue: $0.pValue)
      }
      slope = report.slope.map {
        Slope(
          name: "Sen", perDay: $0.perUnit, interval: Interval(low: $0.low, high: $0.high, level: $0.level))
      }
      changePoint = report.shift.map {
        ChangePoint(
          name: "Pettitt", date: $0.date, days: $0.test.count, statistic: $0.test.k, pValue: $0.test.pValue,
          medianBefore: $0.test.before, medianAfter: $0.test.after)
      }
      if report.test == nil {
        note =
          report.testedDays < MannKendall.minimum
          ? "a test takes \(MannKendall.minimum) days with figures before today, here are \(report.testedDays)"
          : "all days are equal"
      }
    }
  }

  struct Numbers: Codable, Sendable {
    let test: String
    let n: Int
    @Nullable var statistic: Double?
    @Nullable var pValue: Double?
    /// After Holm's correction for all tests of the report.
    @Nullable var adjustedPValue: Double?
    let estimate: Double
    @Nullable var interval: Interval?

    init(_ evidence: Evidence) {
      test = evidence.test
      n = evidence.n
      statistic = evidence.statistic
      pValue = evidence.pValue
      adjustedPValue = evidence.adjustedPValue
      estimate = evidence.estimate
      interval = evidence.interval.map { Interval(low: $0.low, high: $0.high, level: $0.level) }
    }
  }

  struct Insights: Codable, Sendable {
    struct Entry: Codable, Sendable {
      let type: Insight.Kind
      let title: String
      let description: String
      let confidence: Double
      let evidence: Numbers
    }
    let insights: [Entry]
    let total: Int
    let limit: Int
    let offset: Int

    init(_ insights: [Insight], limit: Int, offset: Int) {
      self.insights = insights.dropFirst(offset).prefix(limit).map {
        Entry(
          type: $0.kind, title: $0.title, description: $0.description, confidence: rounded($0.confidence),
          evidence: Numbers($0.evidence))
      }
      total = insights.count
      self.limit = limit
      self.offset = offset
    }
  }

  struct Recommendations: Codable, Sendable {
    struct Entry: Codable, Sendable {
      let type: Recommendation.Kind
      let title: String
      let description: String
      let priority: Recommendation.Priority
      let confidence: Double
      let evidence: Numbers
    }
    let recommendations: [Entry]
    let total: Int
    let limit: Int
    let offset: Int

    init(_ found: [Recommendation], limit: Int, offset: Int) {
      recommendations = found.dropFirst(offset).prefix(limit).map {
        Entry(
          type: $0.kind, title: $0.title, description: $0.description, priority: $0.priority,
          confidence: rounded($0.confidence), evidence: Numbers($0.evidence))
      }
      total = found.count
      self.limit = limit
      self.offset = offset
    }
  }

  /// Down to four decimals: nothing is certain.
  private static func rounded(_ confidence: Double) -> Double { (confidence * 10_000).rounded(.down) / 10_000 }
}
