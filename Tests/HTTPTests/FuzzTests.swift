import Platform
import Testing

@testable import HTTP

/// Numbers that look random and are the same in every run.
private struct Chance {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(max(1, limit))) }
  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}

/// What a connection did, without regard to how its input was cut.
private struct Outcome: Equatable {
  var requests: [String] = []
  var bodies: [[UInt8]] = []
  var failures: [Int] = []
  var output: [UInt8] = []
  var hasEnded = false

  static let bodyLimit = 4_096

  init(_ pieces: [[UInt8]]) {
    var limits = HTTPLimits()
    limits.headSize = 1_024
    limits.headerCount = 10
    let now = ContinuousClock.Instant.now
    var machine = HTTPConnectionMachine(limits: limits, now: now)
    for piece in pieces { take(machine.receive(piece, now: now), &machine, now) }
    take(machine.endInput(now: now), &machine, now)
  }

  private mutating func take(
    _ actions: [HTTPConnectionMachine.Action], _ machine: inout HTTPConnectionMachine, _ now: ContinuousClock.Instant
  ) {
    for action in actions {
      switch action {
      case .request(let head):
        requests.append("\(head.method) \(head.path) \(head.rawQuery ?? "-")")
        bodies.append([])
        take(machine.accept(bodyLimit: Self.bodyLimit, now: now), &machine, now)
      case .body(let bytes): bodies[bodies.count - 1] += bytes
      case .bodyEnd: answer(.ok, &machine, now)
      case .bodyFailed(let error), .reject(let error):
        // How much of a broken body came out before it broke does depend on the cuts.
        if case .bodyFailed = action { bodies[bodies.count - 1] = [] }
        failures.append(error.status.rawValue)
        answer(error.status, &machine, now)
      case .send(let bytes): output += bytes
      case .finishWriting, .close, .closeWhenWritten: hasEnded = true
      case .upgraded, .peerEnded: break
      }
    }
  }

  private mutating func answer(
    _ status: HTTPStatus, _ machine: inout HTTPConnectionMachine, _ now: ContinuousClock.Instant
  ) {
    take(machine.respond(status, [:], length: 2, content: [79, 75], date: "now", now: now), &machine, now)
  }
}

/// A bounded number of inputs, the same in every run; raise `rounds` to look longer.
struct HTTPFuzzTests {
  private static let rounds = 3_000

