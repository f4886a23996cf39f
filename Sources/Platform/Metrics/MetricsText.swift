/// Builds the text that Prometheus scrapes, in either format.
///
/// Sources: Prometheus "Exposition formats" 0.0.4 and OpenMetrics 1.0. They differ in the name under which a counter is
/// declared (OpenMetrics drops `_total`), in what is escaped in help texts, and in the closing `# EOF`.
public struct MetricsText: Sendable {
  private let format: MetricsFormat
  private var text = ""

  init(format: MetricsFormat) { self.format = format }

  mutating func declare(name: String, type: String, help: String) {
    var family = name
    if format == .openMetrics, type == "counter", name.hasSuffix("_total") { family.removeLast("_total".count) }
    text += "# HELP \(family) \(Self.escaped(help, quotes: format == .openMetrics))\n"
    text += "# TYPE \(family) \(type)\n"
  }

  /// A counter's sample: OpenMetrics wants its name to end in `_total`.
  mutating func sample(counter name: String, labels: String, value: Double) {
    let suffix = format == .openMetrics && !name.hasSuffix("_total") ? "_total" : ""
    sample(name: name + suffix, labels: labels, value: value)
  }

  mutating func sample(name: String, labels: String, value: Double) {
    text += name
    if !labels.isEmpty { text += "{\(labels)}" }
    text += " \(Self.number(value))\n"
  }

  func finished() -> String { format == .openMetrics ? text + "# EOF\n" : text }

  static func labels(_ pairs: some Sequence<(String, String)>) -> String {
    pairs.map { "\($0)=\"\(escaped($1, quotes: true))\"" }.joined(separator: ",")
  }

  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if let whole = Int64(exactly: value) { return String(whole) }
    return "\(value)"
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
