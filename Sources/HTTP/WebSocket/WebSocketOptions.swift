/// The bounds of one WebSocket.
public struct WebSocketOptions: Sendable {
  /// The most bytes of one incoming message; more closes with 1009.
  public var maximumMessageSize: Int
  /// The most bytes that wait to be sent; a send beyond it throws ``WebSocketSendError/overflow``.
  public var maximumPendingBytes: Int
  /// The most bytes of messages that wait to be received; beyond it the connection stops reading.
  public var maximumReceivedBytes: Int
  /// Subprotocols in order of preference. The first that the client offers too is agreed; none if there is none.
  public var subprotocols: [String]
  /// How long a close handshake may take before the connection is cut.
  public var closeTimeout: Duration

  public init(
    maximumMessageSize: Int = 1 << 20, maximumPendingBytes: Int = 4 << 20, maximumReceivedBytes: Int = 1 << 18,
    subprotocols: [String] = [], closeTimeout: Duration = .seconds(5)
  ) {
    self.maximumMessageSize = maximumMessageSize
    self.maximumPendingBytes = maximumPendingBytes
    self.maximumReceivedBytes = maximumReceivedBytes
    self.subprotocols = subprotocols
    self.closeTimeout = closeTimeout
  }
}

public enum WebSocketSendError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Closing has begun or the connection is gone.
  case closed
  /// The peer reads too slowly: this message was not accepted, those before it were.
  case overflow

  public var description: String {
    switch self {
    case .closed: "the WebSocket is closed"
    case .overflow: "the peer of the WebSocket does not keep up"
    }
  }
}
