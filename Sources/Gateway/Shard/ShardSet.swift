import Platform
import Synchronization

/// Shards of this process with one total, and the threads they share.
final class ShardSet: Sendable {
  let plan: ShardPlan
  let shards: [Shard]
  private let loops: EventLoopGroup

  init(plan: ShardPlan, shards: [Shard], loops: EventLoopGroup) {
    self.plan = plan
    self.shards = shards
    self.loops = loops
  }

  /// For ``Takeover``.
  var conditions: [Takeover.Condition] {
    shards.map { shard in
      switch shard.status.state {
      case .ready: .ready
      case .failed, .stopped: .failed
      default: .away
      }
    }
  }

  func start() async { for shard in shards { await shard.start() } }

  /// Closes the connections and returns when they are gone.
  func close(keepingSessions: Bool) async {
    await withTaskGroup(of: Void.self) { group in
      for shard in shards { group.addTask { await shard.stop(keepingSession: keepingSessions) } }
    }
    for shard in shards { await shard.settle() }
  }

  /// Returns once all events so far are handled, or at the limit, or when `isUrgent`.
  func waitUntilIdle(
    until deadline: ContinuousClock.Instant, time: any TimeSource, isUrgent: @Sendable () async -> Bool = { false }
  ) async -> [Shard] {
    var busy: [Shard] = []
    for shard in shards {
      while await !shard.isIdle {
        guard time.now < deadline, await !isUrgent() else {
          busy.append(shard)
          break
        }
        // A handler that is done says so to its tracker, not to us.
        do { try await time.sleep(for: .milliseconds(10)) } catch { return shards }
      }
    }
    return busy
  }

  /// Ends the threads; the shards are of no use any more.
  func shutdown() async { await loops.shutdown() }
}
