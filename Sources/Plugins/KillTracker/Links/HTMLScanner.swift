/// Cuts a page into tags and text, from front to back and once: what other people's pages need to be read without trust.
///
/// No tree and no repair: a page that is cut off, or whose tags do not match, gives what it has. Contents of `script` and
/// `style`, comments and declarations are passed over.
struct HTMLScanner {
  struct Tag: Equatable {
    /// In lower case.
    var name: String
    /// Names in lower case; of attributes that stand twice the first counts, as for browsers.
    var attributes: [String: String]

    var classes: Set<Substring> { Set((attributes["class"] ?? "").split(whereSeparator: \.isWhitespace)) }
  }

  enum Token: Equatable {
    case open(Tag)
    case close(String)
    /// With character references as they stand.
    case text(String)
  }

  /// More of one tag is passed over.
  private static let attributeLimit = 64

  private let bytes: [UInt8]
  private var place = 0
  /// The element whose contents are no markup: all up to its end tag.
  private var raw: String?

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Nil at the end.
  mutating func next() -> Token? {
    while place < bytes.count {
      if let name = raw {
        raw = nil
        skipRaw(name)
        continue
      }
      guard bytes[place] == UInt8(ascii: "<") else { return text() }
      if starts(with: "<!--") {
        skip(past: "-->")
      } else if starts(with: "<!") || starts(with: "<?") {
        skip(past: ">")
      } else if starts(with: "</") {
        place += 2
        let name = self.name()
        skip(past: ">")
        if !name.isEmpty { return .close(name) }
      } else if place + 1 < bytes.count, Self.isLetter(bytes[place + 1]) {
        place += 1
        return .open(tag())
      } else {
        // A bare angle bracket is text.
        return text()
      }
    }
    return nil
  }

  private mutating func text() -> Token {
    let start = place
    place += 1
    while place < bytes.count, bytes[place] != UInt8(ascii: "<") { place += 1 }
    return .text(String(decoding: bytes[start..<place], as: UTF8.self))
  }

  private mutating func tag() -> Tag {
    var tag = Tag(name: name(), attributes: [:])
    while place < bytes.count, bytes[place] != UInt8(ascii: ">") {
      if Self.isBlank(bytes[place]) || bytes[place] == UInt8(ascii: "/") {
        place += 1
        continue
      }
      let start = place
      while place < bytes.count, !Self.isBlank(bytes[place]),
        ![UInt8(ascii: "="), UInt8(ascii: ">"), UInt8(ascii: "/")].contains(bytes[place])
      {
        place += 1
      }
      let name = String(decoding: bytes[start..<place], as: UTF8.self).lowercased()
      skipBlanks()
      var value = ""
      if place < bytes.count, bytes[place] == UInt8(ascii: "=") {
        place += 1
        skipBlanks()
        value = attributeValue()
      }
      if tag.attributes[name] == nil, tag.attributes.count < Self.attributeLimit { tag.attributes[name] = value }
      // A stray mark between attributes must not hold us up.
      if place == start { place += 1 }
    }
    place += 1
    if tag.name == "script" || tag.name == "style" { raw = tag.name }
    return tag
  }

  private mutating func attributeValue() -> String {
    guard place < bytes.count else { return "" }
    let quote = bytes[place]
    guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
      let start = place
      while place < bytes.count, !Self.isBlank(bytes[place]), bytes[place] != UInt8(ascii: ">") { place += 1 }
      return String(decoding: bytes[start..<place], as: UTF8.self)
    }
    place += 1
    let start = place
    while place < bytes.count, bytes[place] != quote { place += 1 }
    defer { place += 1 }
    return String(decoding: bytes[start..<place], as: UTF8.self)
  }

  private mutating func name() -> String {
    let start = place
    while place < bytes.count, !Self.isBlank(bytes[place]),
      ![UInt8(ascii: ">"), UInt8(ascii: "/"), UInt8(ascii: "<")].contains(bytes[place])
    {
      place += 1
    }
    return String(decoding: bytes[start..<place], as: UTF8.self).lowercased()
  }

  private mutating func skipRaw(_ name: String) {
    let end = Array("</\(name)".utf8)
    while place < bytes.count {
      if bytes[place] == end[0], place + end.count <= bytes.count,
        zip(bytes[place..<(place + end.count)], end).allSatisfy({ Self.lowercase($0) == $1 })
      {
        return
      }
      place += 1
    }
  }

  private func starts(with mark: StaticString) -> Bool {
    guard place + mark.utf8CodeUnitCount <= bytes.count else { return false }
    return mark.withUTF8Buffer { bytes[place..<(place + $0.count)].elementsEqual($0) }
  }

  private mutating func skip(past mark: StaticString) {
    while place < bytes.count, !starts(with: mark) { place += 1 }
    place = min(place + mark.utf8CodeUnitCount, bytes.count)
  }

  private mutating func skipBlanks() {
    while place < bytes.count, Self.isBlank(bytes[place]) { place += 1 }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
  private static func lowercase(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
  private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(lowercase(byte)) }
}

/// Character references of HTML as text.
enum HTMLText {
  private static let names: [Substring: String] = [
    "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "shy": "", "ndash": "–", "mdash": "—",
  ]

  /// Those that are not known stay as they are.
  static func decode(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
    var result = ""
    var rest = text[...]
    while let mark = rest.firstIndex(of: "&") {
      result += rest[..<mark]
      rest = rest[mark...]
      // The longest that is meant is `&#x10FFFF;`.
      let window = rest.prefix(12)
      guard let end = window.firstIndex(of: ";"), let decoded = reference(window[window.index(after: mark)..<end])
      else {
        result += "&"
        rest = rest.dropFirst()
        continue
      }
      result += decoded
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }

  private static func reference(_ name: Substring) -> String? {
    guard name.first == "#" else { return names[name] }
    let digits = name.dropFirst()
    let number =
      digits.first == "x" || digits.first == "X" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits, radix: 10)
    return number.flatMap(Unicode.Scalar.init).map { String(Character($0)) }
  }
}
