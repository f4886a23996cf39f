import Core
import Platform
import Storage

/// Removes deliveries that are long over.
struct WebhookCleaning {
  static let interval = Duration.seconds(3600)
  static let keptDelivered = Duration.seconds(3 * 86_400)
  static let keptDead = Duration.seconds(30 * 86_400)
  /// The most that one transaction removes.
  private static let batch = 1000

  let webhooks: Webhooks

  func run() async {
    repeat {
      do { try await clean() } catch {
        guard !Task.isCancelled else { return }
        webhooks.log.warning("old deliveries could not be removed; trying again soon", ["error": .error(error)])
      }
    } while (try? await webhooks.time.sleep(for: Self.interval)) != nil
  }

  func clean() async throws {
    let now = webhooks.time.timestamp
    for (state, age) in [(WebhookDelivery.State.delivered, Self.keptDelivered), (.dead, Self.keptDead)] {
      while try await remove(state, before: now + (.zero - age)) == Self.batch {}
    }
  }

  private func remove(_ state: WebhookDelivery.State, before limit: Timestamp) async throws -> Int {
    try await webhooks.database.write { transaction in
      try transaction.execute(
        """
        DELETE FROM webhook_deliveries WHERE sequence IN (
          SELECT sequence FROM webhook_deliveries WHERE finished_at < $1 AND state = $2 ORDER BY finished_at LIMIT $3)
        """, limit, state, Self.batch)
    }
  }
}
