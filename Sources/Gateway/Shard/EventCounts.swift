import Platform

/// Counts the events of one shard by name. Belongs to the shard's thread.
final class EventCounts {
  private let family: Family<Counter>
  private let shard: String
  private var unknown: Counter?

  init(shard: ShardID, metrics: Metrics) {
    family = metrics.counter(
      "gateway_events_total", help: "Events received, by shard and name", labels: ["shard", "event"])
    self.shard = String(shard.id)
  }

  func count(_ route: EventRoute) {
    if let counter = route.received { return counter.increment() }
    let counter = family(shard, String(decoding: route.name, as: UTF8.self))
    counter.increment()
    route.received = counter
  }

  /// Names that no document knows share a line: the other side must not choose how many there are.
  func countUnknown() {
    if unknown == nil { unknown = family(shard, "unknown") }
    unknown?.increment()
  }
}
