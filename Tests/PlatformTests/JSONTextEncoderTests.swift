import Foundation
import Platform
import TestInputs
import Testing

/// Held against Foundation's encoder: the texts mean the same, and those of scalars are the same.
struct JSONTextEncoderTests {
  private static let foundation: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    return encoder
  }()

  private static func text(_ value: some Encodable) throws -> String {
    String(decoding: try JSONTextEncoder().encode(value), as: UTF8.self)
  }

  private static func expectSame(_ value: some Encodable, _ comment: Comment? = nil) throws {
    let ours = try JSONTextEncoder().encode(value)
    let theirs = try foundation.encode(value)
    #expect(try JSON(parsing: ours) == JSON(parsing: theirs), comment)
    #expect(ours.count == theirs.count, comment)
  }

  @Test(arguments: [
    "", "plain", "\"quoted\" \\ / slash", "\u{0}\u{1}\u{7}\u{8}\t\n\u{B}\u{C}\r\u{E}\u{F}\u{10}\u{1F} \u{7F}",
    "ümläut 漢字 👩‍👩‍👧 \u{2028}\u{FEFF}", String(repeating: "x", count: 1_000) + "\n",
  ])
  func stringsAreThoseOfFoundation(_ text: String) throws {
    #expect(try JSONTextEncoder().encode(text) == Array(Self.foundation.encode(text)))
    #expect(try JSONTextEncoder().encode([text: text]) == Array(Self.foundation.encode([text: text])))
  }

  @Test func numbersAreThoseOfFoundation() throws {
    for value in [
      0, -0.0, 1, -1, 0.1, 1.5, 1e15, 1e16, 1e17, 123_456_789.123, 1e100, -1e-100, .greatestFiniteMagnitude,
      .leastNonzeroMagnitude, .pi,
    ] {
      #expect(try JSONTextEncoder().encode([value]) == Array(Self.foundation.encode([value])))
      let single = Float(value)
      if single.isFinite {
        #expect(try JSONTextEncoder().encode([single]) == Array(Self.foundation.encode([single])))
      }
    }
    for value in [0, 9, 10, -1, -10, .max, .min, 1_234_567_890] {
      #expect(try Self.text(value) == String(value))
    }
    #expect(try Self.text(UInt64.max) == "18446744073709551615")
    #expect(try Self.text([Int8.min, .max]) == "[-128,127]")
    for value in [Double.nan, .infinity, -.infinity] {
      #expect(throws: EncodingError.self) { try JSONTextEncoder().encode(["a": value]) }
    }
  }

  @Test func typesWithAFormOfTheirOwn() throws {
    struct All: Encodable {
      var data = Data([1, 2, 255])
      var url = URL(string: "https://example.com/a?b=c")
      var decimal = Decimal(string: "12345678901234567890.125")
      var date = Date(timeIntervalSinceReferenceDate: 5.5)
      var bool = true
      var missing: String?
      var nothing: [String?] = [nil, "a"]
      var numbers: [Int: String] = [7: "seven"]
      var empty = Empty()
      var list: [Empty] = []
    }
    struct Empty: Encodable {}
    try Self.expectSame(All())
    #expect(
      try Self.text(All())
        == #"{"data":"AQL/","url":"https://example.com/a?b=c","decimal":12345678901234567890.125,"date":5.5,"bool":true,"#
        + #""nothing":[null,"a"],"numbers":{"7":"seven"},"empty":{},"list":[]}"#)
  }

  /// Containers that outlive the call that made them, filled in turns.
  private struct Interleaved: Encodable {
    func encode(to encoder: any Encoder) throws {
      var outer = encoder.container(keyedBy: Key.self)
      try outer.encode(1, forKey: "first")
      var list = outer.nestedUnkeyedContainer(forKey: "list")
      var object = outer.nestedContainer(keyedBy: Key.self, forKey: "object")
      try outer.encode("last", forKey: "z")
      try list.encode("a")
      try object.encode([1, 2], forKey: "numbers")
      var inner = list.nestedContainer(keyedBy: Key.self)
      try list.encode(true)
      try inner.encodeNil(forKey: "nil")
      #expect(list.count == 3)
      var again = encoder.container(keyedBy: Key.self)
      try again.encode(Deep(depth: 3), forKey: "deep")
      try Deep(depth: 1).encode(to: outer.superEncoder(forKey: "up"))
      _ = outer.nestedUnkeyedContainer(forKey: "nothing")
      _ = outer.superEncoder()
    }
  }

  private struct Deep: Encodable {
    var depth: Int
    func encode(to encoder: any Encoder) throws {
      if depth == 0 {
        var single = encoder.singleValueContainer()
        try single.encode([encoder.codingPath.count])
      } else {
        var list = encoder.unkeyedContainer()
        try list.encode(Deep(depth: depth - 1))
        try list.encode(depth)
      }
    }
  }

  private struct Key: CodingKey, ExpressibleByStringLiteral {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringLiteral value: String) { stringValue = value }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  @Test func containersMayBeFilledInTurns() throws {
    try Self.expectSame(Interleaved())
    try Self.expectSame([Interleaved(), Interleaved()])
    #expect(
      try Self.text(Interleaved())
        == #"{"first":1,"list":["a",{"nil":null},true],"object":{"numbers":[1,2]},"z":"last","#
        + #""deep":[[[[4],1],2],3],"up":[[2],1],"nothing":[],"super":{}}"#)
  }

  @Test func whatFailsLeavesNothingBehind() throws {
    struct Careful: Encodable {
      func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try? object.encode(Double.nan, forKey: "nan")
        try? object.encode([1, Double.infinity], forKey: "list")
        try object.encode(1, forKey: "one")
        try? object.encode(Float.nan, forKey: "float")
      }
    }
    #expect(try Self.text(Careful()) == #"{"one":1}"#)
    #expect(try Self.text([Careful()]) == #"[{"one":1}]"#)
  }

  @Test func errorsNameThePath() {
    struct Outer: Encodable { var values = [["x": 1.0], ["x": Double.nan]] }
    do {
      _ = try JSONTextEncoder().encode(Outer())
      Issue.record("not finite, and written")
    } catch EncodingError.invalidValue(_, let context) {
      #expect(context.codingPath.map(\.stringValue).first == "values")
      #expect(context.codingPath.map(\.intValue).contains(1))
    } catch {
      Issue.record(error)
    }
  }

  /// Trees of all kinds of values.
  private indirect enum Tree: Encodable {
    case null
    case bool(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case double(Double)
    case text(String)
    case list([Tree])
    case object([String: Tree])
    /// By containers within containers, not by values.
    case nested([String: [Tree]])

    init(_ random: SeededRandom, depth: Int) {
      let scalars = ["", "a", "\"", "\n", "\\", "é", "漢", "😀", "\u{0}", "/", "\u{1F}", "\u{7F}"]
      func text() -> String { (0..<Int(random.next() % 9)).map { _ in scalars[Int(random.next() % 12)] }.joined() }
      switch random.next() % (depth > 0 ? 9 : 6) {
      case 0: self = .null
      case 1: self = .bool(random.next() % 2 == 0)
      case 2: self = .integer(Int64(bitPattern: random.next() >> (random.next() % 64)))
      case 3: self = .unsigned(random.next() >> (1 + random.next() % 63))
      case 4:
        let value = Double(bitPattern: random.next())
        self = .double(value.isFinite ? value : 0.5)
      case 5: self = .text(text())
      case 6: self = .list((0..<random.next() % 5).map { _ in Tree(random, depth: depth - 1) })
      case 7:
        self = .object(
          Dictionary((0..<random.next() % 5).map { _ in (text(), Tree(random, depth: depth - 1)) }) { $1 })
      default:
        self = .nested(
          Dictionary((0..<random.next() % 4).map { _ in (text(), [Tree(random, depth: depth - 1), .null]) }) { $1 })
      }
    }

    func encode(to encoder: any Encoder) throws {
      switch self {
      case .list(let elements):
        var list = encoder.unkeyedContainer()
        for element in elements { try list.encode(element) }
        return
      case .object(let members):
        var object = encoder.container(keyedBy: Key.self)
        for (name, value) in members { try object.encode(value, forKey: Key(stringValue: name)) }
        return
      case .nested(let members):
        var object = encoder.container(keyedBy: Key.self)
        var lists: [(any UnkeyedEncodingContainer, [Tree])] = []
        for (name, elements) in members {
          lists.append((object.nestedUnkeyedContainer(forKey: Key(stringValue: name)), elements))
        }
        for (list, elements) in lists {
          var list = list
          for element in elements { try list.encode(element) }
        }
        return
      default: break
      }
      var single = encoder.singleValueContainer()
      switch self {
      case .bool(let value): try single.encode(value)
      case .integer(let value): try single.encode(value)
      case .unsigned(let value): try single.encode(value)
      case .double(let value): try single.encode(value)
      case .text(let value): try single.encode(value)
      default: try single.encodeNil()
      }
    }
  }

  @Test func randomTreesMeanTheSame() async throws {
    for seed in 0..<400 {
      let tree = Tree(SeededRandom(seed: UInt64(seed)), depth: 5)
      try Self.expectSame(tree, "seed \(seed)")
      await Task.yield()
    }
  }
}
