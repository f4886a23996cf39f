import Platform

/// A `Timestamp` in a column of SQL's own type `TIMESTAMP`, which the documented tables have and other people's tools
/// read: UTC, without a zone. Tables of our own keep whole milliseconds (``ColumnType/timestamp``).
///
/// `timestamp` on PostgreSQL; on SQLite text, `2024-01-01 00:00:00.000`, the form that its date functions and
/// `CURRENT_TIMESTAMP` use, so that it sorts by time. Years 1 to 9999; what lies beyond becomes the nearest of them.
public struct DateTime: Sendable, Hashable, DatabaseValueConvertible {
  public var timestamp: Timestamp

  public init(_ timestamp: Timestamp) { self.timestamp = timestamp }

  public static var databaseType: DatabaseType { .dateTime }
  public var databaseValue: DatabaseValue { .text(text) }
  public init?(databaseValue: DatabaseValue) {
    guard case .text(let text) = databaseValue else { return nil }
    self.init(text: text)
  }

  private static let first = Int64(-62_135_596_800_000)
  private static let last = Int64(253_402_300_799_999)
  private static let millisecondsPerDay = Int64(86_400_000)

  private var text: String {
    let milliseconds = min(max(timestamp.milliseconds, Self.first), Self.last)
    var time = milliseconds % Self.millisecondsPerDay
    if time < 0 { time += Self.millisecondsPerDay }
    let (year, month, day) = Self.civil(fromDay: (milliseconds - time) / Self.millisecondsPerDay)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(23)
    func append(_ number: Int64, digits: Int, before separator: Unicode.Scalar? = nil) {
      var divisor: Int64 = 1
      for _ in 1..<digits { divisor *= 10 }
      while divisor > 0 {
        bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
        divisor /= 10
      }
      if let separator { bytes.append(UInt8(ascii: separator)) }
    }
    append(year, digits: 4, before: "-")
    append(month, digits: 2, before: "-")
    append(day, digits: 2, before: " ")
    append(time / 3_600_000, digits: 2, before: ":")
    append(time / 60_000 % 60, digits: 2, before: ":")
    append(time / 1_000 % 60, digits: 2, before: ".")
    append(time % 1_000, digits: 3)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// `2024-01-01 00:00:00` with or without a fraction, of which what is shorter than a millisecond is cut off.
  private init?(text: String) {
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int64? {
      guard range.upperBound <= bytes.count else { return nil }
      var number: Int64 = 0
      for byte in bytes[range] {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        number = number * 10 + Int64(byte - UInt8(ascii: "0"))
      }
      return number
    }
    guard bytes.count >= 19, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
      bytes[10] == UInt8(ascii: " "),
      bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
      let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), (1...12).contains(month),
      (1...31).contains(day), let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
      hour < 24, minute < 60, second < 60
    else { return nil }
    var fraction: Int64 = 0
    if bytes.count > 19 {
      guard bytes[19] == UInt8(ascii: "."), bytes.count > 20, number(20..<bytes.count) != nil else { return nil }
      let digits = min(3, bytes.count - 20)
      fraction = number(20..<(20 + digits)) ?? 0
      for _ in digits..<3 { fraction *= 10 }
    }
    let days = Self.day(year: year, month: month, day: day)
    self.init(
      Timestamp(
        milliseconds: days * Self.millisecondsPerDay + ((hour * 60 + minute) * 60 + second) * 1_000 + fraction))
  }

  // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years that begin in March, in eras of 400.

  private static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func civil(fromDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let place = (5 * dayOfYear + 2) / 153
    let month = place < 10 ? place + 3 : place - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * place + 2) / 5 + 1)
  }
}
