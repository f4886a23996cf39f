/// What a peer sent. Payloads are lent: they end with the call that delivers them.
public enum WebSocketEvent {
  /// A whole text message, valid UTF-8.
  case text(UnsafeRawBufferPointer)
  /// A whole binary message.
  case binary(UnsafeRawBufferPointer)
  case ping(UnsafeRawBufferPointer)
  case pong(UnsafeRawBufferPointer)
  /// The last event; bytes behind it are ignored.
  case close(WebSocketClose)
}

/// A peer that breaks the protocol. The connection must be failed with this code (RFC 6455 section 7.1.7).
public struct WebSocketProtocolError: Error, Sendable, Equatable, CustomStringConvertible {
  /// 1002, 1007 or 1009.
  public let code: WebSocketCloseCode
  public let message: String

  public var description: String { message }

  static func violation(_ message: String) -> WebSocketProtocolError {
    WebSocketProtocolError(code: .protocolError, message: message)
  }
  static let notUTF8 = WebSocketProtocolError(code: .invalidPayload, message: "the text is not UTF-8")
}

/// Reads frames (RFC 6455 section 5) from bytes that come in any pieces, and puts messages together.
///
/// Unmasked frames that lie wholly inside the input are lent out from there; all others are gathered in one buffer that
/// is used again. Sizes are checked before anything is gathered.
public struct WebSocketDecoder: Sendable {
  public struct Limits: Sendable {
    /// The most bytes of one message, whatever its frames.
    public var messageSize: Int
    /// The most bytes of one frame.
    public var frameSize: Int

    public init(messageSize: Int, frameSize: Int? = nil) {
      self.messageSize = messageSize
      self.frameSize = frameSize ?? messageSize
    }
  }

  private struct Frame {
    let opcode: WebSocketOpcode
    let isFinal: Bool
    let isMasked: Bool
    let key: UInt32
    let length: Int
    var done = 0
    var remaining: Int { length - done }
  }

  private enum State {
    case header, payload(Frame), closed
    case failed(WebSocketProtocolError)
  }

  private let role: WebSocketEncoder.Role
  private let limits: Limits
  private var state = State.header
  private var header: [UInt8] = []
  /// The opcode of the message whose frames are coming.
  private var messageOpcode: WebSocketOpcode?
  private var message: [UInt8] = []
  private var control: [UInt8] = []
  private var validator = UTF8Validator()

  /// A buffer grown beyond this is given back after its message.
  private static let keptCapacity = 1 << 16

  /// - Parameter role: whose end this is: a server demands masked frames, a client unmasked ones.
  public init(role: WebSocketEncoder.Role, limits: Limits) {
    self.role = role
    self.limits = limits
    header.reserveCapacity(14)
  }

  /// Whether the peer's close frame was read.
  public var isClosed: Bool { if case .closed = state { true } else { false } }

  /// Reads more bytes and calls `handler` for each event in order.
  /// - Throws: ``WebSocketProtocolError``, after the events before it. Every later call throws the same again.
  public mutating func decode(
    _ bytes: UnsafeRawBufferPointer, _ handler: (WebSocketEvent) -> Void
  ) throws(WebSocketProtocolError) {
    var input = bytes
    do throws(WebSocketProtocolError) {
      while true {
        switch state {
        case .header:
          guard let frame = try readHeader(&input) else { return }
          state = .payload(frame)
        case .payload(var frame):
          let isDone = try readPayload(&frame, &input, handler)
          if case .closed = state { return }
          state = isDone ? .header : .payload(frame)
          if !isDone { return }
        case .closed: return
        case .failed(let error): throw error
        }
      }
    } catch {
      state = .failed(error)
      throw error
    }
  }

