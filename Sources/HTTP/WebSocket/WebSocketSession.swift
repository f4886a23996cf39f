import Platform

/// What an ``HTTPServerConnection`` holds once it has become a WebSocket.
struct WebSocketSession {
  let options: WebSocketOptions
  let consumer: WebSocketConsumer
  /// Nil while it is at work: it is taken out, so that its buffers are not copied.
  var decoder: WebSocketDecoder?
  var state = WebSocketConnectionState(role: .server)
  var timer: EventLoop.Timer?
  var hasEnded = false

  init(options: WebSocketOptions, consumer: WebSocketConsumer) {
    self.options = options
    self.consumer = consumer
    decoder = WebSocketDecoder(role: .server, limits: .init(messageSize: options.maximumMessageSize))
  }
}

extension HTTPServerConnection {
  /// Pongs are left out while this many bytes wait: only the latest ping needs an answer (RFC 6455 section 5.5.3).
  private static let pongLimit = 64 << 10

  func receiveFrames(_ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty, let consumer = socket?.consumer, var decoder = socket?.decoder else { return }
    socket?.decoder = nil
    var mustPause = false
    var close: WebSocketClose?
    var failure: WebSocketProtocolError?
    do throws(WebSocketProtocolError) {
      try decoder.decode(bytes) { event in
        // Asked each time: a listener may close in the middle.
        guard let state = socket?.state, state.receives else { return }
        switch event {
        case .text(let payload): if receive(.text, payload, consumer, state) { mustPause = true }
        case .binary(let payload): if receive(.binary, payload, consumer, state) { mustPause = true }
        case .ping(let payload):
          if state.isOpen, tcp.pendingBytes < Self.pongLimit {
            send(frame: WebSocketEncoder.serverFrame(.pong, payload))
          }
          consumer.receivedControl()
        case .pong: consumer.receivedControl()
        case .close(let frame): close = frame
        }
      }
    } catch {
      failure = error
    }
    if case .listener = consumer { decoder.releaseMemory() }
    socket?.decoder = decoder
    if mustPause { setReading(false) }
    if let close {
      consumer.closing()
      perform { $0.received(close) }
      // Both have said all: nothing is left to wait for.
      closeAfterWriting()
      tellEnd(close)
    } else if let failure {
      consumer.closing()
      perform { $0.failed(failure) }
      tellEnd(WebSocketClose(code: failure.code, reason: failure.message))
    }
  }

  /// - Returns: whether the connection should stop reading.
  private func receive(
    _ kind: WebSocketListenerMessage, _ payload: UnsafeRawBufferPointer, _ consumer: WebSocketConsumer,
    _ state: WebSocketConnectionState
  ) -> Bool {
    // A listener that closes wants no more; a task may still take what the peer sent before it heard of the closing.
    if case .listener = consumer, !state.isOpen { return false }
    return consumer.received(kind, payload)
  }

  private func send(frame: [UInt8]) {
    socket?.consumer.willSend(frame.count)
    write(frame)
  }

  /// A listener's frames.
  func send(_ frames: [WebSocketFrame]) {
    guard socket?.state.isOpen == true else { return }
    if frames.count == 1 { write(frames[0].bytes) } else { write(frames.map(\.bytes)) }
  }

  /// A listener closes.
  func closeSocket(_ close: WebSocketClose) { perform { $0.close(close) } }

  /// The server ends.
  func goAway() {
    switch socket?.consumer {
    case .task(let connection, _): connection.close(.goingAway)
    case .listener: closeSocket(WebSocketClose(code: .goingAway, reason: "the server stops"))
    case nil: break
    }
  }

  /// What handlers asked for since the last turn.
  func performCommands() {
    guard case .task(_, let queue) = socket?.consumer else { return }
    var frames: [UInt8] = []
    for command in queue.takeAll() {
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
        tellEnd(close)
      }
    }
  }

  /// The first word about the end is the one that counts.
  private func tellEnd(_ close: WebSocketClose) {
    guard let session = socket, !session.hasEnded else { return }
    socket?.hasEnded = true
    switch session.consumer {
    case .task(let connection, _): connection.ended(close)
    case .listener(let listener): listener.ended(close)
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
