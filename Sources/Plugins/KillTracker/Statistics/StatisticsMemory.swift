import Storage

/// What is remembered of statistics and analytics between one question and the next.
final class StatisticsMemory: Sendable {
  struct FindingsKey: Hashable, Sendable {
    var subject: AnalyticsSubject
    var today: Int64
  }
  struct SeriesKey: Hashable, Sendable {
    var subject: AnalyticsSubject
    var days: ClosedRange<Int64>
  }

  /// A few KB each.
  let findings: Remembered<FindingsKey, [Finding]>
  /// Days of players, at most 40,000 of 48 bytes.
  let series: Remembered<SeriesKey, DaySeries>
  let favourites: Remembered<Int64, Favourites>
  /// Names with their counts, at most 200,000 of 16 to 32 bytes.
  let names: Remembered<NameSums.Key, [Int64: Int]>
  let trends = TrendMemory()

  init(_ boards: Boards) {
    findings = Remembered(boards, limit: 1_000)
    series = Remembered(boards, limit: 40_000)
    favourites = Remembered(boards, limit: 4_000)
    names = Remembered(boards, limit: 200_000)
  }

  /// What is to be told of a subject today.
  func findings(
    of subject: AnalyticsSubject, today: Int64, in transaction: ReadTransaction
  ) throws -> [Finding] {
    guard let part = subject.part(until: today - 1) else { return [] }
    return try findings.value(FindingsKey(subject: subject, today: today), of: part, in: transaction) {
      Insights.findings(try AnalyticsMaterial.load(subject, today: today, in: transaction))
    }
  }

  /// The days of a subject. Those of players lie far from each other; those of servers are read in one piece.
  func series(
    of subject: AnalyticsSubject, days: ClosedRange<Int64>, in transaction: ReadTransaction
  ) throws -> DaySeries {
    guard case .player(let player?, _) = subject else {
      return try DaySeries.load(subject, days: days, in: transaction)
    }
    let key = SeriesKey(subject: subject, days: days)
    return try series.value(key, of: .player(player), in: transaction, weight: \.counts.count) {
      try DaySeries.load(subject, days: days, in: transaction)
    }
  }
}

extension AnalyticsSubject {
  /// What its figures up to a day are computed from; nil if there are none. A player's is more than that: all of theirs.
  func part(until day: Int64) -> Touches.Part? {
    switch self {
    case .player(nil, _), .nothing: nil
    case .player(let player?, _): .player(player)
    case .server(let server): .server(server, days: Int64.min...day)
    case .all: .server(KillCounts.allServers, days: Int64.min...day)
    }
  }
}
