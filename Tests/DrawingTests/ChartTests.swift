import Foundation
import Testing

@testable import Drawing

/// The pictures: what is on them, where, and that nothing runs over the edge, whatever the data.
@Suite(.timeLimit(.minutes(5)))
struct ChartTests {
  private func bars(_ counts: [(Int, Int)]) -> [DayChart.Bar] {
    counts.enumerated().map { DayChart.Bar(label: "\($0.offset % 28 + 1) Feb", pvp: $0.element.0, pve: $0.element.1) }
  }

  private func days(_ counts: [(Int, Int)], title: String = "Kills by day", subtitle: String = "Ann") -> DayChart {
    DayChart(title: title, subtitle: subtitle, bars: bars(counts))
  }

  private func card(_ name: String = "Ann", number: Int = 7, text: String? = "FS-9 LMG", avatar: [UInt8]? = nil)
    -> PlayerCard
  {
    PlayerCard(
      name: name, subtitle: text ?? "", avatar: avatar, rank: number, kills: number, deaths: number,
      ratio: Double(number), currentStreak: number, bestStreak: number, favouriteWeapon: text, nemesis: text, prey: text
    )
  }

  private func ranking(_ rows: [(String, Int)]) -> RankingChart {
    RankingChart(
      title: "Weapons", subtitle: "Ann", rows: rows.map { .init(name: $0.0, count: $0.1, percentage: 12.3) })
  }

  /// The head of a PNG, and that it ends as one.
  private func size(of png: [UInt8]) -> (width: Int, height: Int)? {
    guard png.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
      png.suffix(8).starts(with: [0x49, 0x45, 0x4E, 0x44])
    else { return nil }
    func number(_ place: Int) -> Int { png[place..<(place + 4)].reduce(0) { $0 << 8 | Int($1) } }
    return (number(16), number(20))
  }

  static let names = [
    "", "A", "Ann", "=cmd()", "新人プレイヤー", "한국어이름", "Ελληνικά Ωmega", "محمد العربي", "שלום", "🚀🔥👩‍👩‍👧",
    "e\u{301}\u{302}\u{303}",
    "\u{0}\u{7}\n\t", "\u{202E}evil", "\u{FFFF}\u{10FFFF}", String(repeating: "W", count: 3_000),
    String(repeating: "👩‍👩‍👧", count: 300), "Zoë\u{200D}\u{FE0F}", "a\u{0300}" + String(repeating: "\u{0300}", count: 500),
  ]

  /// Everything that was drawn lies within the picture.
  @Test(arguments: names) func anyNameIsDrawnWithinThePicture(name: String) throws {
    let drawings: [any Drawable] = [
      days([(3, 4), (0, 0), (900, 1)], title: name, subtitle: name), card(name, number: 123_456_789, text: name),
      ranking([(name, 5), (name + "2", 1_234_567_890)]),
    ]
    for drawing in drawings {
      let picture = try drawing.picture()
      #expect(size(of: picture.png)?.width == 1_600 && picture.width == 1_600)
      #expect(picture.png.count < 200_000, "\(picture.png.count)")
      #expect(picture.description.count <= 1_024)
    }
    for canvas in try [
      days([(3, 4)], title: name, subtitle: name).texts(), card(name, number: 123_456_789, text: name).texts(),
      ranking([(name, 1_234_567_890)]).texts(),
    ] {
      for (text, box) in canvas.texts where box.width > 0 {
        #expect(box.x >= 20 && box.right <= 800 - 20, "\(text): \(box)")
        #expect(box.y >= 0 && box.bottom <= canvas.height, "\(text): \(box)")
      }
    }
  }

  @Test func whatIsTooLongEndsWithDots() throws {
    var canvas = try Canvas(width: 800, height: 100)
    let long = String(repeating: "Wolf ", count: 40)
    let short = canvas.shortened(long, .body, 200)
    #expect(short.hasSuffix("…") && short.count > 10 && short.count < 40)
    #expect(canvas.width(of: short, .body) <= 200)
    // One more would not fit.
    #expect(canvas.width(of: String(long.prefix(short.count)) + "…", .body) > 200)
    #expect(canvas.shortened("Wolf", .body, 200) == "Wolf")
    #expect(canvas.shortened("Wolf", .body, 1) == "…")
    #expect(canvas.width(of: "", .body) == 0)
    #expect(canvas.width(of: "Wolf", .title) > canvas.width(of: "Wolf", .small))
  }

