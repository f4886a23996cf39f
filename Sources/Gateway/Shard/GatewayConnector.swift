import Platform

/// What carries the gateway's messages: a WebSocket, or a script in tests. Used on one event loop only.
public protocol GatewaySocket: AnyObject {
  /// - Parameter text: valid UTF-8.
  func send(_ text: [UInt8])
  func close(_ code: GatewayCloseCode)
}

public enum GatewaySocketEvent {
  case connected
  /// A whole message. The memory ends with the call.
  case message(UnsafeBufferPointer<UInt8>)
  /// The last event, exactly once. The code is nil if the connection could not be made or broke; `fault` is set if that
  /// was because the server did not keep to the protocol.
  case closed(GatewayCloseCode?, reason: String, fault: GatewayFault? = nil)
}

public protocol GatewayConnector: Sendable {
  /// Starts to connect. Called on the loop, and so is the handler, never before this returns.
  func connect(
    to url: String, on loop: EventLoop, handler: @escaping @Sendable (GatewaySocketEvent) -> Void
  ) -> any GatewaySocket
}
