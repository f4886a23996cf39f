import Platform
import TestInputs
import Testing

/// The writer of bytes held against a plain one, letter by letter.
struct JSONWritingTests {
  /// What the text must be: the rules as they are said, without any short way.
  private static func expected(_ value: JSON) -> String {
    switch value {
    case .null: "null"
    case .boolean(let value): value ? "true" : "false"
    case .integer(let value): String(value)
    case .double(let value): value.isFinite ? "\(value)" : "null"
    case .string(let value): expected(value)
    case .array(let elements): "[" + elements.map(expected).joined(separator: ",") + "]"
    case .object(let object):
      "{" + object.map { expected($0.key) + ":" + expected($0.value) }.joined(separator: ",") + "}"
    }
  }

  private static func expected(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  private static func expectRight(_ value: JSON) {
    let text = expected(value)
    #expect(value.serialized() == text)
    #expect(value.serializedBytes() == Array(text.utf8))
    var bytes = Array("before".utf8)
    value.write(to: &bytes)
    #expect(bytes == Array(("before" + text).utf8))
  }

  @Test func everyCharacterInEveryPlace() {
    let odd: [Unicode.Scalar] = (0..<0x100).compactMap { Unicode.Scalar($0) } + ["漢", "👩", "\u{2028}", "\u{FFFF}"]
    for scalar in odd {
      for before in 0...17 {
        let text = String(repeating: "a", count: before) + String(scalar) + String(repeating: "z", count: 17 - before)
        Self.expectRight(.string(text))
      }
      Self.expectRight(.string(String(repeating: String(scalar), count: 9)))
    }
  }

  @Test func numbersOfEverySize() {
    var integers: [Int64] = [.max, .min, 0]
    var power: Int64 = 1
    for _ in 0..<18 {
      power *= 10
      integers += [power, power - 1, power + 1, -power, -power + 1, -power - 1]
    }
    for integer in integers {
      Self.expectRight(.integer(integer))
      Self.expectRight(.double(Double(integer)))
      Self.expectRight(.double(Double(integer) / 8))
    }
    for double in [
      0, -0.0, 0.1, -0.5, 1e15, 1e16, 999_999_999_999_999, 1e-7, 1e300, -1e-300, .pi, .leastNonzeroMagnitude,
      .greatestFiniteMagnitude, .infinity, -.infinity, .nan, 9_007_199_254_740_992, 18_014_398_509_481_984,
    ] {
      Self.expectRight(.double(double))
    }
  }

  @Test func anyTree() async {
    var random = SeededGenerator(seed: 20)
    for round in 0..<2_000 {
      if round % 200 == 0 { await Task.yield() }
      Self.expectRight(Self.tree(depth: 4, using: &random))
    }
  }

  private static func tree(depth: Int, using random: inout SeededGenerator) -> JSON {
    func text() -> String {
      let alphabet: [Character] = ["a", "b", "\"", "\\", "\n", "\u{1}", "é", "漢", " ", "👩‍👧", "/"]
      return String(
        (0..<Int.random(in: 0...20, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" })
    }
    switch Int.random(in: 0...(depth > 0 ? 7 : 5), using: &random) {
    case 0: return .null
    case 1: return .boolean(.random(using: &random))
    case 2: return .integer(.random(in: .min ... .max, using: &random))
    case 3: return .double(Double(bitPattern: .random(in: 0 ... .max, using: &random)))
    case 4, 5: return .string(text())
    case 6:
      return .array((0..<Int.random(in: 0...5, using: &random)).map { _ in tree(depth: depth - 1, using: &random) })
    default:
      return .object(
        JSON.Object(
          (0..<Int.random(in: 0...20, using: &random)).map { _ in (text(), tree(depth: depth - 1, using: &random)) }))
    }
  }

  // MARK: - Objects of few and of many members

  /// The same operations on an object and on a list of pairs.
  @Test func anObjectIsAListOfPairs() async {
    var random = SeededGenerator(seed: 7)
    for round in 0..<300 {
      if round % 50 == 0 { await Task.yield() }
      var object = JSON.Object()
      var pairs: [(String, JSON)] = []
      for step in 0..<60 {
        let name = "name \(Int.random(in: 0...(round % 30), using: &random))"
        let place = pairs.firstIndex { $0.0 == name }
        #expect(object[name] == place.map { pairs[$0].1 })
        if Int.random(in: 0...3, using: &random) == 0 {
          object[name] = nil
          if let place { pairs.remove(at: place) }
        } else {
          let value = JSON.integer(Int64(step))
          object[name] = value
          if let place { pairs[place].1 = value } else { pairs.append((name, value)) }
        }
        #expect(object.keys == pairs.map(\.0))
        #expect(object.count == pairs.count && object.isEmpty == pairs.isEmpty)
      }
      #expect(object.map(\.value) == pairs.map(\.1))
      let shuffled = JSON.Object(pairs.shuffled(using: &random))
      #expect(shuffled == object && shuffled.hashValue == object.hashValue)
      if let (name, _) = pairs.first {
        var other = object
        other[name] = "something else"
        #expect(other != object)
        other[name] = nil
        #expect(other != object)
        other["a new name"] = 1
        #expect(other != object && other.count == object.count)
      }
    }
  }

  @Test(arguments: [2, 40])
  func theLastOfTheSameNameCounts(count: Int) {
    let names = (0..<count).map { "n\($0)" }
    let object = JSON.Object(names.map { ($0, 1) } + names.map { ($0, 2) })
    #expect(object.keys == names)
    #expect(object.allSatisfy { $0.value == 2 })
  }
}