  @Test func barsAreAsHighAsTheirNumbers() throws {
    // Of the scale, 0 to 4: a bar of four PvP kills, one of two and two.
    let canvas = try days([(4, 0), (2, 2), (0, 0), (0, 4)]).draw()
    let (top, bottom) = (98.0, 400.0 - 52)
    let axis = canvas.texts.first { $0.text == "4" }.map { $0.box.right + 10 } ?? 0
    let step = (800 - Theme.margin - axis) / 4
    func color(_ bar: Int, _ part: Double) -> Color? {
      canvas.color(x: axis + step * (Double(bar) + 0.5), y: bottom - (bottom - top) * part)
    }
    #expect(color(0, 0.05) == Theme.pvp && color(0, 0.95) == Theme.pvp)
    #expect(color(1, 0.45) == Theme.pvp && color(1, 0.55) == Theme.pve && color(1, 0.95) == Theme.pve)
    #expect(color(2, 0.4) == Theme.background)
    #expect(color(3, 0.05) == Theme.pve && color(3, 0.95) == Theme.pve)
    // Dark, with clear corners.
    #expect(canvas.color(x: 400, y: 10) == Theme.background)
    #expect(canvas.color(x: 0.5, y: 0.5)?.alpha == 0)
    #expect(Set(canvas.texts.map(\.text)).isSuperset(of: ["0", "1", "2", "3", "4", "PvP 6", "PvE 6"]))
  }

  @Test func aSingleKillAmongThousandsIsSeen() throws {
    let canvas = try days([(1, 0), (50_000, 0)]).draw()
    let left = (0..<700).contains { canvas.color(x: Double($0) / 2, y: 400 - 52 - 1) == Theme.pvp }
    #expect(left)
  }

