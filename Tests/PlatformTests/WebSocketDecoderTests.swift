import Testing

@testable import Platform

/// An event with its payload kept.
private enum Seen: Equatable {
  case text(String), binary([UInt8]), ping([UInt8]), pong([UInt8]), close(WebSocketClose), failure(UInt16)

  init(_ event: WebSocketEvent) {
    self =
      switch event {
      case .text(let bytes): .text(String(decoding: bytes, as: UTF8.self))
      case .binary(let bytes): .binary(Array(bytes))
      case .ping(let bytes): .ping(Array(bytes))
      case .pong(let bytes): .pong(Array(bytes))
      case .close(let close): .close(close)
      }
  }
}

private func decode(
  _ pieces: [[UInt8]], role: WebSocketEncoder.Role = .client, limit: Int = 1 << 20, frameLimit: Int? = nil
) -> [Seen] {
  var decoder = WebSocketDecoder(role: role, limits: .init(messageSize: limit, frameSize: frameLimit))
  var seen: [Seen] = []
  do throws(WebSocketProtocolError) {
    for piece in pieces { try decoder.decode(piece) { seen.append(Seen($0)) } }
  } catch {
    seen.append(.failure(error.code.rawValue))
  }
  return seen
}

private func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] { [first, UInt8(payload.count)] + payload }

struct WebSocketDecoderTests {
  private static let client = WebSocketEncoder(role: .client, random: SeededRandom(seed: 7))
  private static let server = WebSocketEncoder(role: .server)

  @Test(arguments: [WebSocketEncoder.Role.client, .server])
  func yieldsTheSameEventsAtEverySplit(role: WebSocketEncoder.Role) {
    let encoder = role == .client ? Self.server : Self.client
    let middle = [UInt8](repeating: 5, count: 300)
    var bytes = encoder.frame(.text, "grüße 🚀".utf8)
    bytes += encoder.frame(.ping, "p".utf8)
    // A character is cut by the fragments, and a control frame stands between them.
    bytes += encoder.frame(.text, Array("ä€".utf8)[..<3], isFinal: false)
    bytes += encoder.frame(.pong, [1, 2])
    bytes += encoder.frame(.continuation, [], isFinal: false)
    bytes += encoder.frame(.continuation, Array("ä€".utf8)[3...])
    bytes += encoder.frame(.binary, middle)
    bytes += encoder.frame(.text, [])
    bytes += encoder.close(WebSocketClose(code: .goingAway, reason: "bye"))
    bytes += encoder.frame(.text, "after".utf8)
    let expected: [Seen] = [
      .text("grüße 🚀"), .ping([0x70]), .pong([1, 2]), .text("ä€"), .binary(middle), .text(""),
      .close(WebSocketClose(code: .goingAway, reason: "bye")),
    ]
    for split in 0...bytes.count {
      #expect(decode([Array(bytes[..<split]), Array(bytes[split...])], role: role) == expected)
    }
    #expect(decode(bytes.map { [$0] }, role: role) == expected)
  }

  @Test(arguments: [0, 125, 126, 127, 65_535, 65_536, 200_000])
  func lengthsSurviveTheTrip(length: Int) {
    let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    #expect(decode([Self.server.frame(.binary, payload)]) == [.binary(payload)])
    #expect(decode([Self.client.frame(.binary, payload)], role: .server) == [.binary(payload)])
  }

  @Test func wholeUnmaskedFramesAreNotCopied() throws {
    let bytes = Self.server.frame(.binary, [UInt8](repeating: 1, count: 1_000))
    var decoder = WebSocketDecoder(role: .client, limits: .init(messageSize: 1_000))
    try bytes.withUnsafeBytes { buffer in
      try decoder.decode(buffer) { event in
        guard case .binary(let payload) = event else { return }
        #expect(payload.baseAddress == buffer.baseAddress! + 4)
      }
    }
  }

