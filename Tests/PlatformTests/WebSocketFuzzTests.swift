import TestInputs
import Testing

@testable import Platform

/// Frames, good and spoiled: however the bytes are cut, the same events come, within the limits, and the same error.
struct WebSocketFuzzTests {
  private struct Outcome: Equatable {
    var events: [String] = []
    var error: WebSocketProtocolError?
    var isClosed = false
    var largest = 0
  }

  private static func decode(
    _ pieces: [ArraySlice<UInt8>], _ role: WebSocketEncoder.Role, _ limits: WebSocketDecoder.Limits
  )
    -> Outcome
  {
    var decoder = WebSocketDecoder(role: role, limits: limits)
    var outcome = Outcome()
    for piece in pieces {
      do throws(WebSocketProtocolError) {
        try decoder.decode(Array(piece)) { event in
          switch event {
          case .text(let bytes), .binary(let bytes):
            outcome.largest = max(outcome.largest, bytes.count)
            var name = "text"
            if case .binary = event {
              name = "binary"
            } else {
              #expect(String(validating: bytes, as: UTF8.self) != nil)
            }
            outcome.events.append("\(name) \(Array(bytes))")
          case .ping(let bytes): outcome.events.append("ping \(Array(bytes))")
          case .pong(let bytes): outcome.events.append("pong \(Array(bytes))")
          case .close(let close): outcome.events.append("close \(close.code) \(close.reason)")
          }
        }
        #expect(outcome.error == nil, "a broken decoder goes on")
      } catch {
        #expect(outcome.error == nil || outcome.error == error)
        outcome.error = error
      }
    }
    outcome.isClosed = decoder.isClosed
    return outcome
  }

  /// What a peer might send: messages, whole and in frames with control frames between, a close perhaps.
  private static func conversation(_ sender: WebSocketEncoder.Role, _ random: SeededRandom) -> [UInt8] {
    let encoder = WebSocketEncoder(role: sender, random: random)
    var bytes: [UInt8] = []
    for _ in 0...random.integer(below: 5) {
      let text = Array("Grüße, \u{1F600} \(random.integer(below: 1_000)) ".utf8)
      let size = [0, 1, 5, 125, 126, 130, 300][random.integer(below: 7)]
      let payload = Array((0...size / max(1, text.count)).flatMap { _ in text }.prefix(max(text.count, size)))
      switch random.integer(below: 6) {
      case 0: bytes += encoder.frame(.ping, payload.prefix(125))
      case 1: bytes += encoder.frame(.pong, payload.prefix(10))
      case 2:
        let cut = random.integer(below: payload.count + 1)
        bytes += encoder.frame(.text, payload[..<cut], isFinal: false)
        if random.integer(below: 2) == 0 { bytes += encoder.frame(.ping, [1, 2]) }
        bytes += encoder.frame(.continuation, payload[cut...])
      case 3: bytes += encoder.frame(.binary, payload)
      default: bytes += encoder.frame(.text, payload)
      }
    }
    if random.integer(below: 4) == 0 {
      let code = UInt16([1000, 1001, 1005, 4004, 3000, 1006, 5000][random.integer(below: 7)])
      bytes += encoder.frame(.close, [UInt8(code >> 8), UInt8(code & 0xFF)] + Array("bye".utf8))
    }
    return bytes
  }

  private static func spoiled(_ bytes: [UInt8], _ random: SeededRandom) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<random.integer(below: 4) where !bytes.isEmpty {
      let place = random.integer(below: bytes.count)
      switch random.integer(below: 5) {
      case 0, 1: bytes[place] ^= 1 << UInt8(random.integer(below: 8))
      case 2: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 3: bytes.remove(at: place)
      default: bytes.removeLast(bytes.count - place)
      }
    }
    return bytes
  }

  private static func pieces(_ bytes: [UInt8], upTo size: Int, _ random: SeededRandom) -> [ArraySlice<UInt8>] {
    var pieces: [ArraySlice<UInt8>] = []
    var start = 0
    while start < bytes.count {
      let end = min(bytes.count, start + 1 + random.integer(below: size))
      pieces.append(bytes[start..<end])
      start = end
    }
    return pieces
  }

  @Test(arguments: [WebSocketEncoder.Role.server, .client])
  func anyCutOfAnyBytesGivesTheSameEvents(role: WebSocketEncoder.Role) async throws {
    let random = Fuzz.random(role == .server ? 31 : 32)
    var broken = 0
    var whole = 0
    for round in 0..<Fuzz.rounds(800) {
      if round % 32 == 0 { await Task.yield() }  // leaves the two or so threads of the pool to others
      // Sometimes the wrong end speaks.
      let sender: WebSocketEncoder.Role = (role == .server) != (random.integer(below: 20) == 0) ? .client : .server
      let bytes = Self.spoiled(Self.conversation(sender, random), random)
      let limits = WebSocketDecoder.Limits(messageSize: [0, 10, 200, 100_000][random.integer(below: 4)])
      let outcome = Self.decode([bytes[...]], role, limits)
      if outcome.error == nil { whole += 1 } else { broken += 1 }
      #expect(outcome.largest <= limits.messageSize)
      for size in [1, 40] {
        #expect(Self.decode(Self.pieces(bytes, upTo: size, random), role, limits) == outcome, "\(bytes)")
      }
    }
    #expect(broken > 100)
    #expect(whole > 100)
  }
}
