import CJSONOracle
import Glibc
import Testing

@testable import Platform

/// Our reading of JSON against simdjson's own, byte for byte: both take the same texts and find the same in them.
struct JSONOracleTests {
  private static let documents = [
    #"{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{"id":"900000000000000001","content":"h\u00e9 \"\\ \ud83d\ude00","n":[-1,0.5,1e9]}}"#,
    #"[[],{},[{"a":[true,false,null]}],18446744073709551615,-9223372036854775808,"",[[[[1]]]],{"":{"":""}}]"#,
    " {\n\t\"a\" : [ 1 , 2.50 , -0 , -0.0 , 1E-3 ] , \r\n \"b\\n\" : \"x\" , \"c\" : { } , \"d\" : [ ] } ",
    #""text with\nescapes\/\b\f\r\t and Grüße""#, "-0.0", "null", " true ", "12345678901234567890", "1e308", "5e-324",
    #"{"a":1,"a":2,"Ω":"\u03a9\u0000","x":"\\\\\\","y":"\\\"","z":"\ud83d\ude00\ud83d\ude00"}"#,
  ]
  /// What stands in place of something else.
  private static let tokens = [
    "1e309", "-1e309", "1e-999", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "01", "-", "+1",
    "1.", ".5", "1e", "1e+", "tru", "nulll", "true1", "1true", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
    "\"\\u12\"", "\"\\x\"", "\"\\", "\"", "\"\"\"\"", "\"a\"b", "{}", "[]", "{,}", "[,]", "{\"a\"}", "{\"a\":}",
    "{1:2}",
    "[1 2]", "\u{FEFF}1", "\u{0}", "\u{1F}", "00000000000000000001", "0.1234567890123456789012345678901234567890",
    "123456789012345678901234567890.5", "2.2250738585072011e-308", "\\u0041", "//", "'a'", "NaN", "Infinity",
  ].map { Array($0.utf8) }

  private static func oracle(_ bytes: [UInt8]) -> [UInt8]? {
    var length = 0
    guard let text = adj_oracle_describe(bytes, bytes.count, &length) else { return nil }
    defer { free(text) }
    return text.withMemoryRebound(to: UInt8.self, capacity: length) {
      Array(UnsafeBufferPointer(start: $0, count: length))
    }
  }

  private static func describe(_ view: JSONView, to text: inout [UInt8]) {
    func string(_ bytes: UnsafeBufferPointer<UInt8>) { text += Array("s\(bytes.count):".utf8) + bytes }
    switch view.kind {
    case .null: text += Array("n".utf8)
    case .boolean: text += Array((view.bool == true ? "t" : "f").utf8)
    case .integer: text += Array("i\(view.int64 ?? .min);".utf8)
    case .unsigned: text += Array("i\(view.uint64 ?? 0);".utf8)
    case .double:
      let digits = String((view.double ?? .nan).bitPattern, radix: 16)
      text += Array("d\(String(repeating: "0", count: 16 - digits.count))\(digits);".utf8)
    case .string: if let bytes = view.utf8 { string(bytes) }
    case .array:
      text += Array("[".utf8)
      #expect(view.elements.reduce(0) { count, _ in count + 1 } == view.count)
      for element in view.elements { describe(element, to: &text) }
      text += Array("]".utf8)
    case .object:
      text += Array("{".utf8)
      #expect(view.members.reduce(0) { count, _ in count + 1 } == view.count)
      for (key, value) in view.members {
        string(key.utf8)
        describe(value, to: &text)
      }
      text += Array("}".utf8)
    }
  }

