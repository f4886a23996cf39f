import Platform
import Storage

/// What pictures show.
extension AnalyticsService {
  public struct Day: Sendable, Equatable {
    /// From 1970-01-01, UTC.
    public var number: Int64
    public var metrics: AnalyticsMetrics
  }

  static let weaponRows = Favourites.limit
  static let serverWeaponDays = 90

  /// - Parameter count: how many days; today is the last.
  /// - Throws: ``KillError``: `forbidden` for a private player.
  public func days(of subject: AnalyticsSubject, last count: Int, for viewer: KillViewer) async throws -> [Day] {
    let days = (today - Int64(count) + 1)...today
    let series = try await database.read { [memory = kills.memory] transaction in
      try Self.checkPrivacy(of: subject, for: viewer, in: transaction)
      return try memory.series(of: subject, days: days, in: transaction)
    }
    return series.counts.enumerated().map { offset, counts in
      Day(number: series.first + Int64(offset), metrics: AnalyticsMetrics(counts))
    }
  }

  /// The weapons with the most kills: of a player of all time, of a server of the last ``serverWeaponDays`` days.
  /// - Throws: ``KillError``: `forbidden` for a private player.
  public func weapons(of subject: AnalyticsSubject, for viewer: KillViewer) async throws -> [NamedShare] {
    switch subject {
    case .player(nil, _), .nothing: return []
    case .player(let player?, _):
      return try await database.read { [memory = kills.memory] transaction in
        try Self.checkPrivacy(of: subject, for: viewer, in: transaction)
        let favourites = try memory.favourites.value(player, of: .player(player), in: transaction) {
          try Favourites.load(player, in: transaction)
        }
        return favourites.weapons.prefix(Self.weaponRows).map { weapon in
          NamedShare(
            name: weapon.name, count: weapon.count,
            percentage: AnalyticsMetrics.percentage(weapon.count, of: favourites.armed))
        }
      }
    case .server, .all:
      let from = Timestamp(milliseconds: (today - Int64(Self.serverWeaponDays) + 1) * Calendar.day)
      let found = try await kills.analytics(from: from, serverID: subject.serverID)
      return Array(found.weapons.prefix(Self.weaponRows))
    }
  }

  private static func checkPrivacy(
    of subject: AnalyticsSubject, for viewer: KillViewer, in transaction: ReadTransaction
  ) throws {
    if case .player(let player, _) = subject { try Kills.checkPrivacy(of: player, for: viewer, in: transaction) }
  }
}
