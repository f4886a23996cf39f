import TestInputs
import Testing

@testable import Platform

/// Bytes that nobody meant: everything must end in a result or a typed error, within the limits, and never crash. The
/// same seeds give the same inputs at every run.
struct FuzzTests {
  private static let documents = [
    #"{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{"id":"900000000000000001","content":"h\u00e9 \"\\ \ud83d\ude00","n":[-1,0.5,1e9]}}"#,
    #"[[],{},[{"a":[true,false,null]}],18446744073709551615,-9223372036854775808,"",[[[[1]]]]]"#,
    #""text with\nescapes and Grüße""#, "-0.0", "null",
  ]

  /// What JSON is made of.
  private static let alphabet = Array(#"[]{}:,"\ 0-1.eEtn"#.utf8)

  /// A copy with one to eight changes: a bit flipped, a byte replaced, a piece cut out or doubled, the end cut off.
  private static func mutated(_ bytes: [UInt8], _ random: SeededRandom) -> [UInt8] {
    var bytes = bytes
    for _ in 0...random.integer(below: 8) where !bytes.isEmpty {
      let place = random.integer(below: bytes.count)
      let length = 1 + random.integer(below: min(16, bytes.count - place))
      switch random.integer(below: 6) {
      case 0, 1: bytes[place] ^= 1 << UInt8(random.integer(below: 8))
      case 2: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 3: bytes.removeSubrange(place..<(place + length))
      case 4: bytes.insert(contentsOf: bytes[place..<(place + length)], at: place)
      default: bytes.removeLast(bytes.count - place)
      }
    }
    return bytes
  }

  private static func noise(_ count: Int, _ random: SeededRandom) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  // MARK: Inflaters

  /// The messages of one connection, of which a later one refers back to an earlier one.
  private static func payloads(_ codec: Codec, _ random: SeededRandom) throws -> [[UInt8]] {
    let deflater = codec.deflater()
    return try (0..<5).map { number in
      let text = Array(documents[random.integer(below: documents.count)].utf8)
      return try deflater.deflate(number == 3 ? [UInt8](repeating: 65, count: 30_000) : text + text)
    }
  }

  @Test(arguments: Codec.allCases)
  func inflatersStayWithinTheirLimitOnAnyBytes(codec: Codec) async throws {
    let random = Fuzz.random(21)
    var delivered = 0
    var refused = 0
    for round in 0..<Fuzz.rounds(1_500) {
      if round % 32 == 0 { await Task.yield() }  // leaves the two or so threads of the pool to others
      let limit = [1, 100, 4_096, 20_000, 40_000][random.integer(below: 5)]
      let inflater = codec.inflater(limit: limit)
      var payloads = try Self.payloads(codec, random)
      switch round % 4 {
      case 0: payloads = (0..<3).map { _ in Self.noise(random.integer(below: 300), random) }
      case 1: payloads[random.integer(below: 5)] = Self.mutated(payloads[random.integer(below: 5)], random)
      case 2: payloads = payloads.map { random.integer(below: 3) == 0 ? Self.mutated($0, random) : $0 }
      default: payloads = [Array(payloads.joined().prefix(random.integer(below: 400)))]
      }
      var failure: CompressionError?
      for payload in payloads {
        // Cut anywhere: zlib's messages may come in pieces, and what is no message must be survived all the same.
        let cut = random.integer(below: payload.count + 1)
        for piece in random.integer(below: 2) == 0 ? [payload] : [Array(payload[..<cut]), Array(payload[cut...])] {
          do throws(any Error) {
            let message = try inflater.inflate(piece) { message in
              // Reads all of it and the padding, so that a sanitizer sees memory that is not ours.
              let all = UnsafeBufferPointer(start: message.baseAddress, count: message.count + JSONParser.padding)
              return (count: message.count, sum: all.reduce(0) { $0 &+ UInt64($1) })
            }
            #expect(failure == nil, "goes on after \(String(describing: failure))")
            if let message {
              delivered += 1
              #expect(message.count <= limit)
            }
          } catch {
            let error = try #require(error as? CompressionError)
            // Once broken, always broken.
            #expect(failure == nil || failure == error)
            failure = error
          }
        }
      }
      if failure != nil { refused += 1 }
      // After a reset it is as good as new, whatever it went through.
      inflater.reset()
      let message = try codec.deflater().deflate([7])
      #expect(try inflater.inflate(message) { Array($0) } == [7])
    }
    // Both ways were taken often: the inputs are neither all broken nor all fine.
    #expect(delivered > 500)
    #expect(refused > 500)
  }

  @Test(arguments: [DeflateFormat.zlib, .gzip, .raw])
  func wholeTextsAreInflatedWithinTheLimitOrRefused(format: DeflateFormat) async throws {
    let random = Fuzz.random(22)
    var refused = 0
    for round in 0..<Fuzz.rounds(2_000) {
      if round % 32 == 0 { await Task.yield() }  // leaves the two or so threads of the pool to others
      let text = round % 5 == 0 ? [UInt8](repeating: 9, count: 70_000) : Array(Self.documents.joined().utf8)
      let packed =
        round % 3 == 0
        ? Self.noise(random.integer(below: 200), random)
        : Self.mutated(try Deflate.compress(text, as: format), random)
      let limit = random.integer(below: 80_000)
      do {
        let result = try Deflate.decompress(packed, as: format, limit: limit)
        #expect(result.count <= limit)
      } catch is CompressionError {
        refused += 1
      }
    }
    #expect(refused > 1_000)
  }

  // MARK: JSON

  /// Visits everything through every way of reading.
  /// - Returns: how many values there are.
  private static func walk(_ view: JSONView) -> Int {
    _ = (view.bool, view.int64, view.double, view.string, view.uint64InString, view["a"], view.isNull)
    switch view.kind {
    case .object: return view.members.reduce(1) { $0 + walk($1.value) }
    case .array: return view.elements.reduce(1) { $0 + walk($1) }
    default: return 1
    }
  }

  @Test func theParserTakesOrRefusesAnyBytes() async throws {
    let random = Fuzz.random(23)
    // One parser for all, because a refused text must not spoil the next.
    let parser = JSONParser(maximumDepth: 16)
    var taken = 0
    var refused = 0
    for round in 0..<Fuzz.rounds(30_000) {
      if round % 32 == 0 { await Task.yield() }  // leaves the two or so threads of the pool to others
      var bytes = Array(Self.documents[random.integer(below: Self.documents.count)].utf8)
      switch round % 8 {
      case 0: bytes = Self.noise(random.integer(below: 100), random)
      case 1:
        bytes = (0..<random.integer(below: 40)).map { _ in Self.alphabet[random.integer(below: Self.alphabet.count)] }
      case 2: bytes = [UInt8](repeating: UInt8(ascii: "["), count: random.integer(below: 200)) + bytes
      default: bytes = Self.mutated(bytes, random)
      }
      do {
        let owned = try parser.parse(bytes) { root in
          #expect(Self.walk(root) > 0)
          return root.json
        }
        taken += 1
        // What was understood is written as JSON that means the same, and both ways of parsing agree.
        let text = Array(owned.serialized().utf8)
        #expect(try JSON(parsing: text) == owned, "\(String(decoding: bytes, as: UTF8.self))")
        let padded = bytes + Self.noise(JSONParser.padding, random)
        let inPlace = try padded.withUnsafeBufferPointer { all in
          try parser.parse(UnsafeBufferPointer(rebasing: all[..<bytes.count]), isPadded: true) { $0.json }
        }
        #expect(inPlace == owned)
      } catch is JSONError {
        refused += 1
      }
    }
    #expect(taken > 1_000)
    #expect(refused > 10_000)
    #expect(try parser.parse(Array(Self.documents[1].utf8)) { Self.walk($0) } == 17)
  }
}
