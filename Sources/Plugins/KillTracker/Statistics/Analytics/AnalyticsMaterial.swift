import Platform
import Storage

/// Everything that insights are drawn from.
struct AnalyticsMaterial: Sendable {
  /// A fight between players, as one of them saw it.
  struct Fight: Sendable, Equatable {
    var day: Int64
    /// UTC, 0 … 23.
    var hour: Int
    var isWon: Bool
    var weapon: Int64?
    var location: Int64?
  }

  /// A weapon's kills by day beside all that name one.
  struct WeaponDays: Sendable {
    var name: String
    /// By day from the first of ``Insights/comparedDays`` on.
    var counts: [(successes: Int, trials: Int)]
  }

  var subject: AnalyticsSubject
  /// Days that are over, from the first on which anything was counted.
  var series: DaySeries
  /// Of a player.
  var fights: [Fight] = []
  var names: [Int64: String] = [:]
  /// Of a server or of all.
  var weapons: [WeaponDays] = []

  /// How far back it goes.
  static let days = 90
  /// Of each side; where there are more, both sides begin with the same moment.
  static let fightLimit = 2_000
  static let weaponLimit = 5

  /// - Parameter today: the day that is not over.
  static func load(
    _ subject: AnalyticsSubject, today: Int64, in transaction: ReadTransaction
  ) throws -> AnalyticsMaterial {
    let first = try DaySeries.firstDay(of: subject, in: transaction)
    let days = (today - Int64(Self.days))...(today - 1)
    var material = AnalyticsMaterial(
      subject: subject, series: try DaySeries.load(subject, days: days, in: transaction).begun(on: first))
    switch subject {
    case .player(nil, _), .nothing: break
    case .player(let player?, let serverID):
      material.fights = try fights(of: player, serverID: serverID, since: days.lowerBound, in: transaction)
      try material.findNames(in: transaction)
    case .server(let serverID): try material.findWeapons(serverID, in: transaction)
    case .all: try material.findWeapons(KillCounts.allServers, in: transaction)
    }
    return material
  }

  /// By two index ranges that end at the limit: flat however many kills there are.
  private static func fights(
    of player: Int64, serverID: String?, since first: Int64, in transaction: ReadTransaction
  ) throws -> [Fight] {
    struct Row {
      var time: Int64
      var weapon: Int64?
      var location: Int64?
      var isWanted: Bool
    }
    let isPvP = "kind = '\(KillKind.pvp.rawValue)'"
    let isWanted = serverID == nil ? isPvP : "\(isPvP) AND server_id = $3"
    func side(_ column: String) throws -> [Row] {
      var parameters: [any DatabaseValueConvertible] = [player, Timestamp(milliseconds: first * Calendar.day)]
      if let serverID { parameters.append(serverID) }
      var rows: [Row] = []
      try transaction.forEach(
        """
        SELECT occurred_at, weapon_id, location_id, CASE WHEN \(isWanted) THEN 1 ELSE 0 END FROM kills
        WHERE \(column) = $1 AND occurred_at >= $2 ORDER BY occurred_at DESC, id DESC LIMIT \(fightLimit)
        """, parameters: parameters
      ) { row in
        rows.append(
          Row(
            time: row.integer(0) ?? 0, weapon: row.integer(1), location: row.integer(2), isWanted: row.integer(3) == 1))
      }
      return rows
    }
    let (won, lost) = (try side("killer_id"), try side("victim_id"))
    let begin = [won, lost].filter { $0.count == fightLimit }.compactMap(\.last?.time).max()
    return [(won, true), (lost, false)].flatMap { rows, isWon in
      rows.filter { row in row.isWanted && begin.map { row.time >= $0 } ?? true }.map { row in
        let day = Calendar.day(of: Timestamp(milliseconds: row.time))
        return Fight(
          day: day, hour: Int((row.time - day * Calendar.day) / 3_600_000), isWon: isWon, weapon: row.weapon,
          location: row.location)
      }
    }
  }

  private mutating func findNames(in transaction: ReadTransaction) throws {
    var wanted: Set<Int64> = []
    for fight in fights {
      if let weapon = fight.weapon { wanted.insert(weapon) }
      if let location = fight.location { wanted.insert(location) }
    }
    names = try NameSums.names(Array(wanted), in: transaction)
  }

  private mutating func findWeapons(_ serverID: String, in transaction: ReadTransaction) throws {
    let recent = series.last(Insights.comparedDays)
    guard !recent.counts.isEmpty else { return }
    var conditions = KillList.Conditions()
    conditions.add("what = ?", 0)
    conditions.add("server_id = ?", serverID)
    conditions.add("day >= ?", recent.first)
    conditions.add("day < ?", recent.first + Int64(recent.counts.count))
    var totals = [Int](repeating: 0, count: recent.counts.count)
    var byName: [Int64: [Int]] = [:]
    try transaction.forEach(
      "SELECT day, name_id, entries FROM kill_name_days \(conditions.text)", parameters: conditions.parameters
    ) { row in
      guard let day = row.integer(0), let name = row.integer(1), let entries = row.integer(2) else { return }
      let place = Int(day - recent.first)
      totals[place] += Int(entries)
      byName[name, default: [Int](repeating: 0, count: totals.count)][place] += Int(entries)
    }
    let most = byName.map { (name: $0.key, days: $0.value, total: $0.value.reduce(0, +)) }
      .sorted { ($1.total, $0.name) < ($0.total, $1.name) }.prefix(Self.weaponLimit)
    names = try NameSums.names(most.map(\.name), in: transaction)
    weapons = most.compactMap { entry in
      names[entry.name].map { WeaponDays(name: $0, counts: zip(entry.days, totals).map { ($0, $1) }) }
    }
  }
}
