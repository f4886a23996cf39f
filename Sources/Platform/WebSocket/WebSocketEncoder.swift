/// What a frame is (RFC 6455 section 5.2).
public enum WebSocketOpcode: UInt8, Sendable {
  case continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10

  var isControl: Bool { rawValue >= 8 }
}

/// Writes frames: a client's are masked with a fresh key each, a server's are not.
public struct WebSocketEncoder: Sendable {
  public enum Role: Sendable { case client, server }

  private let random: (any RandomSource)?

  /// - Parameter random: where masking keys come from; it must not be predictable for what the peer's proxy sees.
  public init(role: Role, random: any RandomSource = SystemRandom()) {
    self.random = role == .client ? random : nil
  }

  /// One frame.
  /// - Parameters:
  ///   - isFinal: false for all but the last frame of a fragmented message.
  ///   - payload: at most 125 bytes for control frames.
  public func frame(_ opcode: WebSocketOpcode, _ payload: some Collection<UInt8>, isFinal: Bool = true) -> [UInt8] {
    Self.frame(opcode, payload, isFinal: isFinal, key: random.map { UInt32(truncatingIfNeeded: $0.next()) })
  }

  /// One whole unmasked frame.
  public static func serverFrame(_ opcode: WebSocketOpcode, _ payload: some Collection<UInt8>) -> [UInt8] {
    frame(opcode, payload, isFinal: true, key: nil)
  }

  /// A close frame. ``WebSocketCloseCode/noCode`` gives an empty one; the reason is cut to 123 bytes at a character's
  /// edge.
  public func close(_ close: WebSocketClose) -> [UInt8] { frame(.close, Self.payload(of: close)) }

  static func payload(of close: WebSocketClose) -> [UInt8] {
    guard close.code != .noCode else { return [] }
    var reason = close.reason[...]
    while reason.utf8.count > 123 { reason.removeLast() }
    return [UInt8(close.code.rawValue >> 8), UInt8(truncatingIfNeeded: close.code.rawValue)] + reason.utf8
  }

  private static func frame(
    _ opcode: WebSocketOpcode, _ payload: some Collection<UInt8>, isFinal: Bool, key: UInt32?
  ) -> [UInt8] {
    let count = payload.count
    precondition(!opcode.isControl || (count <= 125 && isFinal), "control frames are short and whole")
    return [UInt8](unsafeUninitializedCapacity: count + 14) { buffer, length in
      let mask: UInt8 = key == nil ? 0 : 0x80
      buffer[0] = (isFinal ? 0x80 : 0) | opcode.rawValue
      switch count {
      case 0...125:
        buffer[1] = mask | UInt8(count)
        length = 2
      case 126...0xFFFF:
        buffer[1] = mask | 126
        buffer[2] = UInt8(count >> 8)
        buffer[3] = UInt8(truncatingIfNeeded: count)
        length = 4
      default:
        buffer[1] = mask | 127
        for place in 0..<8 { buffer[2 + place] = UInt8(truncatingIfNeeded: count >> (56 - 8 * place)) }
        length = 10
      }
      if let key {
        // The key's bytes as they stand in memory: any order will do, it is random.
        withUnsafeBytes(of: key) { for place in 0..<4 { buffer[length + place] = $0[place] } }
        length += 4
      }
      let body = UnsafeMutableBufferPointer(rebasing: buffer[length..<(length + count)])
      _ = body.initialize(fromContentsOf: payload)
      if let key { WebSocketMask.apply(key, to: UnsafeMutableRawBufferPointer(body)) }
      length += count
    }
  }
}

/// The XOR of RFC 6455 section 5.3.
enum WebSocketMask {
  /// - Parameters:
  ///   - key: the four bytes as they stand on the wire, loaded from memory.
  ///   - phase: how many bytes of the payload came before.
  static func apply(_ key: UInt32, to bytes: UnsafeMutableRawBufferPointer, phase: Int = 0) {
    guard let base = bytes.baseAddress else { return }
    // Rotated, so that the key's byte for the first of these bytes comes first in memory.
    let shift = UInt32(8 * (phase & 3))
    let key = shift == 0 ? key : key >> shift | key << (32 - shift)
    let wide = UInt64(key) << 32 | UInt64(key)
    var place = 0
    while place + 8 <= bytes.count {
      let word = base.loadUnaligned(fromByteOffset: place, as: UInt64.self)
      base.storeBytes(of: word ^ wide, toByteOffset: place, as: UInt64.self)
      place += 8
    }
    while place < bytes.count {
      bytes[place] ^= UInt8(truncatingIfNeeded: wide >> UInt64(8 * (place & 7)))
      place += 1
    }
  }
}
