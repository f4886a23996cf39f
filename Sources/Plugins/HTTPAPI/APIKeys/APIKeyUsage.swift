import Platform
import Storage
import Synchronization

/// When keys were last used: kept in memory, written once a minute, so that reading never costs a write.
final class APIKeyUsage: Sendable {
  static let interval = Duration.seconds(60)
  /// More keys in use within a minute: those beyond it are shown as used earlier than they were.
  static let capacity = 10_000
  private static let batchSize = 500

  private let database: Database
  private let time: any TimeSource
  private let log: Log
  private let pending = Mutex<[APIKeyID: Timestamp]>([:])

  init(database: Database, time: any TimeSource, log: Log) {
    self.database = database
    self.time = time
    self.log = log
  }

  var pendingCount: Int { pending.withLock { $0.count } }

  func note(_ id: APIKeyID, at now: Timestamp) {
    pending.withLock { pending in
      if pending.count < Self.capacity || pending[id] != nil { pending[id] = now }
    }
  }

  func withLatestUse(_ key: APIKey) -> APIKey {
    guard let use = pending.withLock({ $0[key.id] }) else { return key }
    var key = key
    key.lastUsedAt = max(use, key.lastUsedAt ?? use)
    return key
  }

  /// Writes what was noted. What cannot be written is tried again with the next.
  func flush() async throws {
    while true {
      let batch = pending.withLock { Array($0.prefix(Self.batchSize)) }
      guard !batch.isEmpty else { return }
      try await database.write { transaction in
        // Always in the same order: two processes that write the same keys must not wait for each other.
        for (id, use) in batch.sorted(by: { $0.key.number < $1.key.number }) {
          try transaction.execute(
            "UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)", id,
            use)
        }
      }
      pending.withLock { pending in
        for (id, use) in batch where pending[id] == use { pending[id] = nil }
      }
    }
  }

  func run() async {
    while (try? await time.sleep(for: Self.interval)) != nil {
      do { try await flush() } catch is CancellationError {} catch {
        log.warning("the last use of API keys could not be stored; trying again", ["error": "\(error)"])
      }
    }
  }
}
