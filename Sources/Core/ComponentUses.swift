import Platform
import Storage
import Synchronization

/// Which buttons that work only once have been used: the first of all processes wins.
///
/// An entry ends with the component it stands for; ended ones are removed now and then.
public final class ComponentUses: Sendable {
  /// Ended entries are removed with every so many claims.
  static let pruneInterval = 256

  private let database: Database
  private let time: any TimeSource
  private let claims = Mutex(0)

  init(database: Database, time: any TimeSource) {
    self.database = database
    self.time = time
  }

  /// - Parameter end: When the component stops working by itself.
  /// - Returns: whether this is the first use.
  public func claim(_ name: String, until end: Timestamp) async throws -> Bool {
    let now = time.timestamp
    let prunes = claims.withLock { claims in
      claims += 1
      return claims % Self.pruneInterval == 1
    }
    return try await database.write { transaction in
      if prunes { try transaction.execute("DELETE FROM component_uses WHERE expires_at < $1", now) }
      return try transaction.execute(
        "INSERT INTO component_uses (name, expires_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, end) == 1
    }
  }

  /// Takes a claim back, because nothing was done.
  public func release(_ name: String) async throws {
    try await database.write { try $0.execute("DELETE FROM component_uses WHERE name = $1", name) }
  }

  public func count() async throws -> Int {
    try await database.read { try $0.count("SELECT count(*) AS count FROM component_uses") }
  }
}
