import Platform

/// The id by which one request is found again in the log.
enum RequestID {
  /// What a trusted proxy may choose: 8 to 64 letters, digits, `-`, `_` and `.`.
  static func isWellFormed(_ text: String) -> Bool {
    (8...64).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        HTTPCharacters.isLetter($0) || HTTPCharacters.isDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
          || $0 == UInt8(ascii: ".")
      }
  }

  private static let digits = Array("0123456789abcdefghijklmnopqrstuv".utf8)

  /// 13 characters that nobody has seen before: 64 random bits.
  static func make(_ random: UInt64) -> String {
    String(unsafeUninitializedCapacity: 13) { space in
      for place in 0..<13 { space[place] = digits[Int(truncatingIfNeeded: random >> UInt64(place * 5)) & 31] }
      return 13
    }
  }
}
