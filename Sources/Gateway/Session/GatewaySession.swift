/// Which part of the guilds a connection carries. Guild `g` belongs to shard `(g >> 22) % count`; direct messages to 0.
public struct ShardID: Hashable, Sendable, LosslessStringConvertible {
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

  /// Nil unless the text is such a description of a shard that there is.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let id = parts[0], let count = parts[1], count > 0, (0..<count).contains(id) else {
      return nil
    }
    self.init(id, of: count)
  }
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
  /// The shards whose sessions are kept, of every count.
  func shards() async throws -> Set<ShardID>
  func load(shard: ShardID) async throws -> GatewaySession?
  /// Nil forgets the session.
  func save(_ session: GatewaySession?, shard: ShardID) async throws
}

/// Forgets everything when the process ends.
public actor MemorySessionStore: SessionStore {
  private var sessions: [ShardID: GatewaySession] = [:]

  public init() {}
  public func shards() -> Set<ShardID> { Set(sessions.keys) }
  public func load(shard: ShardID) -> GatewaySession? { sessions[shard] }
  public func save(_ session: GatewaySession?, shard: ShardID) { sessions[shard] = session }
}