  /// Both ways of parsing, the text in a place of its own size so that a sanitizer sees every byte too many.
  private static func ours(_ bytes: [UInt8], _ parser: JSONParser) throws -> [UInt8]? {
    func described(isPadded: Bool) throws -> [UInt8]? {
      let size = bytes.count + (isPadded ? JSONParser.padding : 0)
      let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, size))
      defer { memory.deallocate() }
      // Padding that would be taken for JSON by whoever reads on.
      memory.initialize(repeating: UInt8(ascii: "1"))
      _ = memory.update(fromContentsOf: bytes)
      do {
        return try parser.parse(UnsafeBufferPointer(rebasing: memory[..<bytes.count]), isPadded: isPadded) { root in
          var text: [UInt8] = []
          describe(root, to: &text)
          return text
        }
      } catch is JSONError {
        return nil
      }
    }
    let copied = try described(isPadded: false)
    #expect(try described(isPadded: true) == copied)
    return copied
  }

  private static func compare(_ bytes: [UInt8], _ parser: JSONParser) throws -> Bool {
    let expected = oracle(bytes)
    let found = try ours(bytes, parser)
    #expect(found == expected, "\(String(decoding: bytes, as: UTF8.self))")
    return found != nil
  }

  @Test func sampleDocumentsAndAllTheirBeginnings() async throws {
    let parser = JSONParser()
    for document in Self.documents {
      let bytes = Array(document.utf8)
      #expect(try Self.compare(bytes, parser))
      for end in bytes.indices { _ = try Self.compare(Array(bytes[..<end]), parser) }
      await Task.yield()
    }
  }

  @Test func everyTokenInEveryPlace() throws {
    let parser = JSONParser()
    for token in Self.tokens {
      for frame in [
        ("", ""), ("[", "]"), ("[1,", "]"), ("[", ",1]"), ("{\"a\":", "}"), ("{", ":1}"), ("[ ", " ]"), ("[[],", "\n]"),
      ] {
        _ = try Self.compare(Array(frame.0.utf8) + token + Array(frame.1.utf8), parser)
      }
    }
  }

  @Test func spoiledDocuments() async throws {
    let random = SeededRandom(seed: 20_261_121)
    let parser = JSONParser()
    var taken = 0
    for round in 0..<20_000 {
      if round % 32 == 0 { await Task.yield() }  // leaves the two or so threads of the pool to others
      var bytes = Array(Self.documents[random.integer(below: Self.documents.count)].utf8)
      for _ in 0...random.integer(below: 3) where !bytes.isEmpty {
        let place = random.integer(below: bytes.count)
        let length = random.integer(below: min(12, bytes.count - place) + 1)
        let token = Self.tokens[random.integer(below: Self.tokens.count)]
        switch random.integer(below: 6) {
        case 0: bytes[place] ^= 1 << UInt8(random.integer(below: 8))
        case 1: bytes.replaceSubrange(place..<place + length, with: token)
        case 2: bytes.removeSubrange(place..<place + length)
        case 3: bytes.insert(contentsOf: bytes[place..<place + length], at: random.integer(below: bytes.count))
        case 4: bytes[place] = Array("{}[],:\"\\ 0a\n".utf8)[random.integer(below: 12)]
        default: bytes.insert(contentsOf: token, at: place)
        }
      }
      if try Self.compare(bytes, parser) { taken += 1 }
    }
    #expect(taken > 1_000 && taken < 15_000, "\(taken)")
  }

  @Test func nestingIsBoundAsItIsThere() throws {
    let parser = JSONParser()
    for depth in 125...131 {
      for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let count = open.count > 5 ? depth / 2 : depth
        let text = String(repeating: open, count: count) + "1" + String(repeating: close, count: count)
        _ = try Self.compare(Array(text.utf8), parser)
      }
      // As many open containers as can be, and no end: the fewest bytes per node.
      _ = try Self.compare(Array(String(repeating: "[", count: depth).utf8), parser)
      _ = try Self.compare(Array((String(repeating: "{\"\":", count: depth)).utf8), parser)
      _ = try Self.compare(
        Array(("[" + String(repeating: "{},", count: 5_000) + String(repeating: "[", count: depth)).utf8), parser)
    }
  }

  @Test func membersAreFoundInAnyOrder() throws {
    let random = SeededRandom(seed: 7)
    let names: [StaticString] = [
      "a", "b", "ab", "ba", "id", "d", "name", "mane", "guild_id", "channel_id", "user", "sure", "",
    ]
    for _ in 0..<500 {
      let present = names.indices.filter { _ in random.integer(below: 3) > 0 }.shuffled()
      let members = present.map { index in
        let value = [String(index), "[{\"a\":\(index)},\(index)]", "{\"id\":0,\"x\":\(index)}"][index % 3]
        return
          "\"\(index % 2 == 0 ? names[index].description : names[index].description.replacing("a", with: "\\u0061"))\":\(value)"
      }
      let text = "{\(members.joined(separator: ","))}"
      try JSONParser().parse(Array(text.utf8)) { root in
        for _ in 0..<40 {
          let index = random.integer(below: names.count)
          let found = root[names[index]]
          let value = found?.int ?? found?["x"]?.int ?? found?.elements.first { $0.kind == .integer }?.int
          #expect(value == (present.contains(index) ? index : nil), "\(names[index]) in \(text)")
          #expect(root[dynamicName: names[index].description]?.kind == found?.kind)
        }
      }
    }
  }

  @Test func memoryOfALargeTextIsUsedAgainAndGivenBack() throws {
    let parser = JSONParser()
    let large = Array(("[" + String(repeating: "\"\\u0041\",", count: 60_000) + "{\"a\":1}]").utf8)
    for round in 0..<3 {
      #expect(try parser.parse(large) { $0.count } == 60_001)
      for _ in 0..<(round == 1 ? 300 : 10) {
        #expect(try parser.parse(Array(#"{"a":"\n"}"#.utf8)) { $0["a"]?.string } == "\n")
      }
    }
  }

  @Test func aNameBeyondAMegabyteIsRefused() throws {
    let name = String(repeating: "n", count: (1 << 20) - 1)
    #expect(
      try JSONParser().parse(Array("{\"\(name)\":1}".utf8)) { $0.members.first { _ in true }?.key.utf8.count }
        == name.utf8.count)
    #expect(throws: JSONError.self) { try JSONParser().parse(Array("{\"\(name)n\":1}".utf8)) { _ in } }
  }
}
