import Platform

/// When something happened, as people write it.
///
/// `now`; `5m`, `2h 30min ago`, `90 seconds`; `20:24` or `20:24:35`, in UTC, the last time it was so late; Discord's
/// `<t:1700000000>`; ISO 8601, `2026-02-18T20:24:35Z`.
public enum ReportedTime {
  /// What the forms look like, for whoever wrote something else.
  public static let advice = "Write `5m ago`, `1h 30m`, `20:24` (UTC), or a time such as `2026-02-18T20:24:35Z`."

  /// Nil for text of no such form. Whether the time makes sense is the caller's to judge.
  public static func read(_ text: String, now: Timestamp) -> Timestamp? {
    let text = text.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
    guard text.utf8.count <= 64 else { return nil }
    if text == "now" || text == "just now" { return now }
    return mark(text) ?? ago(text, now) ?? clock(text, now) ?? Timestamp(iso8601: text.uppercased())
  }

  /// `<t:1700000000:R>`
  private static func mark(_ text: String) -> Timestamp? {
    guard text.hasPrefix("<t:"), text.hasSuffix(">") else { return nil }
    let parts = text.dropFirst(3).dropLast().split(separator: ":", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let seconds = number(parts[0], digits: 1...11) else { return nil }
    return Timestamp(seconds: seconds)
  }

  private static func ago(_ text: String, _ now: Timestamp) -> Timestamp? {
    var rest = text.hasSuffix(" ago") ? text.dropLast(4) : text[...]
    var seconds: Int64 = 0
    var units: Set<Int64> = []
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let count = number(digits, digits: 1...6) else { return nil }
      rest = rest.dropFirst(digits.count).drop { $0 == " " }
      let word = rest.prefix { $0.isASCII && $0.isLetter }
      guard let unit = unit(word), units.insert(unit).inserted else { return nil }
      seconds += count * unit
      rest = rest.dropFirst(word.count).drop { $0 == " " }
    }
    return units.isEmpty ? nil : now + .seconds(-seconds)
  }

  private static func unit(_ word: Substring) -> Int64? {
    switch word {
    case "s", "sec", "secs", "second", "seconds": 1
    case "m", "min", "mins", "minute", "minutes": 60
    case "h", "hr", "hrs", "hour", "hours": 3_600
    case "d", "day", "days": 86_400
    default: nil
    }
  }

  private static func clock(_ text: String, _ now: Timestamp) -> Timestamp? {
    let bare = text.hasSuffix("utc") ? text.dropLast(3).prefix { $0 != " " } : text[...]
    let parts = bare.split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), let hour = number(parts[0], digits: 1...2), hour < 24,
      let minute = number(parts[1], digits: 2...2), minute < 60,
      let second = parts.count == 3 ? number(parts[2], digits: 2...2) : 0, second < 60
    else { return nil }
    let today = Calendar.day(of: now) * Calendar.day + ((hour * 60 + minute) * 60 + second) * 1_000
    return Timestamp(milliseconds: today <= now.milliseconds ? today : today - Calendar.day)
  }

  private static func number(_ text: some StringProtocol, digits: ClosedRange<Int>) -> Int64? {
    guard digits.contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int64(text)
  }
}
