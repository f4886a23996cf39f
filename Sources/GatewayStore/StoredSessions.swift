import Core
import FoundationEssentials
import Gateway
import Platform

/// Gateway sessions in the database, so that a restart takes them up again.
public struct StoredSessions: SessionStore {
  private static let prefix = "gateway.session."

  private let state: KeyedState

  public init(state: KeyedState) { self.state = state }

  public func shards() async throws -> Set<ShardID> {
    Set(try await state.all(prefix: Self.prefix).keys.compactMap { ShardID(String($0.dropFirst(Self.prefix.count))) })
  }

  public func load(shard: ShardID) async throws -> GatewaySession? {
    guard let entry = try await state.find(name(of: shard)) else { return nil }
    return try JSONDecoder().decode(GatewaySession.self, from: Data(entry.value.serialized().utf8))
  }

  public func save(_ session: GatewaySession?, shard: ShardID) async throws {
    guard let session else { return try await state.remove(name(of: shard)) }
    try await state.set(name(of: shard), to: JSON(parsing: [UInt8](JSONEncoder().encode(session))))
  }

  private func name(of shard: ShardID) -> String { Self.prefix + shard.description }
}
