import Foundation
import TestInputs
import Testing

@testable import Platform

/// The short ways of reading and writing times, held against Foundation.
struct TimestampTextTests {
  private static func foundation(_ milliseconds: Int64) -> String {
    let fraction = (milliseconds % 1_000 + 1_000) % 1_000
    let whole = Date(timeIntervalSince1970: Double((milliseconds - fraction) / 1_000)).formatted(.iso8601).dropLast()
    return whole + "." + String(("000" + String(fraction)).suffix(3)) + "Z"
  }

  private static func expectSame(_ milliseconds: Int64) {
    let text = Timestamp(milliseconds: milliseconds).iso8601
    #expect(text == foundation(milliseconds))
    #expect(Timestamp(iso8601: text)?.milliseconds == milliseconds)
  }

  /// Every 61 days and 7 hours from before the calendar began to after the last year of four digits.
  @Test func fromOneEndToTheOther() async {
    let (first, last) = (Timestamp.plainRange.lowerBound, Timestamp.plainRange.upperBound)
    for milliseconds in [first - 1, first, first + 1, last - 1, -1, 0, 1, 951_782_399_999, 951_782_400_000] {
      Self.expectSame(milliseconds)
    }
    for (place, milliseconds) in stride(from: first - 100_000_000, to: last, by: 5_295_600_000 + 1_001).enumerated() {
      if place % 1_000 == 0 { await Task.yield() }
      Self.expectSame(milliseconds)
    }
    #expect(Timestamp(milliseconds: last).iso8601 == Self.foundation(last))
  }

  @Test func everyDayOfFourYears() {
    for day in Int64(18_200)..<19_700 { Self.expectSame(day * 86_400_000 + 86_399_999) }
  }

  /// What is taken, and as what, is Foundation's judgement; only digits behind the millisecond are cut off before.
  @Test func readsWhatFoundationReads() throws {
    var random = SeededGenerator(seed: 5)
    let base = Array("2024-02-29T23:59:59.123Z".utf8)
    var texts = [
      "2023-02-29T00:00:00Z", "2024-02-30T00:00:00Z", "2024-04-31T00:00:00Z", "2024-12-31T23:59:60Z",
      "2024-01-01T24:00:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z", "2024-01-00T00:00:00Z",
      "2024-01-01T00:60:00Z", "2024-01-01t00:00:00Z", "2024-01-01T00:00:00z", "2024-01-01 00:00:00Z",
      "1582-10-10T00:00:00Z", "0001-01-01T00:00:00Z", "2024-01-01T00:00:00.1Z", "2024-01-01T00:00:00.12Z",
      "2024-01-01T00:00:00+00:00", "2024-01-01T00:00:00.123-05:30", "2024-01-01T00:00:00,5Z", "2024-01-01T00:00:00.Z",
      "2024-01-31T00:00:00Z", "2024-02-28T00:00:00Z", "2024-06-30T12:34:56Z", "2024-01-01T00:00:00.12a4Z",
      "2024-01-01T00:00:00.1a", "2024-01-01T00:00:00.-12Z", "2024-01-01T00:00:00 .5Z",
    ]
    for _ in 0..<3_000 {
      var text = base
      for _ in 0..<Int.random(in: 1...2, using: &random) {
        let place = Int.random(in: 0..<text.count, using: &random)
        text[place] = Array("0123456789-:TZ. +".utf8).randomElement(using: &random) ?? 48
      }
      if Bool.random(using: &random) { text.removeSubrange(19..<(text.count - 1)) }
      texts.append(String(decoding: text, as: UTF8.self))
    }
    for text in texts { #expect(Timestamp(iso8601: text)?.milliseconds == Self.read(text), "\(text)") }
  }

  private static func read(_ text: String) -> Int64? {
    var trimmed = text
    if let dot = text.firstIndex(of: ".") {
      let digits = text[text.index(after: dot)...].prefix { $0.isASCII && $0.isNumber }
      guard !digits.isEmpty else { return nil }
      trimmed = text[..<dot] + "." + String((digits + "000").prefix(3)) + text[digits.endIndex...]
    }
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: trimmed.contains("."))
    return (try? style.parse(trimmed)).map { Int64(($0.timeIntervalSince1970 * 1_000).rounded()) }
  }
}
