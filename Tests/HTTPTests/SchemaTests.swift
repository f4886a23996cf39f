import Platform
import Testing

@testable import HTTP

private struct Tag: RawRepresentable, Codable, Sendable {
  let rawValue: UInt64
  init(rawValue: UInt64) { self.rawValue = rawValue }
  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let value = UInt64(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a tag")
    }
    rawValue = value
  }
  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(String(rawValue))
  }
}

private enum Rarity: String, Codable, CaseIterable { case common = "C", rare = "R" }

private final class Branch: Codable, Sendable {
  let name: String
  let branches: [Branch]
  let twin: Branch?
}

private struct Everything: Codable, Sendable, SchemaRuled {
  struct Inner: Codable, Sendable { var amount: Int32 }
  var name: String
  var count: Int
  var ratio: Double?
  var rarity: Rarity
  var tag: Tag
  var when: Timestamp?
  var inner: Inner
  var list: [Inner]
  var map: [String: Bool]
  var tree: Branch?
  var any: JSON?
  var note: Patched<String>?

  static let schemaSummary: String? = "All there is"
  static let schemaRules: SchemaRules = [
    "name": .text("Its name", length: 1...5, pattern: "[a-z]+(-[a-z]+)*"),
    "count": .integer("How many", in: 1...100, default: 50),
    "ratio": .number(in: 0...1),
    "list": .list(count: 0...2),
  ]
}

private let good = """
  {"name":"ab-cd","rarity":"R","tag":"7","inner":{"amount":1},"list":[{"amount":2}],"map":{"x":true}}
  """

struct SchemaTests {
  private static let schema = Schema.of(Everything.self)

  private func problems(_ text: String, _ schema: Schema = schema) throws -> [String] {
    do {
      _ = try schema.decode(Everything.self, from: try JSON(parsing: text), kind: .invalidBody)
      return []
    } catch let error as HTTPError {
      return error.fields.map { "\($0.path): \($0.message)" }
    }
  }

