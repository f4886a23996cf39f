import Core
import Platform

/// Boards before anybody asks for them.
extension Boards {
  /// Loads the boards of all servers, and before each midnight those of the next day, until cancelled: adding up a month
  /// takes a second or more where there are ten million kills.
  func keepWarm(time: any TimeSource, log: Log) async {
    while !Task.isCancelled {
      for moment in [time.timestamp, time.timestamp + Self.ahead] {
        do { try await warm(at: moment) } catch is CancellationError { return } catch {
          log.warning("leaderboards were not prepared; trying again soon", ["error": .error(error)])
        }
      }
      guard (try? await time.sleep(for: Self.warmingInterval)) != nil else { return }
    }
  }

  /// Twice in the time that boards are prepared ahead, so that none is missed.
  static let ahead = Duration.seconds(300)
  static let warmingInterval = Duration.seconds(120)
  /// By these they are put in order beforehand.
  private static let metrics: [LeaderboardMetric] = [.kills, .kdr]

  func warm(at moment: Timestamp) async throws {
    let today = Calendar.day(of: moment)
    // Side by side, for adding up is work for one processor.
    try await withThrowingTaskGroup(of: Void.self) { group in
      for ranges in Self.ranges(around: today) { group.addTask { [self] in try await warm(ranges) } }
      try await group.waitForAll()
    }
  }

  private func warm(_ ranges: [ClosedRange<Int64>]) async throws {
    for range in ranges {
      // Beyond that, what is prepared would drive out what is asked for.
      guard playerCount < Self.playerLimit * 3 / 4 else { return }
      try Task.checkCancellation()
      for metric in Self.metrics { _ = try await read([Board.Key(serverID: nil, days: range)], by: metric) }
    }
  }

  /// The days of all boards that everybody asks for, in two halves that have little in common: those of ranks in
  /// statistics first, and those from which others are a few days away before these.
  static func ranges(around today: Int64) -> [[ClosedRange<Int64>]] {
    let days = Dictionary(
      LeaderboardPeriod.allCases.map { ($0, $0.days(around: today)) }, uniquingKeysWith: { $1 })
    func both(_ period: LeaderboardPeriod) -> [ClosedRange<Int64>] {
      days[period].map { [$0.current, $0.previous] } ?? []
    }
    // Dashboards count who was active of late; analytics of users rank the last thirty days.
    return [
      both(.allTime) + both(.weekly) + [(today - 6)...today] + both(.daily), both(.monthly) + [(today - 29)...today],
    ]
  }
}
