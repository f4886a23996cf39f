/// A text as a test's argument, of which the log shows no more than a line.
public struct BriefText: Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  public let text: String

  public init(_ text: String) { self.text = text }
  public init(stringLiteral text: String) { self.text = text }

  public var description: String {
    text.utf8.count > 100 ? "\(text.prefix(40).debugDescription) … \(text.utf8.count) bytes" : text.debugDescription
  }
}
