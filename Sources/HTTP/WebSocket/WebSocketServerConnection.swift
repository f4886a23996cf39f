import Platform
import Synchronization

/// The server's end of one WebSocket.
///
/// Messages are received by one task; anyone may send, from any thread. Sending does not suspend: a message is either
/// accepted, to be sent in the order of acceptance, or refused.
///
/// When the connection ends, a handler that receives gets the messages that had arrived and then nil; the task of one
/// that has never received is cancelled.
public final class WebSocketServerConnection: Sendable {
  /// What the connection must do. Called on any thread, in order of acceptance.
  enum Command: Sendable {
    case send([UInt8])
    case close(WebSocketClose)
    case abort
    case resumeReading
  }

  fileprivate struct State {
    var received: [WebSocketMessage] = []
    var firstReceived = 0
    var receivedBytes = 0
    var isPaused = false
    var reader: CheckedContinuation<WebSocketMessage?, Never>?
    var hasReader = false
    var pendingBytes = 0
    var drainWaiters: [CheckedContinuation<Void, Never>] = []
    var isClosing = false
    var end: WebSocketClose?
  }

  public let remoteAddress: SocketAddress
  /// The agreed subprotocol.
  public let subprotocol: String?
  private let options: WebSocketOptions
  private let state = Mutex(State())
  private let perform: @Sendable (Command) -> Void

  init(
    remoteAddress: SocketAddress, subprotocol: String?, options: WebSocketOptions,
    perform: @escaping @Sendable (Command) -> Void
  ) {
    self.remoteAddress = remoteAddress
    self.subprotocol = subprotocol
    self.options = options
    self.perform = perform
  }

  // MARK: Receiving

  /// The incoming messages; ends when the connection does. Then ``closeFrame`` says how.
  public var messages: Messages { Messages(connection: self) }

  public struct Messages: AsyncSequence, Sendable {
    fileprivate let connection: WebSocketServerConnection
    public func makeAsyncIterator() -> Iterator { Iterator(connection: connection) }
    public struct Iterator: AsyncIteratorProtocol {
      fileprivate let connection: WebSocketServerConnection
      public func next() async -> WebSocketMessage? { await connection.receive() }
    }
  }

