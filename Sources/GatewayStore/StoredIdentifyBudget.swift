import Core
import FoundationEssentials
import Gateway
import Platform

/// The identify ledger in the database: it outlives the process, and all processes of a bot that share a PostgreSQL
/// share it too. Each change is a transaction of its own under the ledger's lock, by the database's clock.
public struct StoredIdentifyBudget: IdentifyBudget {
  private static let name = "gateway.identifies"

  private let state: KeyedState
  private let random: any RandomSource
  private let log: Log

  public init(state: KeyedState, random: any RandomSource = SystemRandom(), log: Log) {
    self.state = state
    self.random = random
    self.log = log
  }

  public func report(_ limit: SessionStartLimit) async throws {
    try await change { ledger, now in ledger.report(limit, at: now) }
  }

  public func spend(_ shard: ShardID, for purpose: IdentifyPurpose) async throws -> IdentifyLedger.Answer {
    try await change { [random] ledger, now in ledger.spend(shard, for: purpose, at: now, random: random) }
  }

  public func giveBack(_ shard: ShardID) async throws { try await change { ledger, _ in ledger.giveBack(shard) } }
  public func proved(_ shard: ShardID) async throws { try await change { ledger, _ in ledger.proved(shard) } }

  /// As it is stored now; nil before the first change.
  public func ledger() async throws -> IdentifyLedger? {
    try await state.find(Self.name).flatMap { try Self.decode($0.value) }
  }

  @discardableResult
  private func change<Result: Sendable>(
    _ body: @escaping @Sendable (inout IdentifyLedger, Timestamp) -> Result
  ) async throws -> Result {
    let (result, fault) = try await state.change(Self.name) { value, now in
      var ledger = IdentifyLedger()
      var fault: String?
      do {
        if let value { ledger = try Self.decode(value) }
      } catch {
        // Discord's own count, asked at every start, is then all there is.
        fault = String(describing: error)
      }
      let result = body(&ledger, now)
      value = try JSON(parsing: [UInt8](JSONEncoder().encode(ledger)))
      return (result, fault)
    }
    if let fault { log.warning("the stored count of identifies was unreadable", ["error": .string(fault)]) }
    return result
  }

  private static func decode(_ value: JSON) throws -> IdentifyLedger {
    try JSONDecoder().decode(IdentifyLedger.self, from: Data(value.serialized().utf8))
  }
}
