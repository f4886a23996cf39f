import Platform
import Synchronization

/// How the shards are doing, for whoever collects the process's measurements.
final class GatewayMetrics: Sendable {
  private let expected: Gauge
  private let ready: Family<Gauge>
  private let latency: Family<Gauge>
  private let identifiesLeft: Gauge
  /// The shards that have lines: another set of shards leaves none behind.
  private let known = Mutex<Set<String>>([])

  init(_ metrics: Metrics) {
    expected = metrics.gauge("gateway_shards", help: "Shards that this process is to run")()
    ready = metrics.gauge(
      "gateway_shard_ready", help: "Whether the shard receives events (1) or not (0)", labels: ["shard"])
    latency = metrics.gauge(
      "gateway_heartbeat_latency_seconds", help: "Time from the last heartbeat to its ACK", labels: ["shard"])
    identifiesLeft = metrics.gauge(
      "gateway_identifies_remaining", help: "Identifies that Discord leaves until its count starts again")()
  }

  func show(_ shards: [ShardStatus]) {
    expected.set(Double(shards.count))
    let labels = Set(shards.map { String($0.shard.id) })
    let gone = known.withLock { known in
      defer { known = labels }
      return known.subtracting(labels)
    }
    for label in gone {
      ready.remove([label])
      latency.remove([label])
    }
    for status in shards {
      let label = String(status.shard.id)
      ready(label).set(status.isReady ? 1 : 0)
      if let value = status.latency { latency(label).set(value.inSeconds) }
    }
  }

  /// Discord was asked.
  func show(_ limit: SessionStartLimit) { identifiesLeft.set(Double(limit.remaining)) }

  /// One more was counted.
  func spentIdentify() { identifiesLeft.set(max(0, identifiesLeft.value - 1)) }
}