  /// The next message; nil once the connection has ended, or when the task is cancelled.
  public func receive() async -> WebSocketMessage? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let (message, mustResume): (WebSocketMessage??, Bool) = state.withLock { state in
          precondition(state.reader == nil, "a WebSocket has one receiver")
          state.hasReader = true
          if Task.isCancelled { return (.some(nil), false) }
          if let (message, mustResume) = state.take(lowWater: options.maximumReceivedBytes / 2) {
            return (message, mustResume)
          }
          if state.end != nil { return (.some(nil), false) }
          state.reader = continuation
          return (nil, false)
        }
        if mustResume { perform(.resumeReading) }
        if let message { continuation.resume(returning: message) }
      }
    } onCancel: {
      let reader = state.withLock { state in
        defer { state.reader = nil }
        return state.reader
      }
      reader?.resume(returning: nil)
    }
  }

  /// How the connection ended; nil while it has not. ``WebSocketCloseCode/abnormal`` if there was no close frame.
  public var closeFrame: WebSocketClose? { state.withLock { $0.end } }

  // MARK: Sending

  /// - Throws: ``WebSocketSendError``
  public func send(text: String) throws { try send(.text, Array(text.utf8)) }

  /// - Parameter text: UTF-8.
  /// - Throws: ``WebSocketSendError``
  public func send(text: [UInt8]) throws { try send(.text, text) }

  /// - Throws: ``WebSocketSendError``
  public func send(binary: [UInt8]) throws { try send(.binary, binary) }

  /// - Throws: ``WebSocketSendError``
  public func send(_ message: WebSocketMessage) throws {
    switch message {
    case .text(let bytes): try send(.text, bytes)
    case .binary(let bytes): try send(.binary, bytes)
    }
  }

  /// - Parameter payload: at most 125 bytes.
  /// - Throws: ``WebSocketSendError``
  public func ping(_ payload: [UInt8] = []) throws { try send(.ping, payload) }

  private func send(_ opcode: WebSocketOpcode, _ payload: [UInt8]) throws {
    try send(raw: WebSocketEncoder.serverFrame(opcode, payload))
  }

  /// Bytes as they are, for a server that is to break the protocol.
  /// - Throws: ``WebSocketSendError``
  package func send(raw frame: [UInt8]) throws {
    try state.withLock { state in
      guard !state.isClosing, state.end == nil else { throw WebSocketSendError.closed }
      guard state.pendingBytes + frame.count <= options.maximumPendingBytes else { throw WebSocketSendError.overflow }
      state.pendingBytes += frame.count
      // Inside the lock, so that the order of acceptance is the order on the wire.
      perform(.send(frame))
    }
  }

  /// Bytes accepted and not yet taken by the system.
  public var pendingBytes: Int { state.withLock { $0.pendingBytes } }

  /// Returns once at most half of the permitted bytes wait to be sent, or the connection has ended.
  public func drained() async {
    await withCheckedContinuation { continuation in
      let isDrained = state.withLock { state in
        if state.end != nil || state.pendingBytes <= options.maximumPendingBytes / 2 { return true }
        state.drainWaiters.append(continuation)
        return false
      }
      if isDrained { continuation.resume() }
    }
  }

  /// Begins the close handshake after everything accepted so far. Does nothing if closing has begun.
  /// - Parameter reason: cut to 123 bytes at a character's edge.
  public func close(_ code: WebSocketCloseCode = .normal, reason: String = "") {
    state.withLock { state in
      guard !state.isClosing, state.end == nil else { return }
      state.isClosing = true
      perform(.close(WebSocketClose(code: code, reason: reason)))
    }
  }

  /// Cuts the TCP connection at once, without a close frame; what waits to be sent is lost.
  public func abort() {
    state.withLock { state in
      guard state.end == nil else { return }
      state.isClosing = true
      perform(.abort)
    }
  }

  // MARK: The connection's side

  /// Whether the handler receives, and so learns of the end by itself.
  var hasReader: Bool { state.withLock { $0.hasReader } }

  /// - Returns: whether the connection should stop reading until ``Command/resumeReading``.
  func received(_ message: WebSocketMessage) -> Bool {
    let (reader, mustPause) = state.withLock { state -> (CheckedContinuation<WebSocketMessage?, Never>?, Bool) in
      guard state.end == nil else { return (nil, false) }
      if let reader = state.reader {
        state.reader = nil
        return (reader, false)
      }
      state.received.append(message)
      state.receivedBytes += message.bytes.count + State.messageCost
      if state.receivedBytes >= options.maximumReceivedBytes { state.isPaused = true }
      return (nil, state.isPaused)
    }
    reader?.resume(returning: message)
    return mustPause
  }

  /// The peer has begun to close: nothing can be sent any more.
  func closing() { state.withLock { $0.isClosing = true } }

  /// The connection itself has bytes to send: its own frames and the answer to the opening request.
  func willSend(_ count: Int) { state.withLock { $0.pendingBytes += count } }

  /// The system took bytes.
  func sent(_ count: Int) {
    let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      state.pendingBytes = max(0, state.pendingBytes - count)
      guard state.pendingBytes <= options.maximumPendingBytes / 2 else { return [] }
      defer { state.drainWaiters = [] }
      return state.drainWaiters
    }
    for waiter in waiters { waiter.resume() }
  }

  /// The connection is gone. Messages that arrived before can still be received.
  func ended(_ end: WebSocketClose) {
    let (reader, waiters) = state.withLock { state in
      if state.end == nil { state.end = end }
      state.isClosing = true
      state.pendingBytes = 0
      defer {
        state.reader = nil
        state.drainWaiters = []
      }
      return (state.reader, state.drainWaiters)
    }
    reader?.resume(returning: nil)
    for waiter in waiters { waiter.resume() }
  }
}

extension WebSocketServerConnection.State {
  /// Counted for each waiting message beside its bytes, so that empty ones are bounded too.
  fileprivate static let messageCost = 64

  fileprivate mutating func take(lowWater: Int) -> (WebSocketMessage, mustResume: Bool)? {
    guard firstReceived < received.count else { return nil }
    let message = received[firstReceived]
    received[firstReceived] = .binary([])
    firstReceived += 1
    if firstReceived == received.count {
      received.removeAll(keepingCapacity: true)
      firstReceived = 0
    }
    receivedBytes -= message.bytes.count + Self.messageCost
    let mustResume = isPaused && receivedBytes <= lowWater
    if mustResume { isPaused = false }
    return (message, mustResume)
  }
}
