/// Bytes as digits and letters alone, which a double click selects as a whole.
enum Base62 {
  private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

  static func isDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: false
    }
  }

  /// The big-endian number that the bytes are, in exactly `length` digits: its lowest ones, zeros in front.
  static func encode(_ bytes: some Sequence<UInt8>, length: Int) -> String {
    var number = Array(bytes)
    var result: [UInt8] = []
    for _ in 0..<length {
      var remainder = 0
      for index in number.indices {
        let value = remainder << 8 | Int(number[index])
        number[index] = UInt8(value / 62)
        remainder = value % 62
      }
      result.append(digits[remainder])
    }
    return String(decoding: result.reversed(), as: UTF8.self)
  }
}