  @Test(
    arguments: [
      ("reserved bit 1", [0xC1, 0x00], 1002), ("reserved bit 3", [0x91, 0x00], 1002),
      ("opcode 3", [0x83, 0x00], 1002), ("opcode 11", [0x8B, 0x00], 1002),
      ("known at the first byte", [0x83], 1002), ("masked by a server", [0x81, 0x80], 1002),
      ("fragmented ping", [0x09, 0x00], 1002), ("long ping", [0x89, 126], 1002),
      ("continuation of nothing", [0x80, 0x00], 1002), ("length 125 in 16 bits", [0x82, 126, 0, 125], 1002),
      ("length 65535 in 64 bits", [0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 1002),
      ("negative length", [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], 1002),
      ("beyond the limit, before its payload", [0x82, 127, 0, 0, 0, 0, 0x40, 0, 0, 0], 1009),
      ("half a close code", [0x88, 1, 3], 1002), ("close 999", [0x88, 2, 3, 0xE7], 1002),
      ("close 1004", [0x88, 2, 3, 0xEC], 1002), ("close 1005", [0x88, 2, 3, 0xED], 1002),
      ("close 1006", [0x88, 2, 3, 0xEE], 1002), ("close 1015", [0x88, 2, 3, 0xF7], 1002),
      ("close 1016", [0x88, 2, 3, 0xF8], 1002), ("close 2999", [0x88, 2, 0x0B, 0xB7], 1002),
      ("close 5000", [0x88, 2, 0x13, 0x88], 1002), ("close reason", [0x88, 3, 3, 0xE8, 0xFF], 1007),
      ("text", [0x81, 1, 0xFF], 1007), ("text that ends early", [0x81, 2, 0xE2, 0x82], 1007),
      ("surrogate", [0x81, 3, 0xED, 0xA0, 0x80], 1007), ("overlong", [0x81, 2, 0xC0, 0xAF], 1007),
      ("beyond Unicode, before the frame ends", [0x81, 9, 0xF4, 0x90], 1007),
      ("beyond Unicode, in a fragment", [0x01, 2, 0xF4, 0x90], 1007),
      ("new message inside another", [0x01, 0, 0x81, 0], 1002),
      ("fragments that end inside a character", [0x01, 1, 0xE2, 0x80, 1, 0x82], 1007),
    ] as [(String, [UInt8], UInt16)])
  func refuses(name: String, bytes: [UInt8], code: UInt16) {
    #expect(decode([bytes]) == [.failure(code)], "\(name)")
    #expect(decode(bytes.map { [$0] }) == [.failure(code)], "\(name), byte by byte")
  }

  @Test(arguments: [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])
  func takesTheCloseCodesThatMayBeSent(code: UInt16) {
    let close = WebSocketClose(code: WebSocketCloseCode(rawValue: code), reason: "ä")
    #expect(decode([Self.server.close(close)]) == [.close(close)])
  }

  @Test func anEmptyCloseFrameHasNoCode() {
    #expect(decode([[0x88, 0]]) == [.close(WebSocketClose(code: .noCode))])
    #expect(Self.server.close(WebSocketClose(code: .noCode)) == [0x88, 0])
  }

  @Test func aServerDemandsMasks() {
    #expect(decode([[0x81, 0x00]], role: .server) == [.failure(1002)])
  }

  @Test func fragmentsCountTogetherAgainstTheLimit() {
    let pieces = [frame(0x02, [1, 2, 3]), frame(0x00, [4, 5, 6]), frame(0x80, [7])]
    #expect(decode(pieces, limit: 7) == [.binary([1, 2, 3, 4, 5, 6, 7])])
    #expect(decode(pieces, limit: 6) == [.failure(1009)])
    #expect(decode(pieces, limit: 7, frameLimit: 2) == [.failure(1009)])
  }

  @Test func anErrorIsRepeated() {
    var decoder = WebSocketDecoder(role: .client, limits: .init(messageSize: 10))
    #expect(throws: WebSocketProtocolError.self) { try decoder.decode([0x83]) { _ in } }
    #expect(throws: WebSocketProtocolError.self) { try decoder.decode([0x81, 0x00]) { _ in } }
  }

  @Test func longReasonsAreCutAtACharacter() {
    let close = Self.server.close(WebSocketClose(code: .normal, reason: String(repeating: "ä", count: 100)))
    #expect(decode([close]) == [.close(WebSocketClose(code: .normal, reason: String(repeating: "ä", count: 61)))])
  }

  @Test func maskingWorksFromEveryPhase() {
    let key = UInt32(bigEndian: 0x0102_0304)
    let plain = (0..<41).map { UInt8($0) }
    let wire: [UInt8] = [1, 2, 3, 4]
    for phase in 0..<8 {
      var bytes = plain
      bytes.withUnsafeMutableBytes { WebSocketMask.apply(key, to: $0, phase: phase) }
      #expect(bytes == plain.indices.map { plain[$0] ^ wire[($0 + phase) % 4] })
    }
  }

  /// ASCII is skipped by words: no byte of a word may be overlooked.
  @Test func everyByteOfALongTextIsLookedAt() {
    for place in 0..<48 {
      for (byte, isValid) in [(0x7F, true), (0x80, false), (0xC0, false), (0xFF, false)] as [(UInt8, Bool)] {
        var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 48)
        bytes[place] = byte
        var validator = UTF8Validator()
        #expect(bytes.withUnsafeBytes { validator.feed($0) } == isValid, "\(byte) at \(place)")
      }
    }
  }

