import Storage

/// How often weapons and places were named over some days of a server.
///
/// Days that are over are added up in blocks, which are remembered; so a range of years costs its two ends and what is not
/// over.
struct NameSums {
  struct Key: Hashable, Sendable {
    /// 0 a weapon, 1 a place.
    var what: Int
    var serverID: String
    var days: ClosedRange<Int64>
  }

  /// Days of a block, a power of two.
  static let block: Int64 = 32

  let memory: StatisticsMemory
  /// The day that is not over.
  let today: Int64

  /// The most frequent of a range, ties by name (by its bytes), and how many kills name any.
  func shares(
    _ what: Int, of serverID: String, days: ClosedRange<Int64>, limit: Int, in transaction: ReadTransaction
  ) throws -> [NamedShare] {
    var counts: [Int64: Int] = [:]
    for piece in Self.pieces(of: days, today: today) {
      let key = Key(what: what, serverID: serverID, days: piece)
      let sums =
        piece.upperBound < today
        ? try memory.names.value(
          key, of: .server(serverID, days: piece), in: transaction, weight: { max(1, $0.count) }
        ) { try Self.load(key, in: transaction) }
        : try Self.load(key, in: transaction)
      counts.merge(sums, uniquingKeysWith: +)
    }
    let total = counts.values.reduce(0, +)
    var found = counts.filter { $0.value > 0 }.map { (id: $0.key, count: $0.value) }
    found.sort { ($1.count, $0.id) < ($0.count, $1.id) }
    // Names decide only among those that share the last place.
    if found.count > limit {
      let last = found[limit - 1].count
      found = Array(found.prefix { $0.count >= last })
    }
    let names = try Self.names(found.map(\.id), in: transaction)
    return found.compactMap { entry in names[entry.id].map { (name: $0, count: entry.count) } }
      .sorted { $0.count == $1.count ? $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) : $0.count > $1.count }
      .prefix(limit).map { name, count in
        NamedShare(name: name, count: count, percentage: (Double(count) / Double(total) * 1_000).rounded() / 10)
      }
  }

  /// The range in blocks, with what is left at its ends, and the days that are not over for themselves.
  static func pieces(of days: ClosedRange<Int64>, today: Int64) -> [ClosedRange<Int64>] {
    var pieces: [ClosedRange<Int64>] = []
    var first = days.lowerBound
    while first <= days.upperBound, first < today {
      let last = min(first | (block - 1), days.upperBound, today - 1)
      pieces.append(first...last)
      first = last + 1
    }
    return first <= days.upperBound ? pieces + [first...days.upperBound] : pieces
  }

  private static func load(_ key: Key, in transaction: ReadTransaction) throws -> [Int64: Int] {
    var counts: [Int64: Int] = [:]
    try transaction.forEach(
      """
      SELECT name_id, CAST(SUM(entries) AS BIGINT) FROM kill_name_days
      WHERE what = $1 AND server_id = $2 AND day >= $3 AND day <= $4 GROUP BY name_id
      """, parameters: [key.what, key.serverID, key.days.lowerBound, key.days.upperBound]
    ) { row in
      if let name = row.integer(0), let count = row.integer(1), count != 0 { counts[name] = Int(count) }
    }
    return counts
  }

  static func names(_ ids: [Int64], in transaction: ReadTransaction) throws -> [Int64: String] {
    var names: [Int64: String] = [:]
    try transaction.inChunks(ids) { list, values in
      try transaction.forEach("SELECT id, name FROM kill_names WHERE id IN (\(list))", parameters: values) { row in
        if let id = row.integer(0) { names[id] = row.text(1) }
      }
    }
    return names
  }
}
