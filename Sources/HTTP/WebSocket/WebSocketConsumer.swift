import Platform
import Synchronization

/// Who gets what comes over one WebSocket: a task that receives, or a listener on the loop.
enum WebSocketConsumer {
  case task(WebSocketServerConnection, CommandQueue)
  case listener(any WebSocketListener)

  /// Commands given between two turns of the loop wake it once.
  final class CommandQueue: Sendable {
    private let stored = Mutex<[WebSocketServerConnection.Command]>([])

    /// - Returns: whether the queue was empty.
    fileprivate func append(_ command: WebSocketServerConnection.Command) -> Bool {
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

  static func task(
    options: WebSocketOptions, remoteAddress: SocketAddress, subprotocol: String?, wake: @escaping @Sendable () -> Void
  ) -> (WebSocketConsumer, WebSocketServerConnection) {
    let commands = CommandQueue()
    let connection = WebSocketServerConnection(
      remoteAddress: remoteAddress, subprotocol: subprotocol, options: options
    ) {
      if commands.append($0) { wake() }
    }
    return (.task(connection, commands), connection)
  }

  /// Whether somebody receives, and so learns of the end without being cancelled.
  var hasReader: Bool {
    switch self {
    case .task(let connection, _): connection.hasReader
    case .listener: true
    }
  }

  /// - Returns: whether the connection should stop reading.
  func received(_ kind: WebSocketListenerMessage, _ payload: UnsafeRawBufferPointer) -> Bool {
    switch self {
    case .task(let connection, _):
      return connection.received(kind == .text ? .text(Array(payload)) : .binary(Array(payload)))
    case .listener(let listener):
      listener.received(kind, BorrowedBytes(payload))
      return false
    }
  }

  func receivedControl() {
    if case .listener(let listener) = self { listener.receivedControl() }
  }

  /// The connection itself has bytes to send.
  func willSend(_ count: Int) {
    if case .task(let connection, _) = self { connection.willSend(count) }
  }

  /// The system took bytes.
  func sent(_ count: Int) {
    if case .task(let connection, _) = self { connection.sent(count) }
  }

  /// The peer has begun to close.
  func closing() {
    if case .task(let connection, _) = self { connection.closing() }
  }
}
