/// Numbers as pictures show them.
public enum Numbers {
  /// `1,250`.
  public static func whole(_ number: Int) -> String {
    var digits = String(number.magnitude)
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    groups.insert(digits, at: 0)
    return (number < 0 ? "-" : "") + groups.joined(separator: ",")
  }

  /// At most five characters wide or so: `950`, `1.2k`, `34k`, `5.6M`.
  public static func short(_ number: Int) -> String {
    for (unit, name) in [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")] where number >= unit {
      let tenths = number / (unit / 10)
      return tenths < 100 && tenths % 10 != 0 ? "\(tenths / 10).\(tenths % 10)\(name)" : "\(tenths / 10)\(name)"
    }
    return "\(number)"
  }

  /// Two digits behind the point: `1.43`, `12`.
  public static func ratio(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "–" }
    let hundredths = Int((value * 100).rounded())
    let rest = hundredths % 100
    return rest == 0 ? whole(hundredths / 100) : whole(hundredths / 100) + "." + (rest < 10 ? "0\(rest)" : "\(rest)")
  }
}

/// The lines behind bars: from 0, at round numbers.
struct Scale: Sendable, Equatable {
  var step: Int
  /// At or above the greatest value.
  var top: Int

  /// Three to five lines above 0; whole numbers, for nobody makes half a kill.
  init(upTo greatest: Int) {
    let greatest = max(1, greatest)
    var unit = 1
    search: while true {
      for factor in [1, 2, 5] {
        step = unit.multipliedReportingOverflow(by: factor).partialValue
        if greatest / step < 5 { break search }
      }
      unit *= 10
    }
    top = (greatest / step + (greatest % step == 0 ? 0 : 1)) * step
  }

  var lines: [Int] { Array(stride(from: 0, through: top, by: step)) }
}
