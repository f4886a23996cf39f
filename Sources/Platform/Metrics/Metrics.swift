import Synchronization

/// All measurements of the process, by name.
///
/// Asking twice for the same name gives the same family, so parts of the program can share one without knowing each
/// other. Updating a child is one atomic operation; looking one up by its labels takes a short lock, so keep the child
/// where the labels do not change.
public final class Metrics: Sendable {
  private struct State {
    var families: [String: any MetricFamily] = [:]
    var order: [String] = []
    var collectors: [@Sendable () -> Void] = []
  }
  private let state = Mutex(State())

  public init() {}

  /// A number that only grows. By convention its name ends in `_total`.
  public func counter(_ name: String, help: String, labels: [String] = []) -> Family<Counter> {
    family(name, help: help, labels: labels) { Counter() }
  }

  /// A number that only grows and is kept elsewhere: `read` is asked at each rendering.
  public func counter(_ name: String, help: String, reading read: @escaping @Sendable () -> Double) {
    let _: Family<ReadCounter> = family(name, help: help, labels: []) { ReadCounter(read) }
  }

  /// A number that goes up and down.
  public func gauge(_ name: String, help: String, labels: [String] = []) -> Family<Gauge> {
    family(name, help: help, labels: labels) { Gauge() }
  }

  /// Counts observations in buckets, `buckets` being their upper bounds in ascending order.
  public func histogram(
    _ name: String, help: String, labels: [String] = [], buckets: [Double] = Histogram.latencyBuckets
  ) -> Family<Histogram> {
    family(name, help: help, labels: labels) { Histogram(bounds: buckets) }
  }

  /// Called before each rendering: the place to set gauges that are read rather than counted.
  public func onCollect(_ collector: @escaping @Sendable () -> Void) {
    state.withLock { $0.collectors.append(collector) }
  }

  private func family<Child: Metric>(
    _ name: String, help: String, labels: [String], make: @escaping @Sendable () -> Child
  ) -> Family<Child> {
    precondition(Self.isValid(name: name), "not a metric name: \(name)")
    precondition(labels.allSatisfy(Self.isValid(label:)), "not label names: \(labels)")
    return state.withLock { state in
      if let known = state.families[name] {
        guard let family = known as? Family<Child>, family.labels == labels else {
          preconditionFailure("metric \(name) is declared twice and differently")
        }
        return family
      }
      let family = Family(name: name, help: help, labels: labels, make: make)
      state.families[name] = family
      state.order.append(name)
      return family
    }
  }

  private static func isValid(name: String) -> Bool {
    isIdentifier(name.utf8, extra: UInt8(ascii: ":"))
  }

  private static func isValid(label: String) -> Bool {
    isIdentifier(label.utf8, extra: nil) && !label.hasPrefix("__") && label != "le"
  }

  private static func isIdentifier(_ text: String.UTF8View, extra: UInt8?) -> Bool {
    guard let first = text.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
    return text.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        true
      default: byte == extra
      }
    }
  }

  /// The names of everything that is measured, whether it has a value yet or not.
  public var names: [String] { state.withLock { $0.order } }

  /// Runs the collectors and writes everything in the format.
  public func render(_ format: MetricsFormat = .prometheus) -> String {
    for collector in state.withLock({ $0.collectors }) { collector() }
    let families = state.withLock { state in state.order.compactMap { state.families[$0] } }
    var text = MetricsText(format: format)
    for family in families { family.write(to: &text) }
    return text.finished()
  }
}

/// The two text formats that Prometheus scrapes.
public enum MetricsFormat: Sendable {
  /// `text/plain; version=0.0.4; charset=utf-8`
  case prometheus
  /// `application/openmetrics-text; version=1.0.0; charset=utf-8`
  case openMetrics

  public var contentType: String {
    switch self {
    case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }
}

/// One kind of measurement inside a family.
public protocol Metric: AnyObject, Sendable {
  static var typeName: String { get }
  func write(name: String, labels: String, to text: inout MetricsText)
}

protocol MetricFamily: Sendable {
  func write(to text: inout MetricsText)
}

/// All measurements of one name, one child for each combination of label values.
public final class Family<Child: Metric>: MetricFamily {
  public let name: String
  public let help: String
  public let labels: [String]
  private let make: @Sendable () -> Child
  private let children = Mutex<[[String]: Child]>([:])

