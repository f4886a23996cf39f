/// What the page of a player at robertsspaceindustries.com says: `/citizens/HANDLE`.
///
/// The page prints its facts as entries, a label and a value each:
///
///     <p class="entry"><span class="label">Handle name</span> <strong class="value">SomeOne</strong></p>
///     <div class="entry bio"><span class="label">Bio</span> <div class="value">What they wrote.<br />…</div></div>
///
/// The handle also stands in `<link rel="canonical">`, whatever language the labels are in. Everything that a player
/// wrote is escaped by the site, so no text can pass for an entry. A player without a bio has no such entry. Until 2026
/// the bio stood in `<span class="value" id="bioval">`.
struct CitizenPage: Sendable, Equatable {
  /// A longer bio is cut off here; the site takes far less.
  static let bioLimit = 16_384

  /// As the player writes it; nil if the page does not say: then it is no player's page.
  var handle: String?
  var bio: String?

  init(_ html: [UInt8]) {
    var reader = PageReader()
    var scanner = HTMLScanner(html)
    while let token = scanner.next() { reader.take(token) }
    handle = reader.labelled ?? reader.canonical
    bio = reader.bio
  }

  /// Whether the bio has that token, however it is broken, spaced or spelled in capitals.
  func mentions(_ token: String) -> Bool {
    guard let bio else { return false }
    let wanted = Self.bare(token)
    return !wanted.isEmpty && Self.bare(bio).firstRange(of: wanted) != nil
  }

  /// Letters and digits alone, in capitals.
  private static func bare(_ text: String) -> String {
    text.uppercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
  }
}

private struct PageReader {
  var labelled: String?
  var canonical: String?
  var bio: String?

  private enum Subject { case label, value, bio }
  /// What is being read: up to the end of its element, in which others of the same name may stand.
  private var reading: (subject: Subject, element: String, depth: Int, text: String)?
  private var label = ""
  /// How deep we are in the entry of the bio.
  private var bioEntry: (element: String, depth: Int)?

  mutating func take(_ token: HTMLScanner.Token) {
    switch token {
    case .open(let tag): open(tag)
    case .close(let name): close(name)
    case .text(let text):
      guard let current = reading, current.text.utf8.count < CitizenPage.bioLimit else { return }
      reading?.text += HTMLText.decode(text)
    }
  }

  private mutating func open(_ tag: HTMLScanner.Tag) {
    if reading != nil {
      if tag.name == "br" { reading?.text += "\n" }
      if tag.name == reading?.element { reading?.depth += 1 }
      return
    }
    if tag.name == bioEntry?.element { bioEntry?.depth += 1 }
    let classes = tag.classes
    if tag.name == "link", tag.attributes["rel"]?.lowercased() == "canonical", canonical == nil {
      canonical = Self.handle(in: tag.attributes["href"] ?? "")
    } else if classes.isSuperset(of: ["entry", "bio"]) {
      if bioEntry == nil { bioEntry = (tag.name, 1) }
    } else if classes.contains("label") {
      read(.label, tag)
    } else if classes.contains("value") {
      read(bioEntry != nil || tag.attributes["id"] == "bioval" ? .bio : .value, tag)
    }
  }

  private mutating func read(_ subject: Subject, _ tag: HTMLScanner.Tag) { reading = (subject, tag.name, 1, "") }

  private mutating func close(_ name: String) {
    if let current = reading {
      guard name == current.element else { return }
      reading?.depth -= 1
      guard current.depth == 1 else { return }
      reading = nil
      let text = Self.trimmed(current.text)
      switch current.subject {
      case .label: label = text
      case .bio: bio = bio ?? text
      case .value:
        if label.lowercased() == "handle name", labelled == nil, !text.isEmpty { labelled = text }
        label = ""
      }
      return
    }
    guard let entry = bioEntry, entry.element == name else { return }
    bioEntry = entry.depth == 1 ? nil : (entry.element, entry.depth - 1)
  }

  /// `https://…/en/citizens/SomeOne`
  private static func handle(in address: String) -> String? {
    let path = address.prefix { $0 != "?" && $0 != "#" }.split(separator: "/")
    guard path.count >= 2, path[path.count - 2] == "citizens" else { return nil }
    return String(path[path.count - 1])
  }

  private static func trimmed(_ text: String) -> String {
    let start = text.drop(while: \.isWhitespace)
    guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...last])
  }
}
