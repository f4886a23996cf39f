/// The order in which characters are drawn.
enum Writing {
  /// Pieces that are written from right to left turned around, so that they read right when drawn from left to right.
  /// Letters are not joined: Arabic is readable, and not beautiful.
  static func visual(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isRightToLeft) else { return text }
    let characters = Array(text)
    var result = ""
    var index = 0
    while index < characters.count {
      guard isRightToLeft(characters[index]) else {
        result.append(characters[index])
        index += 1
        continue
      }
      // With the spaces and signs between two such words.
      var end = index + 1
      var next = end
      while next < characters.count, !characters[next].isLetter || isRightToLeft(characters[next]),
        !characters[next].isNumber
      {
        next += 1
        if isRightToLeft(characters[next - 1]) { end = next }
      }
      result += String(characters[index..<end].reversed())
      index = end
    }
    return result
  }

  private static func isRightToLeft(_ character: Character) -> Bool {
    character.unicodeScalars.first.map(isRightToLeft) ?? false
  }

  /// Hebrew, Arabic, Syriac, Thaana, NKo and their neighbours, and the forms of Hebrew and Arabic.
  private static func isRightToLeft(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0590...0x08FF, 0xFB1D...0xFDFF, 0xFE70...0xFEFC, 0x10800...0x10FFF, 0x1E800...0x1EFFF: true
    default: false
    }
  }
}