  private static let requests: [String] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /p?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\n",
    "PUT /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
    "GET /k HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HEAD http://a/x HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n",
    "POST /z HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
  ]
  private static let grammar: [String] = [
    "\r\n", "\r", "\n", "\0", " ", "\t", ":", ";", "0", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n",
    "Host: b\r\n", "HTTP/1.1", "GET ", "\u{e9}", "%00", "/../", "Connection: close\r\n", "fffffffffffffffff", "-1",
  ]

  private static func input(_ chance: inout Chance) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0...chance.below(3) { bytes += Array(chance.pick(requests).utf8) }
    for _ in 0..<chance.below(4) where !bytes.isEmpty {
      let place = chance.below(bytes.count)
      switch chance.below(5) {
      case 0: bytes[place] = UInt8(truncatingIfNeeded: chance.next())
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(contentsOf: Array(chance.pick(grammar).utf8), at: place)
      case 3: bytes.removeSubrange(place..<min(bytes.count, place + chance.below(20)))
      default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 30)], at: chance.below(bytes.count))
      }
    }
    return bytes
  }

  private static func cut(_ bytes: [UInt8], _ chance: inout Chance) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var rest = bytes[...]
    let size = chance.pick([1, 3, 40, 2_000])
    while !rest.isEmpty {
      let count = min(rest.count, 1 + chance.below(size))
      pieces.append(Array(rest.prefix(count)))
      rest = rest.dropFirst(count)
    }
    return pieces
  }

  @Test func aConnectionDoesTheSameHoweverItsInputIsCut() async {
    var chance = Chance(state: 1)
    for round in 0..<Self.rounds {
      let bytes = Self.input(&chance)
      let whole = Outcome([bytes])
      let pieces = Self.cut(bytes, &chance)
      let inPieces = Outcome(pieces)
      #expect(whole == inPieces, "round \(round): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
      #expect(whole.hasEnded)
      #expect(whole.failures.count <= 1)
      #expect(whole.bodies.allSatisfy { $0.count <= Outcome.bodyLimit })
      if round.isMultiple(of: 100) { await Task.yield() }
    }
  }

  @Test func queriesAndPathsTakeAnyBytes() async {
    var chance = Chance(state: 2)
    let parts = ["a", "=", "&", "%", "%2", "%41", "%00", "%ff", "+", "/", "..", "%2e", "%252e", ";", "ä", "[", "?"]
    for round in 0..<Self.rounds {
      let text = (0..<chance.below(12)).map { _ in chance.pick(parts) }.joined()
      if let query = try? HTTPQuery(text.utf8) {
        #expect(query.items.count <= text.utf8.count { $0 == UInt8(ascii: "&") } + 1)
        // Written again it is the same.
        let again = query.map { PercentEncoding.encode($0.name) + "=" + PercentEncoding.encode($0.value) }
        #expect((try? HTTPQuery(again.joined(separator: "&").utf8)) == query)
      }
      if let path = try? HTTPPath("/" + text) {
        #expect(!path.segments.contains { $0 == "." || $0 == ".." || $0.utf8.contains(0) })
      }
      if round.isMultiple(of: 100) { await Task.yield() }
    }
  }

  @Test func multipartReadsTheSameHoweverItIsCut() async {
    var chance = Chance(state: 3)
    let body =
      "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n--b\r\n"
      + "Content-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n\r\n--\r\n-b\r\n"
      + "--b--\r\n"
    for round in 0..<Self.rounds {
      var bytes = Array(body.utf8)
      for _ in 0..<chance.below(3) {
        let place = chance.below(bytes.count)
        if chance.below(2) == 0 {
          bytes[place] = chance.pick([0, 10, 13, 34, 45, 58, 59, 98, 255])
        } else {
          bytes.insert(contentsOf: Array(chance.pick(["\r\n", "--b", "\r\n--b", "\"", ";"]).utf8), at: place)
        }
      }
      #expect(Self.parts([bytes]) == Self.parts(Self.cut(bytes, &chance)), "round \(round)")
      if round.isMultiple(of: 100) { await Task.yield() }
    }
  }

  /// Nil if it is refused.
  private static func parts(_ pieces: [[UInt8]]) -> MultipartForm? {
    do {
      var parser = try MultipartParser(contentType: "multipart/form-data; boundary=b")
      var form = MultipartForm()
      for piece in pieces { form.take(try parser.receive(piece)) }
      try parser.finish()
      return form
    } catch {
      return nil
    }
  }

  private struct Body: Codable, Sendable, SchemaRuled {
    struct Inner: Codable, Sendable { var values: [Int8] }
    var name: String
    var when: Timestamp?
    var inner: [String: Inner]?
    static let schemaRules: SchemaRules = ["name": .text(length: 1...3, pattern: "[a-z]*")]
  }

  /// What passes the schema is read, or refused with the field; nothing else comes out.
  @Test func bodiesAreReadOrRefusedWithTheField() async throws {
    var chance = Chance(state: 4)
    let schema = Schema.of(Body.self)
    let atoms: [JSON] = [
      .null, true, 1, -1, 128, 1.5, .double(1e300), .integer(.min), "", "abc", "abcd", "2024-01-01T00:00:00Z", [], [:],
      "2024-13-01T00:00:00Z", ["x": 1],
    ]
    func value(_ depth: Int) -> JSON {
      switch chance.below(depth > 3 ? 2 : 5) {
      case 0, 1: return chance.pick(atoms)
      case 2: return .array((0..<chance.below(3)).map { _ in value(depth + 1) })
      default:
        let names = ["name", "when", "inner", "values", "x"]
        return .object(JSON.Object((0..<chance.below(4)).map { _ in (chance.pick(names), value(depth + 1)) }))
      }
    }
    var taken = 0
    for round in 0..<Self.rounds {
      var body = value(0)
      if chance.below(2) == 0, body.object != nil { body["name"] = "abc" }
      do {
        let read = try schema.decode(Body.self, from: body, kind: .invalidBody)
        #expect((1...3).contains(read.name.count))
        taken += 1
      } catch let error as HTTPError {
        #expect(error.kind == .invalidBody && !error.fields.isEmpty)
      }
      if round.isMultiple(of: 100) { await Task.yield() }
    }
    #expect(taken > 50)
  }
}
