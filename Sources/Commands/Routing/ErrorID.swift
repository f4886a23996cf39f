import Platform

/// A short id that joins what a user was shown to a line of the log: `7KQ2M9XD`.
enum ErrorID {
  /// Crockford's base 32: no letter that is mistaken for a digit.
  private static let letters = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

  static func make(_ random: any RandomSource) -> String {
    let bits = random.next()
    return String((0..<8).map { letters[Int((bits >> UInt64($0 * 5)) & 31)] })
  }
}
