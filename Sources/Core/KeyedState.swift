import Platform
import Storage

/// Small facts of the program itself by name: a shard's session, the identify budget, what commands are registered.
public struct KeyedState: Sendable {
  public struct Entry: Sendable, Equatable {
    public var value: JSON
    /// Counts the changes, from 1.
    public var version: Int64
    public var updatedAt: Timestamp
  }

  let database: Database
  let time: any TimeSource

  public func find(_ name: String) async throws -> Entry? {
    try await database.read { try Self.find(name, in: $0) }
  }

  /// All entries whose name begins with `prefix`, by name: `gateway.session.` for all shards.
  public func all(prefix: String) async throws -> [String: Entry] {
    try await database.read { transaction in
      // Not LIKE, which treats case differently on the two engines.
      let entries = try transaction.query(
        "SELECT name, value, version, updated_at FROM keyed_state WHERE substr(name, 1, length($1)) = $1", prefix
      ) { row in (try row.value("name", as: String.self), try Self.entry(row)) }
      return Dictionary(uniqueKeysWithValues: entries)
    }
  }

  /// Stores a value whatever was there.
  /// - Returns: its version.
  @discardableResult
  public func set(_ name: String, to value: JSON) async throws -> Int64 {
    let now = time.timestamp
    return try await database.write { try Self.set(name, to: value, at: now, in: $0) }
  }

  /// Stores a value if the version is still the expected one; 0 stands for "no entry".
  /// - Returns: the new version, nil if somebody else was faster.
  public func set(_ name: String, to value: JSON, ifVersion expected: Int64) async throws -> Int64? {
    let now = time.timestamp
    return try await database.write { transaction in
      try transaction.lock("keyed_state.\(name)")
      guard try Self.find(name, in: transaction)?.version ?? 0 == expected else { return nil }
      return try Self.set(name, to: value, at: now, in: transaction)
    }
  }

  /// Reads, changes and stores a value as one step that no other process can come between. `change` may run more than
  /// once; nil means: no entry.
  @discardableResult
  public func update(_ name: String, _ change: @escaping @Sendable (JSON?) throws -> JSON?) async throws -> JSON? {
    let now = time.timestamp
    return try await database.write { transaction in
      try transaction.lock("keyed_state.\(name)")
      let value = try change(try Self.find(name, in: transaction)?.value)
      if let value {
        try Self.set(name, to: value, at: now, in: transaction)
      } else {
        try transaction.execute("DELETE FROM keyed_state WHERE name = $1", name)
      }
      return value
    }
  }

  /// As ``update(_:_:)``, for a change that depends on the time and has a result of its own. The time is that of the
  /// clock which all processes on this database share, read when no other process can come between any more.
  public func change<Result: Sendable>(
    _ name: String, _ body: @escaping @Sendable (inout JSON?, Timestamp) throws -> Result
  ) async throws -> Result {
    try await database.write { [time] transaction in
      try transaction.lock("keyed_state.\(name)")
      let now = try transaction.sharedTime(or: time)
      var value = try Self.find(name, in: transaction)?.value
      let before = value
      let result = try body(&value, now)
      guard value != before else { return result }
      if let value {
        try Self.set(name, to: value, at: now, in: transaction)
      } else {
        try transaction.execute("DELETE FROM keyed_state WHERE name = $1", name)
      }
      return result
    }
  }

  public func remove(_ name: String) async throws {
    try await database.write { transaction in
      try transaction.execute("DELETE FROM keyed_state WHERE name = $1", name)
    }
  }

  private static func find(_ name: String, in transaction: ReadTransaction) throws -> Entry? {
    try transaction.queryOne("SELECT value, version, updated_at FROM keyed_state WHERE name = $1", name, row: entry)
  }

  @discardableResult
  static func set(
    _ name: String, to value: JSON, at now: Timestamp, in transaction: Transaction
  ) throws -> Int64 {
    let version = try transaction.queryOne(
      """
      INSERT INTO keyed_state (name, value, version, updated_at) VALUES ($1, $2, 1, $3)
      ON CONFLICT (name) DO UPDATE
      SET value = excluded.value, version = keyed_state.version + 1, updated_at = excluded.updated_at
      RETURNING version
      """, name, value, now
    ) { try $0.value("version", as: Int64.self) }
    guard let version else { throw DatabaseError(.other, "the database returned no version for \(name)") }
    return version
  }

  private static func entry(_ row: Row) throws -> Entry {
    Entry(value: try row["value"], version: try row["version"], updatedAt: try row["updated_at"])
  }
}
