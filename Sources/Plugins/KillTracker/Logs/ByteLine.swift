import Glibc
import Platform

/// One line of a log, lent out while it is read: a window over its bytes that moves from left to right.
///
/// Nothing becomes a `String` before a line is known to matter.
struct ByteLine {
  private(set) var bytes: UnsafeRawBufferPointer
  /// The longest field that is believed: a name, a place, a class.
  static let fieldLimit = 200

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isEmpty: Bool { bytes.isEmpty }

  /// Moves behind the next `literal`. False, and nothing moves, if it does not follow.
  mutating func skip(past literal: StaticString) -> Bool {
    guard let place = find(literal) else { return false }
    drop(place + literal.utf8CodeUnitCount)
    return true
  }

  /// Whether the line goes on with `literal`; moves behind it then.
  mutating func skip(_ literal: StaticString) -> Bool {
    guard starts(with: literal) else { return false }
    drop(literal.utf8CodeUnitCount)
    return true
  }

  func starts(with literal: StaticString) -> Bool {
    let count = literal.utf8CodeUnitCount
    guard bytes.count >= count, let start = bytes.baseAddress else { return false }
    return memcmp(start, literal.utf8Start, count) == 0
  }

  func contains(_ literal: StaticString) -> Bool { find(literal) != nil }

  /// The text before the next `literal`, behind which this moves. Nil if there is none or the text is absurdly long.
  mutating func text(upTo literal: StaticString, limit: Int = fieldLimit) -> String? {
    guard let place = find(literal), place <= limit else { return nil }
    let text = String(decoding: bytes[..<(bytes.startIndex + place)], as: UTF8.self)
    drop(place + literal.utf8CodeUnitCount)
    return text
  }

  /// The decimal number that the line goes on with, behind which this moves; nil if there is none or it is too large.
  mutating func number() -> UInt64? {
    var value: UInt64 = 0
    var count = 0
    for byte in bytes {
      let digit = byte &- UInt8(ascii: "0")
      guard digit <= 9 else { break }
      let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
      let (sum, carried) = product.addingReportingOverflow(UInt64(digit))
      guard !overflowed, !carried else { return nil }
      value = sum
      count += 1
    }
    guard count > 0 else { return nil }
    drop(count)
    return value
  }

  /// What is left, as text, cut off after `limit` bytes and without blanks at its end.
  func rest(limit: Int = fieldLimit) -> String {
    var end = min(bytes.count, limit)
    while end > 0, [0x20, 0x0D, 0x09].contains(bytes[end - 1]) { end -= 1 }
    return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[..<end]), as: UTF8.self)
  }

  func count(of byte: UInt8) -> Int { bytes.reduce(0) { $0 + ($1 == byte ? 1 : 0) } }

  /// Where `literal` begins, counted from the window's beginning.
  private func find(_ literal: StaticString) -> Int? {
    guard let start = bytes.baseAddress, bytes.count >= literal.utf8CodeUnitCount else { return nil }
    let last = start + (bytes.count - literal.utf8CodeUnitCount)
    var place = start
    while place <= last, let found = memchr(place, Int32(literal.utf8Start.pointee), last - place + 1) {
      if memcmp(found, literal.utf8Start, literal.utf8CodeUnitCount) == 0 { return UnsafeRawPointer(found) - start }
      place = UnsafeRawPointer(found) + 1
    }
    return nil
  }

  private mutating func drop(_ count: Int) {
    bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(count))
  }
}

/// `<2025-10-15T20:24:35.039Z> ` at the beginning of a line.
enum LogTime {
  /// How many bytes it takes, the blank behind it included.
  static let length = 27

  /// Reads the time of a line that is at least ``length`` long; nil if there is none, or none of the calendar.
  static func read(_ line: UnsafeRawBufferPointer) -> Timestamp? {
    guard line.count >= length, line[0] == UInt8(ascii: "<"), line[5] == UInt8(ascii: "-"),
      line[8] == UInt8(ascii: "-"), line[11] == UInt8(ascii: "T"), line[14] == UInt8(ascii: ":"),
      line[17] == UInt8(ascii: ":"), line[20] == UInt8(ascii: "."), line[24] == UInt8(ascii: "Z"),
      line[25] == UInt8(ascii: ">")
    else { return nil }
    func digits(_ range: Range<Int>) -> Int64? {
      var value: Int64 = 0
      for index in range {
        let digit = line[index] &- UInt8(ascii: "0")
        guard digit <= 9 else { return nil }
        value = value * 10 + Int64(digit)
      }
      return value
    }
    guard let year = digits(1..<5), let month = digits(6..<8), let day = digits(9..<11), let hour = digits(12..<14),
      let minute = digits(15..<17), let second = digits(18..<20), let millisecond = digits(21..<24),
      year >= 1970, (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    let seconds = Calendar.days(year: year, month: month, day: day) * 86_400 + hour * 3_600 + minute * 60 + second
    return Timestamp(milliseconds: seconds * 1_000 + millisecond)
  }
}