  init(name: String, help: String, labels: [String], make: @escaping @Sendable () -> Child) {
    self.name = name
    self.help = help
    self.labels = labels
    self.make = make
    if labels.isEmpty { _ = self([]) }
  }

  /// The child with these label values, in the order of the label names.
  public func callAsFunction(_ values: [String]) -> Child {
    precondition(values.count == labels.count, "metric \(name) has the labels \(labels)")
    return children.withLock { children in
      if let child = children[values] { return child }
      let child = make()
      children[values] = child
      return child
    }
  }

  public func callAsFunction(_ values: String...) -> Child { self(values) }

  /// Forgets one child, for label values that no longer exist.
  public func remove(_ values: [String]) {
    children.withLock { _ = $0.removeValue(forKey: values) }
  }

  func write(to text: inout MetricsText) {
    let children = children.withLock { $0 }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    guard !children.isEmpty else { return }
    text.declare(name: name, type: Child.typeName, help: help)
    for (values, child) in children {
      child.write(name: name, labels: MetricsText.labels(zip(labels, values)), to: &text)
    }
  }
}

public final class Counter: Metric {
  public static let typeName = "counter"
  private let bits = Atomic<UInt64>(0)

  public var value: Double { Double(bits.load(ordering: .relaxed)) }

  public func increment(by amount: Int = 1) {
    precondition(amount >= 0, "a counter only grows")
    bits.wrappingAdd(UInt64(amount), ordering: .relaxed)
  }

  public func write(name: String, labels: String, to text: inout MetricsText) {
    text.sample(counter: name, labels: labels, value: value)
  }
}

/// A counter whose number is kept elsewhere, for example by the kernel.
final class ReadCounter: Metric {
  static let typeName = "counter"
  private let read: @Sendable () -> Double

  init(_ read: @escaping @Sendable () -> Double) { self.read = read }

  func write(name: String, labels: String, to text: inout MetricsText) {
    text.sample(counter: name, labels: labels, value: read())
  }
}

public final class Gauge: Metric {
  public static let typeName = "gauge"
  private let bits = Atomic<UInt64>(0)

  public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

  public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
  public func increment(by amount: Double = 1) { bits.add(amount) }
  public func decrement(by amount: Double = 1) { bits.add(-amount) }

  public func write(name: String, labels: String, to text: inout MetricsText) {
    text.sample(name: name, labels: labels, value: value)
  }
}

public final class Histogram: Metric {
  public static let typeName = "histogram"
  /// Seconds, from half a millisecond to ten seconds.
  public static let latencyBuckets = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]

  private struct State {
    var counts: [UInt64]
    var sum = 0.0
  }
  private let bounds: [Double]
  private let state: Mutex<State>

  init(bounds: [Double]) {
    precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bucket bounds must ascend")
    self.bounds = bounds
    state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
  }

  public func observe(_ value: Double) {
    let place = bounds.firstIndex { value <= $0 } ?? bounds.count
    state.withLock {
      $0.counts[place] += 1
      $0.sum += value
    }
  }

  /// Observes a span in seconds.
  public func observe(_ duration: Duration) { observe(duration.inSeconds) }

  public var count: Int { state.withLock { Int($0.counts.reduce(0, +)) } }

  public func write(name: String, labels: String, to text: inout MetricsText) {
    let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
    var total: UInt64 = 0
    for (bound, count) in zip(bounds + [.infinity], counts) {
      total += count
      let limit = MetricsText.labels([("le", MetricsText.number(bound))])
      text.sample(name: name + "_bucket", labels: labels.isEmpty ? limit : labels + "," + limit, value: Double(total))
    }
    text.sample(name: name + "_sum", labels: labels, value: sum)
    text.sample(name: name + "_count", labels: labels, value: Double(total))
  }
}

extension Atomic where Value == UInt64 {
  /// Adds to a double that is kept as its bit pattern.
  fileprivate borrowing func add(_ amount: Double) {
    var current = load(ordering: .relaxed)
    while true {
      let wanted = (Double(bitPattern: current) + amount).bitPattern
      let (exchanged, original) = compareExchange(expected: current, desired: wanted, ordering: .relaxed)
      if exchanged { return }
      current = original
    }
  }
}
