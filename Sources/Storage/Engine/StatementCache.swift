/// Prepared statements of one connection by their text, the least recently used one leaving first.
struct StatementCache<Key: Hashable, Statement> {
  private var entries: [Key: (statement: Statement, used: UInt64)] = [:]
  private var clock: UInt64 = 0
  private let capacity: Int

  init(capacity: Int) { self.capacity = capacity }

  mutating func find(_ key: Key) -> Statement? {
    guard let index = entries.index(forKey: key) else { return nil }
    clock += 1
    entries.values[index].used = clock
    return entries.values[index].statement
  }

  /// Keeps a new statement. Returns the one that had to leave, which the caller releases.
  mutating func insert(_ statement: Statement, for key: Key) -> Statement? {
    var evicted: Statement?
    if entries.count >= capacity, let oldest = entries.min(by: { $0.value.used < $1.value.used })?.key {
      evicted = entries.removeValue(forKey: oldest)?.statement
    }
    clock += 1
    entries[key] = (statement, clock)
    return evicted
  }

  /// Forgets all and returns them, for the caller to release.
  mutating func removeAll() -> [Statement] {
    defer { entries = [:] }
    return entries.values.map(\.statement)
  }
}
