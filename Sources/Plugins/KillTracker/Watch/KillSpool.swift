import Platform
import Storage

/// What a watch has seen and the server has not yet taken, on disk: neither a crash nor a server that is away loses a
/// kill, and none is sent twice.
public struct KillSpool: Sendable {
  /// What was taken is remembered so long, so that reading the same log again sends nothing.
  static let memory = Duration.seconds(90 * 86_400)

  struct Entry: Sendable, Equatable {
    let key: String
    let body: String
  }

  private let database: Database
  private let time: any TimeSource
  /// Which server, and whose account there: another key begins anew.
  private let target: String

  /// Opens the spool of this server and key. The file may be shared with other watches.
  /// - Parameter database: of a file of its own.
  public static func open(
    _ database: Database, server: String, key: Secret<String>, time: any TimeSource = SystemTime()
  ) async throws -> KillSpool {
    try await database.migrate([module], time: time)
    let spool = KillSpool(
      database: database, time: time,
      target: Hex.encode(try Crypto.sha256("\(server) \(key.reveal())".utf8)))
    let limit = time.timestamp + (.zero - memory)
    try await database.write { transaction in
      try transaction.execute("DELETE FROM watched_kills WHERE settled_at < $1", limit)
    }
    return spool
  }

  static let module = MigrationModule(
    "watch",
    [
      Migration(
        1, "kills that wait",
        [
          // `settled_at`: when the server took or refused it.
          """
          CREATE TABLE watched_kills (
            number \(.identity),
            target \(.varchar(64)) NOT NULL,
            kill_key \(.varchar(64)) NOT NULL,
            body \(.text) NOT NULL,
            settled_at \(.timestamp),
            UNIQUE (target, kill_key)
          )
          """,
          "CREATE INDEX watched_kills_waiting ON watched_kills (target, number) WHERE settled_at IS NULL",
        ])
    ])

  /// Takes in what is not known.
  /// - Returns: those that are new, in order.
  func add(_ kills: [WatchedKill]) async throws -> [WatchedKill] {
    guard !kills.isEmpty else { return [] }
    return try await database.write { [target] transaction in
      try kills.filter { kill in
        try transaction.execute(
          """
          INSERT INTO watched_kills (target, kill_key, body) VALUES ($1, $2, $3)
          ON CONFLICT (target, kill_key) DO NOTHING
          """, target, kill.key, kill.body.serialized()) > 0
      }
    }
  }

  /// The oldest that waits.
  func next() async throws -> Entry? {
    try await database.read { [target] transaction in
      try transaction.queryOne(
        """
        SELECT kill_key, body FROM watched_kills WHERE target = $1 AND settled_at IS NULL ORDER BY number LIMIT 1
        """, target
      ) { Entry(key: try $0["kill_key"], body: try $0["body"]) }
    }
  }

  func waiting() async throws -> Int {
    try await database.read { [target] transaction in
      try transaction.queryOne(
        "SELECT COUNT(*) AS n FROM watched_kills WHERE target = $1 AND settled_at IS NULL", target
      ) { try $0.value("n", as: Int.self) } ?? 0
    }
  }

  /// The server has taken it, or will never.
  func settle(_ entry: Entry) async throws {
    let now = time.timestamp
    try await database.write { [target] transaction in
      try transaction.execute(
        "UPDATE watched_kills SET settled_at = $3, body = '' WHERE target = $1 AND kill_key = $2", target, entry.key,
        now)
    }
  }
}
