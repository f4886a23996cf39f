/// A regular expression over a whole text, in the small part of the language that names, ids and codes need: literals,
/// `.`, `\d`, `\w`, classes, groups with alternatives, and `?`, `*`, `+`, `{n}`, `{n,}`, `{n,m}`.
///
/// Swift's own `Regex` cannot be shared between threads. A text is bounded by its length rule first; matching keeps a
/// set of places instead of backtracking, so that no text makes it slow.
public struct TextPattern: Sendable, Equatable, ExpressibleByStringLiteral, CustomStringConvertible {
  /// As ECMA 262 writes it, without the anchors.
  public let description: String
  private let root: Node

  private indirect enum Node: Sendable, Equatable {
    case set([ClosedRange<Unicode.Scalar>], isInverted: Bool)
    case sequence([Node])
    case either([Node])
    case repeated(Node, ClosedRange<Int>)
  }

  public init(stringLiteral text: String) { self.init(text) }

  /// - Parameter text: written in the program; one that cannot be read stops it.
  public init(_ text: String) {
    description = text
    var reader = Reader(scalars: Array(text.unicodeScalars))
    guard let node = reader.alternatives(), reader.isAtEnd else {
      preconditionFailure("the pattern \(text) uses what TextPattern does not know")
    }
    root = node
  }

  public static func == (left: TextPattern, right: TextPattern) -> Bool { left.description == right.description }

  /// With anchors, for JSON Schema.
  var anchored: String { "^(?:\(description))$" }

  public func matches(_ text: String) -> Bool {
    let scalars = Array(text.unicodeScalars)
    return Self.ends(of: root, from: [0], in: scalars).contains(scalars.count)
  }

  /// All places where a match that begins at one of `starts` may end.
  private static func ends(of node: Node, from starts: Set<Int>, in text: [Unicode.Scalar]) -> Set<Int> {
    switch node {
    case .set(let ranges, let isInverted):
      return Set(
        starts.compactMap { place in
          guard place < text.count else { return nil }
          return ranges.contains { $0.contains(text[place]) } == isInverted ? nil : place + 1
        })
    case .sequence(let nodes):
      return nodes.reduce(starts) { places, node in places.isEmpty ? [] : ends(of: node, from: places, in: text) }
    case .either(let nodes):
      return nodes.reduce(into: []) { $0.formUnion(ends(of: $1, from: starts, in: text)) }
    case .repeated(let node, let count):
      var current = starts
      for _ in 0..<count.lowerBound {
        guard !current.isEmpty else { return [] }
        current = ends(of: node, from: current, in: text)
      }
      var all = current
      var rounds = count.lowerBound
      // Only places not seen before are followed, so that this ends after at most as many rounds as there are places.
      while rounds < count.upperBound, !current.isEmpty {
        current = ends(of: node, from: current, in: text).subtracting(all)
        all.formUnion(current)
        rounds += 1
      }
      return all
    }
  }

  private struct Reader {
    let scalars: [Unicode.Scalar]
    var place = 0

    var isAtEnd: Bool { place == scalars.count }
    private var next: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
      guard next == scalar else { return false }
      place += 1
      return true
    }

    mutating func alternatives() -> Node? {
      var nodes: [Node] = []
      repeat {
        guard let node = sequence() else { return nil }
        nodes.append(node)
      } while take("|")
      return nodes.count == 1 ? nodes[0] : .either(nodes)
    }

    private mutating func sequence() -> Node? {
      var nodes: [Node] = []
      while let scalar = next, scalar != "|", scalar != ")" {
        guard let node = atom(), let counted = counted(node) else { return nil }
        nodes.append(counted)
      }
      return .sequence(nodes)
    }

    private mutating func atom() -> Node? {
      guard let scalar = next else { return nil }
      place += 1
      switch scalar {
      case "(":
        guard let node = alternatives(), take(")") else { return nil }
        return node
      case "[": return characterClass()
      case "\\": return escape().map { .set($0, isInverted: false) }
      case ".": return .set(["\n"..."\n", "\r"..."\r", "\u{2028}"..."\u{2029}"], isInverted: true)
      case "*", "+", "?", "{", "}", "]", "^", "$": return nil
      default: return .set([scalar...scalar], isInverted: false)
      }
    }

    private mutating func escape() -> [ClosedRange<Unicode.Scalar>]? {
      guard let scalar = next else { return nil }
      place += 1
      switch scalar {
      case "d": return ["0"..."9"]
      case "w": return ["0"..."9", "a"..."z", "A"..."Z", "_"..."_"]
      case "a"..."z", "A"..."Z", "0"..."9": return nil
      default: return [scalar...scalar]
      }
    }

    private mutating func characterClass() -> Node? {
      let isInverted = take("^")
      var ranges: [ClosedRange<Unicode.Scalar>] = []
      while let scalar = next, scalar != "]" {
        place += 1
        if scalar == "\\" {
          guard let escaped = escape() else { return nil }
          ranges += escaped
        } else if place + 1 < scalars.count, scalars[place] == "-", scalars[place + 1] != "]" {
          guard scalars[place + 1] >= scalar, scalars[place + 1] != "\\" else { return nil }
          ranges.append(scalar...scalars[place + 1])
          place += 2
        } else {
          ranges.append(scalar...scalar)
        }
      }
      guard take("]"), !ranges.isEmpty else { return nil }
      return .set(ranges, isInverted: isInverted)
    }

    private mutating func counted(_ node: Node) -> Node? {
      if take("?") { return .repeated(node, 0...1) }
      if take("*") { return .repeated(node, 0...Int.max) }
      if take("+") { return .repeated(node, 1...Int.max) }
      guard take("{") else { return node }
      guard let least = number() else { return nil }
      guard take(",") else { return take("}") ? .repeated(node, least...least) : nil }
      let most = number() ?? Int.max
      guard take("}"), most >= least else { return nil }
      return .repeated(node, least...most)
    }

    private mutating func number() -> Int? {
      let digits = scalars[place...].prefix { ("0"..."9").contains($0) }
      place += digits.count
      return Int(String(String.UnicodeScalarView(digits)))
    }
  }
}