  @Test func utf8AgreesWithTheStandardLibrary() {
    let random = SeededRandom(seed: 11)
    let samples = ["a", "é", "€", "🚀", "\u{7FF}", "\u{800}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}"].map {
      Array($0.utf8)
    }
    var invalid = 0
    for _ in 0..<20_000 {
      var bytes: [UInt8] = []
      for _ in 0..<random.integer(below: 30) { bytes += samples[random.integer(below: samples.count)] }
      if !bytes.isEmpty, random.integer(below: 2) == 0 {
        bytes[random.integer(below: bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      }
      let split = random.integer(below: bytes.count + 1)
      var validator = UTF8Validator()
      let isValid = bytes.withUnsafeBytes {
        validator.feed(UnsafeRawBufferPointer(rebasing: $0[..<split]))
          && validator.feed(UnsafeRawBufferPointer(rebasing: $0[split...])) && validator.isComplete
      }
      #expect(isValid == (String(validating: bytes, as: UTF8.self) != nil))
      if !isValid { invalid += 1 }
    }
    #expect(invalid > 1_000)
  }

  @Test func randomBytesNeverBreakIt() {
    let random = SeededRandom(seed: 3)
    for _ in 0..<5_000 {
      var bytes: [UInt8] = []
      for _ in 0..<random.integer(below: 6) {
        let payload = (0..<random.integer(below: 200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let opcodes: [WebSocketOpcode] = [.text, .binary, .continuation]
        bytes += Self.server.frame(opcodes[random.integer(below: 3)], payload, isFinal: random.integer(below: 2) == 0)
      }
      for _ in 0..<random.integer(below: 4) where !bytes.isEmpty {
        bytes[random.integer(below: bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      }
      let whole = decode([bytes], limit: 500)
      let split = random.integer(below: bytes.count + 1)
      #expect(decode([Array(bytes[..<split]), Array(bytes[split...])], limit: 500) == whole)
    }
  }
}

struct WebSocketHandshakeTests {
  private static let request: HTTPHeaders = [
    "Upgrade": "WebSocket", "Connection": "keep-alive, Upgrade", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "a, b",
  ]

  @Test func answersTheKeyOfTheStandard() throws {
    let (key, protocols) = try WebSocketHandshake.validate(request: Self.request)
    #expect(WebSocketHandshake.accept(for: key) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    #expect(protocols == ["a", "b"])
    #expect(WebSocketHandshake.key(from: SeededRandom(seed: 1)).utf8.count == 24)
  }

  @Test(
    arguments: [
      ("Upgrade", "h2c", 426), ("Connection", "close", 426), ("Sec-WebSocket-Version", "8", 426),
      ("Sec-WebSocket-Key", "short", 400), ("Sec-WebSocket-Key", nil, 400),
    ] as [(String, String?, Int)])
  func refusesOtherRequests(name: String, value: String?, status: Int) {
    var headers = Self.request
    headers[name] = value
    #expect {
      try WebSocketHandshake.validate(request: headers)
    } throws: { ($0 as? WebSocketHandshake.Refusal)?.status == status }
  }

  @Test func checksTheAnswer() throws {
    let key = "dGhlIHNhbXBsZSBub25jZQ=="
    let answer: HTTPHeaders = [
      "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    ]
    #expect(try WebSocketHandshake.validate(responseStatus: 101, headers: answer, key: key) == nil)
    #expect(throws: WebSocketHandshake.ResponseError.status(503)) {
      try WebSocketHandshake.validate(responseStatus: 503, headers: answer, key: key)
    }
    for (name, value, error) in [
      ("Sec-WebSocket-Accept", "x", WebSocketHandshake.ResponseError.wrongAccept),
      ("Upgrade", "other", .missingUpgrade),
      ("Sec-WebSocket-Extensions", "permessage-deflate", .notOffered("permessage-deflate")),
      ("Sec-WebSocket-Protocol", "p", .notOffered("p")),
    ] {
      var headers = answer
      headers[name] = value
      #expect(throws: error) { try WebSocketHandshake.validate(responseStatus: 101, headers: headers, key: key) }
    }
  }
}

struct WebSocketConnectionStateTests {
  private let bye = WebSocketClose(code: .goingAway, reason: "bye")

  @Test func thePeerClosesFirst() {
    var server = WebSocketConnectionState(role: .server)
    #expect(server.received(bye) == [.send(WebSocketClose(code: .goingAway)), .endTransport])
    #expect(!server.isOpen)
    #expect(server.close(bye) == [])
    #expect(server.transportEnded() == [.ended(bye)])
    #expect(server.transportEnded() == [])
    var client = WebSocketConnectionState(role: .client)
    #expect(client.received(bye) == [.send(WebSocketClose(code: .goingAway)), .startTimeout])
    #expect(client.timedOut() == [.endTransport, .ended(bye)])
  }

  @Test func thisSideClosesFirst() {
    var state = WebSocketConnectionState(role: .server)
    #expect(state.close(bye) == [.send(bye), .startTimeout])
    #expect(state.receives && !state.isOpen)
    #expect(state.received(WebSocketClose(code: .goingAway)) == [.endTransport])
    #expect(state.transportEnded() == [.ended(WebSocketClose(code: .goingAway))])
  }

  @Test func aSilentPeerIsCutAfterTheTimeout() {
    var state = WebSocketConnectionState(role: .client)
    #expect(state.timedOut() == [])
    _ = state.close(bye)
    #expect(state.timedOut() == [.endTransport, .ended(WebSocketClose(code: .abnormal))])
  }

  @Test func aLostTransportIsAbnormal() {
    var state = WebSocketConnectionState(role: .client)
    #expect(state.transportEnded() == [.ended(WebSocketClose(code: .abnormal))])
    #expect(state.received(bye) == [])
  }

  @Test func aViolationIsAnsweredWithItsCode() {
    var state = WebSocketConnectionState(role: .server)
    let error = WebSocketProtocolError(code: .invalidPayload, message: "x")
    let close = WebSocketClose(code: .invalidPayload, reason: "x")
    #expect(state.failed(error) == [.send(close), .endTransport])
    #expect(state.transportEnded() == [.ended(close)])
  }
}