  @Test func recordsWhatATypeReads() throws {
    guard case .object(let object) = Self.schema.kind else {
      Issue.record("no object")
      return
    }
    #expect(object.name == "Everything")
    #expect(object.summary == "All there is")
    #expect(
      object.fields.map(\.name) == [
        "name", "count", "ratio", "rarity", "tag", "when", "inner", "list", "map", "tree", "any", "note",
      ])
    #expect(object.fields.filter(\.isRequired).map(\.name) == ["name", "rarity", "tag", "inner", "list", "map"])
    let kinds = Dictionary(uniqueKeysWithValues: object.fields.map { ($0.name, $0.schema.kind) })
    #expect(kinds["count"] == .integer(1...100))
    #expect(kinds["rarity"] == .text(.init(values: ["C", "R"])))
    #expect(kinds["tag"] == .text(.init()))
    #expect(kinds["map"] == .map(.boolean))
    #expect(kinds["any"] == .anything)
    #expect(
      kinds["inner"]
        == .object(.init(name: "Inner", fields: [.init("amount", .integer(Int64(Int32.min)...Int64(Int32.max)))])))
    guard case .object(let branch) = kinds["tree"] else {
      Issue.record("no tree")
      return
    }
    #expect(
      branch.fields.map(\.schema.kind) == [
        .text(.init()), .list(Schema(.enclosing("Branch")), count: 0...Int.max), .enclosing("Branch"),
      ])
  }

  @Test func fillsInDefaults() throws {
    let value = try Self.schema.decode(Everything.self, from: try JSON(parsing: good), kind: .invalidBody)
    #expect(value.count == 50)
    #expect(value.tag.rawValue == 7)
    #expect(value.list.map(\.amount) == [2])
  }

  @Test(arguments: [
    (#""name":"a-""#, "name: must match [a-z]+(-[a-z]+)*"), (#""name":"""#, "name: must have 1 to 5 characters"),
    (#""name":"abcdef""#, "name: must have 1 to 5 characters"), (#""name":7"#, "name: must be a string"),
    (#""count":null"#, "count: must not be null"), (#""count":0"#, "count: must be from 1 to 100"),
    (#""count":"1""#, "count: must be a whole number"),
    (#""count":1.5"#, "count: must be a whole number"), (#""count":1e30"#, "count: must be from 1 to 100"),
    (#""ratio":1.5"#, "ratio: must be from 0.0 to 1.0"), (#""rarity":"X""#, "rarity: must be one of: C, R"),
    (#""tag":"x""#, "tag: not a tag"), (#""when":"yesterday""#, "when: must have 20 to 40 characters"),
    (#""when":"2024-01-01 00:00:00Z""#, "when: must be a date-time"),
    (#""inner":null"#, "inner: must not be null"), (#""inner":[]"#, "inner: must be an object"),
    (#""inner":{"amount":3000000000}"#, "inner.amount: must be from -2147483648 to 2147483647"),
    (#""list":[{"amount":1},{}]"#, "list[1].amount: is required"),
    (#""list":[{},{},{}]"#, "list: must have at most 2 elements"),
    (#""map":{"x":1}"#, "map.x: must be true or false"),
    (
      #""tree":{"name":"a","branches":[{"name":"b","branches":[{}]}]}"#,
      "tree.branches[0].branches[0].name: is required"
    ),
    (#""tree":{"name":"a","branches":[],"twin":{"name":1,"branches":[]}}"#, "tree.twin.name: must be a string"),
  ])
  func namesTheField(change: String, problem: String) throws {
    // Of two members with the same name the last one counts.
    #expect(try problems(good.dropLast() + "," + change + "}").first == problem)
  }

  @Test(arguments: [
    #""count":2.0"#, #""ratio":null"#, #""ratio":1"#, #""when":"2024-01-01T00:00:00+02:00""#, #""any":[{}]"#,
    #""tree":{"name":"a","branches":[{"name":"b","branches":[]}],"twin":null}"#, #""more":1"#,
  ])
  func takesWhatIsGood(change: String) throws {
    #expect(try problems(good.dropLast() + "," + change + "}") == [])
  }

  @Test func tellsNullFromAbsent() throws {
    func note(_ text: String) throws -> Patched<String>? {
      let json = try JSON(parsing: good.dropLast() + text + "}")
      return try Self.schema.decode(Everything.self, from: json, kind: .invalidBody).note
    }
    #expect(try note("") == nil)
    #expect(try note(#","note":null"#) == .null)
    #expect(try note(#","note":"x""#) == .value("x"))
  }

  @Test func refusesUnknownFieldsWhereItShould() throws {
    let strict = Schema.of(Everything.self, unknownFields: .refused)
    #expect(try problems(good.dropLast() + #","more":1}"#, strict) == ["more: is not a known field"])
    #expect(
      try problems(good.dropLast() + #","inner":{"amount":1,"x":2}}"#, strict) == ["inner.x: is not a known field"])
    #expect(try problems(good, strict) == [])
  }

  @Test func reportsABoundedNumberOfProblems() throws {
    let list = Schema.list(of: .integer())
    var checker = SchemaChecker()
    _ = checker.check(.array(Array(repeating: "x", count: 1_000)), list)
    #expect(checker.problems.count == SchemaChecker.maximumProblems)
  }

  @Test(arguments: [
    ("[a-z]+", ["a", "abc"], ["", "A", "a1", "a\n"]), ("a{2,3}", ["aa", "aaa"], ["a", "aaaa"]),
    ("a{2}b?", ["aa", "aab"], ["aabb"]), ("(ab|c)*", ["", "ab", "cab", "abc"], ["a", "ba"]),
    (#"\d+(\.\d{1,2})?"#, ["1", "1.5", "10.25"], ["1.", "1.255", ".5"]), ("[^/]+", ["a b"], ["a/b"]),
    ("(a*)*b", ["b", "aaab"], [String(repeating: "a", count: 2_000)]), ("é.", ["éx"], ["e\u{301}x", "é"]),
    ("[A-Za-z0-9_-]{1,3}", ["a-_", "9"], ["a.b", "abcd"]),
  ])
  func patternsMatchWholeTexts(pattern: String, good: [String], bad: [String]) {
    let pattern = TextPattern(pattern)
    for text in good { #expect(pattern.matches(text), "\(pattern) \(text)") }
    for text in bad { #expect(!pattern.matches(text), "\(pattern) \(text.prefix(20))") }
  }
}
