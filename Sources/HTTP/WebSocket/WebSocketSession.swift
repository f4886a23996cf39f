import Platform
import Synchronization

/// What an ``HTTPServerConnection`` holds once it has become a WebSocket.
struct WebSocketSession {
  let connection: WebSocketServerConnection
  let options: WebSocketOptions
  var decoder: WebSocketDecoder
  var state = WebSocketConnectionState(role: .server)
  var timer: EventLoop.Timer?
  fileprivate let commands: CommandQueue

  /// Commands given between two turns of the loop wake it once.
  fileprivate final class CommandQueue: Sendable {
    private let stored = Mutex<[WebSocketServerConnection.Command]>([])

    /// - Returns: whether the queue was empty.
    func append(_ command: WebSocketServerConnection.Command) -> Bool {
      stored.withLock { commands in
        commands.append(command)
        return commands.count == 1
      }
    }

    func takeAll() -> [WebSocketServerConnection.Command] {
      stored.withLock { commands in
        defer { commands = [] }
        return commands
      }
    }
  }

  init(
    options: WebSocketOptions, remoteAddress: SocketAddress, subprotocol: String?,
    wake: @escaping @Sendable () -> Void
  ) {
    self.options = options
    decoder = WebSocketDecoder(role: .server, limits: .init(messageSize: options.maximumMessageSize))
    let commands = CommandQueue()
    self.commands = commands
    connection = WebSocketServerConnection(remoteAddress: remoteAddress, subprotocol: subprotocol, options: options) {
      if commands.append($0) { wake() }
    }
  }
}

extension HTTPServerConnection {
  /// Pongs are left out while this many bytes wait: only the latest ping needs an answer (RFC 6455 section 5.5.3).
  private static let pongLimit = 64 << 10

  func receiveFrames(_ bytes: UnsafeRawBufferPointer) {
    guard var session = socket else { return }
    // Taken out for the call, so that the decoder's buffers are not copied.
    socket?.decoder = WebSocketDecoder(role: .server, limits: .init(messageSize: 0))
    var mustPause = false
    var pongs: [[UInt8]] = []
    var close: WebSocketClose?
    var failure: WebSocketProtocolError?
    let receives = session.state.receives
    do throws(WebSocketProtocolError) {
      try session.decoder.decode(bytes) { event in
        guard receives else { return }
        switch event {
        case .text(let payload): if session.connection.received(.text(Array(payload))) { mustPause = true }
        case .binary(let payload): if session.connection.received(.binary(Array(payload))) { mustPause = true }
        case .ping(let payload): pongs.append(WebSocketEncoder.serverFrame(.pong, payload))
        case .pong: break
        case .close(let frame): close = frame
        }
      }
    } catch {
      failure = error
    }
    socket?.decoder = session.decoder
    for pong in pongs where session.state.isOpen && tcp.pendingBytes < Self.pongLimit { send(frame: pong) }
    if mustPause { setReading(false) }
    if let close {
      session.connection.closing()
      perform { $0.received(close) }
      // Both have said all: nothing is left to wait for.
      closeAfterWriting()
      socket?.connection.ended(close)
    } else if let failure {
      session.connection.closing()
      perform { $0.failed(failure) }
      socket?.connection.ended(WebSocketClose(code: failure.code, reason: failure.message))
    }
  }

  private func send(frame: [UInt8]) {
    socket?.connection.willSend(frame.count)
    write(frame)
  }

  /// What handlers asked for since the last turn.
  func performCommands() {
    guard let session = socket else { return }
    var frames: [UInt8] = []
    for command in session.commands.takeAll() {
      if case .send(let frame) = command {
        // One write for all that goes out together.
        if frames.isEmpty { frames = frame } else { frames += frame }
        continue
      }
      write(frames)
      frames = []
      switch command {
      case .send: break
      case .close(let close): perform { $0.close(close) }
      case .abort:
        tcp.abort()
        transportEnded()
      case .resumeReading: setReading(true)
      }
    }
    write(frames)
  }

  /// The TCP connection ended in either way.
  func transportEnded() {
    perform { $0.transportEnded() }
    tcp.close()
  }

  private func perform(_ change: (inout WebSocketConnectionState) -> [WebSocketConnectionState.Action]) {
    guard var state = socket?.state else { return }
    let actions = change(&state)
    socket?.state = state
    for action in actions {
      switch action {
      case .send(let close): send(frame: WebSocketEncoder(role: .server).close(close))
      case .startTimeout: startTimeout()
      case .endTransport:
        // The peer closes after it has read this; until then what it sends is swallowed.
        tcp.finishWriting()
        setReading(true)
        startTimeout()
      case .ended(let close):
        socket?.timer?.cancel()
        socket?.connection.ended(close)
      }
    }
  }

  private func startTimeout() {
    guard let session = socket, session.timer == nil else { return }
    // A peer that closes has to be heard, even if nobody receives its messages.
    setReading(true)
    socket?.timer = loop.schedule(after: session.options.closeTimeout) { [weak self] in
      guard let self else { return }
      self.assumeIsolated { connection in
        connection.perform { $0.timedOut() }
        connection.tcp.abort()
      }
    }
  }
}
