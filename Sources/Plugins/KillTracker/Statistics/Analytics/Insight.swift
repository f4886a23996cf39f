/// The numbers that something rests on.
public struct Evidence: Sendable, Equatable {
  public struct Interval: Sendable, Equatable {
    public var low: Double
    public var high: Double
    /// With which probability such an interval holds the true value.
    public var level: Double
  }

  /// `Mann-Kendall`, `rank sum` …
  public var test: String
  /// Days, or fights: whatever was counted.
  public var n: Int
  /// The test's; nil where an interval alone speaks.
  public var statistic: Double?
  public var pValue: Double?
  /// After Holm's correction for all tests of the same report.
  public var adjustedPValue: Double?
  /// What was found: a slope, a ratio, a share.
  public var estimate: Double
  public var interval: Interval?
}

/// Something that the data bear out, in words.
public struct Insight: Sendable, Equatable {
  public enum Kind: String, Sendable, Codable, CaseIterable {
    case trend, performance, change, weekday, hours, weapon, location
  }

  public var kind: Kind
  public var title: String
  public var description: String
  /// 1 less the corrected p-value, or the level of the interval.
  public var confidence: Double
  public var evidence: Evidence
}

/// What could be done about something that the data bear out.
public struct Recommendation: Sendable, Equatable {
  public enum Kind: String, Sendable, Codable, CaseIterable {
    case performance, activity, schedule, location, weapon
  }

  public enum Priority: String, Sendable, Codable, CaseIterable { case high, medium, low }

  public var kind: Kind
  public var title: String
  public var description: String
  public var priority: Priority
  public var confidence: Double
  public var evidence: Evidence
}

/// What was found and what it suggests.
struct Finding: Sendable {
  struct Advice: Sendable {
    var kind: Recommendation.Kind
    var title: String
    var description: String
  }

  var kind: Insight.Kind
  var title: String
  var description: String
  var evidence: Evidence
  var advice: Advice?

  var confidence: Double { evidence.adjustedPValue.map { 1 - $0 } ?? evidence.interval?.level ?? 0 }

  var insight: Insight {
    Insight(kind: kind, title: title, description: description, confidence: confidence, evidence: evidence)
  }

  var recommendation: Recommendation? {
    advice.map { advice in
      let priority: Recommendation.Priority =
        evidence.adjustedPValue.map { $0 <= 0.001 ? .high : $0 <= 0.01 ? .medium : .low } ?? .medium
      return Recommendation(
        kind: advice.kind, title: advice.title, description: advice.description, priority: priority,
        confidence: confidence, evidence: evidence)
    }
  }
}

/// Numbers in sentences.
enum Figures {
  /// With a point and so many digits behind it, less those that are 0.
  static func text(_ value: Double, digits: Int = 1) -> String {
    var factor = 1.0
    for _ in 0..<digits { factor *= 10 }
    guard value.isFinite, abs(value) * factor < 9e15 else { return "\(value)" }
    let scaled = Int64((value * factor).rounded())
    let sign = scaled < 0 ? "-" : ""
    let whole = scaled.magnitude / UInt64(factor)
    var rest = String(scaled.magnitude % UInt64(factor))
    rest = String(repeating: "0", count: max(0, digits - rest.count)) + rest
    while rest.hasSuffix("0") { rest.removeLast() }
    return digits == 0 || rest.isEmpty ? "\(sign)\(whole)" : "\(sign)\(whole).\(rest)"
  }

  static func percent(_ part: Double) -> String { text(part * 100, digits: 0) + "%" }

  static func pValue(_ p: Double) -> String { p < 0.001 ? "p < 0.001" : "p = " + text(p, digits: 3) }
}
