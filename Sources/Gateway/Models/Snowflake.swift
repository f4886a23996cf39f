import Platform

/// Discord's id: 64 bits whose upper 42 are the time of creation, written as a decimal string in JSON.
///
/// One type serves all kinds of objects; what an id names is said by the member that holds it (`guildID`, `userID`).
/// See `developers/reference`, "Snowflakes".
public struct Snowflake: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible,
  LosslessStringConvertible
{
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The decimal digits of an id; nil for anything else, a sign or a blank included.
  public init?(_ text: String) {
    guard let first = text.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
      let value = UInt64(text)
    else { return nil }
    rawValue = value
  }

  /// Milliseconds between 1970 and the first second of 2015, from which Discord counts.
  public static let epoch: Int64 = 1_420_070_400_000

  /// When the object was created.
  public var timestamp: Timestamp { Timestamp(milliseconds: Int64(rawValue >> 22) + Self.epoch) }

  /// The smallest id that an object created at `timestamp` can have: a bound for paging by time.
  public init(timestamp: Timestamp) {
    rawValue = UInt64(max(0, timestamp.milliseconds - Self.epoch)) << 22
  }

  public var description: String { String(rawValue) }

  public static func < (left: Snowflake, right: Snowflake) -> Bool { left.rawValue < right.rawValue }
}

extension Snowflake: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: UInt64) { rawValue = value }
}

extension Snowflake: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Snowflake(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an id: \(text)")
    }
    self = value
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension Snowflake: JSONDecodable {
  public init(json: JSONView) throws {
    guard let value = json.uint64InString else { throw DecodingFailure(reason: "not an id") }
    rawValue = value
  }
}

extension Timestamp: JSONDecodable {
  public init(json: JSONView) throws {
    guard let bytes = json.utf8 else { throw DecodingFailure(reason: "not a date") }
    guard let value = Timestamp(rfc3339: bytes) else { throw DecodingFailure(reason: "not an ISO 8601 date") }
    self = value
  }

  /// Reads the one form that Discord writes, `2024-01-01T00:00:00.123000+00:00`, at the speed that a message per
  /// few microseconds needs; digits beyond the millisecond are cut off.
  init?(rfc3339 bytes: UnsafeBufferPointer<UInt8>) {
    guard bytes.count >= 20, bytes.count <= 40 else { return nil }
    // The digits are read without looking; whether all were digits is asked once.
    var worst: UInt8 = 0
    func digit(_ place: Int) -> Int64 {
      let digit = bytes[place] &- UInt8(ascii: "0")
      worst = max(worst, digit)
      return Int64(digit)
    }
    func two(_ place: Int) -> Int64 { digit(place) &* 10 &+ digit(place &+ 1) }
    let year = two(0) &* 100 &+ two(2)
    let month = two(5)
    let day = two(8)
    let hour = two(11)
    let minute = two(14)
    let second = two(17)
    guard worst <= 9, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
      bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: " "), bytes[13] == UInt8(ascii: ":"),
      bytes[16] == UInt8(ascii: ":"), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
      second <= 60
    else { return nil }
    var index = 19
    var fraction: Int64 = 0
    if bytes[index] == UInt8(ascii: ".") {
      index += 1
      var weight: Int64 = 100
      let start = index
      while index < bytes.count, bytes[index] &- UInt8(ascii: "0") <= 9 {
        fraction += weight * Int64(bytes[index] - UInt8(ascii: "0"))
        weight /= 10
        index += 1
      }
      guard index > start else { return nil }
    }
    guard index < bytes.count else { return nil }
    var offset: Int64 = 0
    switch bytes[index] {
    case UInt8(ascii: "Z"), UInt8(ascii: "z"):
      guard index + 1 == bytes.count else { return nil }
    case UInt8(ascii: "+"), UInt8(ascii: "-"):
      guard index + 6 == bytes.count, bytes[index + 3] == UInt8(ascii: ":") else { return nil }
      offset = (two(index + 1) * 60 + two(index + 4)) * (bytes[index] == UInt8(ascii: "-") ? -1 : 1)
      guard worst <= 9 else { return nil }
    default: return nil
    }
    // Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "days_from_civil").
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - 719_468
    let seconds = days * 86_400 + (hour * 60 + minute - offset) * 60 + second
    self.init(milliseconds: seconds * 1_000 + fraction)
  }
}
