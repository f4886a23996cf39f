/// What a ``WebSocketClient`` tells its owner, on its loop.
public enum WebSocketClientEvent {
  public enum Kind: Sendable, Equatable { case text, binary }

  /// The server has agreed; with the fields of its answer. Messages may be sent from now on.
  case connected(HTTPHeaders)
  /// A whole message, text being valid UTF-8. The memory ends with the call.
  case message(Kind, UnsafeBufferPointer<UInt8>)
  /// The last event, exactly once, whatever happens.
  case closed(WebSocketClientEnd)
}

/// How a connection ended.
public enum WebSocketClientEnd: Sendable, Equatable {
  /// The server closed it. ``WebSocketCloseCode/noCode`` if it gave no code.
  case byPeer(WebSocketClose)
  /// ``WebSocketClient/close(_:)`` closed it, whether or not the server answered in time; with what was sent.
  case here(WebSocketClose)
  /// ``WebSocketClient/abort()`` cut it.
  case aborted
  case failed(WebSocketClientError)
}

/// Why a WebSocket could not be opened or broke off.
public enum WebSocketClientError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The URL or a header field cannot be sent.
  case invalidRequest(String)
  case cannotResolve(String)
  case cannotConnect(String)
  case tls(String)
  /// It was not open in time; connecting, TLS and the opening handshake together.
  case connectTimeout
  /// The server answered the opening request with another status than 101.
  case refused(status: Int)
  /// The server's answer does not open a WebSocket.
  case handshake(String)
  /// The server broke the protocol, or sent more than is allowed.
  case protocolViolation(WebSocketProtocolError)
  /// The connection ended without a close frame.
  case connectionLost(String)
  /// The server does not read: more than the limit in bytes waits to be sent.
  case sendBufferFull(limit: Int)
  /// The library or the system failed.
  case failed(String)

  public var description: String {
    switch self {
    case .invalidRequest(let text): "the request is invalid: \(text)"
    case .cannotResolve(let text): "the host's name cannot be resolved: \(text)"
    case .cannotConnect(let text): "no connection: \(text)"
    case .tls(let text): "TLS failed: \(text)"
    case .connectTimeout: "opening took too long"
    case .refused(let status): "the server answered \(status) instead of opening a WebSocket"
    case .handshake(let text): "the server's answer opens no WebSocket: \(text)"
    case .protocolViolation(let error): "the server broke the protocol: \(error)"
    case .connectionLost(let text): "the connection was lost: \(text)"
    case .sendBufferFull(let limit): "the server does not read: more than \(limit) bytes wait"
    case .failed(let text): "\(text)"
    }
  }
}
