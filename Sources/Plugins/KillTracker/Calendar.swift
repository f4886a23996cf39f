import Platform

/// The calendar in UTC, on whole numbers: what periods and log times need of it.
enum Calendar {
  static let day: Int64 = 86_400_000

  /// Days from 1970-01-01 to that date of the Gregorian calendar, by the method of counting years from March.
  static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// The date that lies so many days after 1970-01-01.
  static func date(ofDay days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
  }

  /// The number of the day in which a moment lies.
  static func day(of moment: Timestamp) -> Int64 {
    moment.milliseconds >= 0 ? moment.milliseconds / day : (moment.milliseconds - day + 1) / day
  }

  /// The Monday at or before that day (1970-01-01 was a Thursday).
  static func monday(before days: Int64) -> Int64 { days - ((days + 3) % 7 + 7) % 7 }

  /// `2024-01-01`.
  static func text(ofDay days: Int64) -> String {
    let (year, month, day) = date(ofDay: days)
    func padded(_ value: Int64, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }
}
