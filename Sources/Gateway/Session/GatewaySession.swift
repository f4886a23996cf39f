/// Which part of the guilds a connection carries. Guild `g` belongs to shard `(g >> 22) % count`; direct messages to 0.
public struct ShardID: Hashable, Sendable, CustomStringConvertible {
  public let id: Int
  public let count: Int

  /// - Parameter id: 0 ..< `count`.
  public init(_ id: Int, of count: Int) {
    precondition(count > 0 && (0..<count).contains(id), "there is no shard \(id) of \(count)")
    self.id = id
    self.count = count
  }

  public static func shard(of guild: Snowflake, count: Int) -> Int { Int((guild.rawValue >> 22) % UInt64(count)) }

  public var description: String { "\(id)/\(count)" }
}

/// What it takes to resume: kept over a restart, so that the bot comes back without losing an event or spending an
/// identify.
public struct GatewaySession: Hashable, Sendable, Codable {
  /// Discord's id of it. Not a secret by itself: using it takes the token.
  public var id: String
  /// Everything up to here counts as handled; Discord sends again what came after.
  public var sequence: Int64
  public var resumeURL: String
  /// A session cannot be resumed with another number of shards.
  public var shardCount: Int

  public init(id: String, sequence: Int64, resumeURL: String, shardCount: Int) {
    self.id = id
    self.sequence = sequence
    self.resumeURL = resumeURL
    self.shardCount = shardCount
  }
}

/// Keeps sessions over a restart.
public protocol SessionStore: Sendable {
  func load(shard: ShardID) async throws -> GatewaySession?
  /// Nil forgets the session.
  func save(_ session: GatewaySession?, shard: ShardID) async throws
}

/// Forgets everything when the process ends.
public actor MemorySessionStore: SessionStore {
  private var sessions: [ShardID: GatewaySession] = [:]

  public init() {}
  public func load(shard: ShardID) -> GatewaySession? { sessions[shard] }
  public func save(_ session: GatewaySession?, shard: ShardID) { sessions[shard] = session }
}
