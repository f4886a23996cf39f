/// Names of one kind in memory, for finding while somebody types: a look is one pass over some thousand short texts.
struct NameIndex: Sendable {
  struct Entry: Sendable, Hashable {
    var name: String
    /// What tells several of one name apart: a maker.
    var detail: String?
    /// What stands for it; often the name.
    var value: String

    /// What people read: `Gladius · Aegis Dynamics`.
    var title: String { detail.map { "\(name) · \($0)" } ?? name }
  }

  private struct Key: Sendable {
    let entry: Entry
    let name: [UInt8]
    /// The title.
    let text: [UInt8]
    /// Where words begin.
    let starts: [Int]
  }

  private let keys: [Key]

  init(_ entries: [Entry]) {
    keys = Set(entries).map { entry in
      let text = Self.folded(entry.title)
      return Key(entry: entry, name: Self.folded(entry.name), text: text, starts: Self.wordStarts(of: text))
    }.sorted { ($0.entry.name.lowercased(), $0.entry.value) < ($1.entry.name.lowercased(), $1.entry.value) }
  }

  /// Names that stand for themselves.
  init(names: some Sequence<String>) { self.init(names.map { Entry(name: $0, detail: nil, value: $0) }) }

  var count: Int { keys.count }

  /// What fits what is typed, by name: first what is called just that, then what begins with it, then where a word begins
  /// with it, where it stands anywhere, and where every word that is typed begins one. All of them if nothing is typed.
  func matches(_ typed: String, limit: Int) -> [Entry] {
    let wanted = Self.folded(typed.withoutOuterBlanks)
    guard !wanted.isEmpty else { return keys.prefix(limit).map(\.entry) }
    let words = wanted.split { !Self.isLetter($0) }
    var ranks: [[Entry]] = Array(repeating: [], count: 5)
    for key in keys {
      guard let rank = Self.rank(of: key, wanted, words), ranks[rank].count < limit else { continue }
      ranks[rank].append(key.entry)
    }
    return Array(ranks.joined().prefix(limit))
  }

  /// The one that is called just that, in any case.
  func exact(_ typed: String) -> Entry? {
    let wanted = Self.folded(typed.withoutOuterBlanks)
    return keys.first { $0.name == wanted || $0.text == wanted }?.entry
  }

  /// The best for a text that somebody sent without choosing: nil unless it leaves no doubt.
  func resolve(_ typed: String) -> Entry? {
    if let exact = exact(typed) { return exact }
    guard !typed.withoutOuterBlanks.isEmpty else { return nil }
    let matches = matches(typed, limit: 2)
    return matches.count == 1 ? matches.first : nil
  }

  private static func rank(of key: Key, _ wanted: [UInt8], _ words: [ArraySlice<UInt8>]) -> Int? {
    if key.name == wanted || key.text == wanted { return 0 }
    if key.text.starts(with: wanted) { return 1 }
    if key.starts.contains(where: { key.text[$0...].starts(with: wanted) }) { return 2 }
    if key.text.contains(wanted) { return 3 }
    guard words.count > 1 else { return nil }
    let isAll = words.allSatisfy { word in key.starts.contains { key.text[$0...].starts(with: word) } }
    return isAll ? 4 : nil
  }

  private static func folded(_ text: String) -> [UInt8] { Array(text.lowercased().utf8) }

  /// Letters, digits and everything beyond ASCII.
  private static func isLetter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...: true
    default: false
    }
  }

  private static func wordStarts(of text: [UInt8]) -> [Int] {
    text.indices.filter { isLetter(text[$0]) && ($0 == 0 || !isLetter(text[$0 - 1])) }
  }
}

extension String {
  /// Without blanks at both ends.
  var withoutOuterBlanks: String {
    let start = drop(while: \.isWhitespace)
    guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...last])
  }
}

extension [UInt8] {
  fileprivate func contains(_ part: [UInt8]) -> Bool {
    guard let first = part.first, count >= part.count else { return false }
    for start in 0...(count - part.count) where self[start] == first && self[start...].starts(with: part) {
      return true
    }
    return false
  }
}