  /// As ``decode(_:_:)-(UnsafeRawBufferPointer,_)`` over an array.
  public mutating func decode(
    _ bytes: [UInt8], _ handler: (WebSocketEvent) -> Void
  ) throws(WebSocketProtocolError) {
    let result = bytes.withUnsafeBytes { buffer -> Result<Void, WebSocketProtocolError> in
      do throws(WebSocketProtocolError) {
        return .success(try decode(buffer, handler))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  /// Gives back the memory that is kept for the next message, for a connection that will mostly be silent. Between
  /// messages only; otherwise nothing happens.
  public mutating func releaseMemory() {
    guard case .header = state, header.isEmpty, message.isEmpty else { return }
    header = []
    message = []
    control = []
  }

  // MARK: Header

  /// - Returns: nil if the input ends inside the header.
  private mutating func readHeader(_ input: inout UnsafeRawBufferPointer) throws(WebSocketProtocolError) -> Frame? {
    while true {
      if header.count >= 2, header.count == headerLength { return try takeHeader() }
      guard let byte = input.first else { return nil }
      input = UnsafeRawBufferPointer(rebasing: input.dropFirst())
      header.append(byte)
      // Checked byte by byte, so that the violation is known as soon as it is there.
      if header.count == 1 { try checkFirst(byte) } else if header.count == 2 { try checkSecond(byte) }
    }
  }

  private var headerLength: Int {
    let extra =
      switch header[1] & 0x7F {
      case 126: 2
      case 127: 8
      default: 0
      }
    return 2 + extra + (header[1] & 0x80 != 0 ? 4 : 0)
  }

  private func checkFirst(_ byte: UInt8) throws(WebSocketProtocolError) {
    guard byte & 0x70 == 0 else { throw .violation("a reserved bit is set") }
    guard let opcode = WebSocketOpcode(rawValue: byte & 0x0F) else { throw .violation("the opcode is reserved") }
    if opcode.isControl {
      guard byte & 0x80 != 0 else { throw .violation("a control frame is fragmented") }
    } else if opcode == .continuation {
      guard messageOpcode != nil else { throw .violation("a continuation without a message") }
    } else {
      guard messageOpcode == nil else { throw .violation("a new message inside another") }
    }
  }

  private func checkSecond(_ byte: UInt8) throws(WebSocketProtocolError) {
    guard (byte & 0x80 != 0) == (role == .server) else {
      throw .violation(role == .server ? "a client's frame is not masked" : "a server's frame is masked")
    }
    if header[0] & 0x08 != 0, byte & 0x7F > 125 { throw .violation("a control frame is longer than 125 bytes") }
  }

  private mutating func takeHeader() throws(WebSocketProtocolError) -> Frame {
    var length = UInt64(header[1] & 0x7F)
    var place = 2
    if length >= 126 {
      let width = length == 126 ? 2 : 8
      length = header[2..<(2 + width)].reduce(0) { $0 << 8 | UInt64($1) }
      place += width
      guard length < 1 << 63 else { throw .violation("the length is negative") }
      guard length > (width == 2 ? 125 : 0xFFFF) else { throw .violation("the length is not written minimally") }
    }
    let isMasked = header[1] & 0x80 != 0
    let key = isMasked ? header.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: UInt32.self) } : 0
    guard let opcode = WebSocketOpcode(rawValue: header[0] & 0x0F) else { throw .violation("the opcode is reserved") }
    let isFinal = header[0] & 0x80 != 0
    if !opcode.isControl {
      guard length <= UInt64(limits.frameSize), length <= UInt64(max(0, limits.messageSize - message.count)) else {
        throw WebSocketProtocolError(
          code: .messageTooBig, message: "the message is larger than \(limits.messageSize) bytes")
      }
    }
    header.removeAll(keepingCapacity: true)
    return Frame(opcode: opcode, isFinal: isFinal, isMasked: isMasked, key: key, length: Int(length))
  }

  // MARK: Payload

  /// - Returns: whether the frame is complete.
  private mutating func readPayload(
    _ frame: inout Frame, _ input: inout UnsafeRawBufferPointer, _ handler: (WebSocketEvent) -> Void
  ) throws(WebSocketProtocolError) -> Bool {
    // Nothing to do yet: a payload that follows whole may still be lent out.
    guard frame.remaining == 0 || !input.isEmpty else { return false }
    let piece = UnsafeRawBufferPointer(rebasing: input.prefix(frame.remaining))
    input = UnsafeRawBufferPointer(rebasing: input.dropFirst(piece.count))
    // Nothing may be begun before the first byte: a frame that then comes whole is not gathered.
    if piece.isEmpty, frame.length > 0 { return false }
    let isWhole = frame.done == 0 && piece.count == frame.length
    if isWhole, !frame.isMasked {
      if frame.opcode.isControl {
        try deliver(control: frame.opcode, piece, handler)
        return true
      }
      if frame.isFinal, frame.opcode != .continuation {
        if frame.opcode == .text {
          validator.reset()
          guard validator.feed(piece), validator.isComplete else { throw .notUTF8 }
        }
        handler(frame.opcode == .text ? .text(piece) : .binary(piece))
        return true
      }
    }
    return frame.opcode.isControl
      ? try gather(control: &frame, piece, handler) : try gather(data: &frame, piece, handler)
  }

  private mutating func gather(
    control frame: inout Frame, _ piece: UnsafeRawBufferPointer, _ handler: (WebSocketEvent) -> Void
  ) throws(WebSocketProtocolError) -> Bool {
    Self.append(piece, to: &control, frame)
    frame.done += piece.count
    guard frame.remaining == 0 else { return false }
    var payload: [UInt8] = []
    swap(&payload, &control)
    try deliver(control: frame.opcode, payload, handler)
    payload.removeAll(keepingCapacity: true)
    swap(&payload, &control)
    return true
  }

  private mutating func gather(
    data frame: inout Frame, _ piece: UnsafeRawBufferPointer, _ handler: (WebSocketEvent) -> Void
  ) throws(WebSocketProtocolError) -> Bool {
    if frame.done == 0, frame.opcode != .continuation {
      messageOpcode = frame.opcode
      validator.reset()
    }
    let start = message.count
    Self.append(piece, to: &message, frame)
    frame.done += piece.count
    if messageOpcode == .text {
      let isValid = message.withUnsafeBytes { validator.feed(UnsafeRawBufferPointer(rebasing: $0[start...])) }
      guard isValid else { throw .notUTF8 }
    }
    guard frame.remaining == 0 else { return false }
    guard frame.isFinal else { return true }
    if messageOpcode == .text, !validator.isComplete { throw .notUTF8 }
    let isText = messageOpcode == .text
    messageOpcode = nil
    message.withUnsafeBytes { handler(isText ? .text($0) : .binary($0)) }
    message.removeAll(keepingCapacity: message.capacity <= Self.keptCapacity)
    return true
  }

  /// Appends a piece of a frame's payload, unmasked.
  private static func append(_ piece: UnsafeRawBufferPointer, to buffer: inout [UInt8], _ frame: Frame) {
    let start = buffer.count
    buffer.append(contentsOf: piece)
    guard frame.isMasked else { return }
    buffer.withUnsafeMutableBytes {
      WebSocketMask.apply(frame.key, to: UnsafeMutableRawBufferPointer(rebasing: $0[start...]), phase: frame.done)
    }
  }

  private mutating func deliver(
    control opcode: WebSocketOpcode, _ payload: [UInt8], _ handler: (WebSocketEvent) -> Void
  ) throws(WebSocketProtocolError) {
    let result = payload.withUnsafeBytes { bytes -> Result<Void, WebSocketProtocolError> in
      do throws(WebSocketProtocolError) {
        return .success(try deliver(control: opcode, bytes, handler))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  private mutating func deliver(
    control opcode: WebSocketOpcode, _ payload: UnsafeRawBufferPointer, _ handler: (WebSocketEvent) -> Void
  ) throws(WebSocketProtocolError) {
    switch opcode {
    case .ping: handler(.ping(payload))
    case .pong: handler(.pong(payload))
    default:
      let close = try Self.close(from: payload)
      state = .closed
      handler(.close(close))
    }
  }

  private static func close(from payload: UnsafeRawBufferPointer) throws(WebSocketProtocolError) -> WebSocketClose {
    guard !payload.isEmpty else { return WebSocketClose(code: .noCode) }
    guard payload.count >= 2 else { throw .violation("a close frame has half a code") }
    let code = WebSocketCloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
    guard code.mayBeSent else { throw .violation("the close code \(code) must not be sent") }
    guard let reason = String(validating: payload.dropFirst(2), as: UTF8.self) else { throw .notUTF8 }
    return WebSocketClose(code: code, reason: reason)
  }
}
