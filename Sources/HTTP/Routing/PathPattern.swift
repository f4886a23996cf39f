/// A path with named parts: `/channels/:id/messages`; `*rest` at the end takes one or more segments.
public struct PathPattern: Sendable, Hashable, CustomStringConvertible, ExpressibleByStringLiteral {
  enum Part: Sendable, Hashable {
    case literal(String)
    case parameter(String)
    case rest(String)
  }

  let parts: [Part]
  public let description: String

  public init(stringLiteral text: String) { self.init(text) }

  public init(_ text: String) {
    precondition(text.hasPrefix("/"), "a path pattern begins with a slash: \(text)")
    let segments = text == "/" ? [] : text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    parts = segments.map { segment in
      switch segment.first {
      case ":": .parameter(String(segment.dropFirst()))
      case "*": .rest(String(segment.dropFirst()))
      default: .literal(String(segment))
      }
    }
    precondition(
      !parts.dropLast().contains { if case .rest = $0 { true } else { false } },
      "only the last part of a path pattern takes the rest: \(text)")
    description = text
  }

  /// The names of the parts that are not literal, in order.
  var parameterNames: [String] {
    parts.compactMap { part in
      switch part {
      case .literal: nil
      case .parameter(let name), .rest(let name): name
      }
    }
  }

  /// This pattern below a prefix.
  func prefixed(by prefix: PathPattern) -> PathPattern {
    prefix.parts.isEmpty ? self : PathPattern(prefix.description + (parts.isEmpty ? "" : description))
  }
}
