import Platform

/// Connects to the gateway by WebSocket.
public struct WebSocketConnector: GatewayConnector {
  private let configuration: WebSocketClient.Configuration

  public init(configuration: WebSocketClient.Configuration = .init()) { self.configuration = configuration }

  public func connect(
    to url: String, on loop: EventLoop, handler: @escaping @Sendable (GatewaySocketEvent) -> Void
  ) -> any GatewaySocket {
    Socket(
      client: WebSocketClient.connect(to: url, on: loop, configuration: configuration) { event in
        switch event {
        case .connected: handler(.connected)
        case .message(_, let payload): handler(.message(payload))
        case .closed(.byPeer(let close)):
          let code = close.code == .noCode ? nil : GatewayCloseCode(rawValue: close.code.rawValue)
          handler(.closed(code, reason: close.reason))
        case .closed(.here(let close)): handler(.closed(nil, reason: "closed here with \(close.code)"))
        case .closed(.aborted): handler(.closed(nil, reason: "aborted"))
        case .closed(.failed(let error)):
          handler(.closed(nil, reason: error.description, fault: Self.fault(error)))
        }
      })
  }

  private static func fault(_ error: WebSocketClientError) -> GatewayFault? {
    switch error {
    case .handshake: .handshake
    case .protocolViolation(let violation):
      switch violation.code {
      case .invalidPayload: .invalidUTF8
      case .messageTooBig: .tooLarge
      default: .frame
      }
    default: nil
    }
  }

  private final class Socket: GatewaySocket {
    private let client: WebSocketClient

    init(client: WebSocketClient) { self.client = client }

    /// What cannot be sent is lost with its connection, and the end of that is an event of its own.
    func send(_ text: [UInt8]) { client.send(text: text) }

    func close(_ code: GatewayCloseCode) {
      client.close(WebSocketClose(code: WebSocketCloseCode(rawValue: code.rawValue)))
    }
  }
}
