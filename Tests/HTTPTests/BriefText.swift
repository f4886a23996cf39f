import Testing

/// A text as a test's argument, of which the log shows no more than a line.
struct BriefText: Sendable, ExpressibleByStringLiteral, CustomTestStringConvertible {
  let text: String

  init(_ text: String) { self.text = text }
  init(stringLiteral text: String) { self.text = text }

  var testDescription: String {
    text.utf8.count > 100 ? "\(text.prefix(40).debugDescription) … \(text.utf8.count) bytes" : text.debugDescription
  }
}
