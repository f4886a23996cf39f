import Platform

/// How numbers and spans are written for people.
enum Wording {
  /// `45 ms`, below ten with one decimal: `4.2 ms`.
  static func milliseconds(_ duration: Duration) -> String {
    let tenths = Int64((duration.inMilliseconds * 10).rounded())
    return tenths < 100 ? "\(tenths / 10).\(tenths % 10) ms" : "\((tenths + 5) / 10) ms"
  }

  /// `3 d 4 h`, `4 h 12 min`, `12 min 5 s`, `5 s`: the two greatest units.
  static func span(_ duration: Duration) -> String {
    var rest = max(0, duration.components.seconds)
    var parts: [String] = []
    for (unit, seconds) in [("d", Int64(86_400)), ("h", 3_600), ("min", 60), ("s", 1)] {
      let count = rest / seconds
      rest %= seconds
      if count > 0 || !parts.isEmpty { parts.append("\(count) \(unit)") }
    }
    return parts.isEmpty ? "0 s" : parts.prefix(2).joined(separator: " ")
  }

  /// Cut at the end of a piece, with `…`, to at most so many UTF-16 code units.
  static func shortened(_ text: String, to limit: Int) -> String {
    guard text.utf16.count > limit else { return text }
    var short = text
    while short.utf16.count > limit - 1 { short.removeLast() }
    return short + "…"
  }
}