  @Test func datesDoNotRunIntoEachOther() throws {
    for count in [1, 2, 7, 14, 30, 31, 90, 120] {
      let canvas = try days(Array(repeating: (1, 2), count: count)).draw()
      let dates = canvas.texts.filter { $0.text.hasSuffix("Feb") }.map(\.box).sorted { $0.x < $1.x }
      #expect(dates.count >= min(count, 5), "\(count)")
      for (left, right) in zip(dates, dates.dropFirst()) { #expect(right.x - left.right > 4, "\(count)") }
      for date in dates { #expect(date.x >= Theme.margin && date.right <= 800 - Theme.margin + 1, "\(count): \(date)") }
      // The last day is named.
      #expect(canvas.texts.contains { $0.text == "\((count - 1) % 28 + 1) Feb" })
    }
  }

  @Test func whereNothingIsItSaysSo() throws {
    #expect(try days([]).texts().texts.contains { $0.text == "No kills yet" })
    #expect(try days([(0, 0), (0, 0)]).texts().texts.contains { $0.text == "No kills yet" })
    #expect(try ranking([]).texts().texts.contains { $0.text == "No kills yet" })
    #expect(days([]).description == "Kills by day, Ann: no kills.")
    #expect(ranking([]).description == "Weapons, Ann: nothing yet.")
    let empty = PlayerCard(
      name: "", subtitle: "", kills: 0, deaths: 0, ratio: 0, currentStreak: 0, bestStreak: 0)
    #expect(try empty.texts().texts.filter { $0.text == "–" }.count == 3)
    #expect(try empty.texts().texts.contains { $0.text == "?" })
  }

  @Test func wordsSayWhatIsSeen() {
    #expect(
      days([(3, 4), (1_000, 0)]).description
        == "Kills by day, Ann: 1,003 PvP and 4 PvE kills from 1 Feb to 2 Feb; the most, 1,000, on 2 Feb.")
    #expect(days([(1, 0)]).description == "Kills by day, Ann: 1 PvP and 0 PvE kills (1 Feb).")
    #expect(
      ranking([("FS-9 LMG", 45), ("Karna", 5)]).description == "Weapons, Ann: FS-9 LMG 45 (12.3%), Karna 5 (12.3%).")
    #expect(
      card().description
        == "Ann, rank 7: 7 kills, 7 deaths, K/D 7, streak 7, best 7, favourite weapon FS-9 LMG, nemesis FS-9 LMG, prey FS-9 LMG."
    )
  }

  @Test func longestBarsAreForTheMost() throws {
    let canvas = try ranking([("a", 100), ("b", 50), ("c", 1)]).draw()
    func ends(_ row: Int, _ color: Color) -> Double {
      (0..<1_600).last { canvas.color(x: Double($0) / 2, y: 98 + 36 * Double(row) + 18) == color }.map {
        Double($0) / 2
      }
        ?? 0
    }
    let starts =
      (0..<1_600).first { canvas.color(x: Double($0) / 2, y: 116) == Theme.accent }.map { Double($0) / 2 } ?? 0
    let lengths = [ends(0, Theme.accent) - starts, ends(1, Theme.pve) - starts, ends(2, Theme.pve) - starts]
    #expect(abs(lengths[0] / lengths[1] - 2) < 0.02 && lengths[2] > 0 && lengths[2] < 10, "\(lengths)")
    #expect(ranking((0..<40).map { ("w\($0)", 40 - $0) }).rows.count == RankingChart.limit)
  }

  @Test func anAvatarIsDrawnRoundAndRubbishIsNot() throws {
    // A picture that is red all over, drawn by ourselves.
    let bitmap = try CairoBitmap(width: 16, height: 16, scale: 1)
    bitmap.fill(x: 0, y: 0, width: 16, height: 16, radius: 0, color: Color(0xFF0000))
    let red = try bitmap.png()
    let canvas = try card(avatar: red).draw()
    #expect(canvas.color(x: Theme.margin + 44, y: 74) == Color(0xFF0000))
    // Outside of the circle, the background.
    #expect(canvas.color(x: Theme.margin + 2, y: 32) == Theme.background)
    var large = red
    large[16] = 0x7F
    for rubbish in [[], [1, 2, 3], Array(red.prefix(40)), large, Array(repeating: UInt8(0x89), count: 500)] {
      let canvas = try card(avatar: rubbish).draw()
      #expect(canvas.texts.contains { $0.text == "A" })
      #expect(canvas.color(x: Theme.margin + 44, y: 40) == Theme.line)
    }
  }

  /// Decoding takes memory by the size that a picture says it has.
  @Test func largePicturesAreRefused() throws {
    func strip(_ width: Int) throws -> [UInt8] { try CairoBitmap(width: width, height: 1, scale: 1).png() }
    let canvas = try CairoBitmap(width: 20, height: 20, scale: 1)
    let (fits, tooWide) = (
      canvas.drawCircle(png: try strip(1_024), x: 10, y: 10, radius: 5),
      canvas.drawCircle(png: try strip(1_025), x: 10, y: 10, radius: 5)
    )
    #expect(fits && !tooWide)
  }

  /// A name in two scripts takes two fonts, one behind the other.
  @Test func piecesInOtherFontsFollowEachOther() throws {
    var bitmap = try CairoBitmap(width: 200, height: 40, scale: 1)
    let whole = bitmap.extents(of: "WW新WW", size: 20, weight: .regular)
    let parts = ["WW", "新", "WW"].map { bitmap.extents(of: $0, size: 20, weight: .regular).advance }
    #expect(abs(whole.advance - parts.reduce(0, +)) < 0.01)
    bitmap.draw("WW新WW", x: 10, baseline: 30, size: 20, weight: .regular, color: Theme.text)
    let last = (0..<200).last { x in (0..<40).contains { y in (bitmap.pixel(x: x, y: y)?.alpha ?? 0) > 0.5 } }
    #expect(abs(Double(last ?? 0) - (10 + whole.right)) < 2.5, "\(last ?? 0) \(whole)")
  }

  @Test func longNumbersAreWrittenSmallerAndWhole() throws {
    let texts = try card(number: 123_456_789).texts().texts
    #expect(texts.filter { $0.text == "123,456,789" }.count == 5)
    let (short, long) = (
      try card(number: 7).texts().texts.first { $0.text == "7" }, texts.first { $0.text == "123,456,789" }
    )
    #expect((short?.box.height ?? 0) > (long?.box.height ?? 99))
  }

  @Test func scalesAreRound() {
    for (greatest, lines) in [
      (0, [0, 1]), (1, [0, 1]), (4, [0, 1, 2, 3, 4]), (5, [0, 2, 4, 6]), (9, [0, 2, 4, 6, 8, 10]), (10, [0, 5, 10]),
      (20, [0, 5, 10, 15, 20]), (123_456, [0, 50_000, 100_000, 150_000]),
    ] {
      #expect(Scale(upTo: greatest).lines == lines, "\(greatest)")
    }
    for exponent in 0..<62 {
      let greatest = 1 << exponent
      let scale = Scale(upTo: greatest)
      #expect(scale.top >= greatest && scale.lines.count <= 6, "\(greatest)")
    }
    #expect(Scale(upTo: .max / 4).top > 0)
  }

  @Test func numbersAreShort() {
    #expect(
      [0, 999, 1_000, 1_250, 9_990, 34_567, 999_999, 5_600_000, 2_000_000_000].map(Numbers.short) == [
        "0", "999", "1k", "1.2k", "9.9k", "34k", "999k", "5.6M", "2G",
      ])
    #expect([0, 12, 1_234, 1_234_567, -5_000].map(Numbers.whole) == ["0", "12", "1,234", "1,234,567", "-5,000"])
    #expect(
      [0, 1.5, 1.43, 2.999, 1_234.05, .infinity].map(Numbers.ratio) == ["0", "1.50", "1.43", "3", "1,234.05", "–"])
  }

  // MARK: Off the cooperative threads

  /// Keeps the thread that draws until it is let go.
  private struct Held: Drawable {
    let gate: DispatchSemaphore

    func picture() throws -> Picture {
      gate.wait()
      return Picture(png: [], description: "", width: 1, height: 1)
    }
  }

  @Test func oneMoreThanMayWaitIsRefused() async throws {
    let queue = DrawingQueue()
    let gate = DispatchSemaphore(value: 0)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0...DrawingQueue.limit {
        group.addTask {
          do {
            _ = try await queue.draw(Held(gate: gate))
            return true
          } catch is DrawingQueue.Overloaded { return false }
        }
      }
      // Nothing is drawn yet, so the first to come back was refused.
      #expect(try await group.next() == false)
      for _ in 0..<DrawingQueue.limit { gate.signal() }
      for try await isDrawn in group { #expect(isDrawn) }
    }
    // Everything was given back: it draws on.
    gate.signal()
    #expect(try await queue.draw(Held(gate: gate)).width == 1)
  }

  /// Ten thousand bitmaps, each with text in every font, a picture and a PNG: what cairo gave was given back.
  @Test func tenThousandPicturesLeakNothing() async throws {
    func draw(_ number: Int) throws {
      var bitmap = try CairoBitmap(width: 40, height: 20, scale: 1)
      bitmap.fill(x: 0, y: 0, width: 40, height: 20, radius: 4, color: Theme.panel)
      for weight in CairoBitmap.Weight.allCases {
        bitmap.draw(
          "Ann 新 and whoever else is called by a long name \(number)", x: 1, baseline: 15, size: 12, weight: weight,
          color: Theme.text)
      }
      let png = try bitmap.png()
      let isDrawn = bitmap.drawCircle(png: png, x: 10, y: 10, radius: 8)
      #expect(isDrawn)
    }
    for number in 0..<1_000 { try draw(number) }
    let before = Self.residentBytes()
    for number in 0..<10_000 {
      try draw(number)
      if number.isMultiple(of: 50) { await Task.yield() }
    }
    // A bitmap is 3 KB, a font some more, glyphs 0.8 KB: ten thousand leaked would be 8 MB and more.
    #expect(Self.residentBytes() - before < 4 << 20, "\(before) -> \(Self.residentBytes())")
  }

  private static func residentBytes() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let pages = status.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}

/// Where the text of a picture is.
struct Layout {
  var texts: [(text: String, box: Canvas.Box)]
  var height: Double
}

extension DayChart {
  func texts() throws -> Layout {
    let canvas = try draw()
    return Layout(texts: canvas.texts, height: canvas.height)
  }
}

extension RankingChart {
  func texts() throws -> Layout {
    let canvas = try draw()
    return Layout(texts: canvas.texts, height: canvas.height)
  }
}

extension PlayerCard {
  func texts() throws -> Layout {
    let canvas = try draw()
    return Layout(texts: canvas.texts, height: canvas.height)
  }
}

struct WritingTests {
  @Test(arguments: [
    ("Ann", "Ann"), ("אבג", "גבא"), ("Ann אבג 12", "Ann גבא 12"), ("אב גד", "דג בא"), ("אב Ann גד", "בא Ann דג"),
    ("", ""),
  ]) func whatIsWrittenFromTheRightIsTurned(text: String, drawn: String) { #expect(Writing.visual(text) == drawn) }
}
