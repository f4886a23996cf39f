/// Checks UTF-8 (RFC 3629) that arrives in pieces, and fails at the first byte that cannot be right.
struct UTF8Validator {
  /// Continuation bytes still missing, and the range of the next one.
  private var missing: UInt8 = 0
  private var low: UInt8 = 0x80
  private var high: UInt8 = 0xBF

  /// Whether what was fed so far ends at the edge of a character.
  var isComplete: Bool { missing == 0 }

  mutating func reset() { self = UTF8Validator() }

  /// - Returns: false if no text begins like this; the validator is of no use afterwards.
  mutating func feed(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return true }
    let count = bytes.count
    var place = 0
    while place < count {
      if missing == 0 {
        // ASCII by words.
        while place + 16 <= count {
          let word =
            base.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            | base.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self)
          guard word & 0x8080_8080_8080_8080 == 0 else { break }
          place += 16
        }
        while place < count, base.load(fromByteOffset: place, as: UInt8.self) < 0x80 { place += 1 }
        guard place < count else { return true }
        guard begin(base.load(fromByteOffset: place, as: UInt8.self)) else { return false }
      } else {
        let byte = base.load(fromByteOffset: place, as: UInt8.self)
        guard byte >= low, byte <= high else { return false }
        missing -= 1
        low = 0x80
        high = 0xBF
      }
      place += 1
    }
    return true
  }

  /// Takes a byte that is not ASCII at the edge of a character.
  private mutating func begin(_ byte: UInt8) -> Bool {
    switch byte {
    case 0xC2...0xDF: missing = 1
    case 0xE0:
      missing = 2
      low = 0xA0  // shorter forms exist
    case 0xED:
      missing = 2
      high = 0x9F  // surrogates
    case 0xE1...0xEF: missing = 2
    case 0xF0:
      missing = 3
      low = 0x90  // shorter forms exist
    case 0xF1...0xF3: missing = 3
    case 0xF4:
      missing = 3
      high = 0x8F  // beyond U+10FFFF
    default: return false
    }
    return true
  }
}
