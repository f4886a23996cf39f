import Testing

@testable import Platform

struct JSONTests {
  @Test func readsEveryKind() throws {
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
    for text in ["0", "7", "1234567", "12345678", "123456789", "1234567812345678", "900000000000000001", "00000000"] {
      #expect(try number(text) == UInt64(text))
    }
    // One byte that is no digit in every place, next to the digits in the table of characters or far away.
    for place in 0..<19 {
      for byte in [UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "?"), UInt8(ascii: " "), UInt8(ascii: "p")] {
        var digits = Array("1234567890123456789".utf8)
        digits[place] = byte
        #expect(try number(String(decoding: digits, as: UTF8.self)) == nil)
      }
    }
  }
}
