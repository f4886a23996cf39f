import Platform
import Testing

@testable import KillTracker

struct TrackerWordsTests {
  @Test(arguments: [
    ("Ann", "Ann"), ("luxy_55", "luxy\\_55"), ("@everyone", "@\u{200B}everyone"),
    ("**b** `c` ~~d~~ ||e||", "\\*\\*b\\*\\* \\`c\\` \\~\\~d\\~\\~ \\|\\|e\\|\\|"),
    ("[x](https://evil.test)", "\\[x\\](https\\://evil.test)"), ("<@123>", "\\<@\u{200B}123\\>"),
    ("a\nb\u{202E}c\u{200B}", "abc"), ("# head", "\\# head"), ("- a # b-c: (d)", "\\- a # b-c: (d)"),
    ("back\\slash", "back\\\\slash"), ("Zoë 🚀", "Zoë 🚀"),
  ])
  func whatSomebodyTypedMeansNothingToDiscord(text: String, plain: String) {
    #expect(TrackerWords.plain(text) == plain)
  }

  @Test func textsAreCutBetweenCharacters() {
    #expect(TrackerWords.plain("abcdef", limit: 4) == "abc…")
    #expect(TrackerWords.plain("🚀🚀🚀", limit: 4) == "🚀…")
    #expect(TrackerWords.plain("abcd", limit: 4) == "abcd")
  }

  @Test(arguments: [(0, "0"), (7, "7"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (-1_234, "-1,234")])
  func numbersHaveGroups(number: Int, text: String) { #expect(TrackerWords.number(number) == text) }

  @Test(
    arguments: [(0, "0.00", "0"), (1.5, "1.50", "1.5"), (2, "2.00", "2"), (12.345, "12.35", "12.35")]
      as [(Double, String, String)])
  func ratiosHaveTwoDecimals(value: Double, ratio: String, decimal: String) {
    #expect(TrackerWords.ratio(value) == ratio)
    #expect(TrackerWords.decimal(value) == decimal)
  }

  @Test func timesAreWholeSeconds() {
    #expect(TrackerWords.time(Timestamp(milliseconds: 1_999)) == "<t:1:R>")
    #expect(TrackerWords.time(Timestamp(milliseconds: -1)) == "<t:-1:R>")
  }

  @Test func onlyWholeLinesAreKept() {
    #expect(TrackerWords.lines(["aaa", "bbb", "ccc"], limit: 8) == "aaa\nbbb")
    #expect(TrackerWords.lines(["aaa", "bbb"], limit: 7) == "aaa\nbbb")
    #expect(TrackerWords.lines([], limit: 7) == "")
  }
}
