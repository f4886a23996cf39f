/// A body that knows Discord's limits, so that a mistake is told with its place before anything is sent.
protocol CheckedBody {
  func check(_ checker: inout BodyChecker)
}

/// Collects what a body breaks of Discord's limits.
struct BodyChecker {
  private(set) var errors: [DiscordError.FieldError] = []
  private var path = ""

  mutating func add(_ field: String, _ message: String) {
    errors.append(.init(path: place(field), message: message))
  }

  private func place(_ field: String) -> String {
    field.isEmpty ? path : path.isEmpty ? field : field.hasPrefix("[") ? path + field : "\(path).\(field)"
  }

  /// A text's length in code points, as Discord counts it.
  mutating func text(_ value: String?, _ field: String, _ range: ClosedRange<Int>) {
    guard let count = value?.unicodeScalars.count, !range.contains(count) else { return }
    add(
      field,
      count > range.upperBound
        ? "must be \(range.upperBound) or fewer in length, has \(count)"
        : "must be at least \(range.lowerBound) in length, has \(count)")
  }

  mutating func number(_ value: Int?, _ field: String, _ range: ClosedRange<Int>) {
    guard let value, !range.contains(value) else { return }
    add(field, "must lie between \(range.lowerBound) and \(range.upperBound), is \(value)")
  }

  mutating func count(_ value: Int?, _ field: String, _ range: ClosedRange<Int>) {
    guard let value, !range.contains(value) else { return }
    add(
      field,
      value > range.upperBound
        ? "must have \(range.upperBound) or fewer elements, has \(value)"
        : "must have at least \(range.lowerBound) elements, has \(value)")
  }

  /// Checks a part, whose fields are named inside of `field`.
  mutating func inside(_ field: String, _ check: (inout BodyChecker) -> Void) {
    let outer = path
    path = place(field)
    check(&self)
    path = outer
  }
}

extension MessageBody: CheckedBody {
  func check(_ checker: inout BodyChecker) {
    checker.text(content, "content", 0...2_000)
    checker.count(embeds?.count, "embeds", 0...10)
    for (index, embed) in (embeds ?? []).enumerated() {
      checker.inside("embeds[\(index)]") { embed.check(&$0) }
    }
    let total = (embeds ?? []).reduce(0) { $0 + $1.textLength }
    if total > 6_000 { checker.add("embeds", "must have 6000 or fewer characters in all, have \(total)") }
    let isV2 = flags?.contains(.componentsV2) == true
    checker.count(components?.count, "components", 0...(isV2 ? 40 : 5))
    if isV2, content?.isEmpty == false { checker.add("content", "cannot stand beside components of version 2") }
    if isV2, embeds?.isEmpty == false { checker.add("embeds", "cannot stand beside components of version 2") }
    checker.text(nonce, "nonce", 1...25)
    checker.count(files.count + (keptAttachments?.count ?? 0), "attachments", 0...10)
    for (index, file) in files.enumerated() {
      checker.inside("files[\(index)]") {
        $0.text(file.name, "name", 1...1_024)
        $0.text(file.description, "description", 0...1_024)
        if file.content.length > maximumFileBytes {
          $0.add("", "must have \(maximumFileBytes) or fewer bytes, has \(file.content.length)")
        }
      }
    }
    allowedMentions?.check(&checker)
  }
}

extension AllowedMentions {
  fileprivate func check(_ checker: inout BodyChecker) {
    checker.inside("allowed_mentions") {
      $0.count(users.count, "users", 0...100)
      $0.count(roles.count, "roles", 0...100)
      if !users.isEmpty, parse.contains(.users) { $0.add("users", "cannot stand beside parse: users") }
      if !roles.isEmpty, parse.contains(.roles) { $0.add("roles", "cannot stand beside parse: roles") }
    }
  }
}

extension Embed {
  /// What counts towards the 6000 characters that a message's embeds may have in all.
  fileprivate var textLength: Int {
    let texts: [String?] = [title, description, footer?.text, author?.name]
    let length = texts.reduce(0) { $0 + ($1?.unicodeScalars.count ?? 0) }
    return fields.reduce(length) { $0 + $1.name.unicodeScalars.count + $1.value.unicodeScalars.count }
  }

  fileprivate func check(_ checker: inout BodyChecker) {
    checker.text(title, "title", 0...256)
    checker.text(description, "description", 0...4_096)
    checker.number(color, "color", 0...0xFF_FFFF)
    checker.text(footer?.text, "footer.text", 1...2_048)
    checker.text(author?.name, "author.name", 1...256)
    checker.count(fields.count, "fields", 0...25)
    for (index, field) in fields.enumerated() {
      checker.text(field.name, "fields[\(index)].name", 1...256)
      checker.text(field.value, "fields[\(index)].value", 1...1_024)
    }
  }
}

extension InteractionResponse: CheckedBody {
  func check(_ checker: inout BodyChecker) {
    switch self {
    case .message(let body), .update(let body): checker.inside("data") { body.check(&$0) }
    case .autocomplete(let choices):
      checker.inside("data") { checker in
        checker.count(choices.count, "choices", 0...25)
        for (index, choice) in choices.enumerated() { checker.text(choice.name, "choices[\(index)].name", 1...100) }
      }
    default: break
    }
  }
}
