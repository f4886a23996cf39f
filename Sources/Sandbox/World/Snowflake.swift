import Platform

/// Discord's id: 42 bits of milliseconds since 2015-01-01, 10 bits of worker and process, 12 bits of counter.
///
/// Source: Discord "Reference", section Snowflakes. On the wire it is a string of decimal digits.
struct Snowflake: Hashable, Comparable, Sendable, CustomStringConvertible {
  let value: UInt64

  static let epochMilliseconds: Int64 = 1_420_070_400_000

  init(_ value: UInt64) { self.value = value }

  init?(_ text: some StringProtocol) {
    guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let value = UInt64(text)
    else { return nil }
    self.value = value
  }

  /// A string of digits, or a number, which Discord takes too and discord.py sends.
  init?(_ json: JSON?) {
    switch json {
    case .string(let text): self.init(text)
    case .integer(let number) where number >= 0: self.init(UInt64(number))
    default: return nil
    }
  }

  var description: String { String(value) }
  var json: JSON { .string(String(value)) }
  var timestamp: Timestamp { Timestamp(milliseconds: Int64(value >> 22) + Self.epochMilliseconds) }

  static func < (left: Snowflake, right: Snowflake) -> Bool { left.value < right.value }
}

/// Makes ids that are unique and rise, even when the clock stands still or steps back.
struct SnowflakeGenerator: Sendable {
  private var last: UInt64 = 0

  mutating func next(at time: Timestamp) -> Snowflake {
    let milliseconds = UInt64(max(0, time.milliseconds - Snowflake.epochMilliseconds))
    last = max(milliseconds << 22, last + 1)
    return Snowflake(last)
  }
}
