/// Who has closed, who answers, and when the TCP connection ends (RFC 6455 section 7): the same for both sides.
public struct WebSocketConnectionState: Sendable {
  public enum Action: Sendable, Equatable {
    case send(WebSocketClose)
    /// Start the driver's limit for the peer's part of the closing; when it is over call ``timedOut()``.
    case startTimeout
    /// End the TCP connection after what was sent.
    case endTransport
    /// The connection is over; told once.
    case ended(WebSocketClose)
  }

  private enum Phase {
    case open, closeSent, closeReceived, over
  }

  private let role: WebSocketEncoder.Role
  private var phase = Phase.open
  private var result = WebSocketClose(code: .abnormal)

  public init(role: WebSocketEncoder.Role) { self.role = role }

  /// Whether messages may still be sent.
  public var isOpen: Bool { phase == .open }

  /// Whether messages that arrive still count.
  public var receives: Bool { phase == .open || phase == .closeSent }

  /// This side wants to close.
  public mutating func close(_ close: WebSocketClose) -> [Action] {
    guard phase == .open else { return [] }
    phase = .closeSent
    return [.send(close), .startTimeout]
  }

  /// The peer's close frame arrived.
  public mutating func received(_ close: WebSocketClose) -> [Action] {
    guard receives else { return [] }
    result = close
    var actions: [Action] = []
    // The answer carries the same code; a peer that gave none gets none.
    if phase == .open { actions.append(.send(WebSocketClose(code: close.code))) }
    phase = .closeReceived
    // The server closes TCP first, so that waiting connections in TIME_WAIT are its own (section 7.1.1).
    actions.append(role == .server ? .endTransport : .startTimeout)
    return actions
  }

  /// The peer broke the protocol: it is told why, and the connection ends without waiting.
  public mutating func failed(_ error: WebSocketProtocolError) -> [Action] {
    guard receives else { return [] }
    var actions: [Action] = []
    if phase == .open { actions.append(.send(WebSocketClose(code: error.code, reason: error.message))) }
    if result.code == .abnormal { result = WebSocketClose(code: error.code, reason: error.message) }
    phase = .closeReceived
    return actions + [.endTransport]
  }

  /// The peer did not finish its part of the closing in time.
  public mutating func timedOut() -> [Action] { phase == .open || phase == .over ? [] : over(andEnd: true) }

  /// The TCP connection is gone, or this side cut it.
  public mutating func transportEnded() -> [Action] { phase == .over ? [] : over(andEnd: false) }

  private mutating func over(andEnd: Bool) -> [Action] {
    phase = .over
    return (andEnd ? [.endTransport] : []) + [.ended(result)]
  }
}
