import Platform

extension AnalyticsService {
  /// The kills of a period as CSV, piece by piece, the oldest first; the first piece begins with the header. Names of
  /// private players are left out for those who took no part.
  /// - Throws: ``KillError``; what `write` throws, which ends it.
  public func exportCSV(
    of subject: AnalyticsSubject, period: AnalyticsPeriod, for viewer: KillViewer,
    write: ([UInt8]) async throws -> Void
  ) async throws {
    guard let filter = filter(subject, period) else { return try await write(Array(KillExport.header.utf8)) }
    try await kills.exportCSV(filter, for: viewer, write: write)
  }

  /// The same as kills, page by page.
  public func exportKills(
    of subject: AnalyticsSubject, period: AnalyticsPeriod, for viewer: KillViewer, handle: ([Kill]) async throws -> Void
  ) async throws {
    guard let filter = filter(subject, period) else { return }
    try await kills.export(filter, for: viewer, handle: handle)
  }

  /// The days of a period, today the last of them.
  public func days(
    of subject: AnalyticsSubject, period: AnalyticsPeriod
  ) async throws -> [(date: String, metrics: AnalyticsMetrics)] {
    let days = (today - Int64(period.days) + 1)...today
    let series = try await database.read { try DaySeries.load(subject, days: days, in: $0) }
    return series.counts.enumerated().map { offset, counts in
      (Calendar.text(ofDay: series.first + Int64(offset)), AnalyticsMetrics(counts))
    }
  }

  /// Nil where there is nothing.
  private func filter(_ subject: AnalyticsSubject, _ period: AnalyticsPeriod) -> KillFilter? {
    var filter = KillFilter(
      serverID: subject.serverID, from: Timestamp(milliseconds: (today - Int64(period.days) + 1) * Calendar.day),
      until: Timestamp(milliseconds: (today + 1) * Calendar.day))
    switch subject {
    case .player(nil, _), .nothing: return nil
    case .player(let player?, _): filter.player = player
    case .server, .all: break
    }
    return filter
  }
}
