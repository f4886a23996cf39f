import FoundationEssentials

extension Timestamp {
  /// `2024-01-01T00:00:00.000Z`.
  public var iso8601: String {
    guard Self.plainRange.contains(milliseconds) else { return foundationText }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.textLength) { text in
      write(to: text)
      return String(decoding: text, as: UTF8.self)
    }
  }

  /// Reads RFC 3339 with or without a fraction, in any zone: `2024-01-01T00:00:00Z`, `…T02:00:00.123456+02:00`.
  /// Digits beyond the millisecond are cut off.
  public init?(iso8601 text: String) {
    if let milliseconds = Self.plain(text) ?? Self.foundation(text) {
      self.init(milliseconds: milliseconds)
    } else {
      return nil
    }
  }

  // MARK: - As nearly everybody writes it

  private static let textLength = 24
  /// From 1583-01-01 until 9999-12-31: from the first whole year of the calendar to the last of four digits.
  static let plainRange: Range<Int64> = -12_212_553_600_000..<253_402_300_800_000
  private static let dayLength: Int64 = 86_400_000

  private func write(to text: UnsafeMutableBufferPointer<UInt8>) {
    func put(_ value: Int64, _ place: Int, _ count: Int) {
      var rest = value
      for offset in stride(from: count - 1, through: 0, by: -1) {
        text[place + offset] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      }
    }
    let (day, time) = milliseconds.floorDivided(by: Self.dayLength)
    let (year, month, dayOfMonth) = Self.date(ofDay: day)
    put(year, 0, 4)
    text[4] = UInt8(ascii: "-")
    put(month, 5, 2)
    text[7] = UInt8(ascii: "-")
    put(dayOfMonth, 8, 2)
    text[10] = UInt8(ascii: "T")
    put(time / 3_600_000, 11, 2)
    text[13] = UInt8(ascii: ":")
    put(time / 60_000 % 60, 14, 2)
    text[16] = UInt8(ascii: ":")
    put(time / 1_000 % 60, 17, 2)
    text[19] = UInt8(ascii: ".")
    put(time % 1_000, 20, 3)
    text[23] = UInt8(ascii: "Z")
  }

  /// The date of a day since 1970-01-01. Years are counted from March here, so that the day that some have is the last.
  private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = (day + 719_468).floorDivided(by: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let fromMarch = (5 * dayOfYear + 2) / 153
    let month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * fromMarch + 2) / 5 + 1)
  }

  private static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
    let (era, yearOfEra) = (month <= 2 ? year - 1 : year).floorDivided(by: 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// `2024-01-01T00:00:00Z`, with or without a fraction. Nil for anything else, which need not be wrong.
  private static func plain(_ text: String) -> Int64? {
    var text = text
    return text.withUTF8 { bytes -> Int64? in
      guard bytes.count == 20 || (22...40).contains(bytes.count), bytes[bytes.count - 1] == UInt8(ascii: "Z"),
        bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), bytes[10] == UInt8(ascii: "T"),
        bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":")
      else { return nil }
      func number(_ places: Range<Int>) -> Int64? {
        var value: Int64 = 0
        for place in places {
          guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[place]) else { return nil }
          value = value * 10 + Int64(bytes[place] - UInt8(ascii: "0"))
        }
        return value
      }
      // Days that not every month has, and the leap second, are left to Foundation's judgement.
      guard let year = number(0..<4), (1583...9999).contains(year), let month = number(5..<7), (1...12).contains(month),
        let day = number(8..<10), (1...28).contains(day) || (29...30).contains(day) && month != 2,
        let hour = number(11..<13), hour < 24, let minute = number(14..<16), minute < 60,
        let second = number(17..<19), second < 60
      else { return nil }
      var fraction: Int64 = 0
      if bytes.count > 20 {
        let end = bytes.count - 1
        guard bytes[19] == UInt8(ascii: "."), number(20..<min(end, 38)) != nil, end <= 38 else { return nil }
        guard let digits = number(20..<min(end, 23)) else { return nil }
        fraction = digits * (end == 21 ? 100 : end == 22 ? 10 : 1)
      }
      let days = Self.day(year: year, month: month, day: day)
      return days * dayLength + (hour * 3_600 + minute * 60 + second) * 1_000 + fraction
    }
  }

  // MARK: - As Foundation knows it

  private var foundationText: String {
    // Foundation rounds through a Double and loses milliseconds: it gets whole seconds only.
    let (seconds, fraction) = milliseconds.floorDivided(by: 1_000)
    let whole = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601).dropLast()
    let digits = String(fraction)
    return whole + "." + String(repeating: "0", count: 3 - digits.count) + digits + "Z"
  }

  private static func foundation(_ text: String) -> Int64? {
    // Foundation's parser takes milliseconds only; Discord sends microseconds.
    var trimmed = text
    if let dot = text.firstIndex(of: ".") {
      let digits = text[text.index(after: dot)...].prefix { $0.isASCII && $0.isNumber }
      guard !digits.isEmpty else { return nil }
      let three = String((digits + "000").prefix(3))
      trimmed = text[..<dot] + "." + three + text[digits.endIndex...]
    }
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: trimmed.contains("."))
    guard let date = try? style.parse(trimmed) else { return nil }
    return Int64((date.timeIntervalSince1970 * 1_000).rounded())
  }
}

extension Int64 {
  fileprivate func floorDivided(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
