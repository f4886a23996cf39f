import Testing

@testable import Platform

struct JSONTests {
  @Test func readsEveryKindFromTheTape() throws {
    let text = #"{"a":1,"b":-2.5,"c":"x\n\u00e9\"","d":[true,false,null,{"e":[]}],"f":18446744073709551615,"id":"42"}"#
    try JSONParser().parse(Array(text.utf8)) { root in
      #expect(root.kind == .object)
      #expect(root["a"]?.int64 == 1)
      #expect(root["b"]?.double == -2.5)
      #expect(root["c"]?.string == "x\né\"")
      #expect(root["d"]?.elements.map(\.kind) == [.boolean, .boolean, .null, .object])
      #expect(root["f"]?.kind == .unsigned)
      #expect(root["f"]?.int64 == nil)
      #expect(root["id"]?.uint64InString == 42)
      #expect(root["missing"] == nil)
      #expect(root["a"]?["deeper"] == nil)
    }
  }

  /// The tape counts up to 2^24 - 1 members beside the place of the end, which has 32 bits: the count is not to be
  /// relied on, and must not be taken for a part of the place.
  @Test(arguments: [0, 2, 0xFF_FFFF] as [UInt64])
  func containersEndWhereTheTapeSaysWhateverTheirCount(count: UInt64) {
    func word(_ tag: String, _ payload: UInt64) -> UInt64 { UInt64(tag.utf8.first ?? 0) << 56 | payload }
    // [{"":true,"":null},false]
    let tape = [
      word("r", 9), word("[", 10 | count << 32), word("{", 8 | count << 32), word("\"", 0), word("t", 0), word("\"", 0),
      word("n", 0), word("}", 2), word("f", 0), word("]", 1), word("r", 0),
    ]
    let strings: [UInt8] = [0, 0, 0, 0, 0]
    tape.withUnsafeBufferPointer { tape in
      strings.withUnsafeBufferPointer { strings in
        guard let tape = tape.baseAddress, let strings = strings.baseAddress else { return }
        let root = JSONView(tape: tape, strings: strings, index: 1)
        #expect(root.json == [["": nil], false])
        #expect(root.elements.map(\.kind) == [.object, .boolean])
        #expect(root.elements.first { _ in true }?.members.map(\.value.kind) == [.boolean, .null])
      }
    }
  }

  @Test func ownedTreeSurvivesARoundTrip() throws {
    let text = #"{"z":1,"a":[1.5,"\u0001\"\\",null,true],"nested":{"k":"v"}}"#
    let value = try JSON(parsing: text)
    #expect(value.serialized() == text)
    #expect(try JSON(parsing: value.serialized()) == value)
  }

  @Test(arguments: ["", " ", "{", #"{"a":}"#, "[1,]", "nul", "\"\u{1}\"", "1 2", #""\ud800""#])
  func refusesWhatIsNotJSON(text: String) {
    #expect(throws: JSONError.self) { try JSON(parsing: text) }
  }

  @Test func refusesInvalidUTF8AndDeepNesting() throws {
    #expect(throws: JSONError.self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
    let deep = String(repeating: "[", count: 129) + String(repeating: "]", count: 129)
    #expect(throws: JSONError.self) { try JSON(parsing: deep) }
    // Also after a large document made the parser grow.
    let parser = JSONParser()
    try parser.parse(Array(("[" + String(repeating: "1,", count: 100_000) + "1]").utf8)) { _ in }
    #expect(throws: JSONError.self) { try parser.parse(Array(deep.utf8)) { _ in } }
    let allowed = String(repeating: "[", count: 127) + String(repeating: "]", count: 127)
    #expect(throws: Never.self) { try JSON(parsing: allowed) }
  }

  @Test func objectKeepsOrderAndReplacesInPlace() {
    var object: JSON = ["b": 1, "a": 2]
    object["b"] = 3
    object["c"] = nil
    #expect(object.serialized() == #"{"b":3,"a":2}"#)
    #expect(object == ["a": 2, "b": 3])
  }

  @Test func numbersInStringsAreReadExactly() throws {
    func number(_ text: String) throws -> UInt64? {
      try JSONParser().parse(Array("\"\(text)\"".utf8)) { $0.uint64InString }
    }
    #expect(try number("18446744073709551615") == .max)
    #expect(try number("18446744073709551616") == nil)
    #expect(try number("") == nil)
    #expect(try number("12a") == nil)
    #expect(try number("-1") == nil)
  }
}
