import Platform

/// Allows or holds identifies beyond what Discord's count of this moment says: over restarts, between processes.
public protocol IdentifyBudget: Sendable {
  /// Asked before each identify. Counts it when it may go out.
  /// - Returns: nil if it may; otherwise how long to wait before asking again.
  func spend(shard: ShardID) async throws -> Duration?
  /// An identify that was counted did not go out.
  func giveBack(shard: ShardID) async throws
}

/// Leaves it to what `/gateway/bot` says.
public struct UnlimitedIdentifyBudget: IdentifyBudget {
  public init() {}
  public func spend(shard: ShardID) -> Duration? { nil }
  public func giveBack(shard: ShardID) {}
}

/// Hands out the slots of an ``IdentifyQueue`` to the shards of this process.
actor IdentifyGate {
  private var queue: IdentifyQueue
  private let budget: any IdentifyBudget
  private let time: any TimeSource
  private let log: Log
  private var waiters: [Int: CheckedContinuation<Void, any Error>] = [:]
  private var alarm: Task<Void, Never>?

  init(limit: SessionStartLimit, budget: any IdentifyBudget, time: any TimeSource, log: Log) {
    queue = IdentifyQueue(limit: limit, now: time.now)
    self.budget = budget
    self.time = time
    self.log = log
  }

  /// Returns when the shard may identify.
  /// - Throws: `CancellationError` if the task was cancelled before.
  func acquire(_ shard: ShardID) async throws {
    while true {
      try await takeSlot(shard.id)
      var wait: Duration?
      do {
        wait = try await budget.spend(shard: shard)
      } catch {
        log.warning("cannot ask for an identify", ["shard": .of(shard), "error": .error(error)])
        wait = .seconds(5)
      }
      guard let wait else { return }
      queue.giveBack()
      log.notice("identify held back", ["shard": .of(shard), "wait": .milliseconds(wait)])
      try await time.sleep(for: wait)
    }
  }

  /// A slot that was acquired is not needed.
  func giveBack(_ shard: ShardID) async {
    queue.giveBack()
    do {
      try await budget.giveBack(shard: shard)
    } catch {
      log.warning("cannot give an identify back", ["shard": .of(shard), "error": .error(error)])
    }
  }

  private func takeSlot(_ shard: Int) async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
        // A shard waits once: an older wait was cancelled, and its end is on the way.
        waiters.removeValue(forKey: shard)?.resume(throwing: CancellationError())
        waiters[shard] = continuation
        queue.request(shard: shard)
        pump()
      }
    } onCancel: {
      Task { await self.withdraw(shard) }
    }
  }

  private func withdraw(_ shard: Int) {
    guard let waiter = waiters.removeValue(forKey: shard) else { return }
    queue.withdraw(shard: shard)
    waiter.resume(throwing: CancellationError())
  }

  private func pump() {
    let (shards, next) = queue.grant(at: time.now)
    for shard in shards { waiters.removeValue(forKey: shard)?.resume() }
    alarm?.cancel()
    alarm = nil
    guard let next else { return }
    let time = self.time
    alarm = Task { [weak self] in
      do { try await time.sleep(until: next) } catch { return }
      await self?.pump()
    }
  }
}
